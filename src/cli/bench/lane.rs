//! One connection under load: messages go out as the course has it, and answers come in the order of their messages.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use super::connection::{Connection, Lost};
use super::course::Course;
use super::mix::Method;

/// A connection and what it has under way.
#[derive(Debug)]
pub struct Lane {
    number: usize,
    course: Rc<Course>,
    connection: Connection,
    under_way: VecDeque<Sent>,
    /// How many messages that is.
    waiting: usize,
    /// Messages sent, those of the warm-up among them.
    sent: usize,
    /// Messages that are to be counted and still to be sent, where they are numbered.
    left: Option<u64>,
    added: u64,
    /// Whether it has been seen that nothing more will be due.
    is_ending: bool,
    /// Of each method, the number of the id it asks about next.
    next: [u64; Method::ALL.len()],
}

/// Messages sent together, which have not been answered yet.
#[derive(Debug)]
struct Sent {
    /// When they were sent, or were due to be.
    at: Instant,
    messages: usize,
}

impl Lane {
    pub fn new(number: usize, course: Rc<Course>, connection: Connection) -> Self {
        let left = course.share(number);
        Self {
            number,
            course,
            connection,
            under_way: VecDeque::new(),
            waiting: 0,
            sent: 0,
            left,
            added: 0,
            is_ending: false,
            next: [0; Method::ALL.len()],
        }
    }

    /// Sends and receives until the course is over and all is answered, or the connection is lost.
    pub async fn run(mut self) {
        let ended = self.run_to_end().await;
        let mut tally = self.course.tally.borrow_mut();
        if let Err(lost) = ended {
            tally.lose(lost);
        }
        if let Some(rate) = self.course.plan.rate.filter(|_| self.left != Some(0)) {
            tally.unsent += self.course.missed(rate, self.number, self.sent);
        }
    }

    async fn run_to_end(&mut self) -> Result<(), Lost> {
        loop {
            let now = Instant::now();
            self.send(now);
            if self.waiting == 0 && (self.left == Some(0) || self.course.is_over(now)) {
                return Ok(());
            }
            self.turn().await?;
        }
    }

    /// Waits until something has come, or is due.
    async fn turn(&mut self) -> Result<(), Lost> {
        let Self { number, course, connection, under_way, waiting, .. } = self;
        let mut heard_at = None;
        let told = |message: &[u8]| {
            let Some(first) = under_way.front_mut() else { return };
            let now = *heard_at.get_or_insert_with(Instant::now);
            first.messages -= 1;
            *waiting -= 1;
            let mut tally = course.tally.borrow_mut();
            tally.heard += 1;
            if first.at >= course.counted_from {
                tally.answer(now.saturating_duration_since(first.at), message);
            }
            if first.messages == 0 {
                under_way.pop_front();
            }
        };
        let read = tokio::select! {
            biased;
            read = connection.turn(&course.buffer, told) => read?,
            () = course.due[*number].notified(), if course.plan.rate.is_some() => 0,
        };
        if let Some(heard_at) = heard_at.filter(|at| *at >= course.counted_from) {
            let mut tally = course.tally.borrow_mut();
            tally.bytes_received += read as u64;
            tally.last_answer = heard_at;
        }
        Ok(())
    }

    fn send(&mut self, now: Instant) {
        let room = self.course.plan.in_flight - self.waiting;
        match (self.course.plan.rate, self.course.until().filter(|until| now >= *until)) {
            (None, None) => self.send_as_answered(now, room),
            (Some(rate), None) => self.send_as_due(now, room, rate),
            // What fell due just before the end was seen is not late yet.
            (Some(rate), Some(until)) if !self.is_ending => {
                self.is_ending = true;
                self.send_as_due(until, room, rate);
            }
            _ => {}
        }
    }

    /// A closed loop: whatever was answered is followed by as many.
    fn send_as_answered(&mut self, now: Instant, room: usize) {
        let left = self.left.filter(|_| now >= self.course.counted_from);
        let messages = left.map_or(room, |left| room.min(usize::try_from(left).unwrap_or(usize::MAX)));
        if messages > 0 {
            self.push(now, messages);
        }
    }

    /// An open loop: what is due is sent, however late the answers are.
    fn send_as_due(&mut self, until: Instant, room: usize, rate: f64) {
        for _ in 0..room {
            let at = self.course.due_at(rate, self.number, self.sent);
            if at >= until || self.left == Some(0) {
                break;
            }
            self.push(at, 1);
        }
    }

    /// Puts messages where they will be sent from.
    fn push(&mut self, at: Instant, messages: usize) {
        let mut bytes = 0;
        for _ in 0..messages {
            bytes += self.push_next();
        }
        self.waiting += messages;
        self.under_way.push_back(Sent { at, messages });
        let mut tally = self.course.tally.borrow_mut();
        tally.asked += messages as u64;
        if at >= self.course.counted_from {
            self.left = self.left.map(|left| left - messages as u64);
            tally.sent += messages as u64;
            tally.bytes_sent += bytes as u64;
        }
    }

    fn push_next(&mut self) -> usize {
        let course = &self.course;
        let order = course.plan.mix.order();
        // Lanes begin at different places, else all would send the same at the same time.
        let method = order[(self.sent + self.number) % order.len()];
        let next = &mut self.next[method as usize];
        if method != Method::Add && course.asks_for_its_own && *next >= self.added {
            *next = 0;
        }
        let id = course.id(self.number, *next);
        *next += 1;
        self.added += u64::from(method == Method::Add);
        let reference = self.sent as u64;
        self.sent += 1;
        course.frames.push(&mut self.connection.out, method, id, reference)
    }
}

//! What all lanes go by: when to send, for how long, and what has come of it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::frames::Frames;
use super::mix::{Method, Mix};
use super::tally::Tally;

/// How load is made.
#[derive(Debug)]
pub struct Plan {
    pub lanes: usize,
    /// Messages that a lane may have under way.
    pub in_flight: usize,
    pub mix: Mix,
    pub app_id: String,
    /// Where ids begin; and how many of them there are, if not one for each message.
    pub prefix: String,
    pub ids: Option<u64>,
    pub warm_up: Duration,
    pub length: Length,
    /// Messages a second, due by the clock; else as many as are answered.
    pub rate: Option<f64>,
}

/// How long it takes, behind the warm-up.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    Time(Duration),
    Messages(u64),
}

/// A plan under way.
#[derive(Debug)]
pub struct Course {
    pub plan: Plan,
    pub frames: Frames,
    pub begin: Instant,
    /// What is sent, or due, from here on counts.
    pub counted_from: Instant,
    /// Nothing is sent from here on.
    until: Cell<Option<Instant>>,
    /// Whether ids are asked about that the lane has added, for there are no others.
    pub asks_for_its_own: bool,
    pub tally: RefCell<Tally>,
    /// One for all lanes: what was read is made use of before another lane reads.
    pub buffer: RefCell<Vec<u8>>,
    /// Of an open loop: one a lane, to wake it when something is due.
    pub due: Vec<Notify>,
}

impl Course {
    /// Begins it.
    pub fn begin(plan: Plan) -> Self {
        let begin = Instant::now();
        let counted_from = begin + plan.warm_up;
        let until = match plan.length {
            Length::Time(length) => Some(counted_from + length),
            Length::Messages(_) => None,
        };
        Self {
            frames: Frames::new(&plan.app_id, &plan.prefix),
            begin,
            counted_from,
            until: Cell::new(until),
            tally: RefCell::new(Tally::new(counted_from)),
            buffer: RefCell::new(vec![0; 64 * 1_024]),
            asks_for_its_own: plan.ids.is_none() && plan.mix.has(Method::Add),
            due: (0..plan.lanes).map(|_| Notify::new()).collect(),
            plan,
        }
    }

    /// Ends it early: what is under way is still waited for.
    pub fn stop(&self) {
        self.until.set(Some(Instant::now()));
        self.due.iter().for_each(Notify::notify_one);
    }

    /// Whether nothing is sent any more at this moment.
    pub fn is_over(&self, now: Instant) -> bool {
        self.until.get().is_some_and(|until| now >= until)
    }

    pub fn until(&self) -> Option<Instant> {
        self.until.get()
    }

    /// Whether answers are due.
    pub fn has_under_way(&self) -> bool {
        let tally = self.tally.borrow();
        tally.heard < tally.asked
    }

    /// Messages that a lane has to send behind the warm-up, where they are numbered.
    pub fn share(&self, lane: usize) -> Option<u64> {
        match self.plan.length {
            Length::Time(_) => None,
            Length::Messages(messages) => Some(nth_share(messages, lane, self.plan.lanes)),
        }
    }

    /// When a lane's message of this number is due, in an open loop: messages go to the lanes in turn.
    pub fn due_at(&self, rate: f64, lane: usize, number: usize) -> Instant {
        let number = number * self.plan.lanes + lane;
        self.begin + Duration::from_secs_f64(number as f64 / rate)
    }

    /// Messages that were due on a lane before the end and would have counted, of those from this number on.
    pub fn missed(&self, rate: f64, lane: usize, from: usize) -> u64 {
        let end = self.until.get().unwrap_or(self.begin);
        let is_due = |number: &usize| self.due_at(rate, lane, *number) < end;
        let missed = (from..).take_while(is_due);
        missed.filter(|number| self.due_at(rate, lane, *number) >= self.counted_from).count() as u64
    }

    /// The sign-up id of a lane's message of this number: no two lanes have the same, as long as there are enough.
    pub fn id(&self, lane: usize, number: u64) -> u64 {
        (number * self.plan.lanes as u64 + lane as u64) % self.plan.ids.unwrap_or(super::frames::IDS_MAX)
    }
}

/// What one of several gets of a number dealt out in turn.
fn nth_share(number: u64, nth: usize, of: usize) -> u64 {
    (number + (of - 1 - nth) as u64) / of as u64
}

#[cfg(test)]
mod tests {
    use super::nth_share;

    #[test]
    fn shares_come_to_the_whole() {
        for (number, of) in [(0, 3), (1, 3), (10, 3), (12, 4), (3, 5)] {
            let shares: Vec<u64> = (0..of).map(|nth| nth_share(number, nth, of)).collect();
            assert_eq!(shares.iter().sum::<u64>(), number, "{shares:?}");
            assert!(shares.is_sorted_by(|a, b| a >= b) && shares[0] - shares[of - 1] <= 1, "{shares:?}");
        }
    }
}

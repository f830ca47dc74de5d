//! How a replay receives: each mode has its way to find the line that a frame belongs to.

use tokio::time::Instant;

use super::Action;
use super::came::Came;
use super::connection::Connection;
use super::exchange::{Frame, Way};
use super::failure::{Fault, Instead, Nearest, ReplayError};
use super::nearest::{is_akin, nearest};
use super::options::Mode;
use super::order::{Order, order};
use super::replay::{Line, Replay};
use super::watch::Watch;
use crate::config::{
    TRANSCRIPT_FRAMES_ARRIVED_MAX, TRANSCRIPT_FRAMES_PASSED_MAX, TRANSCRIPT_GATHER_WAIT, TRANSCRIPT_NEAREST_WINDOW,
};

/// What a replay does about a fault that it was forgiven.
enum Amends {
    /// Takes the frame that came for the one expected.
    Take,
    /// Goes without the frame expected.
    Without,
    /// Drops the frame that came.
    Drop,
    /// Takes the frame that came for the one that is expected at this place.
    TakeFor(usize),
}

impl<W: Watch> Replay<'_, W> {
    /// Waits for a frame of the connection whose line is the first that is pending.
    pub(super) async fn settle_one(&mut self) -> Result<(), Box<ReplayError>> {
        let line = self.pending.front().expect("one line at least is pending").clone();
        match self.options.mode {
            Mode::Strict => self.settle_strictly(line).await,
            Mode::Ordered => self.settle_in_order(line).await,
            Mode::AnyOrder => self.settle_in_any_order(line).await,
        }
    }

    async fn settle_strictly(&mut self, line: Line) -> Result<(), Box<ReplayError>> {
        let Some(came) = self.next(&line, self.deadline(&line)).await? else {
            return self.amend(&line, self.silence(&line), Amends::Without, None);
        };
        match came.judged(&line.step, self.context()) {
            Ok(bound) => {
                self.bindings.extend(bound);
                self.met(0, &came.frame);
                Ok(())
            }
            Err(fault) => self.sort_out(line, came, fault).await,
        }
    }

    async fn settle_in_order(&mut self, line: Line) -> Result<(), Box<ReplayError>> {
        let deadline = self.deadline(&line);
        while let Some(came) = self.next(&line, deadline).await? {
            if let Some(bound) = came.fits(&line.step, self.context()) {
                self.bindings.extend(bound);
                self.met(0, &came.frame);
                return Ok(());
            }
            if let Frame::Close(_) = came.frame {
                return self.ended(&line, came);
            }
            self.summary.passed_over += 1;
            let others = &mut self.opened(&line).others;
            others.push_back((line.step.line, came));
            if others.len() > TRANSCRIPT_FRAMES_PASSED_MAX {
                others.pop_front();
            }
        }
        let context = self.context();
        let others = &self.open[&line.step.on].others;
        let early = others.iter().position(|(_, came)| came.fits(&line.step, context).is_some());
        match early.and_then(|place| self.opened(&line).others.remove(place)) {
            // A frame of this very line was waited for and did not fit, so another line was waited for then.
            Some((before, came)) => {
                let fault = Fault::Reordered { line: before, actual: came.frame.clone() };
                self.amend(&line, fault, Amends::Take, Some(came))
            }
            None => self.give_up(&line),
        }
    }

    async fn settle_in_any_order(&mut self, line: Line) -> Result<(), Box<ReplayError>> {
        let others = self.open[&line.step.on].others.iter();
        let mut early = others.enumerate().filter_map(|(place, (_, came))| Some((place, self.find(&line, came)?)));
        if let Some((place, index)) = early.next() {
            let (_, came) = self.opened(&line).others.remove(place).expect("the place is one of them");
            self.take(index, &came);
            return Ok(());
        }
        let Some(came) = self.next(&line, self.deadline(&line)).await? else { return self.give_up(&line) };
        match self.find(&line, &came) {
            Some(index) => self.take(index, &came),
            None if matches!(came.frame, Frame::Close(_)) => return self.ended(&line, came),
            None if self.open[&line.step.on].others.len() == TRANSCRIPT_FRAMES_ARRIVED_MAX => {
                let fault = Fault::Extra { actual: came.frame.clone(), before: true };
                return self.amend(&line, fault, Amends::Drop, Some(came));
            }
            // A later line may expect it.
            None => self.opened(&line).others.push_back((line.step.line, came)),
        }
        Ok(())
    }

    /// Which pending line of a connection a frame belongs to; of several, the one that accepts the fewest frames.
    fn find(&self, first: &Line, came: &Came) -> Option<usize> {
        let mut found: Option<(usize, usize)> = None;
        for (index, line) in self.pending.iter().enumerate().filter(|(_, line)| line.step.on == first.step.on) {
            // A connection ends after everything else.
            let is_due = !matches!(line.step.action, Action::ExpectClose(_)) || line.step.line == first.step.line;
            if !is_due || came.fits(&line.step, self.context()).is_none() {
                continue;
            }
            let placeholders = match &line.step.action {
                Action::Expect(pattern) => pattern.placeholders(),
                _ => 0,
            };
            if found.is_none_or(|(fewest, _)| placeholders < fewest) {
                found = Some((placeholders, index));
            }
            if placeholders == 0 {
                break;
            }
        }
        found.map(|(_, index)| index)
    }

    /// The frame of a line did not come in time. It may have come changed, and have been taken for another.
    fn give_up(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        let context = self.context();
        let others = self.open[&line.step.on].others.iter().enumerate();
        let differences = others.map(|(place, (_, came))| (came.differences(&line.step, context).1.len(), place));
        let nearest = differences.min().filter(|(differences, place)| {
            let (_, came) = &self.open[&line.step.on].others[*place];
            is_akin(came, *differences)
        });
        match nearest.and_then(|(_, place)| self.opened(line).others.remove(place)) {
            Some((_, came)) => {
                let (_, differences) = came.differences(&line.step, self.context());
                let fault = Fault::Changed { actual: came.frame.clone(), differences };
                self.amend(line, fault, Amends::Take, Some(came))
            }
            None => self.amend(line, self.silence(line), Amends::Without, None),
        }
    }

    /// The connection ended before its time, or in another way than expected.
    fn ended(&mut self, line: &Line, came: Came) -> Result<(), Box<ReplayError>> {
        let fault = came.judged(&line.step, self.context()).err().unwrap_or_else(|| self.silence(line));
        let amends = if matches!(fault, Fault::OtherClose(_)) { Amends::Take } else { Amends::Without };
        self.amend(line, fault, amends, Some(came))
    }

    /// A frame is not the one expected: tells by those after it what became of that.
    async fn sort_out(&mut self, line: Line, came: Came, fault: Fault) -> Result<(), Box<ReplayError>> {
        let of_connection = self.pending.iter().enumerate().filter(|(_, other)| other.step.on == line.step.on);
        let lines: Vec<(usize, Line)> = of_connection.map(|(index, other)| (index, other.clone())).collect();
        let pong = Connection::pong();
        let is_pong_expected = lines.iter().any(|(_, other)| pong.fits(&other.step, self.context()).is_some());
        let deadline = Instant::now() + TRANSCRIPT_GATHER_WAIT.min(self.options.frame_wait);
        let connection = &mut self.opened(&line).connection;
        connection.arrived.push_front(came);
        connection.gather(lines.len() + 1, is_pong_expected, deadline).await;

        let context = self.context();
        let arrived = &self.open[&line.step.on].connection.arrived;
        let fits = |place: usize, came: usize| arrived[came].fits(&lines[place].1.step, context).is_some();
        let order = order(lines.len(), arrived.len(), fits);
        let came = self.opened(&line).connection.arrived.pop_front().expect("the first was put there");
        let actual = came.frame.clone();
        let (fault, amends) = match order {
            Order::Changed => {
                let amends = match fault {
                    Fault::Closed(_) => Amends::Without,
                    Fault::NotClosed { .. } => Amends::Drop,
                    _ => Amends::Take,
                };
                (fault, amends)
            }
            Order::Missing(place) => {
                let instead = Some(Instead { line: lines[place].1.step.line, actual });
                (Fault::Missing { wait: self.options.frame_wait, instead }, Amends::Without)
            }
            Order::Extra => (Fault::Extra { actual, before: true }, Amends::Drop),
            Order::Reordered(place) => {
                let (index, other) = &lines[place];
                (Fault::Reordered { line: other.step.line, actual }, Amends::TakeFor(*index))
            }
        };
        self.amend(&line, fault, amends, Some(came))
    }

    /// Goes on after a fault if it is forgiven.
    fn amend(&mut self, line: &Line, fault: Fault, amends: Amends, came: Option<Came>) -> Result<(), Box<ReplayError>> {
        if !self.watch.forgives(&line.step, &fault) {
            let mut error = self.failed(line, fault);
            if let Some(came) = came.filter(|_| matches!(error.fault, Fault::Changed { .. } | Fault::Extra { .. })) {
                error.nearest = self.nearest(line, &came);
            }
            return Err(error);
        }
        match (amends, came) {
            (Amends::Take, Some(came)) => {
                let (bound, _) = came.differences(&line.step, self.context());
                self.bindings.extend(bound);
                self.met(0, &came.frame);
            }
            (Amends::TakeFor(index), Some(came)) => self.take(index, &came),
            (Amends::Drop, _) => {}
            (Amends::Without | Amends::Take | Amends::TakeFor(_), came) => {
                let open = self.opened(line);
                open.pending -= 1;
                // Another line may expect it.
                if let Some(came) = came {
                    open.connection.arrived.push_front(came);
                }
                self.pending.pop_front();
            }
        }
        Ok(())
    }

    fn nearest(&mut self, line: &Line, came: &Came) -> Vec<Nearest> {
        // Nothing is played any more, so what follows may be read.
        let after: Vec<_> = self.steps.by_ref().map_while(Result::ok).take(TRANSCRIPT_NEAREST_WINDOW).collect();
        let before = self.recent.iter().chain(self.pending.iter().map(|line| &line.step)).map(|step| &**step);
        let lines = before.chain(&after).filter(|step| step.on == line.step.on && step.line != line.step.line);
        nearest(came, lines, line.step.line, self.context())
    }

    async fn next(&mut self, line: &Line, deadline: Instant) -> Result<Option<Came>, Box<ReplayError>> {
        let next = self.opened(line).connection.next(deadline).await;
        next.map_err(|fault| self.failed(line, fault))
    }

    fn silence(&self, line: &Line) -> Fault {
        let wait = self.options.frame_wait;
        match line.step.action {
            Action::ExpectClose(_) => Fault::StillOpen { wait },
            _ => Fault::Missing { wait, instead: None },
        }
    }

    /// Takes a frame for that of a pending line which it fits.
    fn take(&mut self, index: usize, came: &Came) {
        if let Some(bound) = came.fits(&self.pending[index].step, self.context()) {
            self.bindings.extend(bound);
        }
        self.met(index, &came.frame);
    }

    /// The frame of a pending line came.
    fn met(&mut self, index: usize, frame: &Frame) {
        let line = self.pending.remove(index).expect("the line is pending");
        self.travelled(&line.step, Way::Received, frame);
        let open = self.opened(&line);
        open.pending -= 1;
        open.answered = true;
        if matches!(frame, Frame::Close(_)) {
            self.open.remove(&line.step.on);
        }
        self.recent.push_back(line.step);
        if self.recent.len() > TRANSCRIPT_NEAREST_WINDOW {
            self.recent.pop_front();
        }
    }
}

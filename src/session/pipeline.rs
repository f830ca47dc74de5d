//! This is where answers wait for their turn: changes under way, what was asked after them, and the order of it all.

use std::collections::VecDeque;
use std::time::Duration;
use std::vec;

use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::access::Caller;
use crate::config::{FRAME_OUT_BYTES_MAX, Limits};
use crate::counts::{Asked, Requests};
use crate::engine::{Submission, perhaps_written};
use crate::fold::Outcome;
use crate::methods::{Change, Command, Which};
use crate::wire::envelope::Reference;
use crate::wire::error::Error;
use crate::wire::frame::{self, Called};

/// A change that is being prepared on another thread.
type Work = BoxFuture<'static, Result<Change, Error>>;

/// What the engine answers to a submission; an error when it has stopped.
pub type Outcomes = Result<Vec<Outcome>, oneshot::error::RecvError>;

/// What came of something that was under way elsewhere.
pub enum Progress {
    /// The engine is done with the oldest submission.
    Outcomes(Outcomes),
    /// A change was prepared, or refused.
    Prepared(Result<Change, Error>),
    /// All is known that other gateways made before a change was sent; or that could not be found out.
    Known(Result<(), Error>),
}

/// Changes of one connection on their way through the engine, and the answers that must not overtake theirs.
pub struct Pipeline {
    caller: Caller,
    gathering: Submission,
    gathering_tickets: Vec<Ticket>,
    /// How many changes were gathered the last time.
    gathered: usize,
    in_flight: VecDeque<InFlight>,
    /// Outcomes that came, with their places, and are not all encoded yet.
    settling: Option<(vec::IntoIter<Ticket>, vec::IntoIter<Outcome>)>,
    /// Answers that are not in the outbox yet, and the bytes of their requests, or of themselves where they are known.
    answers: usize,
    bytes: usize,
    parked: Option<Parked>,
    preparing: Option<Preparing>,
    /// A change that waits for what other gateways made before it.
    doubted: Option<Doubted>,
    /// A change is under way that may end the client's token. Nothing is read until that is known.
    may_end: bool,
}

/// A change whose passwords are being hashed. Nothing is read until that is done.
struct Preparing {
    work: Work,
    which: Which,
    reference: Reference,
    bytes: usize,
}

/// A change of which it is not sure yet that what was said of it is so on all gateways. Nothing is read until it is.
struct Doubted {
    known: BoxFuture<'static, Result<(), Error>>,
    parked: Parked,
}

/// A command whose answer depends on changes before it. Nothing is read until it is decided.
pub struct Parked {
    /// The command.
    pub command: Command,
    /// What its answer echoes.
    pub reference: Reference,
    /// Bytes of its frame.
    pub bytes: usize,
}

struct InFlight {
    tickets: Vec<Ticket>,
    since: Instant,
    outcomes: oneshot::Receiver<Vec<Outcome>>,
}

/// One answer in its place.
enum Ticket {
    /// It will be the outcome of the submission's next change.
    Change { reference: Reference, which: Which, bytes: usize },
    /// It is known, and waits for those before it.
    Ready(Utf8Bytes),
}

impl Pipeline {
    /// A pipeline with nothing in it.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            gathering: Submission::new(caller),
            gathering_tickets: Vec::new(),
            gathered: 0,
            in_flight: VecDeque::new(),
            settling: None,
            answers: 0,
            bytes: 0,
            parked: None,
            preparing: None,
            doubted: None,
            may_end: false,
        }
    }

    /// Whether changes are with the engine.
    fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Whether something is under way elsewhere: changes with the engine, or one that is being prepared.
    pub fn is_pending(&self) -> bool {
        self.is_waiting() || self.preparing.is_some() || self.doubted.is_some()
    }

    /// Whether outcomes that came wait for room in the outbox.
    pub fn is_settling(&self) -> bool {
        self.settling.is_some()
    }

    /// Whether answers are still to come.
    pub fn is_busy(&self) -> bool {
        self.is_pending() || self.is_settling()
    }

    /// Whether no change is under way, so that what the state says now is final.
    pub fn is_clear(&self) -> bool {
        !self.is_waiting() && !self.is_settling() && !self.is_gathering()
    }

    /// Whether changes wait to be handed to the engine.
    fn is_gathering(&self) -> bool {
        !self.gathering.is_empty()
    }

    /// Whether another frame may be read.
    pub fn has_room(&self, limits: &Limits) -> bool {
        self.parked.is_none()
            && self.preparing.is_none()
            && self.doubted.is_none()
            && self.settling.is_none()
            && !self.may_end
            && self.answers < limits.in_flight_max
            && self.bytes < limits.in_flight_bytes_max
    }

    /// Adds a prepared change.
    pub fn gather(&mut self, change: Change, reference: Reference, bytes: usize) {
        let which = change.which();
        self.may_end |= change.ends_token();
        if !self.is_gathering() {
            // As many as the last time are likely to come.
            self.gathering.reserve(self.gathered);
            self.gathering_tickets.reserve(self.gathered);
        }
        self.gathering.push(change);
        self.gathering_tickets.push(Ticket::Change { reference, which, bytes });
        self.answers += 1;
        self.bytes += bytes;
    }

    /// Puts an answer behind those that are still on their way; gives it back where there are none.
    pub fn after_what_waits(&mut self, frame: Utf8Bytes) -> Option<Utf8Bytes> {
        let tickets = if self.is_gathering() {
            &mut self.gathering_tickets
        } else if let Some(last) = self.in_flight.back_mut() {
            &mut last.tickets
        } else {
            return Some(frame);
        };
        self.answers += 1;
        self.bytes += frame.len();
        tickets.push(Ticket::Ready(frame));
        None
    }

    /// Puts a command aside until everything before it is settled.
    pub fn park(&mut self, parked: Parked) {
        self.parked = Some(parked);
    }

    /// Takes a change that is being prepared. Must not be called while another one is.
    pub fn prepare(&mut self, work: Work, which: Which, reference: Reference, bytes: usize) {
        self.preparing = Some(Preparing { work, which, reference, bytes });
    }

    /// Puts a change aside until all is known that other gateways made before it. Must not be called while another one is.
    pub fn doubt(&mut self, known: BoxFuture<'static, Result<(), Error>>, parked: Parked) {
        self.doubted = Some(Doubted { known, parked });
    }

    /// Gives it back.
    pub fn take_doubted(&mut self) -> Option<Parked> {
        self.doubted.take().map(|doubted| doubted.parked)
    }

    /// Goes on with what was prepared, or gives back what is refused.
    pub fn take_prepared(&mut self, prepared: Result<Change, Error>) -> Option<(Error, Which, Reference)> {
        let Preparing { which, reference, bytes, .. } = self.preparing.take()?;
        match prepared {
            Ok(change) => self.gather(change, reference, bytes),
            Err(error) => return Some((error, which, reference)),
        }
        None
    }

    /// The command that was put aside, once everything before it is settled.
    pub fn unpark(&mut self) -> Option<Parked> {
        let clear = self.is_clear();
        self.parked.take_if(|_| clear)
    }

    /// Drops what was not handed to the engine yet, be it put aside or being prepared. It is not answered.
    pub fn give_up_what_waits(&mut self) {
        (self.parked, self.preparing, self.doubted) = (None, None, None);
    }

    /// What was gathered, to be submitted.
    pub fn take_gathered(&mut self) -> Option<Submission> {
        let empty = Submission::new(self.caller);
        self.is_gathering().then(|| std::mem::replace(&mut self.gathering, empty))
    }

    /// Notes where the outcomes of what was gathered will come from.
    pub fn await_outcomes(&mut self, outcomes: oneshot::Receiver<Vec<Outcome>>) {
        let tickets = std::mem::take(&mut self.gathering_tickets);
        self.gathered = tickets.len();
        self.in_flight.push_back(InFlight { tickets, since: Instant::now(), outcomes });
    }

    /// What comes next of what is under way elsewhere. Must not be called when nothing is; may be given up and called again.
    pub async fn progress(&mut self) -> Progress {
        // Nothing is begun while a change is being prepared, and that only begins when all before it is settled.
        if let Some(preparing) = &mut self.preparing {
            return Progress::Prepared((&mut preparing.work).await);
        }
        if let Some(doubted) = &mut self.doubted {
            return Progress::Known((&mut doubted.known).await);
        }
        let oldest = self.in_flight.front_mut().expect("asked for only while something is under way");
        Progress::Outcomes((&mut oldest.outcomes).await)
    }

    /// Takes the outcomes of the oldest submission, to be encoded; says for how long they were waited for.
    pub fn take_outcomes(&mut self, outcomes: Outcomes) -> Duration {
        let settled = self.in_flight.pop_front().expect("only what was waited for is settled");
        self.settling = Some((settled.tickets.into_iter(), outcomes.unwrap_or_default().into_iter()));
        settled.since.elapsed()
    }

    /// Encodes the next answer whose outcome came into the outbox, and counts it; says whether there was one.
    pub fn settle_next(&mut self, called: Called, requests: &Requests, outbox: &mut Vec<Utf8Bytes>) -> bool {
        let Some((tickets, outcomes)) = &mut self.settling else { return false };
        let Some(ticket) = tickets.next() else {
            self.settling = None;
            self.may_end &= !self.is_clear();
            return false;
        };
        self.answers -= 1;
        match ticket {
            Ticket::Ready(frame) => {
                self.bytes -= frame.len();
                outbox.push(frame);
            }
            Ticket::Change { reference, which, bytes } => {
                self.bytes -= bytes;
                let (asked, outcome) = (Asked::Method(which), outcomes.next());
                let outcome = outcome.unwrap_or_else(|| Err(perhaps_written()));
                requests.note(asked, &outcome);
                match outcome {
                    Ok(answer) => answer.encode(&reference, FRAME_OUT_BYTES_MAX, outbox),
                    Err(error) => outbox.push(frame::refusal(&error, asked.name(), &reference, called)),
                }
            }
        }
        true
    }
}

//! This is where a journal is known that several gateways share: what one of them offers, all are delivered, in one order.
//!
//! A batch is offered whole and delivered whole, to the gateway that offered it as to all others, under a revision of the journal,
//! each above those before it. Its lines are those of [`crate::journal`] without numbers, for only the order says which they have:
//! `crc32c  {"at_ms":…,"by":"bot:9009…","do":{…the message…}}`.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::{LINE_HEAD_BYTES, Stamp, checked, line, number};
use crate::access::Caller;
use crate::cluster::Cluster;
use crate::config::CHECKPOINTS_KEPT_MAX;
use crate::health::Health;
use crate::hub::Hub;
use crate::methods::Change;
use crate::state::digest::Digest;
use crate::wire::opened;

/// The engine's end of a shared journal.
#[derive(Debug)]
pub struct SharedJournal {
    /// Takes what is to be appended, one batch after the other.
    pub offers: mpsc::Sender<Offer>,
    /// Gives what was appended, by whomever, and what was not. It ends where nothing can be delivered any more.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// How far this gateway is.
    pub progress: Arc<Progress>,
}

/// The way to a shared journal, before a gateway takes part in it.
pub trait Way: Send {
    /// The key that sessions of the page are signed with, on all gateways.
    fn cookie_key(&self) -> &str;

    /// Takes part from a state on, and gives the engine's end.
    fn join(
        self: Box<Self>,
        begun: Checkpoint,
        health: Arc<Health>,
        hub: Arc<Hub>,
        cluster: Arc<Cluster>,
    ) -> (SharedJournal, Box<dyn Membership>);
}

/// That a gateway takes part in a shared journal.
pub trait Membership: Debug + Send + Sync {
    /// Takes part no more, and tells the others.
    fn leave(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A batch that is to be appended.
#[derive(Debug)]
pub struct Offer {
    /// What it is known by, among the offers of this gateway since its start.
    pub number: u64,
    /// Whether it is only to be appended where there is nothing yet.
    pub is_first: bool,
    /// Its lines.
    pub lines: Vec<u8>,
    /// Until when it is worth trying.
    pub until: Instant,
}

/// What comes of offers.
#[derive(Debug)]
pub enum Delivery {
    /// A batch is in the journal.
    Batch(Delivered),
    /// One that was offered is not, and never will be.
    Refused(Refused),
}

/// A batch that is in the journal.
#[derive(Debug)]
pub struct Delivered {
    /// Where.
    pub revision: u64,
    /// The number of the offer, where this gateway made it since its start.
    pub own: Option<u64>,
    /// Its lines.
    pub lines: Vec<u8>,
}

/// An offer that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// The offer.
    pub number: u64,
    /// The revision that the journal had reached. That the offer is not in it is sure once all up to there was delivered.
    pub after: u64,
    /// Why.
    pub why: Why,
}

/// Why an offer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was to be the first, and there was another.
    NotFirst,
    /// The journal has no room.
    NoRoom,
    /// It takes no such batch, or none from this gateway.
    NotAllowed,
    /// It could not be reached in time, by a gateway that it still takes for one of its own.
    NotReached,
}

/// The state that a gateway folded up to a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The revision.
    pub revision: u64,
    /// The entry that was folded last.
    pub seq: u64,
    /// The digest of the state after it, where that is known.
    pub digest: Option<Digest>,
}

/// How far a gateway is, for those who compare it with others.
#[derive(Debug)]
pub struct Progress {
    latest: watch::Sender<Checkpoint>,
    kept: Mutex<VecDeque<Checkpoint>>,
}

impl Progress {
    /// That of a gateway that begins at a state.
    pub fn new(begun: Checkpoint) -> Self {
        Self { latest: watch::Sender::new(begun), kept: Mutex::new(VecDeque::from([begun])) }
    }

    /// Notes that a gateway is so far.
    pub fn note(&self, checkpoint: Checkpoint) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= CHECKPOINTS_KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(checkpoint);
        drop(kept);
        self.latest.send_replace(checkpoint);
    }

    /// How far it is.
    pub fn latest(&self) -> Checkpoint {
        *self.latest.borrow()
    }

    /// Told whenever it is further.
    pub fn watch(&self) -> watch::Receiver<Checkpoint> {
        self.latest.subscribe()
    }

    /// What it was at a revision; none where that is not known any more, or not yet.
    pub fn at(&self, revision: u64) -> Option<Checkpoint> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.binary_search_by_key(&revision, |checkpoint| checkpoint.revision).ok()?;
        kept.get(place).copied()
    }
}

/// Appends the line of an entry that is offered.
pub fn write_offered(lines: &mut Vec<u8>, stamp: &Stamp, message: &[u8]) {
    line(lines, |text| {
        text.push(b'{');
        text.extend_from_slice(&stamp.0);
        text.extend_from_slice(message);
        text.push(b'}');
    });
}

/// Bytes that the line of an entry has beside its message, at most.
pub const OFFERED_HEAD_BYTES: usize = LINE_HEAD_BYTES + 96;

/// An entry of a batch that was delivered.
#[derive(Debug)]
pub struct Offered<'a> {
    /// When it was offered, in milliseconds since 1970, by the clock of whoever did.
    pub at_ms: u64,
    /// Who made it.
    pub by: Caller,
    /// The message.
    pub message: &'a str,
}

impl Offered<'_> {
    /// Reads the message.
    pub fn change(&self) -> Result<Change, String> {
        let method = opened::method(self.message).ok_or("holds no message")?;
        if let Some((change, _)) = Change::open(method, self.message) {
            return Ok(change);
        }
        let change =
            Change::read(method, self.message).ok_or_else(|| format!("holds the unknown method `{method}`"))?;
        change.map_err(|error| format!("holds a message that cannot be read: {}", error.message))
    }
}

/// Reads the lines of a batch.
pub fn read_offered(lines: &[u8]) -> impl Iterator<Item = Result<Offered<'_>, String>> {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    lines.split(|byte| *byte == b'\n').map(|line| {
        let text = checked(line)?;
        split(text).ok_or_else(|| "is no entry of a batch".to_owned())
    })
}

fn split(text: &str) -> Option<Offered<'_>> {
    let mut rest = text;
    let at_ms = number(&mut rest, r#"{"at_ms":"#)?;
    let (by, message) = rest.strip_prefix(r#","by":""#)?.split_once('"')?;
    let message = message.strip_prefix(r#","do":"#)?.strip_suffix('}')?;
    Some(Offered { at_ms, by: by.parse().ok()?, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_as_it_was_written_and_not_otherwise() {
        let stamp = Stamp::new(7, Caller::Seed);
        let mut lines = Vec::new();
        write_offered(&mut lines, &stamp, br#"{"method":"a"}"#);
        write_offered(&mut lines, &stamp, br#"{"method":"b"}"#);
        let read: Result<Vec<_>, _> = read_offered(&lines).collect();
        let read = read.expect("the lines are good");
        assert_eq!(read.len(), 2);
        assert_eq!((read[1].at_ms, read[1].by, read[1].message), (7, Caller::Seed, r#"{"method":"b"}"#));
        lines[20] ^= 1;
        assert!(read_offered(&lines).next().expect("there are lines").is_err());
        assert!(read_offered(b"").next().expect("no line is a bad one").is_err());
    }

    #[test]
    fn how_far_a_gateway_was_is_known_for_a_while() {
        let at = |revision| Checkpoint { revision, seq: revision, digest: None };
        let progress = Progress::new(at(1));
        (2..10).map(|revision| at(revision * 2)).for_each(|checkpoint| progress.note(checkpoint));
        assert_eq!(progress.at(8), Some(at(8)));
        assert_eq!(progress.at(9), None);
        assert_eq!(progress.latest(), at(18));
    }
}

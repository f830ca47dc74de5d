//! This is where changes are handed over: what a caller submits, and the way to the engine.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::access::Caller;
use crate::fold::Outcome;
use crate::health::{Health, Storage};
use crate::journal::{Stamp, write_entry};
use crate::methods::Change;

/// Bytes that the message of a change is likely to have.
const LIKELY_BYTES: usize = 128;

/// Changes of one caller that were checked and prepared, to be made in their order.
#[derive(Debug)]
pub struct Submission {
    pub(super) caller: Caller,
    pub(super) changes: Vec<Change>,
    /// The messages as they are journaled, one after the other.
    pub(super) text: Vec<u8>,
    /// Where each message ends in `text`.
    pub(super) ends: Vec<usize>,
    /// Whether it is only to be made where nothing was before.
    pub(super) is_first: bool,
}

impl Submission {
    /// A submission with nothing in it yet.
    pub fn new(caller: Caller) -> Self {
        Self { caller, changes: Vec::new(), text: Vec::new(), ends: Vec::new(), is_first: false }
    }

    /// The same, only to be made where nothing was before; what several gateways share one of them may have begun meanwhile.
    pub fn first(caller: Caller) -> Self {
        Self { is_first: true, ..Self::new(caller) }
    }

    /// Makes room for so many changes.
    pub fn reserve(&mut self, changes: usize) {
        self.changes.reserve(changes);
        self.ends.reserve(changes);
        self.text.reserve(changes * LIKELY_BYTES);
    }

    /// Adds a prepared change.
    pub fn push(&mut self, change: Change) {
        change.write(&mut self.text);
        self.ends.push(self.text.len());
        self.changes.push(change);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes are in it.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Bytes of its messages.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Appends its lines, the first entry being of this number, after `flushed` was made durable; gives the
    /// number after its last.
    pub(super) fn write(&self, lines: &mut Vec<u8>, mut seq: u64, flushed: u64, at_ms: u64) -> u64 {
        let (mut start, stamp) = (0, Stamp::new(at_ms, self.caller));
        for end in &self.ends {
            write_entry(lines, seq, flushed, &stamp, &self.text[start..*end]);
            start = *end;
            seq += 1;
        }
        seq
    }
}

/// A submission, and who waits for what becomes of it.
pub(super) struct Job {
    pub submission: Submission,
    /// When it was handed over.
    pub since: Instant,
    pub done: oneshot::Sender<Vec<Outcome>>,
}

/// What the engine is told.
pub(super) enum Order {
    Commit(Job),
    Stop,
}

/// The way to the engine.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) health: Arc<Health>,
}

impl EngineHandle {
    /// Hands changes over. The outcomes come, in their order, when all are as durable as the journal promises; none come if the engine has stopped.
    pub async fn submit(&self, submission: Submission) -> oneshot::Receiver<Vec<Outcome>> {
        let (done, outcomes) = oneshot::channel();
        // A closed channel drops `done`, which is what the receiver needs to know.
        let _ = self.orders.send(Order::Commit(Job { submission, since: Instant::now(), done })).await;
        outcomes
    }

    /// Has the engine end once what was submitted before is done.
    pub async fn stop(&self) {
        // A closed channel means that it has ended already.
        let _ = self.orders.send(Order::Stop).await;
    }

    /// How storage is.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether changes are being accepted: not while the disk is full, and not after a flush has failed.
    pub fn is_writable(&self) -> bool {
        self.health.storage() == Storage::Writable
    }
}

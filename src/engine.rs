//! This is where the state is changed, and nowhere else: one writer gathers changes into a batch, journals them with one
//! flush, runs them, and lets their answers and events go.

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::access::Caller;
use crate::clock::Clock;
use crate::config::Limits;
use crate::fold::{Outcome, fold};
use crate::health::{Health, Storage};
use crate::hub::Hub;
use crate::journal::{Entry, Failure, Journal, write_entry};
use crate::methods::Change;
use crate::snapshots::Snapshots;
use crate::state::Writer;
use crate::wire::error::{Code, Error};
use crate::world::{Running, Threads};

/// Changes of one caller that were checked and prepared, to be made in their order.
#[derive(Debug)]
pub struct Submission {
    caller: Caller,
    changes: Vec<Change>,
    /// The messages as they are journaled, one after the other.
    text: Vec<u8>,
    /// Where each message ends in `text`.
    ends: Vec<usize>,
}

impl Submission {
    /// A submission with nothing in it yet.
    pub fn new(caller: Caller) -> Self {
        Self { caller, changes: Vec::new(), text: Vec::new(), ends: Vec::new() }
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
}

struct Job {
    submission: Submission,
    done: oneshot::Sender<Vec<Outcome>>,
}

enum Order {
    Commit(Job),
    Stop,
}

/// The way to the engine.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    orders: mpsc::Sender<Order>,
    health: Arc<Health>,
}

impl EngineHandle {
    /// Hands changes over. The outcomes come, in their order, when all are as durable as the journal promises; none come if the engine has stopped.
    pub async fn submit(&self, submission: Submission) -> oneshot::Receiver<Vec<Outcome>> {
        let (done, outcomes) = oneshot::channel();
        // A closed channel drops `done`, which is what the receiver needs to know.
        let _ = self.orders.send(Order::Commit(Job { submission, done })).await;
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

    /// Whether changes are being accepted: not after a flush has failed.
    pub fn is_writable(&self) -> bool {
        self.health.storage() == Storage::Writable
    }
}

/// The one writer.
pub struct Engine {
    writer: Writer,
    journal: Box<dyn Journal>,
    hub: Arc<Hub>,
    limits: Limits,
    clock: Clock,
    snapshots: Option<Snapshots>,
    orders: mpsc::Receiver<Order>,
    health: Arc<Health>,
    /// The last entry that was known to be durable when the journal last owed nothing.
    flushed: u64,
    /// The lines of the batch being written; kept to be used again.
    lines: Vec<u8>,
}

impl Engine {
    /// An engine and the way to it; it runs once [`Engine::spawn`] is called, and ends when it is told to, or all handles are gone.
    pub fn new(
        writer: Writer,
        journal: Box<dyn Journal>,
        hub: Arc<Hub>,
        limits: Limits,
        snapshots: Option<Snapshots>,
        health: Arc<Health>,
    ) -> (Self, EngineHandle) {
        let (sender, orders) = mpsc::channel(limits.submissions_max);
        let handle = EngineHandle { orders: sender, health: health.clone() };
        let clock = Clock::default();
        // What was recovered is durable, or it would not have been shown.
        let flushed = writer.state().folded();
        (Self { writer, journal, hub, limits, clock, snapshots, orders, health, flushed, lines: Vec::new() }, handle)
    }

    /// Has entries dated by a clock other than the machine's.
    pub fn dated_by(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Runs on a thread of its own, for flushing blocks.
    pub fn spawn(self) -> std::io::Result<thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new().name("engine".to_owned()).spawn(move || runtime.block_on(self.run()))
    }

    /// Runs on a thread of its own, or where there are to be none, as a task.
    pub fn spawn_on(self, threads: Threads) -> std::io::Result<Running> {
        match threads {
            Threads::Own => self.spawn().map(Running::Thread),
            Threads::None => Ok(Running::Task(tokio::spawn(self.run()))),
        }
    }

    async fn run(mut self) {
        // When what was appended must be flushed, where the journal did not flush it at once.
        let mut flush_at: Option<Instant> = None;
        loop {
            let order = match flush_at {
                Some(at) => timeout_at(at, self.orders.recv()).await,
                None => Ok(self.orders.recv().await),
            };
            let stop = match order {
                Ok(Some(Order::Commit(job))) => {
                    let (batch, stop) = self.gather(job);
                    self.commit(batch);
                    let latest = || Instant::now() + self.limits.relaxed_flush_interval;
                    flush_at = self.journal.owes_flush().then(|| flush_at.unwrap_or_else(latest));
                    stop
                }
                Ok(Some(Order::Stop) | None) => true,
                Err(_) => false,
            };
            if stop {
                break;
            }
            if flush_at.is_some_and(|at| at <= Instant::now()) {
                self.flush();
                flush_at = None;
            }
        }
        self.flush();
        if let Some(snapshots) = self.snapshots.take().filter(|_| !self.has_failed()) {
            snapshots.finish(self.writer.state(), self.journal.as_mut());
        }
    }

    /// Takes what else waits, so that one flush serves it all; says whether the engine is to stop after it.
    fn gather(&mut self, first: Job) -> (Vec<Job>, bool) {
        let (mut changes, mut bytes) = (first.submission.len(), first.submission.text.len());
        let mut batch = vec![first];
        while changes < self.limits.batch_changes_max && bytes < self.limits.batch_bytes_max {
            match self.orders.try_recv() {
                Ok(Order::Commit(job)) => {
                    changes += job.submission.len();
                    bytes += job.submission.text.len();
                    batch.push(job);
                }
                Ok(Order::Stop) => return (batch, true),
                Err(_) => break,
            }
        }
        (batch, false)
    }

    fn commit(&mut self, batch: Vec<Job>) {
        let first_seq = self.writer.state().folded() + 1;
        let at_ms = self.clock.now_ms().max(self.writer.state().at_ms());
        if self.has_failed() {
            return refuse(batch, &not_writable());
        }
        if self.write(&batch, first_seq, at_ms).is_err() {
            return refuse(batch, &perhaps_written());
        }
        let mut seq = first_seq;
        let (mut events, mut answers) = (Vec::new(), Vec::with_capacity(batch.len()));
        for Job { submission, done } in batch {
            let by = submission.caller;
            let outcomes = submission.changes.into_iter().map(|change| {
                let entry = Entry { seq, at_ms, by, change };
                seq += 1;
                fold(&mut self.writer, entry, &mut events)
            });
            answers.push((done, outcomes.collect()));
            // Before the answer: whoever acts on it must not be hit by what came before.
            events.drain(..).for_each(|event| self.hub.deliver(event));
        }
        // Before the answers too: whoever has one and asks for the digest is told of a state with that change in it.
        self.writer.settle();
        for (done, outcomes) in answers {
            // A caller that is gone does not want to know; the change stands all the same.
            let _ = done.send(outcomes);
        }
        self.seal_if_due(seq);
    }

    /// Seals the segment when a snapshot is due; where that fails, the old one goes on and nothing is lost.
    fn seal_if_due(&mut self, next_seq: u64) {
        if !self.snapshots.as_ref().is_some_and(|snapshots| snapshots.is_due(next_seq)) {
            return;
        }
        self.flush();
        if self.has_failed() {
            return;
        }
        let Some(snapshots) = &mut self.snapshots else { return };
        match snapshots.seal(next_seq, self.writer.state().digest().digest, self.journal.as_mut()) {
            Ok(()) => {}
            Err(Failure::Unchanged(error)) => {
                tracing::warn!(%error, "no new segment could be begun; the old one goes on, and the next snapshot comes later");
            }
            Err(error @ Failure::Broken(_)) => self.fail("a new segment could not be begun", &error),
        }
    }

    fn write(&mut self, batch: &[Job], first_seq: u64, at_ms: u64) -> Result<(), ()> {
        self.lines.clear();
        if !self.journal.owes_flush() {
            self.flushed = first_seq - 1;
        }
        let mut seq = first_seq;
        for Job { submission, .. } in batch {
            let mut start = 0;
            for end in &submission.ends {
                let message = &submission.text[start..*end];
                write_entry(&mut self.lines, seq, self.flushed, at_ms, submission.caller, message);
                start = *end;
                seq += 1;
            }
        }
        let written = self.journal.append(&self.lines);
        self.lines.shrink_to(self.limits.batch_bytes_max);
        written.map_err(|error| self.fail("a batch could not be written", &error))
    }

    fn flush(&mut self) {
        if !self.has_failed()
            && let Err(error) = self.journal.flush()
        {
            self.fail("the journal could not be flushed", &error);
        }
    }

    /// Accepts nothing more: after a failed flush nobody knows what the disk holds, until a restart has read it.
    fn fail(&mut self, what: &str, error: &Failure) {
        self.health.note_storage(Storage::Failed);
        tracing::error!(%error, "{what}: no more changes are accepted until a restart; reading goes on");
    }

    fn has_failed(&self) -> bool {
        self.health.storage() == Storage::Failed
    }
}

/// However the engine ends, nothing is accepted after it.
impl Drop for Engine {
    fn drop(&mut self) {
        self.health.note_storage(Storage::Failed);
    }
}

/// The refusal of a change after the journal has failed.
fn not_writable() -> Error {
    let message = "storage is not writable, and the change was not made; reading still works, try again when an administrator \
                   has restarted the gateway";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change with which the journal or the engine failed: nobody knows how much of it the disk has.
pub fn perhaps_written() -> Error {
    let message = "the change could not be made durable: it is not made now, but may be there after a restart; reading still \
                   works, look again when an administrator has restarted the gateway";
    Error::new(Code::NotWritable, message)
}

fn refuse(batch: Vec<Job>, error: &Error) {
    for Job { submission, done } in batch {
        // A caller that is gone does not want to know.
        let _ = done.send(submission.changes.iter().map(|_| Err(error.clone())).collect());
    }
}

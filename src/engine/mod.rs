//! This is where the state is changed, and nowhere else: one writer gathers changes into a batch, journals them with one
//! flush, runs them, and lets their answers and events go.

mod offered;
mod refusal;
mod sharing;
mod storage;
mod submission;

use std::sync::Arc;
use std::thread;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityOsValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::config::Limits;
use crate::event::Batch;
use crate::fold::{Outcome, fold};
use crate::health::{Health, Storage};
use crate::hub::Hub;
use crate::journal::shared::SharedJournal;
use crate::journal::{Entry, Failure, Journal};
use crate::snapshots::Snapshots;
use crate::state::Writer;
use crate::traces;
use crate::wire::error::Error;
use crate::world::{Running, Threads};
pub use refusal::perhaps_written;
use refusal::refuse;
use sharing::Sharing;
pub use submission::{EngineHandle, Submission};
use submission::{Job, Order};

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
    /// The last entry that was durable when the journal last owed nothing.
    flushed: u64,
    /// The lines of the batch being written; kept to be used again.
    lines: Vec<u8>,
    /// When what was appended must be flushed, where the journal did not flush it at once.
    flush_at: Option<Instant>,
    /// When it is tried again to go on writing, while storage is full.
    resume_at: Option<Instant>,
    /// Bytes of the segment at which another one is begun.
    rotate_bytes: u64,
    /// The journal that is shared with other gateways, if one is; the other is this one's copy of it then.
    sharing: Option<Sharing>,
}

/// A submission that the journal has.
struct Journaled {
    submission: Submission,
    /// When, in milliseconds since 1970.
    at_ms: u64,
    /// Who waits for what becomes of it, if somebody does here.
    done: Option<oneshot::Sender<Vec<Outcome>>>,
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
        health.note_segment(journal.segment_bytes());
        let (lines, rotate_bytes) = (Vec::new(), limits.segment_bytes_max);
        let (flush_at, resume_at) = (None, None);
        let clock = Clock::default();
        // What was recovered is durable, or it would not have been shown.
        let flushed = writer.state().folded();
        let engine = Self {
            writer,
            journal,
            hub,
            limits,
            clock,
            snapshots,
            orders,
            health,
            flushed,
            lines,
            flush_at,
            resume_at,
            rotate_bytes,
            sharing: None,
        };
        (engine, handle)
    }

    /// Has a journal shared with other gateways; the engine's own is a copy of it.
    pub fn sharing(mut self, journal: SharedJournal) -> Self {
        self.sharing = Some(Sharing::new(journal));
        self
    }

    /// Has entries dated by a clock other than the machine's.
    pub fn dated_by(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Runs on a thread of its own, for flushing blocks.
    pub fn spawn(self) -> std::io::Result<thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new().name("engine".to_owned()).spawn(move || {
            gather_rather_than_hurry();
            runtime.block_on(self.run())
        })
    }

    /// Runs on a thread of its own, or where there are to be none, as a task.
    pub fn spawn_on(self, threads: Threads) -> std::io::Result<Running> {
        match threads {
            Threads::Own => self.spawn().map(Running::Thread),
            Threads::None => Ok(Running::Task(tokio::spawn(self.run()))),
        }
    }

    async fn run(mut self) {
        // What a start folded may make a snapshot due, and no change may come for long, or before the process is killed again.
        self.rotate_if_due(self.writer.state().folded() + 1);
        match self.sharing.take() {
            Some(sharing) => self.run_shared(sharing).await,
            None => self.run_alone().await,
        }
        self.flush();
        if let Some(snapshots) = self.snapshots.take().filter(|_| !self.has_failed()) {
            snapshots.finish(self.writer.state(), self.journal.as_mut());
        }
    }

    async fn run_alone(&mut self) {
        loop {
            let order = match self.due_at() {
                Some(at) => timeout_at(at, self.orders.recv()).await,
                None => Ok(self.orders.recv().await),
            };
            let stop = match order {
                Ok(Some(Order::Commit(job))) => {
                    let (batch, stop) = self.gather(job);
                    self.commit(batch);
                    stop
                }
                Ok(Some(Order::Stop) | None) => true,
                Err(_) => false,
            };
            if stop {
                break;
            }
            self.do_what_is_due();
        }
    }

    /// Takes what else waits, so that one flush serves it all; says whether the engine is to stop after it.
    fn gather(&mut self, first: Job) -> (Vec<Job>, bool) {
        let (mut changes, mut bytes) = (first.submission.len(), first.submission.bytes());
        let mut batch = vec![first];
        let bytes_max = self.limits.batch_bytes_max;
        while changes < self.limits.batch_changes_max && bytes < bytes_max {
            match self.orders.try_recv() {
                Ok(Order::Commit(job)) => {
                    changes += job.submission.len();
                    bytes += job.submission.bytes();
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
        let written = match self.health.storage() {
            Storage::Writable => self.write(&batch, first_seq, at_ms),
            storage => Err(refusal::of(storage)),
        };
        if let Err(error) = written {
            return refuse(batch, &error);
        }
        let journaled =
            batch.into_iter().map(|Job { submission, done, .. }| Journaled { submission, at_ms, done: Some(done) });
        self.fold(journaled.collect(), None);
    }

    /// Makes the changes of a batch that is journaled, and lets their answers and events go. In a shared journal the batch ends with
    /// a revision.
    fn fold(&mut self, batch: Vec<Journaled>, revision: Option<u64>) {
        let mut seq = self.writer.state().folded() + 1;
        let changes: usize = batch.iter().map(|journaled| journaled.submission.len()).sum();
        let last_seq = seq + u64::try_from(changes).expect("a length fits into 64 bits") - 1;
        let (mut events, mut answers) = (Vec::new(), Vec::with_capacity(batch.len()));
        let mut made = Vec::with_capacity(batch.len());
        for Journaled { submission, at_ms, done } in batch {
            let Submission { caller: by, changes, text, ends, .. } = submission;
            made.push(Batch { first_seq: seq, at_ms, by, text, ends });
            let outcomes = changes.into_iter().map(|change| {
                let entry = Entry { seq, at_ms, by, change, revision: revision.filter(|_| seq == last_seq) };
                let outcome = fold(&mut self.writer, entry, &mut events);
                if outcome.is_err() {
                    self.hub.feed().refused().note(seq);
                }
                seq += 1;
                outcome
            });
            let outcomes: Vec<_> = outcomes.collect();
            answers.extend(done.map(|done| (done, outcomes)));
            // Before the answer: whoever acts on it must not be hit by what came before.
            events.drain(..).for_each(|event| self.hub.deliver(event));
        }
        // Before the answers too: whoever has one and asks for the digest is told of a state with that change in it.
        self.writer.settle();
        for (done, outcomes) in answers {
            // A caller that is gone does not want to know; the change stands all the same.
            let _ = done.send(outcomes);
        }
        if self.hub.feed().is_heard() {
            self.hub.feed().tell(made);
        }
        self.rotate_if_due(seq);
    }

    /// Journals a batch, or says why it is refused.
    fn write(&mut self, batch: &[Job], first_seq: u64, at_ms: u64) -> Result<(), Error> {
        self.lines.clear();
        if !self.journal.owes_flush() {
            self.flushed = first_seq - 1;
        }
        batch.iter().fold(first_seq, |seq, job| job.submission.write(&mut self.lines, seq, self.flushed, at_ms));
        let bytes = u64::try_from(self.lines.len()).expect("a length fits into 64 bits");
        let began = std::time::Instant::now();
        for job in batch {
            self.health.batches.waits.add(began.duration_since(job.since).as_secs_f64());
        }
        let traced = traces::batch();
        let written = match first_seq {
            1 => self.journal.append_first(&self.lines, self.digest()),
            _ => self.journal.append(&self.lines),
        };
        self.lines.shrink_to(self.limits.batch_bytes_max);
        if written.is_err() {
            traces::note_failure(&traced);
        }
        match written {
            Ok(()) => {
                let changes: usize = batch.iter().map(|job| job.submission.len()).sum();
                let changes = u32::try_from(changes).unwrap_or(u32::MAX);
                self.health.batches.seconds.add(began.elapsed().as_secs_f64());
                self.health.batches.changes.add(f64::from(changes));
                self.health.bytes.add(bytes);
                traces::note_batch(&traced, changes, bytes);
                if self.journal.owes_flush() {
                    self.flush_at.get_or_insert_with(|| Instant::now() + self.limits.relaxed_flush_interval);
                } else {
                    self.health.flushes.add(1);
                }
                Ok(())
            }
            Err(error @ Failure::Unchanged(_)) => {
                self.fill(&error);
                Err(refusal::of(Storage::Full))
            }
            Err(error @ Failure::Broken(_)) => {
                self.fail("a batch could not be written", &error);
                Err(perhaps_written())
            }
        }
    }
}

/// Has this thread wait for its turn when it has something to do, and not cut the turns of connections short, who share a
/// processor with it: so more comes together for one flush.
fn gather_rather_than_hurry() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    // A niceness comes with the policy: this is 0, and the one there was is put back.
    let usual = ThreadPriority::Os(ThreadPriorityOsValue::default());
    let this = rustix::thread::gettid();
    let nice = rustix::process::getpriority_process(Some(this));
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), usual, policy) {
        tracing::debug!(?error, "the engine is scheduled like everything else");
    }
    if let Err(error) = nice.and_then(|nice| rustix::process::setpriority_process(Some(this), nice)) {
        tracing::debug!(%error, "the engine may have another priority than everything else");
    }
}

/// However the engine ends, nothing is accepted after it.
impl Drop for Engine {
    fn drop(&mut self) {
        self.health.note_failed("the engine has ended");
    }
}

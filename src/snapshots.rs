//! This is where snapshots are made when they are due: on a thread of its own, from what lies on disk, the snapshot before and
//! the segments sealed since. Never from the live state, so that a snapshot stops nobody and shows what a recovery would see.

mod make;
mod pace;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::config::SNAPSHOT_NICE;
use crate::disk::Disk;
use crate::health::Health;
use crate::journal::{Failure, Journal};
use crate::retention::Retention;
use crate::state::State;
use crate::state::digest::Digest;
use crate::world::Threads;
pub use make::SnapshotError;
use make::{BUSY, Maker, Order};

/// Has snapshots made, and the last one at a clean stop.
///
/// One is due every so many entries, or, of a large state, once as many entries came as the last one has records, so that
/// snapshots cost a fixed share of the work however much is kept; and never before the last one is done.
#[derive(Debug)]
pub struct Snapshots {
    every: u64,
    /// The entry after which the last snapshot was ordered.
    last: u64,
    /// The entry from which it is counted when the next is due.
    counted_from: u64,
    /// Records in the last snapshot; [`BUSY`] while it is being made.
    records: Arc<AtomicU64>,
    /// Whether nobody minds how much of the disk a snapshot takes.
    hurry: Arc<AtomicBool>,
    worker: Worker,
}

/// Who makes them.
#[derive(Debug)]
enum Worker {
    /// A thread of their own.
    Thread { orders: mpsc::Sender<Order>, thread: thread::JoinHandle<Maker> },
    /// Whoever seals the segment.
    Sealer(Maker),
}

impl Snapshots {
    /// Starts the thread; the newest snapshot holds the state after entry `last`, in so many records.
    pub fn start(disk: Arc<dyn Disk>, health: Arc<Health>, every: u64, last: u64, records: u64) -> io::Result<Self> {
        Self::new(disk, health, every, last, records).on(Threads::Own)
    }

    /// The same without a thread: whoever seals a segment waits for the snapshot.
    pub fn new(disk: Arc<dyn Disk>, health: Arc<Health>, every: u64, last: u64, records: u64) -> Self {
        let (records, hurry) = (Arc::new(AtomicU64::new(records)), Arc::new(AtomicBool::new(true)));
        let maker = Maker::new(disk, health, records.clone(), hurry.clone());
        Self { every, last, counted_from: last, records, hurry, worker: Worker::Sealer(maker) }
    }

    /// Says what stays beyond what a start could need; to be said before they get a thread.
    pub fn keeping(mut self, retention: Retention) -> Self {
        if let Worker::Sealer(maker) = &mut self.worker {
            maker.keep(retention);
        }
        self
    }

    /// Has them made on a thread of their own, unless there are to be none.
    pub fn on(mut self, threads: Threads) -> io::Result<Self> {
        if threads == Threads::Own
            && let Worker::Sealer(mut maker) = self.worker
        {
            self.hurry.store(false, Ordering::Relaxed);
            let (orders, inbox) = mpsc::channel();
            let thread = thread::Builder::new().name("snapshots".to_owned()).spawn(move || {
                step_back();
                inbox.into_iter().for_each(|order| maker.obey(order));
                maker
            })?;
            self.worker = Worker::Thread { orders, thread };
        }
        Ok(self)
    }

    /// Whether it is time for a snapshot, with the journal this far.
    pub fn is_due(&self, next_seq: u64) -> bool {
        let since = next_seq - 1 - self.counted_from;
        since >= self.every && since >= self.records.load(Ordering::Acquire)
    }

    /// Seals the segment, all flushed, and orders a snapshot of it; after an error the next is due as much later. The digest is
    /// that of the live state.
    pub fn seal(&mut self, next_seq: u64, digest: Digest, journal: &mut dyn Journal) -> Result<(), Failure> {
        self.counted_from = next_seq - 1;
        journal.rotate(next_seq, digest)?;
        self.last = next_seq - 1;
        self.records.store(BUSY, Ordering::Release);
        let order = Order { seq: self.last, digest };
        match &mut self.worker {
            // The thread lives as long as this value; were it gone, the journal would simply grow.
            Worker::Thread { orders, .. } => orders.send(order).unwrap_or_default(),
            Worker::Sealer(maker) => maker.obey(order),
        }
        Ok(())
    }

    /// Makes the last snapshot, of everything, once it is shown to be the live state.
    pub fn finish(self, state: &State, journal: &mut dyn Journal) {
        // There is nobody left to be held up.
        self.hurry.store(true, Ordering::Relaxed);
        let maker = match self.worker {
            Worker::Sealer(maker) => Ok(maker),
            Worker::Thread { orders, thread } => {
                drop(orders);
                thread.join()
            }
        };
        let Ok(mut maker) = maker else {
            return tracing::error!("the thread that makes snapshots panicked; the journal is kept");
        };
        let seq = state.folded();
        if seq == self.last || maker.is_alarmed() {
            return;
        }
        let digest = state.digest().digest;
        match journal.rotate(seq + 1, digest) {
            Ok(()) => maker.obey(Order { seq, digest }),
            Err(error) => {
                tracing::error!(seq, %error, "the last segment could not be sealed, so no snapshot was made of it")
            }
        }
    }
}

/// Lets the other threads have the processors first, above all the one that flushes the journal.
fn step_back() {
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), SNAPSHOT_NICE) {
        tracing::debug!(%error, "snapshots are made with the usual priority");
    }
}

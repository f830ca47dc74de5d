//! This is where snapshots are made when they are due: on a thread of its own, from what lies on disk, the snapshot before and
//! the segments sealed since. Never from the live state, so that a snapshot stops nobody and shows what a recovery would see.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::disk::Disk;
use crate::health::Health;
use crate::journal::directory::{self, snapshot_name};
use crate::journal::read::ReadError;
use crate::journal::{Failure, Journal};
use crate::recovery;
use crate::snapshot::{self, Trailer};
use crate::state::State;
use crate::state::digest::Digest;
use crate::world::Threads;

/// Why a snapshot could not be made. The journal is kept, so nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// What lies on disk cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The operating system refuses.
    #[error("the snapshot cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The last segment cannot be sealed.
    #[error("the last segment cannot be sealed: {0}")]
    Seal(#[from] Failure),
    /// What lies on disk folds to something else than what is in memory.
    #[error(
        "what lies on disk folds to another state than the one in memory; keep a copy of the directory and report this"
    )]
    Differs,
    /// A sealed segment ends before it should.
    #[error("the sealed segments end with entry {found} where {expected} must stand")]
    Short {
        /// The entry they were sealed with.
        expected: u64,
        /// The last one that is whole.
        found: u64,
    },
}

/// Has snapshots made, and the last one at a clean stop.
///
/// One is due every so many entries, or, of a large state, once as many entries came as the last one has records, so that
/// snapshots cost a fixed share of the work however much is kept; and never before the last one is done.
#[derive(Debug)]
pub struct Snapshots {
    disk: Arc<dyn Disk>,
    health: Arc<Health>,
    every: u64,
    /// The entry after which the last snapshot was ordered.
    last: u64,
    /// The entry from which it is counted when the next is due.
    counted_from: u64,
    /// Records in the last snapshot; [`BUSY`] while it is being made.
    records: Arc<AtomicU64>,
    worker: Worker,
}

/// Who makes them.
#[derive(Debug)]
enum Worker {
    /// A thread of their own.
    Thread { orders: mpsc::Sender<Order>, thread: thread::JoinHandle<()> },
    /// Whoever seals the segment.
    Sealer,
}

/// A snapshot that is to be made: of the state after an entry, which has a digest.
#[derive(Debug)]
struct Order {
    seq: u64,
    digest: Digest,
}

/// Stands for the number of records of a snapshot that is not done.
const BUSY: u64 = u64::MAX;

impl Snapshots {
    /// Starts the thread; the newest snapshot holds the state after entry `last`, in so many records.
    pub fn start(disk: Arc<dyn Disk>, health: Arc<Health>, every: u64, last: u64, records: u64) -> io::Result<Self> {
        Self::new(disk, health, every, last, records).on(Threads::Own)
    }

    /// The same without a thread: whoever seals a segment waits for the snapshot.
    pub fn new(disk: Arc<dyn Disk>, health: Arc<Health>, every: u64, last: u64, records: u64) -> Self {
        let records = Arc::new(AtomicU64::new(records));
        Self { disk, health, every, last, counted_from: last, records, worker: Worker::Sealer }
    }

    /// Has them made on a thread of their own, unless there are to be none.
    pub fn on(mut self, threads: Threads) -> io::Result<Self> {
        if threads == Threads::Own {
            let (orders, inbox) = mpsc::channel();
            let (folder, made, alarm) = (self.disk.clone(), self.records.clone(), self.health.clone());
            let thread = thread::Builder::new().name("snapshots".to_owned());
            let thread =
                thread.spawn(move || inbox.into_iter().for_each(|order| obey(order, &*folder, &made, &alarm)))?;
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
        match &self.worker {
            // The thread lives as long as this value; were it gone, the journal would simply grow.
            Worker::Thread { orders, .. } => orders.send(order).unwrap_or_default(),
            Worker::Sealer => obey(order, &*self.disk, &self.records, &self.health),
        }
        Ok(())
    }

    /// Makes the last snapshot, of everything, once it is shown to be the live state.
    pub fn finish(self, state: &State, journal: &mut dyn Journal) {
        let Self { disk, health, last, worker, .. } = self;
        if let Worker::Thread { orders, thread } = worker {
            drop(orders);
            if thread.join().is_err() {
                tracing::error!("the thread that makes snapshots panicked; the journal is kept");
            }
        }
        let seq = state.folded();
        if seq == last {
            return;
        }
        let digest = Digest::of(state);
        let sealed = journal.rotate(seq + 1, digest).map_err(SnapshotError::from);
        match sealed.and_then(|()| make(&*disk, seq, digest)) {
            Ok(_) => {
                health.snapshots_made.add(1);
                tracing::info!(seq, "the last snapshot was made");
            }
            Err(error) => report(&health, seq, &error),
        }
    }
}

/// Makes the snapshot that is ordered, and notes how many records it has.
fn obey(Order { seq, digest }: Order, disk: &dyn Disk, records: &AtomicU64, health: &Health) {
    let outcome = make(disk, seq, digest);
    match &outcome {
        Ok(trailer) => {
            health.snapshots_made.add(1);
            tracing::info!(seq, records = trailer.records, "a snapshot was made");
        }
        Err(error) => report(health, seq, error),
    }
    records.store(outcome.map_or(0, |trailer| trailer.records), Ordering::Release);
}

fn report(health: &Health, seq: u64, error: &SnapshotError) {
    health.snapshots_failed.add(1);
    if matches!(error, SnapshotError::Differs) {
        health.note_differing();
    }
    tracing::error!(seq, %error, "no snapshot was made; the journal is kept");
}

/// Folds what lies in a directory up to an entry, compares it with the digest of the `live` state there, writes it down, and
/// then removes what is covered by it.
fn make(disk: &dyn Disk, seq: u64, live: Digest) -> Result<Trailer, SnapshotError> {
    let files = directory::files(disk)?;
    let sealed = files.segments.iter().filter(|segment| segment.seq <= seq).cloned().collect();
    let before = directory::Files { segments: sealed, snapshots: files.snapshots };
    let folded = recovery::fold_files(disk, &before)?;
    let found = folded.writer.state().folded();
    if found != seq {
        return Err(SnapshotError::Short { expected: seq, found });
    }
    if live != Digest::of(folded.writer.state()) {
        return Err(SnapshotError::Differs);
    }
    let trailer = snapshot::write(disk, seq, folded.writer.state())?;
    for covered in before.segments.iter().chain(&before.snapshots).filter(|file| file.name != snapshot_name(seq)) {
        disk.remove(&covered.name)?;
    }
    disk.sync()?;
    Ok(trailer)
}

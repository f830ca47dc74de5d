//! This is where the state is written down whole, so that a start need not replay every change there ever was.
//!
//! A snapshot is a fold done earlier: it is made on a thread of its own from what lies on disk, the snapshot before it and the
//! segments sealed since, never from the live state, so that it stops nobody and shows what a recovery would see.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::journal::directory::{self, Numbered, snapshot_path};
use crate::journal::file::Header;
use crate::journal::read::{self, Lines, ReadError};
use crate::journal::{FORMAT, Journal, write_line};
use crate::recovery;
use crate::state::digest::Digest;
use crate::state::record::{Record, Restore, each_record};
use crate::state::{State, Writer};

/// The last line of a snapshot; a file without it is not whole.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    /// How many records came before it.
    records: u64,
    /// The digest of the state they make.
    digest: Digest,
    /// When its last entry was journaled.
    at_ms: u64,
    /// Whether nobody but the seed had written.
    seeded_only: bool,
}

/// Why a snapshot could not be made. The journal is kept, so nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// What lies on disk cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The operating system refuses.
    #[error("the snapshot cannot be written: {0}")]
    Io(#[from] io::Error),
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
    directory: PathBuf,
    every: u64,
    /// The entry after which the last snapshot was ordered.
    last: u64,
    /// Records in the last snapshot; [`BUSY`] while it is being made.
    records: Arc<AtomicU64>,
    orders: mpsc::Sender<u64>,
    worker: thread::JoinHandle<()>,
}

/// Stands for the number of records of a snapshot that is not done.
const BUSY: u64 = u64::MAX;

impl Snapshots {
    /// Starts the thread; the newest snapshot holds the state after entry `last`, in so many records.
    pub fn start(directory: &Path, every: u64, last: u64, records: u64) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let records = Arc::new(AtomicU64::new(records));
        let (folder, made) = (directory.to_owned(), records.clone());
        let worker = thread::Builder::new().name("snapshots".to_owned()).spawn(move || {
            for seq in inbox {
                let outcome = make(&folder, seq);
                match &outcome {
                    Ok(trailer) => tracing::info!(seq, records = trailer.records, "a snapshot was made"),
                    Err(error) => tracing::error!(seq, %error, "no snapshot was made; the journal is kept"),
                }
                made.store(outcome.map_or(0, |trailer| trailer.records), Ordering::Release);
            }
        })?;
        Ok(Self { directory: directory.to_owned(), every, last, records, orders, worker })
    }

    /// Notes how far the journal is; seals a segment and orders a snapshot of it when it is time.
    pub fn note(&mut self, next_seq: u64, journal: &mut dyn Journal) -> io::Result<()> {
        let since = next_seq - 1 - self.last;
        if since < self.every || since < self.records.load(Ordering::Acquire) {
            return Ok(());
        }
        journal.rotate(next_seq)?;
        self.last = next_seq - 1;
        self.records.store(BUSY, Ordering::Release);
        // The thread lives as long as this value; were it gone, the journal would simply grow.
        let _ = self.orders.send(self.last);
        Ok(())
    }

    /// Makes the last snapshot, of everything, and compares it with the live state.
    pub fn finish(self, state: &State, journal: &mut dyn Journal) {
        let Self { directory, last, orders, worker, .. } = self;
        drop(orders);
        if worker.join().is_err() {
            tracing::error!("the thread that makes snapshots panicked; the journal is kept");
        }
        let seq = state.folded();
        if seq == last {
            return;
        }
        let made = journal.rotate(seq + 1).map_err(SnapshotError::from).and_then(|()| make(&directory, seq));
        match made {
            Ok(trailer) if trailer.digest == Digest::of(state) => tracing::info!(seq, "the last snapshot was made"),
            Ok(_) => {
                tracing::error!(seq, "the snapshot differs from the live state; keep the directory and report this")
            }
            Err(error) => tracing::error!(seq, %error, "no last snapshot was made; the journal is kept"),
        }
    }
}

/// Folds what lies in a directory up to an entry, writes it down, and then removes what is covered by it.
fn make(directory: &Path, seq: u64) -> Result<Trailer, SnapshotError> {
    let files = directory::files(directory)?;
    let sealed = files.segments.iter().filter(|segment| segment.seq <= seq).cloned().collect();
    let before = directory::Files { segments: sealed, snapshots: files.snapshots };
    let folded = recovery::fold_files(&before)?;
    let found = folded.writer.state().folded();
    if found != seq {
        return Err(SnapshotError::Short { expected: seq, found });
    }
    let trailer = write(directory, seq, folded.writer.state())?;
    for covered in
        before.segments.iter().chain(&before.snapshots).filter(|file| file.path != snapshot_path(directory, seq))
    {
        fs::remove_file(&covered.path)?;
    }
    directory::sync(directory)?;
    Ok(trailer)
}

/// Writes aside, flushes, renames, and flushes the directory: a file of a snapshot's name is always whole.
fn write(directory: &Path, seq: u64, state: &State) -> io::Result<Trailer> {
    let aside = directory.join("snapshot.tmp");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&aside)?);
    let mut line = Vec::new();
    write_line(&mut line, &Header { guestlist: "snapshot".to_owned(), format: FORMAT, seq });
    file.write_all(&line)?;
    let (mut digest, mut records) = (Digest::default(), 0);
    each_record(state, |record| {
        line.clear();
        write_line(&mut line, &record);
        digest.add(&record);
        records += 1;
        file.write_all(&line)
    })?;
    line.clear();
    let trailer = Trailer { records, digest, at_ms: state.at_ms(), seeded_only: state.is_seeded_only() };
    write_line(&mut line, &trailer);
    file.write_all(&line)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&aside, snapshot_path(directory, seq))?;
    directory::sync(directory)?;
    Ok(trailer)
}

/// Puts together the state that a snapshot holds, and says of how many records.
pub fn load(file: &Numbered, writer: &mut Writer) -> Result<u64, ReadError> {
    let bytes = read::file(&file.path)?;
    let damaged = |offset: usize, what: String| {
        let offset = u64::try_from(offset).expect("a file's size fits into 64 bits");
        ReadError::DamagedSnapshot { path: file.path.clone(), offset, what }
    };
    let mut restore = Restore::new(writer);
    let mut records = 0;
    let mut lines = Lines::of(&bytes).peekable();
    while let Some(line) = lines.next() {
        let wrong = |what| damaged(line.offset, what);
        let json = line.text.map_err(wrong)?;
        if line.offset == 0 {
            let format = read::header(json, "snapshot", file.seq).map_err(wrong)?;
            if format > FORMAT {
                return Err(ReadError::Newer { path: file.path.clone(), format });
            }
        } else if lines.peek().is_some() {
            let record: Record<'_> =
                serde_json::from_str(json).map_err(|error| wrong(format!("is no record: {error}")))?;
            restore.take(record).map_err(|error| wrong(format!("does not fit: {error}")))?;
            records += 1;
        } else {
            let trailer: Trailer =
                serde_json::from_str(json).map_err(|error| wrong(format!("is no trailer: {error}")))?;
            if trailer.records != records {
                return Err(wrong(format!("counts {} records, and {records} came", trailer.records)));
            }
            restore.finish().map_err(|error| wrong(format!("does not fit: {error}")))?;
            writer.note(file.seq, trailer.at_ms, trailer.seeded_only);
            return Ok(records);
        }
    }
    Err(damaged(bytes.len(), "is missing: the file has no trailer".to_owned()))
}

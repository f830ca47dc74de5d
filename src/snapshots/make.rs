//! This is where one snapshot is made: folded from what lies on disk, compared with the live state, written down, and only then
//! are files that it makes useless removed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::pace::{Pace, Paced};
use crate::disk::Disk;
use crate::health::Health;
use crate::journal::directory::{self, Files, SNAPSHOT_ASIDE};
use crate::journal::read::ReadError;
use crate::recovery;
use crate::retention::{Remover, Retention};
use crate::snapshot::{self, Trailer};
use crate::state::digest::Digest;

/// Why a snapshot could not be made. The journal is kept, so nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// What lies on disk cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The operating system refuses.
    #[error("the snapshot cannot be written: {0}")]
    Io(#[from] io::Error),
    /// What lies on disk folds to something else than what is in memory.
    #[error("what lies on disk folds to a state with the digest {found}, and the one in memory has {live}")]
    Differs {
        /// That of what lies on disk.
        found: Digest,
        /// That of the live state.
        live: Digest,
    },
    /// A sealed segment ends before it should.
    #[error("the sealed segments end with entry {found} where {expected} must stand")]
    Short {
        /// The entry they were sealed with.
        expected: u64,
        /// The last one that is whole.
        found: u64,
    },
}

impl SnapshotError {
    /// Whether it shows that what lies on disk is not what was acknowledged; else it may go well the next time.
    fn is_alarm(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Read(ReadError::Io(..)))
    }
}

/// A snapshot that is to be made: of the state after an entry, which has a digest.
#[derive(Debug)]
pub struct Order {
    /// The entry.
    pub seq: u64,
    /// The digest.
    pub digest: Digest,
}

/// Stands for the number of records of a snapshot that is not done.
pub const BUSY: u64 = u64::MAX;

/// Makes snapshots, one after the other.
#[derive(Debug)]
pub struct Maker {
    disk: Arc<dyn Disk>,
    health: Arc<Health>,
    remover: Remover,
    records: Arc<AtomicU64>,
    hurry: Arc<AtomicBool>,
}

impl Maker {
    /// One that says how many records its last snapshot had, and rests between its work unless it is told to hurry.
    pub fn new(disk: Arc<dyn Disk>, health: Arc<Health>, records: Arc<AtomicU64>, hurry: Arc<AtomicBool>) -> Self {
        Self { disk, health, remover: Remover::new(Retention::default()), records, hurry }
    }

    /// Says what stays beyond what a start could need.
    pub fn keep(&mut self, retention: Retention) {
        self.remover = Remover::new(retention);
        if let Err(error) = self.remover.note(&*self.disk) {
            tracing::debug!(%error, "what is no longer needed is only known after the next snapshot");
        }
    }

    /// Whether what lies on disk was found to be something else than what is in memory. Nothing is removed from then on, and no
    /// snapshot made: whatever could tell what became of it is kept, and a restart reads it all.
    pub fn is_alarmed(&self) -> bool {
        self.health.differing() > 0
    }

    /// Makes the snapshot that is ordered, and takes away what is of no use any more.
    pub fn obey(&mut self, Order { seq, digest }: Order) {
        if self.is_alarmed() {
            return;
        }
        let records = match self.make(seq, digest) {
            Ok(trailer) => {
                self.health.note_snapshot(trailer.bytes, trailer.records);
                tracing::info!(seq, bytes = trailer.bytes, records = trailer.records, "a snapshot was made");
                self.clear(seq);
                trailer.records
            }
            Err(error) if error.is_alarm() => {
                self.health.snapshots_failed.add(1);
                self.health.note_differing();
                // It stays busy, so that no other is due.
                return tracing::error!(
                    seq,
                    %error,
                    "what lies on disk is not what was acknowledged: nothing is removed and no snapshot made until a restart; \
                     keep a copy of the data directory, see what `guestlist journal check` says of it, and report this"
                );
            }
            Err(error) => {
                self.health.snapshots_failed.add(1);
                tracing::error!(seq, %error, "no snapshot was made; the journal is kept, and the next is tried when it is due");
                0
            }
        };
        self.records.store(records, Ordering::Release);
    }

    fn make(&self, seq: u64, live: Digest) -> Result<Trailer, SnapshotError> {
        let disk = &*self.disk;
        let mut files = directory::files(disk)?;
        files.segments.retain(|segment| segment.seq <= seq);
        files.snapshots.retain(|snapshot| snapshot.seq <= seq);
        let trailer = self.write(&files, seq, live).inspect_err(|_| {
            // It may be what the disk is full of.
            disk.remove(SNAPSHOT_ASIDE).ok();
        })?;
        snapshot::name(disk, seq)?;
        Ok(trailer)
    }

    /// Writes aside what the files fold to.
    fn write(&self, files: &Files, seq: u64, live: Digest) -> Result<Trailer, SnapshotError> {
        let mut pace = Pace::begin(self.hurry.clone());
        let recovered = recovery::fold_sealed(&Paced { disk: &*self.disk, pace: pace.clone() }, files, seq)?;
        let state = recovered.writer.state();
        let found = state.folded();
        if found != seq {
            return Err(SnapshotError::Short { expected: seq, found });
        }
        let folded = state.digest().digest;
        if folded != live {
            return Err(SnapshotError::Differs { found: folded, live });
        }
        let trailer = snapshot::write(&*self.disk, seq, &recovered.writer, &recovered.refused, || pace.rest())?;
        // Counted record by record; the one above was kept up to date by what came and went.
        if trailer.digest != live {
            return Err(SnapshotError::Differs { found: trailer.digest, live });
        }
        Ok(trailer)
    }

    fn clear(&mut self, seq: u64) {
        if let Err(error) = self.remover.remove(&*self.disk) {
            tracing::warn!(seq, %error, "files that are no longer needed could not all be removed; it is tried again after the next snapshot");
        }
    }
}

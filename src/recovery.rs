//! This is where a start finds its state: the newest snapshot, then every entry since, folded as they were the first time.

use crate::disk::Disk;
use crate::fold::fold;
use crate::journal::directory::{self, Files, Numbered};
use crate::journal::read::{self, End, ReadError};
use crate::snapshot;
use crate::state::Writer;

/// What lay on disk, folded.
#[derive(Debug)]
pub struct Recovered {
    /// The state, and the right to change it.
    pub writer: Writer,
    /// The entry after which the newest snapshot was made; 0 without one.
    pub snapshot_seq: u64,
    /// Records in it.
    pub snapshot_records: u64,
    /// Entries folded since.
    pub entries: u64,
    /// The last segment and where it ends.
    pub last: Option<(String, End)>,
}

/// Folds all that lies on a disk.
pub fn recover(disk: &dyn Disk) -> Result<Recovered, ReadError> {
    let files = directory::files(disk).map_err(|error| ReadError::Io(disk.path().to_owned(), error))?;
    fold_files(disk, &files)
}

/// Folds files of a disk: the newest snapshot, then the segments from there on.
pub fn fold_files(disk: &dyn Disk, files: &Files) -> Result<Recovered, ReadError> {
    let mut writer = Writer::default();
    let (mut snapshot_seq, mut snapshot_records) = (0, 0);
    if let Some(newest) = files.snapshots.last() {
        snapshot_records = snapshot::load(disk, newest, &mut writer)?;
        snapshot_seq = newest.seq;
    }
    let mut recovered = Recovered { writer, snapshot_seq, snapshot_records, entries: 0, last: None };
    for (index, segment) in files.segments.iter().enumerate() {
        let last = index + 1 == files.segments.len();
        if !files.is_covered(index, snapshot_seq) {
            recovered.fold_segment(disk, segment, last)?;
        }
    }
    recovered.writer.settle();
    Ok(recovered)
}

impl Recovered {
    fn fold_segment(&mut self, disk: &dyn Disk, segment: &Numbered, last: bool) -> Result<(), ReadError> {
        let expected = self.writer.state().folded() + 1;
        if segment.seq > expected {
            let path = disk.path().join(&segment.name);
            return Err(ReadError::Missing { path, expected, found: segment.seq });
        }
        let mut events = Vec::new();
        let end = read::segment(disk, segment, last, |entry| {
            if entry.seq > self.writer.state().folded() {
                // A refusal was an outcome then, and is the same outcome now.
                let _ = fold(&mut self.writer, entry, &mut events);
                self.entries += 1;
                events.clear();
            }
            Ok(())
        })?;
        self.last = Some((segment.name.clone(), end));
        Ok(())
    }
}

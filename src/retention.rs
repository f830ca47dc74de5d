//! This is where it is decided which files of the data directory are of no more use, and when they go.
//!
//! The two newest snapshots stay, with every segment that the older of them does not hold: so a newest snapshot that was damaged
//! can be made again from what came before it. Segments that are not needed even for that are an audit log, kept up to a size.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use crate::config::{JOURNAL_KEEP_BYTES_DEFAULT, REMOVAL_WAIT};
use crate::disk::Disk;
use crate::journal::directory::{self, Files, Numbered};

/// What stays beyond what a start could need.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Bytes of segments that are kept as an audit log, the newest first.
    pub journal_keep_bytes: u64,
    /// How long a file stays after it was found to be of no use, so that a copy of the directory that is being made finds it.
    pub removal_wait: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { journal_keep_bytes: JOURNAL_KEEP_BYTES_DEFAULT, removal_wait: REMOVAL_WAIT }
    }
}

/// Takes away what is of no more use, some time after it came to be so.
#[derive(Debug)]
pub struct Remover {
    retention: Retention,
    /// Since when files are of no use.
    since: HashMap<String, Instant>,
}

impl Remover {
    /// One that has removed nothing yet.
    pub fn new(retention: Retention) -> Self {
        Self { retention, since: HashMap::new() }
    }

    /// Notes what is of no use already, so that it waits from now on. A process that makes one snapshot and ends would else never
    /// remove anything.
    pub fn note(&mut self, disk: &dyn Disk) -> io::Result<()> {
        self.waiting(disk, Instant::now()).map(drop)
    }

    /// Removes what has waited long enough, the oldest first; what could not be removed is tried again next time. To be called
    /// only when the newest snapshot is whole and durable under its name.
    pub fn remove(&mut self, disk: &dyn Disk) -> io::Result<()> {
        self.remove_at(disk, Instant::now())
    }

    fn remove_at(&mut self, disk: &dyn Disk, now: Instant) -> io::Result<()> {
        let mut removed = false;
        for (name, since) in self.waiting(disk, now)? {
            if now.duration_since(since) < self.retention.removal_wait {
                continue;
            }
            match disk.remove(&name) {
                // Somebody was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            removed = true;
        }
        if removed { disk.sync() } else { Ok(()) }
    }

    /// The files that are of no use, and since when.
    fn waiting(&mut self, disk: &dyn Disk, now: Instant) -> io::Result<Vec<(String, Instant)>> {
        let files = directory::files(disk)?;
        let useless = useless(&files, self.retention.journal_keep_bytes, |file| disk.bytes(&file.name))?;
        self.since.retain(|name, _| useless.iter().any(|file| file.name == *name));
        let waiting = useless.into_iter().map(|file| {
            let since = *self.since.entry(file.name.clone()).or_insert(now);
            (file.name, since)
        });
        Ok(waiting.collect())
    }
}

/// The files that are of no use, segments first and the oldest first, given how large they are.
fn useless(
    files: &Files,
    keep_bytes: u64,
    mut bytes: impl FnMut(&Numbered) -> io::Result<u64>,
) -> io::Result<Vec<Numbered>> {
    let [old @ .., older, _] = &files.snapshots[..] else { return Ok(Vec::new()) };
    let covered = (0..files.segments.len()).take_while(|index| files.is_covered(*index, older.seq)).count();
    let (mut kept, mut first_kept) = (0, covered);
    while first_kept > 0 {
        kept += bytes(&files.segments[first_kept - 1])?;
        if kept > keep_bytes {
            break;
        }
        first_kept -= 1;
    }
    Ok(files.segments[..first_kept].iter().chain(old).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::disk::SimulatedDisk;
    use crate::journal::directory::{segment_name, snapshot_name};

    const NONE: [u64; 0] = [];

    fn files(segments: &[u64], snapshots: &[u64]) -> Files {
        let numbered = |name: fn(u64) -> String| move |seq: &u64| Numbered { seq: *seq, name: name(*seq) };
        Files {
            segments: segments.iter().map(numbered(segment_name)).collect(),
            snapshots: snapshots.iter().map(numbered(snapshot_name)).collect(),
        }
    }

    /// What goes where every segment has ten bytes: numbers of segments, then of snapshots.
    fn goes(segments: &[u64], snapshots: &[u64], keep_bytes: u64) -> Vec<u64> {
        let useless = useless(&files(segments, snapshots), keep_bytes, |_| Ok(10)).expect("sizes are known");
        useless.into_iter().map(|file| file.seq).collect()
    }

    #[test]
    fn two_snapshots_stay_and_what_the_older_one_does_not_hold() {
        assert_eq!(goes(&[1, 11, 21], &[], 0), NONE);
        assert_eq!(goes(&[1, 11, 21], &[20], 0), NONE, "the journal alone is the generation before the first snapshot");
        assert_eq!(goes(&[1, 11, 21], &[10, 20], 0), [1]);
        assert_eq!(goes(&[1, 6, 11, 16, 21], &[5, 10, 20], 0), [1, 6, 5]);
        assert_eq!(goes(&[1, 6, 11], &[12, 14], 0), [1, 6], "a segment that begins within a snapshot may end after it");
    }

    #[test]
    fn of_other_segments_the_newest_are_kept_up_to_a_size() {
        let segments = [1, 11, 21, 31, 41];
        assert_eq!(goes(&segments, &[30, 40], 9), [1, 11, 21]);
        assert_eq!(goes(&segments, &[30, 40], 10), [1, 11]);
        assert_eq!(goes(&segments, &[30, 40], 29), [1]);
        assert_eq!(goes(&segments, &[30, 40], 30), NONE);
    }
    #[test]
    fn what_was_of_no_use_at_the_start_goes_with_the_first_snapshot_that_comes_long_enough_after_it() {
        let disk = SimulatedDisk::new(1);
        for name in [segment_name(1), segment_name(11), segment_name(21), segment_name(31)] {
            disk.put(&name, b"ten bytes.");
        }
        for seq in [10, 20, 30] {
            disk.put(&snapshot_name(seq), b"");
        }
        let mut remover = Remover::new(Retention { journal_keep_bytes: 0, removal_wait: Duration::from_secs(60) });
        remover.note(&disk).expect("there are names");
        disk.put(&segment_name(41), b"");
        disk.put(&snapshot_name(40), b"");
        remover.remove_at(&disk, Instant::now() + Duration::from_secs(60)).expect("files can be removed");
        let left = directory::files(&disk).expect("there are names");
        let numbers = |files: &[Numbered]| files.iter().map(|file| file.seq).collect::<Vec<_>>();
        assert_eq!(numbers(&left.snapshots), [20, 30, 40], "the one of 20 came to be of no use just now");
        assert_eq!(numbers(&left.segments), [21, 31, 41]);
    }
}

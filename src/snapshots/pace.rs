//! This is where the making of a snapshot gives way: it takes a small share of a processor and of the disk, and time enough.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::config::{SNAPSHOT_REST_MAX, SNAPSHOT_RESTS};
use crate::disk::{Disk, DiskFile};

/// Bytes that are read between two rests.
const READ_BYTES: usize = 256 << 10;

/// Somebody who works a while, and then rests in proportion, unless there is a hurry.
#[derive(Clone, Debug)]
pub struct Pace {
    hurry: Arc<AtomicBool>,
    working_since: Instant,
}

impl Pace {
    /// Begins to work.
    pub fn begin(hurry: Arc<AtomicBool>) -> Self {
        Self { hurry, working_since: Instant::now() }
    }

    /// Rests from what was done since the last time.
    pub fn rest(&mut self) {
        if !self.hurry.load(Ordering::Relaxed) {
            let rest = self.working_since.elapsed() * SNAPSHOT_RESTS;
            // Not all at once: a hurry may come.
            thread::sleep(rest.min(SNAPSHOT_REST_MAX));
        }
        self.working_since = Instant::now();
    }
}

/// A disk that is read at a pace.
#[derive(Debug)]
pub struct Paced<'a> {
    /// The disk.
    pub disk: &'a dyn Disk,
    /// The pace, which each file has for itself.
    pub pace: Pace,
}

impl Disk for Paced<'_> {
    fn path(&self) -> &Path {
        self.disk.path()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let pace = Pace::begin(self.pace.hurry.clone());
        Ok(Box::new(PacedFile { file: self.disk.read(name)?, pace, left: READ_BYTES }))
    }

    fn bytes(&self, name: &str) -> io::Result<u64> {
        self.disk.bytes(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(name)
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.append(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }
}

/// A file that is read at a pace.
struct PacedFile {
    file: Box<dyn Read + Send>,
    pace: Pace,
    left: usize,
}

impl Read for PacedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.pace.rest();
            self.left = READ_BYTES;
        }
        let read = self.file.read(buffer)?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rested(hurry: bool) -> Duration {
        let mut pace = Pace::begin(Arc::new(AtomicBool::new(hurry)));
        pace.working_since -= Duration::from_millis(10);
        let before = Instant::now();
        pace.rest();
        before.elapsed()
    }

    #[test]
    fn it_rests_in_proportion_unless_there_is_a_hurry() {
        assert!(rested(false) >= Duration::from_millis(10) * SNAPSHOT_RESTS);
        assert!(rested(true) < rested(false));
    }
}

//! A disk that is watched: it tells when the power is out and when the journal's flush has failed; and it lies, if told to.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use guestlist::disk::{Disk, DiskFile, SimulatedDisk};
use tokio::sync::Notify;

/// What is seen of a disk for as long as a gateway runs.
#[derive(Clone, Debug)]
pub struct Watched {
    disk: SimulatedDisk,
    seen: Arc<Seen>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Somebody waits for the power to go.
    pub dark: Notify,
    /// A flush of the journal has failed.
    pub has_failed: AtomicBool,
    /// Flushes that are still honest. None of those after them is made, and all say that they were.
    honest: AtomicU64,
}

impl Watched {
    /// A disk whose flushes are honest so many times.
    pub fn new(disk: SimulatedDisk, honest: u64) -> Self {
        Self { disk, seen: Arc::new(Seen { honest: honest.into(), ..Seen::default() }) }
    }

    /// What was seen.
    pub fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }

    fn saw<T>(&self, came: io::Result<T>) -> io::Result<T> {
        if self.disk.is_dark() {
            self.seen.dark.notify_one();
        }
        came
    }

    fn watched(&self, name: &str, file: io::Result<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        let file = self.saw(file)?;
        Ok(Box::new(File { file, disk: self.clone(), is_journal: name.starts_with("journal") }))
    }
}

impl Seen {
    fn is_honest(&self) -> bool {
        let left = self.honest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.is_ok()
    }
}

impl Disk for Watched {
    fn path(&self) -> &Path {
        self.disk.path()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.saw(self.disk.names())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.saw(self.disk.read(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.watched(name, self.disk.create(name))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.watched(name, self.disk.append(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.saw(self.disk.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.saw(self.disk.remove(name))
    }

    fn sync(&self) -> io::Result<()> {
        self.saw(self.disk.sync())
    }
}

/// A file of a watched disk.
#[derive(Debug)]
struct File {
    file: Box<dyn DiskFile>,
    disk: Watched,
    is_journal: bool,
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.saw(self.file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for File {
    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.saw(self.file.reserve(bytes))
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.saw(self.file.set_len(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.disk.seen.is_honest() {
            return Ok(());
        }
        let synced = self.disk.saw(self.file.sync());
        if synced.is_err() && self.is_journal {
            self.disk.seen.has_failed.store(true, Ordering::Relaxed);
        }
        synced
    }
}

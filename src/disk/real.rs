//! This is where a disk is the operating system's.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, DiskFile};

/// The file by which a directory is taken. It tells its own inode, which a copy of it does not have.
pub const LOCK: &str = "lock";

/// What stands before the inode.
pub const INODE: &str = "inode ";

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    path: PathBuf,
    names: Arc<Names>,
}

/// The names in a directory, which several threads may be giving.
///
/// The system tells of a sync that failed once, to whoever asks first, and that may not be who gave the name that was lost. So
/// one asks at a time, and after a failure all are told of it.
#[derive(Debug, Default)]
struct Names {
    /// Whether some may have been lost.
    lost: Mutex<bool>,
}

impl RealDisk {
    /// A directory that is there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), names: Arc::default() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Disk for RealDisk {
    fn path(&self) -> &Path {
        &self.path
    }

    fn is_copy(&self) -> bool {
        let Ok(mut lock) = File::open(self.at(LOCK)) else { return false };
        let mut text = String::new();
        let is_read = lock.read_to_string(&mut text).is_ok();
        let own = lock.metadata().map(|lock| lock.ino());
        let told = text.lines().find_map(|line| line.strip_prefix(INODE)?.parse::<u64>().ok());
        is_read && told.is_some() && told != own.ok()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is no text is none of ours.
        names.filter_map(Result::transpose).collect()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.at(name))?))
    }

    fn may_be_read_ahead(&self) -> bool {
        true
    }

    fn bytes(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.at(name))?.len())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = File::options().write(true).create(true).truncate(true).open(self.at(name))?;
        Ok(Box::new(RealFile { file, written: 0, bytes: 0 }))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = File::options().write(true).open(self.at(name))?;
        let bytes = file.metadata()?.len();
        Ok(Box::new(RealFile { file, written: bytes, bytes }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    fn sync(&self) -> io::Result<()> {
        let directory = File::open(&self.path)?;
        self.names.sync(|| directory.sync_all())
    }
}

impl Names {
    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if *lost {
            return Err(io::Error::other(
                "a sync of the directory failed before, and may have lost any name given by then",
            ));
        }
        sync().inspect_err(|_| *lost = true)
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    /// Where the next byte goes.
    written: u64,
    /// What it has with the room after that.
    bytes: u64,
}

/// Zeros that are written at a time to make room.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write_at(bytes, self.written)?;
        self.written += wide(taken);
        self.bytes = self.bytes.max(self.written);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let end = self.written + bytes;
        // Written and not only allocated: the file system would have to note of every block that it is in use, with the sync of
        // what is written there.
        while self.bytes < end {
            let zeros = usize::try_from(end - self.bytes).map_or(ZEROS.len(), |missing| missing.min(ZEROS.len()));
            match self.file.write_at(&ZEROS[..zeros], self.bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.bytes += wide(taken),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        (self.written, self.bytes) = (bytes, bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // With it goes all that is needed to read the bytes back, the length among it.
        self.file.sync_data()
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length fits into 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_of_the_directory_that_failed_is_told_to_all_who_ask_later() {
        let names = Arc::new(Names::default());
        names.sync(|| Ok(())).expect("nothing failed yet");
        let snapshots = names.clone();
        assert!(snapshots.sync(|| Err(io::ErrorKind::Interrupted.into())).is_err());
        let told = names.sync(|| Ok(())).expect_err("what the journal renamed may be lost too");
        assert!(!crate::disk::is_full(&told), "{told}");
    }
}

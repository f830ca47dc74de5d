//! This is where a disk is the operating system's.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, DiskFile};

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
        // For appending: after a cut the next bytes must follow the last good ones.
        let file = File::options().append(true).create(true).open(self.at(name))?;
        file.set_len(0)?;
        Ok(Box::new(RealFile(file)))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(File::options().append(true).open(self.at(name))?)))
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
struct RealFile(File);

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // With it goes all that is needed to read the bytes back, the length among it.
        self.0.sync_data()
    }
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

//! This is where a disk is the operating system's.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::direct::{Direct, ZEROS, block_end};
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
        let file = File::options().read(true).write(true).create(true).truncate(true).open(self.at(name))?;
        Ok(Box::new(RealFile { file, written: 0, bytes: 0, direct: None }))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = File::options().read(true).write(true).open(self.at(name))?;
        let bytes = file.metadata()?.len();
        Ok(Box::new(RealFile { file, written: bytes, bytes, direct: None }))
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
    /// How it is written once room was made: only flushes that come often gain by it.
    direct: Option<Direct>,
}

impl RealFile {
    /// Goes on without [`Direct`].
    fn end_direct(&mut self) -> io::Result<()> {
        if self.direct.take().is_some() { Direct::end(&self.file) } else { Ok(()) }
    }
}

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(direct) = &mut self.direct {
            match direct.write(&self.file, self.written, bytes) {
                Ok(()) => {
                    self.written += wide(bytes.len());
                    self.bytes = self.bytes.max(block_end(self.written));
                    return Ok(bytes.len());
                }
                // There are file systems that accept to do it, and then do not.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.end_direct()?,
                Err(error) => return Err(error),
            }
        }
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
        let end = block_end(self.written + bytes);
        // Written and not only allocated: the file system would have to note of every block that it is in use, with the sync of
        // what is written there.
        while self.bytes < end {
            let zeros = usize::try_from(end - self.bytes).map_or(ZEROS.0.len(), |missing| missing.min(ZEROS.0.len()));
            match self.file.write_at(&ZEROS.0[..zeros], self.bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.bytes += wide(taken),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.direct.is_none() {
            self.direct = Direct::begin(&self.file, self.written);
        }
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.end_direct()?;
        self.file.set_len(bytes)?;
        (self.written, self.bytes) = (bytes, bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // With it goes all that is needed to read the bytes back, the length among it.
        self.file.sync_data()
    }
}

/// A length as a place in a file.
pub(super) fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length fits into 64 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(Vec<u8>),
        Reserve(u64),
        Cut(prop::sample::Index),
        Sync,
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = (1..=255_u8, prop_oneof![1..400_usize, 4_000..4_200_usize, Just(300_000)]);
        prop_oneof![
            6 => bytes.prop_map(|(byte, length)| Step::Write(vec![byte; length])),
            2 => (0..200_000_u64).prop_map(Step::Reserve),
            1 => any::<prop::sample::Index>().prop_map(Step::Cut),
            2 => Just(Step::Sync),
        ]
    }

    proptest! {
        #[test]
        fn a_file_holds_what_was_written_and_then_zeros(steps in prop::collection::vec(step(), 1..24)) {
            let directory = tempfile::tempdir().expect("there is space");
            let disk = RealDisk::new(directory.path());
            let (mut file, mut held) = (disk.create("a").expect("there is space"), Vec::new());
            for step in steps {
                match step {
                    Step::Write(bytes) => {
                        file.write_all(&bytes).expect("there is space");
                        held.extend(bytes);
                    }
                    Step::Reserve(bytes) => {
                        file.reserve(bytes).expect("there is space");
                        prop_assert!(disk.bytes("a").expect("it is there") >= wide(held.len()) + bytes);
                    }
                    Step::Cut(at) => {
                        held.truncate(at.index(held.len() + 1));
                        file.set_len(wide(held.len())).expect("it can be cut");
                        prop_assert_eq!(disk.bytes("a").expect("it is there"), wide(held.len()));
                    }
                    Step::Sync => file.sync().expect("the disk is well"),
                }
                let found = fs::read(disk.at("a")).expect("it is there");
                let (begin, rest) = found.split_at(held.len());
                prop_assert!(begin == held);
                prop_assert!(rest.iter().all(|byte| *byte == 0));
            }
        }
    }

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

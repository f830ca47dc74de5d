//! This is where the gateway meets the disk: one directory of files, written from front to back, and the few calls that make them
//! durable. All that journal and snapshots know of a disk is here, so that a simulated one can fail at any call of it.

mod direct;
pub mod real;
pub mod simulated;

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::path::Path;

pub use real::RealDisk;
pub use simulated::SimulatedDisk;

/// One directory of files, which has no other directories.
///
/// What is written, named or taken away is durable once it was synced: bytes of a file by [`DiskFile::sync`], names by
/// [`Disk::sync`]. Until then a loss of power may leave any part of it.
pub trait Disk: Debug + Send + Sync {
    /// Where it is, for people to be told.
    fn path(&self) -> &Path;

    /// Whether its files were copied from where a gateway may have been writing them: what was copied first of a file is then of
    /// an earlier moment than what was copied last, and zeros between the two may be room that was used in the meantime.
    fn is_copy(&self) -> bool {
        false
    }

    /// The names of all files, in no order.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Reads a file from its beginning.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Whether a file may be read on another thread, and further than it turns out to be needed. Not where what happens must
    /// happen in the same order each time.
    fn may_be_read_ahead(&self) -> bool {
        false
    }

    /// How many bytes a file has.
    fn bytes(&self, name: &str) -> io::Result<u64> {
        io::copy(&mut self.read(name)?, &mut io::sink())
    }

    /// Makes an empty file to write to, in place of one of that name.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that there is, to write at its end; room that was made there is part of it.
    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of one that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file away.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable: those that others gave too, so that a failure may concern them as much.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is written from front to back.
pub trait DiskFile: Write + Debug + Send {
    /// Makes room for so many bytes after what was written, filled with zeros until something is written there. Once it is
    /// synced, so is all that writing needs of the file system beside the bytes themselves, and a sync waits for nothing else.
    /// After an error any part of it may be there.
    fn reserve(&mut self, bytes: u64) -> io::Result<()>;

    /// Cuts the file off after so many bytes, with all room after them; what is written next follows them.
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;

    /// Makes what was written, made room for and cut off durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Whether a call failed for want of space, which may come back: the disk or a quota is full, or the file as large as it may be.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

//! This is where it is said why what lies on disk cannot be read, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::journal::FORMAT;

/// A file that cannot be read as what its name says.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refuses.
    #[error("{0} cannot be read: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Something that was whole once is so no more.
    #[error(
        "{path} is damaged at byte {offset}: the line {what}. Nothing was changed. Restore the file from a copy, or have it told \
         what a repair would cost, and then done: guestlist journal repair {}",
        directory(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the bad line begins.
        offset: u64,
        /// The entry that must stand there.
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A snapshot that was whole once is so no more.
    #[error(
        "{path} is damaged at byte {offset}: the line {what}. Nothing was changed. Restore the file from a copy, or have it told \
         what a repair would cost, and then done: guestlist journal repair {}",
        directory(path)
    )]
    DamagedSnapshot {
        /// The file.
        path: PathBuf,
        /// Where the bad line begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Entries are missing between two files.
    #[error(
        "{path} begins with entry {found}, and entry {expected} is in no file. Nothing was changed. Restore the missing segment \
         from a copy, or have it told what a repair would cost, and then done: guestlist journal repair {}",
        directory(path)
    )]
    Missing {
        /// The file after the gap.
        path: PathBuf,
        /// The first entry that is missing.
        expected: u64,
        /// Its first entry.
        found: u64,
    },
    /// What comes before a segment is not what came before it when it was begun.
    #[error(
        "{path} was begun after another state than the one that the files before it fold to, up to entry {seq}: one of them was \
         replaced or changed. Nothing was changed now. Restore the directory from a copy, or have it told what a repair would \
         cost, and then done: guestlist journal repair {}",
        directory(path)
    )]
    Diverged {
        /// The segment.
        path: PathBuf,
        /// The last entry before it.
        seq: u64,
    },
    /// A file of a later gateway.
    #[error("{path} has format {format}, and this gateway reads up to {FORMAT}; start the newer gateway that wrote it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

impl ReadError {
    /// An error of the operating system with a file of a disk.
    pub fn io(disk: &dyn Disk, name: &str, error: io::Error) -> Self {
        Self::Io(disk.path().join(name), error)
    }
}

fn directory(path: &Path) -> std::path::Display<'_> {
    path.parent().unwrap_or(path).display()
}

//! This is where the data directory is known: which files are in it, what their names mean, and who has it.
//!
//! The names are the manifest: `journal-<seq>` begins with the entry of that number, `snapshot-<seq>` holds the state after it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::disk::real::{INODE, LOCK};
use crate::disk::{Disk, RealDisk, is_full};

/// A data directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another gateway has it.
    #[error("another gateway{pid} runs on {path}; stop it first, or choose another directory with --data")]
    Taken {
        /// The directory.
        path: String,
        /// The other's pid, in parentheses, where known.
        pid: String,
    },
    /// It holds a copy of a journal that several gateways share, and a store of its own is wanted.
    #[error(
        "{0} holds a copy of a journal in etcd, and a gateway with --journal goes on with it; for a store of its own choose another \
         directory with --data, or bring the journal there with `guestlist migrate`"
    )]
    Copy(String),
    /// The operating system refuses.
    #[error("the data directory {0} cannot be used: {1}; make it writable, or choose another with --data")]
    Io(String, #[source] io::Error),
}

/// A file of the data directory, with the number in its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbered {
    /// The number.
    pub seq: u64,
    /// The file's name.
    pub name: String,
}

/// The journal segments and snapshots of a directory, each in the order of their numbers.
#[derive(Debug, Default)]
pub struct Files {
    /// The segments.
    pub segments: Vec<Numbered>,
    /// The snapshots.
    pub snapshots: Vec<Numbered>,
}

impl Files {
    /// Whether a snapshot holds all of a segment, so that it only waits to be removed: its successor begins within the snapshot.
    pub fn is_covered(&self, segment: usize, snapshot_seq: u64) -> bool {
        self.segments.get(segment + 1).is_some_and(|next| next.seq <= snapshot_seq + 1)
    }
}

impl DataDir {
    /// Creates the directory where needed, and takes it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Io(path.display().to_string(), error);
        fs::create_dir_all(path).map_err(failed)?;
        // The directory's own name must be durable too, or a loss of power takes everything in it.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        RealDisk::new(parent.unwrap_or(Path::new("."))).sync().map_err(failed)?;
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(failed)?;
        let is_taken = lock.try_lock();
        let mut text = String::new();
        let (pid, inode) = match lock.read_to_string(&mut text) {
            Ok(_) => text.split_once('\n').unwrap_or((&text, "")),
            Err(_) => Default::default(),
        };
        match is_taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = if pid.is_empty() { String::new() } else { format!(" (pid {pid})") };
                return Err(OpenError::Taken { path: path.display().to_string(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let directory = Self { path: path.to_owned(), lock };
        // What it was before stays known until a start has read it all.
        directory.tell(inode).map_err(failed)?;
        Ok(directory)
    }

    /// The same of a directory that is to hold a store of its own, and no copy.
    pub fn open_own(path: &Path) -> Result<Self, OpenError> {
        if path.join(COPY).exists() { Err(OpenError::Copy(path.display().to_string())) } else { Self::open(path) }
    }

    /// Notes that this is where the files are written from now on, wherever they were copied from.
    pub fn settle(&self) -> Result<(), OpenError> {
        let told = self.lock.metadata().and_then(|lock| self.tell(&format!("{INODE}{}\n", lock.ino())));
        told.map_err(|error| OpenError::Io(self.path.display().to_string(), error))
    }

    /// Writes down who has it. The pid is for people; the lock itself is the kernel's and goes with the process.
    fn tell(&self, inode: &str) -> io::Result<()> {
        let text = format!("{}\n{inode}", std::process::id());
        let bytes = u64::try_from(text.len()).expect("a length fits into 64 bits");
        match self.lock.write_all_at(text.as_bytes(), 0).and_then(|()| self.lock.set_len(bytes)) {
            // A full disk is no reason not to start: there is much to be read.
            Err(error) if !is_full(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets aside what it holds of a journal, in place of what was set aside before.
    pub fn set_aside(&self) -> io::Result<()> {
        let aside = self.path.join(ASIDE);
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&aside)?,
        }
        let disk = self.disk();
        let Files { segments, snapshots } = files(&disk)?;
        let mut all = segments.iter().chain(&snapshots);
        all.try_for_each(|file| fs::rename(self.path.join(&file.name), aside.join(&file.name)))?;
        disk.sync()
    }

    /// The directory as a disk.
    pub fn disk(&self) -> RealDisk {
        RealDisk::new(&self.path)
    }
}

/// Gives the directory up at once: a process that is being started from this one has what this one has open, for a moment.
impl Drop for DataDir {
    fn drop(&mut self) {
        // What fails here fails again, and says why, where the directory is taken.
        self.lock.unlock().ok();
    }
}

/// Lists the segments and snapshots of a disk.
pub fn files(disk: &dyn Disk) -> io::Result<Files> {
    let mut files = Files::default();
    for name in disk.names()? {
        let number = |prefix| name.strip_prefix(prefix).filter(|digits| digits.len() == 20)?.parse().ok();
        if let Some(seq) = number("journal-") {
            files.segments.push(Numbered { seq, name });
        } else if let Some(seq) = number("snapshot-") {
            files.snapshots.push(Numbered { seq, name });
        }
    }
    files.segments.sort_unstable();
    files.snapshots.sort_unstable();
    Ok(files)
}

/// Takes away what was being written aside when a process ended.
pub fn remove_leftovers(disk: &dyn Disk) -> io::Result<()> {
    let names = disk.names()?;
    names
        .iter()
        .filter(|name| [SEGMENT_ASIDE, SNAPSHOT_ASIDE].contains(&name.as_str()))
        .try_for_each(|name| disk.remove(name))
}

/// The name of the segment that begins with an entry.
pub fn segment_name(first_seq: u64) -> String {
    format!("journal-{first_seq:020}")
}

/// The name of the snapshot after an entry.
pub fn snapshot_name(seq: u64) -> String {
    format!("snapshot-{seq:020}")
}

/// Where a segment is while it is being begun.
pub const SEGMENT_ASIDE: &str = "journal.tmp";

/// The file that says of which journal, shared by several gateways, a directory holds a copy.
pub const COPY: &str = "cluster";

/// Where a journal and its snapshots lie that were set aside.
const ASIDE: &str = "aside";

/// Where a snapshot is while it is being written.
pub const SNAPSHOT_ASIDE: &str = "snapshot.tmp";

/// The segment that begins with an entry, in a directory.
pub fn segment_path(directory: &Path, first_seq: u64) -> PathBuf {
    directory.join(segment_name(first_seq))
}

/// The snapshot after an entry, in a directory.
pub fn snapshot_path(directory: &Path, seq: u64) -> PathBuf {
    directory.join(snapshot_name(seq))
}

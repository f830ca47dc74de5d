//! `guestlist journal`: looks into a data directory, without changing anything in it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use guestlist::disk::RealDisk;
use guestlist::journal::directory::{self, Files};
use guestlist::journal::read::{self, Entries, ReadError};
use guestlist::recovery;
use guestlist::state::digest::Digest;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  guestlist journal check ./guestlist-data")]
pub struct Journal {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the journal's entries: when, which, who, and what was done
    #[command(after_help = "Example:\n  guestlist journal print ./guestlist-data | grep name@example.com")]
    Print {
        /// The data directory
        dir: PathBuf,
    },
    /// Read everything as a start would, and say whether it is whole
    #[command(
        after_help = "Exit code 0 where all is whole, 1 where something is damaged, 2 where it cannot be read.\n\n\
                            Example:\n  guestlist journal check ./guestlist-data"
    )]
    Check {
        /// The data directory
        dir: PathBuf,
    },
}

#[derive(Debug, thiserror::Error)]
enum JournalError {
    #[error("{0} cannot be read: {1}")]
    Directory(PathBuf, #[source] io::Error),
    #[error("{0} holds no journal; name the directory that was given with --data")]
    Empty(PathBuf),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0} was removed meanwhile: a running gateway made a snapshot; try again")]
    Removed(PathBuf),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Journal {
    pub fn run(self) -> ExitCode {
        let done = match &self.command {
            Command::Print { dir } => print(dir),
            Command::Check { dir } => check(dir),
        };
        match done.map_err(removed) {
            Ok(()) => ExitCode::SUCCESS,
            // A reader such as `head` that has seen enough is no failure.
            Err(JournalError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(JournalError::Read(error)) if !matches!(error, ReadError::Io(..)) => {
                eprintln!("guestlist: {error}");
                ExitCode::FAILURE
            }
            Err(error) => super::failed(error),
        }
    }
}

/// Tells a file that a running gateway no longer needs from one that cannot be read.
fn removed(error: JournalError) -> JournalError {
    match error {
        JournalError::Read(ReadError::Io(path, error)) if error.kind() == io::ErrorKind::NotFound => {
            JournalError::Removed(path)
        }
        other => other,
    }
}

fn files(dir: &Path) -> Result<Files, JournalError> {
    let files =
        directory::files(&RealDisk::new(dir)).map_err(|error| JournalError::Directory(dir.to_owned(), error))?;
    if files.segments.is_empty() && files.snapshots.is_empty() {
        return Err(JournalError::Empty(dir.to_owned()));
    }
    Ok(files)
}

fn print(dir: &Path) -> Result<(), JournalError> {
    let (disk, files) = (RealDisk::new(dir), files(dir)?);
    let mut out = BufWriter::new(io::stdout().lock());
    for (index, segment) in files.segments.iter().enumerate() {
        let mut message = Vec::new();
        let last = index + 1 == files.segments.len();
        let end = if last { read::survey(&disk, segment)?.next_seq } else { u64::MAX };
        let mut entries = Entries::open(&disk, segment)?;
        while entries.place.seq < end
            && let Some(entry) = entries.next()?
        {
            message.clear();
            entry.change.write(&mut message);
            let (seq, by, at) = (entry.seq, entry.by, moment(entry.at_ms));
            writeln!(out, "{at}  {seq:>8}  {by}  {}", String::from_utf8_lossy(&message))?;
        }
    }
    Ok(out.flush()?)
}

fn check(dir: &Path) -> Result<(), JournalError> {
    let (disk, files) = (RealDisk::new(dir), files(dir)?);
    let recovered = recovery::fold_files(&disk, &files)?;
    let mut out = io::stdout().lock();
    if let Some(snapshot) = files.snapshots.last() {
        writeln!(out, "snapshot  {}  whole", dir.join(&snapshot.name).display())?;
    }
    for (index, segment) in files.segments.iter().enumerate() {
        if files.is_covered(index, recovered.snapshot_seq) {
            writeln!(
                out,
                "segment   {}  not read, for the snapshot holds all of it",
                dir.join(&segment.name).display()
            )?;
            continue;
        }
        match recovered.torn.as_ref().filter(|torn| torn.segment == segment.name) {
            None => writeln!(out, "segment   {}  whole", dir.join(&segment.name).display())?,
            Some(torn) => writeln!(
                out,
                "segment   {}  whole up to byte {}; the {} bytes after it were never acknowledged, a start cuts them off",
                dir.join(&segment.name).display(),
                torn.offset,
                torn.bytes
            )?,
        }
    }
    let state = recovered.writer.state();
    writeln!(out, "entries   {} since the snapshot, the last is number {}", recovered.entries, state.folded())?;
    Ok(writeln!(out, "digest    {}", Digest::of(state))?)
}

fn moment(at_ms: u64) -> String {
    let timestamp = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    timestamp.map_or_else(|| at_ms.to_string(), |timestamp| format!("{timestamp:.3}"))
}

//! `guestlist journal`: looks into a data directory, and mends it.

mod check;
mod overview;
mod print;
mod repair;
mod verdict;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use guestlist::disk::RealDisk;
use guestlist::journal::directory::{self, Files, OpenError};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Journal {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  guestlist journal check ./guestlist-data
  guestlist journal repair ./guestlist-data --dry-run
  guestlist journal print ./guestlist-data --since 2026-11-01 --method addToWhitelist";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say of every file whether it is whole, and what it all comes to
    Check(check::Check),
    /// Cut off what was never acknowledged and put damaged files aside, so that a start works again
    Repair(repair::Repair),
    /// Print what was done: when, by whom, and what
    Print(print::Print),
}

#[derive(Debug, thiserror::Error)]
enum JournalError {
    #[error("{0} cannot be read: {1}")]
    Directory(PathBuf, #[source] io::Error),
    #[error("{0} holds no journal; name the directory that was given with --data")]
    Empty(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{0}: {1}")]
    Put(PathBuf, #[source] io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Journal {
    /// Exit codes: 0 well, 1 something is damaged, 2 it cannot be read.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Check(check) => check.run(),
            Command::Repair(repair) => repair.run(),
            Command::Print(print) => print.run(),
        };
        match done {
            Ok(code) => code,
            // A reader such as `head` that has seen enough is no failure.
            Err(JournalError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => super::failed(error),
        }
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

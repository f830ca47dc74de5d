//! This is where the journal is written to disk, segment after segment.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FORMAT, Journal, directory, write_line};

/// What an ack promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Every change is flushed to disk before its ack.
    #[default]
    Sync,
    /// Changes are handed to the operating system before the ack and flushed every second: a crash of the process loses
    /// nothing, a crash of the machine loses up to a second of acknowledged changes.
    Relaxed,
}

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    /// What the file is: `journal` or `snapshot`.
    pub guestlist: String,
    /// The version of its format.
    pub format: u32,
    /// A segment's first entry; the last entry a snapshot holds.
    pub seq: u64,
}

/// A journal in a directory.
#[derive(Debug)]
pub struct FileJournal {
    directory: PathBuf,
    segment: File,
    durability: Durability,
    unflushed: bool,
}

impl FileJournal {
    /// Goes on in a segment after `bytes` good ones; what comes after them is cut off.
    pub fn resume(path: &Path, bytes: u64, durability: Durability) -> io::Result<Self> {
        let segment = File::options().append(true).open(path)?;
        if segment.metadata()?.len() != bytes {
            segment.set_len(bytes)?;
            segment.sync_all()?;
        }
        let directory = path.parent().expect("a segment lies in a directory").to_owned();
        Ok(Self { directory, segment, durability, unflushed: false })
    }

    /// Begins a new segment.
    pub fn begin(directory: &Path, first_seq: u64, durability: Durability) -> io::Result<Self> {
        let segment = new_segment(directory, first_seq)?;
        Ok(Self { directory: directory.to_owned(), segment, durability, unflushed: false })
    }
}

impl Journal for FileJournal {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.segment.write_all(lines)?;
        self.unflushed = true;
        match self.durability {
            Durability::Sync => self.flush(),
            Durability::Relaxed => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unflushed {
            self.segment.sync_data()?;
            self.unflushed = false;
        }
        Ok(())
    }

    fn rotate(&mut self, next_seq: u64) -> io::Result<()> {
        self.flush()?;
        self.segment = new_segment(&self.directory, next_seq)?;
        Ok(())
    }
}

fn new_segment(directory: &Path, first_seq: u64) -> io::Result<File> {
    let mut header = Vec::new();
    write_line(&mut header, &Header { guestlist: "journal".to_owned(), format: FORMAT, seq: first_seq });
    // A segment of this name can only be one whose header never became durable, or that holds no entry: nothing is lost.
    let mut segment = File::create(directory::segment_path(directory, first_seq))?;
    segment.write_all(&header)?;
    segment.sync_all()?;
    directory::sync(directory)?;
    Ok(segment)
}

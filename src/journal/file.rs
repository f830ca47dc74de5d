//! This is where the journal is written to disk, segment after segment.

use std::fs::{self, File};
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
    /// Bytes of the segment up to the end of the last batch that went well.
    good_bytes: u64,
    durability: Durability,
    unflushed: bool,
}

impl FileJournal {
    /// Goes on in a segment after `good_bytes`; what comes after them is cut off.
    ///
    /// The rest is flushed, for a crash of the process may have left it to the system alone, and it is about to be shown.
    pub fn resume(path: &Path, good_bytes: u64, durability: Durability) -> io::Result<Self> {
        let segment = File::options().append(true).open(path)?;
        segment.set_len(good_bytes)?;
        segment.sync_all()?;
        let directory = path.parent().expect("a segment lies in a directory").to_owned();
        Ok(Self { directory, segment, good_bytes, durability, unflushed: false })
    }

    /// Begins a new segment.
    pub fn begin(directory: &Path, first_seq: u64, durability: Durability) -> io::Result<Self> {
        let (segment, good_bytes) = new_segment(directory, first_seq)?;
        Ok(Self { directory: directory.to_owned(), segment, good_bytes, durability, unflushed: false })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.segment.write_all(lines)?;
        self.unflushed = true;
        match self.durability {
            Durability::Sync => self.flush(),
            Durability::Relaxed => Ok(()),
        }
    }
}

impl Journal for FileJournal {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.write(lines).inspect_err(|_| {
            // Nobody was told of these lines, so none of them should come back. Where even this fails, they may.
            self.segment.set_len(self.good_bytes).and_then(|()| self.segment.sync_all()).ok();
        })?;
        self.good_bytes += u64::try_from(lines.len()).expect("a length fits into 64 bits");
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unflushed {
            self.segment.sync_data()?;
            self.unflushed = false;
        }
        Ok(())
    }

    fn owes_flush(&self) -> bool {
        self.unflushed
    }

    fn rotate(&mut self, next_seq: u64) -> io::Result<()> {
        (self.segment, self.good_bytes) = new_segment(&self.directory, next_seq)?;
        Ok(())
    }
}

/// Writes a segment's header aside, so that a segment of this name is whole or not there; gives its size too.
fn new_segment(directory: &Path, first_seq: u64) -> io::Result<(File, u64)> {
    let mut header = Vec::new();
    write_line(&mut header, &Header { guestlist: "journal".to_owned(), format: FORMAT, seq: first_seq });
    let aside = directory.join("journal.tmp");
    // For appending, like a segment that is resumed: after a cut the next batch must follow the last good one.
    let mut segment = File::options().append(true).create(true).open(&aside)?;
    segment.set_len(0)?;
    segment.write_all(&header)?;
    segment.sync_all()?;
    // A segment of this name can only be one that holds no entry: nothing is lost.
    let path = directory::segment_path(directory, first_seq);
    fs::rename(&aside, &path)?;
    directory::sync(directory).inspect_err(|_| {
        fs::remove_file(&path).ok();
    })?;
    Ok((segment, u64::try_from(header.len()).expect("a length fits into 64 bits")))
}

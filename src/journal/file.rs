//! This is where the journal is written to disk, segment after segment.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::directory::{SEGMENT_ASIDE, segment_name};
use super::{FORMAT, Failure, Journal, write_line};
use crate::disk::{Disk, DiskFile, is_full};
use crate::state::digest::Digest;

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
    /// The digest of the state before a segment's first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A journal on a disk.
#[derive(Debug)]
pub struct FileJournal {
    disk: Arc<dyn Disk>,
    segment: Box<dyn DiskFile>,
    /// Bytes of the segment up to the end of the last batch that went well.
    good_bytes: u64,
    durability: Durability,
    unflushed: bool,
}

impl FileJournal {
    /// Goes on in a segment after `good_bytes`; what comes after them is cut off.
    ///
    /// The rest is flushed, for a crash of the process may have left it to the system alone, and it is about to be shown.
    pub fn resume(disk: Arc<dyn Disk>, name: &str, good_bytes: u64, durability: Durability) -> io::Result<Self> {
        let mut segment = disk.append(name)?;
        segment.set_len(good_bytes)?;
        segment.sync()?;
        Ok(Self { disk, segment, good_bytes, durability, unflushed: false })
    }

    /// Begins a new segment; the digest is that of the state before its first entry.
    pub fn begin(disk: Arc<dyn Disk>, first_seq: u64, digest: Digest, durability: Durability) -> Result<Self, Failure> {
        let (segment, good_bytes) = new_segment(&*disk, first_seq, digest, 0)?;
        Ok(Self { disk, segment, good_bytes, durability, unflushed: false })
    }

    /// Takes back what was not written whole: nobody was told of it, so none of it should come back.
    fn cut_back(&mut self) -> io::Result<()> {
        self.segment.set_len(self.good_bytes)?;
        self.segment.sync()
    }
}

impl Journal for FileJournal {
    fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        if let Err(error) = self.segment.write_all(lines) {
            return Err(match self.cut_back() {
                Ok(()) if is_full(&error) => Failure::Unchanged(error),
                _ => Failure::Broken(error),
            });
        }
        self.unflushed = true;
        if self.durability == Durability::Sync {
            self.flush().inspect_err(|_| {
                // It is unknown what the disk has of it; a cut makes it unlikely that refused changes come back.
                self.cut_back().ok();
            })?;
        }
        self.good_bytes += u64::try_from(lines.len()).expect("a length fits into 64 bits");
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.unflushed {
            self.segment.sync().map_err(Failure::Broken)?;
            self.unflushed = false;
        }
        Ok(())
    }

    fn owes_flush(&self) -> bool {
        self.unflushed
    }

    fn rotate(&mut self, next_seq: u64, digest: Digest) -> Result<(), Failure> {
        self.rotate_with_room(next_seq, digest, 0)
    }

    fn rotate_with_room(&mut self, next_seq: u64, digest: Digest, room_bytes: usize) -> Result<(), Failure> {
        (self.segment, self.good_bytes) = new_segment(&*self.disk, next_seq, digest, room_bytes)?;
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        self.good_bytes
    }
}

/// Writes a segment's header aside, so that a segment of this name is whole or not there; gives its size too.
fn new_segment(
    disk: &dyn Disk,
    first_seq: u64,
    digest: Digest,
    room_bytes: usize,
) -> Result<(Box<dyn DiskFile>, u64), Failure> {
    let (segment, bytes) = write_aside(disk, first_seq, digest, room_bytes).inspect_err(|_| {
        // What lies aside may be the very space that is missing.
        disk.remove(SEGMENT_ASIDE).ok();
    })?;
    // A segment of this name can only be one that holds no entry: nothing is lost.
    disk.rename(SEGMENT_ASIDE, &segment_name(first_seq)).map_err(Failure::Unchanged)?;
    // From here on it is unknown which of the two segments a start would find last.
    disk.sync().map_err(Failure::Broken)?;
    Ok((segment, bytes))
}

/// Writes the header, and shows that so many bytes more would fit.
fn write_aside(
    disk: &dyn Disk,
    first_seq: u64,
    digest: Digest,
    room_bytes: usize,
) -> Result<(Box<dyn DiskFile>, u64), Failure> {
    let mut header = Vec::new();
    write_line(
        &mut header,
        &Header { guestlist: "journal".to_owned(), format: FORMAT, seq: first_seq, digest: Some(digest) },
    );
    let bytes = u64::try_from(header.len()).expect("a length fits into 64 bits");
    let mut segment = disk.create(SEGMENT_ASIDE).map_err(Failure::Unchanged)?;
    segment.write_all(&header).map_err(Failure::Unchanged)?;
    if room_bytes > 0 {
        segment.write_all(&vec![0; room_bytes]).and_then(|()| segment.set_len(bytes)).map_err(Failure::Unchanged)?;
    }
    segment.sync().map_err(Failure::Broken)?;
    Ok((segment, bytes))
}

//! This is where the journal is written to disk, segment after segment.

use std::io::{self, BufReader, Read};
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::directory::{SEGMENT_ASIDE, remove_leftovers, segment_name};
use super::{FORMAT, Failure, Journal, write_line};
use crate::config::JOURNAL_AHEAD_BYTES_MIN;
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
    segment: Segment,
    durability: Durability,
    unflushed: bool,
    /// Bytes of room that are made ahead at a time, at most; none where it is 0.
    ahead_bytes_max: u64,
}

/// The segment that is written.
///
/// A file that grows has the file system write its own journal at every flush. So room is made ahead, as zeros that are flushed
/// together with a batch that would have the file grow; the batches after it only write over them. What is not used of it is cut
/// off when the segment is sealed, and by the next start.
#[derive(Debug)]
struct Segment {
    file: Box<dyn DiskFile>,
    /// Bytes up to the end of the last batch that went well.
    good_bytes: u64,
    /// Bytes with the room after those.
    room_end: u64,
    /// Whether no more room is made: there was no space for any.
    is_tight: bool,
}

/// Where a start found the journal to end, and what is to be done so that it can go on.
///
/// It goes on in a new segment. Entries that nothing shows to be durable are written again, at its beginning: a flush may have
/// failed on them before, and the system would not say so twice. Only then are they cut off the segment they were in, together
/// with what was torn.
#[derive(Debug, Default)]
pub struct Tail {
    /// The first entry of the new segment.
    pub first_seq: u64,
    /// The digest of the state before it.
    pub digest: Digest,
    /// The entries that are written again.
    pub again: Option<Span>,
    /// The segments that end too late, and where they are to end.
    pub cuts: Vec<(String, u64)>,
    /// The segment in which the journal can go on where there is no space for another, and where that ends.
    pub in_place: Option<(String, u64)>,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub name: String,
    /// Its first byte.
    pub from: u64,
    /// The first byte after it.
    pub to: u64,
}

impl FileJournal {
    /// Goes on after a start. When it returns all that was found is durable; whatever call it ended at before, it comes to the
    /// same files.
    pub fn go_on(disk: Arc<dyn Disk>, tail: &Tail, durability: Durability) -> Result<Self, Failure> {
        remove_leftovers(&*disk).map_err(Failure::Unchanged)?;
        let cut = || tail.cuts.iter().try_for_each(|(name, bytes)| cut_off(&*disk, name, *bytes).map(drop));
        if tail.again.is_none() {
            // The new segment would tell that all before it is durable.
            cut().map_err(Failure::Broken)?;
        }
        let with = tail.again.as_ref().map_or(With::Nothing, With::Entries);
        let segment = match new_segment(&*disk, tail.first_seq, tail.digest, with) {
            Err(Failure::Unchanged(error)) if is_full(&error) => match &tail.in_place {
                Some((name, bytes)) => Segment::new(cut_off(&*disk, name, *bytes).map_err(Failure::Broken)?, *bytes),
                None => return Err(Failure::Unchanged(error)),
            },
            begun => {
                let begun = begun?;
                if tail.again.is_some() {
                    cut().map_err(Failure::Broken)?;
                }
                begun
            }
        };
        Ok(Self { disk, segment, durability, unflushed: false, ahead_bytes_max: 0 })
    }

    /// Begins a new segment; the digest is that of the state before its first entry.
    pub fn begin(disk: Arc<dyn Disk>, first_seq: u64, digest: Digest, durability: Durability) -> Result<Self, Failure> {
        let segment = new_segment(&*disk, first_seq, digest, With::Nothing)?;
        Ok(Self { disk, segment, durability, unflushed: false, ahead_bytes_max: 0 })
    }

    /// Has room made ahead, at most so many bytes at a time.
    pub fn ahead(self, bytes_max: u64) -> Self {
        // Where flushes are rare it is no matter what they cost.
        let ahead_bytes_max = if self.durability == Durability::Sync { bytes_max } else { 0 };
        Self { ahead_bytes_max, ..self }
    }
}

impl Segment {
    fn new(file: Box<dyn DiskFile>, bytes: u64) -> Self {
        Self { file, good_bytes: bytes, room_end: bytes, is_tight: false }
    }

    /// Makes room where what was written since the last good batch, of so many bytes, went beyond it: the flush that follows is
    /// one of those that take long anyway.
    fn make_room(&mut self, written: u64, bytes_max: u64) -> io::Result<()> {
        let end = self.good_bytes + written;
        if end <= self.room_end {
            return Ok(());
        }
        self.room_end = end;
        if bytes_max == 0 || self.is_tight {
            return Ok(());
        }
        // As much again as there is, so that a small journal stays small and a large one seldom grows.
        let bytes = end.max(JOURNAL_AHEAD_BYTES_MIN).min(bytes_max);
        match self.file.reserve(bytes) {
            Ok(()) => self.room_end += bytes,
            Err(error) if is_full(&error) => {
                self.is_tight = true;
                // What there was of space is better left to what must be written. Zeros that stay do no harm.
                self.file.set_len(end).ok();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes back what was not written whole: nobody was told of it, so none of it should come back.
    fn cut_back(&mut self) -> io::Result<()> {
        self.room_end = self.good_bytes;
        self.file.set_len(self.good_bytes)?;
        self.file.sync()
    }
}

impl Journal for FileJournal {
    fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        let bytes = u64::try_from(lines.len()).expect("a length fits into 64 bits");
        let written = self.segment.file.write_all(lines);
        if let Err(error) = written.and_then(|()| self.segment.make_room(bytes, self.ahead_bytes_max)) {
            return Err(match self.segment.cut_back() {
                Ok(()) if is_full(&error) => Failure::Unchanged(error),
                _ => Failure::Broken(error),
            });
        }
        self.unflushed = true;
        if self.durability == Durability::Sync {
            self.flush().inspect_err(|_| {
                // It is unknown what the disk has of it; a cut makes it unlikely that refused changes come back.
                self.segment.cut_back().ok();
            })?;
        }
        self.segment.good_bytes += bytes;
        Ok(())
    }

    fn append_first(&mut self, lines: &[u8], digest: Digest) -> Result<(), Failure> {
        self.segment = new_segment(&*self.disk, 1, digest, With::Lines(lines))?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.unflushed {
            self.segment.file.sync().map_err(Failure::Broken)?;
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
        self.flush()?;
        let next = new_segment(&*self.disk, next_seq, digest, With::Room(room_bytes))?;
        let mut sealed = mem::replace(&mut self.segment, next);
        if sealed.room_end > sealed.good_bytes {
            // Should it not be cut, or the cut not be durable, the next start sees to it.
            sealed.file.set_len(sealed.good_bytes).ok();
        }
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        self.segment.good_bytes
    }
}

/// Cuts a segment off, durably.
fn cut_off(disk: &dyn Disk, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let mut segment = disk.append(name)?;
    segment.set_len(bytes)?;
    segment.sync()?;
    Ok(segment)
}

/// What a segment's header is followed by when it is begun.
#[derive(Clone, Copy)]
enum With<'a> {
    Nothing,
    /// Nothing, and so many bytes would fit.
    Room(usize),
    /// These entries.
    Entries(&'a Span),
    /// The lines of these.
    Lines(&'a [u8]),
}

/// Begins a segment, aside first, so that one of this name is whole or not there.
fn new_segment(disk: &dyn Disk, first_seq: u64, digest: Digest, with: With<'_>) -> Result<Segment, Failure> {
    let segment = write_aside(disk, first_seq, digest, with).inspect_err(|_| {
        // What lies aside may be the very space that is missing.
        disk.remove(SEGMENT_ASIDE).ok();
    })?;
    // A segment of this name can only be one that holds no entry, or only entries that this one holds too: nothing is lost.
    disk.rename(SEGMENT_ASIDE, &segment_name(first_seq)).map_err(Failure::Unchanged)?;
    // From here on it is unknown which of the two segments a start would find last.
    disk.sync().map_err(Failure::Broken)?;
    Ok(segment)
}

fn write_aside(disk: &dyn Disk, first_seq: u64, digest: Digest, with: With<'_>) -> Result<Segment, Failure> {
    let mut header = Vec::new();
    write_line(
        &mut header,
        &Header { guestlist: "journal".to_owned(), format: FORMAT, seq: first_seq, digest: Some(digest) },
    );
    let mut bytes = u64::try_from(header.len()).expect("a length fits into 64 bits");
    let mut segment = disk.create(SEGMENT_ASIDE).map_err(Failure::Unchanged)?;
    segment.write_all(&header).map_err(Failure::Unchanged)?;
    match with {
        With::Nothing | With::Room(0) => {}
        With::Room(room) => {
            segment.write_all(&vec![0; room]).and_then(|()| segment.set_len(bytes)).map_err(Failure::Unchanged)?;
        }
        With::Lines(lines) => {
            segment.write_all(lines).map_err(Failure::Unchanged)?;
            bytes += u64::try_from(lines.len()).expect("a length fits into 64 bits");
        }
        With::Entries(span) => bytes += copy(disk, span, &mut *segment).map_err(Failure::Unchanged)?,
    }
    segment.sync().map_err(Failure::Broken)?;
    Ok(Segment::new(segment, bytes))
}

fn copy(disk: &dyn Disk, span: &Span, segment: &mut dyn DiskFile) -> io::Result<u64> {
    let mut file = BufReader::new(disk.read(&span.name)?);
    io::copy(&mut file.by_ref().take(span.from), &mut io::sink())?;
    let copied = io::copy(&mut file.take(span.to - span.from), segment)?;
    if copied == span.to - span.from { Ok(copied) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

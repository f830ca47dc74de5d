//! This is where a segment is read back, and where a torn end is told from damage.

use std::io;
use std::path::PathBuf;

use super::directory::Numbered;
use super::file::Header;
use super::{Entry, FORMAT, checked};
use crate::disk::Disk;

/// A file that cannot be read as what its name says.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refuses.
    #[error("{0} cannot be read: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Something that was whole once is so no more.
    #[error(
        "{path} is damaged at byte {offset}: the line {what}. Nothing was changed. Restore the file from a copy, or, to go on \
         without this line and all after it, remove any later journal segment and cut this one: truncate -s {offset} {path}"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the bad line begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A snapshot that was whole once is so no more.
    #[error("{path} is damaged at byte {offset}: the line {what}. Nothing was changed. Restore the file from a copy")]
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
         from a copy"
    )]
    Missing {
        /// The file after the gap.
        path: PathBuf,
        /// The first entry that is missing.
        expected: u64,
        /// Its first entry.
        found: u64,
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

/// The end of a segment that was read.
#[derive(Debug)]
pub struct End {
    /// Bytes up to the end of the last good line.
    pub good_bytes: u64,
    /// Bytes after it, of a last record that was being written when the machine or the process died.
    pub torn_bytes: u64,
    /// The number the next entry must have.
    pub next_seq: u64,
}

/// Reads a segment's entries in order. Only the end of the `last` segment may be torn: a record that was not whole was never
/// acknowledged.
///
/// `each` may refuse an entry, saying what is wrong with it.
pub fn segment(
    disk: &dyn Disk,
    segment: &Numbered,
    last: bool,
    mut each: impl FnMut(Entry) -> Result<(), String>,
) -> Result<End, ReadError> {
    let path = disk.path().join(&segment.name);
    let bytes = file(disk, &segment.name)?;
    let mut lines = Lines::of(&bytes);
    let mut next_seq = segment.seq;
    while let Some(line) = lines.next() {
        // A line whose checksum is right was written whole; what is wrong with it is no tear.
        let whole = line.text.is_ok();
        let read = line.text.and_then(|json| match line.offset {
            0 => header(json, "journal", segment.seq),
            _ => entry(json, &mut next_seq, &mut each).map(|()| FORMAT),
        });
        match read {
            Ok(format) if format > FORMAT => return Err(ReadError::Newer { path, format }),
            Ok(_) => {}
            Err(_) if last && !whole && lines.is_torn_from(line.offset) => {
                let torn_bytes = bytes.len() - line.offset;
                return Ok(End { good_bytes: wide(line.offset), torn_bytes: wide(torn_bytes), next_seq });
            }
            Err(what) => return Err(ReadError::Damaged { path, offset: wide(line.offset), what }),
        }
    }
    if bytes.is_empty() && !last {
        return Err(ReadError::Damaged { path, offset: 0, what: "is missing: the file is empty".to_owned() });
    }
    Ok(End { good_bytes: wide(bytes.len()), torn_bytes: 0, next_seq })
}

fn entry(json: &str, next_seq: &mut u64, each: &mut impl FnMut(Entry) -> Result<(), String>) -> Result<(), String> {
    let entry = Entry::parse(json)?;
    if entry.seq != *next_seq {
        return Err(format!("has the number {} where {next_seq} must come", entry.seq));
    }
    *next_seq += 1;
    each(entry)
}

/// Checks a file's first line, and returns the format it names.
pub fn header(json: &str, kind: &str, seq: u64) -> Result<u32, String> {
    let header: Header = serde_json::from_str(json).map_err(|error| format!("is no header: {error}"))?;
    if header.guestlist != kind {
        return Err(format!("says the file is a {}, not a {kind}", header.guestlist));
    }
    if header.seq != seq {
        return Err(format!("has the number {}, the file's name {seq}", header.seq));
    }
    Ok(header.format)
}

/// The lines of a file, each with its checksum checked.
pub struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// A line that begins at a byte.
pub struct CheckedLine<'a> {
    /// Where it begins.
    pub offset: usize,
    /// Its JSON text, or what is wrong with it.
    pub text: Result<&'a str, String>,
}

impl<'a> Lines<'a> {
    /// All lines of a file.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Whether no whole line comes after the bad one at `offset`: then a write was cut short, and nothing was damaged.
    fn is_torn_from(&self, offset: usize) -> bool {
        let bytes = &self.bytes[offset..];
        let after = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
        let mut rest = Lines { bytes: self.bytes, offset: offset + after };
        rest.all(|line| line.text.is_err())
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = CheckedLine<'a>;

    fn next(&mut self) -> Option<CheckedLine<'a>> {
        let offset = self.offset;
        let rest = &self.bytes[offset..];
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == b'\n');
        let text = match end {
            Some(end) => checked(&rest[..end]),
            None => Err("has no end".to_owned()),
        };
        self.offset += end.map_or(rest.len(), |end| end + 1);
        Some(CheckedLine { offset, text })
    }
}

/// The bytes of a whole file.
pub fn file(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = disk.read(name).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map_err(|error| ReadError::Io(disk.path().join(name), error))?;
    Ok(bytes)
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a file's size fits into 64 bits")
}

//! This is where a file is read line by line, in as much memory as its longest line takes.

use std::io::{self, BufRead, BufReader, Read};

use super::ReadError;
use crate::disk::Disk;
use crate::journal::checked;

/// Bytes of the longest line that is looked at: several times what the longest entry has. What is longer is no line, but what a
/// crash left, and is passed over.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// The lines of a file.
pub struct Lines {
    file: BufReader<Box<dyn Read + Send>>,
    bytes: Vec<u8>,
    /// Where the next line begins.
    offset: u64,
}

/// A line of a file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes without the line feed; the first of them, where it is too long.
    pub bytes: &'a [u8],
    /// Whether it has a line feed.
    pub is_ended: bool,
    /// Where the next one begins.
    pub end: u64,
}

impl Lines {
    /// The lines of a file of a disk, from its beginning.
    pub fn open(disk: &dyn Disk, name: &str) -> Result<Self, ReadError> {
        let file = disk.read(name).map_err(|error| ReadError::io(disk, name, error))?;
        Ok(Self { file: BufReader::with_capacity(BUFFER_BYTES, file), bytes: Vec::new(), offset: 0 })
    }

    /// The next line, if there is one.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let offset = self.offset;
        self.bytes.clear();
        self.offset += take_line(&mut self.file, &mut self.bytes)?;
        let mut is_ended = self.bytes.last() == Some(&b'\n');
        if is_ended {
            self.bytes.pop();
        } else if self.bytes.len() == LINE_BYTES_MAX {
            let mut rest = Vec::new();
            while !is_ended {
                rest.clear();
                let taken = take_line(&mut self.file, &mut rest)?;
                self.offset += taken;
                is_ended = rest.last() == Some(&b'\n');
                if taken == 0 {
                    break;
                }
            }
        }
        let line = Line { offset, bytes: &self.bytes, is_ended, end: self.offset };
        Ok((line.end > offset).then_some(line))
    }
}

fn take_line(file: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<u64> {
    let limit = u64::try_from(LINE_BYTES_MAX).expect("a limit fits into 64 bits");
    let taken = file.take(limit).read_until(b'\n', bytes)?;
    Ok(u64::try_from(taken).expect("a length fits into 64 bits"))
}

impl<'a> Line<'a> {
    /// Its JSON text, or what is wrong with it.
    pub fn text(&self) -> Result<&'a str, String> {
        if !self.is_ended {
            return Err("has no end".to_owned());
        }
        if self.bytes.len() == LINE_BYTES_MAX {
            return Err("is longer than any that was written".to_owned());
        }
        checked(self.bytes)
    }
}

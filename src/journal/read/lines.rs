//! This is where a file is read line by line, in as much memory as its longest line takes.
//!
//! Zeros that a file ends with are no line: room was made there for what was to be written next.

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
    /// Zeros at the end of the file, once that was read.
    ahead_bytes: u64,
    is_over: bool,
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
        Ok(Self {
            file: BufReader::with_capacity(BUFFER_BYTES, file),
            bytes: Vec::new(),
            offset: 0,
            ahead_bytes: 0,
            is_over: false,
        })
    }

    /// The next line, if there is one.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let offset = self.offset;
        if self.is_over {
            return Ok(None);
        }
        self.bytes.clear();
        self.offset += take_line(&mut self.file, &mut self.bytes)?;
        let is_ended = if self.bytes.last() == Some(&b'\n') {
            self.bytes.pop();
            true
        } else {
            self.pass_rest()?
        };
        let line = Line { offset, bytes: &self.bytes, is_ended, end: self.offset };
        Ok((line.end > offset).then_some(line))
    }

    /// Zeros that the file ends with, once all its lines were read.
    pub fn ahead_bytes(&self) -> u64 {
        self.ahead_bytes
    }

    /// Passes over the rest of a line that is too long or not ended; says whether it is.
    fn pass_rest(&mut self) -> io::Result<bool> {
        let mut zeros = zeros_at_end(&self.bytes);
        if self.bytes.len() == LINE_BYTES_MAX {
            let mut rest = Vec::new();
            loop {
                rest.clear();
                let taken = take_line(&mut self.file, &mut rest)?;
                self.offset += taken;
                if rest.last() == Some(&b'\n') {
                    return Ok(true);
                }
                if taken == 0 {
                    break;
                }
                let more = zeros_at_end(&rest);
                zeros = if more == taken { zeros + more } else { more };
            }
        }
        (self.ahead_bytes, self.is_over) = (zeros, true);
        self.offset -= zeros;
        let left = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.bytes.truncate(left);
        Ok(false)
    }
}

fn zeros_at_end(bytes: &[u8]) -> u64 {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    u64::try_from(zeros).expect("a length fits into 64 bits")
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

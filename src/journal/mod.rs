//! This is where accepted changes are kept in order: the journal is a transcript, and recovery is a replay.
//!
//! An entry is one line, `crc32c  {"seq":…,"at_ms":…,"by":"bot:9009…","do":{…the message…}}`: the checksum is of the JSON
//! text, in eight hexadecimal digits. It can be read, searched with grep and used as an audit log; it never holds a secret.

pub mod directory;
pub mod file;
pub mod memory;
pub mod read;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::access::Caller;
use crate::methods::Change;
use crate::state::digest::Digest;
use crate::wire::envelope;

/// The version of the format of segments and snapshots that this gateway writes and the newest it reads.
pub const FORMAT: u32 = 1;

/// Why the journal did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is as it was before, durably, and can go on.
    #[error("{0}")]
    Unchanged(#[source] io::Error),
    /// Nobody knows what the disk has, before a start has read it.
    #[error("{0}")]
    Broken(#[source] io::Error),
}

/// Where entries are appended.
pub trait Journal: Send {
    /// Appends whole lines. When it returns they are durable, as far as the journal promises that.
    fn append(&mut self, lines: &[u8]) -> Result<(), Failure>;

    /// Makes durable what is not yet.
    fn flush(&mut self) -> Result<(), Failure>;

    /// Whether something is not durable yet.
    fn owes_flush(&self) -> bool;

    /// Seals what was appended and flushed so far and goes on in a new segment, whose first entry will be `next_seq`; the
    /// digest is that of the state before it. Where it is [`Failure::Unchanged`] it goes on in the old one.
    fn rotate(&mut self, next_seq: u64, digest: Digest) -> Result<(), Failure>;

    /// The same where the disk was full, and only if there is room for so many bytes to go on with.
    fn rotate_with_room(&mut self, next_seq: u64, digest: Digest, room_bytes: usize) -> Result<(), Failure>;

    /// Bytes of the segment so far.
    fn segment_bytes(&self) -> u64;
}

/// A change in the journal.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the order; the first is 1, and none is left out.
    pub seq: u64,
    /// When it was journaled, in milliseconds since 1970; never less than before.
    pub at_ms: u64,
    /// Who made it.
    pub by: Caller,
    /// What was done.
    pub change: Change,
}

#[derive(Serialize)]
struct Head {
    seq: u64,
    at_ms: u64,
    by: Caller,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    at_ms: u64,
    by: Caller,
    #[serde(borrow, rename = "do")]
    message: &'a RawValue,
}

/// Appends an entry's line; `message` is the change as [`Change::write`] wrote it.
pub fn write_entry(lines: &mut Vec<u8>, seq: u64, at_ms: u64, by: Caller, message: &[u8]) {
    line(lines, |json| {
        serde_json::to_writer(&mut *json, &Head { seq, at_ms, by }).expect("a head has string keys");
        json.pop();
        json.extend_from_slice(b",\"do\":");
        json.extend_from_slice(message);
        json.push(b'}');
    });
}

/// Appends a line of JSON with its checksum.
pub fn write_line(lines: &mut Vec<u8>, value: &impl Serialize) {
    line(lines, |json| serde_json::to_writer(json, value).expect("records have string keys"));
}

fn line(lines: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = lines.len();
    lines.extend_from_slice(b"00000000  ");
    write(lines);
    let checksum = crc32c::crc32c(&lines[start + 10..]);
    write!(&mut lines[start..start + 8], "{checksum:08x}").expect("eight digits fit into eight bytes");
    lines.push(b'\n');
}

/// The JSON text of a line without its line feed, where the checksum is right.
pub fn checked(line: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(line).map_err(|error| format!("is not UTF-8: {error}"))?;
    let (checksum, json) = text.split_once("  ").ok_or("has no checksum")?;
    let stored = u32::from_str_radix(checksum, 16).map_err(|_| "has no checksum in hexadecimal digits".to_owned())?;
    let actual = crc32c::crc32c(json.as_bytes());
    if checksum.len() == 8 && stored == actual {
        Ok(json)
    } else {
        Err(format!("has the checksum {checksum}, but its text has {actual:08x}"))
    }
}

impl Entry {
    /// The same entry, as it would come back out of the journal.
    pub fn copy(&self) -> Result<Self, String> {
        let (mut message, mut lines) = (Vec::new(), Vec::new());
        self.change.write(&mut message);
        write_entry(&mut lines, self.seq, self.at_ms, self.by, &message);
        lines.pop();
        checked(&lines).and_then(Self::parse)
    }

    /// Reads the JSON text of an entry's line.
    pub fn parse(json: &str) -> Result<Self, String> {
        let line: Line<'_> = serde_json::from_str(json).map_err(|error| format!("is no entry: {error}"))?;
        let message = line.message.get();
        let envelope = envelope::open(&message.into()).map(|envelope| envelope.method.into_owned());
        let method = envelope.map_err(|(error, _)| format!("holds no message: {}", error.message))?;
        let change = Change::read(&method, message).ok_or_else(|| format!("holds the unknown method `{method}`"))?;
        let change = change.map_err(|error| format!("holds a message that cannot be read: {}", error.message))?;
        Ok(Self { seq: line.seq, at_ms: line.at_ms, by: line.by, change })
    }
}

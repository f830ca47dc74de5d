//! This is where accepted changes are kept in order: the journal is a transcript, and recovery is a replay.
//!
//! An entry is one line, `crc32c  {"seq":…,"at_ms":…,"by":"bot:9009…","do":{…the message…}}`: the checksum is of the JSON
//! text, in eight hexadecimal digits. It can be read, searched with grep and used as an audit log; it never holds a secret.
//!
//! After `seq` there may be `"flushed":…`, the number of the last entry that was durable when the line was written; without it
//! that is the one before. So a good line after a bad one tells whether that one was durable once, and is damaged, or may be of
//! the same flush, torn by a loss of power. In format 1 no line has it.
//!
//! Where the journal is shared by several gateways, what lies on disk is this gateway's copy of it. Then `"revision":…` may come
//! next: with this entry all is folded that the shared journal has up to that revision.
//!
//! A segment may end with zeros, which are room for what comes next; no line has any.

pub mod directory;
#[cfg(feature = "cluster")]
pub mod etcd;
pub mod file;
pub mod memory;
pub mod read;
pub mod shared;

use std::io;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::access::Caller;
use crate::json;
use crate::methods::Change;
use crate::state::digest::Digest;
use crate::wire::{envelope, opened};

/// The version of the format of segments and snapshots that this gateway writes and the newest it reads.
pub const FORMAT: u32 = 2;

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

    /// Appends the first lines there are, which begin with a seed: after a loss of power all of them are there, or none. The digest
    /// is that of the state before them.
    fn append_first(&mut self, lines: &[u8], _digest: Digest) -> Result<(), Failure> {
        self.append(lines)
    }

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
    /// The revision of a shared journal all of which is folded with this entry; none within a batch, nor where it is not shared.
    pub revision: Option<u64>,
}

/// What an entry says beside what was done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flushed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    pub at_ms: u64,
    pub by: Caller,
}

impl Head {
    /// Reads it off the JSON text of an entry's line.
    pub fn parse(json: &str) -> Result<Self, String> {
        let head = match Self::split(json) {
            Some((head, message)) if serde_json::from_str::<IgnoredAny>(message).is_ok() => head,
            _ => serde_json::from_str(json).map_err(|error| format!("is no entry: {error}"))?,
        };
        if head.seq > head.durable() {
            Ok(head)
        } else {
            Err(format!("has the number {}, and says that entry {} was flushed before it", head.seq, head.durable()))
        }
    }

    /// Takes it off the text of an entry in just the form that gateways write, and gives the message too, unread.
    pub(crate) fn split(json: &str) -> Option<(Self, &str)> {
        let mut rest = json;
        let seq = number(&mut rest, r#"{"seq":"#)?;
        let flushed = number(&mut rest, r#","flushed":"#);
        let revision = number(&mut rest, r#","revision":"#);
        let at_ms = number(&mut rest, r#","at_ms":"#)?;
        let (by, message) = rest.strip_prefix(r#","by":""#)?.split_once('"')?;
        let message = message.strip_prefix(r#","do":"#)?.strip_suffix('}')?;
        Some((Self { seq, flushed, revision, at_ms, by: by.parse().ok()? }, message))
    }

    /// The last entry that was durable when this one was written.
    pub fn durable(&self) -> u64 {
        self.flushed.unwrap_or(self.seq.saturating_sub(1))
    }
}

/// Takes a number off a text, where it comes after a prefix.
fn number(rest: &mut &str, prefix: &str) -> Option<u64> {
    let digits = rest.strip_prefix(prefix)?;
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, after) = digits.split_at(end);
    // JSON has no leading zeros.
    let number = digits.parse().ok().filter(|_| digits.len() == 1 || !digits.starts_with('0'))?;
    *rest = after;
    Some(number)
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    #[serde(default)]
    revision: Option<u64>,
    at_ms: u64,
    by: Caller,
    #[serde(borrow, rename = "do")]
    message: &'a RawValue,
}

/// What the lines of entries that one caller made at one time have in common.
#[derive(Debug)]
pub struct Stamp(Vec<u8>);

impl Stamp {
    /// The time is in milliseconds since 1970.
    pub fn new(at_ms: u64, by: Caller) -> Self {
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(b"\"at_ms\":");
        json::write(&mut text, &at_ms);
        text.extend_from_slice(b",\"by\":");
        json::write(&mut text, &by);
        text.extend_from_slice(b",\"do\":");
        Self(text)
    }
}

/// Appends an entry's line; `message` is the change as [`Change::write`] wrote it, `flushed` the last entry that is durable.
pub fn write_entry(lines: &mut Vec<u8>, seq: u64, flushed: u64, stamp: &Stamp, message: &[u8]) {
    write_copy(lines, seq, flushed, None, stamp, message);
}

/// The same of an entry that is also in a shared journal, all of which up to a revision is folded with it.
pub fn write_copy(lines: &mut Vec<u8>, seq: u64, flushed: u64, revision: Option<u64>, stamp: &Stamp, message: &[u8]) {
    line(lines, |text| {
        let mut number = |name: &[u8], number: u64| {
            text.extend_from_slice(name);
            json::write(text, &number);
        };
        number(b"{\"seq\":", seq);
        if flushed + 1 < seq {
            number(b",\"flushed\":", flushed);
        }
        if let Some(revision) = revision {
            number(b",\"revision\":", revision);
        }
        text.push(b',');
        text.extend_from_slice(&stamp.0);
        text.extend_from_slice(message);
        text.push(b'}');
    });
}

/// Appends a line of JSON with its checksum.
pub fn write_line(lines: &mut Vec<u8>, value: &impl Serialize) {
    line(lines, |text| json::write(text, value));
}

/// Bytes of a line before its JSON text: the checksum, and two spaces.
pub(crate) const LINE_HEAD_BYTES: usize = 10;

pub(crate) fn line(lines: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = lines.len();
    lines.extend_from_slice(b"00000000  ");
    write(lines);
    let checksum = crc32c::crc32c(&lines[start + LINE_HEAD_BYTES..]);
    for (place, digit) in lines[start..start + 8].iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(checksum >> (28 - 4 * place)) as usize & 15];
    }
    lines.push(b'\n');
}

/// The JSON text of a line without its line feed, where the checksum is right.
pub fn checked(line: &[u8]) -> Result<&str, String> {
    let (head, json) = line.split_at_checked(LINE_HEAD_BYTES).ok_or("has no checksum")?;
    let stored = checksum_of(head).ok_or("has no checksum of eight hexadecimal digits")?;
    let actual = crc32c::crc32c(json);
    if stored != actual {
        return Err(format!("has the checksum {stored:08x}, but its text has {actual:08x}"));
    }
    std::str::from_utf8(json).map_err(|error| format!("is not UTF-8: {error}"))
}

/// The checksum that a line begins with. One that is written in another way, if only in capitals, was not written by a gateway.
pub(crate) fn checksum_of(head: &[u8]) -> Option<u32> {
    let digits = head.strip_suffix(b"  ").filter(|digits| digits.len() == 8)?;
    digits.iter().try_fold(0, |checksum, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(checksum << 4 | u32::from(value))
    })
}

impl Entry {
    /// The same entry, as it would come back out of the journal.
    pub fn copy(&self) -> Result<Self, String> {
        let (mut message, mut lines) = (Vec::new(), Vec::new());
        self.change.write(&mut message);
        write_entry(&mut lines, self.seq, self.seq - 1, &Stamp::new(self.at_ms, self.by), &message);
        lines.pop();
        checked(&lines).and_then(Self::parse)
    }

    /// Reads the JSON text of an entry's line.
    pub fn parse(json: &str) -> Result<Self, String> {
        Self::parse_as_written(json).map_or_else(|| Self::parse_otherwise(json), Ok)
    }

    /// The same of a text in just the form that gateways write, of which nothing is looked at twice.
    pub(crate) fn parse_as_written(json: &str) -> Option<Self> {
        let (Head { seq, at_ms, by, revision, .. }, message) = Head::split(json)?;
        let (change, _) = Change::open(opened::method(message)?, message)?;
        Some(Self { seq, at_ms, by, change, revision })
    }

    /// The same of any text, with a word on what is wrong with it.
    pub(crate) fn parse_otherwise(json: &str) -> Result<Self, String> {
        let line: Line<'_> = serde_json::from_str(json).map_err(|error| format!("is no entry: {error}"))?;
        let message = line.message.get();
        let method =
            envelope::open(message).map_err(|(error, _)| format!("holds no message: {}", error.message))?.method;
        let change = Change::read(&method, message).ok_or_else(|| format!("holds the unknown method `{method}`"))?;
        let change = change.map_err(|error| format!("holds a message that cannot be read: {}", error.message))?;
        Ok(Self { seq: line.seq, at_ms: line.at_ms, by: line.by, change, revision: line.revision })
    }
}

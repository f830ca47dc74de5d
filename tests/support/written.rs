//! This is where tests get a journal to be torn, damaged and read back.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use guestlist::access::Caller;
use guestlist::disk::{RealDisk, SimulatedDisk};
use guestlist::journal::directory::{segment_name, segment_path};
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::{Journal, Stamp, checked, write_entry};
use guestlist::recovery::recover;
use guestlist::state::digest::Digest;
use guestlist::state::moment::Moment;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{APP, BOT, Client, gateway};

/// Entries of the demo data, one a line.
pub const SEEDED: usize = lines(include_bytes!("../../fixtures/demo.jsonl"));

const fn lines(mut text: &[u8]) -> usize {
    let mut lines = 0;
    while let [byte, rest @ ..] = text {
        lines += (*byte == b'\n') as usize;
        text = rest;
    }
    lines
}

/// Sign-ups that the journal of these tests holds beyond it.
pub const ADDED: usize = 6;

/// A journal in one segment, and the digest of the state after each of its entries.
pub struct Written {
    /// The segment.
    pub bytes: Vec<u8>,
    /// The digests, from that of no entry on.
    pub digests: Vec<Digest>,
}

impl Written {
    /// Has a gateway write it.
    pub async fn new() -> Self {
        let directory = directory();
        let gateway = gateway(directory.path()).await;
        let mut bot = Client::sign_in(&gateway.url(), BOT).await;
        for n in 0..ADDED {
            add(&mut bot, &format!("u{n}@example.com")).await;
        }
        // Before a stop makes a snapshot of it.
        let mut bytes = fs::read(segment_path(directory.path(), 1)).expect("the journal can be read");
        bytes.truncate(used(&bytes));
        let mut written = Self { bytes, digests: Vec::new() };
        for end in written.lines().split_off(1) {
            let disk = SimulatedDisk::new(0);
            disk.put(&segment_name(1), &written.bytes[..end]);
            let recovered = recover(&disk).expect("it ends with a whole line");
            written.digests.push(Digest::of(recovered.writer.state()));
        }
        assert_eq!(written.digests.last(), Some(&Digest::of(gateway.state())));
        written
    }

    /// Where each line begins, the header's first; the last element is where the file ends.
    pub fn lines(&self) -> Vec<usize> {
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        std::iter::once(0).chain(ends).collect()
    }

    /// A directory with the journal as it might have been found.
    pub fn found(bytes: &[u8]) -> TempDir {
        let directory = directory();
        fs::write(segment_path(directory.path(), 1), bytes).expect("the directory can be written");
        directory
    }

    /// A directory with the journal in segments that begin with these entries.
    pub fn in_segments(&self, firsts: &[usize]) -> TempDir {
        let (directory, lines) = (directory(), self.lines());
        let disk = Arc::new(RealDisk::new(directory.path()));
        let mut journal: Option<FileJournal> = None;
        for entry in 1..=SEEDED + ADDED {
            if firsts.contains(&entry) {
                let seq = u64::try_from(entry).expect("entries are few");
                match &mut journal {
                    Some(journal) => {
                        journal.rotate(seq, self.digests[entry - 1]).expect("the directory can be written")
                    }
                    None => {
                        let begun = FileJournal::begin(disk.clone(), seq, self.digests[entry - 1], Durability::Sync);
                        journal = Some(begun.expect("the directory can be written"));
                    }
                }
            }
            let journal = journal.as_mut().expect("the first segment begins with the first entry");
            journal.append(&self.bytes[lines[entry]..lines[entry + 1]]).expect("the directory can be written");
        }
        directory
    }
}

/// How many bytes of a segment are used, without the room after them.
pub fn used(segment: &[u8]) -> usize {
    segment.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// A directory of its own.
pub fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Adds a sign-up.
pub async fn add(bot: &mut Client, signup: &str) {
    let ack = bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]}).to_string()).await;
    assert_eq!(ack["signups"][0]["signup_id"], *signup, "{ack}");
}

/// The bytes of a segment, with all that was done moved so far into the past.
pub fn aged(segment: &[u8], by_ms: u64) -> Vec<u8> {
    let mut lines = segment[..used(segment)].split_inclusive(|byte| *byte == b'\n');
    let mut aged = lines.next().expect("a segment has a header").to_vec();
    let mut moments = HashMap::new();
    for line in lines {
        let text = checked(line.trim_ascii_end()).expect("a line that was written is whole");
        let mut entry: Value = serde_json::from_str(text).expect("an entry is JSON");
        let by: Caller = entry["by"].as_str().and_then(|by| by.parse().ok()).expect("an entry has a caller");
        let number = |name: &str| entry[name].as_u64().expect("an entry has a number and a time");
        let (seq, before_ms) = (number("seq"), number("at_ms"));
        let at_ms = before_ms.checked_sub(by_ms).expect("it was written after 1970");
        moments.insert(Moment::of_ms(before_ms).to_string(), Moment::of_ms(at_ms).to_string());
        // A log-in tells when its user was made.
        if let Some(since) = entry["do"].get_mut("known_since") {
            *since = json!(moments[since.as_str().expect("a moment is a string")]);
        }
        write_entry(&mut aged, seq, seq - 1, &Stamp::new(at_ms, by), entry["do"].to_string().as_bytes());
    }
    aged
}

//! This is where segments of the journal are read, whatever is in them: what is made of them stays that, and what is accepted of
//! them is written again in the same bytes.
//!
//! The bytes are a segment, and they are one again with the right checksum before every line, which no fuzzer guesses.

use std::sync::Arc;

use crate::disk::SimulatedDisk;
use crate::journal::directory::segment_name;
use crate::journal::file::{Durability, FileJournal};
use crate::journal::read::Lines;
use crate::journal::{Entry, Head, Stamp, line, write_entry};
use crate::recovery::{Recovered, recover};

/// Reads a segment.
pub(super) fn run(bytes: &[u8]) {
    as_segment(bytes);
    let mut lines = Vec::new();
    for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        line(&mut lines, |json| json.extend_from_slice(text));
    }
    as_segment(&lines);
}

fn as_segment(bytes: &[u8]) {
    let name = segment_name(1);
    let disk = SimulatedDisk::new(0);
    disk.put(&name, bytes);
    let mut lines = Lines::open(&disk, &name).expect("the file is there");
    while let Some(line) = lines.next_line().expect("the disk does not fail") {
        assert!(line.offset < line.end && line.end <= bytes.len() as u64, "a line is where there is none");
        line.text().into_iter().for_each(entry);
    }
    let Ok(recovered) = recover(&disk) else { return };
    let whole = bytes.len() as u64;
    let torn = recovered.torn.as_ref().map_or(0, |torn| torn.offset + torn.bytes);
    assert!(torn <= whole, "{torn} bytes of {whole} are torn");
    goes_on(&disk, recovered);
}

/// A start mends what it found, and the next one finds the same state.
fn goes_on(disk: &SimulatedDisk, mut recovered: Recovered) {
    let before = recovered.writer.settle();
    FileJournal::go_on(Arc::new(disk.clone()), &recovered.tail, Durability::Sync).expect("the disk does not fail");
    let mut again = recover(disk).expect("what a start has mended can be started");
    assert_eq!(again.torn, None);
    let after = again.writer.settle();
    assert_eq!((after.seq, after.digest), (before.seq, before.digest));
}

/// The text of a line is read in the same way by all who read it.
fn entry(json: &str) {
    let (head, entry) = (Head::parse(json), Entry::parse(json));
    if let Some(quick) = Entry::parse_as_written(json) {
        let slow = Entry::parse_otherwise(json).expect("what is read at once is read in steps");
        assert_eq!(format!("{slow:?}"), format!("{quick:?}"));
    }
    let Ok(entry) = entry else { return };
    if let Ok(head) = head {
        assert_eq!((head.seq, head.at_ms, head.by), (entry.seq, entry.at_ms, entry.by));
        // In clear a secret is not written, and no gateway journaled one.
        let shown = format!("{entry:?}");
        if !["Secret(…)", "Password(…)"].iter().any(|hidden| shown.contains(hidden)) {
            written_again(&entry, head.durable());
        }
    }
}

/// What was accepted is written in one form, which is read as the same.
fn written_again(entry: &Entry, durable: u64) {
    let written = written(entry, durable);
    let json = std::str::from_utf8(&written).expect("JSON is text");
    let again = Entry::parse(json).expect("what was accepted is accepted again");
    assert_eq!(String::from_utf8_lossy(&self::written(&again, durable)), json);
}

fn written(entry: &Entry, durable: u64) -> Vec<u8> {
    let (mut message, mut lines) = (Vec::new(), Vec::new());
    entry.change.write(&mut message);
    write_entry(&mut lines, entry.seq, durable, &Stamp::new(entry.at_ms, entry.by), &message);
    lines.pop();
    lines.split_off(crate::journal::LINE_HEAD_BYTES)
}

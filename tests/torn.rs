//! A journal that is cut opens to exactly the whole records before the cut; one of which any bit is flipped does not open at all.

mod support;

use std::path::Path;
use std::sync::Arc;

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::disk::SimulatedDisk;
use guestlist::journal::directory::segment_name;
use guestlist::journal::file::{Durability, FileJournal, Header};
use guestlist::journal::read::ReadError;
use guestlist::journal::{FORMAT, Stamp, write_entry, write_line};
use guestlist::recovery::recover;
use guestlist::state::digest::Digest;
use support::engine::{Life, Op, each, expected, is_long, runtime, whitelist};
use support::written::used;

/// Bytes of room that may be ahead of a journal: none, few, and more than one sector.
const AHEAD: [usize; 3] = [0, 1, 700];

/// A journal of one segment, without the room after it.
struct Written {
    bytes: Vec<u8>,
    ops: Vec<Op>,
}

impl Written {
    /// As the engine writes it, in batches of so many changes.
    fn in_batches(batches: &[usize]) -> Self {
        let (disk, mut ops) = (SimulatedDisk::new(0), Vec::new());
        runtime().block_on(async {
            let life = Life::begin(&disk, Durability::Sync, u64::MAX, Limits::default()).expect("an empty disk");
            for count in batches {
                let batch = ops_after(ops.len(), *count);
                assert!(life.batch(std::slice::from_ref(&batch)).await.into_iter().all(|acked| acked));
                ops.extend(batch);
            }
        });
        let mut files = disk.contents();
        assert_eq!(files.len(), 1, "all of it is in one segment");
        let mut bytes = files.remove(0).1;
        bytes.truncate(used(&bytes));
        Self { bytes, ops }
    }

    /// As gateways wrote it that knew format 1.
    fn in_format_1(count: usize) -> Self {
        let (mut bytes, ops) = (Vec::new(), ops_after(0, count));
        write_line(&mut bytes, &Header { guestlist: "journal".to_owned(), format: 1, seq: 1, digest: None });
        for (seq, op) in (1..).zip(&ops) {
            write_entry(&mut bytes, seq, seq - 1, &Stamp::new(1, Caller::Seed), &op.message());
        }
        Self { bytes, ops }
    }

    /// Where each line begins, and where the last one ends.
    fn lines(&self) -> Vec<usize> {
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        std::iter::once(0).chain(ends).collect()
    }
}

fn ops_after(before: usize, count: usize) -> Vec<Op> {
    let op = |n: usize| match n {
        0 => Op::Begin,
        n if n % 7 == 6 => Op::Remove(format!("u{}@example.com", n - 2)),
        // Letters and signs among them that one flipped bit makes a line feed.
        n => Op::Add(format!("U*J{n}@EXAMPLE.com")),
    };
    (before..before + count).map(op).collect()
}

/// Bytes, and so much room after them.
fn and_room(bytes: &[u8], ahead: usize) -> Vec<u8> {
    [bytes, &vec![0; ahead]].concat()
}

fn disk_with(bytes: &[u8]) -> SimulatedDisk {
    let disk = SimulatedDisk::new(0);
    disk.put(&segment_name(1), bytes);
    disk
}

/// The journals that are cut and flipped: of single changes, of batches, of one large batch at the end, of the format before.
fn journals() -> Vec<(&'static str, Written)> {
    let large = if is_long() { 200 } else { 12 };
    vec![
        ("single changes", Written::in_batches(&[1; 6])),
        ("batches", Written::in_batches(&[1, 3, 2, 4])),
        ("one large batch at the end", Written::in_batches(&[1, 1, large])),
        ("nothing but a header", Written::in_batches(&[])),
        ("format 1", Written::in_format_1(10)),
    ]
}

#[test]
fn cut_at_any_byte_it_opens_to_the_whole_records_before_the_cut_and_goes_on() {
    for (name, written) in journals() {
        let lines = written.lines();
        let cuts = wide(written.bytes.len()) + 1;
        each(0..cuts * wide(AHEAD.len()), |case| {
            let (cut, ahead) = (usize::try_from(case % cuts), usize::try_from(case / cuts));
            let (cut, ahead) = (cut.expect("it is small"), AHEAD[ahead.expect("it is small")]);
            let disk = disk_with(&and_room(&written.bytes[..cut], ahead));
            let whole = lines.iter().filter(|line| **line <= cut).count() - 1;
            let ops = &written.ops[..whole.saturating_sub(1)];
            let recovered = recover(&disk).unwrap_or_else(|error| panic!("{name}, cut at {cut}: {error}"));
            assert_eq!(recovered.writer.state().folded(), wide(ops.len()), "{name}, cut at {cut}");
            assert_eq!(whitelist(recovered.writer.state()), expected(ops), "{name}, cut at {cut}");
            let torn = recovered.torn.as_ref().map_or(0, |torn| torn.bytes);
            assert_eq!(torn, wide(cut - lines[whole]), "{name}, cut at {cut}");
            let gone_on = FileJournal::go_on(Arc::new(disk.clone()), &recovered.tail, Durability::Sync);
            assert!(gone_on.is_ok(), "{name}, cut at {cut}: {gone_on:?}");
            let zeros = disk.contents().iter().any(|(_, bytes)| bytes.last() == Some(&0));
            assert!(!zeros, "{name}, cut at {cut}: room is left in a segment that is not written any more");
            let again = recover(&disk).unwrap_or_else(|error| panic!("{name}, cut at {cut}, then begun: {error}"));
            assert_eq!(again.torn, None, "{name}, cut at {cut}");
            assert_eq!(whitelist(again.writer.state()), expected(ops), "{name}, cut at {cut}, then begun");
            1
        });
    }
}

#[test]
fn with_any_bit_flipped_it_does_not_open_and_the_line_is_named() {
    for (name, written) in journals() {
        let lines = written.lines();
        let flips = each(0..wide(written.bytes.len()), |at| {
            let at = usize::try_from(at).expect("it is small");
            let line = lines.iter().rposition(|line| *line <= at).map(|line| lines[line]).expect("one begins at 0");
            for bit in 0..8 {
                let mut bytes = and_room(&written.bytes, AHEAD[(at + bit) % AHEAD.len()]);
                bytes[at] ^= 1 << bit;
                match recover(&disk_with(&bytes)) {
                    Err(ReadError::Damaged { path, offset, .. }) => {
                        let place = (Path::new("simulated").join(segment_name(1)), wide(line));
                        assert_eq!((path, offset), place, "{name}, bit {bit} of byte {at}");
                    }
                    other => panic!("{name}, bit {bit} of byte {at}: {other:?}"),
                }
            }
            8
        });
        println!("{name}: {flips} flips, all of them found");
    }
}

/// A disk with two snapshots' worth of changes: a snapshot, sealed segments and one in use.
fn of_all_kinds() -> (SimulatedDisk, Vec<Op>) {
    let (disk, mut ops) = (SimulatedDisk::new(0), Vec::new());
    let limits = Limits { segment_bytes_max: 700, journal_ahead_bytes_max: 100, ..Limits::default() };
    runtime().block_on(async {
        let life = Life::begin(&disk, Durability::Sync, 12, limits).expect("an empty disk");
        for count in [1, 2, 10, 3, 3, 3] {
            let batch = ops_after(ops.len(), count);
            assert!(life.batch(std::slice::from_ref(&batch)).await.into_iter().all(|acked| acked));
            ops.extend(batch);
        }
    });
    let files: Vec<String> = disk.contents().into_iter().map(|(name, _)| name).collect();
    assert!(files.iter().any(|name| name.starts_with("snapshot")) && files.len() > 2, "{files:?}");
    (disk, ops)
}

#[test]
fn with_any_bit_of_its_room_flipped_it_opens_as_it_was_and_says_so() {
    for (name, written) in journals() {
        let ahead = 20;
        for at in written.bytes.len()..written.bytes.len() + ahead {
            for bit in 0..8 {
                let mut bytes = and_room(&written.bytes, ahead);
                bytes[at] ^= 1 << bit;
                let opened = recover(&disk_with(&bytes)).unwrap_or_else(|error| panic!("{name}, byte {at}: {error}"));
                assert_eq!(whitelist(opened.writer.state()), expected(&written.ops), "{name}, bit {bit} of byte {at}");
                let torn = opened.torn.map(|torn| (torn.offset, torn.bytes));
                let first = written.bytes.len();
                assert_eq!(torn, Some((wide(first), wide(at + 1 - first))), "{name}, bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn of_a_copy_whose_parts_are_of_two_moments_all_opens_that_was_there_at_the_first() {
    let written = Written::in_batches(&[1, 2, 2, 1]);
    let (lines, size) = (written.lines(), written.bytes.len() + 10);
    let (mut holes, mut refused) = (0, 0);
    // The header is there before the file has its name.
    for first in 1..lines.len() {
        let early = and_room(&written.bytes[..lines[first]], size - lines[first]);
        let late = and_room(&written.bytes, size - written.bytes.len());
        for at in lines[1]..size {
            let disk = disk_with(&[&early[..at], &late[at..]].concat());
            let is_hole = at > lines[first];
            refused += u32::from(recover(&disk).is_err());
            disk.note_copied();
            let opened = recover(&disk).unwrap_or_else(|error| panic!("line {first}, byte {at}: {error}"));
            let there = opened.writer.state().folded();
            if is_hole {
                assert_eq!(there, wide(first - 1), "line {first}, byte {at}");
                holes += 1;
            }
            let there = usize::try_from(there).expect("it is small");
            assert_eq!(whitelist(opened.writer.state()), expected(&written.ops[..there]), "line {first}, byte {at}");
            let gone_on = FileJournal::go_on(Arc::new(disk.clone()), &opened.tail, Durability::Sync);
            assert!(
                gone_on.is_ok() && recover(&disk).is_ok_and(|again| again.torn.is_none()),
                "line {first}, byte {at}"
            );
        }
    }
    assert!(holes > 1_000 && refused > 500, "{holes} holes, {refused} of which would be damage were it no copy");
}

#[test]
fn with_any_bit_of_any_file_flipped_a_directory_opens_as_it_was_or_not_at_all() {
    let (disk, ops) = of_all_kinds();
    let whole = recover(&disk).expect("it is whole");
    let digest = Digest::of(whole.writer.state());
    assert_eq!(whitelist(whole.writer.state()), expected(&ops));
    for (name, bytes) in disk.contents() {
        let used = used(&bytes);
        let found = each(0..wide(bytes.len()), |at| {
            let at = usize::try_from(at).expect("it is small");
            let flipped = |bit: u8| {
                let (damaged, mut bytes) = (disk.copy(), bytes.clone());
                bytes[at] ^= 1 << bit;
                damaged.put(&name, &bytes);
                match recover(&damaged) {
                    Ok(opened) => {
                        // The file is one that is not needed any more, or nothing was there yet.
                        assert_eq!(Digest::of(opened.writer.state()), digest, "{name}, bit {bit} of byte {at}");
                        0
                    }
                    Err(ReadError::Damaged { .. } | ReadError::DamagedSnapshot { .. }) if at < used => 1,
                    Err(other) => panic!("{name}, bit {bit} of byte {at}: {other}"),
                }
            };
            (0..8).map(flipped).sum()
        });
        assert!(found == 0 || found == wide(used) * 8, "{name}: only {found} flips were found");
    }
}

#[test]
fn what_a_later_line_shows_to_be_durable_is_damage_and_the_rest_of_the_last_flush_a_tear() {
    let written = Written::in_batches(&[1, 3, 3]);
    let lines = written.lines();
    for line in 0..lines.len() - 1 {
        // More than one bit, so that it might be a tear.
        let mut bytes = written.bytes.clone();
        bytes[lines[line] + 20..lines[line] + 24].fill(0);
        let opened = recover(&disk_with(&bytes));
        // The header, entry 1, and entries 2 to 4 were durable when the fifth was written.
        if line < 5 {
            let damaged = matches!(&opened, Err(ReadError::Damaged { offset, .. }) if *offset == wide(lines[line]));
            assert!(damaged, "line {line}: {opened:?}");
        } else {
            let opened = opened.unwrap_or_else(|error| panic!("line {line}: {error}"));
            assert_eq!(opened.writer.state().folded(), wide(line - 1));
            assert_eq!(opened.torn.map(|torn| torn.offset), Some(wide(lines[line])));
        }
    }
    // In format 1 every line was thought durable once another was written.
    let written = Written::in_format_1(7);
    let lines = written.lines();
    for line in 0..lines.len() - 1 {
        let mut bytes = written.bytes.clone();
        bytes[lines[line] + 20..lines[line] + 24].fill(0);
        assert_eq!(recover(&disk_with(&bytes)).is_ok(), line == lines.len() - 2, "line {line}");
    }
}

#[test]
fn a_byte_that_was_overwritten_is_damage_within_the_last_flush_too() {
    for (name, written) in journals() {
        let lines = written.lines();
        each(0..wide(written.bytes.len()), |at| {
            let at = usize::try_from(at).expect("it is small");
            let line = lines.iter().rposition(|line| *line <= at).map(|line| lines[line]).expect("one begins at 0");
            let mut bytes = and_room(&written.bytes, AHEAD[at % AHEAD.len()]);
            // Several bits, and neither zero nor the loss of the end.
            bytes[at] = if bytes[at] == b'\n' { return 0 } else { !bytes[at] | 1 };
            let opened = recover(&disk_with(&bytes));
            let damaged = matches!(&opened, Err(ReadError::Damaged { offset, .. }) if *offset == wide(line));
            assert!(damaged, "{name}, byte {at}: {opened:?}");
            1
        });
    }
}

#[test]
fn a_segment_that_does_not_follow_from_those_before_it_is_refused() {
    let written = Written::in_batches(&[1, 3]);
    let next = |digest| {
        let (mut bytes, disk) = (Vec::new(), disk_with(&written.bytes));
        let header = Header { guestlist: "journal".to_owned(), format: FORMAT, seq: 5, digest: Some(digest) };
        write_line(&mut bytes, &header);
        disk.put(&segment_name(5), &bytes);
        recover(&disk)
    };
    let before = recover(&disk_with(&written.bytes)).expect("it is whole").writer.state().digest().digest;
    assert_eq!(next(before).expect("it follows").writer.state().folded(), 4);
    let other = next(Digest::default()).expect_err("it follows from nothing");
    assert!(matches!(&other, ReadError::Diverged { seq: 4, .. }), "{other}");
    assert!(other.to_string().contains("begun after another state"), "{other}");
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("lengths fit into 64 bits")
}

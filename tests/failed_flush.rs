//! A flush that fails, whichever it is and however: nothing is acknowledged after it, also when later flushes would go well; and
//! what was acknowledged is there after a restart, and stays.

mod support;

use guestlist::config::Limits;
use guestlist::disk::simulated::{Call, Errno, Fault, Rule};
use guestlist::disk::{SimulatedDisk, is_full};
use guestlist::health::Storage;
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;
use support::engine::{Life, Op, each, expected, runtime, whitelist};

/// The flushes that fail: each one up to this.
const FLUSHES: u64 = 200;

const ERRORS: [Errno; 4] = [Errno::Io, Errno::NoSpace, Errno::ReadOnly, Errno::Quota];

/// Batches that are tried after the failure.
const TRIED_AFTER: usize = 5;

/// What became of a run.
struct Failed {
    disk: SimulatedDisk,
    ops: Vec<Op>,
    /// Entries that were acknowledged, all of them before any that was not.
    acked: usize,
}

/// Writes until the flush of this number fails, and then some.
async fn fail(disk: SimulatedDisk, number: u64, errno: Errno, segment_bytes_max: u64) -> Failed {
    let limits = Limits { segment_bytes_max, journal_ahead_bytes_max: number % 3 * 400, ..Limits::default() };
    let life = Life::begin(&disk, Durability::Sync, u64::MAX, limits).expect("an empty disk");
    disk.fail(Fault { call: Some(Call::SyncFile), number, errno, lasting: false });
    if number.is_multiple_of(2) {
        // What the flush failed on cannot be taken back then: the system goes on showing it, and the disk may never have it.
        disk.fail(Fault { call: Some(Call::SetLen), number: 1, errno, lasting: true });
    }
    let (mut ops, mut acked, mut refused) = (Vec::new(), 0, 0);
    for n in 0.. {
        // The app alone: who adds to its list asks for it first.
        let more = (0..=n % 2).map(|part| Op::Add(format!("u{n}-{part}")));
        let batch: Vec<Op> = if acked == 0 { vec![Op::Begin] } else { more.collect() };
        let parts: Vec<Vec<Op>> = batch.chunks(1).map(<[Op]>::to_vec).collect();
        let answers = life.batch(&parts).await;
        ops.extend(batch);
        let good = answers.iter().filter(|acked| **acked).count();
        assert!(
            good == 0 || (good == answers.len() && refused == 0),
            "flush {number}, {errno:?}: {answers:?} after it"
        );
        acked += good;
        refused += usize::from(good == 0);
        if refused == TRIED_AFTER {
            break;
        }
    }
    assert_eq!(life.storage(), Storage::Failed, "flush {number}, {errno:?}");
    assert_eq!(whitelist(&life.state), expected(&ops[..acked]), "flush {number}, {errno:?}");
    life.kill().await;
    disk.heal();
    Failed { disk, ops, acked }
}

impl Failed {
    /// Starts on a disk, and checks what is there; then goes on, loses power by a rule and starts again.
    async fn restart(&self, disk: SimulatedDisk, then: Rule, told: &str) {
        let begin = || Life::begin(&disk, Durability::Sync, u64::MAX, Limits::default());
        let life = begin().unwrap_or_else(|error| panic!("{told}: {error}"));
        let there = usize::try_from(life.state.folded()).expect("they are few");
        assert!((self.acked..=self.ops.len()).contains(&there), "{told}: {there} entries, {} acked", self.acked);
        let mut ops = self.ops[..there].to_vec();
        assert_eq!(whitelist(&life.state), expected(&ops), "{told}");
        ops.push(if there == 0 { Op::Begin } else { Op::Add("afterwards".to_owned()) });
        assert_eq!(life.batch(&[ops[there..].to_vec()]).await, [true], "{told}: it goes on");
        // Of what the failed flush was to make durable the disk may have anything still.
        let found = recover(&disk.crash(then, 7));
        let found = found.unwrap_or_else(|error| panic!("{told}, then no power, {then:?}: {error}"));
        assert_eq!(whitelist(found.writer.state()), expected(&ops), "{told}, then no power, {then:?}");
    }

    /// Starts after a loss of power, and after the end of the process alone, where what the system shows of a file may not be
    /// what the disk has; each followed by a loss of power. Which rules they follow depends on the case.
    async fn restarts(&self, case: usize, told: &str) {
        let rule = |nth: usize| Rule::ALL[(case + nth) % Rule::ALL.len()];
        let dark = self.disk.crash(rule(0), wide(case));
        self.restart(dark, rule(case / 7), &format!("{told}, no power, {:?}", rule(0))).await;
        self.restart(self.disk.fork(), rule(case / 7 + 1), &format!("{told}, a restart")).await;
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("lengths fit into 64 bits")
}

fn check(number: u64, segment_bytes_max: u64) {
    for (index, errno) in ERRORS.into_iter().enumerate() {
        runtime().block_on(async {
            let case = usize::try_from(number).expect("they are few") * ERRORS.len() + index;
            let failed = fail(SimulatedDisk::new(number), number, errno, segment_bytes_max).await;
            failed.restarts(case, &format!("flush {number}, {errno:?}")).await;
        });
    }
}

#[test]
fn after_a_failed_flush_nothing_is_acknowledged_and_all_that_was_is_there() {
    let cases = each(1..FLUSHES + 1, |number| {
        check(number, u64::MAX);
        4
    });
    println!("{cases} flushes failed");
}

#[test]
fn the_same_where_segments_are_begun_in_between() {
    each(1..FLUSHES / 4 + 1, |number| {
        check(number, 500);
        4
    });
}

#[test]
fn after_room_could_not_be_made_nothing_is_acknowledged_unless_it_was_for_want_of_space() {
    each(1..20, |number| {
        for errno in ERRORS.into_iter().chain([Errno::FileTooLarge]) {
            runtime().block_on(async {
                let disk = SimulatedDisk::new(number);
                let limits = Limits { journal_ahead_bytes_max: 300, ..Limits::default() };
                let life = Life::begin(&disk, Durability::Sync, u64::MAX, limits).expect("an empty disk");
                disk.fail(Fault { call: Some(Call::Reserve), number, errno, lasting: false });
                let (mut ops, mut acked) = (Vec::new(), 0);
                for n in 0..80 {
                    // The app alone: who adds to its list asks for it first.
                    ops.push(if acked == 0 { Op::Begin } else { Op::Add(format!("u{n}")) });
                    acked += usize::from(life.batch(&[ops[n..].to_vec()]).await == [true]);
                }
                let is_full = is_full(&errno.error());
                assert!(disk.calls(Call::Reserve) >= number, "{number}, {errno:?}: too little was written");
                assert_eq!(life.storage() == Storage::Writable, is_full, "{number}, {errno:?}");
                assert_eq!(acked == ops.len(), is_full, "{number}, {errno:?}: {acked} of {} acked", ops.len());
                assert_eq!(whitelist(&life.state), expected(&ops[..acked]), "{number}, {errno:?}");
                life.kill().await;
                let case = usize::try_from(number).expect("they are few");
                Failed { disk, ops, acked }.restarts(case, &format!("room {number}, {errno:?}")).await;
            });
        }
        1
    });
}

#[test]
fn after_the_directory_could_not_be_flushed_nothing_is_acknowledged_either() {
    each(1..16, |number| {
        for errno in ERRORS {
            runtime().block_on(async {
                let disk = SimulatedDisk::new(number);
                let limits = Limits { segment_bytes_max: 300, journal_ahead_bytes_max: 200, ..Limits::default() };
                let life = Life::begin(&disk, Durability::Sync, u64::MAX, limits).expect("an empty disk");
                disk.fail(Fault { call: Some(Call::SyncNames), number: number / 4 + 1, errno, lasting: false });
                let (mut ops, mut acked) = (vec![], 0);
                while life.storage() == Storage::Writable {
                    let op = if ops.is_empty() { Op::Begin } else { Op::Add(format!("u{}", ops.len())) };
                    ops.push(op.clone());
                    acked += usize::from(life.batch(&[vec![op]]).await == [true]);
                }
                let after = if acked == 0 { Op::Begin } else { Op::Add("after".to_owned()) };
                ops.push(after.clone());
                assert_eq!(life.batch(&[vec![after]]).await, [false], "{number}, {errno:?}");
                life.kill().await;
                let failed = Failed { disk, ops, acked };
                let case = usize::try_from(number).expect("they are few");
                for nth in 0..Rule::ALL.len() {
                    failed.restarts(case + nth, &format!("{number}, {errno:?}")).await;
                }
            });
        }
        1
    });
}

//! Every call of a snapshot fails once, with every error: the files before it are whole, the gateway goes on, and the next one
//! works. `GUESTLIST_LONG=1` tries every error with every call, else they take turns.

use std::sync::Arc;
use std::time::Duration;

use guestlist::access::Caller;
use guestlist::disk::Disk;
use guestlist::disk::simulated::{Errno, Fault, Rule, SimulatedDisk};
use guestlist::fold::fold;
use guestlist::health::Health;
use guestlist::journal::directory::{Files, files};
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::{Entry, Journal, Stamp, write_entry};
use guestlist::methods::Change;
use guestlist::recovery::{fold_files, recover};
use guestlist::retention::Retention;
use guestlist::snapshots::Snapshots;
use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use serde_json::{Value, json};

use crate::support::APP;

/// Entries between two snapshots.
const EVERY: u64 = 5;

const ERRORS: [Errno; 6] =
    [Errno::Io, Errno::NoSpace, Errno::ReadOnly, Errno::Quota, Errno::FileTooLarge, Errno::TooManyFiles];

/// The one writer and what it writes to, as the engine has them, without the connections.
struct Kept {
    disk: SimulatedDisk,
    writer: Writer,
    journal: FileJournal,
    snapshots: Snapshots,
    health: Arc<Health>,
}

impl Kept {
    /// Goes on with what lies on a disk; whoever seals makes the snapshot, and what is of no use goes at once.
    fn open(disk: &SimulatedDisk) -> Self {
        let disk = disk.clone();
        let recovered = recover(&disk).expect("it is whole");
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let state = recovered.writer.state();
        let journal = FileJournal::begin(shared.clone(), state.folded() + 1, Digest::of(state), Durability::Sync);
        let health = Arc::new(Health::default());
        let (seq, records) = (recovered.snapshot_seq, recovered.snapshot_records);
        let snapshots = Snapshots::new(shared, health.clone(), EVERY, seq, records)
            .keeping(Retention { journal_keep_bytes: 0, removal_wait: Duration::ZERO });
        Self { disk, writer: recovered.writer, journal: journal.expect("a segment is begun"), snapshots, health }
    }

    fn change(&mut self, message: &Value) {
        let (text, seq) = (message.to_string(), self.writer.state().folded() + 1);
        let method = message["method"].as_str().expect("a message has a method");
        let change = Change::read(method, &text).expect("it is a change").expect("it is well formed");
        let (mut message, mut lines) = (Vec::new(), Vec::new());
        change.write(&mut message);
        write_entry(&mut lines, seq, seq - 1, &Stamp::new(seq, Caller::Seed), &message);
        self.journal.append(&lines).expect("the journal is written");
        let entry = Entry { seq, at_ms: seq, by: Caller::Seed, change, revision: None };
        fold(&mut self.writer, entry, &mut Vec::new()).expect("it is accepted");
        self.writer.settle();
    }

    /// Makes changes until a snapshot is due.
    fn fill(&mut self) {
        let mut seq = self.writer.state().folded();
        if seq == 0 {
            self.change(&json!({"method": "setApp", "app_id": APP, "name": "app", "use_whitelist": true}));
        }
        while !self.snapshots.is_due(seq + 1) {
            seq = self.writer.state().folded() + 1;
            self.change(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [format!("guest{seq}")]}));
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(self.writer.state())
    }

    /// Seals and makes the snapshot that is due.
    fn seal(&mut self) {
        let (next_seq, digest) = (self.writer.state().folded() + 1, self.digest());
        self.snapshots.seal(next_seq, digest, &mut self.journal).expect("the segment is sealed");
    }

    fn files(&self) -> Files {
        files(&self.disk).expect("there are names")
    }

    /// Whatever a loss of power leaves, all that was acknowledged is there.
    fn check(&self, what: &str) {
        for (seed, rule) in (0..).zip(Rule::ALL) {
            let crashed = self.disk.crash(rule, seed);
            let recovered = recover(&crashed).unwrap_or_else(|error| panic!("{what}, {rule:?}: {error}"));
            assert_eq!(Digest::of(recovered.writer.state()), self.digest(), "{what}, {rule:?}");
        }
    }
}

/// What `seal` calls after the segment is sealed: the calls of a snapshot.
fn calls(base: &SimulatedDisk) -> (u64, u64) {
    let mut kept = Kept::open(&base.copy());
    kept.fill();
    let before = kept.disk.calls_of_all();
    let (next_seq, digest) = (kept.writer.state().folded() + 1, kept.digest());
    kept.journal.rotate(next_seq, digest).expect("the segment is sealed");
    let rotation = kept.disk.calls_of_all() - before;
    let mut kept = Kept::open(&base.copy());
    kept.fill();
    let before = kept.disk.calls_of_all();
    kept.seal();
    assert!(kept.files().snapshots.iter().any(|snapshot| snapshot.seq == next_seq - 1), "a snapshot was made");
    (rotation, kept.disk.calls_of_all() - before)
}

/// A disk with so many snapshots.
fn disk(snapshots: usize) -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let mut kept = Kept::open(&disk);
    for _ in 0..snapshots {
        kept.fill();
        kept.seal();
    }
    disk
}

#[test]
fn old_files_are_whole_whatever_fails_while_a_snapshot_is_made_and_the_next_one_works() {
    let long = std::env::var_os("GUESTLIST_LONG").is_some();
    let mut tried = 0;
    for snapshots in 0..4 {
        let base = disk(snapshots);
        let (rotation, all) = calls(&base);
        for call in rotation + 1..=all {
            for (turn, errno) in (0..).zip(ERRORS) {
                if !long && turn != call % 6 {
                    continue;
                }
                for lasting in [false, true] {
                    let what =
                        format!("{snapshots} snapshots before, call {call} of {all}, {errno:?}, lasting: {lasting}");
                    fails(&base, Fault { call: None, number: call, errno, lasting }, &what);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "only {tried} faults were tried");
}

fn fails(base: &SimulatedDisk, fault: Fault, what: &str) {
    let mut kept = Kept::open(&base.copy());
    kept.fill();
    let before = kept.disk.copy();
    kept.disk.fail(fault);
    kept.seal();
    kept.disk.heal();
    kept.check(what);
    let (seq, after) = (kept.writer.state().folded(), kept.disk.contents());
    let newest = kept.files().snapshots.last().map(|snapshot| snapshot.seq);
    if newest != Some(seq) {
        let whole = |(name, bytes): (String, Vec<u8>)| {
            let found = after.iter().find(|(other, _)| *other == name);
            assert!(
                name.ends_with(".tmp") || found.is_some_and(|(_, found)| *found == bytes),
                "{what}: {name} is not as it was"
            );
        };
        before.contents().into_iter().for_each(whole);
    }
    assert_eq!(kept.health.differing(), 0, "{what}: a disk that fails is not one that has something else");
    // The journal goes on, and the next snapshot is made when it is due.
    kept.fill();
    kept.seal();
    let files = kept.files();
    assert_eq!(files.snapshots.last().map(|snapshot| snapshot.seq), Some(kept.writer.state().folded()), "{what}");
    assert!(files.snapshots.len() <= 2, "{what}: {files:?}");
    kept.check(&format!("{what}, and after the next"));
    // Without the newest, the generation before comes to the same.
    let older =
        Files { snapshots: files.snapshots.split_last().map_or(Vec::new(), |(_, older)| older.to_vec()), ..files };
    let folded = fold_files(&kept.disk, &older).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(Digest::of(folded.writer.state()), kept.digest(), "{what}: the generation before");
}

#[test]
fn a_snapshot_is_durable_before_what_it_makes_useless_goes() {
    // Before every call, whatever the power leaves then folds to all that was acknowledged.
    let base = disk(3);
    let (_, all) = calls(&base);
    for call in 1..=all {
        for seed in 0..8 {
            let mut kept = Kept::open(&base.copy());
            kept.fill();
            let digest = kept.digest();
            kept.disk.cut_power_before(kept.disk.calls_of_all() + call);
            let next_seq = kept.writer.state().folded() + 1;
            kept.snapshots.seal(next_seq, digest, &mut kept.journal).ok();
            for rule in Rule::ALL {
                let what = format!("before call {call}, {rule:?}, seed {seed}");
                let recovered = recover(&kept.disk.crash(rule, seed)).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(Digest::of(recovered.writer.state()), digest, "{what}");
            }
        }
    }
}

//! Loss of power at every call of a disk, by every rule: what was acknowledged is there, nothing else is, and it goes on.
//!
//! The engine writes to a simulated disk: batches of several callers, segments begun by size, snapshots, stops, kills and starts.
//! Before each of its calls the disk is crashed by each rule, and what a restart would find is recovered, written on, and
//! crashed again.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::disk::simulated::{Call, Model, Rule, Slip};
use guestlist::disk::{Disk, SimulatedDisk};
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::{Failure, Journal, Stamp, write_entry};
use guestlist::recovery::recover;
use guestlist::state::State;
use guestlist::state::digest::Digest;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use support::engine::{Life, Op, each, expected, is_long, only_seed, runtime, whitelist};

/// Crashes of the quick version and the long one.
const CRASHES: [u64; 2] = [20_000, 1_000_000];

/// Crashes of one run, roughly: what decides how many runs there are. Fewer are counted as a failure.
const CRASHES_PER_RUN: u64 = 1_250;

/// How long after a batch it is flushed under relaxed durability.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// Intervals within which what was written must have been flushed.
const FLUSHES_MAX: usize = 4;

/// A disk as a restart finds it, and what must be on it.
struct Image {
    disk: SimulatedDisk,
    /// Entries that must be there.
    least: u64,
    /// Entries that were handed over.
    most: u64,
    /// What reproduces it, beside the run's seed.
    told: String,
    seed: u64,
}

/// What a run knows at any moment.
#[derive(Default)]
struct Known {
    submitted: AtomicU64,
    /// Entries that must survive, but for those that the state shows where every change is flushed before it is seen.
    promised: AtomicU64,
    state: Mutex<Option<Arc<State>>>,
    images: Mutex<Vec<Image>>,
    calls: AtomicU64,
}

impl Known {
    /// Crashes the disk by every rule.
    fn crash(&self, model: &Model, call: Call, durability: Durability, run: u64) {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let shown = self.state.lock().expect("no holder panics").as_ref().map_or(0, |state| state.folded());
        let promised = self.promised.load(Ordering::Relaxed);
        let least = if durability == Durability::Sync { shown.max(promised) } else { promised };
        for (index, rule) in (0..).zip(Rule::ALL) {
            let seed = run.wrapping_mul(1_000_003).wrapping_add(number * 16 + index);
            self.images.lock().expect("no holder panics").push(Image {
                disk: model.crash(rule, seed),
                least,
                most: self.submitted.load(Ordering::Relaxed),
                told: format!("{rule:?} before call {number}, {call:?}"),
                seed,
            });
        }
    }
}

/// What a run is like.
struct Course {
    seed: u64,
    random: Xoshiro256PlusPlus,
    durability: Durability,
    snapshot_every: u64,
    limits: Limits,
    disk: SimulatedDisk,
    known: Arc<Known>,
    ops: Vec<Op>,
    crashes: u64,
}

impl Course {
    fn new(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let durability = if seed % 3 == 2 { Durability::Relaxed } else { Durability::Sync };
        let limits = Limits {
            segment_bytes_max: random.random_range(400..2_500),
            journal_ahead_bytes_max: if seed.is_multiple_of(4) { 0 } else { random.random_range(1..1_500) },
            relaxed_flush_interval: FLUSH_INTERVAL,
            ..Limits::default()
        };
        let (disk, known) = (SimulatedDisk::new(seed), Arc::new(Known::default()));
        if seed % 2 == 1 {
            disk.slip(Slip { short_percent: 20, interrupted_percent: 5 });
        }
        let witness = known.clone();
        disk.show(move |model, call| {
            // Between two reads nothing changes that a crash could take.
            if call != Call::ReadBytes {
                witness.crash(model, call, durability, seed);
            }
        });
        let snapshot_every = random.random_range(6..25);
        Self { seed, random, durability, snapshot_every, limits, disk, known, ops: Vec::new(), crashes: 0 }
    }

    /// One life of a gateway, from its start to a stop or a kill.
    async fn live(&mut self) {
        let life = Life::begin(&self.disk, self.durability, self.snapshot_every, self.limits.clone());
        let life = life.unwrap_or_else(|error| panic!("GUESTLIST_SEED={}: {error}", self.seed));
        assert_eq!(self.ops.len(), usize::try_from(life.state.folded()).expect("few"), "GUESTLIST_SEED={}", self.seed);
        *self.known.state.lock().expect("no holder panics") = Some(life.state.clone());
        self.known.promised.store(life.state.folded(), Ordering::Relaxed);
        for _ in 0..self.random.random_range(4..14) {
            self.batch(&life).await;
            self.check();
        }
        assert!(!life.differs(), "GUESTLIST_SEED={}: a snapshot differs from the live state", self.seed);
        if self.random.random_range(0..2) == 0 {
            life.stop().await;
            self.known.promised.store(self.known.submitted.load(Ordering::Relaxed), Ordering::Relaxed);
        } else {
            life.kill().await;
        }
        self.check();
    }

    async fn batch(&mut self, life: &Life) {
        let (from, many) = (self.ops.len(), self.random.random_range(0..6) == 0);
        let mut parts = Vec::new();
        // The app alone: who adds to its list asks for it first.
        for _ in 0..if from == 0 { 1 } else { self.random.random_range(1..4) } {
            let count = if from == 0 { 1 } else { self.random.random_range(1..if many { 12 } else { 3 }) };
            let part: Vec<Op> = (0..count).map(|_| self.op()).collect();
            self.ops.extend(part.iter().cloned());
            parts.push(part);
        }
        self.known.submitted.store(wide(self.ops.len()), Ordering::Relaxed);
        let acked = life.batch(&parts).await;
        assert!(acked.iter().all(|acked| *acked), "GUESTLIST_SEED={}: {:?}", self.seed, &self.ops[from..]);
        if self.durability == Durability::Relaxed && self.random.random_range(0..3) == 0 {
            self.flushed().await;
            self.known.promised.store(life.state.folded(), Ordering::Relaxed);
        }
    }

    /// Lets time pass until a loss of power would take nothing of the journal.
    async fn flushed(&self) {
        let journal = |disk: &SimulatedDisk| {
            let files = disk.contents().into_iter();
            files.filter(|(name, _)| name.starts_with("journal-")).collect::<Vec<_>>()
        };
        for _ in 0..FLUSHES_MAX {
            if journal(&self.disk.crash(Rule::Nothing, self.seed)) == journal(&self.disk) {
                return;
            }
            tokio::time::advance(FLUSH_INTERVAL).await;
        }
        panic!("GUESTLIST_SEED={}: the journal was not flushed in time", self.seed);
    }

    fn op(&mut self) -> Op {
        if self.ops.is_empty() {
            return Op::Begin;
        }
        let id = format!("u{}@example.com", self.random.random_range(0..14));
        if self.random.random_range(0..3) == 0 { Op::Remove(id) } else { Op::Add(id) }
    }

    /// Has every image recovered that was taken so far.
    fn check(&mut self) {
        for image in self.known.images.lock().expect("no holder panics").drain(..) {
            self.crashes += 1;
            if let Err(wrong) = image.check(&self.ops) {
                panic!(
                    "{wrong}; {}; run it again with GUESTLIST_SEED={} cargo test --test power_loss",
                    image.told, self.seed
                );
            }
        }
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("lengths fit into 64 bits")
}

/// Folds what is on a disk, and compares it with what was done: a beginning of it, not shorter and not longer than it may be.
fn recovered(
    disk: &SimulatedDisk,
    ops: &[Op],
    least: u64,
    most: u64,
) -> Result<guestlist::recovery::Recovered, String> {
    let recovered = recover(disk).map_err(|error| format!("the start is refused: {error}"))?;
    let state = recovered.writer.state();
    let there = state.folded();
    if !(least..=most).contains(&there) {
        return Err(format!("{there} entries are there, at least {least} and at most {most} must be"));
    }
    let wanted = expected(&ops[..usize::try_from(there).expect("they are few")]);
    let found = whitelist(state);
    if found != wanted {
        return Err(format!("after {there} entries {wanted:?} must stand, and {found:?} does"));
    }
    if state.digest().digest != Digest::of(state) {
        return Err("the digest that was kept is not that of the state".to_owned());
    }
    Ok(recovered)
}

impl Image {
    /// Recovers it, goes on, and recovers what a second crash leaves of that.
    fn check(&self, ops: &[Op]) -> Result<(), String> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let found = recovered(&self.disk, ops, self.least, self.most)?;
        let there = found.writer.state().folded();
        let mut ops = ops[..usize::try_from(there).expect("they are few")].to_vec();
        let again = |text: &str| if there == 0 { Op::Begin } else { Op::Add(text.to_owned()) };
        ops.extend([again("again"), Op::Add("and again".to_owned())]);
        if random.random_range(0..2) == 0 {
            self.disk.cut_power_before(self.disk.calls_of_all() + random.random_range(1..20));
        }
        let goes_on = || -> Result<(), Failure> {
            let journal = FileJournal::go_on(Arc::new(self.disk.clone()), &found.tail, Durability::Sync)?;
            let mut journal = journal.ahead(self.seed % 300);
            let mut lines = Vec::new();
            for (seq, op) in (there + 1..).zip(&ops[usize::try_from(there).expect("they are few")..]) {
                write_entry(&mut lines, seq, there, &Stamp::new(1, Caller::Seed), &op.message());
            }
            journal.append(&lines)
        };
        let least = match goes_on() {
            Ok(()) => there + 2,
            Err(_) if self.disk.is_dark() => there,
            Err(error) => return Err(format!("it does not go on: {error}")),
        };
        let rule = Rule::ALL[random.random_range(0..Rule::ALL.len())];
        recovered(&self.disk.crash(rule, self.seed), &ops, least, there + 2)
            .map(drop)
            .map_err(|wrong| format!("after a second crash, {rule:?}: {wrong}"))
    }
}

/// A run of three lives; says how many crashes it had.
fn run(seed: u64) -> u64 {
    let mut course = Course::new(seed);
    runtime().block_on(async {
        for _ in 0..3 {
            course.live().await;
        }
    });
    course.crashes
}

#[test]
fn what_was_acknowledged_survives_a_loss_of_power_at_every_call() {
    if let Some(seed) = only_seed() {
        println!("{} crashes", run(seed));
        return;
    }
    let crashes = CRASHES[usize::from(is_long())];
    let counted = each(0..crashes / CRASHES_PER_RUN, run);
    println!("{counted} crashes, 0 entries lost, 0 invented");
    assert!(counted >= crashes, "only {counted} crashes");
}

/// Disks on which the power went at some call of a run that ended in nothing special.
fn found_after_crashes(seeds: u64) -> Vec<SimulatedDisk> {
    let mut found = Vec::new();
    for seed in 0..seeds {
        let mut course = Course::new(seed);
        runtime().block_on(async {
            let life = Life::begin(&course.disk, course.durability, course.snapshot_every, course.limits.clone());
            let life = life.expect("an empty disk can be begun");
            for _ in 0..6 {
                course.batch(&life).await;
            }
        });
        let mut images = std::mem::take(&mut *course.known.images.lock().expect("no holder panics"));
        // Of the last calls, so that there is something on them.
        found.extend(images.split_off(images.len().saturating_sub(28)).into_iter().map(|image| image.disk));
    }
    found
}

/// Starts, as far as the disk is concerned.
fn start(disk: &SimulatedDisk) -> Result<(u64, Digest), String> {
    let recovered = recover(disk).map_err(|error| error.to_string())?;
    let (seq, digest) = (recovered.writer.state().folded(), Digest::of(recovered.writer.state()));
    let journal = FileJournal::go_on(Arc::new(disk.clone()), &recovered.tail, Durability::Sync);
    journal.map(|_| (seq, digest)).map_err(|error| error.to_string())
}

#[test]
fn a_start_that_is_killed_at_any_call_and_begun_again_comes_to_the_same_state_and_the_same_bytes() {
    let mut tried = 0;
    for (number, found) in found_after_crashes(if is_long() { 60 } else { 3 }).into_iter().enumerate() {
        let through = found.copy();
        let came_to = start(&through).unwrap_or_else(|error| panic!("disk {number}: {error}"));
        let calls = through.calls_of_all();
        for call in 1..=calls {
            let killed = found.copy();
            killed.cut_power_before(call);
            assert!(start(&killed).is_err(), "disk {number}, call {call}");
            for rule in Rule::ALL {
                let again = killed.crash(rule, call);
                let told = format!("disk {number}, killed before call {call} of its start, {rule:?}");
                assert_eq!(start(&again).as_ref(), Ok(&came_to), "{told}");
                assert_eq!(again.contents(), through.contents(), "{told}");
                tried += 1;
            }
        }
    }
    println!("{tried} starts were killed");
}

#[test]
fn a_process_that_is_killed_loses_nothing_and_leaves_nothing_aside() {
    let disk = SimulatedDisk::new(1);
    disk.put("journal.tmp", b"half a header");
    disk.put("snapshot.tmp", b"half a snapshot");
    start(&disk).expect("leftovers are no harm");
    let names = disk.names().expect("the disk is well");
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
}

/// Begins with a seed of some changes, as far as the disk lets it; says whether that was acknowledged.
fn seed(disk: &SimulatedDisk, ops: &[Op]) -> bool {
    runtime().block_on(async {
        let Ok(life) = Life::begin(disk, Durability::Sync, u64::MAX, Limits::default()) else { return false };
        let acked = life.batch(&[ops.to_vec()]).await;
        life.kill().await;
        acked.iter().all(|acked| *acked)
    })
}

#[test]
fn what_a_journal_begins_with_is_there_whole_or_not_at_all() {
    let ops = [const { Op::Begin }; 60];
    let whole = ops.len() as u64;
    let through = SimulatedDisk::new(1);
    assert!(seed(&through, &ops));
    let mut found = [0, 0];
    for call in 1..=through.calls_of_all() + 1 {
        for (rule, crash) in Rule::ALL.into_iter().flat_map(|rule| (0..8).map(move |crash| (rule, crash))) {
            let disk = SimulatedDisk::new(1);
            disk.cut_power_before(call);
            let acked = seed(&disk, &ops);
            let (seq, _) =
                start(&disk.crash(rule, crash)).unwrap_or_else(|error| panic!("call {call}, {rule:?}: {error}"));
            assert!(seq == whole || seq == 0 && !acked, "call {call}, {rule:?} {crash}: {seq} of {whole} entries");
            found[usize::from(seq > 0)] += 1;
        }
    }
    assert!(found.iter().all(|times| *times > 0), "none and all: {found:?}");
}

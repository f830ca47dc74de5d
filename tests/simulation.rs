//! The whole gateway in a simulated world: sockets, clock and disk are made up from a seed, everything that can go wrong does,
//! and a seed that fails fails again.
//!
//! `GUESTLIST_SEED=… cargo test --test simulation` runs one seed and tells all that happens; `GUESTLIST_LONG=1` runs many more,
//! and `GUESTLIST_SEEDS=…` says how many.

#[path = "simulation/client.rs"]
mod client;
#[path = "simulation/disk.rs"]
mod disk;
#[path = "simulation/line.rs"]
mod line;
#[path = "simulation/lists.rs"]
mod lists;
#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/panics.rs"]
mod panics;
#[path = "simulation/trace.rs"]
mod trace;
#[path = "simulation/world.rs"]
mod world;

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use world::{Outcome, Setting, run};

/// Worlds that are tried, where nothing else is said, and at length.
const SEEDS: u64 = 500;
const SEEDS_LONG: u64 = 100_000;

/// How much of what happened is told of a world that went wrong.
const NOTES_TOLD: usize = 60;

/// A number that the environment gives.
fn given(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
}

fn fails_of(seed: u64, wrong: &str) -> String {
    let told = run(seed, Setting { tells: true, ..Setting::default() }).notes;
    let last = told[told.len().saturating_sub(NOTES_TOLD)..].join("\n");
    format!("{last}\n\n{wrong}\n\nGUESTLIST_SEED={seed} cargo test --test simulation")
}

/// Runs worlds on all cores until one goes wrong, and gives what is to be counted of them.
fn try_seeds(seeds: u64) -> (u64, u64, u64) {
    let (next, first_wrong) = (AtomicU64::new(0), Mutex::new(None));
    let (answers, crashes, entries) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || first_wrong.lock().expect("nobody panics with it").is_some() {
                        return;
                    }
                    let outcome = run(seed, Setting::default());
                    answers.fetch_add(outcome.answers, Ordering::Relaxed);
                    crashes.fetch_add(outcome.crashes, Ordering::Relaxed);
                    entries.fetch_add(outcome.entries as u64, Ordering::Relaxed);
                    if let Some(wrong) = outcome.wrong {
                        first_wrong.lock().expect("nobody panics with it").get_or_insert((seed, wrong));
                    }
                }
            });
        }
    });
    if let Some((seed, wrong)) = first_wrong.into_inner().expect("nobody panics with it") {
        panic!("{}", fails_of(seed, &wrong));
    }
    (answers.into_inner(), crashes.into_inner(), entries.into_inner())
}

#[test]
fn no_world_gets_a_gateway_to_break_its_promise() {
    if let Some(seed) = given("GUESTLIST_SEED") {
        let Outcome { notes, wrong, hash, .. } = run(seed, Setting { tells: true, ..Setting::default() });
        println!("{}\n{hash:x}", notes.join("\n"));
        assert_eq!(wrong, None, "seed {seed}");
        return;
    }
    let usual = if env::var_os("GUESTLIST_LONG").is_some() { SEEDS_LONG } else { SEEDS };
    let (seeds, began) = (given("GUESTLIST_SEEDS").unwrap_or(usual), Instant::now());
    let (answers, crashes, entries) = try_seeds(seeds);
    let took = began.elapsed();
    println!("{seeds} worlds in {took:.1?}: {answers} answers, {crashes} crashes, {entries} entries in the end");
    // A simulation in which nothing happens finds nothing.
    assert!(answers > 50 * seeds && crashes > seeds && entries > seeds, "too little happens");
}

#[test]
fn a_seed_makes_the_same_things_happen_in_the_same_order() {
    for seed in 0..40 {
        let setting = Setting { tells: true, ..Setting::default() };
        let (once, again) = (run(seed, setting), run(seed, setting));
        if let Some(at) = once.notes.iter().zip(&again.notes).position(|(once, again)| once != again) {
            panic!("seed {seed} differs at note {at}:\n{}\n{}", once.notes[at], again.notes[at]);
        }
        assert_eq!(once, again, "seed {seed}");
    }
}

#[test]
fn a_disk_that_lies_about_its_flushes_is_found_out_and_its_seed_fails_ten_times_of_ten() {
    let setting = Setting { lies: true, tells: false };
    let found = (0..50).map(|seed| (seed, run(seed, setting))).find(|(_, outcome)| outcome.wrong.is_some());
    let (seed, first) = found.expect("some world of fifty loses what was acknowledged");
    for _ in 0..10 {
        assert_eq!(run(seed, setting), first, "seed {seed}");
    }
}

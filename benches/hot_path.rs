//! What each step of a message costs: `cargo bench --bench hot_path`, for times; `instructions.rs` counts the same steps.

mod inputs;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use inputs::{ENTRIES, Lists, add, change, check, decode, encode, guest, journal, page, query, stamp};

/// Patterns of the lists that a check is held against.
const PATTERNS: [usize; 4] = [0, 10, 1_000, 10_000];

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for (name, frame) in [("addToWhitelist", add(7)), ("checkAccess", check(7)), ("getWhitelistUsers", page(0))] {
        group.bench_function(name, |b| b.iter(|| decode(black_box(&frame))));
    }
}

fn running(c: &mut Criterion) {
    let mut lists = Lists::new(ENTRIES, 0);
    let frames: Vec<_> = (ENTRIES..2 * ENTRIES).map(add).collect();
    let mut next = frames.iter().cycle();
    let mut fresh = || change(next.next().expect("a cycle has no end")).0;
    let mut group = c.benchmark_group("addToWhitelist");
    group.bench_function("admit", |b| {
        b.iter_batched_ref(&mut fresh, |change| lists.admit(change), BatchSize::SmallInput);
    });
    let (mut admitted, reference) = change(&add(ENTRIES));
    lists.admit(&mut admitted);
    let (stamp, mut lines) = (stamp(), Vec::new());
    group.bench_function("journal", |b| {
        b.iter(|| {
            lines.clear();
            journal(black_box(&admitted), &stamp, &mut lines);
        });
    });
    group.bench_function("encode", |b| {
        let answer = || lists.run(change(&add(7)).0);
        b.iter_batched(answer, |answer| encode(answer, &reference), BatchSize::SmallInput);
    });
    // Last, for it makes the list longer.
    group.bench_function("run", |b| b.iter_batched(&mut fresh, |change| lists.run(change), BatchSize::SmallInput));
}

fn asking(c: &mut Criterion) {
    let mut group = c.benchmark_group("checkAccess");
    for patterns in PATTERNS {
        let lists = Lists::new(ENTRIES, patterns);
        let (mut question, reference) = query(&check(7));
        lists.admit_query(&mut question);
        let id = |what| BenchmarkId::new(what, patterns);
        group.bench_function(id("answer"), |b| b.iter(|| lists.answer(black_box(&question), &reference)));
        let stranger = guest(ENTRIES);
        group.bench_function(id("decide, a stranger"), |b| b.iter(|| lists.decide(black_box(&stranger))));
    }
}

fn listing(c: &mut Criterion) {
    let lists = Lists::new(ENTRIES, 0);
    let mut group = c.benchmark_group("getWhitelistUsers");
    for (name, entry) in [("first page", 0), ("last page", ENTRIES - 1)] {
        let (mut question, reference) = query(&page(entry));
        lists.admit_query(&mut question);
        group.bench_function(name, |b| b.iter(|| lists.answer(black_box(&question), &reference)));
    }
}

criterion_group!(benches, decoding, running, asking, listing);
criterion_main!(benches);

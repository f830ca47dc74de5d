//! How many instructions each step of a message takes, which no other load of the machine changes: `benches/instructions`
//! installs what it needs, and runs it. What was counted is kept under `target/gungraun`, and the next run says what changed.

#![expect(
    missing_docs,
    unused_qualifications,
    reason = "the macros make modules of their own, and write paths in full"
)]

mod inputs;

use std::hint::black_box;

use guestlist::journal::Stamp;
use guestlist::methods::{Answer, Change, Command, Query};
use guestlist::wire::envelope::Reference;
use gungraun::{library_benchmark, library_benchmark_group, main};
use inputs::{ENTRIES, Lists, add, change, check, decode, encode, guest, journal, page, query, stamp};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Lists with many entries, and a change that is new to them.
fn with_change(entries: usize) -> (Lists, Change) {
    (Lists::new(entries, 0), change(&add(entries)).0)
}

/// The same with what is admitted.
fn with_admitted(entries: usize) -> (Lists, Change) {
    let (lists, mut change) = with_change(entries);
    lists.admit(&mut change);
    (lists, change)
}

/// What is written down of a change, and with what.
fn with_stamp() -> (Lists, Change, Stamp) {
    let (lists, change) = with_admitted(0);
    (lists, change, stamp())
}

/// What came of a change.
fn answered(entries: usize) -> (Answer, Reference) {
    let mut lists = Lists::new(entries, 0);
    let (change, reference) = change(&add(entries));
    (lists.run(change), reference)
}

/// A question about lists with many entries and patterns.
fn with_query(frame: String, patterns: usize) -> (Lists, Query, Reference) {
    let lists = Lists::new(ENTRIES, patterns);
    let (mut query, reference) = query(&frame);
    lists.admit_query(&mut query);
    (lists, query, reference)
}

#[library_benchmark]
#[bench::add(add(7))]
#[bench::check(check(7))]
#[bench::page(page(0))]
fn decoding(frame: String) -> (Command, Reference) {
    black_box(decode(black_box(&frame)))
}

#[library_benchmark]
#[bench::add(with_change(ENTRIES))]
fn admitting((lists, mut change): (Lists, Change)) -> (Lists, Change) {
    lists.admit(black_box(&mut change));
    (lists, change)
}

#[library_benchmark]
#[bench::add(with_stamp())]
fn journaling((lists, change, stamp): (Lists, Change, Stamp)) -> (Lists, Change, Vec<u8>) {
    let mut lines = Vec::new();
    journal(black_box(&change), &stamp, &mut lines);
    (lists, change, lines)
}

#[library_benchmark]
#[bench::few(with_admitted(1_000))]
#[bench::many(with_admitted(ENTRIES))]
fn running((mut lists, change): (Lists, Change)) -> (Lists, Answer) {
    let answer = lists.run(black_box(change));
    (lists, answer)
}

#[library_benchmark]
#[bench::add(answered(0))]
fn encoding((answer, reference): (Answer, Reference)) -> Vec<Utf8Bytes> {
    black_box(encode(answer, &reference))
}

#[library_benchmark]
#[bench::check(with_query(check(7), 0))]
#[bench::check_with_patterns(with_query(check(7), 10_000))]
#[bench::check_of_a_stranger(with_query(check(ENTRIES), 0))]
#[bench::first_page(with_query(page(0), 0))]
#[bench::last_page(with_query(page(ENTRIES - 1), 0))]
fn answering((lists, query, reference): (Lists, Query, Reference)) -> (Lists, Query, Vec<Utf8Bytes>) {
    let frames = lists.answer(black_box(&query), &reference);
    (lists, query, frames)
}

#[library_benchmark]
#[bench::none((Lists::new(0, 0), guest(0)))]
#[bench::few((Lists::new(0, 10), guest(0)))]
#[bench::many((Lists::new(0, 10_000), guest(0)))]
fn deciding((lists, stranger): (Lists, String)) -> (Lists, bool) {
    let allowed = lists.decide(black_box(&stranger));
    (lists, allowed)
}

library_benchmark_group!(
    name = steps,
    benchmarks = [decoding, admitting, journaling, running, encoding, answering, deciding]
);

main!(library_benchmark_groups = steps);

//! A load of writers while everything goes wrong: what was acknowledged is there, once, and what was refused is not.

use std::env;
use std::time::Duration;

use futures::future::join_all;

use super::cluster::{Cluster, EACH};
use super::faults::Faults;
use super::journal::Journal;
use super::load::{Course, Sent, Told, write};
use super::rivals::{Histories, Watched, contend, explain};
use super::wait::until;
use crate::support::lists::numbered_whitelist;

/// How long things go wrong.
const LENGTH: Duration = Duration::from_secs(40);
const LENGTH_LONG: Duration = Duration::from_secs(600);

/// What half of all seeds run with: gateways that do not wait long for anything, so that of more changes nobody knows.
const HASTY: [&str; 2] = ["--limit", "append_wait=1500ms,cut_off_after=700ms"];

const WRITERS: usize = 6;

/// Lists that are fought over.
const LISTS: u64 = 60;
const LISTS_LONG: u64 = 900;

/// Acks that there must be where nothing is in anybody's way.
const ACKS: u64 = 100;

/// How long these may take.
const ACKS_WAIT: Duration = Duration::from_secs(20);

/// Has everything go wrong, and checks what stands in the end.
pub async fn nothing_acknowledged_is_lost() {
    let is_long = env::var_os("GUESTLIST_LONG").is_some();
    let (length, lists) = if is_long { (LENGTH_LONG, LISTS_LONG) } else { (LENGTH, LISTS) };
    let seed: u64 = env::var("GUESTLIST_SEED")
        .map_or_else(|_| rand::random_range(0..1_000_000), |seed| seed.parse().expect("a seed is a number"));
    println!("GUESTLIST_SEED={seed} cargo test --features cluster --test cluster has the same go wrong again");
    let more: &[&str] = if seed.is_multiple_of(2) { &HASTY } else { &[] };
    let mut cluster = Cluster::start(&[&["--snapshot-every", "500"], more].concat()).await;
    let urls = cluster.urls();
    let lists = Watched::make(&mut cluster.administrator(0).await, lists).await;
    cluster.must_agree().await;
    let course = Course::begin();
    let writing = join_all((0..WRITERS).zip(seed..).map(|(writer, seed)| write(writer, &urls, &course, seed)));
    let contending = contend(&lists, &urls, &course, seed);
    let failing = async {
        must_go_on(&course, &cluster).await;
        let happened = Faults::new(&mut cluster, seed).go_wrong(length).await;
        must_go_on(&course, &cluster).await;
        course.end();
        happened
    };
    let (sent, (), happened) = tokio::join!(writing, contending, failing);
    let sent: Vec<Sent> = sent.into_iter().flatten().collect();

    let (seq, digest) = cluster.must_agree().await;
    let list = numbered_whitelist(&mut cluster.bot(0).await).await;
    let journal = Journal::of(&cluster);
    journal.must_be_whole(seq);
    let told = Told::of(&sent, &list, &journal.added());
    let Histories { checked, changes, unknown, unexplained } =
        explain(lists, &mut cluster.administrator(EACH - 1).await).await;

    let pause = course.longest_pause();
    let counts: Vec<String> = happened.counts.iter().map(|(fault, count)| format!("{count} {fault}")).collect();
    let Told { lost, changed, invented, doubled, .. } = &told;
    println!(
        "seed {seed}: {} sign-ups sent, {} of them more than once: {} acknowledged, {} refused, {} unknown, of which {} stand; \
         {} lost, {} under another id, {} refused and yet there, {} doubled. {checked} histories of {changes} changes, \
         {unknown} of them unknown: {} unexplained. Digest {digest} at {seq} on all gateways. Faults: {}. Longest without an ack {:.1?} \
         (until {:.1?}), until all were ready {:.1?}; {} gateways ended by themselves",
        sent.len(),
        told.repeated,
        told.acked,
        told.refused,
        told.unknown,
        told.unknown_standing,
        lost.len(),
        changed.len(),
        invented.len(),
        doubled.len(),
        unexplained.len(),
        counts.join(", "),
        pause.length,
        pause.end,
        happened.longest_recovery,
        cluster.gateways.iter().map(|gateway| gateway.ended_itself).sum::<usize>(),
    );
    assert!(
        lost.is_empty() && changed.is_empty() && invented.is_empty() && doubled.is_empty(),
        "lost {lost:?}, changed {changed:?}, refused and there {invented:?}, doubled {doubled:?}"
    );
    assert!(unexplained.is_empty(), "no order of changes explains {}", unexplained.concat());
    assert!(told.acked > 1_000 && told.refused > 0 && changes > checked * 10, "{told:?} is hardly a test");
}

/// Waits for more acks, when nothing is in anybody's way.
async fn must_go_on(course: &Course, cluster: &Cluster) {
    let enough = course.acks() + ACKS;
    until(ACKS_WAIT, async || (course.acks() >= enough).then_some(()), || cluster.logs()).await;
}

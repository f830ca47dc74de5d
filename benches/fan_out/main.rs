//! What it costs to tell everybody: 100 changes a second to 1,000 subscribers, of whom each must hear each change once and in
//! order, and how much longer whoever makes the changes waits for the acks. `cargo bench --bench fan_out`, on a machine that does
//! nothing else.
//!
//! Runs with and without subscribers take turns. All sides run on one machine: what the subscribers themselves cost the processor
//! is in the figures.

#[path = "../bad_company/served.rs"]
#[expect(dead_code, reason = "the other benchmark looks at memory and encryption too")]
mod served;

use std::time::Duration;

use guestlist::testing::{Client, demo};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use served::Served;

/// Those who have subscribed.
const SUBSCRIBERS: usize = 1_000;
/// Changes a second.
const RATE: u32 = 100;
/// Changes in a run.
const CHANGES: usize = 2_000;
/// Pairs of runs.
const ROUNDS: usize = 5;
/// How much longer the acks may take, at the 99th percentile.
const RATIO_MAX: f64 = 1.2;

fn main() {
    // Where the limit stays low, connecting says so.
    rlimit::increase_nofile_limit(u64::MAX).ok();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("there are threads");
    runtime.block_on(compare());
}

async fn compare() {
    let served = Served::start(false);
    let (mut ratios, mut slowest) = (Vec::new(), Duration::ZERO);
    for round in 0..ROUNDS {
        let without = write(&served, &format!("quiet{round}")).await;
        let mut listening = Vec::new();
        for _ in 0..SUBSCRIBERS {
            listening.push(subscribe(&served).await);
        }
        let with = write(&served, &format!("loud{round}")).await;
        for subscriber in listening {
            slowest = slowest.max(subscriber.await.expect("every subscriber hears every change, in order"));
        }
        println!("round {round}: p99 of the acks {without} µs without, {with} µs with {SUBSCRIBERS} subscribers");
        ratios.push(with as f64 / without as f64);
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let shown: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let met = if ratio <= RATIO_MAX { "met" } else { "MISSED" };
    println!("\nall {SUBSCRIBERS} heard all {CHANGES} changes of {ROUNDS} runs once and in order");
    println!("the last of them was heard by all at most {slowest:.2?} after the run's first");
    println!("p99 of the acks: {ratio:.2} of that without, of {}; at most {RATIO_MAX}: {met}", shown.join(" "));
}

/// Makes changes when they are due, and gives the 99th percentile of what their acks took from then on, in microseconds.
async fn write(served: &Served, name: &str) -> u64 {
    let mut writer = Client::sign_in(served.url(), demo::BOT).await;
    let mut latencies = Histogram::<u64>::new(3).expect("the precision is possible");
    let begin = Instant::now();
    for number in 0..CHANGES {
        let due = begin + Duration::from_secs(1) / RATE * u32::try_from(number).expect("they are few");
        sleep_until(due).await;
        let signup = format!("{name}-{number}@example.com");
        let ack = writer.call(json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": [signup]})).await;
        assert_eq!(ack["method"], "addToWhitelist_ack", "{ack}");
        let took = u64::try_from(due.elapsed().as_micros()).expect("it does not take for ever");
        latencies.record(took).expect("the histogram grows");
    }
    latencies.value_at_quantile(0.99)
}

/// Somebody who hears a run's changes, and says how long that took from the first to the last.
async fn subscribe(served: &Served) -> JoinHandle<Duration> {
    let mut client = Client::sign_in(served.url(), demo::BOT).await;
    let answer = client.call(json!({"method": "subscribeToEvent", "app_id": demo::APP, "event": "signup"})).await;
    let mut last = answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"));
    tokio::spawn(async move {
        let mut first = None;
        for _ in 0..CHANGES {
            let event: Value = client.json().await;
            let seq = event["seq"].as_u64().unwrap_or_else(|| panic!("{event}"));
            assert_eq!(seq, last + 1, "a change is missing, or out of order");
            last = seq;
            first.get_or_insert_with(Instant::now);
        }
        first.map_or(Duration::ZERO, |first| first.elapsed())
    })
}

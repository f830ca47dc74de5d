//! Few descriptors and many callers: those who are served are unharmed, the others wait their turn, and the journal and its
//! snapshots always have what they need.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use guestlist::disk::RealDisk;
use guestlist::journal::directory::files;
use rlimit::Resource;
use support::http::Http;
use support::lists::{Writer, assert_stands, whitelist};
use support::process::{Served, guestlist_under, run};
use support::{ADMIN, BOT, Client};
use tempfile::TempDir;
use tokio::time::timeout;

/// What the process may have: all its descriptors.
const LIMIT: &str = "ulimit -n 256";

/// Callers who fit: the limit without what the gateway keeps for its storage.
const SERVED_MAX: usize = 256 - 64;

/// Callers who come, at once.
const CALLERS: usize = 400;

/// Changes that each makes, one after the other, before it leaves.
const CHANGES: usize = 12;

/// No change is refused.
const NEVER: &str = "changes are not refused here";

/// Above what it takes until all have had their turn.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long changes took, from the quickest to the slowest.
struct Took(Vec<Duration>);

impl Took {
    fn quantile(&self, per_mille: usize) -> Duration {
        self.0[(self.0.len() - 1) * per_mille / 1_000]
    }

    fn told(&self) -> String {
        let [p50, p99, p999] = [500, 990, 999].map(|per_mille| self.quantile(per_mille));
        format!("{} changes, p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}", self.0.len())
    }
}

/// The metrics once a snapshot was made, which takes its time.
async fn after_a_snapshot(url: &str) -> String {
    let since = Instant::now();
    loop {
        let metrics = Http::at(url).get("/metrics").bearer(ADMIN).send().await.expect(200).text();
        if !metrics.contains("snapshots_total{outcome=\"made\"} 0\n") {
            return metrics;
        }
        assert!(since.elapsed() < PATIENCE, "no snapshot was made: {metrics}");
    }
}

/// Has so many callers come at once to a gateway of their own, and checks what it made of them.
async fn served(callers: usize) -> Took {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let text = data.to_str().expect("the path is text");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--demo", "--snapshot-every", "300", "--data", text];
    let served = Served::start_command(&mut guestlist_under(LIMIT, &serve), &log);
    let url = served.url.as_str();
    let calls = (0..callers).map(|n| {
        let url = url.to_owned();
        tokio::spawn(async move {
            let mut writer = Writer::new_in_time(&url, &format!("caller{n}-"), PATIENCE).await;
            let mut took = Vec::new();
            for _ in 0..CHANGES {
                let since = Instant::now();
                writer.round(1, NEVER).await;
                took.push(since.elapsed());
            }
            writer.client.0.close(None).await.ok();
            (writer, took)
        })
    });
    let done = timeout(PATIENCE * 2, join_all(calls)).await.expect("everybody gets a turn");
    let (mut writers, mut all) = (Vec::new(), Vec::new());
    for call in done {
        let (writer, took) = call.expect("a caller who is served is not harmed");
        assert_eq!(writer.acked.len(), CHANGES);
        writers.push(writer);
        all.extend(took);
    }
    let metrics = after_a_snapshot(url).await;
    for failed in ["journal_failures_total{kind=\"not_rotated\"}", "snapshots_total{outcome=\"failed\"}"] {
        assert!(metrics.contains(&format!("guestlist_{failed} 0\n")), "{metrics}");
    }
    assert_stands(&whitelist(url).await, &writers);
    served.kill();
    let said = std::fs::read_to_string(&log).expect("there is a log");
    assert!(!said.contains("could not be accepted") && said.contains("connections=192"), "{said}");
    let served = Served::start(&data, &log, &[]);
    assert_stands(&whitelist(&served.url).await, &writers);
    all.sort_unstable();
    Took(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_callers_share_two_hundred_and_fifty_six_descriptors() {
    let (fitting, crowd) = (served(SERVED_MAX).await, served(CALLERS).await);
    println!("{SERVED_MAX} callers: {}\n{CALLERS} callers: {}", fitting.told(), crowd.told());
    // Twice is what a quiet machine shows; the rest is for one on which others work.
    let most = fitting.quantile(990) * 10 + Duration::from_secs(1);
    assert!(crowd.quantile(990) < most, "those who are served wait for those who are not");
}

/// The lowest descriptor that a process does not have; with it as limit, the process gets none.
fn first_free(pid: u32) -> u64 {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    let open: BTreeSet<u64> = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    (0..).find(|number| !open.contains(number)).expect("there are more numbers than descriptors")
}

/// Waits until the log says something.
async fn said(log: &Path, what: &str, mut meanwhile: impl AsyncFnMut()) {
    let since = Instant::now();
    while !std::fs::read_to_string(log).expect("there is a log").contains(what) {
        assert!(since.elapsed() < PATIENCE, "the log never said `{what}`");
        meanwhile().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_descriptor_the_old_segment_goes_on_and_those_who_come_wait() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let served = Served::start(&data, &log, &["--demo", "--snapshot-every", "40"]);
    let mut writers = vec![Writer::new(&served.url, "first-").await];
    let pid = i32::try_from(served.pid()).expect("a pid is a small number");
    let (mut soft, mut hard) = (0, 0);
    rlimit::prlimit(pid, Resource::NOFILE, None, Some((&mut soft, &mut hard))).expect("a child's limits can be read");
    let none = first_free(served.pid());
    rlimit::prlimit(pid, Resource::NOFILE, Some((none, hard)), None).expect("a child's limits can be set");

    let (url, first) = (served.url.clone(), &mut writers[0]);
    let mut late = tokio::spawn(async move { Client::sign_in(&url, BOT).await });
    said(&log, "no new segment could be begun", async || assert_eq!(first.round(5, NEVER).await.acked, 5)).await;
    said(&log, "accepting pauses", async || assert_eq!(first.round(5, NEVER).await.acked, 5)).await;
    assert!(!late.is_finished(), "there is nothing to accept a connection with");
    assert_eq!(files(&RealDisk::new(&data)).expect("it can be read").segments.len(), 1);

    rlimit::prlimit(pid, Resource::NOFILE, Some((soft, hard)), None).expect("a child's limits can be set");
    timeout(PATIENCE, &mut late).await.expect("it comes in").expect("it is served");
    said(&log, "a snapshot was made", async || assert_eq!(first.round(5, NEVER).await.acked, 5)).await;
    let log = std::fs::read_to_string(&log).expect("there is a log");
    assert_eq!(log.matches("accepting pauses").count(), 1, "a pause is told once:\n{log}");
    assert!(log.contains("connections are accepted again"), "{log}");
    served.kill();
    assert_eq!(run(&["journal", "check", data.to_str().expect("the path is text")]).code, Some(0));
    let served = Served::start(&data, &home.path().join("later"), &[]);
    assert_stands(&whitelist(&served.url).await, &writers);
}

//! A disk that is full, and files that may not grow further, under the real binary: what was acknowledged is there and nothing
//! else, reading goes on, and so does writing once there is space, over the same connections.

#[path = "disk_full/small.rs"]
mod small;
mod support;

use std::path::Path;

use futures::future::join_all;
use guestlist::disk::RealDisk;
use guestlist::journal::directory::files;
use small::Small;
use support::ADMIN;
use support::http::Http;
use support::lists::{Round, Writer, assert_stands, whitelist};
use support::process::{Served, guestlist_under, run};
use tempfile::TempDir;

/// Connections that write.
const WRITERS: usize = 6;

/// Changes of one connection under way at once.
const CHANGES: usize = 16;

/// Rounds after which something that is waited for did not come.
const ROUNDS_MAX: usize = 100_000;

/// What every refusal says.
const FULL: &str = "storage is full, and nothing of the change was made";

async fn writers(url: &str, names: &str) -> Vec<Writer> {
    join_all((0..WRITERS).map(async |n| Writer::new(url, &format!("{names}{n}-")).await)).await
}

/// Has all write at once, each until it has seen enough.
async fn write_until(writers: &mut [Writer], is_enough: impl Fn(Round) -> bool) {
    join_all(writers.iter_mut().map(async |writer| {
        for _ in 0..ROUNDS_MAX {
            if is_enough(writer.round(CHANGES, FULL).await) {
                return;
            }
        }
        panic!("after {ROUNDS_MAX} rounds what was waited for did not come");
    }))
    .await;
}

fn all_refused(round: Round) -> bool {
    round.refused == CHANGES
}

fn all_acked(round: Round) -> bool {
    round.acked == CHANGES
}

/// What the log says about space, line by line: each time it is gone, and each time it is back.
fn episodes(log: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(log).expect("there is a log");
    let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    (count("storage is full"), count("storage has space again"))
}

fn check(data: &Path) {
    let checked = run(&["journal", "check", data.to_str().expect("the path is text")]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_and_takes_them_again_by_itself() {
    let Some(small) = Small::new(4 << 20) else { return };
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (small.path().join("data"), home.path().join("log"));
    small.leave(3 << 19);
    let served = Served::start(&data, &log, &["--demo"]);
    let http = Http::at(&served.url);
    let mut all = writers(&served.url, "a").await;
    for episode in 1..=2 {
        write_until(&mut all, all_refused).await;
        for _ in 0..3 {
            let rounds = join_all(all.iter_mut().map(|writer| writer.round(CHANGES, FULL))).await;
            assert!(rounds.into_iter().all(all_refused), "nothing is taken while the disk is full");
        }
        assert_eq!(episodes(&log), (episode, episode - 1), "one line says it, however many were refused");
        let not_ready = http.get("/readyz").send().await.expect(503).text();
        assert!(not_ready.starts_with("storage is full: ") && not_ready.lines().count() == 1, "{not_ready}");
        let metrics = http.get("/metrics").bearer(ADMIN).send().await.expect(200).text();
        assert!(metrics.contains("guestlist_storage_state{state=\"full\"} 1\n"), "{metrics}");
        assert!(metrics.contains(&format!("guestlist_storage_full_total {episode}\n")), "{metrics}");
        assert_stands(&whitelist(&served.url).await, &all);
        small.free();
        write_until(&mut all, all_acked).await;
        http.get("/readyz").send().await.expect(200);
        assert_eq!(episodes(&log), (episode, episode));
        small.leave(0);
    }
    // A gateway that is killed then and started on the full disk tells what it knows, and goes on when it can.
    write_until(&mut all, all_refused).await;
    served.kill();
    let served = Served::start(&data, &log, &[]);
    assert_stands(&whitelist(&served.url).await, &all);
    let mut later = writers(&served.url, "b").await;
    write_until(&mut later, all_refused).await;
    small.free();
    write_until(&mut later, all_acked).await;
    served.kill();
    check(&data);
    let served = Served::start(&data, &log, &[]);
    all.extend(later);
    assert_stands(&whitelist(&served.url).await, &all);
    let refused: usize = all.iter().map(|writer| writer.refused).sum();
    let acked: usize = all.iter().map(|writer| writer.acked.len()).sum();
    println!("full disk: {acked} acknowledged and recovered, {refused} refused, no connection lost");
}

/// As much as a segment may have here: 1 MiB, in the 512 bytes that POSIX counts in.
const FILE_LIMIT: &str = "ulimit -f 2048";

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_may_not_grow_further_is_followed_by_another() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let text = data.to_str().expect("the path is text");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--demo", "--data", text];
    let served = Served::start_command(&mut guestlist_under(FILE_LIMIT, &serve), &log);
    let mut all = writers(&served.url, "a").await;
    for episode in 1..=2 {
        write_until(&mut all, |round| round.refused > 0).await;
        write_until(&mut all, all_acked).await;
        let segments = files(&RealDisk::new(&data)).expect("the directory can be read").segments.len();
        assert!(segments > episode, "{segments} segments");
    }
    Http::at(&served.url).get("/readyz").send().await.expect(200);
    assert_stands(&whitelist(&served.url).await, &all);
    served.kill();
    check(&data);
    let served = Served::start(&data, &log, &[]);
    assert_stands(&whitelist(&served.url).await, &all);
    let (full, again) = episodes(&log);
    assert!(full >= 2 && full == again, "{full} times full, {again} times well again");
}

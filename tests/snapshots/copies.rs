//! The directory is copied at any moment while it is written to, sealed, folded and cleared.
//!
//! `GUESTLIST_LONG=1` makes many times as many copies.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{SinkExt, StreamExt};
use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::directory::files;
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;
use guestlist::state::app::ListName;
use guestlist::state::digest::Digest;
use guestlist::state::id::AppId;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{self, APP, BOT, Client};

const COPIES: usize = 20;
const COPIES_LONG: usize = 500;
const LANES: usize = 4;

/// Changes of one connection that may wait for their acks.
const WINDOW: usize = 32;

/// Acks of all lanes between two copies, so that each copy is of another moment.
const ACKS: usize = 120;

/// Changes that may be sent from one copy on to the next: enough to go on all through it, and so few that the directory of small
/// segments stays one that is listed in one call. One that is not may be listed with a segment and without the one before.
const CHANGES: usize = 240;

/// One connection's sign-ups, which are numbered as they are sent.
#[derive(Debug)]
struct Lane {
    sent: AtomicUsize,
    acked: AtomicUsize,
    /// Changes that all lanes may still send.
    allowed: Arc<Semaphore>,
}

impl Lane {
    async fn add(&self, url: String, index: usize) {
        let (mut sink, mut stream) = Client::sign_in(&url, BOT).await.0.split();
        loop {
            let under_way = self.sent.load(Ordering::Acquire) - self.acked.load(Ordering::Acquire);
            if under_way == 0 {
                self.allowed.acquire().await.expect("it is never closed").forget();
            } else if under_way < WINDOW
                && let Ok(permit) = self.allowed.try_acquire()
            {
                permit.forget();
            } else {
                let Some(Ok(Message::Text(ack))) = stream.next().await else { return };
                assert!(ack.contains("addToWhitelist_ack"), "{ack}");
                self.acked.fetch_add(1, Ordering::AcqRel);
                continue;
            }
            let signup = format!("lane{index}-{}", self.sent.fetch_add(1, Ordering::AcqRel));
            let message = json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]}).to_string();
            if sink.send(Message::text(message)).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_at_any_moment_is_a_prefix_of_what_was_acknowledged() {
    let copies = if std::env::var_os("GUESTLIST_LONG").is_some() { COPIES_LONG } else { COPIES };
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let limits = Limits { journal_keep_bytes: 0, segment_bytes_max: 8 << 10, ..Limits::default() };
    let store = Store::Directory { path: data.clone(), durability: Durability::Sync, snapshot_every: 50 };
    let options = Options { store, ..support::options(&data, limits) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let allowed = Arc::new(Semaphore::new(0));
    let lane = |_| Lane { sent: AtomicUsize::new(0), acked: AtomicUsize::new(0), allowed: allowed.clone() };
    let lanes: Arc<Vec<Lane>> = Arc::new((0..LANES).map(lane).collect());
    for index in 0..LANES {
        let (lanes, url) = (lanes.clone(), gateway.url());
        tokio::spawn(async move { lanes[index].add(url, index).await });
    }
    let acks = || lanes.iter().map(|lane| lane.acked.load(Ordering::Acquire)).collect::<Vec<_>>();
    let (mut generations, mut incomplete) = (0, 0);
    for copy in 0..copies {
        let enough = acks().iter().sum::<usize>() + ACKS;
        allowed.add_permits(CHANGES - allowed.available_permits());
        while acks().iter().sum::<usize>() < enough {
            tokio::task::yield_now().await;
        }
        let (acked, to) = (acks(), home.path().join("copy"));
        let (from, target) = (data.clone(), to.clone());
        let copied = tokio::task::spawn_blocking(move || {
            Command::new("cp").arg("-r").arg(from).arg(target).output().expect("there is a program to copy with")
        });
        let copied = copied.await.expect("it does not panic");
        let sent: Vec<usize> = lanes.iter().map(|lane| lane.sent.load(Ordering::Acquire)).collect();
        // What is only being written aside may go while it is looked at.
        let complaints = String::from_utf8_lossy(&copied.stderr).into_owned();
        assert!(complaints.lines().all(|line| line.contains(".tmp")), "{complaints}");
        incomplete += usize::from(!complaints.is_empty());
        let recovered = recover(&RealDisk::new(&to)).unwrap_or_else(|error| panic!("copy {copy}: {error}"));
        generations += usize::from(recovered.snapshot_seq > 0);
        let state = recovered.writer.state();
        let app = state.app(APP.parse::<AppId>().expect("it is an id")).expect("the app is there");
        let found: Vec<&str> =
            app.list(ListName::Whitelist).signups.iter().map(|(_, entry)| &*entry.signup_id).collect();
        for lane in 0..LANES {
            let prefix = format!("lane{lane}-");
            let numbers = found.iter().filter_map(|signup| signup.strip_prefix(&prefix)?.parse::<usize>().ok());
            let numbers: Vec<usize> = numbers.collect();
            let count = numbers.len();
            assert!(numbers.into_iter().eq(0..count), "copy {copy}, lane {lane}: not in order, or with gaps");
            let (acked, sent) = (acked[lane], sent[lane]);
            assert!((acked..=sent).contains(&count), "copy {copy}, lane {lane}: {count}, not {acked} to {sent}");
        }
        let digest = Digest::of(state);
        drop(app);
        if copy % 5 == 0 {
            let restored = support::gateway(&to).await;
            assert_eq!(Digest::of(restored.state()), digest, "copy {copy}");
            restored.stop().await;
        }
        fs::remove_dir_all(&to).expect("the copy can be removed");
    }
    gateway.stop().await;
    let left = files(&RealDisk::new(&data)).expect("the directory can be read");
    println!(
        "{generations} of {copies} copies have a snapshot, {incomplete} lack what was being written aside; left: {left:?}"
    );
    assert!(generations > copies / 2, "only {generations} copies have a snapshot");
}

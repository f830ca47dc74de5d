//! `kill -9` during writes, over and over on one data directory: what was acknowledged is there, nothing is invented, and
//! the order is kept. `GUESTLIST_LONG=1` kills a thousand times.

mod support;

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use guestlist::disk::RealDisk;
use guestlist::journal::directory::files;
use serde_json::{Value, json};
use support::lists::whitelist;
use support::process::{Served, run};
use support::{APP, BOT, Client};
use tempfile::TempDir;
use tokio::sync::{Notify, Semaphore};
use tokio_tungstenite::tungstenite::Message;

const KILLS: usize = 50;
const KILLS_LONG: usize = 1_000;
const LANES: usize = 4;

/// Changes of one connection that may wait for their acks.
const WINDOW: usize = 64;

/// Kills between two stops in good order, which make a snapshot. One that is killed soon after its start may make none, and each
/// start would have more to replay than the one before.
const KILLS_BETWEEN_STOPS: usize = 20;

/// Sign-ups that one connection lets stand; with more, each look at them would take longer than the one before.
const STANDING_MAX: usize = 200;

/// A change of one sign-up.
#[derive(Clone, Debug)]
enum Change {
    Add(String),
    Remove(String),
}

impl Change {
    fn message(&self) -> String {
        let (method, signup) = match self {
            Self::Add(signup) => ("addToWhitelist", signup),
            Self::Remove(signup) => ("removeFromWhitelist", signup),
        };
        json!({"method": method, "app_id": APP, "signups": [signup]}).to_string()
    }

    fn check_ack(&self, ack: &Value) {
        let acked = &ack["signups"][0];
        match self {
            Self::Add(signup) => assert_eq!(acked["signup_id"], *signup, "{ack}"),
            Self::Remove(signup) => assert_eq!(acked, signup, "{ack}"),
        }
    }

    fn apply(&self, standing: &mut Vec<String>) {
        match self {
            Self::Add(signup) => standing.push(signup.clone()),
            Self::Remove(signup) => standing.retain(|standing| standing != signup),
        }
    }
}

/// One connection's sign-ups, which nobody else touches; its changes are made in their order.
struct Lane {
    name: String,
    /// Those that stood when the gateway was last looked at.
    standing: Vec<String>,
    /// What was sent since.
    sent: Mutex<Vec<Change>>,
    /// How much of it was acknowledged.
    acked: AtomicUsize,
    made: AtomicUsize,
}

impl Lane {
    fn new(index: usize) -> Self {
        let name = format!("lane{index}-");
        Self {
            name,
            standing: Vec::new(),
            sent: Mutex::default(),
            acked: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        }
    }

    /// Two additions, then a removal of something, old or only just sent; removals alone while there is much.
    fn next(&self, planned: &[String]) -> Change {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        match made % 3 {
            n if planned.len() >= STANDING_MAX || (n == 2 && !planned.is_empty()) => {
                Change::Remove(planned[made * 7 % planned.len()].clone())
            }
            _ => Change::Add(format!("{}{made}", self.name)),
        }
    }

    /// Changes sign-ups, many under way at once, until the gateway is gone.
    async fn change(&self, client: Client, acks: &Acks) {
        let (mut sink, mut stream) = client.0.split();
        let window = Semaphore::new(WINDOW);
        let sending = async {
            let mut planned = self.standing.clone();
            while let Ok(permit) = window.acquire().await {
                permit.forget();
                let change = self.next(&planned);
                change.apply(&mut planned);
                let message = Message::text(change.message());
                self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(change);
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        };
        let receiving = async {
            while let Some(Ok(Message::Text(ack))) = stream.next().await {
                let acked = self.acked.fetch_add(1, Ordering::Relaxed);
                let change = self.sent.lock().unwrap_or_else(PoisonError::into_inner)[acked].clone();
                change.check_ack(&serde_json::from_str(&ack).expect("acks are JSON"));
                acks.count();
                window.add_permits(1);
            }
            window.close();
        };
        tokio::join!(sending, receiving);
    }

    /// Finds what stands among what may: everything acknowledged, and of the rest what came first, to any length.
    fn settle(&mut self, list: &[String]) {
        let found: Vec<&String> = list.iter().filter(|signup| signup.starts_with(&self.name)).collect();
        let sent = std::mem::take(self.sent.get_mut().unwrap_or_else(PoisonError::into_inner));
        let acked = std::mem::take(self.acked.get_mut());
        sent[..acked].iter().for_each(|change| change.apply(&mut self.standing));
        for change in &sent[acked..] {
            if found.iter().copied().eq(&self.standing) {
                return;
            }
            change.apply(&mut self.standing);
        }
        let mut last = String::new();
        for change in sent.iter().skip(acked.saturating_sub(3)).take(6) {
            writeln!(last, "{change:?}").expect("strings grow");
        }
        let (sent, standing) = (sent.len(), &self.standing);
        assert!(
            found.iter().copied().eq(standing),
            "{acked} of {sent} changes were acknowledged, and no state from there on is what stands.\nAround the last \
             acknowledged:\n{last}found {found:?}\nwith all changes {standing:?}"
        );
    }
}

/// Counts acks of all connections up to the moment of the kill.
struct Acks {
    left: AtomicUsize,
    enough: Notify,
}

impl Acks {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.enough.notify_one();
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_any_number_of_kills() {
    let kills = if std::env::var_os("GUESTLIST_LONG").is_some() { KILLS_LONG } else { KILLS };
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let mut lanes: Vec<Lane> = (0..LANES).map(Lane::new).collect();
    let since = Instant::now();
    for kill in 0..kills {
        if kill % KILLS_BETWEEN_STOPS == KILLS_BETWEEN_STOPS - 1 {
            assert_eq!(Served::start(&data, &log, &["--demo"]).stop().code, Some(0));
            println!("{kill} kills in {:.0?}", since.elapsed());
        }
        // A crash of the process loses nothing under relaxed durability either.
        let durability = if kill % 2 == 0 { "sync" } else { "relaxed" };
        let served = Served::start(&data, &log, &["--demo", "--snapshot-every", "50", "--durability", durability]);
        check(&served.url, &mut lanes, kill).await;
        let mut clients = Vec::new();
        for _ in 0..LANES {
            clients.push(Client::sign_in(&served.url, BOT).await);
        }
        let acks = Acks { left: AtomicUsize::new(1 + kill * 37 % 211), enough: Notify::new() };
        let changing = join_all(lanes.iter().zip(clients).map(|(lane, client)| lane.change(client, &acks)));
        let killing = async {
            acks.enough.notified().await;
            served.kill();
        };
        tokio::join!(changing, killing);
    }
    let served = Served::start(&data, &log, &["--demo"]);
    check(&served.url, &mut lanes, kills).await;
    assert_eq!(served.stop().code, Some(0));
    assert!(!files(&RealDisk::new(&data)).expect("the directory can be read").snapshots.is_empty());
    assert_eq!(run(&["journal", "check", data.to_str().expect("the path is text")]).code, Some(0));
    let changes: usize = lanes.iter_mut().map(|lane| *lane.made.get_mut()).sum();
    assert!(changes > kills * 50, "only {changes} changes were tried");
}

async fn check(url: &str, lanes: &mut [Lane], kills: usize) {
    let list = whitelist(url).await;
    lanes.iter_mut().for_each(|lane| lane.settle(&list));
    let known: usize = lanes.iter().map(|lane| lane.standing.len()).sum();
    assert_eq!(list.len(), known, "after {kills} kills there are sign-ups that nobody sent");
}

#[test]
fn a_lane_settles_on_any_state_from_the_last_ack_on() {
    let changes = [Change::Add("lane0-a".into()), Change::Add("lane0-b".into()), Change::Remove("lane0-a".into())];
    let settles = |acked: usize, list: &[&str]| {
        let mut lane = Lane::new(0);
        *lane.sent.get_mut().unwrap_or_else(PoisonError::into_inner) = changes.to_vec();
        *lane.acked.get_mut() = acked;
        let list: Vec<String> = list.iter().map(|&signup| signup.to_owned()).collect();
        std::panic::catch_unwind(move || lane.settle(&list)).is_ok()
    };
    assert!(settles(0, &[]) && settles(1, &["lane0-a"]) && settles(1, &["lane0-b"]) && settles(3, &["lane0-b"]));
    assert!(!settles(1, &[]) && !settles(3, &["lane0-a", "lane0-b"]) && !settles(1, &["lane0-b", "lane0-a"]));
}

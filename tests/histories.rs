//! Eight clients at once on the lists of all three products, while the gateway is killed and started again: what they saw of
//! each list has an order that explains it. `GUESTLIST_LONG=1` checks five times as many histories.

#[path = "histories/list.rs"]
mod list;
#[path = "histories/lists.rs"]
mod lists;
mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use list::{Asked, Came, Happened, Listed};
use lists::{List, NAMES};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use support::process::Served;
use support::{ADMIN, Client};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

const HISTORIES: usize = 200;
const HISTORIES_LONG: usize = 1_000;

/// Histories that are made together.
const LISTS: usize = 10;
const CLIENTS: usize = 8;

/// Gateways that one round of histories is spread over; all but the last are killed.
const LIVES: usize = 3;

/// Operations of one client in one life of the gateway, where it is not killed before.
const OPERATIONS: usize = 24;

/// Operations that a client sends off together, at most.
const TOGETHER: usize = 3;

/// A list with what happened to it.
struct Watched {
    list: List,
    happened: Mutex<Happened>,
}

impl Watched {
    fn begin(&self, asked: Asked) -> usize {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).begin(asked)
    }

    fn end(&self, operation: usize, came: Came) {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).end(operation, came);
    }
}

/// Counts answers up to the moment of the kill.
struct Answers {
    left: AtomicUsize,
    enough: Notify,
}

impl Answers {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.enough.notify_one();
        }
    }
}

/// Asks lists at random until it has asked enough, or the gateway is gone.
async fn ask(client: Client, lists: &[Watched], answers: &Answers, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut sink, mut stream) = client.0.split();
    let mut asked_so_far = 0;
    while asked_so_far < OPERATIONS {
        let mut waiting = Vec::new();
        for _ in 0..random.random_range(1..=TOGETHER) {
            let watched = &lists[random.random_range(0..lists.len())];
            let name = random.random_range(0..NAMES);
            let asked = match random.random_range(0..5) {
                0 | 1 => Asked::Add(name),
                2 | 3 => Asked::Remove(name),
                _ => Asked::Read,
            };
            waiting.push((watched, asked, watched.begin(asked)));
            if sink.send(Message::text(watched.list.message(asked).to_string())).await.is_err() {
                return;
            }
        }
        asked_so_far += waiting.len();
        for (watched, asked, operation) in waiting {
            let Some(Ok(Message::Text(answer))) = stream.next().await else { return };
            let answer = serde_json::from_str(&answer).expect("answers are JSON");
            watched.end(operation, watched.list.came(asked, &answer));
            answers.count();
        }
    }
}

/// Starts a gateway on a directory that may have been left by one that was killed.
fn serve(home: &Path) -> Served {
    Served::start(&home.join("data"), &home.join("log"), &["--demo", "--snapshot-every", "60"])
}

/// Makes histories of a few lists, in which the gateway is killed again and again.
async fn round(home: &Path, number: usize) -> Vec<Watched> {
    let seed = |life: usize, client: usize| u64::try_from((number * LIVES + life) * CLIENTS + client).expect("few");
    let mut served = serve(home);
    let mut lists = Vec::new();
    let mut client = Client::sign_in(&served.url, ADMIN).await;
    for n in 0..LISTS {
        let list = List::make(&mut client, u64::try_from(number * LISTS + n).expect("lists are few")).await;
        let happened = Happened::to(list.is_numbered());
        lists.push(Watched { list, happened: Mutex::new(happened) });
    }
    for life in 0..LIVES {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(Client::sign_in(&served.url, ADMIN).await);
        }
        let killed = life + 1 < LIVES;
        let kill_at = StdRng::seed_from_u64(seed(life, CLIENTS)).random_range(1..CLIENTS * OPERATIONS);
        let answers = Arc::new(Answers { left: AtomicUsize::new(kill_at), enough: Notify::new() });
        let asking = clients.into_iter().enumerate();
        let asking = join_all(asking.map(|(n, client)| ask(client, &lists, &answers, seed(life, n))));
        if killed {
            let killing = async {
                answers.enough.notified().await;
                served.kill();
            };
            tokio::join!(asking, killing);
            served = serve(home);
        } else {
            asking.await;
        }
    }
    // What stands in the end is part of what was seen.
    let mut client = Client::sign_in(&served.url, ADMIN).await;
    for watched in &lists {
        let operation = watched.begin(Asked::Read);
        let answer = client.call(watched.list.message(Asked::Read)).await;
        watched.end(operation, watched.list.came(Asked::Read, &answer));
    }
    lists
}

#[tokio::test(flavor = "multi_thread")]
async fn every_history_under_kills_is_linearizable() {
    let histories = if std::env::var_os("GUESTLIST_LONG").is_some() { HISTORIES_LONG } else { HISTORIES };
    let home = TempDir::new().expect("a temporary directory");
    let served = serve(home.path());
    lists::set_users(&mut Client::sign_in(&served.url, ADMIN).await).await;
    assert_eq!(served.stop().code, Some(0));
    let (mut checked, mut operations, mut unknown) = (0, 0, 0);
    for number in 0..histories.div_ceil(LISTS) {
        for Watched { list, happened } in round(home.path(), number).await {
            let happened = happened.into_inner().unwrap_or_else(PoisonError::into_inner);
            assert!(
                happened.is_linearizable(),
                "no order of operations explains {list:?} of round {number}:\n{happened:?}"
            );
            let (these, open) = happened.counts();
            (checked, operations, unknown) = (checked + 1, operations + these, unknown + open);
        }
    }
    println!("{checked} histories, {operations} operations, {unknown} of them with unknown outcome: all linearizable");
    assert!(operations > checked * 20 && unknown > 0, "{operations} operations, {unknown} unknown, are hardly a test");
}

/// A history of a numbered list, from its operations' halves: what is asked opens one, and an answer closes the one it names.
fn history(halves: &[Result<Asked, (usize, Came)>]) -> Happened {
    let mut happened = Happened::to(true);
    for half in halves {
        match half.clone() {
            Ok(asked) => drop(happened.begin(asked)),
            Err((operation, came)) => happened.end(operation, came),
        }
    }
    happened
}

#[test]
fn what_no_order_explains_is_told() {
    let read =
        |names: &[u8]| Came::Read(names.iter().map(|&name| Listed { name, number: u64::from(name) + 1 }).collect());
    let stands = |number| Came::Stands(number);
    let (add, remove, ask) = (|name| Ok(Asked::Add(name)), |name| Ok(Asked::Remove(name)), || Ok(Asked::Read));
    let good = [
        // One after the other, then at once, in either order.
        history(&[add(0), Err((0, stands(1))), ask(), Err((1, read(&[0])))]),
        history(&[add(0), ask(), Err((1, read(&[]))), Err((0, stands(1)))]),
        history(&[add(0), ask(), Err((1, read(&[0]))), Err((0, stands(1)))]),
        // Of unknown outcome: made, not made, made late.
        history(&[add(0), ask(), Err((1, read(&[0])))]),
        history(&[add(0), ask(), Err((1, read(&[])))]),
        history(&[add(0), ask(), Err((1, read(&[]))), ask(), Err((2, read(&[0])))]),
        // Refused.
        history(&[add(0), Err((0, Came::Refused)), ask(), Err((1, read(&[])))]),
    ];
    for happened in good {
        assert!(happened.is_linearizable(), "{happened:?}");
    }
    let bad = [
        // Lost after its ack; invented; out of order; gone and back; a number given twice.
        history(&[add(0), Err((0, stands(1))), ask(), Err((1, read(&[])))]),
        history(&[ask(), Err((0, read(&[0])))]),
        history(&[add(0), Err((0, stands(1))), add(1), Err((1, stands(2))), ask(), Err((2, read(&[1, 0])))]),
        history(&[add(0), ask(), Err((1, read(&[0]))), ask(), Err((2, read(&[])))]),
        history(&[add(0), Err((0, stands(1))), remove(0), Err((1, Came::Removed(true))), add(0), Err((2, stands(1)))]),
        history(&[add(0), Err((0, stands(1))), remove(0), Err((1, Came::Removed(false)))]),
        // Refused, and there.
        history(&[add(0), Err((0, Came::Refused)), ask(), Err((1, read(&[0])))]),
    ];
    for happened in bad {
        assert!(!happened.is_linearizable(), "{happened:?}");
    }
}

//! This is where clients of different gateways add and remove the same few names, and what came of it is held against an order.

use std::sync::{Mutex, PoisonError};

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::ADMIN;
use super::line::{Answer, Line};
use super::load::{Course, PACE};
use crate::list::{Asked, Came, Happened};
use crate::lists::{List, NAMES, set_users};
use crate::support::Client;

/// Lists that are changed at the same time.
const TOGETHER: usize = 6;

/// Who changes them.
const CLIENTS: usize = 6;

/// Changes of one client to all of these together, after which there are others: a long history takes long to explain.
const CHANGES: usize = 50;

/// A list with what happened to it.
pub struct Watched {
    list: List,
    happened: Mutex<Happened>,
}

/// What histories there were.
#[derive(Debug, Default)]
pub struct Histories {
    /// How many, of lists that anything happened to.
    pub checked: usize,
    /// Changes in all of them.
    pub changes: usize,
    /// Those of which nobody knows whether they were made.
    pub unknown: usize,
    /// Those that no order explains.
    pub unexplained: Vec<String>,
}

impl Watched {
    /// Some lists, of all kinds.
    pub async fn make(administrator: &mut Client, lists: u64) -> Vec<Self> {
        set_users(administrator).await;
        let mut made = Vec::new();
        for n in 0..lists {
            let list = List::make(administrator, n).await;
            made.push(Self { happened: Mutex::new(Happened::to(list.is_numbered())), list });
        }
        made
    }

    fn begin(&self, asked: Asked) -> usize {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).begin(asked)
    }

    fn end(&self, operation: usize, came: Came) {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).end(operation, came);
    }
}

/// Changes lists, a few at a time, until all is over or there are no more.
pub async fn contend(lists: &[Watched], urls: &[String], course: &Course, seed: u64) {
    for (round, lists) in (0..).zip(lists.chunks(TOGETHER)) {
        let clients = (0..CLIENTS).map(|client| {
            let random = StdRng::seed_from_u64(seed ^ (round << 8) ^ u64::try_from(client).expect("they are few"));
            change(lists, urls, course, random)
        });
        join_all(clients).await;
    }
}

/// Changes lists until that is enough, on any gateway.
async fn change(lists: &[Watched], urls: &[String], course: &Course, mut random: StdRng) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = 0;
    while changes < CHANGES && !course.is_over() {
        pace.tick().await;
        let Some(mut line) = Line::open_any(urls, ADMIN, &mut random).await else { continue };
        while changes < CHANGES && !course.is_over() {
            pace.tick().await;
            changes += 1;
            let watched = &lists[random.random_range(0..lists.len())];
            let name = random.random_range(0..NAMES);
            let asked = if random.random() { Asked::Add(name) } else { Asked::Remove(name) };
            let operation = watched.begin(asked);
            match line.ask(&watched.list.message(asked)).await.map(Answer::of) {
                Ok(Answer::Made(ack)) => watched.end(operation, watched.list.came(asked, &ack)),
                Ok(Answer::Refused) => {
                    watched.end(operation, Came::Refused);
                    break;
                }
                // It may be made, now or later.
                Ok(Answer::Unknown) => {}
                Err(_) => break,
            }
        }
    }
}

/// Looks for an order of changes for each list that explains all acks, and what stands in the end, as a gateway says that has
/// caught up.
pub async fn explain(lists: Vec<Watched>, administrator: &mut Client) -> Histories {
    let mut histories = Histories::default();
    for watched in lists {
        let operation = watched.begin(Asked::Read);
        let answer = administrator.call(watched.list.message(Asked::Read)).await;
        watched.end(operation, watched.list.came(Asked::Read, &answer));
        let Watched { list, happened } = watched;
        let happened = happened.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !happened.is_linearizable() {
            histories.unexplained.push(format!("{list:?}\n{happened:?}"));
        }
        let (operations, unknown) = happened.counts();
        histories.checked += usize::from(operations > 1);
        histories.changes += operations - 1;
        histories.unknown += unknown;
    }
    histories
}

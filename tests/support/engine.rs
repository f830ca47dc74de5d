//! This is where tests get the engine alone: on a simulated disk, in the test's own thread, so that what goes in together is one
//! batch and a seed makes the same happen again.

use std::iter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use guestlist::access::{Caller, Sender, View};
use guestlist::config::Limits;
use guestlist::disk::SimulatedDisk;
use guestlist::engine::{Engine, EngineHandle, Submission};
use guestlist::gateway::{self, StartError, Store};
use guestlist::health::{Health, Storage};
use guestlist::hub::Hub;
use guestlist::journal::file::Durability;
use guestlist::methods::Change;
use guestlist::random::Random;
use guestlist::state::State;
use guestlist::state::id::AppId;
use guestlist::world::{Running, Threads};
use serde_json::json;
use tokio::runtime::{self, Runtime};

/// The app whose whitelist is changed.
const APP: &str = "1";

/// A change, which is one entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Makes the app; the first of all.
    Begin,
    /// Puts somebody on its whitelist.
    Add(String),
    /// Takes somebody off.
    Remove(String),
}

impl Op {
    /// The change as it is journaled.
    pub fn change(&self) -> Change {
        let (method, text) = match self {
            Self::Begin => ("setApp", json!({"app_id": APP, "name": "app"})),
            Self::Add(id) => ("addToWhitelist", json!({"app_id": APP, "signups": [id]})),
            Self::Remove(id) => ("removeFromWhitelist", json!({"app_id": APP, "signups": [id]})),
        };
        let change = Change::read(method, &text.to_string()).expect("there is such a method");
        change.expect("the message is well formed")
    }

    /// The change as it is journaled, as text.
    pub fn message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        self.change().write(&mut message);
        message
    }
}

/// Who stands on the whitelist after these, in order.
pub fn expected(ops: &[Op]) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for op in ops {
        match op {
            Op::Begin => {}
            Op::Add(id) if list.contains(id) => {}
            Op::Add(id) => list.push(id.clone()),
            Op::Remove(id) => list.retain(|other| other != id),
        }
    }
    list
}

/// Who stands on the whitelist.
pub fn whitelist(state: &State) -> Vec<String> {
    let app = state.app(APP.parse::<AppId>().expect("it is an id"));
    app.map(|app| app.whitelist.signups.iter().map(|(_, entry)| entry.signup_id.to_string()).collect())
        .unwrap_or_default()
}

/// A runtime for one of these: of one thread, with a clock that stands still until all wait.
pub fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime needs little")
}

/// An engine that runs.
pub struct Life {
    /// What it knows.
    pub state: Arc<State>,
    handle: EngineHandle,
    running: Running,
}

impl Life {
    /// Recovers what is on the disk and goes on. Must be called on the runtime.
    pub fn begin(
        disk: &SimulatedDisk,
        durability: Durability,
        snapshot_every: u64,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let health = Arc::new(Health::default());
        let store = Store::Disk { disk: Arc::new(disk.clone()), durability, snapshot_every };
        let opened = gateway::open(store, &limits, &health, Threads::None)?;
        let state = opened.writer.state().clone();
        let hub = Arc::new(Hub::default());
        let (engine, handle) = Engine::new(opened.writer, opened.journal, hub, limits, opened.snapshots, health);
        let running = engine.spawn_on(Threads::None).map_err(StartError::Thread)?;
        Ok(Self { state, handle, running })
    }

    /// Has a batch made, each of its parts by a caller of its own; says of every change whether it was acknowledged.
    pub async fn batch(&self, parts: &[Vec<Op>]) -> Vec<bool> {
        let mut outcomes = Vec::new();
        for ops in parts {
            let mut submission = Submission::new(Caller::Seed);
            for op in ops {
                let mut change = op.change();
                let view = View::new(&self.state, Caller::Seed, 1);
                change.admit(Sender { view, bound_app: None }).expect("a seed may do all this");
                change.prepare(view, &Random::default()).expect("nothing of it can be refused");
                submission.push(change);
            }
            outcomes.push(self.handle.submit(submission).await);
        }
        let mut acked = Vec::new();
        for (ops, outcomes) in parts.iter().zip(outcomes) {
            let outcomes = outcomes.await.unwrap_or_default();
            acked.extend((0..ops.len()).map(|n| outcomes.get(n).is_some_and(Result::is_ok)));
        }
        acked
    }

    /// How storage is.
    pub fn storage(&self) -> Storage {
        self.handle.health().storage()
    }

    /// Whether what lies on disk folded to another state than the live one.
    pub fn differs(&self) -> bool {
        self.handle.health().differing() > 0
    }

    /// Ends in good order.
    pub async fn stop(self) {
        self.handle.stop().await;
        assert!(self.running.ended().await, "the engine panicked");
    }

    /// Ends as a process does that is killed: what was written stays with the system.
    pub async fn kill(self) {
        let Running::Task(task) = self.running else { panic!("it was begun as a task") };
        task.abort();
        // Its end is all that is waited for.
        let _ = task.await;
    }
}

/// Runs a test's cases on as many threads as there are cores, and adds up what they count.
pub fn each(cases: Range<u64>, case: impl Fn(u64) -> u64 + Sync) -> u64 {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicU64::new(cases.start);
    let work = || {
        let mine = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        mine.take_while(|number| *number < cases.end).map(&case).sum::<u64>()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a case failed, as was told above")).sum()
    })
}

/// Whether the long sizes are wanted.
pub fn is_long() -> bool {
    std::env::var_os("GUESTLIST_LONG").is_some_and(|value| value == "1")
}

/// The one seed that is wanted, where it is named.
pub fn only_seed() -> Option<u64> {
    let seed = std::env::var("GUESTLIST_SEED").ok()?;
    Some(seed.parse().expect("GUESTLIST_SEED is a number"))
}

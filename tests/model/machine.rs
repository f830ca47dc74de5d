//! The gateway under test: the path that a message takes, without a socket, from a disk in memory to the answer.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use guestlist::access::{Caller, Sender};
use guestlist::config::{FRAME_OUT_BYTES_MAX, Limits};
use guestlist::counts::Decisions;
use guestlist::disk::simulated::SimulatedDisk;
use guestlist::engine::{Engine, Submission};
use guestlist::gateway::{self, Store};
use guestlist::health::Health;
use guestlist::hub::Hub;
use guestlist::journal::directory;
use guestlist::journal::file::Durability;
use guestlist::methods::{Change, Command, Query, Verdict};
use guestlist::random::Random;
use guestlist::shared::Shared;
use guestlist::state::State;
use guestlist::state::digest::Digest;
use guestlist::state::id::BotId;
use guestlist::wire::envelope::Reference;
use guestlist::wire::error::Error;
use guestlist::world::{self, Threads};
use proptest_state_machine::StateMachineTest;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::Machine;
use crate::reference::{ADMIN, Answer, Model};
use crate::steps::Step;

thread_local! {
    /// What gateways run on: where they have no threads of their own, a case goes the same way every time.
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime needs no thread");
    static THREADS: Cell<Threads> = const { Cell::new(Threads::None) };
}

/// Says whether the gateways of this thread have threads of their own, for the engine and for snapshots.
pub fn run_on(threads: Threads) {
    THREADS.set(threads);
}

/// Runs something, and meanwhile the gateway.
fn wait_for<T>(something: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(something))
}

/// What differs from run to run, or is the clock's.
const NOT_COMPARED: [&str; 5] = ["created_at", "updated_at", "token", "api_key", "reference"];

/// Changes that leave nothing behind, to make a snapshot due; and how long they are made at most.
const FILLERS: [&str; 2] = [r#"{"method":"setApp","app_id":"9"}"#, r#"{"method":"removeApp","app_id":"9"}"#];
const PATIENCE: Duration = Duration::from_secs(60);

/// How often each method was answered, and refused with which code: what is never met is not tested.
pub static MET: Mutex<BTreeMap<(String, Option<u64>), u64>> = Mutex::new(BTreeMap::new());

/// A gateway that runs.
pub struct Running {
    disk: SimulatedDisk,
    shared: Shared,
    engine: world::Running,
    /// The digest, and the entry after which it was counted last: without another one nothing can have changed.
    counted: Cell<Option<(u64, Digest)>>,
}

impl StateMachineTest for Running {
    type SystemUnderTest = Self;
    type Reference = Machine;

    fn init_test(_model: &Model) -> Self {
        let running = Self::start(SimulatedDisk::new(0));
        let answers = running.send(Caller::Seed, &crate::beginning());
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        running
    }

    fn apply(running: Self, model: &Model, step: Step) -> Self {
        match step {
            Step::Send { by, messages } => {
                let answers = running.send(Caller::Bot(BotId(by)), &messages);
                assert_eq!(answers, model.answers, "what is answered, and what the model answers");
                let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
                for (message, answer) in messages.iter().zip(answers) {
                    let method = message["method"].as_str().unwrap_or_default().to_owned();
                    *met.entry((method, answer.err())).or_default() += 1;
                }
                drop(met);
                running
            }
            Step::Restart => running.restart(model),
            Step::Crash => {
                let left = running.disk.copy();
                running.crash(left, model)
            }
            Step::PowerLoss { rule, seed } => {
                let left = running.disk.crash(rule, seed);
                running.crash(left, model)
            }
            Step::Snapshot => {
                running.make_snapshot_due();
                running
            }
        }
    }

    fn check_invariants(running: &Self, _model: &Model) {
        let (state, settled) = (running.state(), running.state().digest());
        assert_eq!((settled.seq, settled.at_ms), (state.folded(), state.at_ms()), "nothing waits to be counted");
        let counted = running.counted.take().filter(|(seq, _)| *seq == settled.seq);
        let (seq, digest) = counted.unwrap_or_else(|| (settled.seq, Digest::of(state)));
        assert_eq!(settled.digest, digest, "the digest as it was kept, and counted anew");
        running.counted.set(Some((seq, digest)));
    }

    fn teardown(running: Self, model: Model) {
        running.compare_all(&model);
        running.stop();
    }
}

impl Running {
    fn start(disk: SimulatedDisk) -> Self {
        let (hub, health) = (Arc::new(Hub::default()), Arc::new(Health::default()));
        // What is of no use goes at once, so that nothing is found that ought to be gone.
        let limits = Limits { removal_wait: Duration::ZERO, journal_keep_bytes: 0, ..Limits::default() };
        let store = Store::Disk { disk: Arc::new(disk.clone()), durability: Durability::Sync, snapshot_every: 1 };
        let opened = gateway::open(store, &limits, &health, THREADS.get()).expect("what the gateway wrote can be read");
        let state = opened.writer.state().clone();
        let (engine, handle) =
            Engine::new(opened.writer, opened.journal, hub.clone(), limits.clone(), opened.snapshots, health);
        let engine = wait_for(async { engine.spawn_on(THREADS.get()) }).expect("there are threads");
        Self { disk, shared: Shared::new(state, handle, hub, limits), engine, counted: Cell::new(None) }
    }

    fn state(&self) -> &State {
        &self.shared.state
    }

    /// Does what a connection does with messages that come at once.
    fn send(&self, by: Caller, messages: &[Value]) -> Vec<Answer> {
        let mut connection = Connection { of: self, by, gathered: Submission::new(by), answers: Vec::new() };
        for message in messages {
            let method = message["method"].as_str().expect("a message has a method");
            match Command::read(method, &message.to_string()) {
                Ok(Command::Change(change)) => connection.change(change),
                Ok(Command::Query(query)) => connection.ask(query),
                Ok(Command::Wish(_)) => unreachable!("the model has no subscriptions"),
                Err(error) => connection.answer(Err(error)),
            }
        }
        connection.submit();
        connection.answers
    }

    fn restart(self, model: &Model) -> Self {
        let (before, seq, disk) = (Digest::of(self.state()), self.state().folded(), self.disk.clone());
        self.stop();
        let newest = segments_and_snapshots(&disk).1.last().copied();
        assert_eq!(newest, Some(seq), "a stop in good order leaves a snapshot of everything");
        Self::start(disk).found_the_same(before, seq, model)
    }

    /// Starts on what a process has left that ended without a word: all it has acknowledged.
    fn crash(self, left: SimulatedDisk, model: &Model) -> Self {
        let (before, seq) = (Digest::of(self.state()), self.state().folded());
        // Whatever the old process still writes, it writes to a disk of the past.
        Self::start(left).found_the_same(before, seq, model)
    }

    fn found_the_same(self, digest: Digest, seq: u64, model: &Model) -> Self {
        assert_eq!((Digest::of(self.state()), self.state().folded()), (digest, seq), "before the start, and after it");
        // Equal digests have said nearly all; that what finds the records stands too is worth a look now and then.
        if seq.is_multiple_of(4) {
            self.compare_all(model);
        }
        self
    }

    /// Stops in good order, without having lost a flush or a snapshot.
    fn stop(self) {
        let health = self.shared.engine.health().clone();
        let stopped = async {
            self.shared.engine.stop().await;
            self.engine.ended().await
        };
        assert!(wait_for(stopped), "the engine panicked");
        assert_eq!(health.differing(), 0, "a snapshot differs from the live state");
    }

    /// Asks for everything there is.
    fn compare_all(&self, model: &Model) {
        let mut model = model.clone();
        for asked in model.inventory() {
            let expected = model.call(ADMIN, &asked);
            assert_eq!(self.send(Caller::Bot(BotId(ADMIN)), &[asked]), [expected], "what stands, and in the model");
        }
    }

    fn make_snapshot_due(&self) {
        let sealed = segments_and_snapshots(&self.disk).0;
        let fillers = FILLERS.iter().cycle().take(8);
        let fillers: Vec<Value> = fillers.map(|text| serde_json::from_str(text).expect("it is JSON")).collect();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            assert!(self.send(Caller::Bot(BotId(ADMIN)), &fillers).iter().all(Result::is_ok));
            if segments_and_snapshots(&self.disk).0 != sealed {
                return;
            }
            // The one before may still be made, on a thread that lets all others go first.
            thread::yield_now();
        }
        panic!("no snapshot became due within {PATIENCE:?}");
    }
}

/// The numbers of the segments and of the snapshots on a disk.
fn segments_and_snapshots(disk: &SimulatedDisk) -> (Vec<u64>, Vec<u64>) {
    let files = directory::files(disk).expect("memory can be read");
    let numbers = |files: Vec<directory::Numbered>| files.into_iter().map(|file| file.seq).collect();
    (numbers(files.segments), numbers(files.snapshots))
}

/// What a session does, as far as it is about the order of things.
struct Connection<'a> {
    of: &'a Running,
    by: Caller,
    gathered: Submission,
    answers: Vec<Answer>,
}

impl Connection<'_> {
    fn sender(&self) -> Sender<'_> {
        Sender { view: self.of.shared.view(self.by), bound_app: None }
    }

    /// A refusal, or an answer without a change, is final only when nothing before it is under way.
    fn change(&mut self, mut change: Change) {
        if change.is_alone() {
            self.submit();
        }
        let mut verdict = self.check(&mut change);
        if !matches!(verdict, Ok(Verdict::Proceed)) && !self.gathered.is_empty() {
            self.submit();
            verdict = self.check(&mut change);
        }
        match verdict {
            Ok(Verdict::Proceed) => {
                change
                    .prepare(self.sender().view, &Random::default())
                    .expect("nothing that the steps send is refused here");
                self.gathered.push(change);
            }
            Ok(Verdict::Unchanged(answer)) => self.answers.push(Ok(told(answer))),
            Err(error) => self.answer(Err(error)),
        }
    }

    fn check(&self, change: &mut Change) -> Result<Verdict<guestlist::methods::Answer>, Error> {
        change.admit(self.sender())?;
        change.check(self.sender().view)
    }

    fn ask(&mut self, mut query: Query) {
        self.submit();
        let mut frames = Vec::new();
        let answered = query.admit(self.sender()).and_then(|()| {
            let (view, decisions) = (self.sender().view, Decisions::default());
            query.answer(view, &decisions, &Reference::default(), FRAME_OUT_BYTES_MAX, &mut frames)
        });
        self.answer(answered.map(|()| parsed(&frames[0])));
    }

    /// Has the changes made that were gathered.
    fn submit(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let gathered = std::mem::replace(&mut self.gathered, Submission::new(self.by));
        let engine = &self.of.shared.engine;
        let outcomes = wait_for(async { engine.submit(gathered).await.await }).expect("the engine lives");
        for outcome in outcomes {
            self.answer(outcome.map(told));
        }
    }

    fn answer(&mut self, answer: Result<Value, Error>) {
        self.answers.push(answer.map_err(|error| error.code.number().into()));
    }
}

fn told(answer: guestlist::methods::Answer) -> Value {
    let mut frames = Vec::new();
    answer.encode(&Reference::default(), FRAME_OUT_BYTES_MAX, &mut frames);
    parsed(&frames[0])
}

/// An answer, but for what is not compared.
fn parsed(frame: &str) -> Value {
    let mut answer = serde_json::from_str(frame).expect("an answer is JSON");
    forget(&mut answer);
    answer
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !NOT_COMPARED.contains(&name.as_str()));
            members.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

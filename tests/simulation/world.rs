//! A world from one seed: a gateway on a simulated disk, network and clock, its clients, and whatever befalls it, from one life
//! to the next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use guestlist::config::Limits;
use guestlist::disk::SimulatedDisk;
use guestlist::disk::simulated::{Call, Errno, Fault, Rule, Slip};
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;
use guestlist::seed::Seed;
use guestlist::state::State;
use guestlist::state::digest::Digest;
use guestlist::world::{Strings, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime;
use tokio::time::{sleep, timeout};

use super::client::{Client, Life, Wrong};
use super::disk::Watched;
use super::lists;
use super::panics;
use super::trace::Trace;

/// When a world begins, in milliseconds since 1970: some day in 2025.
const BEGINNING_MS: u64 = 1_750_000_000_000;

/// How long a life may be where nothing ends it.
const LIFE_MAX: Duration = Duration::from_secs(3_600);

/// How much happens at most before the call comes at which the power goes.
const CALLED_NOTES_MAX: u64 = 600;

/// How long after a full disk has space again changes may still be refused.
const RESUME_MAX: Duration = Duration::from_secs(5);

/// How long a gateway may take to stop.
const STOP_MAX: Duration = Duration::from_secs(60);

/// What a world is like beside what its seed says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// Whether the disk says sooner or later that it has flushed what it has not.
    pub lies: bool,
    /// Whether all that happens is kept to be read.
    pub tells: bool,
}

/// What came of a world.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// All that happened, as one number.
    pub hash: u64,
    /// What the gateway did wrong, if it did.
    pub wrong: Option<Wrong>,
    /// All that happened, where it was to be kept.
    pub notes: Vec<String>,
    /// How much happened.
    pub count: u64,
    /// Answers that were right.
    pub answers: u64,
    /// Lives that did not end with a stop.
    pub crashes: u64,
    /// Entries that were there in the end.
    pub entries: usize,
}

/// How a life ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// In good order.
    Stop,
    /// The process ends, and what it wrote stays with the system.
    Kill,
    /// The power goes.
    Dark(Rule),
}

struct Course {
    random: StdRng,
    setting: Setting,
    disk: SimulatedDisk,
    trace: Trace,
    now_ms: u64,
    clients: Vec<Client>,
    crashes: u64,
}

/// Lets a world happen.
pub fn run(seed: u64, setting: Setting) -> Outcome {
    let mut random = StdRng::seed_from_u64(seed);
    let trace = Trace::new(setting.tells);
    let clients = random.random_range(1..=4);
    let mut course = Course {
        disk: SimulatedDisk::new(random.random()),
        clients: (0..clients).map(|id| Client::new(id, clients, random.random(), trace.clone())).collect(),
        now_ms: BEGINNING_MS,
        crashes: 0,
        random,
        setting,
        trace,
    };
    let panics = panics::caught();
    let happened = catch_unwind(AssertUnwindSafe(|| course.happen()));
    let panicked = panics.all();
    let wrong = match happened {
        _ if !panicked.is_empty() => Some(panicked.join("\n")),
        Ok(happened) => happened.err(),
        Err(_) => Some("a panic that was not seen".to_owned()),
    };
    course.trace.note(format_args!("{wrong:?}"));
    Outcome {
        hash: course.trace.hash(),
        count: course.trace.count(),
        notes: course.trace.take_kept(),
        answers: course.clients.iter().map(|client| client.answers).sum(),
        entries: course.clients.iter().map(Client::entries).sum(),
        crashes: course.crashes,
        wrong,
    }
}

impl Course {
    fn happen(&mut self) -> Result<(), Wrong> {
        for _ in 0..self.random.random_range(1..=4) {
            self.live()?;
        }
        self.look_back()
    }

    /// One life of the gateway, and its end.
    fn live(&mut self) -> Result<(), Wrong> {
        let rules = Rule::ALL;
        let mut ending = match self.random.random_range(0..10) {
            0 | 1 => Ending::Stop,
            2 | 3 => Ending::Kill,
            _ => Ending::Dark(rules[self.random.random_range(0..rules.len())]),
        };
        let may_fail = self.random.random_ratio(1, 3);
        if may_fail {
            self.plan_fault();
        }
        let by_call = matches!(ending, Ending::Dark(_)) && self.random.random_ratio(1, 2);
        if by_call {
            let call = self.disk.calls_of_all() + self.random.random_range(1..150);
            self.disk.cut_power_before(call);
        }
        if self.random.random_ratio(1, 3) {
            self.disk.slip(Slip { short_percent: 20, interrupted_percent: 5 });
        }
        self.trace.note(format_args!("a life begins, to end with {ending:?}"));
        let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("the system gives a runtime");
        let lived = runtime.block_on(self.go(ending, may_fail || by_call, by_call));
        // With it goes whatever the gateway was doing.
        drop(runtime);
        if self.disk.is_dark() && !matches!(ending, Ending::Dark(_)) {
            ending = Ending::Dark(Rule::Prefix);
        }
        self.trace.note(format_args!("a life ended, the disk being at {:x}", self.disk.trace()));
        self.clients.iter_mut().for_each(Client::was_cut_off);
        self.crashes += u64::from(!matches!(ending, Ending::Stop));
        if let Ending::Dark(rule) = ending {
            self.disk = self.disk.crash(rule, self.random.random());
        }
        self.disk.heal();
        self.disk.slip(Slip::default());
        self.disk.set_space(None);
        // Clocks that were not set yet are a minute behind; others go on.
        self.now_ms = self.now_ms.saturating_add_signed(self.random.random_range(-60_000..3_600_000));
        lived
    }

    async fn go(&mut self, ending: Ending, may_fail: bool, by_call: bool) -> Result<(), Wrong> {
        let (world, strings) = World::simulated(self.random.random(), self.now_ms);
        let honest = if self.setting.lies { self.random.random_range(0..60) } else { u64::MAX };
        let disk = Watched::new(self.disk.clone(), honest);
        let seen = disk.seen().clone();
        let gateway = match Gateway::start_in(world, self.options(disk)).await {
            Ok(gateway) => gateway,
            Err(error) => {
                self.trace.note(format_args!("the start failed: {error}"));
                return if may_fail { Ok(()) } else { Err(format!("the gateway does not start: {error}")) };
            }
        };
        self.recovered(gateway.state())?;
        let stops = Arc::new(AtomicBool::new(false));
        let is_full = Arc::new(AtomicBool::new(false));
        let life = Life {
            strings: strings.clone(),
            disk: seen.clone(),
            may_fail,
            is_full: is_full.clone(),
            stops: stops.clone(),
        };
        let clocks = set_clocks(strings, StdRng::seed_from_u64(self.random.random()));
        let spaces = set_spaces(self.disk.clone(), is_full, StdRng::seed_from_u64(self.random.random()));
        let notes = if by_call { CALLED_NOTES_MAX } else { self.random.random_range(1..400) };
        let noted = self.trace.after(notes);
        let over = async {
            tokio::select! {
                biased;
                () = seen.dark.notified(), if by_call => {}
                () = noted.notified() => {}
                () = sleep(LIFE_MAX) => {}
            }
        };
        let mut living = Box::pin(try_join_all(self.clients.iter_mut().map(|client| client.live(&life))));
        tokio::select! {
            biased;
            wrong = &mut living => return wrong.map(|_| ()),
            () = clocks => {}
            () = spaces => {}
            () = over => {}
        }
        if let Ending::Stop = ending {
            stops.store(true, Ordering::Relaxed);
            tokio::select! {
                biased;
                wrong = &mut living => return wrong.map(|_| ()),
                stopped = timeout(STOP_MAX, gateway.stop()) => {
                    stopped.map_err(|_| "the gateway does not stop".to_owned())?;
                }
            }
        }
        Ok(())
    }

    /// Starts once more, with nothing in the way, and has everybody look.
    fn look_back(&mut self) -> Result<(), Wrong> {
        self.trace.note("all look back");
        let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("the system gives a runtime");
        runtime.block_on(async {
            let (world, strings) = World::simulated(self.random.random(), self.now_ms);
            let disk = Watched::new(self.disk.clone(), u64::MAX);
            let seen = disk.seen().clone();
            let started = Gateway::start_in(world, self.options(disk)).await;
            let gateway = started.map_err(|error| format!("the gateway does not start in the end: {error}"))?;
            let life = Life { strings, disk: seen, may_fail: false, is_full: Arc::default(), stops: Arc::default() };
            self.recovered(gateway.state())?;
            for client in &mut self.clients {
                client.audit(&life).await?;
            }
            let live = Digest::of(gateway.state());
            let crashed = self.disk.crash(Rule::Nothing, 0);
            gateway.stop().await;
            for (disk, when) in [(&crashed, "before"), (&self.disk, "after")] {
                let recovered = recover(disk).map_err(|error| format!("{when} the stop: {error}"))?;
                if Digest::of(recovered.writer.state()) != live {
                    return Err(format!("{when} the stop the disk folds to something else than what was there"));
                }
            }
            Ok(())
        })
    }

    /// Holds what was recovered against itself: the digest that is kept, and the one that is counted.
    fn recovered(&self, state: &State) -> Result<(), Wrong> {
        let (kept, counted) = (state.digest(), Digest::of(state));
        self.trace.note(format_args!("there are {} entries, which come to {counted}", kept.seq));
        let agrees = (kept.seq, kept.digest) == (state.folded(), counted);
        agrees.then_some(()).ok_or_else(|| format!("the digest that is kept is {kept:?}, and counted it is {counted}"))
    }

    fn plan_fault(&mut self) {
        let calls =
            [Call::Write, Call::SyncFile, Call::SetLen, Call::Create, Call::Rename, Call::Remove, Call::SyncNames];
        let errors = [Errno::Io, Errno::NoSpace, Errno::Quota, Errno::FileTooLarge, Errno::ReadOnly];
        let call = match self.random.random_range(0..10) {
            0..3 => Call::SyncFile,
            3..6 => Call::Write,
            _ => calls[self.random.random_range(0..calls.len())],
        };
        self.disk.fail(Fault {
            call: Some(call),
            number: self.random.random_range(1..40),
            errno: errors[self.random.random_range(0..errors.len())],
            lasting: self.random.random_ratio(1, 2),
        });
    }

    fn options(&mut self, disk: Watched) -> Options {
        let clients = u32::try_from(self.clients.len()).expect("clients are few");
        let snapshot_every = [5, 30, 200][self.random.random_range(0..3)];
        Options {
            store: Store::Disk { disk: Arc::new(disk), durability: Durability::Sync, snapshot_every },
            seed: Seed::of("simulation", lists::seed(clients)),
            limits: Limits { removal_wait: Duration::ZERO, journal_keep_bytes: 0, ..Limits::default() },
            public_url: Some("http://simulated".to_owned()),
            ..Options::demo()
        }
    }
}

/// Sets the clock forth and back, now and then.
async fn set_clocks(strings: Strings, mut random: StdRng) {
    loop {
        sleep(Duration::from_secs(random.random_range(1..300))).await;
        strings.clock.step(random.random_range(-100_000..1_000_000));
    }
}

/// Fills the disk, and makes room again, now and then. A while after that nobody is refused for it any more.
async fn set_spaces(disk: SimulatedDisk, is_full: Arc<AtomicBool>, mut random: StdRng) {
    loop {
        sleep(Duration::from_secs(random.random_range(1..400))).await;
        is_full.store(true, Ordering::Relaxed);
        let used: usize = disk.contents().iter().map(|(_, bytes)| bytes.len()).sum();
        disk.set_space(Some(used as u64 + random.random_range(0..2_000)));
        sleep(Duration::from_secs(random.random_range(1..200))).await;
        disk.set_space(None);
        sleep(RESUME_MAX).await;
        is_full.store(false, Ordering::Relaxed);
    }
}

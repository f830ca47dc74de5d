//! A disk, a quota or a file that is full at any byte: nothing of a refused change is there, nothing acknowledged is missing, and
//! writing goes on by itself once there is space.

use std::sync::Arc;
use std::time::Duration;

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::disk::simulated::{Call, Errno, Fault, Rule, SimulatedDisk};
use guestlist::engine::{Engine, EngineHandle, Submission};
use guestlist::gateway::{Opened, Store, open};
use guestlist::health::{Health, Storage};
use guestlist::hub::Hub;
use guestlist::journal::directory::files;
use guestlist::journal::file::Durability;
use guestlist::methods::Change;
use guestlist::recovery::recover;
use guestlist::state::State;
use guestlist::world::Threads;
use tokio::task::spawn_blocking;

/// Room that is asked for before changes are taken again.
const ROOM_BYTES: usize = 1_000;

/// Bytes of a change's line are fewer than this; so every byte of one is the last that fits.
const LINE_BYTES_MAX: u64 = 160;

/// Tries to have a change taken once there is space.
const TRIES_MAX: usize = 100_000;

struct Running {
    disk: SimulatedDisk,
    handle: EngineHandle,
    health: Arc<Health>,
    thread: std::thread::JoinHandle<()>,
    /// The apps whose making was acknowledged.
    acked: Vec<u64>,
}

impl Running {
    fn start(disk: SimulatedDisk, durability: Durability, segment_bytes_max: u64) -> Self {
        Self::start_with_room(disk, durability, segment_bytes_max, 0)
    }

    /// The same with so much room made ahead at a time.
    fn start_with_room(disk: SimulatedDisk, durability: Durability, segment_bytes_max: u64, ahead: u64) -> Self {
        let health = Arc::new(Health::default());
        let store = Store::Disk { disk: Arc::new(disk.clone()), durability, snapshot_every: u64::MAX };
        let limits = Limits {
            resume_interval: Duration::from_millis(1),
            resume_room_bytes: ROOM_BYTES,
            segment_bytes_max,
            journal_ahead_bytes_max: ahead,
            ..Limits::default()
        };
        let Opened { writer, journal, snapshots, .. } =
            open(store, &limits, &health, Threads::Own).expect("the disk can be read");
        let (engine, handle) =
            Engine::new(writer, journal, Arc::new(Hub::default()), limits, snapshots, health.clone());
        let thread = engine.spawn().expect("there are threads");
        Self { disk, handle, health, thread, acked: Vec::new() }
    }

    /// Makes apps with the next ids, in one submission each and all at once; says how many are made, which are the first.
    async fn make(&mut self, from: u64, count: u64) -> u64 {
        let mut waiting = Vec::new();
        for id in from..from + count {
            waiting.push((id, self.handle.submit(set_app(id)).await));
        }
        let before = self.acked.len();
        for (id, outcomes) in waiting {
            let outcomes = outcomes.await.expect("the engine runs");
            match outcomes.into_iter().next().expect("one change has one outcome") {
                Ok(_) => self.acked.push(id),
                Err(error) => assert!(error.message.starts_with("storage is full, and nothing"), "{}", error.message),
            }
        }
        u64::try_from(self.acked.len() - before).expect("it is few")
    }

    /// Waits until a change is taken.
    async fn make_at_last(&mut self, id: u64) {
        for _ in 0..TRIES_MAX {
            if self.make(id, 1).await == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("writing did not go on by itself: {:?}", self.health.problems());
    }

    /// Checks that what a start would find is what was acknowledged, no more and no less.
    fn check(&self, told: &str) {
        // The last is what a crash of the machine leaves of what was flushed, and all of it was.
        for disk in [self.disk.copy(), self.disk.crash(Rule::Nothing, 1)] {
            let recovered = recover(&disk).unwrap_or_else(|error| panic!("{told}: {error}"));
            assert_eq!(apps(recovered.writer.state()), self.acked, "{told}");
        }
    }

    async fn stop(self) {
        self.handle.stop().await;
        spawn_blocking(|| self.thread.join()).await.expect("joining does not panic").expect("the engine ends well");
    }
}

fn set_app(id: u64) -> Submission {
    let text = format!(r#"{{"method":"setApp","app_id":"{id}","name":"an app"}}"#);
    let change = Change::read("setApp", &text).expect("setApp is a change").expect("the message is good");
    let mut submission = Submission::new(Caller::Seed);
    submission.push(change);
    submission
}

fn apps(state: &State) -> Vec<u64> {
    let mut apps: Vec<u64> =
        state.app_ids().iter().map(|id| id.to_string().parse().expect("an id is digits")).collect();
    apps.sort_unstable();
    apps
}

/// Bytes of all files.
fn bytes(disk: &SimulatedDisk) -> u64 {
    let bytes = disk.contents().iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    u64::try_from(bytes).expect("it is small")
}

/// Which limit is met.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Disk,
    File,
}

impl Limit {
    fn set(self, disk: &SimulatedDisk, bytes: Option<u64>) {
        match self {
            Self::Disk => disk.set_space(bytes),
            Self::File => disk.set_file_bytes_max(bytes),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_at_any_byte_nothing_of_a_refused_change_is_there() {
    for (limit, ahead) in [(Limit::Disk, 0), (Limit::File, 0), (Limit::Disk, 300), (Limit::File, 40)] {
        for more in 0..LINE_BYTES_MAX {
            let told = format!("{limit:?}, {more} bytes more, {ahead} of room");
            let disk = SimulatedDisk::new(more);
            let mut running = Running::start_with_room(disk, Durability::Sync, u64::MAX, ahead);
            assert_eq!(running.make(1, 5).await, 5);
            let written = bytes(&running.disk);
            limit.set(&running.disk, Some(written + more));
            assert!(running.make(6, 5).await < 5, "{told}: there is no room for so many");
            assert_eq!(running.health.full_episodes.get(), 1, "{told}");
            running.check(&told);
            // A file that may not grow is followed by another; a disk needs space.
            let room = written * 2 + u64::try_from(ROOM_BYTES).expect("it is small") + 2_000;
            limit.set(&running.disk, Some(room));
            running.make_at_last(20).await;
            assert_eq!(running.make(21, 2).await, 2, "{told}");
            running.check(&told);
            assert_eq!(files(&running.disk).expect("it can be read").segments.len(), 2, "{told}");
            running.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_there_is_no_room_the_disk_is_not_filled_and_not_touched_by_changes() {
    let mut running = Running::start(SimulatedDisk::new(1), Durability::Sync, u64::MAX);
    assert_eq!(running.make(1, 5).await, 5);
    let full = running.health.segment_bytes() + 10;
    running.disk.set_space(Some(full));
    assert_eq!(running.make(6, 1).await, 0);
    let (written, tries) = (running.disk.calls(Call::Append), running.disk.calls(Call::Create));
    let mut refused = 0;
    // Until it was tried some times more to go on.
    while running.disk.calls(Call::Create) < tries + 5 {
        assert_eq!(running.make(6, 1).await, 0);
        refused += 1;
    }
    assert_eq!(running.disk.calls(Call::Append), written);
    assert_eq!((running.health.full_episodes.get(), running.health.storage()), (1, Storage::Full), "{refused} refused");
    // A little space is not enough: it would be used up at once.
    running.disk.set_space(Some(full + u64::try_from(ROOM_BYTES).expect("it is small") / 2));
    let tries = running.disk.calls(Call::Create);
    while running.disk.calls(Call::Create) < tries + 5 {
        assert_eq!(running.make(6, 1).await, 0);
    }
    running.check("while it is full");
    running.disk.set_space(None);
    running.make_at_last(6).await;
    running.check("after it was full");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_space_for_room_it_is_left_to_changes() {
    for limit in [Limit::Disk, Limit::File] {
        let mut running = Running::start_with_room(SimulatedDisk::new(1), Durability::Sync, u64::MAX, 700);
        assert_eq!(running.make(1, 5).await, 5);
        let most = bytes(&running.disk) + 500;
        limit.set(&running.disk, Some(most));
        let mut id = 6;
        while running.make(id, 1).await == 1 {
            id += 1;
        }
        let left = most - running.health.segment_bytes();
        assert!(left < LINE_BYTES_MAX, "{limit:?}: {left} bytes were left when a change was refused");
        assert_eq!(running.health.broken.get(), 0, "{limit:?}");
        running.check(&format!("{limit:?}"));
        limit.set(&running.disk, None);
        running.make_at_last(id).await;
        let disk = running.disk.clone();
        running.stop().await;
        let roomy = disk.contents().iter().any(|(_, bytes)| bytes.last() == Some(&0));
        assert!(!roomy, "{limit:?}: room is left after a stop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_that_fails_is_a_failure_for_good_and_so_is_a_flush_of_it() {
    for call in [Call::SetLen, Call::SyncFile] {
        let mut running = Running::start(SimulatedDisk::new(1), Durability::Sync, u64::MAX);
        assert_eq!(running.make(1, 5).await, 5);
        running.disk.set_space(Some(running.health.segment_bytes() + 10));
        running.disk.fail(Fault { call: Some(call), number: 1, errno: Errno::Io, lasting: false });
        let outcomes = running.handle.submit(set_app(6)).await.await.expect("the engine runs");
        let refusal = outcomes[0].as_ref().expect_err("there is no room").message.clone();
        assert!(refusal.contains("may be there after a restart"), "{call:?}: {refusal}");
        running.disk.set_space(None);
        assert_eq!(running.health.storage(), Storage::Failed, "{call:?}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_under_relaxed_durability_either() {
    let mut running = Running::start(SimulatedDisk::new(1), Durability::Relaxed, u64::MAX);
    assert_eq!(running.make(1, 50).await, 50);
    running.disk.set_space(Some(running.health.segment_bytes() + 10));
    assert_eq!(running.make(51, 1).await, 0);
    // The cut was flushed, and with it all before it.
    running.check("when it is full");
    running.disk.set_space(None);
    running.make_at_last(51).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_segment_is_followed_by_another_also_where_that_fails_at_first() {
    let mut running = Running::start(SimulatedDisk::new(1), Durability::Sync, 2_000);
    for id in 1..=100 {
        assert_eq!(running.make(id, 1).await, 1);
    }
    let segments = files(&running.disk).expect("it can be read").segments.len();
    assert!((4..=10).contains(&segments), "{segments} segments of at most some 2,000 bytes");
    running.disk.fail(Fault { call: Some(Call::Create), number: 1, errno: Errno::TooManyFiles, lasting: true });
    for id in 101..=200 {
        assert_eq!(running.make(id, 1).await, 1);
    }
    let failures = running.health.not_rotated.get();
    assert!(
        (2..=10).contains(&failures),
        "it is tried again once as much was written again, not each time: {failures}"
    );
    assert_eq!(files(&running.disk).expect("it can be read").segments.len(), segments);
    running.disk.heal();
    for id in 201..=250 {
        assert_eq!(running.make(id, 1).await, 1);
    }
    assert!(files(&running.disk).expect("it can be read").segments.len() > segments);
    running.check("after all");
    running.stop().await;
}

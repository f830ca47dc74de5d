//! Relaxed durability: what was handed to the system is flushed before long, however busy the engine is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::engine::{Engine, Submission};
use guestlist::hub::Hub;
use guestlist::journal::{Failure, Journal};
use guestlist::methods::Change;
use guestlist::state::Writer;
use guestlist::state::digest::Digest;

/// Far more than are made in a few intervals.
const SUBMISSIONS_MAX: usize = 100_000;

/// A journal that leaves everything unflushed, and counts how often it is told to flush.
#[derive(Clone, Default)]
struct Lazy {
    flushes: Arc<AtomicUsize>,
}

impl Journal for Lazy {
    fn append(&mut self, _lines: &[u8]) -> Result<(), Failure> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn owes_flush(&self) -> bool {
        true
    }

    fn rotate(&mut self, _next_seq: u64, _digest: Digest) -> Result<(), Failure> {
        Ok(())
    }

    fn rotate_with_room(&mut self, _next_seq: u64, _digest: Digest, _room_bytes: usize) -> Result<(), Failure> {
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        0
    }
}

fn rename(name: usize) -> Submission {
    let text = format!(r#"{{"method":"setApp","app_id":"1","name":"{name}"}}"#);
    let change = Change::read("setApp", &text).expect("setApp is a change").expect("the message is good");
    let mut submission = Submission::new(Caller::Seed);
    submission.push(change);
    submission
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_engine_flushes_in_time() {
    let journal = Lazy::default();
    let flushes = journal.flushes.clone();
    let limits = Limits { relaxed_flush_interval: Duration::from_millis(20), ..Limits::default() };
    let hub = Arc::new(Hub::default());
    let (engine, handle) = Engine::new(Writer::default(), Box::new(journal), hub, limits, None, Arc::default());
    let engine = engine.spawn().expect("there are threads");
    // Never idle: the next submission waits when the one before is answered.
    let mut made = 0;
    let mut next = handle.submit(rename(made)).await;
    while flushes.load(Ordering::Relaxed) < 2 {
        made += 1;
        assert!(made < SUBMISSIONS_MAX, "{made} changes were made, and hardly a flush");
        let waiting = std::mem::replace(&mut next, handle.submit(rename(made)).await);
        let outcomes = waiting.await.expect("the engine answers");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    handle.stop().await;
    tokio::task::spawn_blocking(|| engine.join()).await.expect("joining does not panic").expect("the engine ends well");
    assert!(!handle.is_writable(), "an engine that has ended accepts nothing");
}

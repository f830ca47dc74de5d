//! This is where it is known how old a gateway's view is: of a journal that it shares with others there may always be more than it
//! was told of.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// As of which moment a gateway knows everything. Where its journal is its own, that is always now.
#[derive(Debug)]
pub struct Freshness {
    base: Instant,
    /// Microseconds after that; [`ALWAYS`] where it is always now, [`NEVER`] where nothing was noted yet.
    as_of: AtomicU64,
    /// Somebody wants it to be of a later moment.
    wanted: Notify,
    noted: Notify,
}

const ALWAYS: u64 = u64::MAX;
const NEVER: u64 = 0;

impl Default for Freshness {
    fn default() -> Self {
        Self { base: Instant::now(), as_of: AtomicU64::new(ALWAYS), wanted: Notify::new(), noted: Notify::new() }
    }
}

impl Freshness {
    /// From here on the view is as old as what is noted.
    pub fn begin(&self) {
        self.as_of.store(NEVER, Ordering::Release);
    }

    /// Notes that all is known as of a moment.
    pub fn note(&self, moment: Instant) {
        self.as_of.fetch_max(self.micros(moment), Ordering::AcqRel);
        self.noted.notify_waiters();
    }

    fn micros(&self, moment: Instant) -> u64 {
        let micros = moment.saturating_duration_since(self.base).as_micros();
        u64::try_from(micros).unwrap_or(ALWAYS - 1).max(NEVER + 1)
    }

    /// Waits until all is known as of a moment, which may never be.
    pub async fn reach(&self, moment: Instant) {
        let moment = self.micros(moment);
        loop {
            let mut noted = pin!(self.noted.notified());
            noted.as_mut().enable();
            if self.as_of.load(Ordering::Acquire) >= moment {
                return;
            }
            self.wanted.notify_one();
            noted.await;
        }
    }

    /// Waits until somebody waits.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// How old the view is; nothing where it cannot be old.
    pub fn age(&self) -> Option<Duration> {
        match self.as_of.load(Ordering::Acquire) {
            ALWAYS => None,
            NEVER => Some(Duration::MAX),
            as_of => Some(self.base.elapsed().saturating_sub(Duration::from_micros(as_of))),
        }
    }

    /// Whether it is older than it may be.
    pub fn is_older_than(&self, max: Duration) -> bool {
        self.age().is_some_and(|age| age > max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_as_old_as_what_was_noted_last() {
        let freshness = Freshness::default();
        assert_eq!(freshness.age(), None);
        freshness.begin();
        assert!(freshness.is_older_than(Duration::from_secs(1_000_000)));
        let now = Instant::now();
        freshness.note(now);
        freshness.note(now - Duration::from_secs(60));
        assert!(!freshness.is_older_than(Duration::from_secs(30)));
        assert!(freshness.age().is_some_and(|age| age < Duration::from_secs(30)));
    }
}

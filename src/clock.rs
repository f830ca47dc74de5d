//! This is where it is said what time it is: by the machine, or by a simulation, which lets it pass and jump as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What tells the time.
///
/// How long something takes is asked of tokio's clock everywhere, which stands still in a simulation until all tasks wait.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Machine,
    /// A simulation's.
    Simulated(Simulated),
}

/// A clock that goes as tokio's does, from a moment that can be moved: as an operator or a time server sets a machine's clock.
#[derive(Clone, Debug)]
pub struct Simulated {
    began: tokio::time::Instant,
    /// What it was when it began, as it is set now.
    base_ms: Arc<AtomicU64>,
}

impl Clock {
    /// The time, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::Machine => now_ms(),
            Self::Simulated(simulated) => simulated.now_ms(),
        }
    }
}

impl Simulated {
    /// A clock that says so many milliseconds since 1970 now.
    pub fn new(now_ms: u64) -> Self {
        Self { began: tokio::time::Instant::now(), base_ms: Arc::new(AtomicU64::new(now_ms)) }
    }

    /// What it says.
    pub fn now_ms(&self) -> u64 {
        self.base_ms.load(Ordering::Relaxed) + ms(self.began.elapsed().as_millis())
    }

    /// Sets it forward, or back where `by_ms` is negative.
    pub fn step(&self, by_ms: i64) {
        let stepped = |base: u64| Some(base.saturating_add_signed(by_ms));
        // The closure never refuses.
        let _ = self.base_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stepped);
    }
}

/// The machine's time, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis())
}

fn ms(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}

/// Tokio's clock as the throttle reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steady;

impl governor::clock::Clock for Steady {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

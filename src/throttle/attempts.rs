//! This is where attempts are counted by whose they are.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// Attempts by key, each with a burst of its own and one more an interval.
#[derive(Debug)]
pub struct Attempts<C: Clock> {
    limiter: RateLimiter<u64, DashMapStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
    keys_max: usize,
    /// How many keys there may be before they are swept again.
    sweep_at: AtomicUsize,
}

impl<C: Clock> Attempts<C> {
    /// Attempts of which so many are allowed at once, and then one more an interval. More than so many keys are looked through for
    /// those that can be forgotten.
    pub fn one_each(interval: Duration, burst: u32, keys_max: usize, clock: C) -> Self {
        let quota = Quota::with_period(interval).expect("attempts have time between them");
        let quota = quota.allow_burst(NonZeroU32::new(burst).expect("one attempt at least is allowed"));
        Self::new(quota, keys_max, clock)
    }

    /// Attempts of which so many are allowed a second, all at once or not.
    pub fn per_second(rate: NonZeroU32, keys_max: usize, clock: C) -> Self {
        Self::new(Quota::per_second(rate), keys_max, clock)
    }

    fn new(quota: Quota, keys_max: usize, clock: C) -> Self {
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock);
        Self { limiter, keys_max, sweep_at: AtomicUsize::new(keys_max) }
    }

    /// Counts so many attempts at once, or tells how long to wait until they are allowed. Must be no more than the burst.
    pub fn admit(&self, key: u64, attempts: NonZeroU32) -> Result<(), Duration> {
        self.sweep();
        let checked = self.limiter.check_key_n(&key, attempts).expect("no more than the burst is asked for at once");
        checked.map_err(|refusal| refusal.wait_time_from(self.limiter.clock().now()))
    }

    /// How many keys are held.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Forgets what makes no difference any more. Each sweep is paid for by as many attempts as it leaves keys.
    fn sweep(&self) {
        let sweep_at = self.sweep_at.load(Ordering::Relaxed);
        if self.limiter.len() < sweep_at {
            return;
        }
        // Only the one who gets to raise the mark sweeps.
        let raised = self.sweep_at.compare_exchange(sweep_at, usize::MAX, Ordering::Relaxed, Ordering::Relaxed);
        if raised.is_ok() {
            self.limiter.retain_recent();
            let sweep_at = self.keys_max.max(self.limiter.len().saturating_mul(2));
            self.sweep_at.store(sweep_at, Ordering::Relaxed);
        }
    }
}

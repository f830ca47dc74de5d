//! This is where guessing is slowed: whoever tries secrets has to wait after a number of attempts, whether they were right or not.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::access::Caller;
use crate::config::Limits;
use crate::state::patterns::fold;

/// Whose attempts count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Those from a network address.
    Address(IpAddr),
    /// Those of a caller.
    Caller(Caller),
}

impl Origin {
    /// Whose attempt at an account it is. A user's counts like that of whoever else has the address: who may sign up could be any number of users.
    pub fn of(caller: Caller, address: IpAddr) -> Self {
        match caller {
            Caller::Anyone | Caller::User(_) => Self::Address(address),
            Caller::Seed | Caller::Bot(_) | Caller::ApiKey(_) => Self::Caller(caller),
        }
    }
}

/// The attempts of the last while, counted by origin and by what is guessed at.
///
/// An attempt is remembered for as long as it makes a difference, which is [`Limits::guess_interval`] for each; what is held is
/// in proportion to what came in within that time, and never an address or secret itself.
#[derive(Debug)]
pub struct Throttle<C: Clock = MonotonicClock> {
    attempts: RateLimiter<u64, DashMapStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
    hasher: RandomState,
    keys_max: usize,
    /// How many keys there may be before they are swept again.
    sweep_at: AtomicUsize,
}

impl Throttle {
    /// One that has seen no attempt, by the machine's clock.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, MonotonicClock)
    }
}

impl<C: Clock> Throttle<C> {
    fn with_clock(limits: &Limits, clock: C) -> Self {
        let quota = Quota::with_period(limits.guess_interval).expect("guesses have time between them");
        let quota = quota.allow_burst(NonZeroU32::new(limits.guesses_burst).expect("one guess at least is allowed"));
        Self {
            attempts: RateLimiter::new(quota, DashMapStateStore::default(), clock),
            hasher: RandomState::new(),
            keys_max: limits.guess_keys_max,
            sweep_at: AtomicUsize::new(limits.guess_keys_max),
        }
    }

    /// Counts an attempt, or tells how long to wait before the next. Targets compare folded, as email addresses do.
    pub fn admit(&self, origin: Origin, target: &str) -> Result<(), Duration> {
        self.sweep();
        let origin = match origin {
            Origin::Address(address) => Origin::Address(network(address)),
            caller @ Origin::Caller(_) => caller,
        };
        let key = self.hasher.hash_one((origin, fold(target)));
        self.attempts.check_key(&key).map_err(|refusal| refusal.wait_time_from(self.attempts.clock().now()))
    }

    /// Forgets what makes no difference any more. Each sweep is paid for by as many attempts as it leaves keys.
    fn sweep(&self) {
        let sweep_at = self.sweep_at.load(Ordering::Relaxed);
        if self.attempts.len() < sweep_at {
            return;
        }
        // Only the one who gets to raise the mark sweeps.
        let raised = self.sweep_at.compare_exchange(sweep_at, usize::MAX, Ordering::Relaxed, Ordering::Relaxed);
        if raised.is_ok() {
            self.attempts.retain_recent();
            let sweep_at = self.keys_max.max(self.attempts.len().saturating_mul(2));
            self.sweep_at.store(sweep_at, Ordering::Relaxed);
        }
    }
}

/// The network of an address that stands for one customer: with IPv6 that is 2^64 addresses.
fn network(origin: IpAddr) -> IpAddr {
    match origin.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn throttle(limits: &Limits) -> (FakeRelativeClock, Throttle<FakeRelativeClock>) {
        let clock = FakeRelativeClock::default();
        (clock.clone(), Throttle::with_clock(limits, clock))
    }

    fn origin(text: &str) -> Origin {
        Origin::Address(text.parse().expect("the test's addresses are addresses"))
    }

    #[test]
    fn after_a_burst_there_is_one_attempt_an_interval() {
        let limits = Limits::default();
        let (clock, throttle) = throttle(&limits);
        let admit = || throttle.admit(origin("192.0.2.1"), "amy@example.com");
        assert!((0..limits.guesses_burst).all(|_| admit().is_ok()));
        assert_eq!(admit(), Err(limits.guess_interval));
        clock.advance(limits.guess_interval / 2);
        assert_eq!(admit(), Err(limits.guess_interval / 2));
        clock.advance(limits.guess_interval / 2);
        assert_eq!((admit(), admit()), (Ok(()), Err(limits.guess_interval)));
    }

    #[test]
    fn attempts_count_by_network_and_target_and_for_nobody_else() {
        let (_, throttle) = throttle(&Limits { guesses_burst: 1, ..Limits::default() });
        let admit = |from, target| throttle.admit(origin(from), target).is_ok();
        assert!(admit("192.0.2.1", "amy@example.com"));
        assert!(!admit("192.0.2.1", " Amy@Example.com"));
        assert!(!admit("::ffff:192.0.2.1", "amy@example.com"));
        assert!(admit("192.0.2.2", "amy@example.com") && admit("192.0.2.1", "bob@example.com"));
        assert!(admit("2001:db8::1", "amy@example.com"));
        assert!(!admit("2001:db8::2", "amy@example.com"));
        assert!(admit("2001:db8:0:1::1", "amy@example.com"));
    }

    #[test]
    fn what_makes_no_difference_any_more_is_forgotten_and_nothing_else() {
        let limits = Limits { guesses_burst: 2, guess_keys_max: 10, ..Limits::default() };
        let (clock, throttle) = throttle(&limits);
        let admit = |target: &str| throttle.admit(origin("192.0.2.1"), target).is_ok();
        assert!(admit("amy@example.com") && admit("amy@example.com"));
        for round in 0..50 {
            for target in 0..10 {
                assert!(admit(&format!("{round}-{target}@example.com")));
            }
            // 20 make a difference at most, just after a round and an interval; and twice as many are let stand.
            assert!(throttle.attempts.len() <= 2 * 22, "{} keys are held", throttle.attempts.len());
            assert!(!admit("amy@example.com"));
            clock.advance(limits.guess_interval);
            assert!(admit("amy@example.com"));
        }
    }
}

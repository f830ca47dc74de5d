//! This is where those are slowed who ask too much: whoever tries secrets has to wait after a number of attempts, whether they were
//! right or not, and whoever sends more than so many requests a second.

mod attempts;
mod rates;
mod strangers;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;

use crate::access::Caller;
use crate::clock::Steady;
use crate::config::Limits;
use crate::state::patterns::fold;
use attempts::Attempts;
pub use rates::Rates;
pub use strangers::Strangers;

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

/// The attempts of the last while: those at one target, and all of one origin, which would else try one password everywhere and
/// take all the time there is for passwords.
///
/// An attempt is remembered for as long as it makes a difference; what is held is in proportion to what came in within that time,
/// and never an address or secret itself.
#[derive(Debug)]
pub struct Throttle<C: Clock = Steady> {
    at_targets: Attempts<C>,
    of_origins: Attempts<C>,
    hasher: RandomState,
}

impl Throttle {
    /// One that has seen no attempt.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, &Steady)
    }
}

impl<C: Clock + Clone> Throttle<C> {
    fn with_clock(limits: &Limits, clock: &C) -> Self {
        let attempts = |burst, interval| Attempts::one_each(interval, burst, limits.guess_keys_max, clock.clone());
        Self {
            at_targets: attempts(limits.guesses_burst, limits.guess_interval),
            of_origins: attempts(limits.guesses_of_origin_burst, limits.guess_of_origin_interval),
            hasher: RandomState::new(),
        }
    }

    /// Counts an attempt, or tells how long to wait before the next. Targets compare folded, as email addresses do.
    pub fn admit(&self, origin: Origin, target: &str) -> Result<(), Duration> {
        let origin = match origin {
            Origin::Address(address) => Origin::Address(network(address)),
            caller @ Origin::Caller(_) => caller,
        };
        self.at_targets.admit(self.hasher.hash_one((origin, fold(target))), ONE)?;
        self.of_origins.admit(self.hasher.hash_one(origin), ONE)
    }
}

/// An attempt is one, whatever it is at.
const ONE: NonZeroU32 = NonZeroU32::MIN;

/// The network of an address that stands for one customer: with IPv6 that is 2^64 addresses.
pub fn network(origin: IpAddr) -> IpAddr {
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
        let throttle = Throttle::with_clock(limits, &clock);
        (clock, throttle)
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
            assert!(throttle.at_targets.len() <= 2 * 22, "{} keys are held", throttle.at_targets.len());
            assert!(!admit("amy@example.com"));
            clock.advance(limits.guess_interval);
            assert!(admit("amy@example.com"));
        }
    }

    #[test]
    fn an_origin_that_tries_one_target_after_another_is_slowed_too() {
        let limits = Limits { guesses_of_origin_burst: 5, ..Limits::default() };
        let (clock, throttle) = throttle(&limits);
        let admit = |from, target: u32| throttle.admit(origin(from), &format!("{target}@example.com"));
        assert!((0..5).all(|target| admit("192.0.2.1", target).is_ok()));
        assert_eq!(admit("192.0.2.1", 5), Err(limits.guess_of_origin_interval));
        assert_eq!(admit("192.0.2.2", 5), Ok(()));
        clock.advance(limits.guess_of_origin_interval);
        assert_eq!(admit("192.0.2.1", 6), Ok(()));
    }
}

//! This is where those wait who came with wrong tokens: after a number of them, whatever else comes from their address is not
//! even looked at for a while, lest the next one be right.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;
use governor::clock::{Clock, Reference};

use super::{Attempts, ONE, network};
use crate::clock::Steady;
use crate::config::Limits;

/// The wrong tokens of the last while, by address.
#[derive(Debug)]
pub struct Strangers<C: Clock = Steady> {
    failures: Attempts<C>,
    /// Since when an address waits, and how long.
    held: DashMap<u64, (C::Instant, Duration)>,
    keys_max: usize,
    clock: C,
    hasher: RandomState,
}

impl Strangers {
    /// Nobody has come with a wrong token yet.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, &Steady)
    }
}

impl<C: Clock + Clone> Strangers<C> {
    fn with_clock(limits: &Limits, clock: &C) -> Self {
        let (burst, interval) = (limits.guesses_of_origin_burst, limits.guess_of_origin_interval);
        Self {
            failures: Attempts::one_each(interval, burst, limits.guess_keys_max, clock.clone()),
            held: DashMap::new(),
            keys_max: limits.guess_keys_max,
            clock: clock.clone(),
            hasher: RandomState::new(),
        }
    }

    /// Whether a token from an address is looked at now, or how long it takes until one is.
    pub fn admit(&self, address: IpAddr) -> Result<(), Duration> {
        let key = self.hasher.hash_one(network(address));
        let now = self.clock.now();
        let left = self.held.get(&key).and_then(|held| left(*held, now));
        left.map_or(Ok(()), Err)
    }

    /// Notes that one was wrong.
    pub fn note_failure(&self, address: IpAddr) {
        let key = self.hasher.hash_one(network(address));
        if let Err(wait) = self.failures.admit(key, ONE) {
            let now = self.clock.now();
            if self.held.len() >= self.keys_max {
                // Those that wait are few: each had to come with many wrong tokens.
                self.held.retain(|_, held| left(*held, now).is_some());
            }
            self.held.insert(key, (now, wait));
        }
    }
}

/// How long it still is, if it is.
fn left<I: Reference>((since, wait): (I, Duration), now: I) -> Option<Duration> {
    wait.checked_sub(now.duration_since(since).into()).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn after_so_many_wrong_tokens_an_address_waits_before_each_other_one_and_nobody_else_does() {
        let (clock, limits) =
            (FakeRelativeClock::default(), Limits { guesses_of_origin_burst: 3, ..Limits::default() });
        let strangers = Strangers::with_clock(&limits, &clock);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..4 {
            assert_eq!(strangers.admit(one), Ok(()));
            strangers.note_failure(one);
        }
        let wait = limits.guess_of_origin_interval;
        assert_eq!((strangers.admit(one), strangers.admit(other)), (Err(wait), Ok(())));
        clock.advance(wait / 2);
        assert_eq!(strangers.admit(one), Err(wait / 2));
        clock.advance(wait / 2);
        assert_eq!(strangers.admit(one), Ok(()));
        strangers.note_failure(one);
        assert_eq!(strangers.admit(one), Ok(()), "the one that was allowed by now");
        strangers.note_failure(one);
        assert_eq!(strangers.admit(one), Err(wait));
    }
}

//! This is where it is seen to that nobody sends more than so many requests a second.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;

use super::{Attempts, network};
use crate::access::Caller;
use crate::clock::Steady;
use crate::config::Limits;

/// Requests that one look admits, at most: a look takes many times as long as counting down what it gave.
const DRAW_MAX: u32 = 64;

/// How many looks a second are enough for a rate, at least: where little is allowed, each request is looked at by itself.
const DRAWS_PER_SECOND: u32 = 1_000;

/// The requests of the last second, by caller and by address. A second's worth may come at once.
#[derive(Debug)]
pub struct Rates<C: Clock = Steady> {
    of_callers: Attempts<C>,
    of_addresses: Attempts<C>,
    draw: NonZeroU32,
    hasher: RandomState,
}

impl Rates {
    /// Rates at which nothing came yet.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, &Steady)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(limits: &Limits, clock: &C) -> Self {
        let per_second = |max| NonZeroU32::new(max).unwrap_or(NonZeroU32::MIN);
        let of_caller = per_second(limits.requests_per_caller_per_second_max);
        let of_address = per_second(limits.requests_per_address_per_second_max);
        let attempts = |rate| Attempts::per_second(rate, limits.guess_keys_max, clock.clone());
        let draw = (of_caller.min(of_address).get() / DRAWS_PER_SECOND).clamp(1, DRAW_MAX);
        Self {
            of_callers: attempts(of_caller),
            of_addresses: attempts(of_address),
            draw: per_second(draw),
            hasher: RandomState::new(),
        }
    }

    /// How many requests a caller may send from an address before this is asked again, or how long to wait for that.
    pub fn draw(&self, caller: Caller, address: IpAddr) -> Result<u32, Duration> {
        self.admit(caller, address, self.draw)
    }

    /// Whether a caller may send one request from an address, or how long to wait for that.
    pub fn draw_one(&self, caller: Caller, address: IpAddr) -> Result<(), Duration> {
        self.admit(caller, address, NonZeroU32::MIN).map(|_| ())
    }

    fn admit(&self, caller: Caller, address: IpAddr, requests: NonZeroU32) -> Result<u32, Duration> {
        self.of_addresses.admit(self.hasher.hash_one(network(address)), requests)?;
        // Who nobody is has an address alone.
        if caller != Caller::Anyone {
            self.of_callers.admit(self.hasher.hash_one(caller), requests)?;
        }
        Ok(requests.get())
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::state::id::BotId;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_second_has_so_many_requests_of_a_caller_and_of_an_address() {
        let clock = FakeRelativeClock::default();
        let limits = Limits {
            requests_per_caller_per_second_max: 10,
            requests_per_address_per_second_max: 20,
            ..Limits::default()
        };
        let rates = Rates::with_clock(&limits, &clock);
        let sent = |bot: u64, from: u8| {
            let drawn = (0..100).map(|_| rates.draw(Caller::Bot(BotId(bot)), address(from)));
            drawn.filter(Result::is_ok).count()
        };
        assert_eq!(sent(1, 1), 10, "as many as one caller may");
        assert_eq!(sent(1, 2), 0, "wherever from");
        let anyone = (0..100).filter(|_| rates.draw_one(Caller::Anyone, address(3)).is_ok());
        assert_eq!(anyone.count(), 20, "as many as one address may");
        assert_eq!(sent(2, 3), 0, "whoever it is");
        clock.advance(Duration::from_millis(100));
        assert_eq!(rates.draw(Caller::Bot(BotId(1)), address(4)), Ok(1));
        let wait = rates.draw(Caller::Bot(BotId(1)), address(4)).expect_err("that was the one");
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }

    #[test]
    fn where_much_is_allowed_much_is_given_at_once() {
        let rates = Rates::with_clock(&Limits::default(), &FakeRelativeClock::default());
        assert_eq!(rates.draw(Caller::Bot(BotId(1)), address(1)), Ok(DRAW_MAX));
    }
}

//! This is where it is kept how much there was to do lately, for the page to draw.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Count, Counts};
use crate::config::LOAD_SAMPLES_MAX;
use crate::state::moment::Moment;

/// Steps in which a wait may double, so that each is known to a fifth.
const STEPS: f64 = 4.0;

/// Steps from a microsecond to a minute.
const WAITS: usize = 104;

/// How long clients waited for their answers, from when their frames were read: counts by steps.
#[derive(Debug)]
pub struct Waits([Count; WAITS]);

impl Default for Waits {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Count::default()))
    }
}

impl Waits {
    /// Adds one, in seconds.
    pub fn add(&self, seconds: f64) {
        // Too many microseconds to count, or too few, are as many as there are steps, or none.
        let step = ((seconds * 1e6).max(1.0).log2() * STEPS).min((WAITS - 1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies within the steps")]
        self.0[step as usize].add(1);
    }
}

/// What was counted until some time.
#[derive(Clone, Debug)]
struct Totals {
    at_ms: u64,
    requests: u64,
    refused: u64,
    allowed: u64,
    denied: u64,
    waits: [u64; WAITS],
}

impl Totals {
    fn of(counts: &Counts, at_ms: u64) -> Self {
        let (mut requests, mut refused, mut allowed, mut denied) = (0, 0, 0, 0);
        for (_, code, count) in counts.requests.all() {
            requests += count;
            refused += if code.is_some() { count } else { 0 };
        }
        for (_, outcome, count) in counts.decisions.all() {
            *(if outcome == "allowed" { &mut allowed } else { &mut denied }) += count;
        }
        let waits = std::array::from_fn(|step| counts.waits.0[step].get());
        Self { at_ms, requests, refused, allowed, denied, waits }
    }
}

/// How much there was to do in a stretch of time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sample {
    /// When it ended.
    at: Moment,
    /// How many milliseconds it was long.
    ms: u64,
    /// Messages that were answered, over WebSocket and HTTP.
    requests: u64,
    /// How many of them were refused.
    refused: u64,
    /// Decisions that were a yes.
    allowed: u64,
    /// Decisions that were a no.
    denied: u64,
    /// Milliseconds from when messages over WebSocket were read until their answers were there, for half of them; 0 where there were none.
    p50_ms: f64,
    /// The same for 99 of 100.
    p99_ms: f64,
}

impl Sample {
    fn between(before: &Totals, after: &Totals) -> Self {
        let waits: Vec<u64> = after.waits.iter().zip(&before.waits).map(|(after, before)| after - before).collect();
        Self {
            at: Moment::of_ms(after.at_ms),
            ms: after.at_ms.saturating_sub(before.at_ms),
            requests: after.requests - before.requests,
            refused: after.refused - before.refused,
            allowed: after.allowed - before.allowed,
            denied: after.denied - before.denied,
            p50_ms: quantile(&waits, 0.5),
            p99_ms: quantile(&waits, 0.99),
        }
    }
}

/// The wait in milliseconds that a share of all did not exceed; 0 where nobody waited.
fn quantile(waits: &[u64], share: f64) -> f64 {
    let total: u64 = waits.iter().sum();
    let mut left = (total as f64 * share).ceil();
    let step = waits.iter().position(|count| {
        left -= *count as f64;
        total > 0 && left <= 0.0
    });
    step.map_or(0.0, |step| ((step + 1) as f64 / STEPS).exp2().round() / 1e3)
}

/// How much there was to do lately.
#[derive(Debug, Default)]
pub struct Load(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    samples: VecDeque<Sample>,
    last: Option<Totals>,
}

impl Load {
    /// Notes what was counted since the last time.
    pub fn note(&self, counts: &Counts, at_ms: u64) {
        let (totals, mut kept) = (Totals::of(counts, at_ms), self.kept());
        if let Some(last) = &kept.last {
            let sample = Sample::between(last, &totals);
            kept.samples.push_back(sample);
        }
        if kept.samples.len() > LOAD_SAMPLES_MAX {
            kept.samples.pop_front();
        }
        kept.last = Some(totals);
    }

    /// What was noted, oldest first, and what came since.
    pub fn samples(&self, counts: &Counts, at_ms: u64) -> Vec<Sample> {
        let kept = self.kept();
        let running = kept.last.as_ref().map(|last| Sample::between(last, &Totals::of(counts, at_ms)));
        kept.samples.iter().cloned().chain(running).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{Asked, List, Outcome};
    use crate::wire::error::Code;

    #[test]
    fn a_sample_says_what_came_since_the_one_before() {
        let (counts, load) = (Counts::default(), Load::default());
        counts.requests.add(Asked::Ping);
        load.note(&counts, 1_000);
        assert_eq!(load.samples(&counts, 1_000)[0].requests, 0);
        counts.requests.add(Asked::Ping);
        counts.requests.add_refused(Asked::Ping, Code::SlowDown);
        counts.decisions.add(List::SignUp, Outcome::Allowed);
        counts.decisions.add(List::None, Outcome::Failed);
        (0..99).for_each(|_| counts.waits.add(0.001));
        counts.waits.add(0.5);
        load.note(&counts, 11_000);
        counts.requests.add(Asked::Ping);
        let samples = load.samples(&counts, 12_000);
        let told =
            samples.iter().map(|sample| (sample.ms, sample.requests, sample.refused, sample.allowed, sample.denied));
        assert_eq!(told.collect::<Vec<_>>(), [(10_000, 2, 1, 1, 1), (1_000, 1, 0, 0, 0)]);
        let [first, second] = &*samples else { panic!("there are two") };
        let near = |ms: f64| (0.8..=1.3).contains(&ms);
        assert!(near(first.p50_ms) && near(first.p99_ms), "{first:?}");
        assert!(second.p99_ms == 0.0, "{second:?}");
    }

    #[test]
    fn the_longest_wait_is_told_to_a_fifth() {
        for seconds in [0.000_000_1, 0.000_01, 0.003, 1.0, 50.0] {
            let counts = Counts::default();
            let load = Load::default();
            load.note(&counts, 0);
            counts.waits.add(seconds);
            let told = load.samples(&counts, 1)[0].p99_ms;
            let ms = (seconds * 1e3_f64).max(0.001);
            assert!((ms * 0.8..=ms * 1.25).contains(&told), "{seconds} s is told as {told} ms");
        }
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let (counts, load) = (Counts::default(), Load::default());
        (0..=LOAD_SAMPLES_MAX as u64 + 5).for_each(|turn| load.note(&counts, turn * 10));
        assert_eq!(load.samples(&counts, u64::MAX).len(), LOAD_SAMPLES_MAX + 1);
    }
}

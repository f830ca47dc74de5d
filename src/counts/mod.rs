//! This is where it is counted what comes in and what is answered, for whoever watches the gateway. Everything that is counted has
//! its place from the start: what clients send decides how large a number is, and never how many numbers there are.

mod decisions;
mod load;
mod rejected;
mod requests;

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

pub use decisions::{Decisions, List, Outcome};
pub use load::{Load, Sample, Waits};
pub use rejected::{Rejected, Rejections};
pub use requests::{Asked, Requests};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How something that is measured was spread, to be told as a histogram.
#[derive(Clone, Debug)]
pub struct Spread(Histogram);

impl Spread {
    /// One whose bounds double from the least on.
    pub fn doubling(least: f64, bounds: u16) -> Self {
        Self(Histogram::new(exponential_buckets(least, 2.0, bounds)))
    }

    /// One of seconds, from 50 µs to 1.6 s.
    pub fn of_seconds() -> Self {
        Self::doubling(0.000_05, 16)
    }

    /// Adds to it.
    pub fn add(&self, value: f64) {
        self.0.observe(value);
    }

    /// The histogram, which goes on being added to.
    pub fn histogram(&self) -> Histogram {
        self.0.clone()
    }
}

/// What all connections count.
#[derive(Debug)]
pub struct Counts {
    /// Requests that were answered, by method and code.
    pub requests: Requests,
    /// Frames that were no request.
    pub rejected: Rejections,
    /// Decisions, by list and outcome.
    pub decisions: Decisions,
    /// Frames of events that were pushed.
    pub pushed: Count,
    /// Seconds for which the frames of a connection that had arrived together were handled.
    pub turns: Spread,
    /// How long clients waited for their answers.
    pub waits: Waits,
    /// What all this came to lately.
    pub load: Load,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            requests: Requests::default(),
            rejected: Rejections::default(),
            decisions: Decisions::default(),
            pushed: Count::default(),
            turns: Spread::of_seconds(),
            waits: Waits::default(),
            load: Load::default(),
        }
    }
}

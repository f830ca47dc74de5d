//! What has come of the load so far.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::answers::is_refusal;

/// Latencies above are taken for this.
const LATENCY_MAX: Duration = Duration::from_secs(600);
/// Significant digits of a latency: a thousandth of it is less than it wanders.
const DIGITS: u8 = 3;

/// Counts of messages; those of the warm-up are left out, but for `asked` and `heard`.
#[derive(Debug)]
pub struct Tally {
    /// In nanoseconds.
    latency: Histogram<u64>,
    pub sent: u64,
    pub answered: u64,
    pub refused: u64,
    /// Due in an open loop, and not sent in time to count.
    pub unsent: u64,
    pub first_refusal: Option<String>,
    pub lost: u64,
    pub first_loss: Option<String>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Messages and answers of the warm-up too.
    pub asked: u64,
    pub heard: u64,
    pub last_answer: Instant,
}

impl Tally {
    pub fn new(counted_from: Instant) -> Self {
        let nanoseconds = u64::try_from(LATENCY_MAX.as_nanos()).expect("ten minutes are not centuries");
        Self {
            latency: Histogram::new_with_bounds(1, nanoseconds, DIGITS).expect("the bounds are in order"),
            sent: 0,
            answered: 0,
            refused: 0,
            unsent: 0,
            first_refusal: None,
            lost: 0,
            first_loss: None,
            bytes_sent: 0,
            bytes_received: 0,
            asked: 0,
            heard: 0,
            last_answer: counted_from,
        }
    }

    /// Counts an answer that took so long.
    pub fn answer(&mut self, latency: Duration, message: &[u8]) {
        self.answered += 1;
        self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
        if is_refusal(message) {
            self.refused += 1;
            self.first_refusal.get_or_insert_with(|| String::from_utf8_lossy(message).into_owned());
        }
    }

    /// Counts a connection that is no more.
    pub fn lose(&mut self, why: impl ToString) {
        self.lost += 1;
        self.first_loss.get_or_insert_with(|| why.to_string());
    }

    /// The latency that so many of a hundred answers did not exceed, in microseconds.
    pub fn percentile_us(&self, percent: f64) -> f64 {
        self.latency.value_at_percentile(percent) as f64 / 1_000.0
    }
}

//! Wakes the lanes of an open loop when something is due. The runtime's own timers are as coarse as a millisecond, which
//! is longer than most answers take, so a thread sleeps instead.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::course::Course;

/// More often would cost more than a few percent of a core.
const TICK_MIN: Duration = Duration::from_micros(50);
/// More seldom, and an end would be noticed late.
const TICK_MAX: Duration = Duration::from_millis(100);

/// Ticks as often as messages are due.
#[derive(Debug)]
pub struct Metronome {
    ticked: Arc<Notify>,
    rate: f64,
}

impl Metronome {
    pub fn new(rate: f64) -> io::Result<Self> {
        let tick = Duration::from_secs_f64(1.0 / rate).clamp(TICK_MIN, TICK_MAX);
        let ticked = Arc::new(Notify::new());
        let listener = Arc::downgrade(&ticked);
        thread::Builder::new().name("metronome".to_owned()).spawn(move || beat(&listener, tick))?;
        Ok(Self { ticked, rate })
    }

    /// Wakes whoever has something due, until the course is over.
    pub async fn run(self, course: &Course) {
        let lanes = course.due.len();
        let mut next = 0;
        loop {
            let now = Instant::now();
            if course.is_over(now) {
                return course.due.iter().for_each(Notify::notify_one);
            }
            while course.due_at(self.rate, next % lanes, next / lanes) <= now {
                course.due[next % lanes].notify_one();
                next += 1;
            }
            self.ticked.notified().await;
        }
    }
}

/// Ticks until nobody listens any more.
fn beat(listener: &Weak<Notify>, tick: Duration) {
    while let Some(ticked) = listener.upgrade() {
        ticked.notify_one();
        thread::sleep(tick);
    }
}

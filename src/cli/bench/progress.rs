//! What is going on, for who looks on.

use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::course::{Course, Length};
use super::report::thousands;

/// A line on stderr, where that is a terminal.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is well formed"));
        Self(bar)
    }

    /// Connections are being made.
    pub fn connected(&self, made: usize, of: usize) {
        self.say(format!("{} of {} connections", HumanCount(made as u64), HumanCount(of as u64)));
    }

    /// Connections are held until a moment.
    pub fn held(&self, connections: usize, until: Instant) {
        self.say(format!("{} connections held; {}", HumanCount(connections as u64), to_go(until)));
    }

    /// Load is being made.
    pub fn under_way(&self, course: &Course) {
        let answered = course.tally.borrow().answered;
        let now = Instant::now();
        if now < course.counted_from {
            return self.say("warming up".to_owned());
        }
        let seconds = (now - course.counted_from).as_secs_f64().max(0.001);
        let rate = thousands(answered as f64 / seconds);
        let left = match (course.plan.length, course.until()) {
            (Length::Messages(messages), None) => format!("{} to go", HumanCount(messages.saturating_sub(answered))),
            (_, until) => to_go(until.unwrap_or(now)),
        };
        self.say(format!("{} answers, {}/s; {left}", HumanCount(answered), rate));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }

    fn say(&self, message: String) {
        self.0.set_message(message);
        self.0.tick();
    }
}

fn to_go(until: Instant) -> String {
    format!("{:.0} s to go", until.saturating_duration_since(Instant::now()).as_secs_f64())
}

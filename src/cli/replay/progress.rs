//! How far a long replay has come, for who looks on.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use guestlist::transcript::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Replays that end sooner need no bar.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

const TEMPLATE: &str = "{bar:40} {pos}/{len} lines, {per_sec}, {eta} to go  {wide_msg}";

/// A bar on stderr, drawn only where stdout is a terminal and only once it has taken long.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    is_drawn: bool,
    /// Lines of the transcripts before this one.
    before: usize,
}

impl Progress {
    pub fn new(lines: usize) -> Self {
        let bar = ProgressBar::with_draw_target(u64::try_from(lines).ok(), ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(TEMPLATE).expect("the template is well formed"));
        // Where nobody looks on, it counts as drawn and stays hidden.
        Self { bar, began: Instant::now(), is_drawn: !std::io::stdout().is_terminal(), before: 0 }
    }

    /// A transcript begins.
    pub fn begin(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    /// A step of it is played.
    pub fn step(&mut self, step: &Step) {
        if !self.is_drawn && self.began.elapsed() >= SHOWN_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_drawn = true;
        }
        self.bar.set_position(u64::try_from(self.before + step.line).unwrap_or(u64::MAX));
    }

    /// A transcript is over.
    pub fn end(&mut self, lines: usize) {
        self.before += lines;
    }

    /// Prints without tearing the bar apart.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

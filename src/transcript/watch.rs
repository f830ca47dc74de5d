//! Who looks on while a transcript is replayed.

use super::Step;
use super::exchange::{Exchanged, Frame, Replayed, Way};
use super::failure::Fault;

/// Whoever looks on while a transcript is replayed; `()` does not.
pub trait Watch {
    /// A line is about to be played.
    fn step(&mut self, _step: &Step) {}

    /// A frame of a line travelled.
    fn exchanged(&mut self, _step: &Step, _way: Way, _frame: &Frame) {}

    /// A line failed. Whether the replay goes on all the same, as if the transcript had said what came.
    fn forgives(&mut self, _step: &Step, _fault: &Fault) -> bool {
        false
    }
}

impl Watch for () {}

/// Watches by keeping every frame.
impl Watch for Replayed {
    fn exchanged(&mut self, step: &Step, way: Way, frame: &Frame) {
        self.frames.push(Exchanged { line: step.line, on: step.on.clone(), way, frame: frame.clone() });
    }
}

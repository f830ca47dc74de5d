//! How a replay is to go.

use std::time::Duration;

use super::bindings::Bindings;
use super::ignore::Ignore;

/// How to replay.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// How long to wait, at most, for a connection, for each frame to come and for each to be taken.
    pub frame_wait: Duration,
    /// Which frames may come, and in which order.
    pub mode: Mode,
    /// The parts of frames that are not compared.
    pub ignore: Ignore,
    /// How many frames of a connection may be under way, sent before the answers to earlier ones came.
    ///
    /// At 1, a frame is sent when everything expected before it has come. Where nothing is said, it is 1 but for gateways
    /// of this kind, which answer in order and say who they are when a connection is opened.
    pub ahead: Option<usize>,
    /// How many times faster than it was recorded; as fast as can be if nothing is said.
    pub speed: Option<f64>,
    /// The secrets that transcripts leave out.
    pub given: Bindings,
}

/// Which frames may come on a connection, and in which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Those expected, in their order.
    #[default]
    Strict,
    /// Those expected, in their order; others may come in between, and are passed over.
    Ordered,
    /// Those expected, in any order.
    AnyOrder,
}

/// Five seconds a frame: long for a gateway that answers at all, short for a person who waits for one that does not.
impl Default for ReplayOptions {
    fn default() -> Self {
        ReplayOptions {
            frame_wait: Duration::from_secs(5),
            mode: Mode::default(),
            ignore: Ignore::default(),
            ahead: None,
            speed: None,
            given: Bindings::default(),
        }
    }
}

//! What becomes of frames in a recording, line by line; and that every line can be read as part of a transcript.

mod frames;
mod requests;
mod secrets;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::super::Transcript;
use super::super::exchange::Way;
use super::super::json::quoted;
use super::Rules;
use super::frames::Found;
use super::http::{Request, Response};
use super::names::Names;
use super::scribe::{Moment, Passed, Scribe};

const NOW_MS: i64 = 1_763_800_000_000;

/// A recording that is written, and what it came to.
struct Recorded(Scribe, String);

impl Recorded {
    fn new(rules: Rules) -> Self {
        Recorded(Scribe::new(rules), String::new())
    }

    fn passed(mut self, on: u64, passed: Passed) -> Self {
        let Recorded(scribe, lines) = &mut self;
        scribe.write(on, Moment { at_ms: 7, now_ms: NOW_MS }, passed, lines).expect("the values are few");
        self
    }

    fn sent(self, text: &str) -> Self {
        self.passed(1, Passed::Frame(Way::Sent, Found::Text(text.into())))
    }

    fn received(self, text: &str) -> Self {
        self.passed(1, Passed::Frame(Way::Received, Found::Text(text.into())))
    }

    /// The lines without the time and the connection, which are the same everywhere here. They are read as a transcript, too.
    fn lines(&self) -> Vec<String> {
        Transcript::parse("recorded.jsonl", self.1.clone()).expect("what is recorded can be read");
        let bare = |line: &str| line.replacen(r#""at_ms":7,"on":"c1","#, "", 1);
        self.1.lines().map(bare).collect()
    }
}

fn recorded() -> Recorded {
    Recorded::new(Rules::default())
}

fn exact() -> Recorded {
    Recorded::new(Rules { exact: true, ..Rules::default() })
}

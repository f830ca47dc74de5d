//! What a replay can fail with, and how it is told to people.

use std::fmt;
use std::time::Duration;

use tokio_tungstenite::tungstenite;

use super::exchange::{Close, Frame, Summary, write_tame};
use super::matching::Difference;
use super::{Action, Step};

/// A replay that did not go as its transcript says.
///
/// Displayed, it is one line; [`ReplayError::report`] tells the rest.
#[derive(Debug, thiserror::Error)]
#[error("{}{fault}", place(transcript, *line, fault))]
pub struct ReplayError {
    /// The transcript's name.
    pub transcript: String,
    /// The line that failed; for an extra frame, the last line of its connection.
    pub line: usize,
    /// That line's text.
    pub text: String,
    /// That line's connection.
    pub on: String,
    /// What that line expects, if it expects something.
    pub expected: Option<String>,
    /// The last note before.
    pub note: Option<String>,
    /// What went wrong.
    pub fault: Fault,
    /// The recorded frames nearest to the one that came, nearest first; out of those around the line.
    pub nearest: Vec<Nearest>,
    /// How much had travelled by then.
    pub summary: Summary,
}

/// What went wrong at a line.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The transcript cannot be read any more.
    #[error(transparent)]
    Transcript(#[from] super::TranscriptError),
    /// A frame cannot be sent, for a name in it has no value: the frame that should have bound it was not as expected.
    #[error("cannot send: `{0}` has no value")]
    Unbound(String),
    /// A secret that the transcript leaves out was not given.
    #[error("the secret `{0}` was left out of the transcript; give it, with --bind {0}=VALUE")]
    Secret(String),
    /// A request could not be sent, or what came is no answer to it.
    #[error("HTTP: {0}")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection came about.
    #[error("cannot connect to {url}: {source}")]
    Connect {
        /// Where to.
        url: String,
        /// Why not.
        source: Box<tungstenite::Error>,
    },
    /// A frame could not be sent.
    #[error("cannot send: {0}")]
    Send(#[source] Box<tungstenite::Error>),
    /// What came cannot be read as a frame.
    #[error("cannot read what the gateway sent: {0}")]
    Receive(#[source] Box<tungstenite::Error>),
    /// Another frame came in the place of the one expected.
    #[error("changed: the frame is not the one expected")]
    Changed {
        /// The frame that came.
        actual: Frame,
        /// Where it is not as expected.
        differences: Vec<Difference>,
    },
    /// The expected frame did not come.
    #[error("missing: {}", missing(*wait, instead.as_ref()))]
    Missing {
        /// How long a frame was waited for, at most.
        wait: Duration,
        /// The frame of a later line that came in its place, if one did.
        instead: Option<Instead>,
    },
    /// A frame came that no line expects.
    #[error("extra: a frame came {} that no line expects", if *before { "before this line's" } else { "after this line" })]
    Extra {
        /// The frame that came.
        actual: Frame,
        /// Whether the frame that the line expects came after it.
        before: bool,
    },
    /// The expected frame came, and before it one that another line expects.
    #[error("reordered: the frame that line {line} expects came first")]
    Reordered {
        /// The other line.
        line: usize,
        /// Its frame.
        actual: Frame,
    },
    /// The gateway closed the connection, and no line expects it.
    #[error("the gateway ended the connection: {0}")]
    Closed(Close),
    /// A frame came where the gateway was expected to close.
    #[error("a frame came, and the connection should have been closed")]
    NotClosed {
        /// The frame that came.
        actual: Frame,
    },
    /// The gateway closed, but not as expected.
    #[error("the connection was closed, but not as expected")]
    OtherClose(Close),
    /// The gateway did not close, or did not answer our close.
    #[error("the gateway did not close the connection within {wait:?}")]
    StillOpen {
        /// How long it was waited for.
        wait: Duration,
    },
    /// The `PING` sent after the last line, to find extra frames, was not answered.
    #[error("a PING after this line was not answered within {wait:?}")]
    NoPong {
        /// How long the answer was waited for.
        wait: Duration,
    },
}

/// A frame that came in the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The line that expects it.
    pub line: usize,
    /// The frame.
    pub actual: Frame,
}

/// A recorded frame that is much like one that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The line that expects it.
    pub line: usize,
    /// The frame as it is expected, cut short.
    pub expected: String,
    /// In how many places the two differ.
    pub differences: usize,
}

/// A failure told over several lines; made by [`ReplayError::report`].
pub struct Report<'e> {
    error: &'e ReplayError,
    colours: bool,
}

impl ReplayError {
    /// The failure for people: where, what was expected, what came, and every difference between the two.
    pub fn report(&self, colours: bool) -> Report<'_> {
        Report { error: self, colours }
    }

    pub(super) fn new(transcript: &str, step: &Step, note: Option<&str>, fault: Fault, summary: Summary) -> Self {
        ReplayError {
            transcript: transcript.to_owned(),
            line: step.line,
            text: step.text.clone(),
            on: step.on.clone(),
            expected: match fault {
                Fault::Extra { before: false, .. } | Fault::NoPong { .. } => None,
                _ => step.action.expected(),
            },
            note: note.map(str::to_owned),
            fault,
            nearest: Vec::new(),
            summary,
        }
    }
}

impl Fault {
    /// The frame that should not have come, or not so.
    pub fn actual(&self) -> Option<Frame> {
        match self {
            Fault::Changed { actual, .. }
            | Fault::NotClosed { actual }
            | Fault::Extra { actual, .. }
            | Fault::Reordered { actual, .. }
            | Fault::Missing { instead: Some(Instead { actual, .. }), .. } => Some(actual.clone()),
            Fault::Closed(close) | Fault::OtherClose(close) => Some(Frame::Close(close.clone())),
            _ => None,
        }
    }

    /// The line that expects the frame that came.
    pub fn other_line(&self) -> Option<usize> {
        match self {
            Fault::Reordered { line, .. } | Fault::Missing { instead: Some(Instead { line, .. }), .. } => Some(*line),
            _ => None,
        }
    }

    /// Where the frame is not as expected.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Fault::Changed { differences, .. } => differences,
            _ => &[],
        }
    }
}

impl Action {
    /// What a line expects, if it expects something.
    pub(super) fn expected(&self) -> Option<String> {
        match self {
            Action::Expect(pattern) => Some(pattern.to_string()),
            Action::ExpectText(text) => Some(Frame::Text(text.clone()).to_string()),
            Action::ExpectClose(close) => Some(close.to_string()),
            Action::Response(response) => Some(response.pattern.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bold, green, red] = ["1", "32", "31"];
        let error = self.error;
        writeln!(f, "{}", self.painted(bold, error))?;
        if let Some(note) = &error.note {
            writeln!(f, "      note  {}", tame(note))?;
        }
        writeln!(f, "        on  {}", tame(&error.on))?;
        match &error.expected {
            Some(expected) => writeln!(f, "  expected  {}", self.painted(green, &tame(expected)))?,
            None => writeln!(f, "      line  {}", tame(&error.text))?,
        }
        if let Some(actual) = error.fault.actual() {
            writeln!(f, "       got  {}", self.painted(red, &actual))?;
        }
        if let Some(line) = error.fault.other_line() {
            writeln!(f, "            expected at {}:{line}", error.transcript)?;
        }
        error.fault.differences().iter().try_for_each(|difference| writeln!(f, "            {}", tame(difference)))?;
        error.nearest.iter().try_for_each(|nearest| writeln!(f, "   nearest  {}", tame(nearest)))
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Nearest { line, expected, differences } = self;
        match differences {
            0 => write!(f, "line {line}, the same: {expected}"),
            1 => write!(f, "line {line}, 1 difference: {expected}"),
            _ => write!(f, "line {line}, {differences} differences: {expected}"),
        }
    }
}

/// Where it failed; a transcript that cannot be read any more says so itself.
fn place(transcript: &str, line: usize, fault: &Fault) -> String {
    if matches!(fault, Fault::Transcript(_)) { String::new() } else { format!("{transcript}:{line}: ") }
}

/// What stands in a frame or in a transcript must not move about on a terminal.
fn tame(what: &impl fmt::Display) -> String {
    let mut tame = String::new();
    write_tame(&mut tame, &what.to_string()).expect("a string takes what is written");
    tame
}

fn missing(wait: Duration, instead: Option<&Instead>) -> String {
    match instead {
        Some(Instead { line, .. }) => format!("the frame never came, but the one of line {line} did"),
        None => format!("no frame came within {wait:?}"),
    }
}

impl Report<'_> {
    fn painted(&self, colour: &str, what: &impl fmt::Display) -> String {
        if self.colours { format!("\u{1b}[{colour}m{what}\u{1b}[0m") } else { what.to_string() }
    }
}

//! This is where it is told what passes through the gateway, to administrators who watch: who comes and goes, what is sent, and what
//! is answered, over HTTP too, without the secrets in it. While nobody watches, it costs a look at a number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::access::Caller;
use crate::config::{TRAFFIC_AT_ONCE, TRAFFIC_BYTES_AT_ONCE, TRAFFIC_INTERVAL, TRAFFIC_KEPT, TRAFFIC_TEXT_BYTES_MAX};
use crate::state::moment::Moment;
use crate::transcript::masked;
use crate::wire::error::Code;

/// What passes, for those who watch.
#[derive(Debug)]
pub struct Traffic {
    watchers: AtomicUsize,
    passing: broadcast::Sender<Passed>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { watchers: AtomicUsize::new(0), passing: broadcast::Sender::new(TRAFFIC_KEPT) }
    }
}

/// Something that passed.
#[derive(Clone, Debug)]
struct Passed {
    at_ms: u64,
    /// Nothing of a request over HTTP.
    connection: Option<u64>,
    caller: Caller,
    what: What,
}

/// What passed.
#[derive(Clone, Debug)]
pub enum What {
    /// A client signed in.
    Opened,
    /// A client left, or had to.
    Closed,
    /// A frame came.
    In(Frame),
    /// A frame was sent.
    Out(Frame),
    /// A request over HTTP was answered, or refused.
    Answered {
        /// The method it stands for.
        method: Box<str>,
        /// What it was answered, or why it was refused.
        answer: Result<Frame, Code>,
    },
}

/// A frame that passed.
#[derive(Clone, Debug)]
pub enum Frame {
    /// Its text. A copy: who watches does not hold up the memory of those who are watched.
    Text(Arc<str>),
    /// It has more bytes than are shown.
    Long(usize),
}

impl Frame {
    /// A frame with this text.
    pub fn of(text: &str) -> Self {
        if text.len() > TRAFFIC_TEXT_BYTES_MAX { Self::Long(text.len()) } else { Self::Text(text.into()) }
    }
}

impl Traffic {
    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Tells those who watch what passed, over a connection or as a request.
    pub fn tell(&self, at_ms: u64, connection: Option<u64>, caller: Caller, what: What) {
        // The last who watched may just have left.
        let _ = self.passing.send(Passed { at_ms, connection, caller, what });
    }

    /// Watches from now on.
    pub fn watch(self: &Arc<Self>) -> Watch {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watch { passing: self.passing.subscribe(), traffic: self.clone(), slot: Instant::now() }
    }
}

/// Somebody who watches, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    passing: broadcast::Receiver<Passed>,
    traffic: Arc<Traffic>,
    /// When the next push may be.
    slot: Instant,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.traffic.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What passed since the last push.
#[derive(Debug)]
pub struct Lately {
    passed: Vec<Passed>,
    missed: u64,
}

impl Watch {
    /// Waits until something has passed, and no longer than that ago as to be told with what comes right behind it. May be given up and
    /// called again.
    pub async fn lately(&mut self) -> Lately {
        sleep_until(self.slot).await;
        let mut lately = Lately { passed: Vec::new(), missed: 0 };
        match self.passing.recv().await {
            Ok(passed) => lately.passed.push(passed),
            Err(RecvError::Lagged(missed)) => lately.missed += missed,
            // The sender is the gateway's, which lives as long as this.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
        let mut bytes = 0;
        while lately.passed.len() < TRAFFIC_AT_ONCE && bytes < TRAFFIC_BYTES_AT_ONCE {
            match self.passing.try_recv() {
                Ok(passed) => {
                    bytes += passed.what.bytes();
                    lately.passed.push(passed);
                }
                Err(TryRecvError::Lagged(missed)) => lately.missed += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.slot = Instant::now() + TRAFFIC_INTERVAL;
        lately
    }
}

impl What {
    fn bytes(&self) -> usize {
        match self.frame() {
            Some(Frame::Text(text)) => text.len(),
            Some(Frame::Long(_)) | None => 0,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::In(_) => "in",
            Self::Out(_) => "out",
            Self::Answered { .. } => "http",
        }
    }

    fn frame(&self) -> Option<&Frame> {
        match self {
            Self::In(frame) | Self::Out(frame) | Self::Answered { answer: Ok(frame), .. } => Some(frame),
            Self::Opened | Self::Closed | Self::Answered { answer: Err(_), .. } => None,
        }
    }
}

/// Something that passed, as it is told.
#[derive(Serialize)]
struct Entry {
    at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<u64>,
    by: Caller,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u32>,
}

/// What of a frame is told beside its text.
#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    decision: Option<bool>,
    #[serde(default)]
    error: Option<u32>,
}

impl Entry {
    fn of(passed: &Passed) -> Self {
        let Passed { at_ms, connection, caller, what } = passed;
        let (message, told) = match what.frame() {
            None => (None, Told::default()),
            Some(Frame::Text(text)) => {
                let message = masked(text).unwrap_or_else(|| format!("{} bytes that are no usual JSON", text.len()));
                (Some(message), serde_json::from_str(text).unwrap_or_default())
            }
            Some(Frame::Long(bytes)) => {
                (Some(format!("{bytes} bytes, which is too long to be shown")), Told::default())
            }
        };
        let (method, error) = match what {
            What::Answered { method, answer } => {
                (Some(method.to_string()), answer.as_ref().err().map(|code| code.number()))
            }
            _ => (told.method, told.error),
        };
        Self {
            at: Moment::of_ms(*at_ms),
            connection_id: *connection,
            by: *caller,
            kind: what.name(),
            method,
            message,
            allowed: told.decision,
            error,
        }
    }
}

/// The method of the frames in which it is told.
const PUSH: &str = "trafficMessage";

impl Lately {
    /// How it is told.
    pub fn frame(&self) -> Utf8Bytes {
        #[derive(Serialize)]
        struct Push {
            method: &'static str,
            entries: Vec<Entry>,
            missed: u64,
        }
        let push = Push { method: PUSH, entries: self.passed.iter().map(Entry::of).collect(), missed: self.missed };
        serde_json::to_string(&push).expect("what is pushed has texts for names").into()
    }
}

/// What a push looks like, in schemas.
pub fn push_schema(generator: &mut SchemaGenerator) -> Schema {
    let moment = generator.subschema_for::<Moment>();
    json_schema!({
        "description": "What passed through the gateway lately.",
        "type": "object",
        "properties": {
            "method": {"const": PUSH},
            "entries": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "at": moment,
                        "connection_id": {"description": "The connection, as `getConnections` has it; none of a request over HTTP.", "type": "integer", "minimum": 0},
                        "by": {"description": "Who is there, such as `bot:7`.", "type": "string"},
                        "kind": {"description": "What passed; `http` is a request over HTTP and its answer.", "enum": ["opened", "closed", "in", "out", "http"]},
                        "method": {"description": "The frame's method, where it has one, or the one that the request stands for.", "type": "string"},
                        "message": {"description": "The frame, with what is secret masked, or why it is not shown.", "type": "string"},
                        "allowed": {"description": "What was decided, where the frame says so.", "type": "boolean"},
                        "error": {"description": "The code of a refusal.", "type": "integer"}
                    },
                    "required": ["at", "by", "kind"],
                    "additionalProperties": false
                }
            },
            "missed": {"description": "How much passed so fast that it is left out.", "type": "integer", "minimum": 0}
        },
        "required": ["method", "entries", "missed"],
        "additionalProperties": false
    })
}

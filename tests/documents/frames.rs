//! What travels when the transcripts are replayed: each message with the frames that answered it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use guestlist::methods::METHODS;
use guestlist::transcript::Transcript;
use guestlist::transcript::exchange::{Exchanged, Frame, Replayed, Request, Response, Way};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use serde_json::Value;

use crate::support;

/// What is sent to those who have subscribed to it.
pub const PUSH: &str = "eventMessage";

/// A message and its answer.
pub struct Exchange {
    /// Where it stands.
    pub place: String,
    /// The method that was asked for; empty where the message names none.
    pub method: String,
    /// The message, where it is JSON.
    pub sent: Option<Value>,
    /// The frames that answered it.
    pub received: Vec<Value>,
}

/// How a message was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Accepted,
    /// With an error of this code.
    Refused(u64),
    /// Not at all: the connection ended.
    Ignored,
}

impl Exchange {
    /// How it was answered.
    pub fn outcome(&self) -> Outcome {
        match self.received.first() {
            None => Outcome::Ignored,
            Some(frame) => frame
                .get("error")
                .map_or(Outcome::Accepted, |code| Outcome::Refused(code.as_u64().expect("a code is a number"))),
        }
    }
}

/// A request and its answer.
pub struct Asked {
    /// Where it stands.
    pub place: String,
    /// The request.
    pub request: Request,
    /// The answer.
    pub response: Response,
}

/// All messages of all transcripts.
pub static EXCHANGES: LazyLock<Vec<Exchange>> =
    LazyLock::new(|| PLAYED.iter().flat_map(|(name, frames)| paired(name, frames)).collect());

/// All requests of all transcripts: a response follows its request on the connection.
pub static REQUESTS: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let mut asked = Vec::new();
    for (name, frames) in PLAYED.iter() {
        let mut waiting: HashMap<&str, &Request> = HashMap::new();
        for Exchanged { line, on, frame, .. } in frames {
            match frame {
                Frame::Request(request) => _ = waiting.insert(on, request),
                Frame::Response(response) => {
                    let request = waiting.remove(on.as_str()).expect("a response follows its request").clone();
                    asked.push(Asked { place: format!("{name}:{line}"), request, response: response.clone() });
                }
                _ => {}
            }
        }
    }
    asked
});

/// The transcripts by their names, and all that travels when they are replayed.
static PLAYED: LazyLock<Vec<(String, Vec<Exchanged>)>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let played = async {
        let mut played = Vec::new();
        for path in transcripts(&fixtures) {
            let name = path.strip_prefix(&fixtures).unwrap_or(&path).display().to_string();
            let frames = replayed(&path).await;
            played.push((name, frames));
        }
        played
    };
    runtime.block_on(played)
});

/// What travels when a transcript is replayed.
async fn replayed(path: &Path) -> Vec<Exchanged> {
    let transcript = Transcript::read(path).unwrap_or_else(|error| panic!("{error}"));
    let data = tempfile::tempdir().expect("there is room for a directory");
    let gateway = support::gateway(data.path()).await;
    let mut replayed = Replayed::default();
    let played = replay(&transcript, &gateway.url(), &ReplayOptions::default(), &mut replayed).await;
    gateway.stop().await;
    played.unwrap_or_else(|error| panic!("{}", error.report(false)));
    replayed.frames
}

/// The transcripts in a directory and those below it.
fn transcripts(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().expect("the directory can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the directory can be listed").path()).collect();
    paths.sort_unstable();
    let is_transcript = |path: &PathBuf| !path.ends_with("fixtures/demo.jsonl") && !path.ends_with("fixtures/journal");
    let expand = |path: PathBuf| if path.is_dir() { transcripts(&path) } else { vec![path] };
    paths.into_iter().filter(is_transcript).flat_map(expand).collect()
}

/// Gives every message the frames that answered it: answers come in the order of their messages.
fn paired(name: &str, frames: &[Exchanged]) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut waiting: HashMap<&str, VecDeque<usize>> = HashMap::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    for Exchanged { line, on, way, frame } in frames {
        let place = format!("{name}:{line}");
        let waiting = waiting.entry(on).or_default();
        match (way, frame) {
            (_, Frame::Close(_) | Frame::Request(_) | Frame::Response(_)) => {}
            (Way::Sent, frame) => {
                let sent: Option<Value> = match frame {
                    Frame::Text(text) => serde_json::from_str(text).ok(),
                    _ => None,
                };
                let method = sent.as_ref().and_then(|sent| sent.get("method")?.as_str()).unwrap_or_default().to_owned();
                waiting.push_back(exchanges.len());
                exchanges.push(Exchange { place, method, sent, received: Vec::new() });
            }
            (Way::Received, Frame::Text(text)) => {
                let received: Value = serde_json::from_str(text).expect("the gateway sends JSON");
                if received["method"] == PUSH {
                    // Nobody asked for it but once, long before.
                    exchanges.push(Exchange { place, method: PUSH.to_owned(), sent: None, received: vec![received] });
                    continue;
                }
                let front = waiting.front().copied().filter(|index| answers(&received, &exchanges[*index]));
                let index = match front {
                    Some(index) => {
                        waiting.pop_front();
                        last.insert(on, index);
                        index
                    }
                    // A further part of a long answer.
                    None => *last.get(on.as_str()).unwrap_or_else(|| panic!("{place}: nothing asked for {text}")),
                };
                exchanges[index].received.push(received);
            }
            (Way::Received, other) => panic!("{place}: the gateway sends text, not {other}"),
        }
    }
    exchanges
}

/// Whether a frame begins the answer to a message.
fn answers(received: &Value, exchange: &Exchange) -> bool {
    let sent = exchange.sent.as_ref();
    let given =
        |frame: Option<&Value>| frame.and_then(|frame| frame.get("reference")).filter(|own| !own.is_null()).cloned();
    let is_reply = match received.get("method").and_then(Value::as_str) {
        None | Some("error") => true,
        // As the answer would be called, which says in what it is about.
        Some(_) if received.get("ack") == Some(&Value::Bool(false)) => received["request"] == exchange.method.as_str(),
        Some("TOKEN_AUTH_OK") => exchange.method == "TOKEN_AUTH",
        Some("PONG") => exchange.method == "PING",
        Some(reply) => METHODS.iter().any(|known| known.call.reply == reply && known.call.method == exchange.method),
    };
    let refused = received.get("error").is_some();
    is_reply && (refused || received["method"] == "PONG" || given(Some(received)) == given(sent))
}

//! This is where examples come from: the transcripts, in which every method is shown. What a transcript leaves open is filled with
//! something plausible.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::methods::METHODS;

#[derive(RustEmbed)]
#[folder = "fixtures/"]
#[include = "*.jsonl"]
#[exclude = "demo.jsonl"]
#[exclude = "journal/*"]
struct Fixtures;

/// A message and its answer.
#[derive(Clone, Debug)]
pub struct Example {
    /// The frame that was sent.
    pub sent: String,
    /// The frame that answered it.
    pub received: String,
}

/// A line of a transcript, as far as examples are made of it.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    send: Option<&'a RawValue>,
    #[serde(borrow)]
    expect: Option<&'a RawValue>,
    #[serde(default = "main")]
    on: String,
}

fn main() -> String {
    "main".to_owned()
}

/// An accepted message of a method, by its name on the wire, `TOKEN_AUTH` included.
pub fn of(method: &str) -> Option<&'static Example> {
    static EXAMPLES: LazyLock<HashMap<String, Example>> = LazyLock::new(chosen);
    EXAMPLES.get(method)
}

/// For each method, the exchange that shows it best.
fn chosen() -> HashMap<String, Example> {
    let mut names: Vec<_> = Fixtures::iter().collect();
    names.sort_unstable();
    let mut chosen: HashMap<String, Example> = HashMap::new();
    for name in names {
        let file = Fixtures::get(&name).expect("a listed file is there");
        let text = std::str::from_utf8(&file.data).expect("a transcript is text");
        for (method, example) in exchanges(text) {
            match chosen.get(&method) {
                Some(standing) if rank(standing) <= rank(&example) => {}
                _ => {
                    chosen.insert(method, example);
                }
            }
        }
    }
    chosen
}

/// Bytes of a message that shows a few of its method's fields, and not all that there are.
const TELLING_BYTES: usize = 150;

/// How badly an exchange shows a method: the least is the best.
fn rank(example: &Example) -> (bool, bool, usize) {
    let Example { sent, received } = example;
    let is_empty = received.contains("[]") && !received.contains("[{") && !received.contains("[\"");
    (is_empty, !sent.contains("\"reference\""), sent.len().abs_diff(TELLING_BYTES) + received.len() / 4)
}

/// The messages of a transcript that were accepted, with the first frame of their answers.
fn exchanges(text: &str) -> Vec<(String, Example)> {
    let mut exchanges = Vec::new();
    let mut known = HashMap::new();
    let mut waiting: HashMap<String, Vec<String>> = HashMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line<'_>>(line).ok()) {
        if let Some(sent) = line.send {
            waiting.entry(line.on).or_default().push(filled(sent.get(), &mut known));
        } else if let Some(expected) = line.expect {
            let received = filled(expected.get(), &mut known);
            let waiting = waiting.entry(line.on).or_default();
            let Some(index) = waiting.iter().position(|sent| answers(&received, sent)) else { continue };
            let sent = waiting.remove(index);
            if let Some(method) = member(&sent, "method") {
                exchanges.push((method, Example { sent, received }));
            }
        }
    }
    exchanges
}

/// Whether a frame is the good answer to a message.
fn answers(received: &str, sent: &str) -> bool {
    let (Some(method), Some(reply)) = (member(sent, "method"), member(received, "method")) else { return false };
    let is_reply = match method.as_str() {
        "TOKEN_AUTH" => reply == "TOKEN_AUTH_OK",
        "PING" => reply == "PONG",
        method => METHODS.iter().any(|known| known.call.method == method && known.call.reply == reply),
    };
    let reference =
        |text: &str| serde_json::from_str::<Value>(text).ok().and_then(|frame| frame.get("reference").cloned());
    is_reply && reference(received).filter(|echoed| !echoed.is_null()) == reference(sent).filter(|own| !own.is_null())
}

fn member(frame: &str, name: &str) -> Option<String> {
    Some(serde_json::from_str::<Value>(frame).ok()?.get(name)?.as_str()?.to_owned())
}

/// A frame of a transcript with all its placeholders filled; what is bound to a name stays the same through a transcript.
fn filled(frame: &str, known: &mut HashMap<String, String>) -> String {
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:"([A-Za-z_]+)":\s*)?"<([a-z_][a-z0-9_]*)(?: as ([a-z_][a-z0-9_]*))?>""#)
            .expect("it is an expression")
    });
    let fill = |captures: &Captures<'_>| {
        let group = |index| captures.get(index).map_or("", |group| group.as_str());
        let (key, word, name) = (group(1), group(2), group(3));
        let value = match known.get(if name.is_empty() { word } else { name }) {
            Some(value) => value.clone(),
            None => plausible(key, word),
        };
        if !name.is_empty() {
            known.insert(name.to_owned(), value.clone());
        }
        if key.is_empty() { value } else { format!("\"{key}\":{value}") }
    };
    PLACEHOLDER.replace_all(frame, fill).into_owned()
}

/// A value that a member of this name might have.
fn plausible(key: &str, kind: &str) -> String {
    let text = match (key, kind) {
        ("date", _) => return "1742000000000".to_owned(),
        (_, "number" | "integer") => return "7".to_owned(),
        (_, "boolean") => return "true".to_owned(),
        (_, "digits") => "7",
        (key, "time") | (key, _) if kind == "time" || key.ends_with("_at") || key.ends_with("At") => {
            "2025-03-05T11:34:30.258Z"
        }
        (key, _) if kind == "uuid" || key.ends_with("uuid") => "550e8400-e29b-41d4-a716-446655440000",
        ("token", _) => "90091784056528980:0:Xb7kQ2mV9tRw4LcN8sYp1HdZ6gFjTa",
        ("session", _) => "pR3vK8nXw1QzB6mTfY4cLd9sHj2gVa7eUo5iNk0yCxM",
        ("api_key", _) => "Jw5nT8xKq2LmZr7VbYc4",
        ("next_token", _) => "mXk2Vq",
        ("cursor", _) => "7",
        (_, _) => "some text",
    };
    format!("\"{text}\"")
}

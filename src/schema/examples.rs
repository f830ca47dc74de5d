//! This is where examples come from: the transcripts, in which every method is shown. What a transcript leaves open is filled with
//! something plausible.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::components::Components;
use crate::methods::{Description, METHODS};

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
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
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

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct HttpExample {
    /// The body that was sent.
    pub sent: Option<Value>,
    /// The status of the answer.
    pub status: u16,
    /// The body that came back.
    pub received: Option<Value>,
}

/// A request to a route that was well answered.
pub fn of_route(verb: &str, path: &str) -> Option<&'static HttpExample> {
    static EXAMPLES: LazyLock<Vec<(String, String, HttpExample)>> = LazyLock::new(requests);
    let is_it = |(other_verb, other_path, _): &&(String, String, HttpExample)| {
        other_verb.eq_ignore_ascii_case(verb) && leads_to(other_path, path)
    };
    EXAMPLES.iter().find(is_it).map(|(_, _, example)| example)
}

/// Whether a path is one of those that a path with parameters stands for.
fn leads_to(path: &str, template: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut steps, mut wanted) = (path.split('/'), template.split('/'));
    loop {
        match (steps.next(), wanted.next()) {
            (None, None) => return true,
            (Some(step), Some(wanted)) if step == wanted || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// The requests of all transcripts that were well answered.
fn requests() -> Vec<(String, String, HttpExample)> {
    let mut requests = Vec::new();
    for text in texts() {
        let mut known = HashMap::new();
        let mut waiting: HashMap<String, Value> = HashMap::new();
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line<'_>>(line).ok()) {
            let value = |raw: &RawValue, known: &mut HashMap<_, _>| {
                serde_json::from_str::<Value>(&filled(raw.get(), known)).unwrap_or_default()
            };
            if let Some(request) = line.request {
                waiting.insert(line.on, value(request, &mut known));
            } else if let Some(response) = line.response {
                let mut response = value(response, &mut known);
                let Some(mut request) = waiting.remove(&line.on) else { continue };
                let status =
                    response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
                let (Some(verb), Some(path)) = (request["method"].as_str(), request["path"].as_str()) else { continue };
                let (verb, path) = (verb.to_owned(), path.to_owned());
                if (200..300).contains(&status) {
                    let body = |message: &mut Value| message.get_mut("body").map(Value::take);
                    let example = HttpExample { sent: body(&mut request), status, received: body(&mut response) };
                    requests.push((verb, path, example));
                }
            }
        }
    }
    requests
}

/// All transcripts, in the order of their names.
fn texts() -> impl Iterator<Item = String> {
    let mut names: Vec<_> = Fixtures::iter().collect();
    names.sort_unstable();
    names.into_iter().map(|name| {
        let file = Fixtures::get(&name).expect("a listed file is there");
        String::from_utf8(file.data.into_owned()).expect("a transcript is text")
    })
}

/// For each method, the exchange that shows it best.
fn chosen() -> HashMap<String, Example> {
    let mut chosen: HashMap<String, Example> = HashMap::new();
    for text in texts() {
        for (method, example) in exchanges(&text) {
            match chosen.get(&method) {
                Some(standing) if rank(&method, standing) <= rank(&method, &example) => {}
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
fn rank(method: &str, example: &Example) -> (usize, bool, bool, usize) {
    let Example { sent, received } = example;
    let is_empty = received.contains("[]") && !received.contains("[{") && !received.contains("[\"");
    (
        surplus(method, sent),
        is_empty,
        !sent.contains("\"reference\""),
        sent.len().abs_diff(TELLING_BYTES) + received.len() / 4,
    )
}

/// How many members a message has that are none of its method's fields.
fn surplus(method: &str, sent: &str) -> usize {
    static FIELDS: LazyLock<HashMap<&str, Value>> = LazyLock::new(|| {
        let fields = |method: &Description| Components::default().read(method.message).get("properties").cloned();
        METHODS.iter().map(|method| (method.call.method, fields(method).unwrap_or_default())).collect()
    });
    let Some(fields) = FIELDS.get(method) else { return 0 };
    let sent: Map<String, Value> = serde_json::from_str(sent).unwrap_or_default();
    let is_known =
        |name: &String| ["method", "reference", "ref"].contains(&name.as_str()) || fields.get(name).is_some();
    sent.keys().filter(|name| !is_known(name)).count()
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
    let is_refused = member(received, "request").is_some();
    let given = |text| reference(text).filter(|reference| !reference.is_null());
    is_reply && !is_refused && given(received) == given(sent)
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
        ("digest", _) => "5fd924625f6ab16a19cc9807c7c506ae1813490e4ba675f843d5a10e0baacdb8",
        (_, _) => "some text",
    };
    format!("\"{text}\"")
}

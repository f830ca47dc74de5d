//! A frame that no transcript has, told so that the reason is found.

use std::fmt;

use serde_json::value::RawValue;

use super::super::bindings::Bindings;
use super::super::exchange::Frame;
use super::super::json::{DEPTH_MAX, JsonError, Layer, Member, deeper, quoted};
use super::heard::Heard;
use super::script::Script;
use crate::wire::frame::shortened;

/// How many recorded frames are named.
const NEAREST: usize = 3;
/// How many differences of each are named.
const PATHS: usize = 4;

/// What stands for a secret where a frame is told.
const MASK: &str = "…";
/// How the keys of secrets end, bare of `_`, `-` and capitals.
const SECRETS: [&str; 8] =
    ["token", "password", "apikey", "secret", "session", "cookie", "authorization", "credentials"];

/// A frame that was refused.
#[derive(Debug)]
pub struct Unknown {
    /// Which client, from 1.
    pub client: usize,
    /// The frame, without its secrets.
    pub frame: String,
    /// The recorded frames nearest to it, the nearest first.
    pub nearest: Vec<Near>,
}

/// A recorded frame, and where another differs from it.
#[derive(Debug)]
pub struct Near {
    /// The transcript's name.
    pub file: String,
    /// The line.
    pub line: usize,
    /// Where: `$` is the frame, `$.signups[1].tags` a part of it.
    pub paths: Vec<String>,
}

impl Unknown {
    pub(super) fn new(client: usize, heard: &Heard, script: &Script) -> Self {
        let mut nearest = Vec::new();
        for recorded in &script.connections {
            for sent in &recorded.sends {
                let other_method = sent.method.as_deref() != heard.method();
                let paths = sent.compare(heard, &mut Bindings::default()).err().unwrap_or_default();
                let near = Near { file: script.files[recorded.file].name.clone(), line: sent.line, paths };
                nearest.push((other_method, near.paths.len(), near));
                // The sort is stable: of those equally near, the first recorded stay.
                nearest.sort_by_key(|(other_method, differences, _)| (*other_method, *differences));
                nearest.truncate(NEAREST);
            }
        }
        let nearest = nearest.into_iter().map(|(_, _, near)| near).collect();
        Unknown { client, frame: shortened(&masked(heard)).into_owned(), nearest }
    }

    /// The refusal that the client gets.
    pub(super) fn refusal(&self, heard: &Heard) -> String {
        let mut text = r#"{"error":404"#.to_owned();
        if let Some(method) = heard.method() {
            text += &format!(",\"request\":{}", quoted(&shortened(method)));
        }
        let message = match self.nearest.first() {
            Some(near) => format!("no transcript has this frame; the nearest is {near}"),
            None => "no transcript has this frame, and none has any".to_owned(),
        };
        text += &format!(",\"message\":{}", quoted(&message));
        for (name, raw) in heard.references.all() {
            text += &format!(",{}:{raw}", quoted(name));
        }
        text + "}"
    }
}

/// On one line.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} sent what no transcript has: {}", self.client, Frame::Text(self.frame.clone()))?;
        let mut separator = "; nearest: ";
        for near in &self.nearest {
            write!(f, "{separator}{near}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.paths[..self.paths.len().min(PATHS)];
        let more = if self.paths.len() > PATHS { ", …" } else { "" };
        write!(f, "{}:{}, which differs at {}{more}", self.file, self.line, shown.join(", "))
    }
}

fn masked(heard: &Heard) -> String {
    let Some(text) = heard.text() else { return heard.frame.to_string() };
    match serde_json::from_str(text).map_err(JsonError::from).and_then(|raw| mask(raw, false, DEPTH_MAX)) {
        Ok(masked) => masked,
        Err(_) if is_secret_key_in(text) => format!("{} bytes that are not JSON and may hold a secret", text.len()),
        Err(_) => text.to_owned(),
    }
}

/// The text of a value in its order, with a mask for every text and number below the key of a secret.
fn mask(raw: &RawValue, is_secret: bool, depth: usize) -> Result<String, JsonError> {
    Ok(match Layer::of(raw)? {
        Layer::Object(members) => {
            let depth = deeper(depth)?;
            let members = members.into_iter().map(|Member { key, name, value }| {
                let is_secret = is_secret || is_secret_key(&name);
                Ok(format!("{}:{}", key.get(), mask(value, is_secret, depth)?))
            });
            format!("{{{}}}", members.collect::<Result<Vec<_>, JsonError>>()?.join(","))
        }
        Layer::Array(items) => {
            let depth = deeper(depth)?;
            let items = items.into_iter().map(|item| mask(item, is_secret, depth));
            format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        Layer::String(_) | Layer::Number(_) if is_secret => quoted(MASK),
        _ => raw.get().to_owned(),
    })
}

/// `_`, `-` and case do not count, so that `confirmPassword` and `X-API-Key` are among them, and plurals are too.
fn is_secret_key(name: &str) -> bool {
    let name = bare(name);
    let singular = name.strip_suffix('s').unwrap_or(&name);
    SECRETS.iter().any(|ending| name.ends_with(ending) || singular.ends_with(ending))
}

fn is_secret_key_in(text: &str) -> bool {
    let text = bare(text);
    SECRETS.iter().any(|word| text.contains(word))
}

fn bare(text: &str) -> String {
    text.chars().filter(|char| !matches!(char, '_' | '-')).flat_map(char::to_lowercase).collect()
}

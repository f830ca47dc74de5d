//! A frame that no transcript has, told so that the reason is found.

use std::fmt;

use super::super::bindings::Bindings;
use super::super::exchange::Frame;
use super::super::json::{Json, quoted};
use super::heard::Heard;
use super::script::Script;
use crate::wire::frame::shortened;

/// How many recorded frames are named.
const NEAREST: usize = 3;
/// How many differences of each are named.
const PATHS: usize = 4;

/// What stands for a secret where a frame is told.
const MASK: &str = "…";
/// How the keys of secrets end.
const SECRETS: [&str; 6] = ["token", "password", "api_key", "secret", "session", "cookie"];

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
    match (&heard.json, heard.text()) {
        (Some(json), _) => mask(json.clone(), false).to_string(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => heard.frame.to_string(),
    }
}

fn mask(json: Json, is_secret: bool) -> Json {
    match json {
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.clone(), mask(value, is_secret || is_secret_key(&name))))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(|item| mask(item, is_secret)).collect()),
        Json::String(_) | Json::Number(_) if is_secret => Json::String(MASK.to_owned()),
        other => other,
    }
}

fn is_secret_key(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRETS.iter().any(|ending| name.ends_with(ending))
}

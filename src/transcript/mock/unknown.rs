//! A frame that no transcript has, told so that the reason is found.

use std::fmt;

use serde_json::value::RawValue;

use super::super::bindings::Bindings;
use super::super::exchange::Frame;
use super::super::json::{DEPTH_MAX, JsonError, Layer, Member, deeper, quoted};
use super::super::secrets;
use super::heard::Heard;
use super::script::Script;
use crate::wire::frame::shortened;

/// How many recorded frames are named.
const NEAREST: usize = 3;
/// How many differences of each are named.
const PATHS: usize = 4;

/// What stands for a secret where a frame is told.
const MASK: &str = "…";

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
                let other_method = sent.asked.method.as_deref() != heard.method();
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
    let text = match &heard.frame {
        Frame::Text(text) => match serde_json::from_str(text).map_err(JsonError::from) {
            Ok(raw) if let Ok(masked) = mask(raw, None, false, DEPTH_MAX) => return masked,
            _ => text.into(),
        },
        Frame::Binary(bytes) => String::from_utf8_lossy(bytes),
        other => return other.to_string(),
    };
    if secrets::may_hold(&text) {
        return format!("{} bytes that may hold a secret", text.len());
    }
    heard.text().map_or_else(|| heard.frame.to_string(), str::to_owned)
}

/// The text of a value in its order, with a mask for every text and number below the key of a secret, and for every text that
/// looks as if it held one. `within` is the key of the object around it.
fn mask(raw: &RawValue, within: Option<&str>, is_secret: bool, depth: usize) -> Result<String, JsonError> {
    Ok(match Layer::of(raw)? {
        Layer::Object(members) => {
            let depth = deeper(depth)?;
            let members = members.into_iter().map(|Member { key, name, value }| {
                let is_secret = is_secret || secrets::stem(&name, within).is_some();
                Ok(format!("{}:{}", key.get(), mask(value, Some(&name), is_secret, depth)?))
            });
            format!("{{{}}}", members.collect::<Result<Vec<_>, JsonError>>()?.join(","))
        }
        Layer::Array(items) => {
            let depth = deeper(depth)?;
            let items = items.into_iter().map(|item| mask(item, within, is_secret, depth));
            format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        Layer::String(_) | Layer::Number(_) if is_secret => quoted(MASK),
        Layer::String(text) if secrets::may_hold(&text) => quoted(MASK),
        _ => raw.get().to_owned(),
    })
}

//! This is where a frame is opened: which method it is for, and the reference its answer must echo byte for byte.

use std::borrow::Cow;

use compact_str::CompactString;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned};
use serde_json::value::RawValue;

use super::error::{Code, Error};
use super::opened;
use crate::config::REFERENCE_BYTES_MAX;

/// What every message has, whatever its method.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The method asked for.
    pub method: Cow<'a, str>,
    /// What the answer echoes.
    pub reference: Reference,
}

/// The `reference` of a message and its `ref` (some SDK calls use the one, some the other), in the bytes they came in. They are
/// copied, which costs less than keeping what was read with them in memory until the answer.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Echoed as `reference`.
    pub reference: Option<CompactString>,
    /// Echoed as `ref`.
    pub short: Option<CompactString>,
}

impl Reference {
    /// The reference as a number, where it is a whole one or its digits.
    pub fn as_number(&self) -> Option<u64> {
        self.reference.as_ref()?.trim_matches('"').parse().ok()
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reference: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref")]
    short: Option<&'a RawValue>,
}

/// Opens a frame. The error comes with the reference where there is one to be read.
pub fn open(frame: &str) -> Result<Envelope<'_>, (Error, Reference)> {
    let refused = |error| (error, Reference::default());
    let (raw, reference) = read(frame).map_err(refused)?;
    let method = match raw.method {
        Some(method) => name(method.get()).ok_or("must be a string, such as \"addToWhitelist\""),
        None => Err("is missing; name the method, such as \"addToWhitelist\""),
    };
    match method {
        Ok(method) => Ok(Envelope { method, reference }),
        Err(message) => Err((Error::field("method", message), reference)),
    }
}

/// The reference alone, for a message whose method is told elsewhere.
pub fn reference(text: &str) -> Result<Reference, Error> {
    read(text).map(|(_, reference)| reference)
}

fn read(text: &str) -> Result<(Raw<'_>, Reference), Error> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Error::new(Code::Malformed, not_an_object(text)));
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| malformed("", &error))?;
    let reference = Reference { reference: echo("reference", raw.reference)?, short: echo("ref", raw.short)? };
    Ok((raw, reference))
}

/// Reads a method's fields, saying of what cannot be read both its path and its position.
pub fn fields<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    opened::whole(text).map(|(fields, _)| fields).map_or_else(|| fields_with_path(text), Ok)
}

/// The same, slowly: for messages that are refused, or written in an unusual way.
fn fields_with_path<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // Of the whole, and of what is no JSON, there is no path.
        malformed(if matches!(path.as_str(), "." | "?") { "" } else { &path }, error.inner())
    })?;
    json.end().map_err(|error| malformed("", &error))?;
    Ok(fields)
}

fn malformed(path: &str, error: &serde_json::Error) -> Error {
    let advice = if error.is_data() { "" } else { "; send one JSON object a frame" };
    match path {
        "" => Error::new(Code::Malformed, format!("{error}{advice}")),
        path => Error::field(path, format_args!("{error}{advice}")),
    }
}

fn not_an_object(text: &str) -> String {
    // Where the text is no JSON at all, the parser's own words tell more than "not an object".
    match serde_json::from_str::<de::IgnoredAny>(text) {
        Err(error) => format!("{error}; send one JSON object a frame, such as {{\"method\":\"PING\"}}"),
        Ok(_) => "expected an object at line 1 column 1; send one JSON object a frame, such as {\"method\":\"PING\"}"
            .to_owned(),
    }
}

pub(super) fn echo(name: &str, raw: Option<&RawValue>) -> Result<Option<CompactString>, Error> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get();
    if !text.starts_with(|first: char| matches!(first, '"' | '-' | '0'..='9')) {
        return Err(Error::field(name, "must be a string or a number"));
    }
    if text.len() > REFERENCE_BYTES_MAX {
        return Err(Error::field(name, format!("must be at most {REFERENCE_BYTES_MAX} bytes, not {}", text.len())));
    }
    Ok(Some(text.into()))
}

/// The text of a JSON string, borrowed wherever it has no escapes; `None` where it is no string.
fn name(json: &str) -> Option<Cow<'_, str>> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    if text.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(text)) }
}

//! This is where a frame is opened: which method it is for, and the reference its answer must echo byte for byte.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::error::{Code, Error};
use crate::config::REFERENCE_BYTES_MAX;

/// What every message has, whatever its method.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The method asked for.
    pub method: Cow<'a, str>,
    /// What the answer echoes.
    pub reference: Reference,
}

/// The `reference` of a message and its `ref` (some SDK calls use the one, some the other), in the bytes they came in.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Echoed as `reference`.
    pub reference: Option<Bytes>,
    /// Echoed as `ref`.
    pub short: Option<Bytes>,
}

impl Reference {
    /// The reference as a number, where it is a whole one or its digits.
    pub fn as_number(&self) -> Option<u64> {
        let text = std::str::from_utf8(self.reference.as_ref()?).ok()?;
        text.trim_matches('"').parse().ok()
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
pub fn open(frame: &Utf8Bytes) -> Result<Envelope<'_>, (Error, Reference)> {
    let refused = |error| (error, Reference::default());
    let (raw, reference) = read(frame).map_err(refused)?;
    let method = match raw.method {
        Some(method) => serde_json::from_str(method.get()).map_err(|_| "must be a string, such as \"addToWhitelist\""),
        None => Err("is missing; name the method, such as \"addToWhitelist\""),
    };
    match method {
        Ok(MethodName(method)) => Ok(Envelope { method, reference }),
        Err(message) => Err((Error::field("method", message), reference)),
    }
}

/// The reference alone, for a message whose method is told elsewhere.
pub fn reference(text: &Utf8Bytes) -> Result<Reference, Error> {
    read(text).map(|(_, reference)| reference)
}

fn read(frame: &Utf8Bytes) -> Result<(Raw<'_>, Reference), Error> {
    let text = frame.as_str();
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Error::new(Code::Malformed, not_an_object(text)));
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| malformed("", &error))?;
    let reference =
        Reference { reference: echo("reference", frame, raw.reference)?, short: echo("ref", frame, raw.short)? };
    Ok((raw, reference))
}

/// Reads a method's fields, saying of what cannot be read both its path and its position.
pub fn fields<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).or_else(|_| {
        // Only a refused message is read again, for the path: the plain reading above is what the hot path pays for.
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            // Of the whole, and of what is no JSON, there is no path.
            malformed(if matches!(path.as_str(), "." | "?") { "" } else { &path }, error.inner())
        })
    })
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

fn echo(name: &str, frame: &Utf8Bytes, raw: Option<&RawValue>) -> Result<Option<Bytes>, Error> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get();
    if !text.starts_with(|first: char| matches!(first, '"' | '-' | '0'..='9')) {
        return Err(Error::field(name, "must be a string or a number"));
    }
    if text.len() > REFERENCE_BYTES_MAX {
        return Err(Error::field(name, format!("must be at most {REFERENCE_BYTES_MAX} bytes, not {}", text.len())));
    }
    let frame: &Bytes = frame.as_ref();
    Ok(Some(frame.slice_ref(text.as_bytes())))
}

/// A method's name, borrowed from the frame wherever it has no escapes.
struct MethodName<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for MethodName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = MethodName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a method's name as a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(MethodName(Cow::Borrowed(name)))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(MethodName(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

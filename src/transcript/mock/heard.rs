//! What a client said, as far as it is compared with what was recorded.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::exchange::Frame;
use super::super::json::{Json, Layer};

/// The members of a frame that only tell which answer belongs to which request.
pub(super) const REFERENCES: [&str; 2] = ["reference", "ref"];

/// The references of a frame, as they stand in its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct References(BTreeMap<String, String>);

/// What of a request tells which answers are its own.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Option<String>,
    pub(super) references: References,
}

/// A frame from a client.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) frame: Frame,
    pub(super) references: References,
    /// The frame without its references, if it is an object.
    pub(super) json: Option<Json>,
}

impl References {
    /// Those of a text, which has none if it is no object.
    pub(super) fn of(text: &str) -> Self {
        let members = match serde_json::from_str::<&RawValue>(text).map(Layer::of) {
            Ok(Ok(Layer::Object(members))) => members,
            _ => Vec::new(),
        };
        let references = members.into_iter().filter(|member| REFERENCES.contains(&member.name.as_str()));
        References(references.map(|member| (member.name, member.value.get().to_owned())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is the value of the reference of that name.
    pub(super) fn has(&self, name: &str, value: &Json) -> bool {
        self.get(name).is_some_and(|raw| Json::parse(raw).is_ok_and(|own| own == *value))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), raw.as_str()))
    }
}

impl Heard {
    pub(super) fn new(frame: Frame) -> Self {
        let Frame::Text(text) = &frame else {
            return Heard { frame, references: References::default(), json: None };
        };
        let references = References::of(text);
        let json = Json::parse(text).ok().filter(|json| matches!(json, Json::Object(_))).map(without_references);
        Heard { frame, references, json }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.frame {
            Frame::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn method(&self) -> Option<&str> {
        self.json.as_ref()?.get("method")?.as_str()
    }
}

pub(super) fn without_references(mut json: Json) -> Json {
    if let Json::Object(members) = &mut json {
        members.retain(|name, _| !REFERENCES.contains(&name.as_str()));
    }
    json
}

//! A JSON value that keeps its numbers as they were written.
//!
//! `serde_json::Value` takes `1.50` for `1.5` and rounds a twenty-digit number, and the feature that cures this
//! changes the type for the whole program. A transcript compares what travelled, so it has a tree of its own, built
//! over borrowed raw values: those also tell where in a line each part stands.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::quick;

/// How deeply arrays and objects may be nested; the limit keeps a hostile frame from exhausting the stack.
pub const DEPTH_MAX: usize = 128;

/// One JSON value. Of a key that stands twice in an object, the last value is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A number, as its text.
    Number(String),
    /// A string, decoded.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; the order of its keys carries no meaning.
    Object(BTreeMap<String, Json>),
}

/// Why a text is no JSON value for us.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The text does not follow the grammar.
    #[error("not JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The value is nested more than [`DEPTH_MAX`] deep.
    #[error("nested more than {DEPTH_MAX} deep")]
    TooDeep,
}

impl Json {
    /// Reads one value; whatever but white space follows it is an error.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        quick::json(text).map_or_else(|| Json::parse_carefully(text), Ok)
    }

    /// The same of any value, however it is written.
    pub(super) fn parse_carefully(text: &str) -> Result<Json, JsonError> {
        Json::build(serde_json::from_str(text)?, DEPTH_MAX)
    }

    /// The value under a key, if this is an object that has the key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Boolean(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    fn build(raw: &RawValue, depth: usize) -> Result<Json, JsonError> {
        Ok(match Layer::of(raw)? {
            Layer::Null => Json::Null,
            Layer::Boolean(value) => Json::Boolean(value),
            Layer::Number(text) => Json::Number(text.to_owned()),
            Layer::String(text) => Json::String(text),
            Layer::Array(items) => {
                let depth = deeper(depth)?;
                let items = items.into_iter().map(|item| Json::build(item, depth));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Layer::Object(members) => {
                let depth = deeper(depth)?;
                let members = members.into_iter().map(|member| Ok((member.name, Json::build(member.value, depth)?)));
                Json::Object(members.collect::<Result<_, JsonError>>()?)
            }
        })
    }
}

/// Compact: no space between the parts.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Boolean(value) => write!(f, "{value}"),
            Json::Number(text) => f.write_str(text),
            Json::String(text) => f.write_str(&quoted(text)),
            Json::Array(items) => write_array(f, items),
            Json::Object(members) => write_object(f, members.iter()),
        }
    }
}

/// One value opened one level deep; what it holds is still raw, and borrowed from the text.
pub(super) enum Layer<'text> {
    Null,
    Boolean(bool),
    Number(&'text str),
    String(String),
    Array(Vec<&'text RawValue>),
    Object(Vec<Member<'text>>),
}

/// One member of an object, in the order of the text; keys may repeat.
pub(super) struct Member<'text> {
    /// The key as it stands in the text, quotes included.
    pub(super) key: &'text RawValue,
    /// The key decoded.
    pub(super) name: String,
    pub(super) value: &'text RawValue,
}

impl<'text> Layer<'text> {
    pub(super) fn of(raw: &'text RawValue) -> Result<Layer<'text>, JsonError> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Layer::Null,
            Some(b't') => Layer::Boolean(true),
            Some(b'f') => Layer::Boolean(false),
            Some(b'"') => Layer::String(serde_json::from_str(text)?),
            Some(b'[') => Layer::Array(serde_json::from_str(text)?),
            Some(b'{') => Layer::Object(serde_json::from_str::<Members<'text>>(text)?.0),
            _ => Layer::Number(text),
        })
    }
}

impl<'text> Member<'text> {
    /// All members of an object.
    pub(super) fn all(object: &'text str) -> serde_json::Result<Vec<Member<'text>>> {
        serde_json::from_str(object).map(|Members(members)| members)
    }
}

/// One level less to go.
pub(super) fn deeper(depth: usize) -> Result<usize, JsonError> {
    depth.checked_sub(1).ok_or(JsonError::TooDeep)
}

/// A text as a JSON string, with its quotes.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

pub(super) fn write_array<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    f.write_str("[")?;
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma}{item}")?;
    }
    f.write_str("]")
}

pub(super) fn write_object<'m, T: fmt::Display + 'm>(
    f: &mut fmt::Formatter<'_>,
    members: impl Iterator<Item = (&'m String, &'m T)>,
) -> fmt::Result {
    f.write_str("{")?;
    for (index, (name, value)) in members.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma}{}:{value}", quoted(name))?;
    }
    f.write_str("}")
}

struct Members<'text>(Vec<Member<'text>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            let name = serde_json::from_str(key.get()).map_err(serde::de::Error::custom)?;
            members.push(Member { key, name, value });
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Json::parse(text).expect("the text is JSON").to_string()
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = "[1.50,1e3,-0,12345678901234567890]";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn numbers_that_differ_in_text_differ() {
        assert_ne!(Json::parse("1.50").expect("JSON"), Json::parse("1.5").expect("JSON"));
    }

    #[test]
    fn the_last_of_a_repeated_key_is_kept() {
        assert_eq!(shown(r#"{ "b": 1, "a": [ true, null ], "b": "x\n" }"#), r#"{"a":[true,null],"b":"x\n"}"#);
    }

    #[test]
    fn an_escaped_key_is_decoded() {
        assert_eq!(shown(r#"{"\u0061":{}}"#), r#"{"a":{}}"#);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
        assert!(matches!(Json::parse(&nested(DEPTH_MAX + 1)), Err(JsonError::TooDeep)));
        assert!(matches!(Json::parse(&nested(10_000)), Err(JsonError::TooDeep)));
    }

    #[test]
    fn what_follows_a_value_is_refused() {
        assert!(matches!(Json::parse("{} {}"), Err(JsonError::Malformed(_))));
    }
}

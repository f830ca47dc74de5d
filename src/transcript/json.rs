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

use super::quick::{self, Build};

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
        quick::read(text, &mut Values).map_or_else(|| Json::parse_carefully(text), Ok)
    }

    /// The same of any value, however it is written.
    pub(crate) fn parse_carefully(text: &str) -> Result<Json, JsonError> {
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

struct Values;

impl Build for Values {
    type Part = Json;

    fn null(&mut self) -> Json {
        Json::Null
    }

    fn boolean(&mut self, value: bool) -> Json {
        Json::Boolean(value)
    }

    fn number(&mut self, text: String) -> Json {
        Json::Number(text)
    }

    fn string(&mut self, text: &str) -> Json {
        Json::String(text.to_owned())
    }

    fn array(&mut self, items: Vec<Json>) -> Json {
        Json::Array(items)
    }

    fn object(&mut self, members: Vec<(String, Json)>) -> Json {
        Json::Object(members.into_iter().collect())
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
pub(crate) fn quoted(text: &str) -> String {
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
pub(super) mod tests {
    use proptest::prelude::*;

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

    /// Values as people write them, some of which are read in one pass and some not.
    pub(in super::super) fn written() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<u64>().prop_map(|number| number.to_string()),
            "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,2})?",
            "[ -~é\u{7f}]{0,8}".prop_map(|text| Json::String(text).to_string()),
            prop_oneof![
                Just(r#""<any>""#),
                Just(r#""<any as a>""#),
                Just(r#""<a>""#),
                Just(r#""\u003cany>""#),
                Just(r#""<an\u0079>""#),
                Just(r#""<any as any>""#),
                Just(r#""\ud800""#),
            ]
            .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec(("[ab\"\\\\]{1,2}", inner), 0..4).prop_map(|members| {
                    let member = |(key, value): (String, String)| format!("{}: {value}", Json::String(key));
                    format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_in_one_pass_is_what_the_careful_reader_reads(text in written()) {
            if let Some(quick) = quick::read(&text, &mut Values) {
                prop_assert_eq!(Json::parse_carefully(&text).ok(), Some(quick));
            }
        }
    }

    #[test]
    fn plain_frames_are_read_in_one_pass() {
        let is_plain = |text| quick::read(text, &mut Values).is_some();
        assert!(is_plain(
            r#"{"method":"x","signups":[{"id":"1","tags":["4"]}],"reference":-17,"eop":true,"email":null}"#
        ));
        for other in [r#"{"a":1.50}"#, r#"{"a":1,"a":2}"#, "{} {}", r#"{"a":12345678901234567890123}"#] {
            assert!(!is_plain(other), "{other}");
        }
    }
}

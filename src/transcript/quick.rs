//! Reads frames in one pass where they are plain, as nearly all are: whole numbers, no key twice, nothing wrong. Any other is
//! left to the readers that keep numbers as they were written and know the place of everything.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json::Json;
use super::pattern::Pattern;
use super::placeholder::Placeholder;

/// How many keys of an object are held against each other; objects of frames have fewer.
const KEYS_MAX: usize = 32;

/// A value, if it is plain.
pub(super) fn json(text: &str) -> Option<Json> {
    read(text, &mut Values)
}

/// What is expected of a frame, if that is plain; the names it binds are added to those bound before.
pub(super) fn pattern(text: &str, names: &mut BTreeSet<String>) -> Option<Pattern> {
    read(text, &mut Patterns { names })
}

fn read<B: Build>(text: &str, build: &mut B) -> Option<B::Part> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let part = Seed(build).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(part)
}

/// What a frame is read into.
trait Build {
    type Part;

    fn leaf(&mut self, value: Json) -> Self::Part;

    /// A string that stands in the text as it is, without escapes; `None` where it is not plain.
    fn string(&mut self, text: &str) -> Option<Self::Part>;

    fn array(&mut self, items: Vec<Self::Part>) -> Self::Part;

    /// An object, no key of which stands twice.
    fn object(&mut self, members: Vec<(String, Self::Part)>) -> Self::Part;
}

struct Values;

impl Build for Values {
    type Part = Json;

    fn leaf(&mut self, value: Json) -> Json {
        value
    }

    fn string(&mut self, text: &str) -> Option<Json> {
        Some(Json::String(text.to_owned()))
    }

    fn array(&mut self, items: Vec<Json>) -> Json {
        Json::Array(items)
    }

    fn object(&mut self, members: Vec<(String, Json)>) -> Json {
        Json::Object(members.into_iter().collect())
    }
}

struct Patterns<'n> {
    names: &'n mut BTreeSet<String>,
}

impl Build for Patterns<'_> {
    type Part = Pattern;

    fn leaf(&mut self, value: Json) -> Pattern {
        Pattern::Leaf(value)
    }

    fn string(&mut self, text: &str) -> Option<Pattern> {
        if !text.starts_with('<') {
            return Some(Pattern::Leaf(Json::String(text.to_owned())));
        }
        Some(match Placeholder::read(&format!("\"{text}\"")) {
            None => Pattern::Leaf(Json::String(text.to_owned())),
            Some(Ok(Placeholder::Bound(name))) if !self.names.contains(&name) => return None,
            Some(Ok(placeholder)) => {
                if let Placeholder::Kind(_, Some(name)) = &placeholder {
                    self.names.insert(name.clone());
                }
                Pattern::Placeholder(placeholder)
            }
            Some(Err(_)) => return None,
        })
    }

    fn array(&mut self, items: Vec<Pattern>) -> Pattern {
        Pattern::Array(items)
    }

    fn object(&mut self, members: Vec<(String, Pattern)>) -> Pattern {
        Pattern::Object(members)
    }
}

struct Seed<'b, B>(&'b mut B);

impl<'de, B: Build> DeserializeSeed<'de> for Seed<'_, B> {
    type Value = B::Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<B::Part, D::Error> {
        deserializer.deserialize_any(Parts(self.0, PhantomData))
    }
}

struct Parts<'b, B>(&'b mut B, PhantomData<B>);

impl<'de, B: Build> Visitor<'de> for Parts<'_, B> {
    type Value = B::Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_unit<E>(self) -> Result<B::Part, E> {
        Ok(self.0.leaf(Json::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<B::Part, E> {
        Ok(self.0.leaf(Json::Boolean(value)))
    }

    // Of whole numbers there is one way to write each; of others, which are refused here, there are many.
    fn visit_u64<E>(self, value: u64) -> Result<B::Part, E> {
        Ok(self.0.leaf(Json::Number(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<B::Part, E> {
        Ok(self.0.leaf(Json::Number(value.to_string())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<B::Part, E> {
        self.0.string(text).ok_or_else(|| E::custom("a placeholder that is not plain"))
    }

    // A string with escapes is no placeholder, whatever it says.
    fn visit_str<E>(self, text: &str) -> Result<B::Part, E> {
        Ok(self.0.leaf(Json::String(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<B::Part, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Seed(&mut *self.0))? {
            items.push(item);
        }
        Ok(self.0.array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<B::Part, A::Error> {
        let mut members: Vec<(String, B::Part)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if members.len() == KEYS_MAX || members.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom("a key that stands twice, or too many keys"));
            }
            members.push((key, map.next_value_seed(Seed(&mut *self.0))?));
        }
        Ok(self.0.object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::json::Json;
    use super::*;

    fn value() -> impl Strategy<Value = String> {
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
        fn what_is_read_in_one_pass_is_what_the_careful_readers_read(text in value()) {
            if let Some(quick) = json(&text) {
                prop_assert_eq!(Json::parse_carefully(&text).ok(), Some(quick));
            }
            let (mut quick_names, mut names) = (BTreeSet::new(), BTreeSet::new());
            if let Some(quick) = pattern(&text, &mut quick_names) {
                prop_assert_eq!(super::super::pattern::read_carefully(&text, &mut names), Some(quick));
                prop_assert_eq!(quick_names, names);
            }
        }
    }

    #[test]
    fn plain_frames_are_read_in_one_pass() {
        let ack = r#"{"method":"addToWhitelist_ack","signups":[{"id":"<digits as id>","tags":["4"]}],"reference":-17,"eop":true,"email":null,"same":"<id>"}"#;
        assert!(pattern(ack, &mut BTreeSet::new()).is_some());
        assert!(json(ack).is_some());
        for other in [r#"{"a":1.50}"#, r#"{"a":1,"a":2}"#, "{} {}", r#"{"a":12345678901234567890123}"#] {
            assert_eq!(json(other), None, "{other}");
        }
    }
}

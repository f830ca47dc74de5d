//! Reads frames in one pass where they are plain, as nearly all are: whole numbers, no key twice, nothing wrong. Any other is
//! left to the readers that keep numbers as they were written and know the place of everything.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many keys of an object are held against each other; objects of frames have fewer.
const KEYS_MAX: usize = 32;

/// What a frame is read into.
pub(super) trait Build {
    /// A part of it.
    type Part;

    fn null(&mut self) -> Self::Part;

    fn boolean(&mut self, value: bool) -> Self::Part;

    fn number(&mut self, text: String) -> Self::Part;

    /// A string that is what it says.
    fn string(&mut self, text: &str) -> Self::Part;

    /// A string that stands in the text without escapes, so that it may be a placeholder; `None` where it is not plain.
    fn bare_string(&mut self, text: &str) -> Option<Self::Part> {
        Some(self.string(text))
    }

    fn array(&mut self, items: Vec<Self::Part>) -> Self::Part;

    /// An object, no key of which stands twice.
    fn object(&mut self, members: Vec<(String, Self::Part)>) -> Self::Part;
}

/// Reads a frame, if it is plain.
pub(super) fn read<B: Build>(text: &str, build: &mut B) -> Option<B::Part> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let part = Seed(build).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(part)
}

struct Seed<'b, B>(&'b mut B);

impl<'de, B: Build> DeserializeSeed<'de> for Seed<'_, B> {
    type Value = B::Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<B::Part, D::Error> {
        deserializer.deserialize_any(Parts(self.0))
    }
}

struct Parts<'b, B>(&'b mut B);

impl<'de, B: Build> Visitor<'de> for Parts<'_, B> {
    type Value = B::Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_unit<E>(self) -> Result<B::Part, E> {
        Ok(self.0.null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<B::Part, E> {
        Ok(self.0.boolean(value))
    }

    // Of whole numbers there is one way to write each; of others, which are refused here, there are many.
    fn visit_u64<E>(self, value: u64) -> Result<B::Part, E> {
        Ok(self.0.number(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<B::Part, E> {
        Ok(self.0.number(value.to_string()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<B::Part, E> {
        self.0.bare_string(text).ok_or_else(|| E::custom("a placeholder that is not plain"))
    }

    fn visit_str<E>(self, text: &str) -> Result<B::Part, E> {
        Ok(self.0.string(text))
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

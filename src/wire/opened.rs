//! This is where a message is read in one go: its method's fields and, on the way, the reference its answer must echo.

use std::marker::PhantomData;

use compact_str::CompactString;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::envelope::{Reference, echo};

/// The name of a message's method, where it comes first and has no escapes, as all SDKs write it.
pub fn method(text: &str) -> Option<&str> {
    let name = text.strip_prefix(r#"{"method":""#)?;
    let end = name.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (name.as_bytes()[end] == b'"').then(|| &name[..end])
}

/// The fields of a message and its reference. `None` where anything is unusual, and be it an error: whoever reads the message in
/// steps finds out what.
pub fn whole<T: DeserializeOwned>(text: &str) -> Option<(T, Reference)> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut envelope = Seen::default();
    let fields = T::deserialize(Opened { json: &mut json, seen: &mut envelope }).ok()?;
    json.end().ok()?;
    Some((fields, envelope.reference))
}

/// What of the envelope has come by.
#[derive(Default)]
struct Seen {
    method: bool,
    reference: Reference,
}

/// An object whose envelope is taken out of it.
struct Opened<'a, D> {
    json: D,
    seen: &'a mut Seen,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Opened<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.json.deserialize_map(Inside { seen: self.seen, inner: visitor })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A visitor of the object, or its members, without those of the envelope.
struct Inside<'a, T> {
    seen: &'a mut Seen,
    inner: T,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Inside<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Inside { seen: self.seen, inner: members })
    }
}

impl<'de, A: MapAccess<'de>> Inside<'_, A> {
    fn take(&mut self, name: &str, place: fn(&mut Reference) -> &mut Option<CompactString>) -> Result<(), A::Error> {
        let value = self.inner.next_value::<Option<&RawValue>>()?;
        let place = place(&mut self.seen.reference);
        if place.is_some() {
            return Err(A::Error::custom("it is there twice"));
        }
        *place = echo(name, value).map_err(|error| A::Error::custom(error.message))?;
        Ok(())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Inside<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.inner.next_key_seed(PhantomData::<&'de str>)? {
            match key {
                "method" if self.seen.method => return Err(A::Error::custom("it is there twice")),
                "method" => {
                    self.seen.method = true;
                    self.inner.next_value::<IgnoredAny>()?;
                }
                "reference" => self.take(key, |reference| &mut reference.reference)?,
                "ref" => self.take(key, |reference| &mut reference.short)?,
                _ => return seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

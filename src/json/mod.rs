//! This is where JSON is written. Most of what a gateway does to a message is to write it: into the journal, into the digest,
//! into the answer.

mod writer;

use serde::Serialize;
use writer::Writer;

/// Appends a value's JSON, in the same bytes as serde_json.
///
/// # Panics
/// If it is a map whose names are no texts, or has a secret in clear.
pub fn write(text: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    value.serialize(Writer::new(text)).expect("what is written has texts for names, and no secret in clear");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serializer;
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &impl Serialize) -> String {
        let mut text = Vec::new();
        write(&mut text, value);
        String::from_utf8(text).expect("it is text")
    }

    proptest! {
        #[test]
        fn every_text_and_number_is_written_as_it_always_was(
            texts in prop::collection::vec(any::<String>(), 0..4),
            letters in prop::collection::vec(any::<char>(), 0..80),
            ascii in prop::collection::vec(0_u8..128, 0..300),
            (whole, signed, flag) in any::<(u64, i64, bool)>(),
        ) {
            let letters: String = letters.into_iter().collect();
            let ascii = String::from_utf8(ascii).expect("ASCII is text");
            let value = json!({"texts": texts, "letters": letters, "all": [ascii, whole, signed, flag, null], ascii.clone(): {}});
            prop_assert_eq!(written(&value), value.to_string());
        }
    }

    #[test]
    fn every_letter_below_u_800_is_escaped_as_it_always_was() {
        for letter in (0..0x800).filter_map(char::from_u32) {
            for before in [0, 1, 7, 15, 16, 31, 32, 63] {
                let value = Value::String("x".repeat(before) + &letter.to_string() + "y");
                assert_eq!(written(&value), value.to_string(), "{letter:?} after {before} others");
            }
        }
    }

    /// Everything that a value can be to serde.
    #[derive(Serialize)]
    enum Any<'a> {
        Nothing,
        One(Option<bool>),
        Pair(char, f64),
        Fields {
            text: &'a str,
            list: &'a [i8],
            none: Option<()>,
            unit: Unit,
            single: Single,
            bytes: Bytes<'a>,
            shown: Shown<'a>,
        },
        Flat(Flat<'a>),
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Single(f32);

    struct Bytes<'a>(&'a [u8]);

    impl Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    struct Shown<'a>(&'a str);

    impl Serialize for Shown<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self.0)
        }
    }

    #[derive(Serialize)]
    struct Flat<'a> {
        #[serde(rename = "the text")]
        text: &'a str,
        #[serde(flatten)]
        rest: Rest,
    }

    #[derive(Serialize)]
    struct Rest {
        pair: (u16, i32),
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
    }

    proptest! {
        #[test]
        fn every_kind_of_value_is_written_as_it_always_was(
            (text, bytes, list) in any::<(String, Vec<u8>, Vec<i8>)>(),
            (letter, fraction, single, flag, pair) in any::<(char, f64, f32, Option<bool>, (u16, i32))>(),
        ) {
            let fields = Any::Fields {
                text: &text, list: &list, none: None, unit: Unit, single: Single(single), bytes: Bytes(&bytes), shown: Shown(&text),
            };
            let flat = Any::Flat(Flat { text: &text, rest: Rest { pair, absent: None } });
            let values = [Any::Nothing, Any::One(flag), Any::Pair(letter, fraction), fields, flat];
            prop_assert_eq!(written(&values), serde_json::to_string(&values).expect("it can be written"));
        }
    }

    #[test]
    #[should_panic(expected = "a name must be a text")]
    fn a_name_that_is_no_text_is_not_written() {
        written(&std::collections::BTreeMap::from([(1, 2)]));
    }
}

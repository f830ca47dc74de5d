//! This is where JSON is written. Most of what a gateway does to a message is to write it: into the journal, into the digest,
//! into the answer.

use serde::Serialize;

/// Appends a value's JSON, in the same bytes as serde_json, and in a fraction of the time: strings are escaped many bytes at once.
pub fn write(text: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    sonic_rs::to_writer(text, value).expect("what is written has string keys and no secret in clear");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value) -> String {
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
}

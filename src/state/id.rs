//! This is where numeric ids get their types: apps and bots are known by a number that travels as a string of digits.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an id, which is a whole number below 2^64 in decimal digits, such as \"90090684293000559\"")]
pub struct NotAnId(String);

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Written as a string of digits; read from a string of digits or an integer, for SDKs send both.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                // `u64::from_str` alone would take a leading plus sign.
                match text.parse() {
                    Ok(number) if text.as_bytes()[0].is_ascii_digit() => Ok(Self(number)),
                    _ => Err(NotAnId(text.chars().take(40).collect())),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Digits;
                impl Visitor<'_> for Digits {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id, as a string of digits or an integer")
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        Ok($name(number))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Digits)
            }
        }
    };
}

numeric_id! {
    /// An app: who may sign up to it is what its lists say.
    AppId
}

numeric_id! {
    /// A bot: a program that holds a token.
    BotId
}

numeric_id! {
    /// An entry or a pattern on an app's lists: a count of those added so far, never used twice.
    RecordId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_digits_and_integers_and_written_as_digits() {
        for text in ["\"90090684293000559\"", "90090684293000559"] {
            let id: AppId = serde_json::from_str(text).expect("both forms are ids");
            assert_eq!(serde_json::to_string(&id).expect("ids encode"), "\"90090684293000559\"");
        }
    }

    #[test]
    fn what_is_not_a_number_is_no_id() {
        for text in ["\"\"", "\"+1\"", "\"x\"", "-1", "1.0", "null", "[]", "\"18446744073709551616\"", "\" 1\""] {
            assert!(serde_json::from_str::<AppId>(text).is_err(), "{text} was taken");
        }
    }
}

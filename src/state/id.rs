//! This is where ids get their types: apps and bots are known by a number that travels as a string of digits, users and what is
//! theirs by a number that travels as one, organisations by a name.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::leaf::schema_of;

/// Why a text is no id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an id, which is a whole number below 2^64 in decimal digits, such as \"90090684293000559\"")]
pub struct NotAnId(String);

macro_rules! numeric_id {
    ($(#[doc = $doc:literal])+ $name:ident, $schema_name:literal) => {
        $(#[doc = $doc])+
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
                serializer.serialize_str(itoa::Buffer::new().format(self.0))
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

        schema_of!($name, $schema_name,
            read: {
                "description": concat!($($doc),+).trim_ascii(),
                "type": ["string", "integer"], "pattern": "^0*[0-9]{1,20}$", "minimum": 0, "maximum": u64::MAX
            },
            written: {"description": concat!($($doc),+).trim_ascii(), "type": "string", "pattern": "^[0-9]{1,20}$"});
    };
}

numeric_id! {
    /// An app: who may sign up to it is what its lists say.
    AppId, "AppId"
}

numeric_id! {
    /// A bot: a program that holds a token.
    BotId, "BotId"
}

numeric_id! {
    /// An entry or a pattern on an app's lists: a count of those added so far, never used twice.
    RecordId, "RecordId"
}

/// The highest serial id: they are 32-bit signed integers where they come from.
const SERIAL_MAX: u32 = i32::MAX.unsigned_abs();

/// Why a number is no serial id.
#[derive(Debug, thiserror::Error)]
#[error("an id is a whole number from 1 to {SERIAL_MAX}")]
pub struct NotASerialId;

macro_rules! serial_id {
    ($(#[doc = $doc:literal])+ $name:ident, $schema_name:literal) => {
        $(#[doc = $doc])+
        ///
        /// Written as a number from 1 to 2147483647; read from such a number or its digits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The lowest there is.
            pub const FIRST: Self = Self(1);

            /// The id as a number.
            pub fn get(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl TryFrom<u64> for $name {
            type Error = NotASerialId;

            fn try_from(number: u64) -> Result<Self, NotASerialId> {
                u32::try_from(number).ok().filter(|id| (1..=SERIAL_MAX).contains(id)).map(Self).ok_or(NotASerialId)
            }
        }

        impl FromStr for $name {
            type Err = NotASerialId;

            fn from_str(text: &str) -> Result<Self, NotASerialId> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number: u64 = text.parse().ok().filter(|_| digits).ok_or(NotASerialId)?;
                number.try_into()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Serial;
                impl Visitor<'_> for Serial {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id, as an integer or a string of digits")
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        number.try_into().map_err(E::custom)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Serial)
            }
        }

        schema_of!($name, $schema_name,
            read: {
                "description": concat!($($doc),+).trim_ascii(),
                "type": ["integer", "string"], "minimum": 1, "maximum": SERIAL_MAX, "pattern": "^0*[1-9][0-9]{0,9}$"
            },
            written: {
                "description": concat!($($doc),+).trim_ascii(),
                "type": "integer", "minimum": 1, "maximum": SERIAL_MAX
            });
    };
}

serial_id! {
    /// A user: somebody with an email address, who may have a password.
    UserId, "UserId"
}

serial_id! {
    /// A chat of a user.
    ChatId, "ChatId"
}

serial_id! {
    /// A share: a chat that others may open.
    ShareId, "ShareId"
}

serial_id! {
    /// A user's place on a share's whitelist, counted over all shares.
    EntryId, "EntryId"
}

serial_id! {
    /// A place on an organisation's whitelist, counted over all organisations.
    MemberId, "MemberId"
}

serial_id! {
    /// An api key of an organisation's member.
    KeyId, "KeyId"
}

/// Characters of the longest name that an organisation is known by.
const ORG_ID_CHARS_MAX: usize = 64;

/// An organisation, known by a name of letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct OrgId(Box<str>);

schema_of!(OrgId, "OrgId",
read: {
    "description": "An organisation, known by a name.",
    "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"
},
written: {
    "description": "An organisation, known by a name.",
    "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"
});

/// Why a text is no organisation's name.
#[derive(Debug, thiserror::Error)]
#[error("an organisation's id has 1 to {ORG_ID_CHARS_MAX} characters out of `a-z A-Z 0-9 . _ -`")]
pub struct NotAnOrgId;

impl OrgId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<Box<str>> for OrgId {
    type Error = NotAnOrgId;

    fn try_from(text: Box<str>) -> Result<Self, NotAnOrgId> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=ORG_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text))
        } else {
            Err(NotAnOrgId)
        }
    }
}

impl FromStr for OrgId {
    type Err = NotAnOrgId;

    fn from_str(text: &str) -> Result<Self, NotAnOrgId> {
        Box::<str>::from(text).try_into()
    }
}

impl From<OrgId> for Box<str> {
    fn from(id: OrgId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_id_is_read_from_numbers_and_digits_and_written_as_a_number() {
        for text in ["\"456\"", "456"] {
            let id: ShareId = serde_json::from_str(text).expect("both forms are ids");
            assert_eq!(serde_json::to_string(&id).expect("ids encode"), "456");
        }
        for text in ["0", "-1", "1.5", "2147483648", "\"\"", "\"+1\"", "\"1e3\"", "null", "true", "[]"] {
            assert!(serde_json::from_str::<ShareId>(text).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn an_organisation_is_known_by_a_plain_name() {
        assert!("acme".parse::<OrgId>().is_ok() && "Acme_Inc.-2".parse::<OrgId>().is_ok());
        for text in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(text.parse::<OrgId>().is_err(), "{text} was taken");
        }
    }

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

//! This is where passwords stop being passwords: in clear on their way in, and the slow, salted hashes that are kept.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::config::{PASSWORD_CHARS_MAX, PASSWORD_LANES, PASSWORD_MEMORY_KIB, PASSWORD_PASSES};
use crate::schema::leaf::schema_of;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// What makes two equal passwords hash to different things; drawn anew for each.
pub type Salt = [u8; SALT_BYTES];

/// The argon2id hash of a password, with its salt and what it cost, written as a PHC string: `$argon2id$v=19$m=…$…$…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash(Box<str>);

/// Why a text is no hash. It does not quote the text.
#[derive(Debug, thiserror::Error)]
#[error("is no argon2id hash")]
pub struct NotAHash;

impl PasswordHash {
    /// Hashes a password in clear. It takes milliseconds of a thread, and is meant to.
    pub fn of(clear: &str, salt: &Salt) -> Self {
        let hash = hasher().hash_password_with_salt(clear.as_bytes(), salt);
        Self(hash.expect("a password and a salt of these lengths can be hashed").to_string().into())
    }

    /// Whether a password is the one that was hashed. Takes as long as hashing, whatever the answer.
    pub fn verifies(&self, clear: &str) -> bool {
        hasher().verify_password(clear.as_bytes(), &*self.0).is_ok()
    }

    /// The hash of no password, at the usual cost: who is unknown is turned away no faster than who is known.
    pub fn of_nobody() -> Self {
        let output = phc::Output::new(&[0; Params::DEFAULT_OUTPUT_LEN]).expect("an output of this length is one");
        let salt = phc::Salt::new(&[0; SALT_BYTES]).expect("a salt of this length is one");
        let params = phc::ParamsString::try_from(&params()).expect("the cost can be written");
        let (algorithm, version) = (Algorithm::Argon2id.ident(), Some(Version::V0x13.into()));
        let hash = phc::PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(output) };
        Self(hash.to_string().into())
    }
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params())
}

fn params() -> Params {
    Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, PASSWORD_LANES, None).expect("the cost is one that there can be")
}

impl TryFrom<String> for PasswordHash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, NotAHash> {
        let hash = phc::PasswordHash::new(&text).map_err(|_| NotAHash)?;
        let whole = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.salt.is_some_and(|salt| salt.len() >= argon2::MIN_SALT_LEN)
            && hash.hash.is_some()
            && Params::try_from(&hash).is_ok();
        if whole { Ok(Self(text.into())) } else { Err(NotAHash) }
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.0.into()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A password as a command carries it: in clear until `prepare`, hashed from then on.
///
/// In clear it cannot be written anywhere: serialising it fails, its `Debug` shows nothing, and no error quotes it.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As the client sent it.
    Clear(String),
    /// As it is journaled, `{"argon2id":"$argon2id$…"}`.
    Hashed(PasswordHash),
}

impl Password {
    /// The same password, hashed.
    pub fn hashed(&self, salt: &Salt) -> Self {
        match self {
            Self::Clear(clear) => Self::Hashed(PasswordHash::of(clear, salt)),
            Self::Hashed(hash) => Self::Hashed(hash.clone()),
        }
    }

    /// The hash, where it was made.
    pub fn hash(&self) -> Option<&PasswordHash> {
        match self {
            Self::Clear(_) => None,
            Self::Hashed(hash) => Some(hash),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(ser::Error::custom("a password in clear is never written")),
            Self::Hashed(hash) => Journaled { argon2id: hash.clone() }.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Journaled {
    argon2id: PasswordHash,
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Whatever comes is taken first, for a refusal by type would quote it.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Read {
            Clear(String),
            Journaled { argon2id: String },
            Other(IgnoredAny),
        }
        match Read::deserialize(deserializer)? {
            Read::Clear(clear) => Ok(Self::Clear(clear)),
            Read::Journaled { argon2id } => argon2id.try_into().map(Self::Hashed).map_err(de::Error::custom),
            Read::Other(IgnoredAny) => Err(de::Error::custom("must be a password, as a string")),
        }
    }
}

// The journal's form is for the journal alone.
schema_of!(Password, {"type": "string", "pattern": r"\S", "maxLength": PASSWORD_CHARS_MAX, "writeOnly": true});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_alone_and_is_another_under_another_salt() {
        let hash = PasswordHash::of("Demo-pass-1!", &[1; SALT_BYTES]);
        assert!(hash.verifies("Demo-pass-1!"));
        assert!(!hash.verifies("Demo-pass-1") && !hash.verifies(""));
        assert_eq!(hash, PasswordHash::of("Demo-pass-1!", &[1; SALT_BYTES]));
        assert_ne!(hash, PasswordHash::of("Demo-pass-1!", &[2; SALT_BYTES]));
    }

    #[test]
    fn the_hash_of_nobody_costs_the_same_and_verifies_nothing() {
        let nobody: String = PasswordHash::of_nobody().into();
        let somebody: String = PasswordHash::of("Demo-pass-1!", &[1; SALT_BYTES]).into();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(&nobody), cost(&somebody));
        assert_eq!(nobody.len(), somebody.len());
        assert!(!PasswordHash::of_nobody().verifies(""));
    }

    #[test]
    fn a_password_in_clear_cannot_be_written_and_is_not_shown() {
        let clear: Password = serde_json::from_str("\"Demo-pass-1!\"").expect("a string is a password");
        assert!(serde_json::to_string(&clear).is_err());
        assert!(!format!("{clear:?}").contains("Demo"));
        let hashed = clear.hashed(&[1; SALT_BYTES]);
        assert!(!format!("{hashed:?} {:?}", hashed.hash()).contains("argon2id"));
        let written = serde_json::to_string(&hashed).expect("hashes are written");
        let back: Password = serde_json::from_str(&written).expect("hashes are read");
        assert!(back.hash().is_some_and(|hash| hash.verifies("Demo-pass-1!")));
    }

    #[test]
    fn what_is_no_password_is_refused_and_not_quoted() {
        for text in [
            "4711",
            "-4711",
            "4711.5",
            "true",
            "null",
            "[\"4711\"]",
            "{\"4711\":\"4711\"}",
            "{\"argon2id\":4711}",
            "{\"argon2id\":\"4711\"}",
        ] {
            let error = serde_json::from_str::<Password>(text).expect_err(text).to_string();
            assert!(!error.contains("4711") && !error.contains("true"), "{error}");
        }
    }

    #[test]
    fn a_hash_is_read_back_whole_or_not_at_all() {
        let written: String = PasswordHash::of_nobody().into();
        assert!(PasswordHash::try_from(written.clone()).is_ok());
        let without_output = written.rsplit_once('$').expect("a hash has parts").0;
        for text in [
            "",
            without_output,
            &written.replacen("argon2id", "argon2i", 1),
            &written.replacen("m=", "m=x", 1),
            &written.replacen("p=1", "p=0", 1),
        ] {
            assert!(PasswordHash::try_from(text.to_owned()).is_err(), "{text} was taken");
        }
    }
}

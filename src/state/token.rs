//! This is where secrets stop being secrets: tokens in clear on their way in or out, and the hashes that are kept.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::id::{AppId, BotId, KeyId, UserId};
use crate::schema::leaf::schema_of;

/// Who a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A bot.
    Bot(BotId),
    /// A user, for as long as the session lasts.
    User(UserId),
    /// An api key.
    ApiKey(KeyId),
}

/// Characters of the random part of a bot's token.
pub const SECRET_CHARS: usize = 30;

/// The SHA-256 of a token. A token that is made here carries some 178 random bits, so a fast hash gives nothing away; one that
/// an administrator chooses is as strong as it was chosen, for whoever can read the data directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token in clear.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The hash itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(de::Error::custom("a token hash has 64 hexadecimal digits"));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).map_err(de::Error::custom)?;
        }
        Ok(Self(bytes))
    }
}

/// A token as a command carries it: in clear until `prepare`, hashed from then on.
///
/// In clear it cannot be written anywhere: serialising it fails, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// As the client sent it.
    Clear(String),
    /// As it is journaled, `{"sha256":"…"}`.
    Hashed(TokenHash),
}

impl Secret {
    /// The hash, of either form.
    pub fn hash(&self) -> TokenHash {
        match self {
            Self::Clear(token) => TokenHash::of(token),
            Self::Hashed(hash) => *hash,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(ser::Error::custom("a secret in clear is never written")),
            Self::Hashed(hash) => Journaled { sha256: *hash }.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Journaled {
    sha256: TokenHash,
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Whatever comes is taken first, for a refusal by type would quote it.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Read {
            Clear(String),
            Journaled { sha256: TokenHash },
            Other(IgnoredAny),
        }
        match Read::deserialize(deserializer)? {
            Read::Clear(token) => Ok(Self::Clear(token)),
            Read::Journaled { sha256 } => Ok(Self::Hashed(sha256)),
            Read::Other(IgnoredAny) => Err(de::Error::custom("must be a token, as a string")),
        }
    }
}

// The journal's form is for the journal alone.
schema_of!(Secret, {"type": "string", "writeOnly": true});

/// The bot and the app (where bound) that a token of the usual form names; `None` for any other text.
pub fn parts(token: &str) -> Option<(BotId, Option<AppId>)> {
    let mut parts = token.splitn(3, ':');
    let (bot, app, secret) = (parts.next()?.parse().ok()?, parts.next()?.parse::<AppId>().ok()?, parts.next()?);
    let whole = secret.len() == SECRET_CHARS && secret.bytes().all(|byte| byte.is_ascii_graphic());
    whole.then_some((bot, (app.0 != 0).then_some(app)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_bot_and_app() {
        let secret = "x".repeat(SECRET_CHARS);
        assert_eq!(parts(&format!("7:9:{secret}")), Some((BotId(7), Some(AppId(9)))));
        assert_eq!(parts(&format!("7:0:{secret}")), Some((BotId(7), None)));
        for other in [
            format!("7:9:{secret}x"),
            format!("7:{secret}"),
            format!("x:9:{secret}"),
            format!("7:9:{}", "é".repeat(15)),
        ] {
            assert_eq!(parts(&other), None, "{other}");
        }
    }

    #[test]
    fn a_secret_in_clear_cannot_be_written_and_is_not_shown() {
        let secret: Secret = serde_json::from_str("\"7:0:abc\"").expect("a string is a secret");
        assert!(serde_json::to_string(&secret).is_err());
        assert!(!format!("{secret:?}").contains("abc"));
        let hashed = serde_json::to_string(&Secret::Hashed(secret.hash())).expect("hashes are written");
        let back: Secret = serde_json::from_str(&hashed).expect("hashes are read");
        assert!(back.hash().matches(&secret.hash()));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_quoted() {
        for text in ["4711", "-4711", "4711.5", "true", "[\"4711\"]", "{\"4711\":\"4711\"}", "{\"sha256\":\"4711\"}"] {
            let error = serde_json::from_str::<Secret>(text).expect_err(text).to_string();
            assert!(!error.contains("4711") && !error.contains("true"), "{error}");
        }
    }
}

//! This is where callers are named, as the journal and the audit log have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::state::State;
use crate::state::id::{BotId, KeyId, UserId};

/// Who sends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The seed file, at the first start.
    Seed,
    /// Somebody without a token.
    Anyone,
    /// A bot.
    Bot(BotId),
    /// A user, by a session.
    User(UserId),
    /// A member of an organisation, by an api key.
    ApiKey(KeyId),
}

impl Caller {
    /// The id and the name that it goes by; none where it has gone.
    pub fn introduced(self, state: &State) -> (u64, String) {
        match self {
            Self::Bot(id) => (id.0, state.bot(id).map(|bot| bot.name.clone()).unwrap_or_default()),
            Self::User(id) => {
                (id.get().into(), state.user(id).map(|user| user.primary_email.to_string()).unwrap_or_default())
            }
            Self::ApiKey(id) => {
                (id.get().into(), state.api_key(id).map(|key| key.name.to_string()).unwrap_or_default())
            }
            Self::Seed | Self::Anyone => (0, String::new()),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed => f.write_str("seed"),
            Self::Anyone => f.write_str("anyone"),
            Self::Bot(id) => write!(f, "bot:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApiKey(id) => write!(f, "key:{id}"),
        }
    }
}

/// Why a text names no caller.
#[derive(Debug, thiserror::Error)]
#[error("a caller is \"seed\", \"anyone\", or \"bot:\", \"user:\" or \"key:\" and an id")]
pub struct NotACaller;

impl FromStr for Caller {
    type Err = NotACaller;

    fn from_str(text: &str) -> Result<Self, NotACaller> {
        let caller = match text.split_once(':') {
            None if text == "seed" => Some(Self::Seed),
            None if text == "anyone" => Some(Self::Anyone),
            Some(("bot", id)) => id.parse().ok().map(Self::Bot),
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("key", id)) => id.parse().ok().map(Self::ApiKey),
            _ => None,
        };
        caller.ok_or(NotACaller)
    }
}

impl Serialize for Caller {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Caller {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

//! This is where it is said what can be subscribed to.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Announcement;
use crate::access::{About, View, may_ask_about};
use crate::methods::Noun;
use crate::wire::error::Error;

/// What an event is about, as subscribers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// People on the lists of an app.
    Signup,
    /// Patterns on the lists of an app.
    Pattern,
    /// The settings of an app.
    App,
    /// The chats of a user, their shares, and who may open them.
    Share,
    /// An organisation, its members and their api keys.
    Organization,
    /// Bots, their grants and tokens.
    Bot,
    /// Users.
    User,
    /// All of these, everywhere.
    #[serde(rename = "*")]
    Everything,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Signup,
        Self::Pattern,
        Self::App,
        Self::Share,
        Self::Organization,
        Self::Bot,
        Self::User,
        Self::Everything,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Pattern => "pattern",
            Self::App => "app",
            Self::Share => "share",
            Self::Organization => "organization",
            Self::Bot => "bot",
            Self::User => "user",
            Self::Everything => "*",
        }
    }

    /// What a change to such things is told as; nothing for what changes nothing.
    pub fn of(noun: Noun) -> Option<Self> {
        match noun {
            Noun::SignUps => Some(Self::Signup),
            Noun::Patterns => Some(Self::Pattern),
            Noun::Apps => Some(Self::App),
            Noun::Chats | Noun::Shares => Some(Self::Share),
            Noun::Organizations | Noun::ApiKeys => Some(Self::Organization),
            Noun::Bots => Some(Self::Bot),
            Noun::Users => Some(Self::User),
            Noun::Access | Noun::Events | Noun::Traffic | Noun::Gateway => None,
        }
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What an event is about; `*` stands for everything, everywhere.",
            "type": "string",
            "enum": Self::ALL.map(Self::name)
        })
    }
}

/// What is subscribed to: events of a kind, about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Their kind.
    pub kind: Kind,
    /// What they are about; the gateway where that is no one thing.
    pub about: About,
}

impl Topic {
    /// Whether it has an announcement in it.
    pub fn has(&self, announcement: &Announcement) -> bool {
        self.kind == Kind::Everything || (self.kind == announcement.kind && self.about == announcement.about)
    }

    /// Whether a caller may hear of it, now.
    pub fn admit(&self, view: View<'_>) -> Result<(), Error> {
        may_ask_about(view, &self.about)
    }
}

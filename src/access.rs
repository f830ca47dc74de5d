//! This is where it is decided who may: one gate, asked before any handler and again when the journal's order has spoken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::state::State;
use crate::state::bot::Grant;
use crate::state::id::{AppId, BotId};
use crate::wire::error::{Code, Error};

/// Who sends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The seed file, at the first start.
    Seed,
    /// A bot.
    Bot(BotId),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed => f.write_str("seed"),
            Self::Bot(id) => write!(f, "bot:{id}"),
        }
    }
}

impl FromStr for Caller {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bot = || text.strip_prefix("bot:")?.parse().ok().map(Self::Bot);
        if text == "seed" { Ok(Self::Seed) } else { bot().ok_or("a caller is \"seed\" or \"bot:\" and an id") }
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

/// What a method needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// "Signup Management" in the app the message is about, which was made with the app builder.
    SignupManagement,
    /// Everything, everywhere.
    Admin,
}

impl Permission {
    /// Its name, as the README has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignupManagement => "signup_management",
            Self::Admin => "admin",
        }
    }
}

/// The gate: whether a caller may use a method that needs a permission, in the app the message is about.
pub fn authorise(state: &State, caller: Caller, needs: Permission, app_id: Option<AppId>) -> Result<(), Error> {
    match needs {
        Permission::Admin => admin(state, caller),
        Permission::SignupManagement => {
            let app_id = app_id.ok_or_else(|| {
                Error::field("app_id", "is missing, and the token is not bound to an app; name the app")
            })?;
            signup_management(state, caller, app_id).map_err(|error| error.about(app_id))
        }
    }
}

fn admin(state: &State, caller: Caller) -> Result<(), Error> {
    let Caller::Bot(id) = caller else { return Ok(()) };
    if state.bot(id).ok_or_else(removed)?.is_admin() {
        return Ok(());
    }
    Err(Error::new(
        Code::PermissionMissing,
        format!("bot {id} lacks the permission \"admin\"; an administrator grants it with setBot"),
    ))
}

fn signup_management(state: &State, caller: Caller, app_id: AppId) -> Result<(), Error> {
    let made_with_builder = state.app(app_id).ok_or_else(|| Error::unknown_app(app_id))?.settings.app_builder;
    if let Caller::Bot(id) = caller {
        let bot = state.bot(id).ok_or_else(removed)?;
        if !bot.is_admin() && !bot.is_in(app_id) {
            return Err(Error::new(
                Code::NotInApp,
                format!("bot {id} is not in app {app_id}; an administrator adds it with setBot"),
            ));
        }
        if !bot.is_admin() && !bot.grants.contains(&Grant::SignupManagement { app_id }) {
            return Err(Error::new(
                Code::PermissionMissing,
                format!("bot {id} lacks \"Signup Management\" in app {app_id}; an administrator grants it with setBot"),
            ));
        }
    }
    if made_with_builder {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!(
            "app {app_id} was not made with the app builder, and only such apps have lists (see app_builder in setApp)"
        ),
    ))
}

fn removed() -> Error {
    Error::new(Code::NotAuthenticated, "the bot was removed; ask an administrator for a new token")
}

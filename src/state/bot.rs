//! This is where a bot is described: its name, the apps it is in, what it was granted, and the hash of its token.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::id::{AppId, BotId};
use super::token::TokenHash;

/// What a bot may do, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "permission", rename_all = "snake_case")]
pub enum Grant {
    /// Everything, everywhere.
    Admin,
    /// Keep the sign-up lists of an app, and ask who may sign up to it.
    SignupManagement {
        /// The app.
        app_id: AppId,
    },
}

/// A bot, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    /// Its id.
    pub bot_id: BotId,
    /// Its name, for people.
    pub name: String,
    /// The app its token is bound to: what a message without `app_id` means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_app_id: Option<AppId>,
    /// The apps it is a member of, beside those its grants name.
    pub apps: BTreeSet<AppId>,
    /// What it may do.
    pub grants: BTreeSet<Grant>,
    /// The hash of its token.
    pub token: TokenHash,
}

impl Bot {
    /// A bot that may do nothing yet.
    pub fn new(bot_id: BotId, token: TokenHash) -> Self {
        let (apps, grants) = (BTreeSet::new(), BTreeSet::new());
        Self { bot_id, name: String::new(), bound_app_id: None, apps, grants, token }
    }

    /// The apps it is in, for whatever reason; some more than once.
    pub fn named_apps(&self) -> impl Iterator<Item = AppId> {
        let granted = self.grants.iter().filter_map(|grant| match grant {
            Grant::SignupManagement { app_id } => Some(*app_id),
            Grant::Admin => None,
        });
        granted.chain(self.apps.iter().copied()).chain(self.bound_app_id)
    }

    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.grants.contains(&Grant::Admin)
    }

    /// Whether it is a member of an app: listed, bound to it, or granted something in it.
    pub fn is_in(&self, app: AppId) -> bool {
        self.apps.contains(&app)
            || self.bound_app_id == Some(app)
            || self.grants.contains(&Grant::SignupManagement { app_id: app })
    }

    /// The same bot with nothing left in an app.
    pub fn without(mut self, app: AppId) -> Self {
        self.apps.remove(&app);
        self.grants.remove(&Grant::SignupManagement { app_id: app });
        self.bound_app_id = self.bound_app_id.filter(|bound| *bound != app);
        self
    }
}

//! This is where a bot is described: its name, the apps it is in, what it was granted, and the hash of its token.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{AppId, BotId, OrgId, UserId};
use super::organization::OrgPermission;
use super::token::TokenHash;

/// What a bot may do, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "permission", rename_all = "snake_case")]
pub enum Grant {
    /// Everything, everywhere.
    Admin,
    /// Keep the sign-up lists of an app, and ask who may sign up to it.
    SignupManagement {
        /// The app.
        app_id: AppId,
    },
    /// Keep a user's chats, shares and their lists, and ask who may open them.
    ShareManagement {
        /// The user.
        user_id: UserId,
    },
    /// Be let into an organisation.
    CanRead {
        /// The organisation.
        org_id: OrgId,
    },
    /// Use api keys in an organisation.
    CanUseApi {
        /// The organisation.
        org_id: OrgId,
    },
    /// Keep the list of an organisation, and ask who may get in.
    CanUseWhitelist {
        /// The organisation.
        org_id: OrgId,
    },
    /// Delegate tasks in an organisation.
    CanDelegate {
        /// The organisation.
        org_id: OrgId,
    },
}

impl Grant {
    /// What it allows in which organisation, where it is about one.
    pub fn in_organization(&self) -> Option<(&OrgId, OrgPermission)> {
        match self {
            Self::CanRead { org_id } => Some((org_id, OrgPermission::CanRead)),
            Self::CanUseApi { org_id } => Some((org_id, OrgPermission::CanUseApi)),
            Self::CanUseWhitelist { org_id } => Some((org_id, OrgPermission::CanUseWhitelist)),
            Self::CanDelegate { org_id } => Some((org_id, OrgPermission::CanDelegate)),
            Self::Admin | Self::SignupManagement { .. } | Self::ShareManagement { .. } => None,
        }
    }

    /// The organisation it is about, where it is about one.
    pub fn org_id(&self) -> Option<&OrgId> {
        self.in_organization().map(|(org_id, _)| org_id)
    }
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
            _ => None,
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

    /// Whether it was granted a permission in an organisation.
    pub fn holds(&self, org_id: &OrgId, permission: OrgPermission) -> bool {
        self.grants.iter().any(|grant| grant.in_organization() == Some((org_id, permission)))
    }

    /// The same bot with only the grants that pass.
    pub fn with_grants(mut self, passes: impl Fn(&Grant) -> bool) -> Self {
        self.grants.retain(passes);
        self
    }

    /// The same bot with nothing left in an app.
    pub fn without(mut self, app: AppId) -> Self {
        self.apps.remove(&app);
        self.grants.remove(&Grant::SignupManagement { app_id: app });
        self.bound_app_id = self.bound_app_id.filter(|bound| *bound != app);
        self
    }
}

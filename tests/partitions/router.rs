//! This is where it is said which journal each change goes to, if there are several: by app, by owner of shares, by organisation.

use guestlist::methods::Change;
use serde_json::Value;

/// What a change is ordered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Who there is, with which token and permission, and which apps and organisations: what all gateways follow.
    Directory,
    /// The lists of an app.
    App(String),
    /// The chats and shares of a user.
    User(String),
    /// The members of an organisation.
    Organization(String),
}

impl Place {
    /// Where a change belongs, by its message.
    pub fn of(change: &Change, message: &Value) -> Self {
        let named = |field: &str| match &message[field] {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        };
        match change {
            Change::AddToWhitelist(_)
            | Change::RemoveFromWhitelist(_)
            | Change::AddToBlacklist(_)
            | Change::RemoveFromBlacklist(_)
            | Change::AddWhitelistPatterns(_)
            | Change::RemoveWhitelistPatterns(_)
            | Change::AddBlacklistPatterns(_)
            | Change::RemoveBlacklistPatterns(_) => Self::App(named("app_id")),
            Change::SetChat(_)
            | Change::RemoveChat(_)
            | Change::SetShare(_)
            | Change::RemoveShare(_)
            | Change::AddToShareWhitelist(_)
            | Change::RemoveFromShareWhitelist(_) => Self::User(named("user_id")),
            Change::AddToOrgWhitelist(_) | Change::RemoveFromOrgWhitelist(_) => Self::Organization(named("org_id")),
            Change::SetApp(_)
            | Change::RemoveApp(_)
            | Change::SetBot(_)
            | Change::RotateBotToken(_)
            | Change::RemoveBot(_)
            | Change::SetUser(_)
            | Change::RemoveUser(_)
            | Change::SignUp(_)
            | Change::LogIn(_)
            | Change::LogOut(_)
            | Change::SetOrganization(_)
            | Change::RemoveOrganization(_)
            | Change::SetApiKey(_)
            | Change::RemoveApiKey(_) => Self::Directory,
        }
    }

    /// The number of its journal where lists have so many: 0 is the directory's, whatever their number.
    pub fn partition(&self, lists: usize) -> usize {
        let (kind, id) = match self {
            Self::Directory => return 0,
            Self::App(id) => ("app", id),
            Self::User(id) => ("user", id),
            Self::Organization(id) => ("organization", id),
        };
        let hash = crc32c::crc32c(format!("{kind}:{id}").as_bytes());
        1 + usize::try_from(hash).expect("it has 32 bits") % lists
    }
}

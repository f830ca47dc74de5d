//! This is where it is decided who may: one gate, asked before any handler and again when the journal's order has spoken.

mod caller;
mod gate;

use crate::cluster::Cluster;
use crate::state::State;
use crate::state::id::{AppId, OrgId, UserId};
use crate::state::moment::Moment;
use crate::state::token::{Holder, TokenHash};
use crate::wire::error::Code;

pub use caller::Caller;
pub use gate::{authorise, may_ask_about};

/// What a message is seen with: what is known, who sent it, and when.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What is known.
    pub state: &'a State,
    /// Who sent it.
    pub caller: Caller,
    /// When, in milliseconds since 1970: now, and once it is journaled, when that was.
    pub at_ms: u64,
    /// The gateways that share what is known, if several do; of no use for what is journaled, which must be the same on each.
    pub cluster: Option<&'a Cluster>,
}

impl<'a> View<'a> {
    /// What a message is seen with by itself.
    pub fn new(state: &'a State, caller: Caller, at_ms: u64) -> Self {
        Self { state, caller, at_ms, cluster: None }
    }

    /// When.
    pub fn now(&self) -> Moment {
        Moment::of_ms(self.at_ms)
    }
}

/// Where a message comes from, for what it means where it names no app and no organisation.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// What it is seen with.
    pub view: View<'a>,
    /// The app that the caller's token is bound to.
    pub bound_app: Option<AppId>,
}

/// What a message is about, as far as the gate wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Nothing in particular, or the gateway as a whole.
    Gateway,
    /// An app, where one is named.
    App(Option<AppId>),
    /// A user and what is theirs.
    User(UserId),
    /// An organisation, where one is named.
    Organization(Option<OrgId>),
    /// Several things, for each of which the method asks [`may_ask_about`].
    Resources,
}

/// What a method needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing, not even a token over HTTP.
    Anyone,
    /// "Signup Management" in the app the message is about, which was made with the app builder.
    SignupManagement,
    /// To be the user the message is about, or to manage the user's shares.
    ShareManagement,
    /// `can_use_whitelist` in the organisation the message is about.
    OrgWhitelist,
    /// What is needed to manage the resource that is asked about.
    AskAccess,
    /// Everything, everywhere.
    Admin,
}

impl Permission {
    /// Its name, as the README has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "nothing",
            Self::SignupManagement => "signup_management",
            Self::ShareManagement => "share_management",
            Self::OrgWhitelist => "can_use_whitelist",
            Self::AskAccess => "to manage the resource",
            Self::Admin => "admin",
        }
    }

    /// The codes with which the gate refuses who lacks it.
    pub fn refuses(self) -> &'static [Code] {
        match self {
            Self::Anyone => &[],
            Self::SignupManagement => {
                &[Code::NotAuthenticated, Code::Conflict, Code::UnknownApp, Code::PermissionMissing, Code::NotInApp]
            }
            Self::ShareManagement | Self::OrgWhitelist => {
                &[Code::NotAuthenticated, Code::NotFound, Code::PermissionMissing]
            }
            Self::AskAccess => &[
                Code::NotAuthenticated,
                Code::NotFound,
                Code::Conflict,
                Code::UnknownApp,
                Code::PermissionMissing,
                Code::NotInApp,
            ],
            Self::Admin => &[Code::NotAuthenticated, Code::PermissionMissing],
        }
    }
}

/// Who a token stands for.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The caller.
    pub caller: Caller,
    /// The app that the token is bound to.
    pub bound_app: Option<AppId>,
    /// When the token ends by itself.
    pub expires_at: Option<Moment>,
}

/// What is said of a token that nobody has.
pub const UNKNOWN: &str = "the token is not known; ask an administrator for a new one";

/// Finds out who a token stands for: a bot's token, the token of a user's session, or an api key.
pub fn identify(state: &State, token: &TokenHash, now: Moment) -> Option<Identity> {
    match state.holder(token)? {
        Holder::Bot(id) => {
            let bot = state.bot(id).filter(|bot| bot.token.matches(token))?;
            Some(Identity { caller: Caller::Bot(id), bound_app: bot.bound_app_id, expires_at: None })
        }
        Holder::User(id) => {
            let session = state.session(token).filter(|session| session.token.matches(token))?;
            let expires_at = Some(session.expires_at).filter(|end| now < *end)?;
            Some(Identity { caller: Caller::User(id), bound_app: None, expires_at: Some(expires_at) })
        }
        Holder::ApiKey(id) => {
            state.api_key(id).filter(|key| key.token.matches(token))?;
            Some(Identity { caller: Caller::ApiKey(id), bound_app: None, expires_at: None })
        }
    }
}

//! This is where everything that is known stands, in memory: plain data and its questions.
//!
//! Many read it, each through [`State`]; one changes it, through the [`Writer`], of which there is one a state and which
//! only the engine holds. Nothing here does I/O, reads a clock or draws a random number.

pub mod account;
pub mod app;
pub mod bot;
mod chunked;
pub mod decision;
pub mod digest;
pub mod email;
pub mod id;
pub mod last_ids;
pub mod moment;
pub mod organization;
pub mod password;
pub mod pattern_list;
pub mod patterns;
mod places;
pub mod ranked;
pub mod record;
pub mod restore;
pub mod share;
pub mod signup_list;
mod tags;
mod tally;
pub mod token;
mod writer;
pub mod written;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use dashmap::mapref::one::Ref;
use hashbrown::DefaultHashBuilder;
use uuid::Uuid;

use account::{Chat, Session, User};
use app::App;
use bot::Bot;
use digest::Settled;
use id::{AppId, BotId, ChatId, KeyId, OrgId, ShareId, UserId};
use last_ids::LastIds;
use organization::{ApiKey, Organization};
use patterns::fold;
use share::Share;
use token::{Holder, TokenHash};
pub use writer::{AppMut, OrganizationMut, Reached, ShareMut, Writer};

/// A map that many read while one writes. Its hashes are quick, and drawn anew at every start.
type Map<K, V> = dashmap::DashMap<K, V, DefaultHashBuilder>;

/// Everything that is known: apps with their lists, users with their chats and shares, organisations with their members, and
/// who holds which token.
#[derive(Debug, Default)]
pub struct State {
    apps: Map<AppId, App>,
    bots: Map<BotId, Bot>,
    users: Map<UserId, User>,
    /// By folded address.
    users_of_emails: Map<Box<str>, UserId>,
    sessions: Map<TokenHash, Session>,
    /// Oldest first.
    sessions_of_users: Map<UserId, Vec<TokenHash>>,
    chats: Map<ChatId, Chat>,
    /// Rising.
    chats_of_users: Map<UserId, Vec<ChatId>>,
    shares: Map<ShareId, Share>,
    shares_of_chats: Map<ChatId, ShareId>,
    shares_of_uuids: Map<Uuid, ShareId>,
    organizations: Map<OrgId, Organization>,
    api_keys: Map<KeyId, ApiKey>,
    tokens: Map<TokenHash, Holder>,
    last_ids: RwLock<LastIds>,
    folded: AtomicU64,
    at_ms: AtomicU64,
    settled: RwLock<Settled>,
}

/// What is found is under a guard that must not be held across an await.
impl State {
    /// An app.
    pub fn app(&self, id: AppId) -> Option<Ref<'_, AppId, App>> {
        self.apps.get(&id)
    }

    /// The ids of all apps, rising.
    pub fn app_ids(&self) -> Vec<AppId> {
        sorted(self.apps.iter().map(|app| *app.key()))
    }

    /// A bot.
    pub fn bot(&self, id: BotId) -> Option<Ref<'_, BotId, Bot>> {
        self.bots.get(&id)
    }

    /// The ids of all bots, rising.
    pub fn bot_ids(&self) -> Vec<BotId> {
        sorted(self.bots.iter().map(|bot| *bot.key()))
    }

    /// A user.
    pub fn user(&self, id: UserId) -> Option<Ref<'_, UserId, User>> {
        self.users.get(&id)
    }

    /// The ids of all users, rising.
    pub fn user_ids(&self) -> Vec<UserId> {
        sorted(self.users.iter().map(|user| *user.key()))
    }

    /// The user who has an email address, in whatever case it is written.
    pub fn user_by_email(&self, email: &str) -> Option<UserId> {
        let email = fold(email);
        let id = *self.users_of_emails.get(email.as_ref())?;
        // While an address is being changed, the index has both.
        self.user(id).filter(|user| fold(&user.primary_email) == email).map(|_| id)
    }

    /// A session, over or not.
    pub fn session(&self, token: &TokenHash) -> Option<Ref<'_, TokenHash, Session>> {
        self.sessions.get(token)
    }

    /// The sessions of a user, oldest first.
    pub fn sessions_of(&self, user: UserId) -> Vec<TokenHash> {
        self.sessions_of_users.get(&user).map(|sessions| sessions.clone()).unwrap_or_default()
    }

    /// A chat.
    pub fn chat(&self, id: ChatId) -> Option<Ref<'_, ChatId, Chat>> {
        self.chats.get(&id)
    }

    /// The ids of all chats, rising.
    pub fn chat_ids(&self) -> Vec<ChatId> {
        sorted(self.chats.iter().map(|chat| *chat.key()))
    }

    /// The chats of a user, rising.
    pub fn chats_of(&self, user: UserId) -> Vec<ChatId> {
        self.chats_of_users.get(&user).map(|chats| chats.clone()).unwrap_or_default()
    }

    /// A share.
    pub fn share(&self, id: ShareId) -> Option<Ref<'_, ShareId, Share>> {
        self.shares.get(&id)
    }

    /// The ids of all shares, rising.
    pub fn share_ids(&self) -> Vec<ShareId> {
        sorted(self.shares.iter().map(|share| *share.key()))
    }

    /// The share of a chat.
    pub fn share_of_chat(&self, chat: ChatId) -> Option<ShareId> {
        self.shares_of_chats.get(&chat).map(|id| *id)
    }

    /// The share of a uuid.
    pub fn share_by_uuid(&self, uuid: &Uuid) -> Option<ShareId> {
        self.shares_of_uuids.get(uuid).map(|id| *id)
    }

    /// An organisation.
    pub fn organization(&self, id: &OrgId) -> Option<Ref<'_, OrgId, Organization>> {
        self.organizations.get(id)
    }

    /// The ids of all organisations, in order.
    pub fn organization_ids(&self) -> Vec<OrgId> {
        sorted(self.organizations.iter().map(|organization| organization.key().clone()))
    }

    /// An api key.
    pub fn api_key(&self, id: KeyId) -> Option<Ref<'_, KeyId, ApiKey>> {
        self.api_keys.get(&id)
    }

    /// The ids of all api keys, rising.
    pub fn api_key_ids(&self) -> Vec<KeyId> {
        sorted(self.api_keys.iter().map(|key| *key.key()))
    }

    /// Who holds a token. Who it lets in is for [`identify`](crate::access::identify) to say.
    pub fn holder(&self, token: &TokenHash) -> Option<Holder> {
        self.tokens.get(token).map(|holder| *holder)
    }

    /// The highest ids that were ever given.
    pub fn last_ids(&self) -> LastIds {
        *self.last_ids.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the newest journal entry that is part of this state; 0 before the first.
    pub fn folded(&self) -> u64 {
        self.folded.load(Ordering::Acquire)
    }

    /// When that entry was written, in milliseconds since 1970.
    pub fn at_ms(&self) -> u64 {
        self.at_ms.load(Ordering::Acquire)
    }

    /// The digest as of the last [`Writer::settle`], with the entry it stands for: live, all of a batch is in it before any of
    /// the batch is acknowledged.
    pub fn digest(&self) -> Settled {
        *self.settled.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sorted<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    let mut ids: Vec<T> = ids.collect();
    ids.sort_unstable();
    ids
}

//! This is where the state is changed: each thing put in place or taken away together with all that hangs on it, so that no
//! index is ever left behind.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use dashmap::mapref::one::RefMut;

use super::State;
use super::account::{Chat, Session, User};
use super::app::App;
use super::bot::Bot;
use super::id::{AppId, BotId, ChatId, EntryId, KeyId, OrgId, ShareId, UserId};
use super::last_ids::LastIds;
use super::organization::{ApiKey, Member, Organization};
use super::patterns::fold;
use super::share::Share;
use super::token::{Holder, TokenHash};

/// The one who may change a [`State`].
#[derive(Debug, Default)]
pub struct Writer(Arc<State>);

impl Writer {
    /// The state, for readers.
    pub fn state(&self) -> &Arc<State> {
        &self.0
    }

    /// An app, to be changed.
    pub fn app_mut(&mut self, id: AppId) -> Option<RefMut<'_, AppId, App>> {
        self.0.apps.get_mut(&id)
    }

    /// Puts an app in place.
    pub fn put_app(&mut self, app: App) {
        self.0.apps.insert(app.settings.app_id, app);
    }

    /// Takes an app away, with its lists.
    pub fn remove_app(&mut self, id: AppId) -> Option<App> {
        self.0.apps.remove(&id).map(|(_, app)| app)
    }

    /// Puts a bot in place, and its token with it; a token it had before is void.
    pub fn put_bot(&mut self, bot: Bot) {
        let (id, token) = (bot.bot_id, bot.token);
        // The new token first, and the old one only if it is another: a token that stays is known at every moment.
        self.0.tokens.insert(token, Holder::Bot(id));
        if let Some(before) = self.0.bots.insert(id, bot)
            && before.token != token
        {
            self.0.tokens.remove(&before.token);
        }
    }

    /// Takes a bot away; its token is void.
    pub fn remove_bot(&mut self, id: BotId) -> Option<Bot> {
        let (_, bot) = self.0.bots.remove(&id)?;
        self.0.tokens.remove(&bot.token);
        Some(bot)
    }

    /// Puts a user in place, under the email address; the one they had before is free.
    pub fn put_user(&mut self, user: User) {
        let (id, email) = (user.user_id, Box::from(fold(&user.primary_email)));
        self.change_last_ids(|last| last.note_user(id));
        self.0.users_of_emails.insert(Box::clone(&email), id);
        if let Some(before) = self.0.users.insert(id, user) {
            let before = fold(&before.primary_email).into_owned();
            if *before != *email {
                self.0.users_of_emails.remove(&*before);
            }
        }
    }

    /// Takes a user away, with their chats and shares, their places on the lists of others, and their sessions, whose tokens
    /// are given back.
    pub fn remove_user(&mut self, id: UserId) -> Option<(User, Vec<TokenHash>)> {
        let (_, user) = self.0.users.remove(&id)?;
        self.0.users_of_emails.remove(fold(&user.primary_email).as_ref());
        for chat in self.0.chats_of(id) {
            self.remove_chat(chat);
        }
        for mut share in self.0.shares.iter_mut() {
            share.entries.remove(id);
        }
        let sessions = self.0.sessions_of(id);
        for token in &sessions {
            self.remove_session(token);
        }
        Some((user, sessions))
    }

    /// Puts a session in place, as its user's newest.
    pub fn put_session(&mut self, session: Session) {
        let (token, user) = (session.token, session.user_id);
        self.0.sessions.insert(token, session);
        self.0.sessions_of_users.entry(user).or_default().push(token);
        self.0.tokens.insert(token, Holder::User(user));
    }

    /// Takes a session away; its token is void.
    pub fn remove_session(&mut self, token: &TokenHash) -> Option<Session> {
        let (_, session) = self.0.sessions.remove(token)?;
        self.0.tokens.remove(token);
        if let Some(mut sessions) = self.0.sessions_of_users.get_mut(&session.user_id) {
            sessions.retain(|other| other != token);
        }
        self.0.sessions_of_users.remove_if(&session.user_id, |_, sessions| sessions.is_empty());
        Some(session)
    }

    /// Puts a chat in place.
    pub fn put_chat(&mut self, chat: Chat) {
        let (id, user) = (chat.chat_id, chat.user_id);
        self.change_last_ids(|last| last.note_chat(id));
        if self.0.chats.insert(id, chat).is_none() {
            let mut chats = self.0.chats_of_users.entry(user).or_default();
            let place = chats.partition_point(|other| *other < id);
            chats.insert(place, id);
        }
    }

    /// Takes a chat away, with its share.
    pub fn remove_chat(&mut self, id: ChatId) -> Option<Chat> {
        let (_, chat) = self.0.chats.remove(&id)?;
        if let Some(share) = self.0.share_of_chat(id) {
            self.remove_share(share);
        }
        if let Some(mut chats) = self.0.chats_of_users.get_mut(&chat.user_id)
            && let Ok(place) = chats.binary_search(&id)
        {
            chats.remove(place);
        }
        self.0.chats_of_users.remove_if(&chat.user_id, |_, chats| chats.is_empty());
        Some(chat)
    }

    /// A share, to be changed. Its id, uuid and chat stay.
    pub fn share_mut(&mut self, id: ShareId) -> Option<RefMut<'_, ShareId, Share>> {
        self.0.shares.get_mut(&id)
    }

    /// Puts a new share in place.
    pub fn put_share(&mut self, share: Share) {
        let (id, chat, uuid) = (share.settings.share_id, share.settings.chat_id, share.settings.share_uuid);
        self.change_last_ids(|last| last.note_share(id));
        self.0.shares.insert(id, share);
        self.0.shares_of_chats.insert(chat, id);
        self.0.shares_of_uuids.insert(uuid, id);
    }

    /// Takes a share away, with its list.
    pub fn remove_share(&mut self, id: ShareId) -> Option<Share> {
        let (_, share) = self.0.shares.remove(&id)?;
        self.0.shares_of_chats.remove(&share.settings.chat_id);
        self.0.shares_of_uuids.remove(&share.settings.share_uuid);
        Some(share)
    }

    /// An organisation, to be changed.
    pub fn organization_mut(&mut self, id: &OrgId) -> Option<RefMut<'_, OrgId, Organization>> {
        self.0.organizations.get_mut(id)
    }

    /// Puts a new organisation in place.
    pub fn put_organization(&mut self, organization: Organization) {
        self.0.organizations.insert(organization.settings.org_id.clone(), organization);
    }

    /// Takes an organisation away, with its members and their api keys, which are given back.
    pub fn remove_organization(&mut self, id: &OrgId) -> Option<(Organization, Vec<ApiKey>)> {
        let (_, organization) = self.0.organizations.remove(id)?;
        let keys = organization.keys().filter_map(|key| self.remove_api_key(key)).collect();
        Some((organization, keys))
    }

    /// Puts a member in place, where there is the organisation.
    pub fn put_member(&mut self, id: &OrgId, member: Member) {
        self.change_last_ids(|last| last.note_member(member.member_id));
        if let Some(mut organization) = self.0.organizations.get_mut(id) {
            organization.put_member(member);
        }
    }

    /// Takes a member away, with their api keys, which are given back.
    pub fn remove_member(&mut self, id: &OrgId, email: &str) -> Option<(Member, Vec<ApiKey>)> {
        let keys: Vec<KeyId> = {
            let organization = self.0.organizations.get(id)?;
            organization.keys_of(organization.member(email)?.member_id).collect()
        };
        let keys = keys.into_iter().filter_map(|key| self.remove_api_key(key)).collect();
        let member = self.0.organizations.get_mut(id)?.remove_member(email)?;
        Some((member, keys))
    }

    /// Puts an api key in place, with its member; a token it had before is void.
    pub fn put_api_key(&mut self, key: ApiKey) {
        let (id, token) = (key.key_id, key.token);
        self.change_last_ids(|last| last.note_key(id));
        if let Some(mut organization) = self.0.organizations.get_mut(&key.org_id)
            && let Some(member) = organization.member(&key.email).map(|member| member.member_id)
        {
            organization.note_key(member, id);
        }
        self.0.tokens.insert(token, Holder::ApiKey(id));
        if let Some(before) = self.0.api_keys.insert(id, key)
            && before.token != token
        {
            self.0.tokens.remove(&before.token);
        }
    }

    /// Takes an api key away; its token is void.
    pub fn remove_api_key(&mut self, id: KeyId) -> Option<ApiKey> {
        let (_, key) = self.0.api_keys.remove(&id)?;
        self.0.tokens.remove(&key.token);
        if let Some(mut organization) = self.0.organizations.get_mut(&key.org_id)
            && let Some(member) = organization.member(&key.email).map(|member| member.member_id)
        {
            organization.forget_key(member, id);
        }
        Some(key)
    }

    /// Gives so many ids for entries on shares' lists; none where there are not enough left.
    pub fn next_entry_ids(&mut self, count: usize) -> Option<Vec<EntryId>> {
        self.change_last_ids(|last| {
            let mut after = *last;
            let ids = (0..count).map(|_| after.next_entry()).collect::<Option<_>>()?;
            *last = after;
            Some(ids)
        })
    }

    /// Gives or notes ids.
    pub fn change_last_ids<T>(&mut self, change: impl FnOnce(&mut LastIds) -> T) -> T {
        change(&mut self.0.last_ids.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes which journal entry was folded last.
    pub fn note(&mut self, seq: u64, at_ms: u64) {
        self.0.folded.store(seq, Ordering::Release);
        self.0.at_ms.store(at_ms, Ordering::Release);
    }
}

//! This is where users, their sessions and their chats come and go.

use std::borrow::Cow;

use super::Writer;
use crate::state::account::{Chat, Session, User};
use crate::state::id::{ChatId, UserId};
use crate::state::patterns::fold;
use crate::state::record::Record;
use crate::state::token::{Holder, TokenHash};

impl Writer {
    /// Puts a user in place, under the email address; the one they had before is free.
    pub fn put_user(&mut self, user: User) {
        let (id, email) = (user.user_id, Box::from(fold(&user.primary_email)));
        self.note_id(|last| last.note_user(id));
        self.tally.add(&Record::User(Cow::Borrowed(&user)));
        self.state.users_of_emails.insert(Box::clone(&email), id);
        if let Some(before) = self.state.users.insert(id, user) {
            self.tally.remove(&Record::User(Cow::Borrowed(&before)));
            let before = fold(&before.primary_email).into_owned();
            if *before != *email {
                self.state.users_of_emails.remove(&*before);
            }
        }
    }

    /// Takes a user away, with their chats and shares, their places on the lists of others, and their sessions, whose tokens
    /// are given back.
    pub fn remove_user(&mut self, id: UserId) -> Option<(User, Vec<TokenHash>)> {
        let (_, user) = self.state.users.remove(&id)?;
        self.tally.remove(&Record::User(Cow::Borrowed(&user)));
        self.state.users_of_emails.remove(fold(&user.primary_email).as_ref());
        for chat in self.state.chats_of(id) {
            self.remove_chat(chat);
        }
        self.remove_from_all_shares(id);
        let sessions = self.state.sessions_of(id);
        for token in &sessions {
            self.remove_session(token);
        }
        Some((user, sessions))
    }

    /// Puts a session in place, as its user's newest.
    pub fn put_session(&mut self, session: Session) {
        let (token, user) = (session.token, session.user_id);
        self.remove_session(&token);
        self.tally.add(&Record::Session(Cow::Borrowed(&session)));
        self.state.sessions.insert(token, session);
        self.state.sessions_of_users.entry(user).or_default().push(token);
        self.state.tokens.insert(token, Holder::User(user));
    }

    /// Takes a session away; its token is void.
    pub fn remove_session(&mut self, token: &TokenHash) -> Option<Session> {
        let (_, session) = self.state.sessions.remove(token)?;
        self.tally.remove(&Record::Session(Cow::Borrowed(&session)));
        self.state.tokens.remove(token);
        if let Some(mut sessions) = self.state.sessions_of_users.get_mut(&session.user_id) {
            sessions.retain(|other| other != token);
        }
        self.state.sessions_of_users.remove_if(&session.user_id, |_, sessions| sessions.is_empty());
        Some(session)
    }

    /// Puts a chat in place.
    pub fn put_chat(&mut self, chat: Chat) {
        let (id, user) = (chat.chat_id, chat.user_id);
        self.note_id(|last| last.note_chat(id));
        self.tally.add(&Record::Chat(Cow::Borrowed(&chat)));
        if let Some(before) = self.state.chats.insert(id, chat) {
            self.tally.remove(&Record::Chat(Cow::Borrowed(&before)));
            return;
        }
        let mut chats = self.state.chats_of_users.entry(user).or_default();
        let place = chats.partition_point(|other| *other < id);
        chats.insert(place, id);
    }

    /// Takes a chat away, with its share.
    pub fn remove_chat(&mut self, id: ChatId) -> Option<Chat> {
        let (_, chat) = self.state.chats.remove(&id)?;
        self.tally.remove(&Record::Chat(Cow::Borrowed(&chat)));
        if let Some(share) = self.state.share_of_chat(id) {
            self.remove_share(share);
        }
        if let Some(mut chats) = self.state.chats_of_users.get_mut(&chat.user_id)
            && let Ok(place) = chats.binary_search(&id)
        {
            chats.remove(place);
        }
        self.state.chats_of_users.remove_if(&chat.user_id, |_, chats| chats.is_empty());
        Some(chat)
    }
}

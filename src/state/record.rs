//! This is where the state is taken apart: into records, of which snapshots are made and digests are taken, and from which
//! [`super::restore`] puts it together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::State;
use super::account::{Chat, Session, User};
use super::app::{AppSettings, ListName};
use super::bot::Bot;
use super::id::{AppId, OrgId, ShareId};
use super::last_ids::LastIds;
use super::organization::{ApiKey, Member, OrgSettings};
use super::pattern_list::Pattern;
use super::share::{ShareEntry, ShareSettings};
use super::signup_list::Entry;

/// One independent piece of the state; all records together are the state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record<'a> {
    /// An app without its lists; it comes before the records of its lists.
    App {
        /// Its settings.
        settings: Cow<'a, AppSettings>,
        /// The number of its newest entry ever.
        last_signup: u64,
        /// The number of its newest pattern ever.
        last_pattern: u64,
    },
    /// A person on a list.
    Signup {
        /// The list's app.
        app_id: AppId,
        /// Which list.
        list: ListName,
        /// The entry's number.
        id: u64,
        /// The entry.
        entry: Cow<'a, Entry>,
    },
    /// A pattern on a list.
    Pattern {
        /// The list's app.
        app_id: AppId,
        /// Which list.
        list: ListName,
        /// The pattern's number.
        id: u64,
        /// The pattern.
        pattern: Cow<'a, Pattern>,
    },
    /// A bot.
    Bot(Cow<'a, Bot>),
    /// Which ids were given; it comes before the records that have them.
    LastIds(LastIds),
    /// A user.
    User(Cow<'a, User>),
    /// A chat; it comes after its user.
    Chat(Cow<'a, Chat>),
    /// A share without its list; it comes after its chat.
    Share(Cow<'a, ShareSettings>),
    /// A user on a share's list.
    ShareEntry {
        /// The share.
        share_id: ShareId,
        /// The entry.
        entry: ShareEntry,
    },
    /// An organisation without its members.
    Organization(Cow<'a, OrgSettings>),
    /// A member of an organisation.
    Member {
        /// The organisation.
        org_id: Cow<'a, OrgId>,
        /// The member.
        member: Cow<'a, Member>,
    },
    /// An api key; it comes after its member.
    ApiKey(Cow<'a, ApiKey>),
    /// A session; it comes after its user, and those of one user come oldest first.
    Session(Cow<'a, Session>),
}

/// Hands out every record of the state: each kind by id, what is on lists oldest first.
pub fn each_record<E>(state: &State, mut take: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    each_app(state, &mut take)?;
    for bot_id in state.bot_ids() {
        let Some(bot) = state.bot(bot_id) else { continue };
        take(Record::Bot(Cow::Borrowed(&bot)))?;
    }
    // A state that never gave one has the records, and the digest, that it had before there were any.
    if state.last_ids() != LastIds::default() {
        take(Record::LastIds(state.last_ids()))?;
    }
    each_user(state, &mut take)?;
    each_share(state, &mut take)?;
    each_organization(state, &mut take)
}

fn each_app<E>(state: &State, take: &mut impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    for app_id in state.app_ids() {
        let Some(app) = state.app(app_id) else { continue };
        take(Record::App {
            settings: Cow::Borrowed(&app.settings),
            last_signup: app.last_signup,
            last_pattern: app.last_pattern,
        })?;
        for list in [ListName::Whitelist, ListName::Blacklist] {
            for (id, entry) in app.list(list).signups.iter() {
                take(Record::Signup { app_id, list, id, entry: Cow::Borrowed(entry) })?;
            }
            for (id, pattern) in app.list(list).patterns.iter() {
                take(Record::Pattern { app_id, list, id, pattern: Cow::Borrowed(pattern) })?;
            }
        }
    }
    Ok(())
}

fn each_user<E>(state: &State, take: &mut impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    for user_id in state.user_ids() {
        let Some(user) = state.user(user_id).map(|user| user.clone()) else { continue };
        take(Record::User(Cow::Owned(user)))?;
        for token in state.sessions_of(user_id) {
            let Some(session) = state.session(&token) else { continue };
            take(Record::Session(Cow::Borrowed(&session)))?;
        }
    }
    Ok(())
}

fn each_share<E>(state: &State, take: &mut impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    for chat_id in state.chat_ids() {
        let Some(chat) = state.chat(chat_id) else { continue };
        take(Record::Chat(Cow::Borrowed(&chat)))?;
    }
    for share_id in state.share_ids() {
        let Some(share) = state.share(share_id) else { continue };
        take(Record::Share(Cow::Borrowed(&share.settings)))?;
        share.entries.iter().try_for_each(|entry| take(Record::ShareEntry { share_id, entry: *entry }))?;
    }
    Ok(())
}

fn each_organization<E>(state: &State, take: &mut impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    for org_id in state.organization_ids() {
        let Some(organization) = state.organization(&org_id) else { continue };
        take(Record::Organization(Cow::Borrowed(&organization.settings)))?;
        for member in organization.members() {
            take(Record::Member { org_id: Cow::Borrowed(&org_id), member: Cow::Borrowed(member) })?;
        }
    }
    for key_id in state.api_key_ids() {
        let Some(key) = state.api_key(key_id) else { continue };
        take(Record::ApiKey(Cow::Borrowed(&key)))?;
    }
    Ok(())
}

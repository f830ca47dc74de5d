//! This is where the state is taken apart: into records, of which snapshots are made and digests are taken, and from which
//! [`super::restore`] puts it together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::State;
use super::account::{Chat, Session, User};
use super::app::{App, AppSettings, ListName};
use super::bot::Bot;
use super::id::{AppId, OrgId, ShareId};
use super::last_ids::LastIds;
use super::organization::{ApiKey, Member, OrgSettings, Organization};
use super::pattern_list::Pattern;
use super::share::{Share, ShareEntry, ShareSettings};
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

impl<'a> Record<'a> {
    /// An app's own record.
    pub(super) fn of_app(app: &'a App) -> Self {
        let App { settings, last_signup, last_pattern, .. } = app;
        Self::App { settings: Cow::Borrowed(settings), last_signup: *last_signup, last_pattern: *last_pattern }
    }

    /// The record of the ids that were given. A state that never gave one has the records, and the digest, that it had before
    /// there were any.
    pub(super) fn of_last_ids(last: LastIds) -> Option<Self> {
        (last != LastIds::default()).then_some(Self::LastIds(last))
    }

    /// The record of a sign-up.
    pub(super) fn of_signup(app_id: AppId, list: ListName, id: u64, entry: &'a Entry) -> Self {
        Self::Signup { app_id, list, id, entry: Cow::Borrowed(entry) }
    }

    /// The record of a pattern.
    pub(super) fn of_pattern(app_id: AppId, list: ListName, id: u64, pattern: &'a Pattern) -> Self {
        Self::Pattern { app_id, list, id, pattern: Cow::Borrowed(pattern) }
    }

    /// The record of a member.
    pub(super) fn of_member(org_id: &'a OrgId, member: &'a Member) -> Self {
        Self::Member { org_id: Cow::Borrowed(org_id), member: Cow::Borrowed(member) }
    }
}

/// Hands out every record of the state: each kind by id, what is on lists oldest first.
pub fn each_record<E>(state: &State, mut take: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    for app_id in state.app_ids() {
        let Some(app) = state.app(app_id) else { continue };
        take(Record::of_app(&app))?;
        on_lists_of(&app, &mut take)?;
    }
    for bot_id in state.bot_ids() {
        let Some(bot) = state.bot(bot_id) else { continue };
        take(Record::Bot(Cow::Borrowed(&bot)))?;
    }
    Record::of_last_ids(state.last_ids()).map_or(Ok(()), &mut take)?;
    each_user(state, &mut take)?;
    for chat_id in state.chat_ids() {
        let Some(chat) = state.chat(chat_id) else { continue };
        take(Record::Chat(Cow::Borrowed(&chat)))?;
    }
    for share_id in state.share_ids() {
        let Some(share) = state.share(share_id) else { continue };
        of_share(&share, &mut take)?;
    }
    for org_id in state.organization_ids() {
        let Some(organization) = state.organization(&org_id) else { continue };
        of_organization(&organization, &mut take)?;
    }
    for key_id in state.api_key_ids() {
        let Some(key) = state.api_key(key_id) else { continue };
        take(Record::ApiKey(Cow::Borrowed(&key)))?;
    }
    Ok(())
}

/// Hands out the records of what is on an app's lists.
pub(super) fn on_lists_of<E>(app: &App, mut take: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    let app_id = app.settings.app_id;
    for list in [ListName::Whitelist, ListName::Blacklist] {
        for (id, entry) in app.list(list).signups.iter() {
            take(Record::of_signup(app_id, list, id, entry))?;
        }
        for (id, pattern) in app.list(list).patterns.iter() {
            take(Record::of_pattern(app_id, list, id, pattern))?;
        }
    }
    Ok(())
}

/// Hands out the records of a share and of its list.
pub(super) fn of_share<E>(share: &Share, mut take: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
    let share_id = share.settings.share_id;
    take(Record::Share(Cow::Borrowed(&share.settings)))?;
    share.entries.iter().try_for_each(|entry| take(Record::ShareEntry { share_id, entry: *entry }))
}

/// Hands out the records of an organisation and of its members.
pub(super) fn of_organization<E>(
    organization: &Organization,
    mut take: impl FnMut(Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    take(Record::Organization(Cow::Borrowed(&organization.settings)))?;
    let org_id = &organization.settings.org_id;
    organization.members().try_for_each(|member| take(Record::of_member(org_id, member)))
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

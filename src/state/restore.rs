//! This is where the state is put together from its records, none of which is believed before it fits.

use super::Writer;
use super::app::{App, ListName};
use super::id::AppId;
use super::organization::Organization;
use super::pattern_list::Pattern;
use super::patterns::Expression;
use super::record::Record;
use super::share::Share;

/// Why records do not make a state.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// An entry or pattern came before its app.
    #[error("app {0} has an entry but no record of its own before it")]
    UnknownApp(AppId),
    /// A sign-up id that stands on its list already.
    #[error("app {0} has the sign-up id of entry {1} twice on one list")]
    Twice(AppId, u64),
    /// An entry or pattern whose number does not rise, or is above its app's count.
    #[error("app {0} has the number {1} where a higher one, within its count, must come")]
    Number(AppId, u64),
    /// A record whose user, chat, share, organisation or member did not come before it.
    #[error("the record of {0} is not preceded by what it belongs to")]
    Orphan(String),
    /// A record that stands already, or whose number does not rise.
    #[error("the record of {0} stands already, or comes out of order")]
    OutOfOrder(String),
}

/// Puts a state together from its records, in the order of [`each_record`](super::record::each_record).
pub struct Restore<'a> {
    writer: &'a mut Writer,
    /// Patterns of one list wait here, so that they are compiled together.
    patterns: Vec<(u64, Pattern, Expression)>,
    patterns_of: Option<(AppId, ListName)>,
}

impl<'a> Restore<'a> {
    /// Starts on an empty state.
    pub fn new(writer: &'a mut Writer) -> Self {
        Self { writer, patterns: Vec::new(), patterns_of: None }
    }

    /// Adds the next record.
    pub fn take(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        match record {
            Record::App { settings, last_signup, last_pattern } => {
                let mut app = App::new(settings.into_owned());
                (app.last_signup, app.last_pattern) = (last_signup, last_pattern);
                self.writer.put_app(app);
            }
            Record::Signup { app_id, list, id, entry } => {
                let mut app = self.writer.app_mut(app_id).ok_or(RestoreError::UnknownApp(app_id))?;
                let last = app.last_signup;
                let signups = &mut app.list_mut(list).signups;
                if id > last || signups.last_id().is_some_and(|before| before >= id) {
                    return Err(RestoreError::Number(app_id, id));
                }
                let vacancy = signups.look_up(&entry.signup_id).err().ok_or(RestoreError::Twice(app_id, id))?;
                signups.push(vacancy, id, entry.into_owned());
            }
            Record::Pattern { app_id, list, id, pattern } => {
                if self.patterns_of != Some((app_id, list)) {
                    self.flush()?;
                    self.patterns_of = Some((app_id, list));
                }
                // What was accepted once stands, even where a later gateway cannot read it any more.
                let expression = Expression::parse(&pattern.pattern, pattern.operator).unwrap_or_else(|error| {
                    tracing::warn!(%app_id, id, %error, "a pattern can no longer be read, and matches nothing");
                    Expression::nothing()
                });
                self.patterns.push((id, pattern.into_owned(), expression));
            }
            Record::Bot(bot) => self.writer.put_bot(bot.into_owned()),
            Record::LastIds(ids) => self.writer.change_last_ids(|last| *last = ids),
            Record::User(user) => self.writer.put_user(user.into_owned()),
            Record::Session(session) => {
                let known = self.writer.state().user(session.user_id).is_some();
                belongs(known, || format!("a session of user {}", session.user_id))?;
                self.writer.put_session(session.into_owned());
            }
            Record::Chat(chat) => {
                let known = self.writer.state().user(chat.user_id).is_some();
                belongs(known, || format!("chat {}", chat.chat_id))?;
                self.writer.put_chat(chat.into_owned());
            }
            Record::Share(settings) => {
                let owner = self.writer.state().chat(settings.chat_id).map(|chat| chat.user_id);
                belongs(owner == Some(settings.user_id), || format!("share {}", settings.share_id))?;
                self.writer.put_share(Share::new(settings.into_owned()));
            }
            Record::ShareEntry { share_id, entry } => {
                let told = || format!("entry {} of share {share_id}", entry.entry_id);
                belongs(self.writer.state().user(entry.user_id).is_some(), told)?;
                let mut share = self.writer.share_mut(share_id).ok_or_else(|| RestoreError::Orphan(told()))?;
                if !share.entries.takes(&entry) {
                    return Err(RestoreError::OutOfOrder(told()));
                }
                share.entries.push(entry);
            }
            Record::Organization(settings) => self.writer.put_organization(Organization::new(settings.into_owned())),
            Record::Member { org_id, member } => {
                let told = || format!("member {} of organisation {org_id}", member.member_id);
                let organization = self.writer.organization_mut(&org_id);
                let mut organization = organization.ok_or_else(|| RestoreError::Orphan(told()))?;
                let rises = organization.last_member_id().is_none_or(|last| last < member.member_id.get().into());
                if !rises || organization.member(&member.email).is_some() {
                    return Err(RestoreError::OutOfOrder(told()));
                }
                organization.put_member(member.into_owned());
            }
            Record::ApiKey(key) => {
                let organization = self.writer.state().organization(&key.org_id);
                let known = organization.is_some_and(|organization| organization.member(&key.email).is_some());
                belongs(known, || format!("api key {}", key.key_id))?;
                self.writer.put_api_key(key.into_owned());
            }
        }
        Ok(())
    }

    /// Adds what still waits. The state is whole only after this.
    pub fn finish(mut self) -> Result<(), RestoreError> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), RestoreError> {
        let Some((app_id, list)) = self.patterns_of.take() else { return Ok(()) };
        let mut app = self.writer.app_mut(app_id).ok_or(RestoreError::UnknownApp(app_id))?;
        let patterns = std::mem::take(&mut self.patterns);
        let rising = patterns.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if let Some((id, ..)) = patterns.last().filter(|(id, ..)| !rising || *id > app.last_pattern) {
            return Err(RestoreError::Number(app_id, *id));
        }
        app.list_mut(list).patterns.extend(patterns);
        Ok(())
    }
}

fn belongs(known: bool, told: impl FnOnce() -> String) -> Result<(), RestoreError> {
    if known { Ok(()) } else { Err(RestoreError::Orphan(told())) }
}

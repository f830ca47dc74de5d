//! This is where the state is put together from its records, none of which is believed before it fits.

use super::account::User;
use super::app::{App, ListName};
use super::digest::{Digest, RecordHash, RecordText};
use super::id::{AppId, OrgId, ShareId};
use super::last_ids::LastIds;
use super::organization::{ApiKey, Member, Organization};
use super::pattern_list::Pattern;
use super::patterns::Expression;
use super::record::Record;
use super::share::{Share, ShareEntry, ShareSettings};
use super::{State, Writer};

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
    /// A record that stands already, or has what only one may have, or whose number does not rise.
    #[error("the record of {0} stands already, or comes out of order")]
    OutOfOrder(String),
    /// A record whose id is above those that were given: it would be given again.
    #[error("the record of {0} has an id that was never given")]
    NeverGiven(String),
}

/// Puts a state together from its records, in the order of [`each_record`](super::record::each_record).
pub struct Restore<'a> {
    writer: &'a mut Writer,
    /// Patterns of one list wait here, so that they are compiled together.
    patterns: Vec<(u64, Pattern, Expression)>,
    patterns_of: Option<(AppId, ListName)>,
    patterns_listed: Vec<RecordHash>,
    /// What all records come to.
    counted: Digest,
}

impl<'a> Restore<'a> {
    /// Starts on an empty state. Its records are not counted one by one: [`Restore::finish`] is told what they come to.
    pub fn new(writer: &'a mut Writer) -> Self {
        writer.stop_counting();
        let (patterns, patterns_listed) = Default::default();
        Self { writer, patterns, patterns_of: None, patterns_listed, counted: Digest::default() }
    }

    /// Adds the next record.
    pub fn take(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        let hash = RecordHash::of(&record, &mut RecordText::default());
        self.take_hashed(record, hash)
    }

    /// The same where the hash of its text is known. It is believed only if those of all records come to the digest that
    /// [`Restore::finish`] is told: an earlier gateway may have written a record in another way.
    pub fn take_hashed(&mut self, record: Record<'_>, hash: RecordHash) -> Result<(), RestoreError> {
        self.counted.add_hash(hash);
        match record {
            Record::App { settings, last_signup, last_pattern } => {
                is_new(self.state().app(settings.app_id).is_none(), || format!("app {}", settings.app_id))?;
                let mut app = App::new(settings.into_owned());
                (app.last_signup, app.last_pattern) = (last_signup, last_pattern);
                self.writer.put_app(app);
            }
            Record::Signup { app_id, list, id, entry } => {
                let mut app = self.writer.app_mut(app_id).ok_or(RestoreError::UnknownApp(app_id))?;
                let last = app.last_signup;
                let signups = &app.list(list).signups;
                if id > last || signups.last_id().is_some_and(|before| before >= id) {
                    return Err(RestoreError::Number(app_id, id));
                }
                let vacancy = signups.look_up(&entry.signup_id).err().ok_or(RestoreError::Twice(app_id, id))?;
                app.push_signup(list, vacancy, id, entry.into_owned());
                app.note_listed(hash);
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
                self.patterns_listed.push(hash);
            }
            Record::Bot(bot) => {
                let stands = self.state().bot(bot.bot_id).is_some() || self.state().holder(&bot.token).is_some();
                is_new(!stands, || format!("bot {}", bot.bot_id))?;
                self.writer.put_bot(bot.into_owned());
            }
            Record::LastIds(ids) => {
                is_new(self.state().last_ids() == LastIds::default(), || "the ids that were given".to_owned())?;
                self.writer.set_last_ids(ids);
            }
            Record::User(user) => self.user(user.into_owned())?,
            Record::Session(session) => {
                let told = || format!("a session of user {}", session.user_id);
                belongs(self.state().user(session.user_id).is_some(), told)?;
                is_new(self.state().holder(&session.token).is_none(), told)?;
                self.writer.put_session(session.into_owned());
            }
            Record::Chat(chat) => {
                let told = || format!("chat {}", chat.chat_id);
                belongs(self.state().user(chat.user_id).is_some(), told)?;
                is_new(self.state().chat(chat.chat_id).is_none(), told)?;
                self.was_given(|last| last.note_chat(chat.chat_id), told)?;
                self.writer.put_chat(chat.into_owned());
            }
            Record::Share(settings) => self.share(settings.into_owned())?,
            Record::ShareEntry { share_id, entry } => self.share_entry(share_id, entry)?,
            Record::Organization(settings) => {
                let stands = self.state().organization(&settings.org_id).is_some();
                is_new(!stands, || format!("organisation {}", settings.org_id))?;
                self.writer.put_organization(Organization::new(settings.into_owned()));
            }
            Record::Member { org_id, member } => self.member(&org_id, member.into_owned())?,
            Record::ApiKey(key) => self.api_key(key.into_owned())?,
        }
        Ok(())
    }

    /// Adds what still waits. The state is whole only after this, and is taken to have the digest that was written with its
    /// records; [`Digest::of`] counts anew.
    pub fn finish(mut self, digest: Digest) -> Result<(), RestoreError> {
        self.flush()?;
        if self.counted != digest {
            self.writer.forget_listed();
        }
        self.writer.take_as_counted(digest);
        Ok(())
    }

    fn user(&mut self, user: User) -> Result<(), RestoreError> {
        let told = || format!("user {}", user.user_id);
        let stands = self.state().user(user.user_id).is_some();
        is_new(!stands && self.state().user_by_email(&user.primary_email).is_none(), told)?;
        self.was_given(|last| last.note_user(user.user_id), told)?;
        self.writer.put_user(user);
        Ok(())
    }

    fn share(&mut self, settings: ShareSettings) -> Result<(), RestoreError> {
        let ShareSettings { share_id, share_uuid, chat_id, user_id, .. } = settings;
        let told = || format!("share {share_id}");
        belongs(self.state().chat(chat_id).is_some_and(|chat| chat.user_id == user_id), told)?;
        let stands = self.state().share(share_id).is_some() || self.state().share_of_chat(chat_id).is_some();
        is_new(!stands && self.state().share_by_uuid(&share_uuid).is_none(), told)?;
        self.was_given(|last| last.note_share(share_id), told)?;
        self.writer.put_share(Share::new(settings));
        Ok(())
    }

    fn share_entry(&mut self, share_id: ShareId, entry: ShareEntry) -> Result<(), RestoreError> {
        let told = || format!("entry {} of share {share_id}", entry.entry_id);
        belongs(self.state().user(entry.user_id).is_some(), told)?;
        self.was_given(|last| last.note_entry(entry.entry_id), told)?;
        let mut share = self.writer.share_mut(share_id).ok_or_else(|| RestoreError::Orphan(told()))?;
        is_new(share.entries.takes(&entry), told)?;
        share.add(entry);
        Ok(())
    }

    fn member(&mut self, org_id: &OrgId, member: Member) -> Result<(), RestoreError> {
        let told = || format!("member {} of organisation {org_id}", member.member_id);
        self.was_given(|last| last.note_member(member.member_id), told)?;
        let organization = self.writer.organization_mut(org_id);
        let mut organization = organization.ok_or_else(|| RestoreError::Orphan(told()))?;
        let rises = organization.last_member_id().is_none_or(|last| last < member.member_id.get().into());
        is_new(rises && organization.member(&member.email).is_none(), told)?;
        organization.put_member(member);
        Ok(())
    }

    fn api_key(&mut self, key: ApiKey) -> Result<(), RestoreError> {
        let told = || format!("api key {}", key.key_id);
        let organization = self.state().organization(&key.org_id);
        belongs(organization.is_some_and(|organization| organization.member(&key.email).is_some()), told)?;
        let stands = self.state().api_key(key.key_id).is_some() || self.state().holder(&key.token).is_some();
        is_new(!stands, told)?;
        self.was_given(|last| last.note_key(key.key_id), told)?;
        self.writer.put_api_key(key);
        Ok(())
    }

    fn state(&self) -> &State {
        self.writer.state()
    }

    /// Refuses an id that noting would make the highest.
    fn was_given(&self, note: impl FnOnce(&mut LastIds), told: impl FnOnce() -> String) -> Result<(), RestoreError> {
        let last = self.state().last_ids();
        let mut noted = last;
        note(&mut noted);
        if noted == last { Ok(()) } else { Err(RestoreError::NeverGiven(told())) }
    }

    fn flush(&mut self) -> Result<(), RestoreError> {
        let Some((app_id, list)) = self.patterns_of.take() else { return Ok(()) };
        let mut app = self.writer.app_mut(app_id).ok_or(RestoreError::UnknownApp(app_id))?;
        let patterns = std::mem::take(&mut self.patterns);
        let rising = patterns.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if let Some((id, ..)) = patterns.last().filter(|(id, ..)| !rising || *id > app.last_pattern) {
            return Err(RestoreError::Number(app_id, *id));
        }
        app.push_patterns(list, patterns);
        std::mem::take(&mut self.patterns_listed).into_iter().for_each(|hash| app.note_listed(hash));
        Ok(())
    }
}

fn belongs(known: bool, told: impl FnOnce() -> String) -> Result<(), RestoreError> {
    if known { Ok(()) } else { Err(RestoreError::Orphan(told())) }
}

fn is_new(new: bool, told: impl FnOnce() -> String) -> Result<(), RestoreError> {
    if new { Ok(()) } else { Err(RestoreError::OutOfOrder(told())) }
}

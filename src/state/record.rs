//! This is where the state is taken apart and put together: as records, of which snapshots are made and digests are taken.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::app::{App, AppSettings, ListName};
use super::bot::Bot;
use super::id::AppId;
use super::pattern_list::Pattern;
use super::patterns::Expression;
use super::signup_list::Entry;
use super::{State, Writer};

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
}

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
}

/// Hands out every record of the state: apps and bots by id, list members oldest first.
pub fn each_record<E>(state: &State, mut take: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
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
    for bot_id in state.bot_ids() {
        let Some(bot) = state.bot(bot_id) else { continue };
        take(Record::Bot(Cow::Borrowed(&bot)))?;
    }
    Ok(())
}

/// Puts a state together from its records, in the order of [`each_record`].
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

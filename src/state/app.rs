//! This is where an app is described: its settings, and the two lists that say who may sign up.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Reason};
use super::digest::Digest;
use super::id::AppId;
use super::pattern_list::PatternList;
use super::patterns::fold;
use super::signup_list::{SignupList, Tags};

/// Which of an app's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListName {
    /// Who is let in.
    Whitelist,
    /// Who is kept out, whatever the whitelist says.
    Blacklist,
}

/// What an administrator sets of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSettings {
    /// Its id.
    pub app_id: AppId,
    /// Its name, for people.
    pub name: String,
    /// Whether it was made with the app builder; only such apps have lists.
    pub app_builder: bool,
    /// Whether only listed people may sign up. The list may be filled while this is off.
    pub use_whitelist: bool,
    /// Whether listed people are kept out. The list may be filled while this is off.
    pub use_blacklist: bool,
    /// The app's tags, by id.
    pub tags: Tags,
}

/// A whitelist or a blacklist: people and patterns.
#[derive(Debug, Default)]
pub struct List {
    /// The people on it.
    pub signups: SignupList,
    /// The patterns on it.
    pub patterns: PatternList,
}

/// An app with its lists, kept under one guard, so that a decision never sees half a change.
#[derive(Debug)]
pub struct App {
    /// What an administrator sets.
    pub settings: AppSettings,
    /// Who is let in.
    pub whitelist: List,
    /// Who is kept out.
    pub blacklist: List,
    /// The number of the newest entry ever added to either list.
    pub last_signup: u64,
    /// The number of the newest pattern ever added to either list.
    pub last_pattern: u64,
    /// What the records of all on its lists come to, so that they can be counted out at once when it is removed. Nothing where
    /// they were never counted, because the state was restored from records that do not make the digest written with them.
    pub(super) listed: Option<Digest>,
}

impl App {
    /// An app with empty lists.
    pub fn new(settings: AppSettings) -> Self {
        let (whitelist, blacklist) = Default::default();
        Self { settings, whitelist, blacklist, last_signup: 0, last_pattern: 0, listed: Some(Digest::default()) }
    }

    /// One of the lists.
    pub fn list(&self, name: ListName) -> &List {
        match name {
            ListName::Whitelist => &self.whitelist,
            ListName::Blacklist => &self.blacklist,
        }
    }

    /// One of the lists, to be changed.
    pub(super) fn list_mut(&mut self, name: ListName) -> &mut List {
        match name {
            ListName::Whitelist => &mut self.whitelist,
            ListName::Blacklist => &mut self.blacklist,
        }
    }

    /// Whether a person may sign up, and what decided.
    ///
    /// The blacklist is asked first and beats the whitelist; a list whose toggle is off decides nothing.
    pub fn decide(&self, signup_id: &str) -> Decision<'_> {
        let folded = fold(signup_id);
        if self.settings.use_blacklist {
            if let Some(entry) = self.blacklist.signups.find(&folded) {
                return Decision::by_entry(Reason::Blacklisted, entry);
            }
            if let Some(pattern) = self.blacklist.patterns.first_match(&folded) {
                return Decision::by_pattern(Reason::BlacklistedByPattern, pattern);
            }
        }
        if !self.settings.use_whitelist {
            return Decision::bare(Reason::NotFiltered);
        }
        if let Some(entry) = self.whitelist.signups.find(&folded) {
            return Decision::by_entry(Reason::Whitelisted, entry);
        }
        match self.whitelist.patterns.first_match(&folded) {
            Some(pattern) => Decision::by_pattern(Reason::WhitelistedByPattern, pattern),
            None => Decision::bare(Reason::NotWhitelisted),
        }
    }
}

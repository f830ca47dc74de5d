//! This is where "may this person in, and why?" has its answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern_list::Pattern;
use super::signup_list::{Entry, Tags};

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The person is on the blacklist.
    Blacklisted,
    /// A pattern of the blacklist matches.
    BlacklistedByPattern,
    /// The person is on the whitelist.
    Whitelisted,
    /// A pattern of the whitelist matches.
    WhitelistedByPattern,
    /// The whitelist is on and has neither the person nor a pattern that matches.
    NotWhitelisted,
    /// The whitelist is off and no blacklist in force names the person.
    NotFiltered,
}

impl Reason {
    /// Whether this reason lets a person in.
    pub fn allows(self) -> bool {
        matches!(self, Self::Whitelisted | Self::WhitelistedByPattern | Self::NotFiltered)
    }
}

/// A decision, with the entry or pattern that decided, each with its number.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What decided; [`Reason::allows`] says how.
    pub reason: Reason,
    /// The entry that decided.
    pub entry: Option<(u64, &'a Entry)>,
    /// The pattern that decided.
    pub pattern: Option<(u64, &'a Pattern)>,
}

impl<'a> Decision<'a> {
    pub(super) fn bare(reason: Reason) -> Self {
        Self { reason, entry: None, pattern: None }
    }

    pub(super) fn by_entry(reason: Reason, entry: (u64, &'a Entry)) -> Self {
        Self { reason, entry: Some(entry), pattern: None }
    }

    pub(super) fn by_pattern(reason: Reason, pattern: (u64, &'a Pattern)) -> Self {
        Self { reason, entry: None, pattern: Some(pattern) }
    }

    /// The tags of whatever decided.
    pub fn tags(&self) -> Option<&'a Tags> {
        let entry = self.entry.map(|(_, entry)| &entry.tags);
        entry.or(self.pattern.map(|(_, pattern)| &pattern.tags)).filter(|tags| !tags.is_empty())
    }
}

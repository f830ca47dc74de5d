//! This is where the patterns of a list are: in the order they were added, found by their text, matched all at once.

use std::collections::HashMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::id::RecordId;
use super::patterns::{Expression, Matcher, Operator};
use super::ranked::Ranked;
use super::signup_list::Tags;

/// One pattern on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Its text; a list has a text once.
    pub pattern: Box<str>,
    /// How the text is meant; absent: a regular expression or else a glob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// A sample of what it is meant to match, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Box<str>>,
    /// What a person it lets in is tagged with.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The patterns of one list, each under a number that rises with every addition.
#[derive(Default)]
pub struct PatternList {
    patterns: Ranked<Pattern>,
    by_text: HashMap<Box<str>, u64>,
    matcher: Matcher,
    compiled: usize,
}

impl PatternList {
    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// How many of them had to be compiled.
    pub fn compiled(&self) -> usize {
        self.compiled
    }

    /// The number of a pattern, by its text or else by the digits of its number.
    pub fn find(&self, text_or_id: &str) -> Option<u64> {
        self.by_text.get(text_or_id).copied().or_else(|| {
            let RecordId(id) = text_or_id.parse().ok().filter(|id: &RecordId| id.to_string() == text_or_id)?;
            self.patterns.get(id).map(|_| id)
        })
    }

    /// The pattern with a text, and its number.
    pub fn with_text(&self, text: &str) -> Option<(u64, &Pattern)> {
        let id = *self.by_text.get(text)?;
        Some((id, self.patterns.get(id).expect("an indexed pattern stands")))
    }

    /// Appends patterns whose texts do not stand on the list yet.
    ///
    /// # Panics
    /// If the ids do not rise.
    pub fn extend(&mut self, added: Vec<(u64, Pattern, Expression)>) {
        self.matcher.insert_all(added.iter().map(|(id, _, expression)| (*id, expression)));
        self.compiled += added.iter().filter(|(_, _, expression)| expression.is_compiled()).count();
        for (id, pattern, _) in added {
            self.by_text.insert(pattern.pattern.clone(), id);
            self.patterns.push(id, pattern);
        }
    }

    /// Takes a pattern off the list.
    pub fn remove(&mut self, id: u64) -> Option<Pattern> {
        let pattern = self.patterns.remove(id)?;
        self.by_text.remove(&pattern.pattern);
        let expression =
            Expression::parse(&pattern.pattern, pattern.operator).unwrap_or_else(|_| Expression::nothing());
        self.matcher.remove(id, &expression);
        self.compiled -= usize::from(expression.is_compiled());
        Some(pattern)
    }

    /// The oldest pattern that matches a folded sign-up id.
    pub fn first_match(&self, folded: &str) -> Option<(u64, &Pattern)> {
        let id = self.matcher.first(folded)?;
        Some((id, self.patterns.get(id).expect("a matching pattern stands")))
    }

    /// All patterns with their numbers, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Pattern)> {
        self.patterns.iter()
    }

    /// The patterns from the one with `rank` older ones on.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &Pattern)> {
        self.patterns.from_rank(rank)
    }

    /// The patterns with numbers above `id`.
    pub fn after(&self, id: u64) -> impl Iterator<Item = (u64, &Pattern)> {
        self.patterns.from_id(Bound::Excluded(id))
    }
}

impl std::fmt::Debug for PatternList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PatternList").field("len", &self.len()).finish_non_exhaustive()
    }
}

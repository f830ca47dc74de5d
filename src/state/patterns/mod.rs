//! Patterns: which of thousands of patterns matches a sign-up id, without trying them one by one.
//!
//! Most patterns are plain letters with an open end, such as `.*@example\.com`. They stand in tries, where an id finds them in as
//! many steps as it has letters. The others are compiled together, by the hundred. Of several that match, the one with the
//! lowest id is the answer, so it depends on neither.

mod expression;
mod fold;
mod shape;
#[cfg(test)]
mod tests;
mod tiers;
mod trie;

pub use expression::{Expression, ExpressionError, Operator};
pub use fold::fold;
pub(crate) use fold::fold_char;

use shape::Shape;
use tiers::Tiers;
use trie::{Reach, Trie};

/// The patterns of one list, by what they accept. An id stands for one pattern at a time.
#[derive(Debug, Default)]
pub struct Matcher {
    /// Expressions that start where the id starts.
    forward: Trie,
    /// Expressions that end where the id ends, from their last letter to their first.
    backward: Trie,
    /// Expressions that may start at any letter of the id.
    anywhere: Trie,
    /// All the others.
    general: Tiers,
}

impl Matcher {
    /// One pattern alone.
    pub fn of(expression: &Expression) -> Self {
        let mut matcher = Self::default();
        matcher.insert_all([(0, expression)]);
        matcher
    }

    /// Whether any pattern matches a folded sign-up id.
    pub fn matches(&self, folded: &str) -> bool {
        self.first(folded).is_some()
    }

    /// Adds a pattern.
    #[cfg(test)]
    pub fn insert(&mut self, id: u64, expression: &Expression) {
        self.insert_all([(id, expression)]);
    }

    /// Adds many patterns, and compiles those that need it in as few steps as possible.
    pub fn insert_all<'a>(&mut self, patterns: impl IntoIterator<Item = (u64, &'a Expression)>) {
        let mut general = Vec::new();
        for (id, expression) in patterns {
            match &expression.shape {
                Shape::Exact(steps) => self.forward.insert(steps.iter().copied(), Reach::Whole, id),
                Shape::Prefix(steps) => self.forward.insert(steps.iter().copied(), Reach::Open, id),
                Shape::Suffix(steps) => self.backward.insert(steps.iter().rev().copied(), Reach::Open, id),
                Shape::Contains(steps) => self.anywhere.insert(steps.iter().copied(), Reach::Open, id),
                Shape::General(expression) => general.push((id, expression.clone())),
            }
        }
        self.general.insert_all(general);
    }

    /// Takes away a pattern that was added with this id and expression.
    pub fn remove(&mut self, id: u64, expression: &Expression) {
        match &expression.shape {
            Shape::Exact(steps) => self.forward.remove(steps.iter().copied(), Reach::Whole, id),
            Shape::Prefix(steps) => self.forward.remove(steps.iter().copied(), Reach::Open, id),
            Shape::Suffix(steps) => self.backward.remove(steps.iter().rev().copied(), Reach::Open, id),
            Shape::Contains(steps) => self.anywhere.remove(steps.iter().copied(), Reach::Open, id),
            Shape::General(_) => self.general.remove(id),
        }
    }

    /// The lowest id of a pattern that matches a sign-up id in the form that [`fold()`] gives.
    pub fn first(&self, folded: &str) -> Option<u64> {
        let anywhere = || {
            let starts = folded.char_indices().map(|(start, _)| start);
            starts.filter_map(|start| self.anywhere.first(folded[start..].chars())).min()
        };
        let found = [
            self.forward.first(folded.chars()),
            self.backward.first(folded.chars().rev()),
            if self.anywhere.is_empty() { None } else { anywhere() },
            self.general.first(folded),
        ];
        found.into_iter().flatten().min()
    }
}

//! This is where decisions are counted: on which kind of list, and which way they went.

use super::Count;

/// The kind of list that a decision was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Who may sign up to an app.
    SignUp,
    /// Who may open a shared chat.
    Share,
    /// Who is in an organisation.
    Organization,
    /// None: the question could not be answered.
    None,
}

/// Which way a decision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A yes.
    Allowed,
    /// A no.
    Refused,
    /// A no, for the question could not be answered.
    Failed,
}

const LISTS: [&str; 4] = ["sign_up", "share", "organization", "none"];
const OUTCOMES: [&str; 3] = ["allowed", "refused", "failed"];

/// Decisions that were told.
#[derive(Debug, Default)]
pub struct Decisions([[Count; OUTCOMES.len()]; LISTS.len()]);

impl Decisions {
    /// Counts one.
    pub fn add(&self, list: List, outcome: Outcome) {
        self.0[list as usize][outcome as usize].add(1);
    }

    /// How many there were of each: the list, the outcome and the number.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        LISTS.iter().zip(&self.0).flat_map(|(list, counts)| {
            OUTCOMES.iter().zip(counts).map(|(outcome, count)| (*list, *outcome, count.get()))
        })
    }
}

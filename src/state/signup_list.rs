//! This is where the people on a list are: entries in the order they were added, found by what they sign up with.

use std::hash::BuildHasher;
use std::ops::Bound;

use hashbrown::{DefaultHashBuilder, HashTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::fold;
use super::ranked::Ranked;

/// Ids of an app's tags, given to a person at sign-up; kept and echoed, never interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Tags(pub Box<[Box<str>]>);

impl Tags {
    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One person on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The email address, phone number or other id the person signs up with, as it was first given.
    pub signup_id: Box<str>,
    /// What the person is tagged with at sign-up.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The entries of one list, each under a number that rises with every addition.
///
/// Sign-up ids compare folded (see [`fold()`]): trimmed and without case.
#[derive(Default)]
pub struct SignupList {
    entries: Ranked<Entry>,
    index: HashTable<Indexed>,
    hasher: DefaultHashBuilder,
}

/// An entry's number under the hash of its folded sign-up id, which is kept so that the index can grow without a look at the
/// entries.
struct Indexed {
    hash: u64,
    id: u64,
}

/// The proof that a sign-up id does not stand on a list, and where it would.
#[derive(Debug)]
pub struct Vacancy {
    hash: u64,
}

impl SignupList {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a sign-up id, with its number.
    pub fn find(&self, signup_id: &str) -> Option<(u64, &Entry)> {
        self.look_up(signup_id).ok()
    }

    /// The entry of a number.
    pub fn get(&self, id: u64) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The entry of a sign-up id, with its number, or the vacancy that [`SignupList::push`] fills.
    pub fn look_up(&self, signup_id: &str) -> Result<(u64, &Entry), Vacancy> {
        let folded = fold(signup_id);
        let hash = self.hasher.hash_one(folded.as_ref());
        let found = self.index.find(hash, |indexed| indexed.hash == hash && self.is_at(indexed.id, &folded));
        found.map(|indexed| (indexed.id, self.entry(indexed.id))).ok_or(Vacancy { hash })
    }

    /// Appends the entry whose sign-up id was looked up and found vacant just before.
    ///
    /// # Panics
    /// If `id` is not above all numbers given before.
    pub fn push(&mut self, vacancy: Vacancy, id: u64, entry: Entry) {
        debug_assert!(self.find(&entry.signup_id).is_none(), "a sign-up id stands on a list once");
        self.entries.push(id, entry);
        self.index.insert_unique(vacancy.hash, Indexed { hash: vacancy.hash, id }, |indexed| indexed.hash);
    }

    /// Replaces the tags of an entry, which is given back as it is then.
    pub fn retag(&mut self, id: u64, tags: Tags) -> &Entry {
        let entry = self.entries.get_mut(id).expect("only standing entries are retagged");
        entry.tags = tags;
        entry
    }

    /// Takes the entry of a sign-up id off the list.
    pub fn remove(&mut self, signup_id: &str) -> Option<(u64, Entry)> {
        let (id, _) = self.find(signup_id)?;
        let hash = self.hasher.hash_one(fold(signup_id).as_ref());
        let indexed = self.index.find_entry(hash, |indexed| indexed.id == id);
        indexed.ok().expect("a found entry is indexed").remove();
        let entry = self.entries.remove(id).expect("an indexed entry stands");
        Some((id, entry))
    }

    /// The number of the newest entry there is.
    pub fn last_id(&self) -> Option<u64> {
        self.entries.last_id()
    }

    /// All entries with their numbers, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.iter()
    }

    /// The entries from the one with `rank` older ones on.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.from_rank(rank)
    }

    /// The entries with numbers above `id`.
    pub fn after(&self, id: u64) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.from_id(Bound::Excluded(id))
    }

    fn is_at(&self, id: u64, key: &str) -> bool {
        fold(&self.entry(id).signup_id) == key
    }

    fn entry(&self, id: u64) -> &Entry {
        self.entries.get(id).expect("an indexed entry stands")
    }
}

impl std::fmt::Debug for SignupList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignupList").field("len", &self.len()).finish_non_exhaustive()
    }
}

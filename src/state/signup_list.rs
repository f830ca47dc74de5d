//! This is where the people on a list are: entries in the order they were added, found by what they sign up with.

use std::hash::BuildHasher;
use std::ops::Bound;

use compact_str::CompactString;
use hashbrown::DefaultHashBuilder;
use serde::{Deserialize, Serialize};

use super::chunked::Chunked;
use super::patterns::fold;
use super::places::Places;
use super::ranked::Ranked;
pub use super::tags::Tags;

/// One person on a list. A sign-up id of up to 24 bytes, as most have, is within it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The email address, phone number or other id the person signs up with, as it was first given.
    pub signup_id: CompactString,
    /// What the person is tagged with at sign-up.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The entries of one list, each under a number that rises with every addition.
///
/// Sign-up ids compare folded (see [`fold()`]): trimmed and without case. No change costs more the longer the list is, but for
/// a few steps of searching: nothing here is ever copied or hashed anew as a whole.
#[derive(Default)]
pub struct SignupList {
    /// Where an entry is put has nothing to do with its number: a removal moves the last one into the gap.
    entries: Chunked<Numbered>,
    /// The place of each, by number.
    order: Ranked<u32>,
    /// The place of each, by the hash of the folded sign-up id.
    places: Places,
    hasher: DefaultHashBuilder,
}

#[derive(Debug)]
struct Numbered {
    id: u64,
    entry: Entry,
}

/// The proof that a sign-up id does not stand on a list, and where it would.
#[derive(Debug)]
pub struct Vacancy {
    hash: u32,
}

impl SignupList {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The entry of a sign-up id, with its number.
    pub fn find(&self, signup_id: &str) -> Option<(u64, &Entry)> {
        self.look_up(signup_id).ok()
    }

    /// The entry of a number.
    pub fn get(&self, id: u64) -> Option<&Entry> {
        Some(self.at(*self.order.get(id)?).1)
    }

    /// The entry of a sign-up id, with its number, or the vacancy that [`SignupList::push`] fills.
    pub fn look_up(&self, signup_id: &str) -> Result<(u64, &Entry), Vacancy> {
        let folded = fold(signup_id);
        let hash = self.hash(&folded);
        self.place(hash, &folded).map(|place| self.at(place)).ok_or(Vacancy { hash })
    }

    /// Appends the entry whose sign-up id was looked up and found vacant just before.
    ///
    /// # Panics
    /// If `id` is not above all numbers given before.
    pub fn push(&mut self, vacancy: Vacancy, id: u64, entry: Entry) {
        debug_assert!(self.find(&entry.signup_id).is_none(), "a sign-up id stands on a list once");
        let place = u32::try_from(self.entries.len()).expect("there is no memory for so many");
        self.order.push(id, place);
        self.entries.push(Numbered { id, entry });
        self.places.insert(vacancy.hash, place);
    }

    /// Replaces the tags of an entry, which is given back as it is then.
    pub fn retag(&mut self, id: u64, tags: Tags) -> &Entry {
        let place = *self.order.get(id).expect("only standing entries are retagged");
        let Numbered { entry, .. } = self.entries.get_mut(index(place)).expect("an entry is where it is said to be");
        entry.tags = tags;
        entry
    }

    /// Takes the entry of a sign-up id off the list.
    pub fn remove(&mut self, signup_id: &str) -> Option<(u64, Entry)> {
        let folded = fold(signup_id);
        let hash = self.hash(&folded);
        let place = self.place(hash, &folded)?;
        self.places.remove(hash, place);
        let last = u32::try_from(self.entries.len() - 1).expect("places are counted so");
        if place != last {
            let (id, moved) = self.at(last);
            let hash = self.hash(&fold(&moved.signup_id));
            self.places.replace(hash, last, place);
            *self.order.get_mut(id).expect("an entry has its place in the order") = place;
        }
        let Numbered { id, entry } = self.entries.swap_remove(index(place));
        self.order.remove(id);
        Some((id, entry))
    }

    /// The number of the newest entry there ever was.
    pub fn last_id(&self) -> Option<u64> {
        self.order.last_id()
    }

    /// All entries with their numbers, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.order.iter().map(|(_, place)| self.at(*place))
    }

    /// The entries from the one with `rank` older ones on.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &Entry)> {
        self.order.from_rank(rank).map(|(_, place)| self.at(*place))
    }

    /// The entries with numbers above `id`.
    pub fn after(&self, id: u64) -> impl Iterator<Item = (u64, &Entry)> {
        self.order.from_id(Bound::Excluded(id)).map(|(_, place)| self.at(*place))
    }

    fn hash(&self, folded: &str) -> u32 {
        // Half of it is enough: what has the same is compared.
        u32::try_from(self.hasher.hash_one(folded) >> 32).expect("it has 32 bits")
    }

    fn place(&self, hash: u32, folded: &str) -> Option<u32> {
        self.places.find(hash, |place| fold(&self.at(place).1.signup_id) == folded)
    }

    fn at(&self, place: u32) -> (u64, &Entry) {
        let Numbered { id, entry } = self.entries.get(index(place)).expect("an entry is where it is said to be");
        (*id, entry)
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).expect("a place fits")
}

impl std::fmt::Debug for SignupList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignupList").field("len", &self.len()).finish_non_exhaustive()
    }
}

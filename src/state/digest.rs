//! This is where two states are compared: by a digest that does not depend on the order in which records are taken.

use std::convert::Infallible;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::State;
use super::app::ListName;
use super::id::AppId;
use super::record::{Record, each_record};
use crate::json;

/// The sum of the SHA-256 hashes of all records, lane by lane; equal digests mean equal states.
///
/// Being a sum, it is kept up to date by what a change adds and takes away, and no record's place matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u64; 4]);

impl Digest {
    /// The digest of a state, counted anew. Costs one hash a record; [`State::digest`] has it at hand.
    pub fn of(state: &State) -> Self {
        let (mut digest, mut text) = (Self::default(), RecordText::default());
        let Ok(()) = each_record(state, |record| {
            digest.add_hash(RecordHash::of(&record, &mut text));
            Ok::<(), Infallible>(())
        });
        digest
    }

    /// Counts a record in.
    pub fn add(&mut self, record: &Record<'_>) {
        self.add_hash(RecordHash::of(record, &mut RecordText::default()));
    }

    /// Counts a record out that was counted in, whatever came or went in between.
    pub fn remove(&mut self, record: &Record<'_>) {
        self.remove_hash(RecordHash::of(record, &mut RecordText::default()));
    }

    /// Counts out all that make another digest.
    pub(super) fn remove_all(&mut self, Self(all): Self) {
        self.remove_hash(RecordHash(all));
    }

    /// Counts in a record by its hash.
    pub(crate) fn add_hash(&mut self, RecordHash(hash): RecordHash) {
        self.0.iter_mut().zip(hash).for_each(|(lane, hash)| *lane = lane.wrapping_add(hash));
    }

    /// Counts out a record by its hash.
    pub(super) fn remove_hash(&mut self, RecordHash(hash): RecordHash) {
        self.0.iter_mut().zip(hash).for_each(|(lane, hash)| *lane = lane.wrapping_sub(hash));
    }
}

/// What a record adds to the digest.
#[derive(Clone, Copy, Debug)]
pub struct RecordHash([u64; 4]);

impl RecordHash {
    /// The hash of a record by its JSON, in the form in which records are written.
    pub fn of_text(text: &[u8]) -> Self {
        let hash = Sha256::digest(text);
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(hash.chunks_exact(8)) {
            *lane = u64::from_le_bytes(bytes.try_into().expect("a chunk has 8 bytes"));
        }
        Self(lanes)
    }

    /// The hash of a record's JSON.
    pub(super) fn of(record: &Record<'_>, text: &mut RecordText) -> Self {
        Self::of_text(text.write(record))
    }
}

/// Where records are written to be hashed, one after the other.
#[derive(Debug, Default)]
pub(super) struct RecordText {
    text: Vec<u8>,
    /// How many bytes `text` begins with that all sign-ups on one list have in common, and which list that is.
    common: Option<(AppId, ListName, usize)>,
}

impl RecordText {
    /// A record's JSON. Sign-ups are most of what there is, and come list by list: what they begin with is written once.
    fn write(&mut self, record: &Record<'_>) -> &[u8] {
        let Record::Signup { app_id, list, id, entry } = record else {
            self.common = None;
            self.text.clear();
            json::write(&mut self.text, record);
            return &self.text;
        };
        let common = match self.common {
            Some((app, of_app, common)) if (app, of_app) == (*app_id, *list) => common,
            _ => self.begin(*app_id, *list),
        };
        self.text.truncate(common);
        json::write(&mut self.text, id);
        self.text.extend_from_slice(b",\"entry\":");
        json::write(&mut self.text, entry);
        self.text.extend_from_slice(b"}}");
        &self.text
    }

    fn begin(&mut self, app_id: AppId, list: ListName) -> usize {
        self.text.clear();
        self.text.extend_from_slice(b"{\"signup\":{\"app_id\":");
        json::write(&mut self.text, &app_id);
        self.text.extend_from_slice(b",\"list\":");
        json::write(&mut self.text, &list);
        self.text.extend_from_slice(b",\"id\":");
        let common = self.text.len();
        self.common = Some((app_id, list, common));
        common
    }
}

/// A digest, and the journal entry after which the state had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The entry's number; 0 before the first.
    pub seq: u64,
    /// When it was journaled, in milliseconds since 1970.
    pub at_ms: u64,
    /// The digest of the state after it.
    pub digest: Digest,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let error = "a digest has 64 hexadecimal digits";
        let mut digest = Self::default();
        if text.len() != 64 || !text.is_ascii() {
            return Err(error);
        }
        for (index, lane) in digest.0.iter_mut().enumerate() {
            *lane = u64::from_str_radix(&text[index * 16..(index + 1) * 16], 16).map_err(|_| error)?;
        }
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::signup_list::Entry;

    #[test]
    fn records_are_hashed_as_they_are_written_whatever_came_before() {
        let entry = |text: &str| serde_json::from_str::<Entry>(text).expect("it is an entry");
        let entries =
            [entry(r#"{"signup_id":"ann@example.com"}"#), entry(r#"{"signup_id":"\"bob\"","tags":["4","5"]}"#)];
        let mut text = RecordText::default();
        for (app, list) in [(1, ListName::Whitelist), (1, ListName::Blacklist), (2, ListName::Blacklist)] {
            for (id, entry) in (9..).zip(&entries) {
                let record = Record::of_signup(AppId(app), list, id, entry);
                let expected = serde_json::to_string(&record).expect("a record can be written");
                assert_eq!(text.write(&record), expected.as_bytes());
            }
            let last = Record::LastIds(crate::state::last_ids::LastIds::default());
            let expected = serde_json::to_string(&last).expect("a record can be written");
            assert_eq!(text.write(&last), expected.as_bytes());
        }
    }
}

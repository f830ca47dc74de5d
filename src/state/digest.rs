//! This is where two states are compared: by a digest that does not depend on the order in which records are taken.

use std::convert::Infallible;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::State;
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
        let (mut digest, mut text) = (Self::default(), Vec::new());
        let Ok(()) = each_record(state, |record| {
            digest.add_hash(RecordHash::of(&record, &mut text));
            Ok::<(), Infallible>(())
        });
        digest
    }

    /// Counts a record in.
    pub fn add(&mut self, record: &Record<'_>) {
        self.add_hash(RecordHash::of(record, &mut Vec::new()));
    }

    /// Counts a record out that was counted in, whatever came or went in between.
    pub fn remove(&mut self, record: &Record<'_>) {
        self.remove_hash(RecordHash::of(record, &mut Vec::new()));
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

    /// The hash of a record's JSON, which is written into a buffer that can be used again.
    pub(super) fn of(record: &Record<'_>, text: &mut Vec<u8>) -> Self {
        text.clear();
        json::write(text, record);
        Self::of_text(text)
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

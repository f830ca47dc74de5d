//! This is where two states are compared: by a digest that does not depend on the order in which records are taken.

use std::convert::Infallible;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::State;
use super::record::{Record, each_record};

/// The sum of the SHA-256 hashes of all records, lane by lane; equal digests mean equal states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u64; 4]);

impl Digest {
    /// The digest of a state. Costs one hash a record.
    pub fn of(state: &State) -> Self {
        let mut digest = Self::default();
        let Ok(()) = each_record(state, |record| {
            digest.add(&record);
            Ok::<(), Infallible>(())
        });
        digest
    }

    /// Counts a record in.
    pub fn add(&mut self, record: &Record<'_>) {
        let text = serde_json::to_vec(record).expect("records have string keys and no failing parts");
        let hash = Sha256::digest(&text);
        for (lane, bytes) in self.0.iter_mut().zip(hash.chunks_exact(8)) {
            *lane = lane.wrapping_add(u64::from_le_bytes(bytes.try_into().expect("a chunk has 8 bytes")));
        }
    }
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

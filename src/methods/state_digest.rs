//! This is where it is told what the whole state comes to, so that two copies of it can be compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ask, Call, Method, Noun};
use crate::access::{Permission, View};
use crate::state::digest::{Digest, Settled};
use crate::state::moment::Moment;
use crate::wire::error::Error;
use crate::wire::frame::Reply;

/// Tells the digest of all that is kept. Gateways, copies and `guestlist journal check` that say the same digest hold the same.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetStateDigest {}

/// A digest, and the change after which the state had it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StateDigest {
    /// The number of that change in the journal; 0 before the first.
    seq: u64,
    /// When it was journaled.
    at: Moment,
    /// The sum of the SHA-256 hashes of all records, in 64 hexadecimal digits.
    #[schemars(with = "String", extend("pattern" = "^[0-9a-f]{64}$"))]
    digest: Digest,
}

impl Reply for StateDigest {}

impl Method for GetStateDigest {
    const CALL: Call = Call::new(
        "getStateDigest",
        "getStateDigestResponse",
        "tells the digest of all that is kept, for comparing copies",
    );
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Gateway;
    type Reply = StateDigest;
}

impl Ask for GetStateDigest {
    fn answer(&self, view: View<'_>) -> Result<StateDigest, Error> {
        let Settled { seq, at_ms, digest } = view.state.digest();
        Ok(StateDigest { seq, at: Moment::of_ms(at_ms), digest })
    }
}

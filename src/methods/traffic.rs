//! This is where an administrator begins to watch what passes, and ends it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attend, Call, Here, Method, Noun};
use crate::access::Permission;
use crate::wire::error::Error;
use crate::wire::frame::Reply;

/// Has what passes over other connections pushed as `trafficMessage`, secrets masked, until that is ended; what passes over connections
/// of those who watch is not told.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct WatchTraffic {
    /// Whether to watch from now on, or no more.
    watch: bool,
}

/// Whether the connection watches now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Watching {
    watch: bool,
}

impl Reply for Watching {}

impl Method for WatchTraffic {
    const CALL: Call =
        Call::new("watchTraffic", "watchTrafficResponse", "has what passes over other connections pushed");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Traffic;
    type Reply = Watching;
}

impl Attend for WatchTraffic {
    fn attend(&self, Here { traffic, watch, .. }: Here<'_>) -> Result<Watching, Error> {
        let standing = watch.take();
        *watch = self.watch.then(|| standing.unwrap_or_else(|| Box::new(traffic.watch())));
        Ok(Watching { watch: self.watch })
    }
}

//! This is where it is told how much there was to do lately.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::second_half;
use super::{Attend, Call, Here, Method, Noun};
use crate::access::Permission;
use crate::config::LOAD_INTERVAL;
use crate::counts::Sample;
use crate::wire::error::Error;
use crate::wire::frame::Reply;

/// Tells how much there was to do in the last hour.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetLoad {}

/// How much there was to do in the last hour.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Load {
    /// How many milliseconds a sample stands for; the last one is not over yet.
    interval_ms: u64,
    /// Oldest first.
    samples: Vec<Sample>,
}

impl Reply for Load {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { interval_ms: self.interval_ms, samples: second_half(&mut self.samples)? })
    }
}

impl Method for GetLoad {
    const CALL: Call = Call::new("getLoad", "getLoadResponse", "tells how much there was to do in the last hour");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Traffic;
    type Reply = Load;
}

impl Attend for GetLoad {
    fn attend(&self, Here { view, counts, .. }: Here<'_>) -> Result<Load, Error> {
        let interval_ms = u64::try_from(LOAD_INTERVAL.as_millis()).expect("it is some seconds");
        Ok(Load { interval_ms, samples: counts.load.samples(counts, view.at_ms) })
    }
}

//! This is where a gateway that shares its journal with others begins and ends to do so.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::StartError;
use crate::config::ETCD_START_WAIT;
use crate::health::{Health, Storage};
use crate::journal::shared::Checkpoint;
use crate::state::{Reached, Writer};

/// Where a copy of a shared journal goes on.
pub fn begun_at(writer: &Writer) -> Checkpoint {
    let Some(Reached { revision, seq }) = writer.reached() else { return Checkpoint::default() };
    let settled = writer.state().digest();
    // Within a batch no other gateway has such a state.
    let digest = (seq == settled.seq).then_some(settled.digest);
    Checkpoint { revision, seq, digest }
}

/// How often it is told how far that is.
const CATCH_UP_TOLD_EVERY: Duration = Duration::from_secs(5);

/// Waits until all is folded that is in the shared journal; no time at all where there is none.
pub async fn catch_up(health: &Health) -> Result<(), StartError> {
    let since = Instant::now();
    while timeout(CATCH_UP_TOLD_EVERY, health.freshness.reach(since)).await.is_err() {
        if since.elapsed() > ETCD_START_WAIT || health.storage() == Storage::Failed {
            return Err(StartError::NotCaughtUp(since.elapsed()));
        }
        tracing::info!(bytes = health.bytes.get(), "what came since is folded");
    }
    Ok(())
}

//! This is where a gateway that shares its journal with others begins and ends to do so.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::StartError;
use crate::config::{CATCH_UP_LOOK_INTERVAL, CAUGHT_UP_WITHIN, ETCD_START_WAIT};
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

/// Waits until all is folded that is in the shared journal; no time at all where there is none.
pub async fn catch_up(health: &Health) -> Result<(), StartError> {
    let since = Instant::now();
    let mut told = Duration::ZERO;
    while health.freshness.is_older_than(CAUGHT_UP_WITHIN) {
        if since.elapsed() > ETCD_START_WAIT || health.storage() == Storage::Failed {
            return Err(StartError::NotCaughtUp(since.elapsed()));
        }
        if since.elapsed() > told + CATCH_UP_TOLD_EVERY {
            told = since.elapsed();
            tracing::info!(bytes = health.bytes.get(), "what came since is folded");
        }
        sleep(CATCH_UP_LOOK_INTERVAL).await;
    }
    Ok(())
}

/// How often it is told how far that is.
const CATCH_UP_TOLD_EVERY: Duration = Duration::from_secs(5);

//! This is where it is found out, again and again, as of when this gateway knows everything: the head of the journal is asked for,
//! by a read that no older answer is good enough for, and once all up to there is folded, all is known as of the question.

use std::sync::Arc;
use std::time::Instant;

use etcd_client::GetOptions;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::keys::Keys;
use super::link::{CallError, Link, unsigned};
use super::watcher::Delivering;
use crate::config::{PROBE_CALL_WAIT, PROBE_INTERVAL, PROBE_WAIT};
use crate::health::Health;
use crate::journal::shared::Progress;

/// Finds out how old the view is.
pub struct Prober {
    pub link: Arc<Link>,
    pub keys: Keys,
    pub progress: Arc<Progress>,
    pub delivered: Arc<Delivering>,
    pub health: Arc<Health>,
}

impl Prober {
    pub async fn run(self) {
        let mut turns = interval(PROBE_INTERVAL);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_reached = true;
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                () = self.health.freshness.wanted() => {}
            }
            match self.probe().await {
                Ok(()) if !is_reached => {
                    is_reached = true;
                    tracing::info!("etcd is reached again");
                }
                Ok(()) => {}
                Err(error) if is_reached => {
                    is_reached = false;
                    tracing::warn!(%error, "etcd is not reached; it is tried again and again");
                }
                Err(error) => tracing::debug!(%error, "etcd is not reached"),
            }
        }
    }

    async fn probe(&self) -> Result<(), CallError> {
        let asked = Instant::now();
        let head = match timeout(PROBE_CALL_WAIT, head(&self.link, &self.keys)).await {
            Ok(head) => head?,
            Err(_) => {
                self.link.leave_current();
                return Err(CallError::Unknown("a member".to_owned(), "it took too long".to_owned()));
            }
        };
        let before = self.delivered.revision();
        let mut progress = self.progress.watch();
        let folded = timeout(PROBE_WAIT, progress.wait_for(|checkpoint| checkpoint.revision >= head)).await;
        if folded.is_ok() {
            self.health.freshness.note(asked);
        } else if before < head && self.delivered.revision() == before {
            self.delivered.note_lag();
        }
        Ok(())
    }
}

/// The revision that the journal has reached.
pub async fn head(link: &Link, keys: &Keys) -> Result<u64, CallError> {
    let only = Some(GetOptions::new().with_keys_only());
    let found = link.call(async |mut client| client.get(keys.head(), only).await).await?;
    Ok(found.kvs().first().map_or(0, |head| unsigned(head.mod_revision())))
}

//! This is where etcd is kept small: the newest snapshot is brought there, batches that it has are removed, and history that nobody
//! needs is forgotten. The gateway that has been there longest does it; where two take themselves for that one, nothing is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use etcd_client::{GetOptions, Txn, TxnOp};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::base::{BaseError, Manifest, store};
use super::keys::Keys;
use super::link::{CallError, Link, signed};
use crate::config::{HISTORY_KEPT, HISTORY_NOTED_EVERY, PRESENCE_INTERVAL, REMOVALS_AT_ONCE, REMOVALS_PER_TURN};
use crate::disk::Disk;
use crate::journal::directory;

/// What is known of all gateways, and of what they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether this one has been there longest.
    pub is_eldest: bool,
    /// The revision up to which all of them have folded everything.
    pub folded: u64,
    /// The newest snapshot in etcd.
    pub snapshot: Option<Manifest>,
    /// Up to which revision batches were removed.
    pub trimmed: u64,
    /// The revision of etcd as of which that is so.
    pub as_of: u64,
}

/// Keeps etcd small.
pub struct Keeper {
    pub link: Arc<Link>,
    pub keys: Keys,
    pub disk: Arc<dyn Disk>,
    pub known: watch::Receiver<Known>,
    /// The snapshot of this gateway that was brought there last, or found to be of no use there.
    pub brought: u64,
    /// Revisions of etcd, and when they were the newest.
    pub history: VecDeque<(Instant, u64)>,
}

impl Keeper {
    pub async fn run(mut self) {
        let mut turns = interval(PRESENCE_INTERVAL);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let known = self.known.borrow_and_update().clone();
            if !known.is_eldest {
                self.history.clear();
            } else if let Err(error) = self.turn(&known).await {
                tracing::debug!(%error, "etcd could not be tidied; it is tried again");
            }
        }
    }

    async fn turn(&mut self, known: &Known) -> Result<(), BaseError> {
        let stored = known.snapshot.as_ref().map_or(0, |manifest| manifest.seq).max(self.brought);
        if let Some(newest) = directory::files(&*self.disk)?.snapshots.pop().filter(|newest| newest.seq > stored) {
            match store(&self.link, &self.keys, &self.disk, &newest).await {
                Ok(Some(Manifest { seq, bytes, count, .. })) => {
                    tracing::info!(seq, bytes, parts = count, "the newest snapshot is in etcd");
                }
                // It is of before the journal was shared, or another gateway brought a newer one.
                Ok(None) | Err(BaseError::NoRevision) => {}
                Err(error) => return Err(error),
            }
            self.brought = newest.seq;
        }
        let covered = known.snapshot.as_ref().map_or(0, |manifest| manifest.revision).min(known.folded);
        if covered > known.trimmed {
            self.trim(covered).await?;
        }
        self.forget(known.as_of).await?;
        Ok(())
    }

    /// Removes batches up to a revision.
    async fn trim(&self, revision: u64) -> Result<(), CallError> {
        let options = GetOptions::new()
            .with_prefix()
            .with_keys_only()
            .with_limit(REMOVALS_PER_TURN)
            .with_max_create_revision(signed(revision));
        // Said before it is done: whoever finds a batch missing must find out why.
        let said = TxnOp::put(self.keys.trimmed(), revision.to_string(), None);
        self.link.txn(Txn::new().and_then([said])).await?;
        let mut removed = 0;
        loop {
            let options = Some(options.clone());
            let found = self.link.call(async |mut client| client.get(self.keys.batches(), options).await).await?;
            for some in found.kvs().chunks(REMOVALS_AT_ONCE) {
                let removals: Vec<TxnOp> = some.iter().map(|batch| TxnOp::delete(batch.key(), None)).collect();
                self.link.txn(Txn::new().and_then(removals)).await?;
                removed += some.len();
            }
            if found.kvs().is_empty() {
                tracing::info!(batches = removed, revision, "batches that a snapshot has were removed from etcd");
                return Ok(());
            }
        }
    }

    /// Has etcd forget what was long ago.
    async fn forget(&mut self, as_of: u64) -> Result<(), CallError> {
        if self.history.back().is_none_or(|(since, _)| since.elapsed() > HISTORY_NOTED_EVERY) {
            self.history.push_back((Instant::now(), as_of));
        }
        let is_old = |(since, _): &mut (Instant, u64)| since.elapsed() > HISTORY_KEPT;
        let Some((_, revision)) = self.history.pop_front_if(is_old) else { return Ok(()) };
        self.link.call(async |mut client| client.compact(signed(revision), None).await).await.map(drop)
    }
}

//! This is where batches are delivered, in the order of their revisions: by a watch, and where etcd has forgotten what came before,
//! by reading what is still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etcd_client::{EventType, KeyValue, WatchFilterType, WatchOptions, WatchResponse};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

use super::batches::Batches;
use super::keys::Keys;
use super::link::{CallError, Link, signed, unsigned};
use crate::config::{ETCD_BYTES_MAX, ETCD_RETRY_PAUSE};
use crate::journal::shared::{Delivered, Delivery};

/// Delivers what was appended after a revision.
pub struct Watcher {
    pub link: Arc<Link>,
    pub keys: Keys,
    pub gateway: String,
    pub deliveries: mpsc::Sender<Delivery>,
    pub delivered: Arc<Delivering>,
}

/// How far a watcher is, and whether it is to go to another member.
#[derive(Debug, Default)]
pub struct Delivering {
    revision: AtomicU64,
    own: watch::Sender<u64>,
    lags: Notify,
}

impl Delivering {
    /// The revision that was delivered last.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Waits until the batch that was offered under a number is delivered.
    pub async fn own(&self, number: u64) {
        // Whoever asks keeps the sender.
        let _ = self.own.subscribe().wait_for(|own| *own >= number).await;
    }

    /// Tells it that there is more than it has.
    pub fn note_lag(&self) {
        self.lags.notify_one();
    }
}

/// Why nothing more can be delivered.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// Nobody takes it any more.
    #[error("the gateway stops")]
    Unwanted,
    /// What is missing was removed, for a snapshot has it.
    #[error("batches behind revision {after} were removed from etcd up to {trimmed}, as a snapshot has them")]
    Trimmed {
        /// The last revision that was delivered.
        after: u64,
        /// The last that was removed.
        trimmed: u64,
    },
}

/// How a watch ended.
enum Broken {
    /// Another may do better.
    Watch(String),
    /// etcd has forgotten what came before.
    Compacted,
    Ended(Ended),
}

impl Watcher {
    /// Delivers all that comes after a revision.
    pub async fn run(self, after: u64) -> Ended {
        self.delivered.revision.store(after, Ordering::Release);
        let mut next = after + 1;
        loop {
            match self.watch(&mut next).await {
                Broken::Ended(ended) => return ended,
                Broken::Watch(what) => {
                    tracing::debug!(what, next, "the watch is begun again");
                    self.link.leave_current();
                    sleep(ETCD_RETRY_PAUSE).await;
                }
                Broken::Compacted => match self.bridge(&mut next).await {
                    Ok(None) => {}
                    Ok(Some(ended)) => return ended,
                    Err(error) => {
                        tracing::debug!(%error, next, "what was compacted could not be read; it is tried again");
                        sleep(ETCD_RETRY_PAUSE).await;
                    }
                },
            }
        }
    }

    async fn watch(&self, next: &mut u64) -> Broken {
        let options = WatchOptions::new()
            .with_prefix()
            .with_start_revision(signed(*next))
            .with_filters([WatchFilterType::NoDelete])
            .with_fragment();
        let batches = self.keys.batches();
        let begun = self.link.call(async |client| {
            client.watch_client().max_decoding_message_size(ETCD_BYTES_MAX).watch(batches, Some(options)).await
        });
        let mut stream = match begun.await {
            Ok(stream) => stream,
            Err(error) => return Broken::Watch(error.to_string()),
        };
        loop {
            let response = tokio::select! {
                response = stream.message() => response,
                () = self.delivered.lags.notified() => return Broken::Watch("another member has more".to_owned()),
            };
            match response {
                Ok(Some(response)) if response.compact_revision() > 0 => return Broken::Compacted,
                Ok(Some(response)) if response.canceled() => return Broken::Watch(response.cancel_reason().to_owned()),
                Ok(Some(response)) => {
                    if let Err(ended) = self.deliver_all(&response, next).await {
                        return Broken::Ended(ended);
                    }
                }
                Ok(None) => return Broken::Watch("it ended".to_owned()),
                Err(error) => return Broken::Watch(error.to_string()),
            }
        }
    }

    async fn deliver_all(&self, response: &WatchResponse, next: &mut u64) -> Result<(), Ended> {
        for event in response.events() {
            if let Some(batch) = event.kv().filter(|_| event.event_type() == EventType::Put) {
                self.deliver(batch, next).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&self, batch: &KeyValue, next: &mut u64) -> Result<(), Ended> {
        let revision = unsigned(batch.mod_revision());
        if revision < *next {
            return Ok(());
        }
        let own = self.keys.number_of(&self.gateway, batch.key());
        let delivered = Delivered { revision, own, lines: batch.value().to_vec() };
        self.deliveries.send(Delivery::Batch(delivered)).await.map_err(|_| Ended::Unwanted)?;
        *next = revision + 1;
        self.delivered.revision.store(revision, Ordering::Release);
        if let Some(number) = own {
            self.delivered.own.send_replace(number);
        }
        Ok(())
    }

    /// Delivers what is there as of one revision, which a watch cannot tell any more.
    async fn bridge(&self, next: &mut u64) -> Result<Option<Ended>, CallError> {
        let found = self.link.call(async |mut client| client.get(self.keys.trimmed(), None).await).await?;
        let as_of = found.header().map_or(0, |header| header.revision());
        let trimmed = found.kvs().first().and_then(|trimmed| trimmed.value_str().ok()?.parse().ok()).unwrap_or(0);
        if trimmed >= *next {
            return Ok(Some(Ended::Trimmed { after: *next - 1, trimmed }));
        }
        let mut batches = Batches::after(&self.link, &self.keys, *next - 1, as_of).await?;
        tracing::info!(
            batches = batches.left(),
            as_of,
            "etcd was compacted: what was missed is read from what is there"
        );
        loop {
            let some = batches.next().await?;
            if some.is_empty() {
                break;
            }
            for batch in &some {
                if let Err(ended) = self.deliver(batch, next).await {
                    return Ok(Some(ended));
                }
            }
        }
        *next = (*next).max(unsigned(as_of) + 1);
        Ok(None)
    }
}

//! This is where batches are appended: each as one put under a key of its own, so that it can be tried again until it is known
//! whether it is there, and never is there twice.
//!
//! A try that was under way for long must come to nothing once its key may have been there and gone: so each is made on condition
//! that the gateway is registered as it was, and that no batches were removed since the first.

use std::sync::Arc;

use etcd_client::{Compare, CompareOp, GetOptions, Txn, TxnOp};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout_at};

use super::keys::Keys;
use super::link::{CallError, Link, got, signed, unsigned};
use super::registration::Registration;
use super::watcher::Delivering;
use crate::config::APPEND_RETRY_PAUSE;
use crate::journal::shared::{Delivery, Offer, Refused, Why};

/// Appends what is offered.
pub struct Appender {
    pub link: Arc<Link>,
    pub keys: Keys,
    pub gateway: String,
    pub registration: watch::Receiver<Option<Registration>>,
    pub offers: mpsc::Receiver<Offer>,
    pub deliveries: mpsc::Sender<Delivery>,
    /// What the watch has delivered.
    pub delivered: Arc<Delivering>,
    /// When batches were removed last, as the revision of that.
    pub trimmed: i64,
    /// Whether the last batch was refused, which is said once.
    pub is_refused: bool,
}

/// What came of one try.
enum Tried {
    /// It is there, now or since an earlier try.
    Appended,
    /// It is not, as of a revision of the journal.
    NotFirst { after: u64 },
    /// It is not; and the gateway is not registered as it was, or batches were removed meanwhile, so that no earlier try can come to
    /// anything any more. One that did was delivered.
    Outdated { after: u64, trimmed: i64 },
}

impl Appender {
    pub async fn run(mut self) {
        while let Some(offer) = self.offers.recv().await {
            let number = offer.number;
            let refused = match self.append(offer).await {
                Some((after, why)) => Refused { number, after, why },
                // It is delivered, or it is not known what became of it, which whoever offered it sees by the clock.
                None => continue,
            };
            if self.deliveries.send(Delivery::Refused(refused)).await.is_err() {
                return;
            }
        }
    }

    /// Appends a batch, or tells that it is not in the journal, as of which revision, and why. Nothing, where that is not known, or it
    /// is there.
    async fn append(&mut self, offer: Offer) -> Option<(u64, Why)> {
        let until = offer.until.into();
        let key = self.keys.batch(&self.gateway, offer.number);
        let mut is_unknown = false;
        loop {
            let registered = timeout_at(until, self.registration.wait_for(Option::is_some)).await;
            let Ok(Ok(registration)) = registered.map(|registered| registered.map(|registered| *registered)) else {
                return (!is_unknown).then_some((0, Why::NotReached));
            };
            let registration = registration?;
            let tried = tokio::select! {
                tried = timeout_at(until, self.attempt(&key, &offer, registration)) => tried,
                // There is nothing left to find out.
                () = self.delivered.own(offer.number) => return None,
            };
            match tried {
                Err(_) => return None,
                Ok(Ok(Tried::Appended)) => {
                    if std::mem::take(&mut self.is_refused) {
                        tracing::info!("etcd takes batches again");
                    }
                    return None;
                }
                Ok(Ok(Tried::NotFirst { after })) => return Some((after, Why::NotFirst)),
                Ok(Ok(Tried::Outdated { after, .. })) if is_unknown => return Some((after, Why::NotReached)),
                // Nothing of it was sent before, so that it can be tried anew.
                Ok(Ok(Tried::Outdated { trimmed, .. })) if trimmed != self.trimmed => {
                    self.trimmed = trimmed;
                    continue;
                }
                Ok(Ok(Tried::Outdated { .. })) => {}
                Ok(Err(error @ (CallError::NoRoom(_) | CallError::Refused(_)))) if !is_unknown => {
                    if !self.is_refused {
                        tracing::error!(%error, "batches are refused until etcd takes them again");
                    }
                    self.is_refused = true;
                    let is_full = matches!(error, CallError::NoRoom(_));
                    return Some((0, if is_full { Why::NoRoom } else { Why::NotAllowed }));
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, number = offer.number, "a batch is offered again");
                    is_unknown = true;
                }
            }
            sleep(APPEND_RETRY_PAUSE).await;
        }
    }

    async fn attempt(&self, key: &str, offer: &Offer, registration: Registration) -> Result<Tried, CallError> {
        let (head, gateway, trimmed) = (self.keys.head(), self.keys.gateway(&self.gateway), self.keys.trimmed());
        let mut when = vec![
            Compare::create_revision(gateway.clone(), CompareOp::Equal, signed(registration.revision)),
            Compare::create_revision(key, CompareOp::Equal, 0),
            Compare::mod_revision(trimmed.clone(), CompareOp::Equal, self.trimmed),
        ];
        if offer.is_first {
            when.push(Compare::create_revision(head.clone(), CompareOp::Equal, 0));
        }
        let keys_only = || Some(GetOptions::new().with_keys_only());
        let txn = Txn::new()
            .when(when)
            .and_then([TxnOp::put(key, offer.lines.clone(), None), TxnOp::put(head.clone(), "", None)])
            .or_else([key.to_owned(), gateway, head, trimmed].map(|key| TxnOp::get(key, keys_only())));
        let response = self.link.txn(txn).await?;
        if response.succeeded() {
            return Ok(Tried::Appended);
        }
        let got = got(&response);
        let found = |index: usize| got.get(index).and_then(|got| got.kvs().first());
        if found(0).is_some() {
            return Ok(Tried::Appended);
        }
        let after = found(2).map_or(0, |head| unsigned(head.mod_revision()));
        let is_registered =
            found(1).is_some_and(|gateway| unsigned(gateway.create_revision()) == registration.revision);
        let trimmed = found(3).map_or(0, etcd_client::KeyValue::mod_revision);
        let is_outdated = !is_registered || trimmed != self.trimmed;
        Ok(if is_outdated { Tried::Outdated { after, trimmed } } else { Tried::NotFirst { after } })
    }
}

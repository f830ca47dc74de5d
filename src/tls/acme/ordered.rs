//! This is where the certificate is kept fresh: ordered where there is none, and again when a third of its time is left.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::certificate::Certificate;
use super::https::Https;
use super::kept::{self, Kept};
use super::order::order;
use super::shown::Shown;
use super::{Acme, OrderError};
use crate::tls::{TrustError, trusting};

/// How long an order may take: some answers, and the authority's looking from several places.
const ORDER_WAIT: Duration = Duration::from_secs(5 * 60);

/// Between an order and the next, at least. Let's Encrypt bears five validations an hour that fail; with the wait doubled after
/// each there are four.
const ORDER_PAUSE_MIN: Duration = Duration::from_secs(5 * 60);

/// The wait is doubled no further. It is also how often the time is looked at, for a machine may sleep or have its clock set.
const ORDER_PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

/// A certificate that is ordered, and renewed in time.
pub struct Ordered {
    acme: Acme,
    kept: Kept,
    https: Https,
    shown: Arc<Shown>,
    now: Notify,
}

impl Ordered {
    /// Shows what was certified before, if it is kept. Nothing is ordered before it is watched.
    pub fn open(acme: Acme) -> Result<Self, TrustError> {
        let https = Https::new(trusting(None)?);
        let (kept, shown) = (Kept::new(&acme), Arc::new(Shown::default()));
        let read = kept::read(&kept.certificate).map_err(|error| error.to_string());
        match read.and_then(|pem| pem.map(|pem| Certificate::read(&pem)).transpose()) {
            Ok(Some(certificate)) => shown.show(certificate),
            Ok(None) => tracing::info!(
                names = acme.names.join(", "),
                authority = acme.directory,
                "a certificate is ordered; until it is there nobody can connect"
            ),
            Err(error) => {
                let file = kept.certificate.display();
                tracing::warn!(%file, error, "the certificate that is kept cannot be used; a new one is ordered");
            }
        }
        Ok(Self { acme, kept, https, shown, now: Notify::new() })
    }

    /// What is shown to whoever connects.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.clone()
    }

    /// Has what is due ordered at once, although an order has just failed.
    pub fn look(&self) {
        self.now.notify_one();
    }

    /// Orders what is due, until it is told to stop.
    pub async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut pause = Duration::ZERO;
        loop {
            let wait = pause.max(self.until_due()).min(ORDER_PAUSE_MAX);
            tokio::select! {
                _ = stop.changed() => return,
                () = self.now.notified() => {}
                () = sleep(wait) => {}
            }
            if !self.until_due().is_zero() {
                continue;
            }
            let ordered = tokio::select! {
                _ = stop.changed() => return,
                ordered = self.renew() => ordered,
            };
            let names = self.acme.names.join(", ");
            match ordered {
                Ok(()) => {
                    pause = ORDER_PAUSE_MIN;
                    tracing::info!(names, "a new certificate is shown");
                }
                Err(error) => {
                    pause = (pause * 2).clamp(ORDER_PAUSE_MIN, ORDER_PAUSE_MAX);
                    self.complain(&error, &names, pause);
                }
            }
        }
    }

    fn complain(&self, error: &OrderError, names: &str, pause: Duration) {
        let next_s = pause.as_secs();
        if self.shown.certificate().is_some() {
            tracing::warn!(%error, names, next_s, "the certificate was not renewed; the one before is shown on");
        } else {
            tracing::error!(%error, names, next_s, "no certificate could be had, so nobody can connect");
        }
    }

    async fn renew(&self) -> Result<(), OrderError> {
        let ordered = order(&self.acme, &self.kept, self.https.clone(), &self.shown);
        let ordered = timeout(ORDER_WAIT, ordered).await.unwrap_or(Err(OrderError::Late(ORDER_WAIT.as_secs())));
        self.shown.prove_nothing();
        let pem = ordered?;
        let certificate = Certificate::read(&pem).map_err(OrderError::Unusable)?;
        self.shown.show(certificate);
        // A disk that is full is no reason to keep a good certificate back.
        if let Err(error) = kept::write(&self.kept.certificate, pem).await {
            tracing::error!(%error, "the new certificate is not kept, so the next start orders another");
        }
        Ok(())
    }

    fn until_due(&self) -> Duration {
        self.shown.certificate().map(|certificate| certificate.until_due()).unwrap_or_default()
    }
}

impl fmt::Debug for Ordered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Ordered").field(&self.acme).finish()
    }
}

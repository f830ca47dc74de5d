//! This is where a gateway tells the others that it lives, how far it is and which bots it has, and hears the same of them. What it
//! tells goes with its lease.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Error, GetOptions, KeyValue, PutOptions, Txn, TxnOp, TxnResponse};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::keeper::Known;
use super::keys::Keys;
use super::link::{CallError, Link, got, signed, unsigned};
use super::others::{Living, Others, Told};
use super::seats::Seated;
use crate::cluster::{Cluster, Lost};
use crate::config::{ETCD_RETRY_PAUSE, GATEWAY_LEASE_SECONDS, PRESENCE_INTERVAL};
use crate::health::Health;
use crate::hub::Hub;
use crate::journal::shared::{Checkpoint, Progress};

/// That a gateway is taken for one that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The lease that says for how long.
    pub lease: i64,
    /// The revision at which its key was made: another one where the lease had ended meanwhile.
    pub revision: u64,
}

/// Tells of this gateway, and hears of the others.
pub struct Registrar {
    pub link: Arc<Link>,
    pub keys: Keys,
    /// What it is known by from this start on.
    pub gateway: String,
    /// What people call it.
    pub name: String,
    pub built: u64,
    pub progress: Arc<Progress>,
    pub hub: Arc<Hub>,
    pub health: Arc<Health>,
    pub cluster: Arc<Cluster>,
    pub registration: watch::Sender<Option<Registration>>,
    pub known: watch::Sender<Known>,
    pub others: Others,
    pub seats: Seated,
}

impl Registrar {
    pub async fn run(mut self) {
        loop {
            let registration = match self.register().await {
                Ok(registration) => registration,
                Err(error) => {
                    tracing::debug!(%error, "the gateway could not be registered; it is tried again");
                    sleep(ETCD_RETRY_PAUSE).await;
                    continue;
                }
            };
            self.registration.send_replace(Some(registration));
            // All of it again: what it told went with the lease before.
            self.seats = Seated::default();
            let mut turns = interval(PRESENCE_INTERVAL);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                match self.turn(registration).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => tracing::debug!(%error, "the other gateways were not heard of"),
                }
            }
            self.registration.send_replace(None);
            tracing::warn!("the other gateways took this one for gone; it is registered again");
        }
    }

    async fn register(&self) -> Result<Registration, CallError> {
        let granted = self.link.call(async |mut client| client.lease_grant(GATEWAY_LEASE_SECONDS, None).await).await?;
        let (key, lease) = (self.keys.gateway(&self.gateway), granted.id());
        let put = TxnOp::put(key.clone(), self.told(), Some(PutOptions::new().with_lease(lease)));
        let response = self.link.txn(Txn::new().and_then([put, TxnOp::get(key, None)])).await?;
        let revision = got(&response).first().and_then(|got| got.kvs().first()).map(KeyValue::create_revision);
        Ok(Registration { lease, revision: unsigned(revision.unwrap_or_default()) })
    }

    fn told(&self) -> String {
        let Checkpoint { revision, seq, digest } = self.progress.latest();
        let (name, version) = (self.name.clone(), env!("CARGO_PKG_VERSION").to_owned());
        let told = Told { name, version, revision, seq, digest, built: self.built };
        serde_json::to_string(&told).expect("what is told has texts for names")
    }

    /// Tells and hears once; says whether the gateway is still registered as it was.
    async fn turn(&mut self, registration: Registration) -> Result<bool, CallError> {
        let lease = registration.lease;
        let kept = self.link.call(async |mut client| match client.lease_keep_alive(lease).await {
            Ok(_) => Ok(true),
            Err(Error::LeaseKeepAliveError(_)) => Ok(false),
            Err(error) => Err(error),
        });
        if !kept.await? {
            return Ok(false);
        }
        let with_lease = || Some(PutOptions::new().with_lease(lease));
        let mut tell = vec![TxnOp::put(self.keys.gateway(&self.gateway), self.told(), with_lease())];
        let changed = self.seats.changed(&self.hub);
        tell.extend(changed.iter().map(|(part, bots)| {
            let bots = serde_json::to_string(bots).expect("ids are texts");
            TxnOp::put(self.keys.bots_of(&self.gateway, *part), bots, with_lease())
        }));
        let prefix = || GetOptions::new().with_prefix();
        tell.extend([
            TxnOp::get(self.keys.gateways(), Some(prefix())),
            TxnOp::get(self.keys.bots(), Some(prefix().with_min_mod_revision(signed(self.seats.heard + 1)))),
            TxnOp::get(self.keys.snapshot(), None),
            TxnOp::get(self.keys.trimmed(), None),
        ]);
        let response = self.link.txn(Txn::new().and_then(tell)).await?;
        self.seats.own.extend(changed);
        self.hear(&response);
        Ok(true)
    }

    fn hear(&mut self, response: &TxnResponse) {
        let found = got(response);
        let kvs = |index: usize| found.get(index).map(|got| got.kvs()).unwrap_or_default();
        let as_of = response.header().map_or(0, |header| unsigned(header.revision()));
        let mut gateways: Vec<Living> = kvs(0)
            .iter()
            .filter_map(|kv| {
                let gateway = self.keys.gateway_of(&self.keys.gateways(), kv.key())?.to_owned();
                Some((unsigned(kv.create_revision()), gateway, serde_json::from_slice(kv.value()).ok()?))
            })
            .collect();
        gateways.sort_unstable_by_key(|(since, ..)| *since);
        let first = |index: usize| kvs(index).first().map(|kv| kv.value().to_vec()).unwrap_or_default();
        self.known.send_replace(Known {
            is_eldest: gateways.first().is_some_and(|(_, gateway, _)| *gateway == self.gateway),
            folded: gateways.iter().map(|(_, _, told)| told.revision).min().unwrap_or(0),
            snapshot: serde_json::from_slice(&first(2)).ok(),
            trimmed: String::from_utf8_lossy(&first(3)).parse().unwrap_or(0),
            as_of,
        });
        self.health.note_gateways(gateways.len());
        self.seats.hear(&self.keys, kvs(1), &gateways, as_of, &self.cluster);
        if let Some(why) = self.others.compare(&self.gateway, &gateways, &self.progress) {
            self.health.note_differing();
            self.cluster.note_lost(Lost::Differs(why));
        }
    }
}

/// Has the others know at once that a gateway is gone.
pub async fn leave(link: &Link, registration: Option<Registration>, within: Duration) {
    if let Some(Registration { lease, .. }) = registration {
        let revoke = link.call(async |mut client| client.lease_revoke(lease).await);
        // Where it fails the lease ends by itself.
        let _ = tokio::time::timeout(within, revoke).await;
    }
}

//! This is where a gateway tells the others that it lives, how far it is and which bots it has, and hears the same of them.
//!
//! What it tells goes with its lease. A gateway whose state after a revision has another digest than that of the others is wrong,
//! and must begin anew from what they share; how many say what decides, and where as many say one thing as the other, whoever was
//! built from etcd last is right.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Error, GetOptions, KeyValue, PutOptions, Txn, TxnOp, TxnResponse};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::keeper::Known;
use super::keys::Keys;
use super::link::{CallError, Link, got, signed, unsigned};
use crate::access::Caller;
use crate::cluster::{Cluster, Lost, Seats};
use crate::config::{ETCD_RETRY_PAUSE, GATEWAY_LEASE_SECONDS, PRESENCE_INTERVAL, SEAT_PARTS};
use crate::health::Health;
use crate::hub::{Hub, Occupant};
use crate::journal::shared::{Checkpoint, Progress};
use crate::state::digest::Digest;
use crate::state::id::BotId;

/// That a gateway is taken for one that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The lease that says for how long.
    pub lease: i64,
    /// The revision at which its key was made: another one where the lease had ended meanwhile.
    pub revision: u64,
}

/// What a gateway tells of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Told {
    name: String,
    version: String,
    revision: u64,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// The revision as of which its state was built from what is in etcd.
    built: u64,
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

/// What was heard of the others.
#[derive(Debug, Default)]
pub struct Others {
    /// How far they said to be, where this gateway is not so far yet.
    pending: HashMap<String, Checkpoint>,
    /// Whether they had the same digest, when they were compared last.
    agree: HashMap<String, bool>,
}

/// Which bots are where.
#[derive(Debug, Default)]
pub struct Seated {
    /// Those of this gateway as it has told them, part by part.
    own: BTreeMap<usize, Vec<BotId>>,
    /// Those of all, by gateways and parts.
    all: BTreeMap<String, HashMap<String, Vec<BotId>>>,
    /// The revision up to which it heard of them.
    heard: u64,
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
        let mut gateways: Vec<(u64, String, Told)> = kvs(0)
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

impl Others {
    /// Compares what gateways have told with what this one was at the same revision; says so where this one must be wrong.
    fn compare(&mut self, own: &str, gateways: &[(u64, String, Told)], progress: &Progress) -> Option<String> {
        self.pending.retain(|gateway, _| gateways.iter().any(|(_, other, _)| other == gateway));
        self.agree.retain(|gateway, _| gateways.iter().any(|(_, other, _)| other == gateway));
        let latest = progress.latest().revision;
        for (_, gateway, told) in gateways.iter().filter(|(_, gateway, _)| gateway != own) {
            let checkpoint = Checkpoint { revision: told.revision, seq: told.seq, digest: told.digest };
            // Until this gateway was as far, it is the older one that it waits for.
            let pending = *self.pending.entry(gateway.clone()).or_insert(checkpoint);
            if pending.revision > latest {
                continue;
            }
            self.pending.remove(gateway);
            let at = progress.at(pending.revision).and_then(|at| Some((at.seq, at.digest?)));
            if let (Some(at), Some(digest)) = (at, pending.digest) {
                self.agree.insert(gateway.clone(), at == (pending.seq, digest));
            }
        }
        let (agree, differ): (Vec<_>, Vec<_>) = self.agree.iter().partition(|(_, agrees)| **agrees);
        if differ.is_empty() {
            return None;
        }
        let built = |gateway: &str| gateways.iter().find(|(_, other, _)| other == gateway).map(|(.., told)| told.built);
        let with_us = agree.len() + 1;
        let newest = |side: &[(&String, &bool)]| side.iter().filter_map(|(gateway, _)| built(gateway)).max();
        let is_wrong = match differ.len().cmp(&with_us) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            // The eldest, where both were built at once.
            std::cmp::Ordering::Equal => {
                let (ours, theirs) = (newest(&agree).max(built(own)), newest(&differ));
                let eldest = gateways.first().map(|(_, gateway, _)| gateway);
                theirs > ours || theirs == ours && differ.iter().any(|(gateway, _)| Some(*gateway) == eldest)
            }
        };
        let names: Vec<&str> = gateways
            .iter()
            .filter(|(_, gateway, _)| differ.iter().any(|(other, _)| *other == gateway))
            .map(|(.., told)| told.name.as_str())
            .collect();
        let (names, differing) = (names.join(", "), differ.len());
        if !is_wrong {
            tracing::error!(names, "gateways have another state than this one at the same revision; they begin anew");
            return None;
        }
        Some(format!("at the same revision the state is another one than that of {differing} other gateways ({names})"))
    }
}

impl Seated {
    /// The parts of this gateway's bots that are others than it has told.
    fn changed(&self, hub: &Hub) -> Vec<(usize, Vec<BotId>)> {
        let mut parts: BTreeMap<usize, Vec<BotId>> = self.own.keys().map(|part| (*part, Vec::new())).collect();
        for told in hub.connections(None, usize::MAX) {
            if let Occupant::Caller(Caller::Bot(id)) = told.occupant {
                let parts_max = u64::try_from(SEAT_PARTS).expect("a count fits into 64 bits");
                let part = usize::try_from(id.0 % parts_max).expect("it is less than there are parts");
                parts.entry(part).or_default().push(id);
            }
        }
        parts.values_mut().for_each(|bots| {
            bots.sort_unstable();
            bots.dedup();
        });
        parts.into_iter().filter(|(part, bots)| self.own.get(part) != Some(bots)).collect()
    }

    fn hear(
        &mut self,
        keys: &Keys,
        changed: &[KeyValue],
        gateways: &[(u64, String, Told)],
        as_of: u64,
        cluster: &Cluster,
    ) {
        self.heard = as_of;
        let before = self.all.len();
        self.all.retain(|gateway, _| gateways.iter().any(|(_, other, _)| other == gateway));
        if changed.is_empty() && before == self.all.len() {
            return;
        }
        for kv in changed {
            let Some(gateway) = keys.gateway_of(&keys.bots(), kv.key()) else { continue };
            let part = String::from_utf8_lossy(kv.key()).into_owned();
            let bots = serde_json::from_slice(kv.value()).unwrap_or_default();
            self.all.entry(gateway.to_owned()).or_default().insert(part, bots);
        }
        let mut seats = Seats::new();
        for (_, gateway, told) in gateways {
            let name: Arc<str> = told.name.as_str().into();
            for bot in self.all.get(gateway).into_iter().flat_map(HashMap::values).flatten() {
                seats.entry(*bot).or_default().push(name.clone());
            }
        }
        seats.values_mut().for_each(|names| names.sort_unstable());
        cluster.note_seats(seats);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A digest that a letter stands for.
    fn digest(letter: char) -> Digest {
        let text: String = std::iter::repeat_n(letter, 64).collect();
        text.try_into().expect("it is a digest")
    }

    /// A gateway that came at a revision, as it tells of itself.
    fn gateway(since: u64, name: &str, revision: u64, letter: char, built: u64) -> (u64, String, Told) {
        let told = Told {
            name: name.to_owned(),
            version: String::new(),
            revision,
            seq: revision,
            digest: Some(digest(letter)),
            built,
        };
        (since, name.to_owned(), told)
    }

    fn at(revision: u64, letter: char) -> Checkpoint {
        Checkpoint { revision, seq: revision, digest: Some(digest(letter)) }
    }

    /// Whether gateway `me`, which came second and has state `a` after revision 5, finds that it is wrong.
    fn is_wrong(built: u64, others: impl IntoIterator<Item = (u64, String, Told)>) -> bool {
        let mut gateways: Vec<_> = others.into_iter().chain([gateway(2, "me", 5, 'a', built)]).collect();
        gateways.sort_by_key(|(since, ..)| *since);
        Others::default().compare("me", &gateways, &Progress::new(at(5, 'a'))).is_some()
    }

    #[test]
    fn the_fewer_are_wrong_and_of_as_many_those_that_were_built_earlier_or_came_later() {
        assert!(!is_wrong(1, []));
        assert!(!is_wrong(1, [gateway(1, "x", 5, 'a', 1), gateway(3, "y", 5, 'a', 1)]));
        assert!(is_wrong(9, [gateway(3, "x", 5, 'b', 1), gateway(4, "y", 5, 'b', 1)]));
        assert!(!is_wrong(1, [gateway(1, "x", 5, 'b', 9), gateway(3, "y", 5, 'a', 1)]));
        // One against one.
        assert!(is_wrong(1, [gateway(3, "x", 5, 'b', 2)]));
        assert!(!is_wrong(2, [gateway(1, "x", 5, 'b', 1)]));
        assert!(is_wrong(1, [gateway(1, "x", 5, 'b', 1)]));
        assert!(!is_wrong(1, [gateway(3, "x", 5, 'b', 1)]));
    }

    #[test]
    fn what_another_told_waits_until_this_gateway_is_as_far() {
        let (mut others, progress) = (Others::default(), Progress::new(at(5, 'a')));
        let told = |revision, letter| [gateway(1, "x", revision, letter, 1), gateway(2, "me", 5, 'a', 1)];
        assert_eq!(others.compare("me", &told(7, 'b'), &progress), None);
        // It is further now; what it told first is what is compared.
        progress.note(at(7, 'c'));
        assert!(others.compare("me", &told(9, 'b'), &progress).is_some_and(|why| why.contains("(x)")));
        // One that is gone counts no more.
        assert_eq!(others.compare("me", &[gateway(2, "me", 7, 'c', 1)], &progress), None);
    }
}

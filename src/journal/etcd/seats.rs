//! This is where it is told and heard which bots are at which gateway: part by part, so that one that comes or goes has few told again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use etcd_client::KeyValue;

use super::keys::Keys;
use super::others::Living;
use crate::access::Caller;
use crate::cluster::{Cluster, Seats};
use crate::config::SEAT_PARTS;
use crate::hub::{Hub, Occupant};
use crate::state::id::BotId;

/// Which bots are where.
#[derive(Debug, Default)]
pub struct Seated {
    /// Those of this gateway as it has told them, part by part.
    pub own: BTreeMap<usize, Vec<BotId>>,
    /// Those of all, by gateways and parts.
    all: BTreeMap<String, HashMap<String, Vec<BotId>>>,
    /// The revision up to which it heard of them.
    pub heard: u64,
}

impl Seated {
    /// The parts of this gateway's bots that are others than it has told.
    pub fn changed(&self, hub: &Hub) -> Vec<(usize, Vec<BotId>)> {
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

    pub fn hear(&mut self, keys: &Keys, changed: &[KeyValue], gateways: &[Living], as_of: u64, cluster: &Cluster) {
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

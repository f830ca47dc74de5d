//! This is where the copies of the journal are read that gateways keep.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::cluster::Cluster;
use crate::support::process::run;

/// The entries of all copies, by their numbers. Where two copies have one they must have the same.
pub struct Journal(BTreeMap<u64, Value>);

impl Journal {
    /// Reads those of a cluster's gateways.
    pub fn of(cluster: &Cluster) -> Self {
        let mut entries = BTreeMap::new();
        for gateway in &cluster.gateways {
            let data = gateway.data();
            let printed = run(&["journal", "print", "--json", data.to_str().expect("paths of tests are text")]);
            assert_eq!(printed.code, Some(0), "{}: {}", gateway.name, printed.stderr);
            for line in printed.stdout.lines() {
                let entry: Value = serde_json::from_str(line).expect("entries are JSON");
                let seq = entry["seq"].as_u64().expect("an entry has a number");
                let before = entries.insert(seq, entry.clone());
                assert!(
                    before.is_none_or(|before| before == entry),
                    "{} has another entry {seq}: {entry}",
                    gateway.name
                );
            }
        }
        Self(entries)
    }

    /// Checks that it has every entry up to this one and no other.
    pub fn must_be_whole(&self, last: u64) {
        assert!(self.0.keys().copied().eq(1..=last), "no copy has all entries up to {last}");
    }

    /// How often each sign-up was added.
    pub fn added(&self) -> HashMap<String, usize> {
        let mut added = HashMap::new();
        for entry in self.0.values().filter(|entry| entry["do"]["method"] == "addToWhitelist") {
            for signup in entry["do"]["signups"].as_array().expect("an addition has sign-ups") {
                // With tags it is an object, else its id.
                let id = signup["signup_id"].as_str().or(signup.as_str()).expect("a sign-up has an id");
                *added.entry(id.to_owned()).or_default() += 1;
            }
        }
        added
    }
}

//! This is where it is known under which keys what is in etcd.

use uuid::Uuid;

/// The keys of one journal.
#[derive(Clone, Debug)]
pub struct Keys(String);

impl Keys {
    /// Those that begin with a prefix.
    pub fn new(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    /// Which journal it is, made by the gateway that came first.
    pub fn id(&self) -> String {
        format!("{}/id", self.0)
    }

    /// What every batch is appended with, so that one look tells how far the journal is.
    pub fn head(&self) -> String {
        format!("{}/head", self.0)
    }

    /// What the batches are under.
    pub fn batches(&self) -> String {
        format!("{}/batches/", self.0)
    }

    /// A batch, by the gateway that offered it and the number it has there.
    pub fn batch(&self, gateway: &str, number: u64) -> String {
        format!("{}{gateway}-{number:010}", self.batches())
    }

    /// The number of a batch, where that gateway offered it.
    pub fn number_of(&self, gateway: &str, key: &[u8]) -> Option<u64> {
        let key = std::str::from_utf8(key).ok()?.strip_prefix(&self.batches())?;
        key.strip_prefix(gateway)?.strip_prefix('-')?.parse().ok()
    }

    /// What the gateways are under that live.
    pub fn gateways(&self) -> String {
        format!("{}/gateways/", self.0)
    }

    /// A gateway, as it tells of itself.
    pub fn gateway(&self, gateway: &str) -> String {
        format!("{}{gateway}", self.gateways())
    }

    /// The gateway of a key, or of one under [`Keys::bots`].
    pub fn gateway_of<'a>(&self, under: &str, key: &'a [u8]) -> Option<&'a str> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(under)?;
        Some(rest.split_once('/').map_or(rest, |(gateway, _)| gateway))
    }

    /// What the bots are under that are connected, by gateways.
    pub fn bots(&self) -> String {
        format!("{}/bots/", self.0)
    }

    /// A part of the bots of a gateway.
    pub fn bots_of(&self, gateway: &str, part: usize) -> String {
        format!("{}{gateway}/{part:02}", self.bots())
    }

    /// The newest snapshot, which tells where its parts are.
    pub fn snapshot(&self) -> String {
        format!("{}/snapshot", self.0)
    }

    /// What the parts of snapshots are under.
    pub fn parts(&self) -> String {
        format!("{}/parts/", self.0)
    }

    /// What the parts of one snapshot are under: in the order of their last entries, and never the same twice.
    pub fn parts_of(&self, seq: u64) -> String {
        format!("{}{seq:020}-{}/", self.parts(), Uuid::new_v4().simple())
    }

    /// Up to which revision batches were removed.
    pub fn trimmed(&self) -> String {
        format!("{}/trimmed", self.0)
    }

    /// The key that sessions of the page are signed with, on all gateways.
    pub fn cookie_key(&self) -> String {
        format!("{}/cookie-key", self.0)
    }
}

//! This is where it is said how a gateway is to run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::administrator::AdministratorToken;
use crate::config::{Limits, SNAPSHOT_EVERY_DEFAULT};
use crate::disk::Disk;
use crate::http::origin::WebOrigin;
#[cfg(feature = "cluster")]
use crate::journal::etcd::Location;
use crate::journal::file::Durability;
use crate::journal::memory::MemoryJournal;
use crate::seed::Seed;
use crate::tls;

/// Where changes are kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In memory, for as long as the gateway runs.
    Memory(MemoryJournal),
    /// In a directory.
    Directory {
        /// The directory.
        path: PathBuf,
        /// What an ack promises.
        durability: Durability,
        /// Entries between two snapshots.
        snapshot_every: u64,
    },
    /// On a disk that nobody else has.
    Disk {
        /// The disk.
        disk: Arc<dyn Disk>,
        /// What an ack promises.
        durability: Durability,
        /// Entries between two snapshots.
        snapshot_every: u64,
    },
    /// In etcd, shared with other gateways.
    #[cfg(feature = "cluster")]
    Etcd(EtcdStore),
}

/// A journal in etcd, of which a gateway has a copy.
#[cfg(feature = "cluster")]
#[derive(Clone, Debug)]
pub struct EtcdStore {
    /// The directory for the copy.
    pub path: PathBuf,
    /// Entries between two snapshots.
    pub snapshot_every: u64,
    /// Where the journal is.
    pub location: Location,
    /// What people call the gateway.
    pub name: String,
}

impl Store {
    /// A directory, with what is usual.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::Directory { path: path.into(), durability: Durability::Sync, snapshot_every: SNAPSHOT_EVERY_DEFAULT }
    }
}

/// How a gateway is to run.
#[derive(Debug)]
pub struct Options {
    /// Where it listens; port 0 means any free one.
    pub listen: SocketAddr,
    /// Where it tells those who keep it running how it does, if anywhere: metrics to whoever can reach that.
    pub admin_listen: Option<SocketAddr>,
    /// Where it keeps changes.
    pub store: Store,
    /// What an empty store begins with.
    pub seed: Seed,
    /// What is too much.
    pub limits: Limits,
    /// Whether refusals carry `"method":"error"`, which brings them to a bot's catch-all callback.
    pub error_method: bool,
    /// How the gateway is reached from outside, such as `https://lists.example.com`; else by where it listens.
    pub public_url: Option<String>,
    /// Pages of other hosts whose requests are taken together with a cookie.
    pub allowed_origins: Vec<WebOrigin>,
    /// Whether everybody may sign up as a user.
    pub open_sign_up: bool,
    /// The directory in which it records what reaches it, if it does.
    pub record: Option<PathBuf>,
    /// The certificate with which connections are encrypted, if they are.
    pub tls: Option<tls::Source>,
    /// Else, what is to be certified, and by whom.
    #[cfg(feature = "acme")]
    pub acme: Option<tls::acme::Acme>,
    /// The token that an administrator has from this start on, if it comes from outside.
    pub administrator: Option<AdministratorToken>,
}

impl Options {
    /// With the demo data, in memory, on a free port of this machine: for a replay or a test, which leaves nothing behind.
    pub fn demo() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin_listen: None,
            store: Store::Memory(MemoryJournal::default()),
            seed: Seed::demo(),
            limits: Limits::default(),
            error_method: false,
            public_url: None,
            allowed_origins: Vec::new(),
            open_sign_up: true,
            record: None,
            tls: None,
            #[cfg(feature = "acme")]
            acme: None,
            administrator: None,
        }
    }
}

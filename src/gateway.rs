//! This is where a gateway is put together, started and stopped: store, engine, hub and listener.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::administrator::{self, AdministratorError, AdministratorToken};
use crate::config::{ENDPOINT, Limits, SNAPSHOT_EVERY_DEFAULT};
use crate::dashboard::{self, CookieKey};
use crate::disk::Disk;
use crate::engine::{Engine, EngineHandle};
use crate::health::Health;
use crate::http::origin::{Origins, WebOrigin};
use crate::hub::Hub;
use crate::journal::directory::{DataDir, OpenError};
use crate::journal::file::{Durability, FileJournal};
use crate::journal::memory::MemoryJournal;
use crate::journal::read::ReadError;
use crate::journal::{Failure, Journal};
use crate::methods::NewToken;
use crate::recovery::{self, Torn};
use crate::retention::Retention;
use crate::seed::{self, Seed, SeedError};
use crate::server;
use crate::shared::{Changeable, Shared};
use crate::snapshots::Snapshots;
use crate::state::{State, Writer};
use crate::tls::{self, CertificateError, Certificates, Encryption};
use crate::transcript::record::Own;
use crate::wire::close::Close;
use crate::world::{Running, Threads, World};

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

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What lies in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal cannot be written.
    #[error("the data directory cannot be written: {0}")]
    Journal(#[source] Failure),
    /// The seed was refused.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// There is no administrator with the token that was given.
    #[error(transparent)]
    Administrator(#[from] AdministratorError),
    /// The recording cannot be begun.
    #[error("{0} cannot hold a recording: {1}; choose another directory with --record")]
    Record(PathBuf, #[source] io::Error),
    /// The address cannot be had.
    #[error("{0} cannot be listened on: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] io::Error),
    /// The administrator's address cannot be had.
    #[error("{0} cannot be listened on: {1}; choose another address with --admin-listen")]
    AdminListen(SocketAddr, #[source] io::Error),
    /// The store has the demo's tokens, and the address is for others too.
    #[error(
        "the data directory or the seed holds the demo data, whose tokens everybody knows, so it is served on loopback only, not \
         on {0}; choose another directory with --data, and other tokens"
    )]
    DemoInPublic(SocketAddr),
    /// The certificate cannot be shown.
    #[error("{0}; see to the files named with --tls-cert and --tls-key")]
    Certificate(#[from] CertificateError),
    /// Nobody is trusted to certify.
    #[cfg(feature = "acme")]
    #[error(
        "the system has no root certificates, so no authority can be asked for a certificate; install ca-certificates, or name a \
         file of some in SSL_CERT_FILE"
    )]
    NoAuthority(#[source] tls::TrustError),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// What it began with.
    shared: Arc<Shared>,
    /// What those who come now have at hand.
    current: watch::Sender<Arc<Shared>>,
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    new_tokens: Vec<NewToken>,
    began_empty: bool,
    stop: watch::Sender<bool>,
    engine: Running,
    recording: Option<Own>,
    encryption: Option<Encryption>,
    _directory: Option<DataDir>,
}

/// A store, opened: the state it holds and the journal it goes on in.
pub struct Opened {
    /// The state, and the right to change it.
    pub writer: Writer,
    /// Where changes are journaled.
    pub journal: Box<dyn Journal>,
    /// What makes snapshots, where there is a disk.
    pub snapshots: Option<Snapshots>,
    /// The directory, which is locked for as long as this is there.
    pub directory: Option<DataDir>,
}

impl Gateway {
    /// Starts a gateway: recovers what the store holds, seeds an empty one, and listens.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_in(World::machine(), options).await
    }

    /// The same in a world that may be simulated.
    pub async fn start_in(mut world: World, options: Options) -> Result<Self, StartError> {
        let Options { listen, admin_listen, store, seed, limits, error_method, public_url, .. } = options;
        let Options { allowed_origins, open_sign_up, record, tls, administrator, .. } = options;
        if !listen.ip().is_loopback() && administrator.as_ref().is_some_and(AdministratorToken::is_known) {
            return Err(AdministratorError::Known.into());
        }
        let encryption = tls.map(Certificates::open).transpose()?.map(Arc::new).map(Encryption::Files);
        #[cfg(feature = "acme")]
        let encryption =
            match options.acme.map(tls::acme::Ordered::open).transpose().map_err(StartError::NoAuthority)? {
                Some(ordered) => Some(Encryption::Ordered(Arc::new(ordered))),
                None => encryption,
            };
        // Before the store: a start that cannot listen must not write.
        let listener = world.listen(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.address().map_err(|error| StartError::Listen(listen, error))?;
        let admin = admin_listener(admin_listen).await?;
        let health = Arc::new(Health::default());
        let Opened { writer, journal, snapshots, directory } = open(store, &limits, &health, world.threads)?;
        let state = writer.state().clone();
        if !address.ip().is_loopback() && (seed.sets_demo_secret() || seed::holds_demo_secret(&state)) {
            return Err(StartError::DemoInPublic(address));
        }
        let hub = Arc::new(Hub::default());
        let (engine, handle) = Engine::new(writer, journal, hub.clone(), limits.clone(), snapshots, health);
        let engine = engine.dated_by(world.clock.clone()).spawn_on(world.threads).map_err(StartError::Thread)?;
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        let scheme = if encryption.is_some() { "https" } else { "http" };
        let public_url = public_url.unwrap_or_else(|| format!("{scheme}://{address}"));
        let recording = match record.map(|directory| Own::start(&directory).map_err(|error| (directory, error))) {
            Some(Err((directory, error))) => {
                stop_engine(&handle, engine).await;
                return Err(StartError::Record(directory, error));
            }
            Some(Ok(recording)) => Some(recording),
            None => None,
        };
        let recorder = recording.as_ref().map(Own::recorder);
        let shared = Shared::new(state, handle, hub, limits).in_world(&world);
        let cookie_key = cookie_key(directory.as_ref());
        let origins = Origins::new(&public_url, allowed_origins);
        let shared =
            Arc::new(Shared { error_method, public_url, origins, open_sign_up, recorder, cookie_key, ..shared });
        let began_empty = shared.state.folded() == 0;
        let new_tokens = match seed::apply(seed, &shared).await {
            Ok(tokens) => tokens,
            Err(error) => {
                stop_engine(&shared.engine, engine).await;
                return Err(error.into());
            }
        };
        if let Some(token) = administrator
            && let Err(error) = administrator::set(&token, &shared).await
        {
            stop_engine(&shared.engine, engine).await;
            return Err(error.into());
        }
        let (stop, stopped) = watch::channel(false);
        let listener = match &encryption {
            Some(encryption) => {
                let interval = shared.limits.certificate_look_interval;
                tokio::spawn(encryption.clone().watch(interval, stopped.clone()));
                listener.encrypted(encryption.config())
            }
            None => listener,
        };
        let (current, changes) = watch::channel(shared.clone());
        let mut admin_address = None;
        if let Some((listener, address)) = admin {
            tokio::spawn(server::accept_admin(listener, changes.clone(), stopped.clone()));
            admin_address = Some(address);
        }
        tokio::spawn(server::accept(listener, changes, stopped));
        let _directory = directory;
        Ok(Self {
            shared,
            current,
            address,
            admin_address,
            new_tokens,
            began_empty,
            stop,
            engine,
            recording,
            encryption,
            _directory,
        })
    }

    /// Changes what may change while it runs, for all who connect from now on. Nobody's connection ends by it. Gives the limits that
    /// stay as they are until the next start, if they are to be others.
    pub fn change(&self, changeable: Changeable) -> Vec<String> {
        let fixed = self.shared.limits.fixed(&changeable.limits).into_iter().map(str::to_owned).collect();
        self.current.send_replace(Arc::new(self.shared.changed(changeable)));
        fixed
    }

    /// Sees at once whether there is another certificate, if there is one. Nobody's connection ends by it.
    pub async fn renew(&self) {
        if let Some(encryption) = &self.encryption {
            encryption.look().await;
        }
    }

    /// Makes sure that the administrator has this token, and says whether anything had to be changed for it.
    pub async fn set_administrator(&self, token: &AdministratorToken) -> Result<bool, AdministratorError> {
        if !self.address.ip().is_loopback() && token.is_known() {
            return Err(AdministratorError::Known);
        }
        administrator::set(token, &self.shared).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells how it does, if it was given an address for that.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// A link that signs one browser in as the first administrator, once, within half an hour.
    pub fn setup_link(&self) -> Option<String> {
        dashboard::first_link(&self.shared)
    }

    /// Where bots connect.
    pub fn url(&self) -> String {
        let scheme = if self.encryption.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}{ENDPOINT}", self.address)
    }

    /// What is known.
    pub fn state(&self) -> &Arc<State> {
        &self.shared.state
    }

    /// How its storage is.
    pub fn health(&self) -> &Health {
        self.shared.engine.health()
    }

    /// Whether the store was empty when it started.
    pub fn began_empty(&self) -> bool {
        self.began_empty
    }

    /// Tokens that were made at this start, to be shown once.
    pub fn take_new_tokens(&mut self) -> Vec<NewToken> {
        std::mem::take(&mut self.new_tokens)
    }

    /// Stops in good order: answers what is under way, closes connections so that bots come back, flushes, makes a snapshot.
    pub async fn stop(self) {
        // First: that it stops is no part of what it could be asked again.
        if let Some(recording) = self.recording {
            recording.stop().await;
        }
        // Not ready any more, which a proxy in front can be told as long as connections are accepted.
        self.shared.engine.health().note_stopping();
        let limits = self.current.borrow().limits.clone();
        self.shared.hub.close_all_within(Close::Stopping, limits.drain_window).await;
        self.stop.send_replace(true);
        let patience = limits.close_wait * 2 + Duration::from_secs(1);
        if timeout(patience, self.shared.hub.emptied()).await.is_err() {
            tracing::warn!(connections = self.shared.hub.len(), "some connections did not end in time");
        }
        stop_engine(&self.shared.engine, self.engine).await;
    }
}

/// The key that sessions of the page are signed with: the directory's, or where it has none, one that ends with the process.
fn cookie_key(directory: Option<&DataDir>) -> CookieKey {
    let kept = directory.map(|directory| CookieKey::kept_in(directory.path()));
    kept.transpose()
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "whoever signs in to the page is signed out by the next start");
            None
        })
        .unwrap_or_else(CookieKey::passing)
}

/// Listens where those who keep the gateway running ask; not encrypted, and not for everybody.
async fn admin_listener(address: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let listen = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listen.await.map(Some).map_err(|error| StartError::AdminListen(address, error))
}

async fn stop_engine(handle: &EngineHandle, engine: Running) {
    handle.stop().await;
    if !engine.ended().await {
        tracing::error!("the engine panicked; the next start replays the journal");
    }
}

/// Opens what a store holds.
pub fn open(store: Store, limits: &Limits, health: &Arc<Health>, threads: Threads) -> Result<Opened, StartError> {
    match store {
        Store::Memory(journal) => {
            let journal = Box::new(journal);
            Ok(Opened { writer: Writer::default(), journal, snapshots: None, directory: None })
        }
        Store::Directory { path, durability, snapshot_every } => {
            let directory = DataDir::open(&path)?;
            let opened = open_disk(Arc::new(directory.disk()), durability, snapshot_every, limits, health, threads)?;
            directory.settle()?;
            Ok(Opened { directory: Some(directory), ..opened })
        }
        Store::Disk { disk, durability, snapshot_every } => {
            open_disk(disk, durability, snapshot_every, limits, health, threads)
        }
    }
}

fn open_disk(
    disk: Arc<dyn Disk>,
    durability: Durability,
    snapshot_every: u64,
    limits: &Limits,
    health: &Arc<Health>,
    threads: Threads,
) -> Result<Opened, StartError> {
    let recovered = recovery::recover(&*disk)?;
    if let Some(torn) = &recovered.torn {
        let Torn { segment, offset, bytes } = torn;
        if disk.is_copy() {
            tracing::warn!(
                segment,
                offset,
                bytes,
                "the end of the journal, which was written while it was copied, is cut off"
            );
        } else {
            tracing::warn!(segment, offset, bytes, "the end of the journal, which was never acknowledged, is cut off");
        }
    }
    let journal = FileJournal::go_on(disk.clone(), &recovered.tail, durability);
    let journal = Box::new(journal.map_err(StartError::Journal)?.ahead(limits.journal_ahead_bytes_max));
    let retention = Retention { journal_keep_bytes: limits.journal_keep_bytes, removal_wait: limits.removal_wait };
    let snapshots = Snapshots::new(
        disk.clone(),
        health.clone(),
        snapshot_every,
        recovered.snapshot_seq,
        recovered.snapshot_records,
    );
    let snapshots = snapshots.keeping(retention).on(threads).map_err(StartError::Thread)?;
    tracing::info!(
        entries = recovered.entries,
        snapshot = recovered.snapshot_seq,
        directory = %disk.path().display(),
        "the state was recovered"
    );
    Ok(Opened { writer: recovered.writer, journal, snapshots: Some(snapshots), directory: None })
}

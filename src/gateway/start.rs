//! This is where a gateway is started: what it keeps is opened, what an empty store begins with is made, and it listens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::interval;

use super::{Gateway, Opened, Options, StartError, open, sharing, stop_engine};
#[cfg(feature = "cluster")]
use super::{Store, joining};
use crate::administrator::{self, AdministratorError, AdministratorToken};
use crate::cluster::Cluster;
use crate::config::LOAD_INTERVAL;
use crate::dashboard::CookieKey;
use crate::engine::Engine;
use crate::health::Health;
use crate::http::origin::Origins;
use crate::hub::Hub;
use crate::journal::directory::DataDir;
use crate::methods::NewToken;
use crate::seed::{self, Seed};
use crate::server;
use crate::shared::Shared;
#[cfg(feature = "acme")]
use crate::tls;
use crate::tls::{Certificates, Encryption};
use crate::transcript::record::Own;
use crate::world::World;

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
        let encryption = ordered(options.acme)?.or(encryption);
        // Before the store: a start that cannot listen must not write.
        let listener = world.listen(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.address().map_err(|error| StartError::Listen(listen, error))?;
        let admin = admin_listener(admin_listen).await?;
        let health = Arc::new(Health::default());
        let opened = match store {
            #[cfg(feature = "cluster")]
            Store::Etcd(store) => joining::open(store, &limits, &health, world.threads).await?,
            store => open(store, &limits, &health, world.threads)?,
        };
        let Opened { writer, journal, snapshots, disk, refused, directory, way } = opened;
        let (state, begun) = (writer.state().clone(), sharing::begun_at(&writer));
        if !address.ip().is_loopback() && (seed.sets_demo_secret() || seed::holds_demo_secret(&state)) {
            return Err(StartError::DemoInPublic(address));
        }
        let hub = Arc::new(Hub::default());
        refused.into_iter().for_each(|seq| hub.feed().refused().note(seq));
        if let Some(disk) = disk {
            hub.feed().read_back_from(disk);
        }
        let (engine, handle) = Engine::new(writer, journal, hub.clone(), limits.clone(), snapshots, health.clone());
        let shared_key = way.as_ref().and_then(|way| CookieKey::read(way.cookie_key()));
        let cookie_key = shared_key.unwrap_or_else(|| cookie_key(directory.as_ref()));
        let cluster = way.is_some().then(|| Arc::new(Cluster::new(health.freshness.clone(), &limits)));
        let (engine, membership) = match way.zip(cluster.clone()) {
            Some((way, cluster)) => {
                let (journal, membership) = way.join(begun, health.clone(), hub.clone(), cluster);
                (engine.sharing(journal), Some(membership))
            }
            None => (engine, None),
        };
        let engine = engine.dated_by(world.clock.clone()).spawn_on(world.threads).map_err(StartError::Thread)?;
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        let scheme = if encryption.is_some() { "https" } else { "http" };
        let public_url = public_url.unwrap_or_else(|| format!("{scheme}://{address}"));
        let origins = Origins::new(&public_url, allowed_origins);
        if let Err(error) = sharing::catch_up(&health).await {
            stop_engine(&handle, engine).await;
            return Err(error);
        }
        let began_empty = state.folded() == 0;
        let shared = Shared::new(state, handle.clone(), hub, limits).in_world(&world);
        let shared = Shared { error_method, public_url, origins, open_sign_up, cookie_key, cluster, ..shared };
        let begun = begin(shared, record, seed, administrator).await;
        let Begun { shared, recording, new_tokens } = match begun {
            Ok(begun) => begun,
            Err(error) => {
                stop_engine(&handle, engine).await;
                return Err(error);
            }
        };
        let (stop, stopped) = watch::channel(false);
        let listener = match &encryption {
            Some(encryption) => {
                let interval = shared.limits.certificate_look_interval;
                tokio::spawn(encryption.clone().watch(interval, stopped.clone()));
                listener.encrypted(encryption.config())
            }
            None => listener,
        };
        tokio::spawn(note_load(shared.clone(), stopped.clone()));
        let (current, changes) = watch::channel(shared.clone());
        let mut admin_address = None;
        if let Some((listener, address)) = admin {
            tokio::spawn(server::accept_admin(listener, changes.clone(), stopped.clone()));
            admin_address = Some(address);
        }
        tokio::spawn(server::accept(listener, changes, stopped));
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
            directory,
            membership,
        })
    }
}

/// Notes again and again how much there was to do, until the gateway stops.
async fn note_load(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut turns = interval(LOAD_INTERVAL);
    loop {
        tokio::select! {
            _ = turns.tick() => shared.counts.load.note(&shared.counts, shared.clock.now_ms()),
            _ = stopped.changed() => return,
        }
    }
}

/// What every connection has at hand, once the store holds what it is to begin with.
struct Begun {
    shared: Arc<Shared>,
    recording: Option<Own>,
    new_tokens: Vec<NewToken>,
}

/// Begins to record, fills an empty store, and sees to the administrator.
async fn begin(
    shared: Shared,
    record: Option<PathBuf>,
    seed: Seed,
    administrator: Option<AdministratorToken>,
) -> Result<Begun, StartError> {
    let start = |directory: PathBuf| Own::start(&directory).map_err(|error| StartError::Record(directory, error));
    let recording = record.map(start).transpose()?;
    let shared = Arc::new(Shared { recorder: recording.as_ref().map(Own::recorder), ..shared });
    let new_tokens = seed::apply(seed, &shared).await?;
    if let Some(token) = administrator {
        administrator::set(&token, &shared).await?;
    }
    Ok(Begun { shared, recording, new_tokens })
}

/// The certificate that an authority is asked for, if one is.
#[cfg(feature = "acme")]
fn ordered(acme: Option<tls::acme::Acme>) -> Result<Option<Encryption>, StartError> {
    let ordered = acme.map(tls::acme::Ordered::open).transpose().map_err(StartError::NoAuthority)?;
    Ok(ordered.map(|ordered| Encryption::Ordered(Arc::new(ordered))))
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

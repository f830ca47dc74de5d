//! `guestlist serve`: runs the gateway until it is told to stop.

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use guestlist::config::{JOURNAL_KEEP_BYTES_DEFAULT, Limits, SNAPSHOT_EVERY_DEFAULT};
use guestlist::gateway::{Gateway, Options, StartError, Store};
use guestlist::journal::file::Durability;
use guestlist::seed::{Seed, SeedError};
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Where the gateway listens, where nothing else is said.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5020);

/// Where changes are kept, where nothing else is said.
const DATA_DEFAULT: &str = "./guestlist-data";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// A TOML file with any of these settings, under the names of the flags with _ for -
    #[arg(long, env = "GUESTLIST_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
A setting is taken from its flag, else from the environment, else from the file.

Examples:
  guestlist serve --demo
  guestlist serve --listen 127.0.0.1:0 --data /var/lib/guestlist
  GUESTLIST_LISTEN=0.0.0.0:5020 guestlist serve --seed apps.jsonl
  guestlist serve --config guestlist.toml        # listen = \"127.0.0.1:5020\"";

/// One struct for the flags, the environment and the file, so that none can lack what another has.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:5020]
    #[arg(long, env = "GUESTLIST_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Directory for the journal and its snapshots; made if missing [default: ./guestlist-data]
    #[arg(long, env = "GUESTLIST_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Directory messages (setApp, setBot, ...), one a line, that an empty data directory begins with
    #[arg(long, env = "GUESTLIST_SEED", value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Begin with the demo data, whose tokens everybody knows; loopback addresses only
    #[arg(long, env = "GUESTLIST_DEMO", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    demo: Option<bool>,
    /// What an ack promises [default: sync]
    #[arg(long, env = "GUESTLIST_DURABILITY", value_enum)]
    durability: Option<Durability>,
    /// Journal entries between two snapshots, at least; more where more is kept [default: 500000]
    #[arg(long, env = "GUESTLIST_SNAPSHOT_EVERY", value_name = "ENTRIES", value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_every: Option<u64>,
    /// Bytes of journal kept as an audit log beyond what a start could need [default: 268435456]
    #[arg(long, env = "GUESTLIST_JOURNAL_KEEP", value_name = "BYTES")]
    journal_keep: Option<u64>,
    /// Add "method":"error" to refusals, so that bots see them in their catch-all callback
    #[arg(long, env = "GUESTLIST_ERROR_METHOD", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    error_method: Option<bool>,
    /// How the gateway is reached from outside, such as https://lists.example.com behind a proxy [default: http:// and the address]
    #[arg(long, env = "GUESTLIST_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Whether everybody may sign up as a user; else only administrators make users [default: true]
    #[arg(long, env = "GUESTLIST_SIGN_UP", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    sign_up: Option<bool>,
    /// Directory for recordings of what reaches the gateway, without secrets: a transcript each start
    #[arg(long, env = "GUESTLIST_RECORD", value_name = "DIR")]
    record: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, or a filter by module [default: info]
    #[arg(long, env = "GUESTLIST_LOG", value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("{0} cannot be read: {1}")]
    Config(PathBuf, #[source] std::io::Error),
    #[error("{0}: {1}")]
    Toml(PathBuf, #[source] Box<toml::de::Error>),
    #[error("{0}: snapshot_every must be at least 1")]
    SnapshotEvery(PathBuf),
    #[error("--log {0}: {1}")]
    Log(String, #[source] tracing_subscriber::filter::ParseError),
    #[error(
        "the demo's tokens are known to everybody, so --demo listens on loopback only, not on {0}; use --seed instead"
    )]
    DemoNotLoopback(SocketAddr),
    #[error("--demo and --seed exclude each other; choose one")]
    TwoSeeds,
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Serve {
    pub fn run(self) -> ExitCode {
        match self.serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => super::failed(error),
        }
    }

    fn serve(self) -> Result<(), ServeError> {
        let settings = match &self.config {
            Some(path) => self.settings.or(file(path)?),
            None => self.settings,
        };
        log(settings.log.as_deref().unwrap_or("info"))?;
        let options = settings.options()?;
        super::runtime()?.block_on(serve(options))
    }
}

fn file(path: &Path) -> Result<Settings, ServeError> {
    let text = std::fs::read_to_string(path).map_err(|error| ServeError::Config(path.to_owned(), error))?;
    let settings: Settings =
        toml::from_str(&text).map_err(|error| ServeError::Toml(path.to_owned(), Box::new(error)))?;
    if settings.snapshot_every == Some(0) {
        return Err(ServeError::SnapshotEvery(path.to_owned()));
    }
    Ok(settings)
}

fn log(filter: &str) -> Result<(), ServeError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| ServeError::Log(filter.to_owned(), error))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

impl Settings {
    /// These settings, and where they are silent those of `other`.
    fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data: self.data.or(other.data),
            seed: self.seed.or(other.seed),
            demo: self.demo.or(other.demo),
            durability: self.durability.or(other.durability),
            snapshot_every: self.snapshot_every.or(other.snapshot_every),
            journal_keep: self.journal_keep.or(other.journal_keep),
            error_method: self.error_method.or(other.error_method),
            public_url: self.public_url.or(other.public_url),
            sign_up: self.sign_up.or(other.sign_up),
            record: self.record.or(other.record),
            log: self.log.or(other.log),
        }
    }

    fn options(self) -> Result<Options, ServeError> {
        let listen = self.listen.unwrap_or(LISTEN_DEFAULT);
        let demo = self.demo.unwrap_or(false);
        if demo && !listen.ip().is_loopback() {
            return Err(ServeError::DemoNotLoopback(listen));
        }
        let seed = match (demo, self.seed) {
            (true, Some(_)) => return Err(ServeError::TwoSeeds),
            (true, None) => Seed::demo(),
            (false, Some(path)) => Seed::read(&path)?,
            (false, None) => Seed::administrator(),
        };
        let store = Store::Directory {
            path: self.data.unwrap_or_else(|| DATA_DEFAULT.into()),
            durability: self.durability.unwrap_or_default(),
            snapshot_every: self.snapshot_every.unwrap_or(SNAPSHOT_EVERY_DEFAULT),
        };
        let error_method = self.error_method.unwrap_or(false);
        let (public_url, open_sign_up, record) = (self.public_url, self.sign_up.unwrap_or(true), self.record);
        let limits =
            Limits { journal_keep_bytes: self.journal_keep.unwrap_or(JOURNAL_KEEP_BYTES_DEFAULT), ..Limits::default() };
        Ok(Options { listen, store, seed, limits, error_method, public_url, open_sign_up, record })
    }
}

async fn serve(mut options: Options) -> Result<(), ServeError> {
    // Before anything listens: a stop that comes early must not be missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A file that may not grow further must end in a write that fails, which is minded like a full disk, and not in a signal
    // that kills. Once it was asked for it never kills again.
    drop(signal(SignalKind::from_raw(libc::SIGXFSZ))?);
    options.limits = within_descriptors(options.limits);
    let relaxed = matches!(&options.store, Store::Directory { durability: Durability::Relaxed, .. });
    let mut gateway = Gateway::start(options).await?;
    for new in gateway.take_new_tokens() {
        eprintln!("token of bot {}, shown this once: {}", new.bot_id, new.token);
    }
    if relaxed {
        tracing::warn!("durability is relaxed: a crash of the machine loses up to a second of acknowledged changes");
    }
    // Nobody may be reading, and that is no reason to stop.
    let mut stdout = std::io::stdout();
    if let Err(error) = writeln!(stdout, "listening on {}", gateway.url()).and_then(|()| stdout.flush()) {
        tracing::warn!(%error, url = gateway.url(), "where the gateway listens could not be printed");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: connections are closed, the journal is flushed, a snapshot is made");
    gateway.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// As many connections as the system gives descriptors for. Systems start programs with a low soft limit, for the sake of those
/// that use select(); every connection takes a descriptor.
fn within_descriptors(limits: Limits) -> Limits {
    let wanted = limits.connections_max;
    let raised = rlimit::increase_nofile_limit(u64::MAX).or_else(|error| {
        tracing::warn!(%error, "the limit on open files could not be raised");
        rlimit::Resource::NOFILE.get_soft()
    });
    let Ok(descriptors) = raised.inspect_err(|error| tracing::warn!(%error, "the limit on open files is not known"))
    else {
        return limits;
    };
    let limits = limits.within_descriptors(descriptors);
    if limits.connections_max < wanted {
        let connections = limits.connections_max;
        tracing::warn!(
            descriptors,
            connections,
            "connections beyond these wait, for want of descriptors; raise the limit on open files"
        );
    }
    limits
}

//! `guestlist serve`: runs the gateway until it is told to stop.

#[cfg(feature = "otlp")]
mod otlp;
mod reload;
mod settings;
mod welcome;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use guestlist::cluster::Lost;
use guestlist::config::{BEGUN_ANEW_MAX, BEGUN_ANEW_WITHIN, Limits};
use guestlist::gateway::{Gateway, Options, StartError, Store};
use guestlist::journal::file::Durability;
use guestlist::world::World;
use listenfd::ListenFd;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use reload::Sources;
use settings::LogFormat;
pub use settings::{LIMITS_TOO, Settings, SettingsError};
use welcome::Welcome;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// A TOML file with any of these settings, under the names of the flags with _ for -
    #[arg(long, env = "GUESTLIST_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Settings,
}

const EXAMPLES: &str = "\
A setting is taken from its flag, else from the environment, else from the file.

Examples:
  guestlist serve --demo
  guestlist serve --listen 127.0.0.1:0 --data /var/lib/guestlist
  GUESTLIST_LISTEN=0.0.0.0:5020 guestlist serve --seed apps.jsonl
  guestlist serve --config guestlist.toml        # listen = \"127.0.0.1:5020\"
  guestlist serve --tls-cert fullchain.pem --tls-key privkey.pem --listen 0.0.0.0:443
  guestlist serve --limit connections_max=500,idle_wait=2m";

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("--log {0}: {1}")]
    Log(String, #[source] tracing_subscriber::filter::ParseError),
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Traces(#[from] otlp::TracesError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error(
        "{0}, again and again, though it began anew from what is in etcd: where gateways of several versions run, bring all to one; \
         else report this"
    )]
    Lost(Lost),
}

impl Serve {
    pub fn run(self) -> ExitCode {
        match self.serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => super::failed(error),
        }
    }

    fn serve(self) -> Result<(), ServeError> {
        let sources = Sources::new(self.settings, self.config);
        let settings = sources.settings()?;
        let (filter, format) = settings.logging();
        let filter = EnvFilter::try_new(filter).map_err(|error| ServeError::Log(filter.to_owned(), error))?;
        let runtime = super::runtime()?;
        #[cfg(not(feature = "otlp"))]
        log(filter, format);
        #[cfg(feature = "otlp")]
        let traces = match settings.otlp_endpoint() {
            Some(endpoint) => Some(otlp::Traces::to(endpoint, runtime.handle().clone())?),
            None => None,
        };
        #[cfg(feature = "otlp")]
        otlp::log(filter, format, traces.as_ref());
        let served = runtime.block_on(serve(settings, &sources, format));
        #[cfg(feature = "otlp")]
        traces.into_iter().for_each(otlp::Traces::stop);
        served
    }
}

#[cfg(not(feature = "otlp"))]
fn log(filter: EnvFilter, format: LogFormat) {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

async fn serve(mut settings: Settings, sources: &Sources, format: LogFormat) -> Result<(), ServeError> {
    // Before anything listens: a stop that comes early must not be missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // A file that may not grow further must end in a write that fails, which is minded like a full disk, and not in a signal
    // that kills. Once it was asked for it never kills again.
    drop(signal(SignalKind::from_raw(libc::SIGXFSZ))?);
    let mut world = world()?;
    let mut listen = None;
    let mut begun_anew = BegunAnew::default();
    loop {
        let mut options = settings.clone().options()?;
        options.limits = within_descriptors(options.limits);
        options.listen = listen.unwrap_or(options.listen);
        let gateway = start(world, options, format).await?;
        let lost = loop {
            tokio::select! {
                _ = terminate.recv() => break None,
                _ = interrupt.recv() => break None,
                _ = hang_up.recv() => sources.reload(&gateway, &mut settings).await,
                lost = gateway.lost() => break Some(lost),
            }
        };
        let address = gateway.address();
        match &lost {
            None => tracing::info!("stopping: connections are closed, the journal is flushed, a snapshot is made"),
            Some(lost) => {
                tracing::error!(%lost, "this gateway stops serving, and begins anew from what the others share");
            }
        }
        gateway.stop().await;
        let Some(lost) = lost else { break };
        begun_anew.note(&lost)?;
        (world, listen) = (World::machine(), Some(address));
    }
    tracing::info!("stopped");
    Ok(())
}

/// How often a gateway began anew of late.
#[derive(Debug, Default)]
struct BegunAnew(Vec<Instant>);

impl BegunAnew {
    /// Notes that it does; where it was too often, something is wrong that beginning anew does not mend.
    fn note(&mut self, lost: &Lost) -> Result<(), ServeError> {
        self.0.retain(|at| at.elapsed() < BEGUN_ANEW_WITHIN);
        self.0.push(Instant::now());
        if self.0.len() > BEGUN_ANEW_MAX { Err(ServeError::Lost(lost.clone())) } else { Ok(()) }
    }
}

/// Starts a gateway, and tells where it is.
async fn start(world: World, options: Options, format: LogFormat) -> Result<Gateway, ServeError> {
    let relaxed = matches!(&options.store, Store::Directory { durability: Durability::Relaxed, .. });
    let welcome = welcome(&options);
    let mut gateway = Gateway::start_in(world, options).await?;
    let tokens = gateway.take_new_tokens();
    for new in &tokens {
        eprintln!("token of bot {}, shown this once: {}", new.bot_id, new.token);
    }
    // A log for programs is no place for a text.
    if gateway.began_empty() && matches!(format, LogFormat::Pretty) {
        eprint!("{}", Welcome { url: gateway.url(), tokens, setup_link: gateway.setup_link(), ..welcome });
    }
    if relaxed {
        tracing::warn!("durability is relaxed: a crash of the machine loses up to a second of acknowledged changes");
    }
    // Nobody may be reading, and that is no reason to stop.
    let mut stdout = std::io::stdout();
    if let Err(error) = writeln!(stdout, "listening on {}", gateway.url()).and_then(|()| stdout.flush()) {
        tracing::warn!(%error, url = gateway.url(), "where the gateway listens could not be printed");
    }
    if let Some(address) = gateway.admin_address() {
        tracing::info!("metrics and health are told at http://{address}");
    }
    Ok(gateway)
}

/// What a first start by these options could be told before it, which is all but where it listens and which tokens it made.
fn welcome(options: &Options) -> Welcome {
    let data = match &options.store {
        Store::Directory { path, .. } => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        #[cfg(feature = "cluster")]
        Store::Etcd(store) => std::path::absolute(&store.path).unwrap_or_else(|_| store.path.clone()),
        Store::Memory(_) | Store::Disk { .. } => unreachable!("`serve` keeps its data in a directory"),
    };
    let ca = options.tls.as_ref().and_then(|tls| std::path::absolute(&tls.cert).ok());
    let ca = ca.filter(|cert| cert.starts_with(&data));
    let (demo, token_given) = (options.seed.is_demo(), options.administrator.is_some());
    let to_terminal = std::io::stderr().is_terminal();
    Welcome { data, url: String::new(), tokens: Vec::new(), to_terminal, demo, token_given, setup_link: None, ca }
}

/// The machine, with the port that a supervisor holds open, if it does: that of the first socket it hands over, as systemd does.
fn world() -> Result<World, ServeError> {
    match ListenFd::from_env().take_tcp_listener(0)? {
        Some(listener) => Ok(World::machine_with(listener)?),
        None => Ok(World::machine()),
    }
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

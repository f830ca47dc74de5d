//! `guestlist record`: stands in front of a gateway and writes down what passes, as a transcript.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use guestlist::config::ENDPOINT;
use guestlist::transcript::record::{Cut, Recording, Rules, Summary, Upstream, UpstreamError, proxy};
use serde_json_path::JsonPath;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Where it listens, where nothing else is said.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Record {
    /// The gateway to stand in front of
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// The transcript to write; it must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
    /// Write tokens, api keys, passwords and cookies as they are
    #[arg(long)]
    keep_secrets: bool,
    /// Write frames byte for byte, as far as they hold no secret; else times, dates and uuids that a gateway makes are left open
    #[arg(long)]
    exact: bool,
    /// Root certificates to trust besides the system's (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What to expect nothing of in the gateway's frames; may be given several times
    #[arg(long, value_name = "JSON-PATH")]
    ignore: Vec<JsonPath>,
}

const EXAMPLES: &str = "\
A bot that connects to the address printed talks to the gateway as before. Ctrl-C ends the recording; killed at any moment, all of
its lines but perhaps the last are whole.

Secrets do not reach the file: a line {\"secret\":\"token_1\"} says that a replay has to be given one.

Examples:
  guestlist record --upstream ws://127.0.0.1:5020/nandbox/api/ --listen 127.0.0.1:5021 --out bot.jsonl
  guestlist record --upstream wss://lists.example.com/nandbox/api/ --ca ca.pem --out bot.jsonl --ignore '$.signups[*].id'
  guestlist replay bot.jsonl --bind token_1=90091784056528980:0:DemoBotTokenForLocalUseOnly001";

#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("{0} exists; name another file, or write over it with --force")]
    Exists(PathBuf),
    #[error("{0} cannot be written: {1}")]
    File(PathBuf, #[source] std::io::Error),
    #[error("{0} cannot be listened on: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Cut(#[from] Cut),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Record {
    pub fn run(self) -> ExitCode {
        match super::runtime().map_err(RecordError::from).and_then(|runtime| runtime.block_on(self.record())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => super::failed(error),
        }
    }

    async fn record(self) -> Result<(), RecordError> {
        // Before anything listens: a stop that comes early must not be missed.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let upstream = Upstream::new(&self.upstream, self.ca.as_deref())?;
        let listening = TcpListener::bind(self.listen).await;
        let listener = listening.map_err(|error| RecordError::Listen(self.listen, error))?;
        let address = listener.local_addr()?;
        let file = self.file()?;
        let rules = Rules { keep_secrets: self.keep_secrets, exact: self.exact, ignore: self.ignore };
        let nothing_is_lost = true;
        let mut recording = Recording::start(file, rules, None, nothing_is_lost)?;
        let out = self.out.display();
        let mut stdout = std::io::stdout();
        // Nobody may be reading, and that is no reason not to record.
        writeln!(stdout, "recording on ws://{address}{ENDPOINT} to {out}").and_then(|()| stdout.flush()).ok();
        let passing = tokio::spawn(proxy::serve(listener, upstream, recording.recorder(), |text| eprintln!("{text}")));
        let (summary, ended) = tokio::select! {
            ended = recording.ended() => ended,
            _ = terminate.recv() => recording.stop().await,
            _ = interrupt.recv() => recording.stop().await,
        };
        passing.abort();
        eprintln!("{out}: {}", told(&summary));
        Ok(ended?)
    }

    fn file(&self) -> Result<File, RecordError> {
        let mut options = File::options();
        options.write(true);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        options.open(&self.out).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => RecordError::Exists(self.out.clone()),
            _ => RecordError::File(self.out.clone(), error),
        })
    }
}

/// What was recorded, on one line.
fn told(summary: &Summary) -> String {
    let Summary { connections, sent, received, left_out, secrets } = summary;
    let mut text = format!("{sent} sent and {received} received on {connections} connections");
    if *left_out > 0 {
        text.push_str(&format!(", {left_out} left out, for they may hold secrets; notes stand in their places"));
    }
    if !secrets.is_empty() {
        let binds: Vec<_> = secrets.iter().map(|name| format!("--bind {name}=…")).collect();
        text.push_str(&format!("; to replay it, give {}", binds.join(" ")));
    }
    text
}

//! `guestlist bench`: puts a server under load and measures what comes of it.

mod answers;
mod connection;
mod course;
mod frames;
mod idle;
mod interrupt;
mod lane;
mod load;
mod metronome;
mod mix;
mod process;
mod progress;
mod report;
mod tally;

use std::cell::Cell;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use guestlist::testing::demo;
use jiff::SignedDuration;
use serde::Serialize;

use self::connection::{ConnectError, Connection, Target};
use self::course::{Length, Plan};
use self::mix::Mix;
use self::process::Process;
use self::progress::Progress;
use super::talk::Access;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    #[command(flatten)]
    access: Access,
    /// The app whose lists are used [default: the demo's]
    #[arg(long, value_name = "ID", default_value = demo::APP, hide_default_value = true)]
    app_id: String,
    /// Connections to hold
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = connections)]
    connections: usize,
    /// Messages each connection may have under way
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = in_flight)]
    in_flight: usize,
    /// Methods and their weights; of PING, addToWhitelist, removeFromWhitelist, getWhitelistUsers and checkAccess
    #[arg(long, value_name = "METHOD=WEIGHT,…", default_value = "addToWhitelist=1,checkAccess=3")]
    mix: Mix,
    /// How long to measure, such as 10s or 1m30s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// Measure so many messages instead, evenly over the connections
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How long to make load before measuring [default: 1s, with --count none]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    warm_up: Option<Duration>,
    /// Open loop: messages are due so many a second in all, and latency counts from when they were due. Else closed loop: a
    /// message is sent when one was answered
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Take sign-up ids in turn out of so many, the same in every run. Else each added one is new
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=frames::IDS_MAX))]
    ids: Option<u64>,
    /// The server's process, where it is not found by its port
    #[arg(long)]
    pid: Option<u32>,
    /// Write the results to this file too, as JSON; - prints them instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only connect, sign in and hold the connections, and tell the server's memory for each
    #[arg(long, conflicts_with_all = ["in_flight", "mix", "count", "warm_up", "rate", "ids"])]
    idle: bool,
}

const EXAMPLES: &str = "\
Every message is answered before its connection ends; Ctrl-C ends early and still reports. CPU and memory of the server are
told where it runs on this machine. Exit code 0 where every message was accepted, 1 where one was refused or not answered,
2 where the server was not reached or did not let us in.

Examples (against guestlist serve --demo, with GUESTLIST_TOKEN set to the demo bot's token):
  guestlist bench
  guestlist bench --mix addToWhitelist=1 --connections 500 --in-flight 4 --duration 30s
  guestlist bench --rate 20000 --json results.json
  guestlist bench --mix addToWhitelist=1 --ids 1000000 --count 1000000
  guestlist bench --idle --connections 10000";

/// Where ids begin that are the same in every run.
const LASTING_PREFIX: &str = "guest0";

/// Time is measured in days at most: clocks end somewhere.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("there is no process {0}, or it may not be looked at")]
    NoProcess(u32),
    #[error("{0} cannot be written: {1}")]
    Write(String, #[source] io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Bench {
    pub fn run(self) -> ExitCode {
        // One thread fits onto one core, and leaves the others to the server.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ran = runtime.map_err(BenchError::from).and_then(|runtime| runtime.block_on(self.bench()));
        match ran {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => super::failed(error),
        }
    }

    /// Whether everything was accepted.
    async fn bench(self) -> Result<bool, BenchError> {
        // Where the limit stays low, the connections that are too many say so.
        rlimit::increase_nofile_limit(u64::MAX).ok();
        let target = Target::find(&self.access).await?;
        let server = match self.pid {
            Some(pid) => Some(Process::of(pid).ok_or(BenchError::NoProcess(pid))?),
            None => Process::listening_on(target.address()),
        };
        let rss_before = server.and_then(Process::rss_bytes);
        let progress = Progress::new();
        let connections = self.connect(&target, &progress).await?;
        if self.idle {
            let report = idle::run(connections, self.duration, &target, server, rss_before, &progress).await?;
            progress.finish();
            tell(self.json.as_deref(), &report)?;
            return Ok(report.connections_lost == 0);
        }
        let json = self.json.clone();
        let report = load::run(self.plan(), connections, &target, server, rss_before, &progress).await?;
        progress.finish();
        tell(json.as_deref(), &report)?;
        Ok(report.is_clean())
    }

    async fn connect(&self, target: &Target, progress: &Progress) -> Result<Vec<Connection>, BenchError> {
        let made = Cell::new(0);
        let told = || {
            made.set(made.get() + 1);
            progress.connected(made.get(), self.connections);
        };
        let connected = target.connect_all(self.connections, told).await;
        connected.inspect_err(|_| progress.finish()).map_err(BenchError::from)
    }

    fn plan(self) -> Plan {
        let usual_warm_up = if self.count.is_some() { Duration::ZERO } else { Duration::from_secs(1) };
        Plan {
            lanes: self.connections,
            in_flight: self.in_flight,
            mix: self.mix,
            app_id: self.app_id,
            prefix: if self.ids.is_some() { LASTING_PREFIX.to_owned() } else { new_prefix() },
            ids: self.ids,
            warm_up: self.warm_up.unwrap_or(usual_warm_up),
            length: self.count.map_or(Length::Time(self.duration), Length::Messages),
            rate: self.rate,
        }
    }
}

/// Six letters and digits that no run had before, as far as chance goes.
fn new_prefix() -> String {
    let drawn = uuid::Uuid::new_v4().simple().to_string();
    drawn[..6].to_owned()
}

fn tell(json: Option<&Path>, report: &(impl Serialize + Display)) -> Result<(), BenchError> {
    let text = || serde_json::to_string(report).expect("reports have no maps whose keys are no strings") + "\n";
    let print = |text: String| {
        let printed = io::stdout().lock().write_all(text.as_bytes());
        printed.map_err(|error| BenchError::Write("standard output".to_owned(), error))
    };
    match json {
        None => print(report.to_string()),
        Some(path) if path == Path::new("-") => print(text()),
        Some(path) => {
            print(report.to_string())?;
            fs::write(path, text()).map_err(|error| BenchError::Write(path.display().to_string(), error))
        }
    }
}

fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| (1..=60_000).contains(number)).ok_or_else(|| "write 1 to 60000".to_owned())
}

fn in_flight(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(|| "write 1 to 100000".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    let rate = rate.filter(|rate| (0.01..=10_000_000.0).contains(rate));
    rate.ok_or_else(|| "write how many messages a second, such as 20000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let duration = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    let duration = duration.filter(|duration| *duration <= DURATION_MAX);
    duration.ok_or_else(|| "write a time such as 10s, 500ms or 1m30s".to_owned())
}

//! Whether a snapshot holds anybody up: how long acks take under full write load while a state of 1,000,000 sign-ups is written
//! down, and in the same run without a snapshot. `cargo bench --bench snapshot_pause`, on a machine that does nothing else.
//!
//! Runs of both kinds take turns on copies of the same directory, so that what else the machine does falls on both.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use guestlist::testing::{Client, demo};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// Sign-ups that stand before.
const SIGNUPS: usize = 1_000_000;

/// Connections that change something without a rest.
const CONNECTIONS: usize = 16;

/// Changes of one connection under way at once.
const WINDOW: usize = 16;

/// Runs of each kind.
const ROUNDS: usize = 3;

/// How long a run without a snapshot takes where none with one came before it, and how long one with a snapshot at least.
const RUN: Duration = Duration::from_secs(10);

/// How long a snapshot may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Acks that are left out at the beginning of each run; the snapshot is due later.
const WARM_UP: usize = 20_000;

/// A gateway in a process of its own.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(data: &Path, snapshot_every: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_guestlist"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--snapshot-every", snapshot_every, "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the output is text");
        let url = line.trim_end().strip_prefix("listening on ").expect("it says where it listens").to_owned();
        Self { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// Fills a directory with sign-ups, in its journal alone.
async fn fill(data: &Path) {
    let served = Served::start(data, "1000000000");
    let mut bot = Client::sign_in(&served.url, demo::BOT).await;
    for call in 0..SIGNUPS / 1_000 {
        let signups: Vec<String> = (0..1_000).map(|n| format!("guest{}@example.com", call * 1_000 + n)).collect();
        bot.send(json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": signups}).to_string()).await;
        let mut acked = 0;
        while acked < 1_000 {
            acked += bot.json().await["signups"].as_array().expect("an ack has sign-ups").len();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory can be made");
    for entry in fs::read_dir(from).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        fs::copy(&path, to.join(path.file_name().expect("files have names"))).expect("it can be copied");
    }
}

/// Changes something without a rest, and sends how long each ack took.
async fn load(url: String, lane: usize, took: mpsc::UnboundedSender<u32>) {
    let (mut sink, mut stream) = Client::sign_in(&url, demo::BOT).await.0.split();
    let mut sent = std::collections::VecDeque::new();
    for n in 0_u64.. {
        while sent.len() >= WINDOW {
            let Some(Ok(Message::Text(_))) = stream.next().await else { return };
            let since: Instant = sent.pop_front().expect("something is under way");
            let micros = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
            if took.send(micros).is_err() {
                return;
            }
        }
        let message = json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": [format!("new{lane}-{n}")]});
        sent.push_back(Instant::now());
        if sink.send(Message::text(message.to_string())).await.is_err() {
            return;
        }
    }
}

/// The times acks took in a run, sorted, and how long it lasted: until a snapshot is there, if one is to be.
async fn run(data: &Path, snapshot: bool, length: Duration) -> (Vec<u32>, Duration) {
    let served = Served::start(data, if snapshot { "50000" } else { "1000000000" });
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let loads = join_all((0..CONNECTIONS).map(|lane| tokio::spawn(load(served.url.clone(), lane, sender.clone()))));
    drop(sender);
    for _ in 0..WARM_UP {
        receiver.recv().await.expect("the gateway answers");
    }
    let begun = Instant::now();
    let (mut times, mut looked) = (Vec::new(), begun);
    while let Some(micros) = receiver.recv().await {
        times.push(micros);
        if looked.elapsed() < Duration::from_millis(100) {
            continue;
        }
        looked = Instant::now();
        let made = fs::read_dir(data)
            .expect("it can be read")
            .any(|entry| entry.expect("it can be read").file_name().to_string_lossy().starts_with("snapshot-"));
        assert!(begun.elapsed() < PATIENCE, "no snapshot was made");
        if begun.elapsed() >= length && (made || !snapshot) {
            break;
        }
    }
    let lasted = begun.elapsed();
    drop((served, receiver));
    loads.await;
    times.sort_unstable();
    (times, lasted)
}

fn tell(what: &str, times: &[u32], lasted: Duration) {
    let at = |per_mille: usize| f64::from(times[(times.len() - 1) * per_mille / 1_000]) / 1e3;
    let max = f64::from(*times.last().expect("there were acks")) / 1e3;
    println!(
        "{what:<17} {:>5.1} s  {:>8} acks  p50 {:>7.2}  p99 {:>7.2}  p99.9 {:>7.2}  max {max:>7.2} ms",
        lasted.as_secs_f64(),
        times.len(),
        at(500),
        at(990),
        at(999)
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let home = TempDir::new_in(std::env::var_os("GUESTLIST_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from))
        .expect("a temporary directory");
    let filled = home.path().join("filled");
    runtime.block_on(fill(&filled));
    let (mut all, mut length) = ([Vec::new(), Vec::new()], RUN);
    for round in 0..ROUNDS {
        for snapshot in [true, false] {
            let data = home.path().join(format!("{round}-{snapshot}"));
            copy(&filled, &data);
            let (times, lasted) = runtime.block_on(run(&data, snapshot, if snapshot { RUN } else { length }));
            // As long as the snapshot took before.
            length = lasted;
            tell(if snapshot { "with a snapshot" } else { "without" }, &times, lasted);
            all[usize::from(snapshot)].extend(times);
            fs::remove_dir_all(&data).expect("it can be removed");
        }
    }
    for (times, what) in all.iter_mut().zip(["all without", "all with"]) {
        times.sort_unstable();
        tell(what, times, Duration::ZERO);
    }
}

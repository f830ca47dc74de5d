//! This is where those who behave come from: `guestlist bench`, which sends messages when they are due, however long others take.

use std::process::{Command, Stdio};
use std::time::Duration;

use guestlist::testing::{Client, demo};
use serde_json::{Value, json};

use crate::served::Served;

/// Messages a second, of all connections: far from what the gateway can do, so that what is measured is not a queue.
const RATE: &str = "2000";

/// Sign-ups on the list that is asked for.
const SIGNUPS: usize = 10_000;

/// Who works, and for how long.
#[derive(Clone)]
pub struct Load {
    pub connections: usize,
    pub duration: Duration,
}

impl Load {
    /// The 99th percentile of the time that answers took, in microseconds.
    pub async fn run(&self, served: &Served) -> f64 {
        self.clone().start(served).await
    }

    /// The same, of a load that runs beside something else.
    pub fn start(self, served: &Served) -> impl Future<Output = f64> + Send + use<> {
        let (connections, seconds) = (self.connections.to_string(), format!("{}s", self.duration.as_secs()));
        let command = bench(served, &["--connections", &connections, "--duration", &seconds, "--rate", RATE]);
        async {
            let report = report(command).await;
            let clean = ["errors", "unanswered", "unsent", "connections_lost"].iter().all(|fault| report[fault] == 0);
            assert!(clean, "not all was answered: {report}");
            report["latency_us"]["p99"].as_f64().expect("a percentile is a number")
        }
    }
}

/// Holds connections that are signed in and say nothing, and tells how many were lost.
pub async fn hold(served: &Served, connections: usize, held: Duration) -> u64 {
    let (connections, seconds) = (connections.to_string(), format!("{}s", held.as_secs()));
    let report = report(bench(served, &["--idle", "--connections", &connections, "--duration", &seconds])).await;
    report["connections_lost"].as_u64().expect("a count is a number")
}

/// Fills the list whose pages are asked for.
pub async fn fill(served: &Served) {
    let mut bot = Client::sign_in(served.url(), demo::BOT).await;
    for call in 0..SIGNUPS / 1_000 {
        let signups: Vec<String> = (0..1_000).map(|n| format!("guest{}@example.com", call * 1_000 + n)).collect();
        bot.send(json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": signups})).await;
        let mut acked = 0;
        while acked < 1_000 {
            acked += bot.json().await["signups"].as_array().expect("an ack has sign-ups").len();
        }
    }
}

fn bench(served: &Served, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
    command.args(["bench", "--url", served.url(), "--token", demo::BOT, "--json", "-"]).args(args).args(served.trust());
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

async fn report(mut command: Command) -> Value {
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let output = ran.expect("the binary runs").stdout;
    serde_json::from_slice(&output).expect("it reports in JSON")
}

//! What is told in the end: a table for people, JSON for programs.

use std::fmt::{self, Display, Formatter};

use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

/// What came of a load.
#[derive(Debug, Serialize)]
pub struct Report {
    pub url: String,
    pub connections: usize,
    pub in_flight: usize,
    pub mix: String,
    /// Messages a second that were to be sent, in an open loop.
    pub target_rate: Option<f64>,
    pub seconds: f64,
    /// Messages answered, the refused ones among them.
    pub messages: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    /// Messages that were sent and never answered.
    pub unanswered: u64,
    /// Messages that were due in an open loop and never sent.
    pub unsent: u64,
    pub connections_lost: u64,
    pub first_loss: Option<String>,
    pub rate: f64,
    pub latency_us: Latency,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub server: Option<Server>,
    pub client: Client,
}

/// Microseconds from when a message was sent, or due, to its answer.
#[derive(Debug, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// The server's process.
#[derive(Debug, Serialize)]
pub struct Server {
    pub pid: u32,
    pub cpu_us_per_message: Option<f64>,
    pub cpu_seconds: Option<f64>,
    pub rss_bytes_before: Option<u64>,
    pub rss_bytes_after: Option<u64>,
}

/// This process.
#[derive(Debug, Serialize)]
pub struct Client {
    pub cpu_us_per_message: Option<f64>,
}

impl Report {
    /// Whether all that was sent was answered, and nothing refused.
    pub fn is_clean(&self) -> bool {
        self.errors == 0 && self.unanswered == 0 && self.connections_lost == 0
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { url, connections, in_flight, mix, seconds, rate, .. } = self;
        writeln!(f, "{mix} at {url}\n{connections} connections, {in_flight} in flight each, {seconds:.2} s\n")?;
        let mut row = |name: &str, value: String| writeln!(f, "{name:<12} {value}");
        row("messages", HumanCount(self.messages).to_string())?;
        let aimed = self.target_rate.map_or(String::new(), |aim| format!(" of {aim} wanted"));
        row("rate", format!("{} messages/s{aimed}", thousands(*rate)))?;
        let Latency { p50, p99, p999, max } = &self.latency_us;
        for (name, latency) in [("p50", p50), ("p99", p99), ("p99.9", p999), ("max", max)] {
            row(name, format!("{:.3} ms", latency / 1_000.0))?;
        }
        row("errors", HumanCount(self.errors).to_string() + &first(&self.first_error))?;
        if self.connections_lost > 0 {
            row("lost", format!("{} connections{}", HumanCount(self.connections_lost), first(&self.first_loss)))?;
        }
        if self.unanswered > 0 {
            row("unanswered", format!("{} messages", HumanCount(self.unanswered)))?;
        }
        if self.unsent > 0 {
            row("unsent", format!("{} messages were due and could not be sent in time", HumanCount(self.unsent)))?;
        }
        row("bytes", format!("{} sent, {} received", HumanBytes(self.bytes_sent), HumanBytes(self.bytes_received)))?;
        if let Some(server) = &self.server {
            let rss = [server.rss_bytes_before, server.rss_bytes_after].map(bytes);
            let (cpu, pid) = (cpu(server.cpu_us_per_message), server.pid);
            row("server", format!("{cpu}; RSS {} before, {} after (process {pid})", rss[0], rss[1]))?;
        }
        row("bench", cpu(self.client.cpu_us_per_message))
    }
}

/// What holding connections costs the server.
#[derive(Debug, Serialize)]
pub struct IdleReport {
    pub url: String,
    pub connections: usize,
    pub seconds: f64,
    pub connections_lost: u64,
    pub first_loss: Option<String>,
    pub server: Option<IdleServer>,
}

/// The server's process.
#[derive(Debug, Serialize)]
pub struct IdleServer {
    pub pid: u32,
    pub rss_bytes_before: Option<u64>,
    pub rss_bytes_after: Option<u64>,
    pub rss_bytes_per_socket: Option<f64>,
}

impl Display for IdleReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "idle at {}\n{} connections, held {:.2} s\n", self.url, self.connections, self.seconds)?;
        let mut row = |name: &str, value: String| writeln!(f, "{name:<12} {value}");
        row("lost", HumanCount(self.connections_lost).to_string() + &first(&self.first_loss))?;
        let Some(server) = &self.server else {
            return row("server", "not on this machine, or not to be looked at; name it with --pid".to_owned());
        };
        let rss = [server.rss_bytes_before, server.rss_bytes_after].map(bytes);
        row("server", format!("RSS {} before, {} after (process {})", rss[0], rss[1], server.pid))?;
        let each = server.rss_bytes_per_socket.map_or("?".to_owned(), |each| format!("{} bytes", thousands(each)));
        row("each socket", each)
    }
}

fn first(text: &Option<String>) -> String {
    text.as_ref().map_or(String::new(), |text| format!(", the first: {text}"))
}

fn cpu(us_per_message: Option<f64>) -> String {
    us_per_message.map_or("CPU unknown".to_owned(), |us| format!("{us:.2} µs of CPU a message"))
}

fn bytes(bytes: Option<u64>) -> String {
    bytes.map_or("?".to_owned(), |bytes| HumanBytes(bytes).to_string())
}

/// A number without its fraction, and with separators.
pub fn thousands(number: f64) -> String {
    let whole = format!("{:.0}", number.abs());
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", HumanCount(whole.parse().unwrap_or(u64::MAX)))
}

//! The load for the JSON-RPC peer, which `guestlist bench` cannot speak to:
//! `jsonrpsee_load URL CONNECTIONS IN_FLIGHT SECONDS WARM_UP_SECONDS PID`.
//!
//! It prints what `guestlist bench --json -` prints, as far as it is needed here. The framework runs each request as a task of its
//! own, so answers may overtake each other, and are told apart by their ids.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Bytes read at once, as the peers do.
const READ_BYTES: usize = 4_096;

/// Clock ticks of a second in `/proc`, on every Linux that this may run on.
const TICKS: f64 = 100.0;

/// What was asked for.
struct Load {
    url: String,
    connections: usize,
    in_flight: usize,
    measured_from: Instant,
    until: Instant,
}

/// What one connection saw after the warm-up.
#[derive(Default)]
struct Seen {
    micros: Vec<u32>,
    errors: u64,
}

/// Calls that wait for their answers.
struct Lane<'a> {
    load: &'a Load,
    lane: usize,
    next_id: u64,
    sent: HashMap<u64, Instant>,
    seen: Seen,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, connections, in_flight, seconds, warm_up, pid] = args.as_slice() else {
        eprintln!("usage: jsonrpsee_load URL CONNECTIONS IN_FLIGHT SECONDS WARM_UP_SECONDS PID");
        std::process::exit(2);
    };
    let number = |text: &String| text.parse::<f64>().expect("it is a number");
    let whole = |text: &String| text.parse::<usize>().expect("it is a whole number");
    let measured_from = Instant::now() + Duration::from_secs_f64(number(warm_up));
    let load = Load {
        url: url.clone(),
        connections: whole(connections),
        in_flight: whole(in_flight),
        measured_from,
        until: measured_from + Duration::from_secs_f64(number(seconds)),
    };
    let lanes = join_all((0..load.connections).map(|lane| drive(&load, lane)));
    let (lanes, cpu_seconds) = join(lanes, cpu_used(&load, pid)).await;
    let mut seen = Seen::default();
    for lane in lanes {
        let lane = lane.expect("the server keeps the connection");
        seen.micros.extend(lane.micros);
        seen.errors += lane.errors;
    }
    println!("{}", told(&load, seen, cpu_seconds));
}

/// Seconds of processor time that the server took while it was measured.
async fn cpu_used(load: &Load, pid: &str) -> f64 {
    let cpu = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
        let (_, fields) = stat.rsplit_once(')').expect("its name stands in brackets");
        let ticks = fields.split_ascii_whitespace().skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().expect("ticks are a number")).sum::<f64>() / TICKS
    };
    tokio::time::sleep_until(load.measured_from.into()).await;
    let before = cpu();
    tokio::time::sleep_until(load.until.into()).await;
    cpu() - before
}

async fn drive(load: &Load, lane: usize) -> Result<Seen, Error> {
    let stream = TcpStream::connect(load.url.trim_start_matches("ws://")).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
    let (mut socket, _) = client_async_with_config(&load.url, stream, Some(config)).await?;
    let mut lane = Lane { load, lane, next_id: 0, sent: HashMap::new(), seen: Seen::default() };
    while Instant::now() < load.until {
        while lane.sent.len() < load.in_flight {
            socket.feed(lane.call()).await?;
        }
        socket.flush().await?;
        let Some(first) = socket.next().await else { break };
        lane.take(&first?);
        while let Some(Some(more)) = next_ready(&mut socket) {
            lane.take(&more?);
        }
    }
    Ok(lane.seen)
}

fn next_ready(socket: &mut WebSocketStream<TcpStream>) -> Option<Option<Result<Message, Error>>> {
    socket.next().now_or_never()
}

impl Lane<'_> {
    fn call(&mut self) -> Message {
        let (lane, id) = (self.lane, self.next_id);
        self.next_id += 1;
        self.sent.insert(id, Instant::now());
        Message::text(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"addToWhitelist","params":{{"app_id":"90090684293000559","signups":[{{"signup_id":"guest{lane:04}x{id:09}@a.com","tags":["4"]}}]}}}}"#
        ))
    }

    fn take(&mut self, answer: &Message) {
        let Message::Text(text) = answer else { return };
        let Some(since) = id_of(text).and_then(|id| self.sent.remove(&id)) else { return };
        let now = Instant::now();
        if now < self.load.measured_from || now > self.load.until {
            return;
        }
        self.seen.errors += u64::from(text.contains(r#""error":{"#));
        self.seen.micros.push(u32::try_from((now - since).as_micros()).unwrap_or(u32::MAX));
    }
}

/// The id of an answer: the only `id` that is a number, for those of people are strings.
fn id_of(text: &str) -> Option<u64> {
    const KEY: &str = r#""id":"#;
    text.match_indices(KEY).find_map(|(at, _)| {
        let rest = &text[at + KEY.len()..];
        let end = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

fn told(load: &Load, Seen { mut micros, errors }: Seen, cpu_seconds: f64) -> serde_json::Value {
    micros.sort_unstable();
    let seconds = (load.until - load.measured_from).as_secs_f64();
    let at = |share: f64| micros.get(((micros.len() as f64 * share) as usize).min(micros.len().saturating_sub(1)));
    serde_json::json!({
        "url": load.url,
        "connections": load.connections,
        "in_flight": load.in_flight,
        "mix": "addToWhitelist",
        "seconds": seconds,
        "messages": micros.len(),
        "errors": errors,
        "rate": micros.len() as f64 / seconds,
        "latency_us": {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": micros.last()},
        "server": {"cpu_seconds": cpu_seconds, "cpu_us_per_message": cpu_seconds * 1e6 / micros.len() as f64},
    })
}

//! This is where those who do not behave come from.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use guestlist::testing::{Client, demo};
use serde_json::json;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::MaybeTlsStream;

/// Peers come in so many, and after each of these there is a rest: 2,000 a second.
const WAVE: usize = 10;
const REST: Duration = Duration::from_millis(5);

/// Bytes of questions that the system takes from a peer before the gateway has. Megabytes of them would only keep this machine
/// busy with copying, of which a gateway whose clients are elsewhere sees nothing.
const QUESTIONS_BYTES: usize = 64 << 10;

/// How often a slow one sends a byte more.
const BYTE_INTERVAL: Duration = Duration::from_secs(1);

/// A request that is never finished, and one that is.
const HALF: &str = "GET /nandbox/api/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
const WHOLE: &str = "GET /nandbox/api/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The first bytes of a TLS handshake of 512.
const HALF_HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

/// Peers, each until the gateway ends it.
#[derive(Default)]
pub struct Peers(Vec<JoinHandle<Duration>>);

impl Peers {
    /// Those who never get to the end of their request, or of their handshake: a third says nothing, a third stops in the
    /// middle, and a third goes on with a byte a second.
    pub async fn half_open(&mut self, address: SocketAddr, count: usize, encrypted: bool) {
        let half = if encrypted { HALF_HELLO } else { HALF.as_bytes() };
        for number in 0..count {
            self.rest().await;
            let said = if number % 3 == 0 { &[] } else { half };
            self.0.push(tokio::spawn(wait_for_the_end(address, said, number % 3 == 2)));
        }
    }

    /// Those who open a WebSocket and never say who they are.
    pub async fn silent(&mut self, address: SocketAddr, count: usize) {
        for _ in 0..count {
            self.rest().await;
            self.0.push(tokio::spawn(wait_for_the_end(address, WHOLE.as_bytes(), false)));
        }
    }

    /// Those who sign in, ask for large pages over and over, and read nothing.
    pub async fn never_reading(&mut self, url: &str, count: usize) {
        for _ in 0..count {
            self.rest().await;
            let MaybeTlsStream::Plain(stream) = Client::sign_in(url, demo::BOT).await.0.into_inner() else {
                panic!("the connection is not encrypted");
            };
            SockRef::from(&stream).set_send_buffer_size(QUESTIONS_BYTES).expect("the system takes a size");
            self.0.push(tokio::spawn(ask_for_ever(stream)));
        }
    }

    /// How long each lived; nothing of those who are there after so long.
    pub async fn lives(self, patience: Duration) -> Vec<Option<Duration>> {
        let until = Instant::now() + patience;
        let mut lives = Vec::new();
        for peer in self.0 {
            let life = timeout(until.saturating_duration_since(Instant::now()), peer).await;
            lives.push(life.ok().map(|life| life.expect("a peer does not panic")));
        }
        lives
    }

    async fn rest(&self) {
        if self.0.len() % WAVE == WAVE - 1 {
            sleep(REST).await;
        }
    }
}

async fn wait_for_the_end(address: SocketAddr, said: &[u8], is_slow: bool) -> Duration {
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    let since = Instant::now();
    stream.write_all(said).await.ok();
    let (mut reading, mut writing) = stream.split();
    let mut scratch = [0; 256];
    let ends = async { while reading.read(&mut scratch).await.is_ok_and(|read| read > 0) {} };
    let goes_on = async {
        if !is_slow {
            return std::future::pending().await;
        }
        loop {
            sleep(BYTE_INTERVAL).await;
            writing.write_all(b"x").await.ok();
        }
    };
    tokio::select! {
        () = ends => since.elapsed(),
        () = goes_on => unreachable!("it goes on for ever"),
    }
}

async fn ask_for_ever(mut stream: TcpStream) -> Duration {
    let since = Instant::now();
    let question = masked(&json!({"method": "getWhitelistUsers", "app_id": demo::APP, "page_size": 1_000}).to_string());
    while stream.write_all(&question).await.is_ok() {}
    since.elapsed()
}

/// A text frame of some length between the shortest and the longest, under a mask that changes nothing.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("the message is short");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

//! This is where a case is tried: frames that are sent, however their bytes travel, and what must come of them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use guestlist::gateway::Gateway;
use guestlist::testing::{self, demo};
use guestlist::world::World;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::wire::{Came, Frame, PING, TEXT, receive};

/// More than any case takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The request that opens a WebSocket.
pub const OPENING: &str = "GET /nandbox/api/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The message that is always answered.
pub const QUESTION: &str = r#"{"method":"PING"}"#;

/// A connection to a gateway.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Line for S {}

/// Frames, and what must come of them.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    frames: Vec<Frame>,
    expected: Vec<Came>,
}

/// A case. Where it does not expect a close, the connection must be fit for use after it.
pub fn case(name: impl Into<String>, frames: impl Into<Vec<Frame>>, expected: impl Into<Vec<Came>>) -> Case {
    Case { name: name.into(), frames: frames.into(), expected: expected.into() }
}

/// The message that says who is there.
pub fn sign_in() -> Frame {
    Frame::new(TEXT, json!({"method": "TOKEN_AUTH", "token": demo::BOT}).to_string())
}

/// Tries cases over TCP, where all bytes of each are written at once, and over a line that takes the next byte only when the
/// gateway has read the one before it. Says of all that fail what came.
pub fn must_hold(cases: &[Case]) {
    let at_once = Builder::new_current_thread().enable_all().build().expect("the system gives a runtime");
    let mut failures = at_once.block_on(async {
        let gateway = Gateway::start(testing::Gateway::options()).await.expect("the gateway starts");
        try_all("at once", cases, async || TcpStream::connect(gateway.address()).await).await
    });
    let by_bytes = Builder::new_current_thread().enable_all().start_paused(true).build();
    failures.extend(by_bytes.expect("the system gives a runtime").block_on(async {
        let (world, strings) = World::simulated(1, 1_700_000_000_000);
        let _gateway = Gateway::start_in(world, testing::Gateway::options()).await.expect("the gateway starts");
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        try_all("byte by byte", cases, async || strings.network.connect(from, 1)).await
    }));
    assert!(!cases.is_empty() && failures.is_empty(), "of {} cases:\n{}", 2 * cases.len(), failures.join("\n"));
}

async fn try_all<S: Line>(how: &str, cases: &[Case], connect: impl AsyncFn() -> io::Result<S>) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases {
        let line = connect().await.expect("the gateway listens");
        let tried = timeout(PATIENCE, attempt(line, case)).await;
        if let Err(came) = tried.unwrap_or_else(|_| Err("what is expected did not come".to_owned())) {
            failures.push(format!("{}, {how}: {came}", case.name));
        }
    }
    failures
}

async fn attempt(line: impl Line, case: &Case) -> Result<(), String> {
    let (mut reading, mut writing) = split(line);
    open(&mut reading, &mut writing).await;
    let closes = case.expected.iter().any(|came| matches!(came, Came::Close(_)));
    let sends = async {
        let frames = case.frames.iter().flat_map(Frame::bytes).collect::<Vec<u8>>();
        let last = json!({"method": "nothing", "reference": "after"}).to_string();
        let after = [Frame::new(PING, "after").bytes(), Frame::new(TEXT, last).bytes()].concat();
        // Who is closed meanwhile cannot send the rest.
        writing.write_all(&frames).await.ok();
        if !closes {
            writing.write_all(&after).await.ok();
        }
    };
    let receives = async {
        let mut came = Vec::new();
        while !is_complete(&came, closes) {
            came.push(receive(&mut reading).await);
        }
        came
    };
    let mut expected = case.expected.clone();
    expected.extend(if closes { vec![Came::End] } else { vec![Came::Pong(b"after".to_vec()), last_answer()] });
    let ((), came) = tokio::join!(sends, receives);
    // A pong may overtake an answer.
    if in_their_order(&came) == in_their_order(&expected) { Ok(()) } else { Err(format!("{came:?}")) }
}

/// A connection over TCP that is signed in.
pub async fn signed_in(gateway: &Gateway) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    let (mut reading, mut writing) = stream.split();
    open(&mut reading, &mut writing).await;
    stream
}

/// Opens a WebSocket and signs in.
async fn open(reading: &mut (impl AsyncRead + Unpin), writing: &mut (impl AsyncWrite + Unpin)) {
    let opening = [OPENING.as_bytes(), &sign_in().bytes()].concat();
    let sends = async { writing.write_all(&opening).await.expect("the gateway reads") };
    let receives = async {
        head(reading).await;
        match receive(reading).await {
            Came::Unforeseen(welcome) if welcome.contains("TOKEN_AUTH_OK") => {}
            other => panic!("a welcome was expected, not {other:?}"),
        }
    };
    tokio::join!(sends, receives);
}

/// The head of an HTTP response.
pub async fn head(reading: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reading.read_u8().await.expect("the head of a response is whole"));
    }
    String::from_utf8(head).expect("the head of a response is text")
}

/// Whether nothing more is waited for.
fn is_complete(came: &[Came], closes: bool) -> bool {
    let is_over = matches!(came.last(), Some(Came::End | Came::Unforeseen(_)));
    is_over || !closes && came.contains(&Came::Pong(b"after".to_vec())) && came.contains(&last_answer())
}

/// What comes of the last message that is sent after a case.
fn last_answer() -> Came {
    Came::Refused(405, json!("after"))
}

fn in_their_order(came: &[Came]) -> (Vec<&Came>, Vec<&Came>) {
    came.iter().partition(|came| matches!(came, Came::Pong(_)))
}

//! How many may come at once, from one address and with one token; and how they are sent away at a stop.

mod support;

use std::time::{Duration, Instant};

use futures::future::join_all;
use guestlist::config::Limits;
use serde_json::json;
use support::http::Http;
use support::{ADMIN, BOT, Client, Received, gateway_with};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Whether a connection is served, and not ended as it comes.
async fn is_served(stream: &mut TcpStream) -> bool {
    let sent = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(b"\r\n\r\nok\n") && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
    };
    timeout(PATIENCE, read).await.expect("it is served or ended");
    sent.is_ok() && answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_gets_back_those_it_ends() {
    let directory = directory();
    let limits = Limits { connections_per_address_max: 2, ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let connect = async || TcpStream::connect(gateway.address()).await.expect("it listens");
    let (mut first, mut second) = (connect().await, connect().await);
    assert!(is_served(&mut first).await && is_served(&mut second).await);
    assert!(!is_served(&mut connect().await).await);
    assert!(is_served(&mut first).await, "those who are in stay");
    drop(second);
    let again = async { while !is_served(&mut connect().await).await {} };
    timeout(PATIENCE, again).await.expect("a place is free again");
    drop(first);
    gateway.stop().await;
}

#[tokio::test]
async fn one_token_has_so_many_connections_and_others_are_none_of_its_business() {
    let directory = directory();
    let limits = Limits { connections_per_token_max: 1, ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let first = Client::sign_in(&gateway.url(), BOT).await;
    let sign_in = json!({"method": "TOKEN_AUTH", "token": BOT, "rem": true, "reference": 7});
    let mut second = Client::connect(&gateway.url()).await;
    let refused = second.call(&sign_in).await;
    assert_eq!((&refused["error"], &refused["reference"]), (&json!(429), &json!(7)), "{refused}");
    let close = Received::Close(1013, "there are too many connections, connect again later".to_owned());
    assert_eq!(second.receive().await, close);
    let metrics = Http::of(&gateway).get("/metrics").bearer(ADMIN).send().await.expect(200).text();
    let counted =
        r#"guestlist_closes_total{code="1013",reason="there are too many connections, connect again later"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    let other = Client::sign_in(&gateway.url(), ADMIN).await;
    drop((first, second));
    let again = async { while Client::connect(&gateway.url()).await.call(&sign_in).await["error"] == 429 {} };
    timeout(PATIENCE, again).await.expect("the place is free again");
    drop(other);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_sends_clients_away_over_a_time_and_says_that_it_is_not_ready() {
    const WINDOW: Duration = Duration::from_millis(400);
    let directory = directory();
    let gateway = gateway_with(directory.path(), Limits { drain_window: WINDOW, ..Limits::default() }).await;
    let (url, http) = (gateway.url(), Http::of(&gateway));
    let mut clients = join_all((0..8).map(|_| Client::sign_in(&url, BOT))).await;
    let stopping = tokio::spawn(gateway.stop());
    let closed = clients.iter_mut().map(async |client| (client.receive().await, Instant::now()));
    let late = async {
        let not_ready = http.get("/readyz").send().await.expect(503).text();
        assert_eq!(not_ready, "the gateway is stopping\n");
        let verbose = http.get("/readyz?verbose").send().await.expect(503).text();
        assert_eq!(verbose, "storage: ok\nsnapshots: ok\nrunning: the gateway is stopping\n");
        Client::connect(&url).await.receive().await
    };
    let (closed, late) = tokio::join!(join_all(closed), late);
    let stopped = Received::Close(1001, "the gateway is stopping, connect again".to_owned());
    assert_eq!(late, stopped);
    assert!(closed.iter().all(|(close, _)| *close == stopped), "{closed:?}");
    let moments = || closed.iter().map(|(_, at)| *at);
    let spread = moments().max().zip(moments().min()).map(|(last, first)| last - first);
    assert!(spread.is_some_and(|spread| spread >= WINDOW / 2), "{spread:?}");
    drop(clients);
    timeout(PATIENCE, stopping).await.expect("it stops").expect("it does not panic");
}

#[tokio::test]
async fn a_stop_does_not_wait_when_everybody_has_left() {
    let directory = directory();
    let limits = Limits { drain_window: Duration::from_secs(3_600), ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut clients = join_all((0..2).map(async |_| Client::sign_in(&gateway.url(), BOT).await)).await;
    let stopping = tokio::spawn(gateway.stop());
    assert!(matches!(clients[0].receive().await, Received::Close(1001, _)));
    drop(clients);
    timeout(PATIENCE, stopping).await.expect("it stops").expect("it does not panic");
}

#[tokio::test]
async fn wrong_tokens_have_their_address_wait_and_leave_those_who_are_in_alone() {
    let directory = directory();
    let limits =
        Limits { guesses_of_origin_burst: 3, guess_of_origin_interval: Duration::from_secs(2), ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut inside = Client::sign_in(&gateway.url(), BOT).await;
    let sign_in = |token: &str| json!({"method": "TOKEN_AUTH", "token": token, "reference": 7});
    let attempt = async |token: &str| Client::connect(&gateway.url()).await.call(sign_in(token)).await;
    let http = Http::of(&gateway);
    for guess in ["a", "b"] {
        assert_eq!(attempt(guess).await["error"], 401);
    }
    http.post("/api/getApps").bearer("c").json(&json!({})).send().await.expect(401);
    http.get("/admin/whitelist?api_key=d").send().await.expect(401);
    // From now on not even a right one is looked at, however it comes.
    let mut held = Client::connect(&gateway.url()).await;
    let refused = held.call(sign_in(ADMIN)).await;
    assert_eq!((&refused["error"], &refused["reference"]), (&json!(429), &json!(7)), "{refused}");
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 2_000), "{refused}");
    let close = Received::Close(1013, "there were too many wrong tokens, connect again later".to_owned());
    assert_eq!(held.receive().await, close);
    http.post("/api/getApps").bearer(ADMIN).json(&json!({})).send().await.expect(429);
    assert_eq!(inside.call(json!({"method": "PING"})).await["method"], "PONG");
    let later = async { while attempt(ADMIN).await["error"] == 429 {} };
    timeout(PATIENCE, later).await.expect("a right one is taken again");
    gateway.stop().await;
}

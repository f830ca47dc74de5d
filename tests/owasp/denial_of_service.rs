//! What many connections, quiet ones and greedy ones may take.

use std::time::Duration;

use futures::StreamExt;
use guestlist::config::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::home::Home;
use crate::support::{ADMIN, APP, BOT, Client, Received, gateway_with};

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn restrict_total_connections() {
    let home = Home::new();
    let gateway = gateway_with(&home.path("data"), Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = Client::sign_in(&gateway.url(), BOT).await;
    // The second waits outside, and is served when there is room.
    let url = gateway.url();
    let second = tokio::spawn(async move { Client::sign_in(&url, BOT).await });
    for _ in 0..20 {
        assert_eq!(first.call(json!({"method": "PING"})).await["method"], "PONG");
    }
    assert!(!second.is_finished());
    drop(first);
    second.await.expect("the second is let in");
}

#[tokio::test]
async fn implement_per_user_limits() {
    let home = Home::new();
    let limits = Limits { connections_per_token_max: 1, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let _first = Client::sign_in(&gateway.url(), BOT).await;
    let mut second = Client::connect(&gateway.url()).await;
    assert_eq!(second.call(json!({"method": "TOKEN_AUTH", "token": BOT})).await["error"], 429);
    assert!(matches!(second.receive().await, Received::Close(1013, _)));
    Client::sign_in(&gateway.url(), ADMIN).await;
}

#[tokio::test]
async fn implement_per_ip_limits_where_nobody_is_known_yet() {
    let home = Home::new();
    let limits = Limits { connections_per_address_max: 1, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let mut first = Client::sign_in(&gateway.url(), BOT).await;
    let mut second = TcpStream::connect(gateway.address()).await.expect("the system takes it");
    let ended = timeout(PATIENCE, second.read(&mut [0])).await.expect("it is ended");
    assert!(!ended.is_ok_and(|read| read > 0));
    assert_eq!(first.call(json!({"method": "PING"})).await["method"], "PONG");
}

#[tokio::test]
async fn strangers_may_send_little_and_have_little_time() {
    let home = Home::new();
    let wait = Duration::from_millis(50);
    let limits = Limits { handshake_wait: wait, auth_wait: wait, sign_in_bytes_max: 1_000, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let mut half_open = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    half_open.write_all(b"GET /nandbox/api/ HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("the gateway reads");
    timeout(PATIENCE, half_open.read_to_end(&mut Vec::new())).await.expect("it is ended").ok();
    let mut silent = Client::connect(&gateway.url()).await;
    assert_eq!(silent.json().await["error"], 401);
    assert!(matches!(silent.receive().await, Received::Close(1008, _)));
    let mut talkative = Client::connect(&gateway.url()).await;
    talkative.send(json!({"method": "TOKEN_AUTH", "token": BOT, "padding": "x".repeat(2_000)})).await;
    assert!(matches!(talkative.receive().await, Received::Close(1009, _)));
}

#[tokio::test]
async fn close_inactive_connections() {
    let home = Home::new();
    let (ping_interval, idle_wait) = (Duration::from_millis(20), Duration::from_millis(100));
    let gateway = gateway_with(&home.path("data"), Limits { ping_interval, idle_wait, ..Limits::default() }).await;
    let MaybeTlsStream::Plain(mut dead) = Client::sign_in(&gateway.url(), BOT).await.0.into_inner() else {
        panic!("the connection is not encrypted");
    };
    // It answers no ping.
    let mut came = Vec::new();
    timeout(PATIENCE, dead.read_to_end(&mut came)).await.expect("it is ended").expect("in good order");
    assert!(String::from_utf8_lossy(&came).contains("nothing was heard for too long"));
}

#[tokio::test]
async fn use_heartbeats_to_find_dead_connections() {
    let home = Home::new();
    let (ping_interval, idle_wait) = (Duration::from_millis(20), Duration::from_millis(500));
    let gateway = gateway_with(&home.path("data"), Limits { ping_interval, idle_wait, ..Limits::default() }).await;
    let mut quiet = Client::sign_in(&gateway.url(), BOT).await;
    // It says nothing, but its library answers pings, for longer than silence is borne.
    for _ in 0..60 {
        let frame = timeout(PATIENCE, quiet.0.next()).await.expect("a ping comes").expect("the connection stays");
        assert!(matches!(frame, Ok(Message::Ping(_))), "{frame:?}");
    }
    assert_eq!(quiet.call(json!({"method": "PING"})).await["method"], "PONG");
}

#[tokio::test]
async fn implement_backpressure() {
    let home = Home::new();
    let limits = Limits { write_wait: Duration::from_millis(200), ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let mut other = Client::sign_in(&gateway.url(), BOT).await;
    let signups: Vec<_> = (0..1_000).map(|number| format!("guest{number:0200}@example.com")).collect();
    other.send(json!({"method": "addToWhitelist", "app_id": APP, "signups": signups})).await;
    let mut added = 0;
    while added < signups.len() {
        added += other.json().await["signups"].as_array().expect("an ack has sign-ups").len();
    }
    let MaybeTlsStream::Plain(mut greedy) = Client::sign_in(&gateway.url(), BOT).await.0.into_inner() else {
        panic!("the connection is not encrypted");
    };
    // It asks for ever and reads nothing: what it sends is taken no more, and then it is ended.
    let question = format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}","page_size":1000}}"#);
    let length = u8::try_from(question.len()).expect("it is short");
    let question = [&[0x81, 0x80 | length, 0, 0, 0, 0], question.as_bytes()].concat();
    let floods = async { while greedy.write_all(&question).await.is_ok() {} };
    timeout(PATIENCE, floods).await.expect("it is ended");
    assert_eq!(other.call(json!({"method": "PING"})).await["method"], "PONG");
}

#[tokio::test]
async fn implement_rate_limiting_of_messages() {
    let home = Home::new();
    let limits = Limits { requests_per_caller_per_second_max: 2, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let mut refused = Value::Null;
    while refused["error"] != 429 {
        refused = bot.call(json!({"method": "PING"})).await;
    }
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|wait| (1..=500).contains(&wait)), "{refused}");
}

#[tokio::test]
async fn slow_down_failed_authentication() {
    let home = Home::new();
    let limits = Limits { guesses_of_origin_burst: 1, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let sign_in = json!({"method": "TOKEN_AUTH", "token": "a guess"});
    let mut answer = Value::Null;
    while answer["error"] != 429 {
        answer = Client::connect(&gateway.url()).await.call(&sign_in).await;
    }
    assert!(answer["retry_after_ms"].is_u64(), "{answer}");
}

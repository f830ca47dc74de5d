//! What one client does, or what fails under it, does not reach far: strangers get little, and a panic ends one connection.

mod support;

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use futures::{FutureExt, SinkExt, StreamExt, poll};
use guestlist::access::Caller;
use guestlist::config::{FRAME_OUT_BYTES_MAX, GRANTS_MAX, Limits};
use guestlist::engine::Engine;
use guestlist::http::Peer;
use guestlist::http::credentials::Visitor;
use guestlist::http::run;
use guestlist::hub::Hub;
use guestlist::journal::memory::MemoryJournal;
use guestlist::methods::Change;
use guestlist::passwords::NotDone;
use guestlist::seed::{self, Seed};
use guestlist::session::{self, Metered};
use guestlist::shared::Shared;
use guestlist::state::Writer;
use serde_json::{Value, json};
use support::{ADMIN, APP, BOT, Client, Received, gateway};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

#[tokio::test]
async fn a_stranger_may_send_little_before_signing_in() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = gateway(home.path()).await;
    let mut stranger = Client::connect(&gateway.url()).await;
    let flood = json!({"method": "TOKEN_AUTH", "token": BOT, "padding": "x".repeat(200_000)}).to_string();
    stranger.0.send(Message::text(flood)).await.ok();
    assert_eq!(stranger.receive().await, Received::Close(1009, "the frame is too large".to_owned()));
    // Who has signed in may send as much in one message.
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let padded = json!({"method": "addToWhitelist", "app_id": APP, "signups": ["a"], "padding": "x".repeat(200_000)});
    assert_eq!(bot.call(padded.to_string()).await["method"], "addToWhitelist_ack");
}

#[tokio::test]
async fn a_bot_with_all_it_may_have_fits_into_a_frame() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = gateway(home.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let apps: Vec<String> = (0..GRANTS_MAX).map(|n| (u64::MAX - n as u64).to_string()).collect();
    for app in &apps {
        admin.send(json!({"method": "setApp", "app_id": app}).to_string()).await;
    }
    for _ in &apps {
        assert_eq!(admin.json().await["method"], "setApp_ack");
    }
    let grants: Vec<Value> = apps.iter().map(|app| json!({"permission": "signup_management", "app_id": app})).collect();
    let set =
        json!({"method": "setBot", "bot_id": u64::MAX, "name": "\u{1}".repeat(254), "apps": apps, "grants": grants});
    admin.send(set.to_string()).await;
    let ack = admin.text().await;
    assert!(ack.contains("setBot_ack") && ack.len() <= FRAME_OUT_BYTES_MAX, "{} bytes: {ack:.200}", ack.len());
    let mut more = set;
    more["apps"].as_array_mut().expect("it is an array").push(json!(APP));
    let refusal = admin.call(more.to_string()).await;
    assert_eq!(refusal["error"], 413, "{refusal}");
}

#[tokio::test]
async fn large_acks_come_whole_though_the_outbox_is_bounded() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = gateway(home.path()).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let tags: Vec<String> = (0..16).map(|tag| format!("{tag:064}")).collect();
    let entry = |n: usize| json!({"signup_id": format!("person{n}@example.com"), "tags": tags});
    let all: Vec<Value> = (0..700).map(entry).collect();
    bot.send(json!({"method": "addToWhitelist", "app_id": APP, "signups": all, "reference": "first"}).to_string())
        .await;
    // Each repeats all tags, and adds one more so that it is a change.
    let names: Vec<String> = (0..700).map(|n| format!("person{n}@example.com")).collect();
    for extra in 0..10 {
        let mut signups = names.clone();
        signups.push(format!("extra{extra}"));
        let again = json!({"method": "addToWhitelist", "app_id": APP, "signups": signups, "reference": extra});
        bot.send(again.to_string()).await;
    }
    bot.send(r#"{"method":"PING"}"#).await;
    let mut received = Vec::new();
    loop {
        let frame = bot.json().await;
        if frame["method"] == "PONG" {
            break;
        }
        let count = frame["signups"].as_array().expect("an ack has an array").len();
        match received.last_mut() {
            Some((reference, total)) if *reference == frame["reference"] => *total += count,
            _ => received.push((frame["reference"].clone(), count)),
        }
    }
    let expected = std::iter::once((json!("first"), 700)).chain((0..10).map(|extra| (json!(extra), 701)));
    assert_eq!(received, expected.collect::<Vec<_>>());
}

/// A stream that panics at a read when told to, as a fault anywhere in a connection's task would.
struct Faulty {
    stream: DuplexStream,
    panics: Arc<AtomicBool>,
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(!self.panics.swap(false, Ordering::Relaxed), "a fault in a connection's task");
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What the connections of a gateway with the demo data have at hand.
async fn seeded(limits: Limits) -> Arc<Shared> {
    let hub = Arc::new(Hub::default());
    let writer = Writer::default();
    let state = writer.state().clone();
    let journal = Box::new(MemoryJournal::default());
    let (engine, handle) = Engine::new(writer, journal, hub.clone(), limits.clone(), None, Arc::default());
    engine.spawn().expect("there are threads");
    let shared = Arc::new(Shared::new(state, handle, hub, limits));
    seed::apply(Seed::demo(), &shared).await.expect("the demo data is good");
    shared
}

/// A connection to it, which panics when told to, and the task that serves it.
async fn signed_in(
    shared: &Arc<Shared>,
    token: &str,
    panics: Arc<AtomicBool>,
) -> (WebSocketStream<DuplexStream>, JoinHandle<()>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let stream = Metered::new(Faulty { stream: theirs, panics }, shared.limits.sign_in_bytes_max);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let serving = tokio::spawn(session::serve(socket, Ipv4Addr::LOCALHOST.into(), shared.clone(), None));
    let mut client = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let sign_in = json!({"method": "TOKEN_AUTH", "token": token}).to_string();
    client.send(Message::text(sign_in)).await.expect("the stream takes frames");
    let welcome = client.next().await.expect("something comes").expect("it is a frame");
    assert!(welcome.to_text().is_ok_and(|text| text.contains("TOKEN_AUTH_OK")), "{welcome:?}");
    (client, serving)
}

#[tokio::test]
async fn a_panic_ends_its_connection_with_an_error_and_a_close_that_brings_bots_back() {
    let shared = seeded(Limits::default()).await;
    let panics = Arc::new(AtomicBool::new(false));
    let (mut client, serving) = signed_in(&shared, BOT, panics.clone()).await;

    panics.store(true, Ordering::Relaxed);
    client.send(Message::text(r#"{"method":"PING"}"#)).await.expect("the stream takes frames");
    let error = loop {
        let frame = client.next().await.expect("something comes").expect("it is a frame");
        if !frame.to_text().is_ok_and(|text| text.contains("PONG")) {
            break frame;
        }
    };
    assert!(error.to_text().is_ok_and(|text| text.contains("199999")), "{error:?}");
    match client.next().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 1001),
        other => panic!("a close was expected, not {other:?}"),
    }
    drop(client);
    serving.await.expect("the panic was caught");
    assert!(shared.hub.is_empty() && shared.engine.is_writable());
}

#[tokio::test]
async fn a_change_whose_password_still_waits_is_not_made_once_the_token_is_revoked() {
    let limits = Limits { password_threads_max: 1, password_queue_max: 1, ..Limits::default() };
    let shared = seeded(limits).await;
    let peer = Peer(Ipv4Addr::LOCALHOST.into());
    let admin = Visitor::of_token(&shared, peer, ADMIN).await.expect("the demo has an administrator");
    let Caller::Bot(admin_id) = admin.caller else { panic!("administrators are bots") };
    let (mut client, serving) = signed_in(&shared, ADMIN, Arc::default()).await;

    let (open, gate) = mpsc::channel::<()>();
    let mut before = Box::pin(shared.passwords.work(move || gate.recv().is_ok()));
    assert!(poll!(&mut before).is_pending());
    let set = json!({"method": "setUser", "user_id": 2, "password": "Guest-pass-2!"}).to_string();
    client.send(Message::text(set)).await.expect("the stream takes frames");
    // Until the connection has the one place in the queue.
    while shared.passwords.work(|| ()).now_or_never() != Some(Err(NotDone::QueueFull)) {
        tokio::task::yield_now().await;
    }
    let rotate = json!({"method": "rotateBotToken", "bot_id": admin_id}).to_string();
    let rotate = Change::read("rotateBotToken", &rotate).expect("it is a change").expect("it can be read");
    run::submit(&shared, &admin, rotate).await.expect("an administrator may rotate tokens");
    open.send(()).expect("the work before waits for this");
    assert_eq!(before.await, Ok(true));

    let refusal = client.next().await.expect("something comes").expect("it is a frame");
    assert!(refusal.to_text().is_ok_and(|text| text.contains(r#""error":401"#)), "{refusal:?}");
    match client.next().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 1008),
        other => panic!("a close was expected, not {other:?}"),
    }
    drop(client);
    serving.await.expect("nothing failed");
    let amy = shared.state.user(2.try_into().expect("2 is an id")).expect("the demo has a user 2").clone();
    assert_eq!(amy.password, None, "a revoked token set a password");
}

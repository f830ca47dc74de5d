//! How connections begin, live and end: the first frame, pings, fragments, closes, and what is no WebSocket.

mod support;

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use guestlist::config::Limits;

use serde_json::json;
use support::{ADMIN, APP, BOT, Client, Received, gateway, gateway_with};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

const PING: &str = r#"{"method":"PING"}"#;

/// Above anything a test waits for, so that what never comes fails a test and does not hang it.
const PATIENCE: Duration = Duration::from_secs(20);

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// A client's refusal of the token, and then the close that follows.
async fn check_kept_out(client: &mut Client, what: &str) {
    let refusal = client.json().await;
    assert_eq!((&refusal["error"], refusal.get("method")), (&json!(401), None), "{what}: {refusal}");
    assert!(refusal["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {refusal}");
    let close = Received::Close(1008, "authenticate with TOKEN_AUTH first".to_owned());
    assert_eq!(client.receive().await, close, "{what}");
    assert_eq!(client.receive().await, Received::Gone, "{what}");
}

#[tokio::test]
async fn the_first_frame_must_be_a_good_token_auth() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let unknown = r#"{"method":"TOKEN_AUTH","token":"90091784056528980:0:DemoBotTokenForLocalUseOnly002"}"#;
    for first in [PING, unknown, r#"{"method":"getApps"}"#, r#"{"method":"TOKEN_AUTH","token":""}"#] {
        let mut client = Client::connect(&gateway.url()).await;
        client.send(first).await;
        // What comes behind the first frame must not be taken.
        client.0.send(Message::text(r#"{"method":"getApps"}"#)).await.ok();
        check_kept_out(&mut client, first).await;
    }
    for malformed in ["hello", "[]", "{}", r#"{"method":"TOKEN_AUTH"}"#, r#"{"method":"TOKEN_AUTH","token":7}"#] {
        let mut client = Client::connect(&gateway.url()).await;
        assert_eq!(client.call(malformed).await["error"], 400, "{malformed}");
        assert!(matches!(client.receive().await, Received::Close(1008, _)), "{malformed}");
    }
    let mut client = Client::connect(&gateway.url()).await;
    client.0.send(Message::binary(&b"{\"method\":\"TOKEN_AUTH\"}"[..])).await.expect("the connection takes frames");
    check_kept_out(&mut client, "a binary frame").await;
}

#[tokio::test]
async fn the_first_frame_must_come_in_time() {
    let directory = directory();
    let limits = Limits { auth_wait: Duration::from_millis(50), ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut silent = Client::connect(&gateway.url()).await;
    check_kept_out(&mut silent, "silence").await;
    // Pings are no TOKEN_AUTH.
    let mut pinging = Client::connect(&gateway.url()).await;
    pinging.0.send(Message::Ping("".into())).await.expect("the connection takes frames");
    check_kept_out(&mut pinging, "pings").await;
}

#[tokio::test]
async fn ping_frames_are_answered_before_and_after_the_sign_in() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let mut client = Client::connect(&gateway.url()).await;
    for payload in ["", "before", "after"] {
        client.0.send(Message::Ping(payload.into())).await.expect("the connection takes frames");
        let pong = timeout(PATIENCE, client.0.next()).await.expect("a pong comes").expect("the connection stays");
        assert_eq!(pong.expect("frames are whole"), Message::Pong(payload.into()));
        if payload == "before" {
            client.send(format!(r#"{{"method":"TOKEN_AUTH","token":"{BOT}"}}"#)).await;
            assert_eq!(client.json().await["method"], "TOKEN_AUTH_OK");
        }
    }
}

fn part(opcode: Data, text: &str, last: bool) -> Message {
    Message::Frame(Frame::message(text.to_owned(), OpCode::Data(opcode), last))
}

#[tokio::test]
async fn fragments_make_one_message_and_control_frames_may_come_between() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let mut client = Client::sign_in(&gateway.url(), BOT).await;
    let text = format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","reference":"é","signups":["a@example.com"]}}"#);
    // Cut within the two bytes of the é as well.
    let cuts = [10, text.find('é').expect("it is there") + 1, text.len() - 5];
    let mut from = 0;
    for (index, cut) in cuts.into_iter().chain([text.len()]).enumerate() {
        let opcode = if index == 0 { Data::Text } else { Data::Continue };
        let bytes = text.as_bytes()[from..cut].to_vec();
        let frame = Frame::message(bytes, OpCode::Data(opcode), cut == text.len());
        client.0.send(Message::Frame(frame)).await.expect("the connection takes frames");
        client.0.send(Message::Ping("between".into())).await.expect("the connection takes frames");
        from = cut;
    }
    let ack = client.json().await;
    assert_eq!((&ack["method"], &ack["reference"]), (&json!("addToWhitelist_ack"), &json!("é")));
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_connection() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let header = |change: fn(&mut FrameHeader)| {
        let mut header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        change(&mut header);
        Message::Frame(Frame::from_payload(header, PING.into()))
    };
    for (what, frames) in [
        ("a reserved bit", vec![header(|header| header.rsv1 = true)]),
        ("a reserved opcode", vec![header(|header| header.opcode = OpCode::Data(Data::Reserved(3)))]),
        ("a continuation of nothing", vec![part(Data::Continue, PING, true)]),
        ("a message within a message", vec![part(Data::Text, "{", false), part(Data::Text, PING, true)]),
        (
            "a fragment of a ping",
            vec![header(|header| {
                (header.opcode, header.is_final) = (OpCode::Control(Control::Ping), false);
            })],
        ),
        ("a ping of 126 bytes", vec![Message::Frame(Frame::ping("x".repeat(126)))]),
    ] {
        let mut client = Client::sign_in(&gateway.url(), BOT).await;
        for frame in frames {
            client.0.send(frame).await.expect("the connection takes frames");
        }
        let close = Received::Close(1002, "the frame breaks the WebSocket protocol".to_owned());
        assert_eq!(client.receive().await, close, "{what}");
        assert_eq!(client.receive().await, Received::Gone, "{what}");
    }
    let mut unmasked = raw(&gateway.url()).await;
    unmasked.write_all(b"\x81\x02{}").await.expect("the connection takes bytes");
    assert_eq!(&bytes_to_the_end(&mut unmasked).await[2..4], 1002_u16.to_be_bytes());
    let mut well = Client::sign_in(&gateway.url(), BOT).await;
    assert_eq!(well.call(PING).await, json!({"method": "PONG"}));
}

/// A connection after its handshake, for bytes as they are.
async fn raw(url: &str) -> TcpStream {
    let request = url.into_client_request().expect("the address is one");
    let authority = request.uri().authority().expect("the address has one").to_string();
    let stream = TcpStream::connect(authority).await.expect("the gateway takes connections");
    client_async(request, stream).await.expect("the handshake works").0.into_inner()
}

async fn bytes_to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    read.expect("the connection ends").expect("it ends in good order");
    bytes
}

#[tokio::test]
async fn a_client_s_close_is_echoed() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    for code in [1000_u16, 1001, 3001] {
        let mut client = Client::sign_in(&gateway.url(), BOT).await;
        // Whatever was sent before it is answered first.
        client.send(PING).await;
        let close = CloseFrame { code: code.into(), reason: "bye".into() };
        client.0.send(Message::Close(Some(close))).await.expect("the connection takes frames");
        assert_eq!(client.text().await, r#"{"method":"PONG"}"#);
        assert!(matches!(client.receive().await, Received::Close(echoed, _) if echoed == code), "{code}");
        assert_eq!(client.receive().await, Received::Gone);
    }
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way_and_closes_so_that_bots_come_back() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let (mut bot, mut guest) = (Client::sign_in(&gateway.url(), BOT).await, Client::connect(&gateway.url()).await);
    guest.0.send(Message::Ping("".into())).await.expect("the connection takes frames");
    guest.0.next().await.expect("the gateway has seated the guest").expect("frames are whole");
    let add = format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a@example.com"]}}"#);
    assert_eq!(bot.call(add).await["method"], "addToWhitelist_ack");
    let stopped = tokio::spawn(gateway.stop());
    let close = Received::Close(1001, "the gateway is stopping, connect again".to_owned());
    assert_eq!(bot.receive().await, close);
    assert_eq!(guest.receive().await, close);
    assert_eq!((bot.receive().await, guest.receive().await), (Received::Gone, Received::Gone));
    timeout(PATIENCE, stopped).await.expect("the stop ends").expect("the stop does not panic");
}

#[tokio::test]
async fn who_comes_while_the_gateway_stops_is_sent_away_too() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let url = gateway.url();
    let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("the connection takes bytes");
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\nok\n") {
        stream.read_buf(&mut response).await.expect("the connection stays");
    }
    gateway.stop().await;
    // The connection was there before the stop, the WebSocket on it comes after.
    let (mut late, _) = client_async(url, stream).await.expect("the handshake works");
    let first = timeout(PATIENCE, late.next()).await.expect("a close comes").expect("the connection stays till then");
    let Message::Close(Some(close)) = first.expect("frames are whole") else { panic!("a close comes first") };
    assert_eq!(u16::from(close.code), 1001);
}

#[tokio::test]
async fn who_is_silent_for_too_long_is_closed_and_who_answers_pings_stays() {
    let directory = directory();
    let (ping_interval, idle_wait) = (Duration::from_millis(20), Duration::from_millis(200));
    let limits = Limits { ping_interval, idle_wait, ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut answering = Client::sign_in(&gateway.url(), BOT).await;
    let request = gateway.url().into_client_request().expect("the address is one");
    let stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
    let (mut silent, _) = client_async(request, stream).await.expect("the handshake works");
    silent.send(Message::text(format!(r#"{{"method":"TOKEN_AUTH","token":"{BOT}"}}"#))).await.expect("it is taken");
    let mut silent = silent.into_inner();
    let (mut pings, mut ended) = (0, false);
    let mut bytes = Vec::new();
    // 60 pings are six times the patience with the silent.
    while pings < 60 {
        tokio::select! {
            frame = answering.0.next() => match frame.expect("the connection stays").expect("frames are whole") {
                Message::Ping(_) => pings += 1,
                other => panic!("only pings come, not {other:?}"),
            },
            read = silent.read_buf(&mut bytes), if !ended => ended = read.expect("it ends in good order") == 0,
        }
    }
    let reason = b"nothing was heard for too long, connect again";
    assert!(bytes.ends_with(&[&1001_u16.to_be_bytes(), &reason[..]].concat()), "{}", String::from_utf8_lossy(&bytes));
    assert!(bytes.windows(2).any(|frame| frame == [0x89, 0]), "the silent one was pinged");
    answering.send(PING).await;
    assert_eq!(answering.text().await, r#"{"method":"PONG"}"#);
}

#[tokio::test]
async fn sessions_of_a_removed_bot_and_of_an_old_token_end() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    for (method, count) in [("rotateBotToken", 3), ("removeBot", 1)] {
        let bot = if method == "removeBot" { "90091784056528981" } else { "90091784056528980" };
        let token = if method == "removeBot" { support::BARE_BOT } else { BOT };
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(Client::sign_in(&gateway.url(), token).await);
        }
        let ack = admin.call(json!({"method": method, "bot_id": bot}).to_string()).await;
        assert_eq!(ack["method"], format!("{method}_ack"));
        for client in &mut clients {
            assert_eq!(client.json().await["error"], 401);
            assert_eq!(client.receive().await, Received::Close(1008, "the token is no longer valid".to_owned()));
            assert_eq!(client.receive().await, Received::Gone);
        }
        let mut again = Client::connect(&gateway.url()).await;
        again.send(json!({"method": "TOKEN_AUTH", "token": token}).to_string()).await;
        check_kept_out(&mut again, method).await;
    }
    assert_eq!(admin.call(PING).await, json!({"method": "PONG"}));
}

#[tokio::test]
async fn unknown_origins_are_let_in_and_compression_is_declined() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let address = gateway.address();
    for path in ["/nandbox/api/", "/nandbox/api", "/ws"] {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("the address is one");
        let headers = request.headers_mut();
        headers.insert("Origin", "http://nobody.example".parse().expect("it is a value"));
        let offer = "permessage-deflate; client_max_window_bits";
        headers.insert("Sec-WebSocket-Extensions", offer.parse().expect("it is a value"));
        let stream = TcpStream::connect(address).await.expect("the gateway takes connections");
        let (mut socket, response) = client_async(request, stream).await.expect("the handshake works");
        assert_eq!(response.status(), 101, "{path}");
        assert!(response.headers().get("Sec-WebSocket-Extensions").is_none(), "{path}: {response:?}");
        socket.send(Message::text(format!(r#"{{"method":"TOKEN_AUTH","token":"{BOT}"}}"#))).await.expect("it is taken");
        let welcome = timeout(PATIENCE, socket.next()).await.expect("a welcome comes").expect("the connection stays");
        assert!(welcome.expect("frames are whole").to_string().contains("TOKEN_AUTH_OK"), "{path}");
    }
}

#[tokio::test]
async fn who_leaves_http_answers_unread_is_given_up() {
    let directory = directory();
    let limits = Limits { write_wait: Duration::from_millis(100), ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
    let requests = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.address()).repeat(1_000);
    let flood = async { while stream.write_all(requests.as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, flood).await.expect("the connection ends");
}

#[tokio::test]
async fn plain_http_is_answered_in_words() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    for (path, status, text) in [
        ("/nandbox/api/", "426", "connect to this address by WebSocket\n"),
        ("/ws", "426", "connect to this address by WebSocket\n"),
        ("/livez", "200", "ok\n"),
        ("/readyz", "200", "ok\n"),
        ("/readyz?verbose", "200", "storage: ok\nsnapshots: ok\nrunning: ok\n"),
        ("/", "200", "</html>\n"),
        ("/nandbox", "404", "nothing is here; bots connect to /nandbox/api/ by WebSocket\n"),
    ] {
        let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gateway.address());
        stream.write_all(request.as_bytes()).await.expect("the connection takes bytes");
        let response = String::from_utf8(bytes_to_the_end(&mut stream).await).expect("the answer is text");
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {response}");
        assert!(response.ends_with(text), "{path}: {response}");
        let upgrade = response.to_ascii_lowercase().contains("\r\nupgrade: websocket\r\n");
        assert_eq!(upgrade, status == "426", "{path}: {response}");
    }
}

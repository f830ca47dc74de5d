//! How a WebSocket is opened, and what is no opening of one.

use guestlist::gateway::Gateway;
use guestlist::testing;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::case::{OPENING, PATIENCE, QUESTION, head, sign_in};
use super::wire::{CLOSE, Came, Frame, PING, TEXT, receive};

/// The request with a part of it replaced, which must be there.
fn with(part: &str, other: &str) -> String {
    assert!(OPENING.contains(part), "{part}");
    OPENING.replacen(part, other, 1)
}

async fn gateway() -> Gateway {
    Gateway::start(testing::Gateway::options()).await.expect("the gateway starts")
}

/// A connection on which something was written.
async fn told(gateway: &Gateway, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    stream.write_all(bytes).await.expect("the gateway reads");
    stream
}

/// The status and the headers that a request is answered with, in small letters.
async fn answered(gateway: &Gateway, request: &str) -> (String, String) {
    let mut stream = told(gateway, request.as_bytes()).await;
    let head = timeout(PATIENCE, head(&mut stream)).await.unwrap_or_else(|_| panic!("no answer to {request}"));
    let (status, headers) = head.split_once("\r\n").expect("a head has lines");
    (status.to_owned(), headers.to_ascii_lowercase())
}

#[tokio::test]
async fn requests_for_a_websocket_are_granted_however_they_are_spelt() {
    let gateway = gateway().await;
    for request in [
        OPENING.to_owned(),
        with("Upgrade: websocket", "upgrade: WebSocket"),
        with("Upgrade: websocket", "UPGRADE:websocket"),
        with("Connection: Upgrade", "connection: keep-alive, upgrade"),
        with("Sec-WebSocket-Key", "sec-websocket-key"),
        with("Host: localhost\r\n", "Host: localhost\r\nOrigin: null\r\nCookie: a=b\r\n"),
        with("Host", &format!("X-Long: {}\r\nHost", "x".repeat(8_000))),
        with("/nandbox/api/", "/nandbox/api/?a=b"),
        with("/nandbox/api/", "/ws"),
    ] {
        let (status, headers) = answered(&gateway, &request).await;
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols", "{request}");
        let accepted = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n";
        for header in ["connection: upgrade\r\n", "upgrade: websocket\r\n", accepted] {
            assert!(headers.contains(header), "{request}{headers}");
        }
    }
}

#[tokio::test]
async fn no_extension_and_no_protocol_is_agreed_on() {
    let gateway = gateway().await;
    for offer in [
        "Sec-WebSocket-Extensions: permessage-deflate",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame",
        "Sec-WebSocket-Extensions: permessage-bzip2",
        "Sec-WebSocket-Protocol: chat, superchat",
    ] {
        let (status, headers) = answered(&gateway, &with("Host", &format!("{offer}\r\nHost"))).await;
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols", "{offer}");
        assert!(
            !headers.contains("sec-websocket-extensions") && !headers.contains("sec-websocket-protocol"),
            "{offer}"
        );
    }
}

#[tokio::test]
async fn what_is_no_request_for_a_websocket_is_refused_and_told_the_version() {
    let gateway = gateway().await;
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (what, request) in [
        ("no upgrade", with("Upgrade: websocket\r\n", "")),
        ("another upgrade", with("Upgrade: websocket", "Upgrade: h2c")),
        ("no connection", with("Connection: Upgrade\r\n", "")),
        ("another connection", with("Connection: Upgrade", "Connection: keep-alive")),
        ("no version", with("Sec-WebSocket-Version: 13\r\n", "")),
        ("an old version", with("Version: 13", "Version: 8")),
        ("a version to come", with("Version: 13", "Version: 14")),
        ("a version that is none", with("Version: 13", "Version: thirteen")),
        ("no host", with("Host: localhost\r\n", "")),
        ("two hosts", with("Host: localhost", "Host: localhost\r\nHost: elsewhere")),
        ("no key", with(key, "")),
        ("two keys", with(key, &key.repeat(2))),
        ("an empty key", with(key, "Sec-WebSocket-Key:\r\n")),
        ("a short key", with("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==")),
        ("a long key", with("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSBhbmQgbW9yZQ==")),
        ("a key that is no base64", with("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!!!")),
        ("a POST", with("GET", "POST")),
        ("a PUT", with("GET", "PUT")),
        ("HTTP/1.0", with("HTTP/1.1", "HTTP/1.0")),
    ] {
        let (status, headers) = answered(&gateway, &request).await;
        assert!(status.ends_with(" 426 Upgrade Required"), "{what}: {status}");
        assert!(headers.contains("sec-websocket-version: 13\r\n"), "{what}: {headers}");
        assert!(!headers.contains("sec-websocket-accept"), "{what}: {headers}");
    }
}

#[tokio::test]
async fn what_is_no_request_at_all_is_refused() {
    let gateway = gateway().await;
    for (what, request) in [
        ("frames first", Frame::new(TEXT, QUESTION.to_owned() + "\r\n\r\n").bytes()),
        ("HTTP/3.7", with("HTTP/1.1", "HTTP/3.7").into_bytes()),
        ("a header without a colon", with("Host: localhost", "Host localhost").into_bytes()),
        ("a space in a name", with("Host: localhost", "Ho st: localhost").into_bytes()),
        ("endless headers", format!("GET /ws HTTP/1.1\r\n{}", "a: b\r\n".repeat(200_000)).into_bytes()),
    ] {
        let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
        // Who is refused early cannot send the rest.
        stream.write_all(&request).await.ok();
        let refused = timeout(PATIENCE, head(&mut stream)).await.unwrap_or_else(|_| panic!("no answer to {what}"));
        assert!(refused.starts_with("HTTP/1.1 4"), "{what}: {refused}");
    }
}

#[tokio::test]
async fn frames_may_come_right_behind_the_request() {
    let gateway = gateway().await;
    let frames = [sign_in(), Frame::new(TEXT, QUESTION), Frame::new(PING, "now")];
    let sent = [OPENING.as_bytes(), &frames.iter().flat_map(Frame::bytes).collect::<Vec<_>>()].concat();
    let mut stream = told(&gateway, &sent).await;
    head(&mut stream).await;
    let mut came = Vec::new();
    while came.len() < 3 {
        came.push(timeout(PATIENCE, receive(&mut stream)).await.expect("an answer comes"));
    }
    assert!(came.contains(&Came::Answer) && came.contains(&Came::Pong(b"now".to_vec())), "{came:?}");
}

#[tokio::test]
async fn the_rules_hold_before_the_sign_in_too() {
    let gateway = gateway().await;
    for (what, frame, expected) in [
        ("a close", Frame::close(1000, "bye"), Some(1000)),
        ("a close without a code", Frame::new(CLOSE, ""), None),
        ("a close that nobody may send", Frame::close(1005, ""), Some(1002)),
        ("a reserved bit", sign_in().reserved(4), Some(1002)),
        ("a reserved opcode", Frame::new(3, ""), Some(1002)),
        ("no mask", sign_in().masked(None), Some(1002)),
        ("no UTF-8", Frame::new(TEXT, b"\xff"), Some(1007)),
        ("a frame that is too large", Frame::new(TEXT, "").length_in_eight(16 << 20), Some(1009)),
    ] {
        let mut stream = told(&gateway, &[OPENING.as_bytes(), &frame.bytes()].concat()).await;
        head(&mut stream).await;
        let came = timeout(PATIENCE, receive(&mut stream)).await.unwrap_or_else(|_| panic!("no close: {what}"));
        assert_eq!(came, Came::Close(expected), "{what}");
    }
}

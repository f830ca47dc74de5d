//! Transport security, and what a connection may be used for.

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use guestlist::tls::trusting;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::{Connector, client_async_tls_with_config};

use crate::support::authority::Authority;
use crate::support::home::Home;
use crate::support::{BOT, Client, gateway, options};

/// More than any answer takes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A request for a WebSocket, whose path and further headers are given.
fn opening(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// The head of the answer to a request, in small letters.
async fn answered(gateway: &Gateway, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    stream.write_all(request.as_bytes()).await.expect("the gateway reads");
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the head is whole"));
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no answer to {request}"));
    String::from_utf8(head).expect("a head is text").to_ascii_lowercase()
}

#[tokio::test]
async fn always_use_wss() {
    let home = Home::new();
    let authority = Authority::new(&home.path(""));
    let tls = Some(authority.certify().write(&home.path("")));
    let options = Options { tls, ..options(&home.path("data"), Limits::default()) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let stream = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    let connector = Connector::Rustls(trusting(Some(&authority.file)).expect("the authority can be read"));
    let url = format!("wss://localhost:{}/nandbox/api/", gateway.address().port());
    let connected = client_async_tls_with_config(url, stream, None, Some(connector)).await;
    let mut client = Client(connected.expect("it is trusted").0);
    assert_eq!(client.call(json!({"method": "TOKEN_AUTH", "token": BOT})).await["method"], "TOKEN_AUTH_OK");
    // Who comes in clear gets no WebSocket, and is told so before a token is sent.
    let refused = answered(&gateway, &opening("/nandbox/api/", "Sec-WebSocket-Version: 13\r\n")).await;
    assert!(refused.starts_with("http/1.1 400 "), "{refused}");
}

#[tokio::test]
async fn only_support_rfc_6455() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let hixie = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n";
    for old in
        ["Sec-WebSocket-Version: 0\r\n", "Sec-WebSocket-Version: 7\r\n", "Sec-WebSocket-Version: 8\r\n", hixie, ""]
    {
        let refused = answered(&gateway, &opening("/nandbox/api/", old)).await;
        assert!(
            refused.starts_with("http/1.1 426 ") && refused.contains("sec-websocket-version: 13"),
            "{old}{refused}"
        );
    }
}

#[tokio::test]
async fn disable_permessage_deflate_compression() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    for offer in ["permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame"] {
        let offer = format!("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: {offer}\r\n");
        let granted = answered(&gateway, &opening("/nandbox/api/", &offer)).await;
        assert!(granted.starts_with("http/1.1 101 ") && !granted.contains("sec-websocket-extensions"), "{granted}");
    }
}

#[tokio::test]
async fn tunnel_no_services() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    for request in [
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n".to_owned(),
        "GET http://127.0.0.1:22/x HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n".to_owned(),
        opening("/nandbox/api/", "Sec-WebSocket-Version: 13\r\n").replace("Upgrade: websocket", "Upgrade: tcp"),
        opening("/nandbox/api/ssh", "Sec-WebSocket-Version: 13\r\n"),
        opening("/", "Sec-WebSocket-Version: 13\r\n"),
    ] {
        let refused = answered(&gateway, &request).await;
        assert!(refused.starts_with("http/1.1 4"), "{request}{refused}");
    }
    // The page is the page, whatever host is named.
    let own = answered(&gateway, "GET http://127.0.0.1:22/ HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n").await;
    let is_own = own.starts_with("http/1.1 200") && own.contains("server: guestlist/");
    assert!(is_own && own.contains("content-type: text/html"), "{own}");
    // What some server would read as a protocol to speak is not agreed on.
    let offer = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary, vnc, ssh\r\n";
    let granted = answered(&gateway, &opening("/nandbox/api/", offer)).await;
    assert!(!granted.contains("sec-websocket-protocol"), "{granted}");
}

//! This is where every integration test gets its gateway and its connections.
#![expect(dead_code, reason = "each test binary uses its own part of this")]

pub mod http;
pub mod process;
pub mod stage;
pub mod standing;
pub mod written;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use futures::{SinkExt, StreamExt};
use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::seed::Seed;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The demo app.
pub const APP: &str = "90090684293000559";
/// The demo bot's token.
pub const BOT: &str = "90091784056528980:0:DemoBotTokenForLocalUseOnly001";
/// The token of the demo bot without permission.
pub const BARE_BOT: &str = "90091784056528981:0:DemoBotWithoutAnyPermission001";
/// The demo administrator's token.
pub const ADMIN: &str = "demo-admin-token";

/// A gateway with the demo data on a directory, on a free port.
pub async fn gateway(directory: &Path) -> Gateway {
    gateway_with(directory, Limits::default()).await
}

/// The same with limits of its own.
pub async fn gateway_with(directory: &Path, limits: Limits) -> Gateway {
    Gateway::start(options(directory, limits)).await.expect("the gateway starts")
}

/// How the tests' gateways run.
pub fn options(directory: &Path, limits: Limits) -> Options {
    Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        store: Store::directory(directory),
        seed: Seed::demo(),
        limits,
        error_method: false,
        public_url: None,
        open_sign_up: true,
        record: None,
    }
}

/// A client's connection.
pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// How a connection ended, or what came instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A text frame.
    Text(String),
    /// A close frame: code and reason.
    Close(u16, String),
    /// The end without a close frame.
    Gone,
}

impl Client {
    /// Connects without signing in.
    pub async fn connect(url: &str) -> Self {
        Self(connect_async(url).await.expect("the gateway takes connections").0)
    }

    /// Connects and signs in.
    pub async fn sign_in(url: &str, token: &str) -> Self {
        let mut client = Self::connect(url).await;
        client.send(format!(r#"{{"method":"TOKEN_AUTH","token":"{token}","rem":true}}"#)).await;
        let welcome = client.text().await;
        assert!(welcome.contains("TOKEN_AUTH_OK"), "{welcome}");
        client
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: impl Into<Utf8Bytes>) {
        self.0.send(Message::Text(text.into())).await.expect("the connection takes frames");
    }

    /// The next text frame.
    pub async fn text(&mut self) -> String {
        match self.receive().await {
            Received::Text(text) => text,
            other => panic!("a text frame was expected, not {other:?}"),
        }
    }

    /// The next text frame, as JSON.
    pub async fn json(&mut self) -> serde_json::Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Sends a message and returns the next frame, as JSON.
    pub async fn call(&mut self, text: impl Into<Utf8Bytes>) -> serde_json::Value {
        self.send(text).await;
        self.json().await
    }

    /// What comes next, pings and pongs aside. Bounded, so that a missing frame fails and does not hang.
    pub async fn receive(&mut self) -> Received {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Received::Text(text.to_string()),
                    Some(Ok(Message::Close(Some(close)))) => {
                        return Received::Close(close.code.into(), close.reason.to_string());
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(other)) => panic!("the gateway sends text frames only, not {other:?}"),
                    Some(Err(_)) | None => return Received::Gone,
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), next).await.expect("something comes within 20 s")
    }
}

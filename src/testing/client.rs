//! A client's connection, for tests that speak the wire.

use std::fmt::Display;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// More than any answer may take, so that one that is missing fails its test and does not hang it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client's WebSocket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client's connection. Its socket is open to whoever needs more than texts.
#[derive(Debug)]
pub struct Client(pub Socket);

/// What came over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A text frame.
    Text(String),
    /// A close frame: code and reason.
    Close(u16, String),
    /// The end without a close frame that says why.
    Gone,
}

impl Client {
    /// Connects without signing in.
    pub async fn connect(url: &str) -> Self {
        match timeout(PATIENCE, connect_async(url)).await {
            Ok(Ok((socket, _))) => Self(socket),
            Ok(Err(error)) => panic!("{url} takes no connection: {error}"),
            Err(_) => panic!("{url} did not answer within {PATIENCE:?}"),
        }
    }

    /// Connects and signs in, with a token of any kind.
    pub async fn sign_in(url: &str, token: &str) -> Self {
        let mut client = Self::connect(url).await;
        let welcome = client.call(json!({"method": "TOKEN_AUTH", "token": token, "rem": true})).await;
        assert_eq!(welcome["method"], "TOKEN_AUTH_OK", "{welcome}");
        client
    }

    /// Sends a text frame: a [`Value`], or a text as it stands.
    pub async fn send(&mut self, frame: impl Display) {
        self.0.send(Message::text(frame.to_string())).await.expect("the connection takes frames");
    }

    /// Sends a frame and returns the next one. Answers come in the order of their requests.
    pub async fn call(&mut self, frame: impl Display) -> Value {
        self.send(frame).await;
        self.json().await
    }

    /// The next text frame, as JSON.
    pub async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The next text frame.
    pub async fn text(&mut self) -> String {
        match self.receive().await {
            Received::Text(text) => text,
            other => panic!("a text frame was expected, not {other:?}"),
        }
    }

    /// What comes next, pings and pongs aside.
    pub async fn receive(&mut self) -> Received {
        timeout(PATIENCE, self.next()).await.unwrap_or_else(|_| panic!("nothing came within {PATIENCE:?}"))
    }

    async fn next(&mut self) -> Received {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Received::Text(text.to_string()),
                Some(Ok(Message::Close(Some(close)))) => {
                    // Our half of the closing, for which the gateway waits.
                    self.0.flush().await.ok();
                    return Received::Close(close.code.into(), close.reason.to_string());
                }
                Some(Ok(Message::Close(None))) | Some(Err(_)) | None => return Received::Gone,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the gateway sends text frames only, not {other:?}"),
            }
        }
    }
}

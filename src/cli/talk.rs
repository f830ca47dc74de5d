//! How a subcommand talks to a gateway: where it is, as whom, and one connection to it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::{SinkExt, StreamExt};
use guestlist::tls::TrustError;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

/// Where a gateway is looked for, where nothing else is said: where one listens, where nothing else is said.
pub const URL_DEFAULT: &str = "ws://127.0.0.1:5020/nandbox/api/";

/// Where a gateway is, and who talks to it.
#[derive(Debug, Args)]
pub struct Access {
    /// Where the gateway listens
    #[arg(long, env = "GUESTLIST_URL", default_value = URL_DEFAULT)]
    pub url: String,
    /// The token to sign in with
    #[arg(long, env = "GUESTLIST_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Certificates of authorities to trust beside the system's, for wss://; PEM
    #[arg(long, env = "GUESTLIST_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// A gateway to talk to.
#[derive(Debug, Args)]
pub struct Gateway {
    #[command(flatten)]
    access: Access,
    /// Seconds to wait for each answer
    #[arg(long, default_value_t = 10)]
    wait: u64,
}

/// Why there is no talk, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("{0} was not reached: {1}")]
    Connect(String, #[source] Box<tungstenite::Error>),
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<tungstenite::Error>),
    #[error("the gateway closed the connection{0}")]
    Closed(String),
    #[error("the gateway refused the token: {0}")]
    NotIn(Utf8Bytes),
    #[error("no answer came within {0} s; wait longer with --wait")]
    Silent(u64),
}

/// What tells an answer from a refusal.
#[derive(Default, Deserialize)]
pub struct Head {
    method: Option<String>,
    /// The code of a refusal.
    pub error: Option<serde_json::Value>,
}

impl Head {
    /// What a frame is.
    pub fn of(frame: &str) -> Self {
        serde_json::from_str(frame).unwrap_or_default()
    }

    pub fn is(&self, method: &str) -> bool {
        self.method.as_deref() == Some(method)
    }
}

/// A connection whose token was accepted.
pub struct Talk {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    wait: u64,
}

impl Gateway {
    /// Connects and signs in.
    pub async fn sign_in(&self) -> Result<Talk, TalkError> {
        let Access { url, token, ca } = &self.access;
        let tls = super::connector(url, ca.as_deref())?;
        let connecting = connect_async_tls_with_config(url, None, true, tls);
        let connected = timeout(Duration::from_secs(self.wait), connecting).await;
        let connected = connected.map_err(|_| TalkError::Silent(self.wait))?;
        let (socket, _) = connected.map_err(|error| TalkError::Connect(url.clone(), Box::new(error)))?;
        let mut talk = Talk { socket, wait: self.wait };
        let sign_in = serde_json::json!({ "method": "TOKEN_AUTH", "token": token, "rem": true });
        talk.send(sign_in.to_string()).await?;
        let welcome = talk.receive().await?;
        if Head::of(&welcome).is("TOKEN_AUTH_OK") { Ok(talk) } else { Err(TalkError::NotIn(welcome)) }
    }
}

impl Talk {
    /// Sends a message.
    pub async fn send(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), TalkError> {
        self.socket.send(Message::Text(text.into())).await.map_err(|error| TalkError::Broken(Box::new(error)))
    }

    /// Sends a message, and takes every frame that answers it.
    pub async fn ask(&mut self, message: &str, mut take: impl FnMut(Utf8Bytes)) -> Result<(), TalkError> {
        self.send(message).await?;
        // Answers come in order, so the answer to a PING marks the end of those before it, however many frames they took.
        self.send(r#"{"method":"PING"}"#).await?;
        let mut pongs = if Head::of(message).is("PING") { 2 } else { 1 };
        loop {
            let frame = self.receive().await?;
            pongs -= i32::from(Head::of(&frame).is("PONG"));
            if pongs == 0 {
                return Ok(());
            }
            take(frame);
        }
    }

    /// The next frame.
    pub async fn receive(&mut self) -> Result<Utf8Bytes, TalkError> {
        let frame = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text),
                    Some(Ok(Message::Close(Some(close)))) => {
                        return Err(TalkError::Closed(format!(" with {}: {}", close.code, close.reason)));
                    }
                    Some(Ok(Message::Close(None))) | None => return Err(TalkError::Closed(String::new())),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(TalkError::Broken(Box::new(error))),
                }
            }
        };
        timeout(Duration::from_secs(self.wait), frame).await.map_err(|_| TalkError::Silent(self.wait))?
    }

    /// Ends it in good order.
    pub async fn close(mut self) {
        self.socket.close(None).await.ok();
    }
}

//! `guestlist call`: sends one message and prints what comes back.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures::{SinkExt, StreamExt};
use guestlist::tls::TrustError;
use serde::Deserialize;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Call {
    /// The message, a JSON object
    message: String,
    /// Where the gateway listens
    #[arg(long, env = "GUESTLIST_URL", default_value = "ws://127.0.0.1:5020/nandbox/api/")]
    url: String,
    /// The token to sign in with
    #[arg(long, env = "GUESTLIST_TOKEN", hide_env_values = true)]
    token: String,
    /// Certificates of authorities to trust beside the system's, for wss://; PEM
    #[arg(long, env = "GUESTLIST_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds to wait for each answer
    #[arg(long, default_value_t = 10)]
    wait: u64,
}

const EXAMPLES: &str = "\
Prints every frame that answers the message, one a line. Exit code 0 for an answer, 1 for a refusal, 2 where the gateway was
not reached or did not let us in.

Example (against guestlist serve --demo):
  guestlist call --token 90091784056528980:0:DemoBotTokenForLocalUseOnly001 \\
    '{\"method\":\"addToWhitelist\",\"app_id\":\"90090684293000559\",\"signups\":[\"name@example.com\"]}'";

#[derive(Debug, thiserror::Error)]
enum CallError {
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
#[derive(Deserialize)]
struct Head {
    method: Option<String>,
    error: Option<serde_json::Value>,
}

impl Head {
    fn is(&self, method: &str) -> bool {
        self.method.as_deref() == Some(method)
    }
}

impl Call {
    pub fn run(self) -> ExitCode {
        let runtime = match super::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return super::failed(error),
        };
        match runtime.block_on(self.call()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => super::failed(error),
        }
    }

    /// Says whether the message was accepted.
    async fn call(&self) -> Result<bool, CallError> {
        let tls = super::connector(&self.url, self.ca.as_deref())?;
        let connecting = connect_async_tls_with_config(&self.url, None, true, tls);
        let connected = timeout(Duration::from_secs(self.wait), connecting).await;
        let connected = connected.map_err(|_| CallError::Silent(self.wait))?;
        let (mut socket, _) = connected.map_err(|error| CallError::Connect(self.url.clone(), Box::new(error)))?;
        let sign_in = serde_json::json!({ "method": "TOKEN_AUTH", "token": self.token, "rem": true });
        send(&mut socket, sign_in.to_string()).await?;
        let welcome = self.receive(&mut socket).await?;
        if !head(&welcome).is("TOKEN_AUTH_OK") {
            return Err(CallError::NotIn(welcome));
        }
        send(&mut socket, self.message.clone()).await?;
        // Answers come in order, so the answer to a PING marks the end of those before it, however many frames they took.
        send(&mut socket, r#"{"method":"PING"}"#.to_owned()).await?;
        let mut accepted = true;
        let asks_for_pong = serde_json::from_str::<Head>(&self.message).is_ok_and(|head| head.is("PING"));
        let mut pongs = if asks_for_pong { 2 } else { 1 };
        loop {
            let frame = self.receive(&mut socket).await?;
            let head = head(&frame);
            pongs -= i32::from(head.is("PONG"));
            if pongs == 0 {
                socket.close(None).await.ok();
                return Ok(accepted);
            }
            accepted &= head.error.is_none();
            println!("{frame}");
        }
    }

    async fn receive(&self, socket: &mut Socket) -> Result<Utf8Bytes, CallError> {
        let frame = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text),
                    Some(Ok(Message::Close(Some(close)))) => {
                        return Err(CallError::Closed(format!(" with {}: {}", close.code, close.reason)));
                    }
                    Some(Ok(Message::Close(None))) | None => return Err(CallError::Closed(String::new())),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(CallError::Broken(Box::new(error))),
                }
            }
        };
        timeout(Duration::from_secs(self.wait), frame).await.map_err(|_| CallError::Silent(self.wait))?
    }
}

async fn send(socket: &mut Socket, text: String) -> Result<(), CallError> {
    socket.send(Message::text(text)).await.map_err(|error| CallError::Broken(Box::new(error)))
}

fn head(frame: &Utf8Bytes) -> Head {
    serde_json::from_str(frame).unwrap_or(Head { method: None, error: None })
}

//! One client connection of a replay. No wait on it is longer than the one it was opened with.

use std::io;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::exchange::{Close, Frame};
use super::failure::Fault;
use super::json::Json;

const PING: &str = r#"{"method":"PING"}"#;
const PONG: &str = r#"{"method":"PONG"}"#;
/// Only after this answer does a gateway answer [`PING`].
const AUTHENTICATED: &str = "TOKEN_AUTH_OK";

/// The codes RFC 6455 sets aside for what a close frame cannot say.
const CODE_ABSENT: u16 = 1005;
pub(super) const CODE_NO_FRAME: u16 = 1006;
const CODE_NORMAL: u16 = 1000;

pub(super) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    wait: Duration,
    authenticated: bool,
}

impl Connection {
    pub(super) async fn open(url: &str, wait: Duration) -> Result<Connection, Fault> {
        let no_delay = true;
        let connecting = connect_async_with_config(url, None, no_delay);
        match timeout(wait, connecting).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok((socket, _)) => Ok(Connection { socket, wait, authenticated: false }),
            Err(source) => Err(Fault::Connect { url: url.to_owned(), source: Box::new(source) }),
        }
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Fault> {
        let sent = timeout(self.wait, self.socket.send(message)).await;
        sent.unwrap_or_else(|_| Err(timed_out())).map_err(|error| Fault::Send(Box::new(error)))
    }

    /// The next frame; `None` if there is none in time.
    pub(super) async fn receive(&mut self) -> Result<Option<Frame>, Fault> {
        let Ok(frame) = timeout(self.wait, next_frame(&mut self.socket)).await else {
            return Ok(None);
        };
        let frame = frame?;
        self.authenticated = self.authenticated || frame.method().as_deref() == Some(AUTHENTICATED);
        Ok(Some(frame))
    }

    /// Closes and waits for the gateway to follow. A frame that still was on its way is a fault, and so is a close
    /// that the gateway decided on by itself.
    pub(super) async fn close(&mut self, code: u16) -> Result<(), Fault> {
        self.send(close_message(code)).await?;
        match self.receive().await? {
            None => Err(Fault::StillOpen { wait: self.wait }),
            Some(Frame::Close(close)) if [code, CODE_ABSENT, CODE_NO_FRAME].contains(&close.code) => Ok(()),
            Some(Frame::Close(close)) => Err(Fault::Closed(close)),
            Some(actual) => Err(Fault::Extra { actual }),
        }
    }

    /// Finds frames no line expects: replies keep the order of their requests, so the answer to one more request
    /// must be the very next frame. Before authentication there is no such request; there the close does it.
    pub(super) async fn must_be_quiet(&mut self) -> Result<(), Fault> {
        if !self.authenticated {
            return self.close(CODE_NORMAL).await;
        }
        self.send(Message::text(PING)).await?;
        match self.receive().await? {
            None => Err(Fault::NoPong { wait: self.wait }),
            Some(Frame::Close(close)) => Err(Fault::Closed(close)),
            Some(Frame::Text(text)) if same_json(&text, PONG) => Ok(()),
            Some(actual) => Err(Fault::Extra { actual }),
        }
    }

    /// Ends the connection; what still arrives has no one to judge it, not even a failure.
    pub(super) async fn leave(mut self) {
        if self.send(close_message(CODE_NORMAL)).await.is_err() {
            return;
        }
        let closed = async { while let Ok(Frame::Text(_) | Frame::Binary(_)) = next_frame(&mut self.socket).await {} };
        // A gateway that does not follow the close is left behind.
        timeout(self.wait, closed).await.unwrap_or_default();
    }
}

async fn next_frame(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<Frame, Fault> {
    loop {
        return Ok(match socket.next().await {
            Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes.to_vec()),
            Some(Ok(Message::Close(close))) => {
                // Sends our half of the closing handshake; if the gateway is gone already, nothing is lost.
                socket.flush().await.unwrap_or_default();
                closed(close)
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Err(error)) if !is_end(&error) => return Err(Fault::Receive(Box::new(error))),
            Some(Err(_)) | None => Frame::Close(Close { code: CODE_NO_FRAME, reason: String::new() }),
        });
    }
}

fn closed(close: Option<CloseFrame>) -> Frame {
    Frame::Close(match close {
        Some(close) => Close { code: close.code.into(), reason: close.reason.as_str().to_owned() },
        None => Close { code: CODE_ABSENT, reason: String::new() },
    })
}

fn close_message(code: u16) -> Message {
    let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::default() };
    Message::Close((code != CODE_ABSENT).then_some(frame))
}

/// Whether the error only says that the connection is over.
fn is_end(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => true,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => true,
        Error::Io(error) => matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof),
        _ => false,
    }
}

fn timed_out() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the gateway did not respond in time"))
}

fn same_json(text: &str, expected: &str) -> bool {
    matches!((Json::parse(text), Json::parse(expected)), (Ok(actual), Ok(expected)) if actual == expected)
}

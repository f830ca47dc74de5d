//! The server that gets a client's frames where no transcript has them.

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::super::exchange::Frame;
use super::heard::Heard;

/// The frame that signs in; it is repeated to the server, whose answer the client has had from a transcript.
const SIGN_IN: &str = "TOKEN_AUTH";

const SIGNED_IN: &str = "TOKEN_AUTH_OK";

/// One client's connection to the server, if it has needed one.
pub(super) struct Spy {
    url: String,
    sign_in: Option<String>,
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
}

impl Spy {
    pub(super) fn new(url: String) -> Self {
        Spy { url, sign_in: None, socket: None }
    }

    /// Keeps how the client signed in.
    pub(super) fn remember(&mut self, heard: &Heard) {
        if heard.method() == Some(SIGN_IN) {
            self.sign_in = heard.text().map(str::to_owned);
        }
    }

    /// Passes a frame on. If the server does not let the client in, it is not asked; what it said instead comes back.
    pub(super) async fn send(&mut self, heard: &Heard) -> Result<Option<Message>, Error> {
        let message = match &heard.frame {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::binary(bytes.clone()),
            Frame::Close(_) | Frame::Request(_) | Frame::Response(_) => return Ok(None),
        };
        if self.socket.is_none() {
            let (mut socket, _) = connect_async(&self.url).await?;
            let signs_in = heard.method() == Some(SIGN_IN);
            if let Some(sign_in) = self.sign_in.as_ref().filter(|_| !signs_in) {
                socket.send(Message::text(sign_in)).await?;
                let answer = socket.next().await.ok_or(Error::ConnectionClosed)??;
                if !is_welcome(&answer) {
                    return Ok(Some(answer));
                }
            }
            self.socket = Some(socket);
        }
        self.socket.as_mut().expect("it was opened above").send(message).await.map(|()| None)
    }

    /// What the server sends next; waits for ever where there is no connection to it.
    pub(super) async fn next(&mut self) -> Message {
        loop {
            let Some(socket) = &mut self.socket else { return std::future::pending().await };
            match socket.next().await {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return message,
                Some(Ok(message @ Message::Close(_))) => {
                    self.socket = None;
                    return message;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => self.socket = None,
            }
        }
    }
}

fn is_welcome(answer: &Message) -> bool {
    answer.to_text().is_ok_and(|text| Heard::new(Frame::Text(text.to_owned())).method() == Some(SIGNED_IN))
}

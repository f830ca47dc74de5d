//! One client connection of a replay. No wait on it is longer than the one it was opened with.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt, Sink, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::http::{Response, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::came::Came;
use super::exchange::{CODE_ABSENT, CODE_NO_FRAME, Close, Frame};
use super::failure::Fault;
use crate::config::{TRANSCRIPT_FRAMES_ARRIVED_MAX, TRANSCRIPT_GATHER_WAIT};

/// Answered by [`PONG`] once a client has signed in, after everything asked before.
const PING: &str = r#"{"method":"PING"}"#;
const PONG: &str = r#"{"method":"PONG"}"#;
/// Only after this answer does a gateway answer [`PING`].
const AUTHENTICATED: &str = "TOKEN_AUTH_OK";
/// What a gateway of this kind begins with when it says who it is.
const OURS: &str = "guestlist/";

const CODE_NORMAL: u16 = 1000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Connection {
    socket: Socket,
    wait: Duration,
    /// Frames that were read and are not judged yet.
    pub(super) arrived: VecDeque<Came>,
    /// Whether its end was read.
    over: bool,
    /// Pings that were sent and whose answers were not read yet.
    pings: usize,
    /// Whether the client has signed in.
    pub(super) authenticated: bool,
    /// Whether the gateway is one of this kind.
    pub(super) is_ours: bool,
}

impl Connection {
    pub(super) async fn open(url: &str, wait: Duration) -> Result<Connection, Fault> {
        let no_delay = true;
        let connecting = connect_async_with_config(url, None, no_delay);
        match timeout(wait, connecting).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok((socket, response)) => {
                let is_ours = is_ours(&response);
                let arrived = VecDeque::new();
                Ok(Connection { socket, wait, arrived, over: false, pings: 0, authenticated: false, is_ours })
            }
            Err(source) => Err(Fault::Connect { url: url.to_owned(), source: Box::new(source) }),
        }
    }

    /// The answer to a ping, as it would come.
    pub(super) fn pong() -> Came {
        Came::new(Frame::Text(PONG.to_owned()))
    }

    /// Hands over a frame, to be sent by the next [`Self::flush`] at the latest.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), Fault> {
        self.write(|socket, context| socket.poll_ready(context)).await?;
        // Before a client has signed in a ping is refused, and not answered.
        self.pings += usize::from(self.authenticated && is_ping(&message));
        Pin::new(&mut self.socket).start_send(message).map_err(unsent)
    }

    /// Sends what was handed over.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        self.write(|socket, context| socket.poll_flush(context)).await
    }

    /// The next frame; `None` if there is none in time. What was handed over is sent before it is waited for.
    pub(super) async fn next(&mut self, deadline: Instant) -> Result<Option<Came>, Fault> {
        let came = match self.arrived.pop_front() {
            Some(came) => came,
            None => match self.read(deadline).await? {
                Some(came) => came,
                None => return Ok(None),
            },
        };
        // Most frames are none of this; to look for the word first spares reading them.
        if !self.authenticated && matches!(&came.frame, Frame::Text(text) if text.contains(AUTHENTICATED)) {
            self.authenticated = came.frame.method().as_deref() == Some(AUTHENTICATED);
        }
        Ok(Some(came))
    }

    /// Reads whatever comes, so that pings are answered while there is nothing else to do; never ends.
    pub(super) async fn idle(&mut self) -> Infallible {
        while !self.over && self.arrived.len() < TRANSCRIPT_FRAMES_ARRIVED_MAX {
            match next_frame(&mut self.socket).await {
                Ok(frame) => {
                    let came = self.came(frame);
                    self.arrived.push_back(came);
                }
                Err(_) => self.over = true,
            }
        }
        std::future::pending().await
    }

    /// Reads on, to see what a frame that was not expected has to do with those after it: until nothing more can come, at
    /// most `frames` are there, or the time is over.
    ///
    /// Answers keep the order of their requests. So that of one more request tells that nothing more is under way, where
    /// there is such a request, and no other answer is like it: none that is under way, and none that a line waits for
    /// (`is_pong_expected`).
    pub(super) async fn gather(&mut self, frames: usize, is_pong_expected: bool, deadline: Instant) {
        let is_like_others = is_pong_expected || self.pings > 0 || self.arrived.iter().any(is_pong);
        let fenced = self.authenticated && !is_like_others && self.feed(Message::text(PING)).await.is_ok();
        let mut read = std::mem::take(&mut self.arrived);
        let frames = if fenced { TRANSCRIPT_FRAMES_ARRIVED_MAX } else { frames };
        while read.len() < frames && !matches!(read.back(), Some(Came { frame: Frame::Close(_), .. })) {
            if fenced && read.back().is_some_and(is_pong) {
                read.pop_back();
                break;
            }
            match self.next(deadline).await {
                Ok(Some(came)) => read.push_back(came),
                Ok(None) | Err(_) => break,
            }
        }
        read.append(&mut self.arrived);
        self.arrived = read;
    }

    /// Closes and waits for the gateway to follow. A frame that still was on its way is a fault, and so is a close
    /// that the gateway decided on by itself.
    pub(super) async fn close(&mut self, code: u16) -> Result<(), Fault> {
        self.last_words(close_message(code)).await?;
        self.follow(code, Instant::now() + self.wait).await
    }

    async fn follow(&mut self, code: u16, deadline: Instant) -> Result<(), Fault> {
        match self.next(deadline).await?.map(|came| came.frame) {
            None => Err(Fault::StillOpen { wait: self.wait }),
            Some(Frame::Close(close)) if [code, CODE_ABSENT, CODE_NO_FRAME].contains(&close.code) => Ok(()),
            Some(Frame::Close(close)) => Err(Fault::Closed(close)),
            Some(actual) => Err(Fault::Extra { actual, before: false }),
        }
    }

    /// The same, but frames that still were on their way are passed over.
    pub(super) async fn close_past_frames(&mut self, code: u16) -> Result<(), Fault> {
        let deadline = Instant::now() + self.wait;
        let mut closed = self.close(code).await;
        while let Err(Fault::Extra { .. }) = closed {
            closed = self.follow(code, deadline).await;
        }
        closed
    }

    /// Finds frames no line expects: replies keep the order of their requests, so the answer to one more request
    /// must be the very next frame. Before authentication there is no such request; there the close does it.
    pub(super) async fn must_be_quiet(&mut self) -> Result<(), Fault> {
        if !self.authenticated {
            return self.close(CODE_NORMAL).await;
        }
        self.last_words(Message::text(PING)).await?;
        match self.next(Instant::now() + self.wait).await? {
            None => Err(Fault::NoPong { wait: self.wait }),
            Some(came) if is_pong(&came) => Ok(()),
            Some(Came { frame: Frame::Close(close), .. }) => Err(Fault::Closed(close)),
            Some(came) => Err(Fault::Extra { actual: came.frame, before: false }),
        }
    }

    /// Why a frame could not be sent: the gateway may have ended the connection, and said why.
    pub(super) async fn unsent(&mut self, fault: Fault) -> Fault {
        match self.next(Instant::now() + TRANSCRIPT_GATHER_WAIT.min(self.wait)).await {
            Ok(Some(Came { frame: Frame::Close(close), .. })) => Fault::Closed(close),
            _ => fault,
        }
    }

    /// Sends a frame, unless the gateway has ended the connection: then that is what is read next.
    async fn last_words(&mut self, message: Message) -> Result<(), Fault> {
        if self.over { Ok(()) } else { self.feed(message).await }
    }

    /// Ends the connection; what still arrives has no one to judge it, not even a failure.
    pub(super) async fn leave(mut self) {
        let deadline = Instant::now() + self.wait;
        self.arrived.clear();
        if self.over || self.feed(close_message(CODE_NORMAL)).await.is_err() {
            return;
        }
        // A gateway that does not follow the close is left behind.
        while let Ok(Some(Came { frame: Frame::Text(_) | Frame::Binary(_), .. })) = self.next(deadline).await {}
    }

    /// Waits until the socket takes what is written. What comes meanwhile is read: a gateway that waits for us to read takes
    /// nothing more.
    async fn write(
        &mut self,
        mut poll: impl FnMut(Pin<&mut Socket>, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Result<(), Fault> {
        let wait = self.wait;
        let writing = poll_fn(|context| {
            if let Poll::Ready(written) = poll(Pin::new(&mut self.socket), context) {
                return Poll::Ready(written);
            }
            while !self.over && self.arrived.len() < TRANSCRIPT_FRAMES_ARRIVED_MAX {
                let read = std::pin::pin!(next_frame(&mut self.socket)).poll(context);
                match read {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(frame)) => {
                        let came = self.came(frame);
                        self.arrived.push_back(came);
                    }
                    Poll::Ready(Err(_)) => self.over = true,
                }
            }
            if self.over { Poll::Ready(Err(Error::ConnectionClosed)) } else { Poll::Pending }
        });
        timeout(wait, writing).await.unwrap_or_else(|_| Err(timed_out())).map_err(unsent)
    }

    /// A gateway that never stops sending does not make the time longer.
    async fn read(&mut self, deadline: Instant) -> Result<Option<Came>, Fault> {
        if Instant::now() > deadline {
            return Ok(None);
        }
        let frame = match next_frame(&mut self.socket).now_or_never() {
            Some(frame) => frame?,
            None => {
                self.flush().await?;
                // It may have come while that was written.
                if let Some(came) = self.arrived.pop_front() {
                    return Ok(Some(came));
                }
                match timeout_at(deadline, next_frame(&mut self.socket)).await {
                    Ok(frame) => frame?,
                    Err(_) => return Ok(None),
                }
            }
        };
        Ok(Some(self.came(frame)))
    }

    /// Takes note of a frame that was read.
    fn came(&mut self, frame: Frame) -> Came {
        self.over = matches!(frame, Frame::Close(_));
        let came = Came::new(frame);
        if self.pings > 0 && is_pong(&came) {
            self.pings -= 1;
        }
        came
    }
}

async fn next_frame(socket: &mut Socket) -> Result<Frame, Fault> {
    loop {
        return Ok(match socket.next().await {
            Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes.to_vec()),
            Some(Ok(Message::Close(close))) => {
                // Sends our half of the closing handshake; if the gateway is gone already, nothing is lost.
                poll_fn(|context| Pin::new(&mut *socket).poll_flush(context)).now_or_never();
                closed(close)
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Err(error)) if !is_end(&error) => return Err(Fault::Receive(Box::new(error))),
            Some(Err(_)) | None => Frame::Close(Close { code: CODE_NO_FRAME, reason: String::new() }),
        });
    }
}

fn is_ours<T>(response: &Response<T>) -> bool {
    response.headers().get(header::SERVER).is_some_and(|server| server.as_bytes().starts_with(OURS.as_bytes()))
}

/// Whether it asks for the answer that tells where others end. To look for the word first spares reading most frames.
fn is_ping(message: &Message) -> bool {
    let Message::Text(text) = message else { return false };
    text.contains("PING") && Frame::Text(text.as_str().to_owned()).method().as_deref() == Some("PING")
}

/// Whether it is the answer to a ping, however it is spaced.
fn is_pong(came: &Came) -> bool {
    came.frame.method().as_deref() == Some("PONG") && came.is_json(PONG)
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

fn unsent(error: Error) -> Fault {
    Fault::Send(Box::new(error))
}

fn timed_out() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the gateway did not respond in time"))
}

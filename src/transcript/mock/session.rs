//! One client's connection to the mock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::super::exchange::{CODE_ABSENT, CODE_NO_FRAME, Frame};
use super::Shared;
use super::heard::Heard;
use super::player::{Doing, Due, Player};
use super::script::not_utf8;
use super::spy::Spy;
use super::unknown::Unknown;
use crate::config::{MOCK_ACCEPT_PAUSE, MOCK_CLOSE_WAIT, MOCK_HANDSHAKE_WAIT, MOCK_STOP_WAIT};

/// Serves clients until told to stop.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, shared.clone(), stop.clone()))),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted; accepting pauses");
                tokio::time::sleep(MOCK_ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    stream.set_nodelay(true).ok();
    let socket = match timeout(MOCK_HANDSHAKE_WAIT, accept_async(stream)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return tracing::debug!(%error, "somebody who does not speak WebSocket"),
        Err(_) => return,
    };
    let client = shared.clients.fetch_add(1, Ordering::AcqRel) + 1;
    let spy = shared.options.spy.clone().map(Spy::new);
    let player = Player::new(shared.clone());
    let mut session =
        Session { client, socket, player, spy, shared: shared.clone(), pushes: BTreeMap::new(), count: 0 };
    let told = stop.clone();
    let stopped = async {
        stop.changed().await.ok();
        tokio::time::sleep(MOCK_STOP_WAIT).await;
    };
    // However it ends, it is over; a client that is gone has no one to be told.
    tokio::select! {
        _ = session.converse(told) => {}
        () = stopped => {}
    }
    shared.ended.send_modify(|ended| *ended += 1);
}

struct Session {
    client: usize,
    socket: WebSocketStream<TcpStream>,
    player: Player,
    spy: Option<Spy>,
    shared: Arc<Shared>,
    /// What is to come by itself, in its order.
    pushes: BTreeMap<(Instant, usize), Doing>,
    count: usize,
}

/// What happened.
enum Event {
    Heard(Frame),
    Push,
    Spied(Message),
    Gone,
    Stop,
}

impl Session {
    async fn converse(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        loop {
            match self.event(&mut stop).await {
                Event::Heard(frame) => {
                    if self.heard(Heard::new(frame)).await? {
                        return Ok(());
                    }
                }
                Event::Push => {
                    let (_, push) = self.pushes.pop_first().expect("one was due");
                    if self.act(push).await? {
                        return Ok(());
                    }
                }
                Event::Spied(Message::Close(close)) => return self.close(close).await,
                Event::Spied(message) => self.socket.send(message).await?,
                Event::Gone => return Ok(()),
                Event::Stop => {
                    let close = CloseFrame { code: CloseCode::Away, reason: "the mock stops".into() };
                    return self.close(Some(close)).await;
                }
            }
        }
    }

    async fn event(&mut self, stop: &mut watch::Receiver<bool>) -> Event {
        let due = self.pushes.first_key_value().map(|((at, _), _)| *at);
        let push = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let spied = async {
            match &mut self.spy {
                Some(spy) => spy.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = next(&mut self.socket) => event,
            () = push => Event::Push,
            message = spied => Event::Spied(message),
            _ = stop.changed() => Event::Stop,
        }
    }

    /// Says whether the connection is over.
    async fn heard(&mut self, heard: Heard) -> Result<bool, Error> {
        if let Some(spy) = &mut self.spy {
            spy.remember(&heard);
        }
        if let Some(dues) = self.player.play(&heard) {
            for Due { after, what } in dues {
                if after.is_zero() {
                    if self.act(what).await? {
                        return Ok(true);
                    }
                } else {
                    self.count += 1;
                    self.pushes.insert((Instant::now() + after, self.count), what);
                }
            }
            return Ok(false);
        }
        let unknown = Unknown::new(self.client, &heard, &self.shared.script);
        if let Some(spy) = &mut self.spy {
            match spy.send(&heard).await {
                Ok(None) => return Ok(false),
                Ok(Some(refused)) => return self.socket.send(refused).await.map(|()| false),
                Err(error) => tracing::warn!(%error, "the server spied upon did not take a frame"),
            }
        }
        self.shared.refuse(&unknown);
        self.socket.send(Message::text(unknown.refusal(&heard))).await?;
        Ok(false)
    }

    async fn act(&mut self, what: Doing) -> Result<bool, Error> {
        match what {
            Doing::Text(text) => self.socket.send(Message::text(text)).await.map(|()| false),
            Doing::Close(CODE_NO_FRAME, _) => Ok(true),
            Doing::Close(CODE_ABSENT, _) => self.close(None).await.map(|()| true),
            Doing::Close(code, reason) => {
                self.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await.map(|()| true)
            }
        }
    }

    async fn close(&mut self, close: Option<CloseFrame>) -> Result<(), Error> {
        self.socket.close(close).await?;
        let closed = async { while let Some(Ok(_)) = self.socket.next().await {} };
        timeout(MOCK_CLOSE_WAIT, closed).await.unwrap_or_default();
        Ok(())
    }
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Event {
    loop {
        return match socket.next().await {
            Some(Ok(Message::Text(text))) => Event::Heard(Frame::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(bytes))) => Event::Heard(Frame::Binary(bytes.to_vec())),
            Some(Ok(Message::Close(_))) => {
                // Our half of the closing.
                socket.flush().await.ok();
                Event::Gone
            }
            Some(Ok(_)) => continue,
            Some(Err(Error::Utf8(_))) => Event::Heard(not_utf8(&[])),
            Some(Err(_)) | None => Event::Gone,
        };
    }
}

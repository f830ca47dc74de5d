//! This is where one connection lives: frames in, answers out in the order of their requests, and the end.
//!
//! What has arrived is read until nothing more is there, changes go to the engine together, and what is ready leaves with one
//! flush. A request sees the changes before it: one whose answer depends on the state waits until those in flight are made.

mod farewell;
mod meter;
mod pipeline;
mod requests;
mod sign_in;

use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use crate::access::Identity;
use crate::counts::Asked;
use crate::event::Subscriptions;
use crate::hub::{Occupant, Seat, Source};
use crate::shared::Shared;
use crate::state::moment::Moment;
use crate::traces;
use crate::traffic::{Frame, Lately, Watch, What};
use crate::wire::close::Close;
use crate::wire::envelope::Reference;
use crate::wire::error::{Code, Error};
pub use meter::Metered;
use pipeline::Pipeline;
pub use sign_in::{Known, TokenAuth};

/// Frames after which it is looked whether a turn has taken long, where none of them is heavy.
const FRAMES_PER_LOOK: usize = 16;

/// A connection whose client has signed in.
struct Session<S> {
    socket: WebSocketStream<S>,
    shared: Arc<Shared>,
    seat: Seat,
    address: IpAddr,
    identity: Identity,
    pipeline: Pipeline,
    subscriptions: Subscriptions,
    /// What it is told of what passes over other connections, if it watches. Few do, and for others it takes no room.
    watch: Option<Box<Watch>>,
    outbox: Vec<Utf8Bytes>,
    outbox_bytes: usize,
    /// Requests that may be taken before it is looked again whether there are too many.
    credit: u32,
    /// A pong waits inside the socket to be flushed.
    owes_pong: bool,
    /// The client is quiet and is to be pinged.
    owes_ping: bool,
    last_reference: Option<u64>,
    last_heard: Instant,
}

/// Why a session's loop ended.
enum End {
    /// The client left, or its connection broke.
    Gone,
    /// The gateway ends it.
    Close(Close),
}

/// Serves a connection from a network address, from its first frame to its end; one that is known need not sign in.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<Metered<S>>,
    address: IpAddr,
    shared: Arc<Shared>,
    known: Option<Known>,
) {
    let traced = traces::connection();
    let mut seat = shared.hub.join(Source { address, since_ms: shared.clock.now_ms() });
    let identity = match sign_in::sign_in(&mut socket, &shared, &mut seat, address, known).await {
        Ok(identity) => identity,
        Err(end) => {
            let close = match end {
                End::Close(close) => close,
                End::Gone if socket.get_ref().is_spent() => Close::TooBig,
                End::Gone => {
                    traces::note_end(&traced, Occupant::Stranger, None);
                    return farewell::hang_up(socket, &shared).await;
                }
            };
            traces::note_end(&traced, Occupant::Stranger, Some(close));
            tracing::info!(%address, code = close.code(), reason = close.reason(), "a client was not let in");
            socket.get_mut().lift();
            return farewell::close(socket, close, &shared).await;
        }
    };
    socket.get_mut().lift();
    tracing::debug!(caller = %identity.caller, "a client signed in");
    let since = Instant::now();
    let mut session = Session {
        pipeline: Pipeline::new(identity.caller),
        socket,
        seat,
        address,
        identity,
        subscriptions: Subscriptions::default(),
        watch: None,
        outbox: Vec::new(),
        outbox_bytes: 0,
        credit: 0,
        owes_pong: false,
        owes_ping: false,
        last_reference: None,
        last_heard: Instant::now(),
        shared,
    };
    session.show(|| What::Opened);
    let end = match AssertUnwindSafe(session.run()).catch_unwind().await {
        Ok(end) => end,
        // The panic itself is reported by the panic hook; of this connection nothing is kept but the socket.
        Err(_) => session.fail().await,
    };
    session.show(|| What::Closed);
    if let Some(reference) = session.last_reference {
        session.seat.note_reference(session.identity.caller, reference);
    }
    let close = match &end {
        End::Gone => None,
        End::Close(close) => Some(*close),
    };
    traces::note_end(&traced, Occupant::Caller(session.identity.caller), close);
    let (code, reason) = (close.map(Close::code), close.map_or("the client left", Close::reason));
    let seconds = since.elapsed().as_secs();
    tracing::info!(caller = %session.identity.caller, %address, seconds, code, reason, "a connection ended");
    let Session { socket, shared, seat, .. } = session;
    match end {
        End::Gone => {
            drop(seat);
            farewell::hang_up(socket, &shared).await;
        }
        End::Close(close) => {
            farewell::close(socket, close, &shared).await;
            // Only when the farewell is said, so that a stop waits for it.
            drop(seat);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    async fn run(&mut self) -> End {
        let every = self.shared.limits.ping_interval;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reading = self.may_read();
            let ended = tokio::select! {
                biased;
                // First, so that what is prepared just now is not handed over for a token that was revoked.
                close = &mut self.seat.closing => Some(End::Close(close.unwrap_or(Close::Stopping))),
                // Sent off below, so that there is room for more.
                () = std::future::ready(()), if self.pipeline.is_settling() => {
                    self.settle();
                    None
                }
                progress = self.pipeline.progress(), if self.pipeline.is_pending() => {
                    self.take_progress(progress);
                    None
                }
                // Seldom ready twice in a row, so that it leaves room for the others.
                progress = self.subscriptions.progress(), if !self.subscriptions.is_empty() => {
                    self.push(progress);
                    None
                }
                lately = lately(&mut self.watch), if self.watch.is_some() => {
                    self.push_traffic(&lately);
                    None
                }
                frame = self.socket.next(), if reading => self.take_ready(frame),
                _ = ping.tick() => self.on_tick(),
            };
            self.submit().await;
            match ended {
                None => {
                    if let Err(end) = self.send().await {
                        return end;
                    }
                }
                Some(End::Gone) => return End::Gone,
                Some(End::Close(close)) => return self.finish(close).await,
            }
        }
    }

    /// Answers what is under way before the connection is closed; for a revoked token nothing more is handed over.
    async fn finish(&mut self, close: Close) -> End {
        if close == Close::Revoked {
            self.pipeline.give_up_what_waits();
        }
        let patience = self.shared.limits.close_wait;
        let settled = timeout(patience, async {
            while self.pipeline.is_busy() {
                if self.pipeline.is_settling() {
                    self.settle();
                } else {
                    let progress = self.pipeline.progress().await;
                    self.take_progress(progress);
                }
                self.submit().await;
                self.send().await?;
            }
            Ok(())
        });
        match settled.await {
            Ok(Ok(())) => {}
            Ok(Err(end)) => return end,
            // Whoever waits longer than that learns of it by the close; an answer after those cut off would tell a wrong story.
            Err(_) => return End::Close(close),
        }
        if close == Close::Revoked {
            let error =
                Error::new(Code::NotAuthenticated, "the token is no longer valid; an administrator has the new one");
            self.refuse(&error, Asked::Unknown(None), &Reference::default());
        }
        match self.send().await {
            Ok(()) => End::Close(close),
            Err(end) => end,
        }
    }

    /// Says that the gateway failed; what was under way is not answered any more.
    async fn fail(&mut self) -> End {
        tracing::error!(caller = %self.identity.caller, "a connection is closed, for the gateway failed over its message");
        let error =
            Error::new(Code::Unexpected, "the gateway failed over a message; look what stands before you repeat it");
        self.pipeline = Pipeline::new(self.identity.caller);
        self.outbox.clear();
        self.refuse(&error, Asked::Unknown(None), &Reference::default());
        match self.send().await {
            Ok(()) => End::Close(Close::Failed),
            Err(end) => end,
        }
    }

    fn may_read(&self) -> bool {
        self.pipeline.has_room(&self.shared.limits) && self.outbox_bytes < self.shared.limits.outbox_bytes_max
    }

    /// Takes a frame and all others that have arrived.
    fn take_ready(&mut self, first: Option<tungstenite::Result<Message>>) -> Option<End> {
        self.last_heard = Instant::now();
        if self.is_over() {
            return Some(End::Close(Close::Revoked));
        }
        let before = self.outbox.len();
        let end = self.take_all(first);
        let seconds = self.last_heard.elapsed().as_secs_f64();
        self.shared.counts.turns.add(seconds);
        if self.outbox.len() > before {
            self.shared.counts.waits.add(seconds);
        }
        end
    }

    fn take_all(&mut self, first: Option<tungstenite::Result<Message>>) -> Option<End> {
        let (mut next, mut taken) = (first, 0);
        loop {
            let Some(Ok(message)) = next else { return Some(end_of(next)) };
            // Whoever was shut out meanwhile may have sent this after that was told.
            if let Ok(close) = self.seat.closing.try_recv() {
                return Some(End::Close(close));
            }
            let is_heavy = message.len() > self.shared.limits.heavy_frame_bytes;
            self.take(message);
            taken += 1;
            if taken == self.shared.limits.frames_per_turn_max || !self.may_read() {
                return None;
            }
            // The clock is not read for every frame.
            if (is_heavy || taken % FRAMES_PER_LOOK == 0) && self.last_heard.elapsed() > self.shared.limits.turn_wait {
                return None;
            }
            next = self.socket.next().now_or_never()?;
        }
    }

    async fn submit(&mut self) {
        if let Some(submission) = self.pipeline.take_gathered() {
            let outcomes = self.shared.engine.submit(submission).await;
            self.pipeline.await_outcomes(outcomes);
        }
    }

    /// Sends what is ready, with one flush.
    async fn send(&mut self) -> Result<(), End> {
        let (pong, ping) = (std::mem::take(&mut self.owes_pong), std::mem::take(&mut self.owes_ping));
        if self.outbox.is_empty() && !pong && !ping {
            return Ok(());
        }
        if self.shared.traffic.is_watched() {
            self.outbox.iter().for_each(|frame| self.show(|| What::Out(Frame::of(frame))));
        }
        self.outbox_bytes = 0;
        let patience = self.shared.limits.write_wait;
        let ping = ping.then(|| Message::Ping(Bytes::new()));
        for message in ping.into_iter().chain(self.outbox.drain(..).map(Message::Text)) {
            // The bound is on progress, not on the whole: who reads much slowly still reads.
            soon(patience, poll_fn(|context| self.socket.poll_ready_unpin(context))).await?;
            self.socket.start_send_unpin(message).map_err(|_| End::Gone)?;
        }
        soon(patience, self.socket.flush()).await
    }

    /// Whether the client's token has ended by itself.
    fn is_over(&self) -> bool {
        self.identity.expires_at.is_some_and(|end| end <= Moment::of_ms(self.shared.clock.now_ms()))
    }

    /// Pings a quiet client, and gives up one that has been silent for too long.
    fn on_tick(&mut self) -> Option<End> {
        let silent = self.last_heard.elapsed();
        // What is not read because of us is not the client's silence.
        if silent > self.shared.limits.idle_wait && self.may_read() {
            return Some(End::Close(Close::Idle));
        }
        if self.is_over() {
            return Some(End::Close(Close::Revoked));
        }
        self.owes_ping = silent >= self.shared.limits.ping_interval;
        None
    }
}

/// Waits for what passes, for one who watches.
async fn lately(watch: &mut Option<Box<Watch>>) -> Lately {
    match watch {
        // On the heap: those who do not watch would have it in their task all the same.
        Some(watch) => Box::pin(watch.lately()).await,
        None => std::future::pending().await,
    }
}

/// Waits for a socket to take what it is given; where it does so at once, no timer is set.
async fn soon(patience: Duration, taken: impl Future<Output = tungstenite::Result<()>>) -> Result<(), End> {
    let mut taken = pin!(taken);
    let taken = match taken.as_mut().now_or_never() {
        Some(taken) => taken,
        None => timeout(patience, taken).await.map_err(|_| End::Close(Close::SlowReader))?,
    };
    taken.map_err(|_| End::Gone)
}

/// What the end of a socket's stream means.
fn end_of(end: Option<tungstenite::Result<Message>>) -> End {
    use tungstenite::Error;
    use tungstenite::error::ProtocolError;
    match end {
        Some(Err(Error::Utf8(_))) => End::Close(Close::NotUtf8),
        Some(Err(Error::Capacity(_))) => End::Close(Close::TooBig),
        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => End::Gone,
        Some(Err(Error::Protocol(_))) => End::Close(Close::Protocol),
        _ => End::Gone,
    }
}

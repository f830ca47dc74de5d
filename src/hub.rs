//! This is where it is known who is connected, so that an event or a stop reaches the connections it concerns.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::access::Caller;
use crate::crowd::Place;
use crate::event::{Event, Feed};
use crate::state::token::TokenHash;
use crate::wire::close::Close;

/// Steps in which connections are ended over a time, at most.
const CLOSE_STEPS_MAX: u32 = 1_000;

/// Everybody who is connected.
#[derive(Debug, Default)]
pub struct Hub {
    seats: DashMap<u64, Connected>,
    next: AtomicU64,
    last_references: DashMap<Caller, u64>,
    feed: Arc<Feed>,
    left: Notify,
    /// Why everybody has to go, once that is so.
    closed: OnceLock<Close>,
}

/// Who has a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// A client that has not signed in yet.
    Stranger,
    /// A client that has.
    Caller(Caller),
    /// A change that came over HTTP, for as long as it is under way.
    Request,
}

impl Occupant {
    /// Every kind, as metrics call it.
    const KINDS: [&str; 5] = ["bot", "user", "api_key", "signing_in", "request"];

    /// Its kind, one of these.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Caller(Caller::Bot(_)) => "bot",
            Self::Caller(Caller::User(_)) => "user",
            Self::Caller(Caller::ApiKey(_)) => "api_key",
            // The seed has no connection, and nobody signs in as anyone.
            Self::Stranger | Self::Caller(Caller::Seed | Caller::Anyone) => "signing_in",
            Self::Request => "request",
        }
    }
}

#[derive(Debug)]
struct Connected {
    occupant: Occupant,
    source: Option<Source>,
    token: Option<TokenHash>,
    close: Option<oneshot::Sender<Close>>,
}

/// Where a connection comes from, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Its network address.
    pub address: IpAddr,
    /// When it was opened, in milliseconds since 1970.
    pub since_ms: u64,
}

/// A connection, as it is told.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its number.
    pub id: u64,
    /// Who it is of.
    pub occupant: Occupant,
    /// Where it comes from, and since when.
    pub source: Source,
}

/// A connection's place in the hub; it is given up when this value is dropped.
#[derive(Debug)]
pub struct Seat {
    id: u64,
    hub: Arc<Hub>,
    /// Resolves when the connection must end.
    pub closing: oneshot::Receiver<Close>,
    /// What counts it among those with its token.
    pub place: Option<Place<TokenHash>>,
}

impl Hub {
    /// Seats a client that has connected, and not signed in yet.
    pub fn join(self: &Arc<Self>, source: Source) -> Seat {
        self.seat(Occupant::Stranger, Some(source))
    }

    /// Seats a change that came over HTTP, or from within.
    pub fn join_request(self: &Arc<Self>) -> Seat {
        self.seat(Occupant::Request, None)
    }

    /// Seats somebody; one who comes after all have been ended is ended too.
    fn seat(self: &Arc<Self>, occupant: Occupant, source: Option<Source>) -> Seat {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (close, closing) = oneshot::channel();
        self.seats.insert(id, Connected { occupant, source, token: None, close: Some(close) });
        // Asked once seated: an end between the two would find nobody to close.
        if let Some(close) = self.closed.get() {
            self.end(id, *close);
        }
        Seat { id, hub: self.clone(), closing, place: None }
    }

    /// What those who have subscribed are told.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// How many there are of each kind.
    pub fn by_kind(&self) -> BTreeMap<&'static str, i64> {
        let mut counts: BTreeMap<_, _> = Occupant::KINDS.iter().map(|kind| (*kind, 0)).collect();
        self.seats.iter().for_each(|seat| *counts.entry(seat.occupant.kind()).or_default() += 1);
        counts
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The connections behind one, by their numbers; as many as are asked for.
    pub fn connections(&self, after: Option<u64>, max: usize) -> Vec<Told> {
        let told = |seat: dashmap::mapref::multiple::RefMulti<'_, u64, Connected>| {
            let (id, Connected { occupant, source, .. }) = seat.pair();
            Some(Told { id: *id, occupant: *occupant, source: (*source)? })
        };
        let is_behind = |told: &Told| after.is_none_or(|after| told.id > after);
        let mut all: Vec<Told> = self.seats.iter().filter_map(told).filter(is_behind).collect();
        all.sort_unstable_by_key(|told| told.id);
        all.truncate(max);
        all
    }

    /// Ends connections as an administrator wants it; says how many.
    pub fn dismiss(&self, concerns: impl Fn(u64, Occupant) -> bool) -> usize {
        let concerned = self.connections(None, usize::MAX).into_iter().filter(|told| concerns(told.id, told.occupant));
        concerned.map(|told| self.end(told.id, Close::Dismissed)).count()
    }

    /// Lets an event reach whom it concerns.
    pub fn deliver(&self, event: Event) {
        match event {
            Event::TokenRevoked(token) => self.close(Close::Revoked, |seat| seat.token == Some(token)),
        }
    }

    /// Ends all connections, and those still to come.
    pub fn close_all(&self, close: Close) {
        self.closed.get_or_init(|| close);
        self.close(close, |_| true);
    }

    /// The same spread over a time; those that come meanwhile are ended at once.
    pub async fn close_all_within(&self, close: Close, window: Duration) {
        self.closed.get_or_init(|| close);
        let mut waiting: Vec<u64> = self.seats.iter().map(|seat| *seat.key()).collect();
        waiting.sort_unstable();
        let steps = u32::try_from(waiting.len()).unwrap_or(u32::MAX).clamp(1, CLOSE_STEPS_MAX);
        let (each, pause) = (waiting.len().div_ceil(steps as usize).max(1), window / steps);
        for ids in waiting.chunks(each) {
            ids.iter().for_each(|id| self.end(*id, close));
            if timeout(pause, self.emptied()).await.is_ok() {
                break;
            }
        }
        self.close_all(close);
    }

    /// Waits until nobody is connected.
    pub async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.is_empty() {
                return;
            }
            left.await;
        }
    }

    /// The last numeric reference that a caller used in an earlier session; 0 if none.
    pub fn last_reference(&self, caller: Caller) -> u64 {
        self.last_references.get(&caller).map_or(0, |reference| *reference)
    }

    fn close(&self, close: Close, concerns: impl Fn(&Connected) -> bool) {
        let concerned = self.seats.iter().filter(|seat| concerns(seat));
        let mut ids: Vec<u64> = concerned.map(|seat| *seat.key()).collect();
        // In the order they came, so that a simulation sees the same order again.
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.end(id, close));
    }

    fn end(&self, id: u64, close: Close) {
        let sender = self.seats.get_mut(&id).and_then(|mut seat| seat.close.take());
        if let Some(sender) = sender {
            // A connection that is ending by itself no longer listens.
            let _ = sender.send(close);
        }
    }
}

impl Seat {
    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Notes with which token its client came in.
    pub fn occupy(&self, token: TokenHash) {
        if let Some(mut seat) = self.hub.seats.get_mut(&self.id) {
            seat.token = Some(token);
        }
    }

    /// Notes who its client is.
    pub fn introduce(&self, caller: Caller) {
        if let Some(mut seat) = self.hub.seats.get_mut(&self.id) {
            seat.occupant = Occupant::Caller(caller);
        }
    }

    /// Notes the last numeric reference of the caller, for the next session.
    pub fn note_reference(&self, caller: Caller, reference: u64) {
        self.hub.last_references.insert(caller, reference);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.seats.remove(&self.id);
        self.hub.left.notify_waiters();
    }
}

//! This is where it is known who is connected, so that an event or a stop reaches the connections it concerns.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use tokio::sync::{Notify, oneshot};

use crate::access::Caller;
use crate::event::Event;
use crate::state::token::TokenHash;
use crate::wire::close::Close;

/// Everybody who is connected.
#[derive(Debug, Default)]
pub struct Hub {
    seats: DashMap<u64, Connected>,
    next: AtomicU64,
    last_references: DashMap<Caller, u64>,
    left: Notify,
    /// Why everybody has to go, once that is so.
    closed: OnceLock<Close>,
}

#[derive(Debug)]
struct Connected {
    token: Option<TokenHash>,
    close: Option<oneshot::Sender<Close>>,
}

/// A connection's place in the hub; it is given up when this value is dropped.
#[derive(Debug)]
pub struct Seat {
    id: u64,
    hub: Arc<Hub>,
    /// Resolves when the connection must end.
    pub closing: oneshot::Receiver<Close>,
}

impl Hub {
    /// Seats a connection; one that comes after all have been ended is ended too.
    pub fn join(self: &Arc<Self>) -> Seat {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (close, closing) = oneshot::channel();
        self.seats.insert(id, Connected { token: None, close: Some(close) });
        // Asked once seated: an end between the two would find nobody to close.
        if let Some(close) = self.closed.get() {
            self.close_all(*close);
        }
        Seat { id, hub: self.clone(), closing }
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
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
        let concerned = self.seats.iter_mut().filter(|seat| concerns(seat));
        let mut told: Vec<_> = concerned.filter_map(|mut seat| Some((*seat.key(), seat.close.take()?))).collect();
        // In the order they came, so that a simulation sees the same order again.
        told.sort_unstable_by_key(|(id, _)| *id);
        for (_, sender) in told {
            // A connection that is ending by itself no longer listens.
            let _ = sender.send(close);
        }
    }
}

impl Seat {
    /// Notes with which token its client came in.
    pub fn occupy(&self, token: TokenHash) {
        if let Some(mut seat) = self.hub.seats.get_mut(&self.id) {
            seat.token = Some(token);
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

//! This is where a gateway knows that it is one of several: how old its view of what they share is, and on which of them bots are.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Limits;
use crate::freshness::Freshness;
use crate::state::id::BotId;
use crate::wire::error::{Code, Error};

/// The names of gateways by the bots that are connected to them.
pub type Seats = HashMap<BotId, Vec<Arc<str>>>;

/// What a gateway knows of itself and the others that share its journal.
#[derive(Debug)]
pub struct Cluster {
    freshness: Arc<Freshness>,
    cut_off_after: Duration,
    stale_max: Duration,
    patience: Duration,
    seats: RwLock<Arc<Seats>>,
    lost: watch::Sender<Option<Lost>>,
}

/// Why a gateway has to begin anew, from what the others share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// What it missed was removed meanwhile.
    Behind(String),
    /// Its state is another one than that of the others.
    Differs(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind(why) | Self::Differs(why) => f.write_str(why),
        }
    }
}

impl Cluster {
    /// What one knows at first.
    pub fn new(freshness: Arc<Freshness>, limits: &Limits) -> Self {
        let Limits { cut_off_after, stale_max, append_wait: patience, .. } = *limits;
        Self { freshness, cut_off_after, stale_max, patience, seats: RwLock::default(), lost: watch::Sender::new(None) }
    }

    /// Waits until all is known as of now, which one look at etcd tells for all who wait; refuses where that is not found out in time.
    pub async fn refresh(&self) -> Result<(), Error> {
        if self.freshness.is_older_than(self.cut_off_after) {
            return Err(cut_off());
        }
        timeout(self.patience, self.freshness.reach(Instant::now())).await.map_err(|_| cut_off())
    }

    /// Refuses a decision, such as to let somebody in, where the view is too old for it.
    pub fn refuse_if_stale(&self) -> Result<(), Error> {
        let Some(age) = self.freshness.age().filter(|age| *age > self.stale_max) else { return Ok(()) };
        let message = format!(
            "this gateway is cut off from the journal that it shares, and what it knows is {:.1} s old, more than the {:.1} s that \
             decisions may be made from: ask another gateway, or again later",
            age.as_secs_f64(),
            self.stale_max.as_secs_f64(),
        );
        Err(Error::new(Code::NotWritable, message))
    }

    /// The names of the gateways that a bot is connected to, in their order.
    pub fn gateways_of(&self, bot: BotId) -> Vec<Arc<str>> {
        let seats = self.seats.read().unwrap_or_else(PoisonError::into_inner).clone();
        seats.get(&bot).cloned().unwrap_or_default()
    }

    /// Notes that the gateway has to begin anew; the first reason stays.
    pub fn note_lost(&self, lost: Lost) {
        self.lost.send_if_modified(|before| {
            let is_new = before.is_none();
            before.get_or_insert(lost);
            is_new
        });
    }

    /// Waits until the gateway has to begin anew, and tells why.
    pub async fn lost(&self) -> Lost {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|lost| lost.clone()) {
            Ok(Some(lost)) => lost,
            // Nobody could tell any more.
            _ => std::future::pending().await,
        }
    }

    /// Notes where bots are.
    pub fn note_seats(&self, seats: Seats) {
        *self.seats.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(seats);
    }
}

/// The refusal of a change while the shared journal cannot be reached.
pub fn cut_off() -> Error {
    let message = "this gateway is cut off from the journal that it shares, and the change was not made; changes are taken again by \
                   themselves once it is back: try again later, or at another gateway";
    Error::new(Code::NotWritable, message)
}

//! This is where a connection's subscriptions are: what its client wants to hear of, and how much of that it was told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::archive::Part;
use super::feed::Listening;
use super::{Announcement, Feed, Topic};
use crate::access::View;
use crate::config::{SUBSCRIPTIONS_MAX, TOLD_BYTES_AT_ONCE};
use crate::wire::error::{Code, Error};

/// What a connection has subscribed to. Most have nothing, and that takes no room.
#[derive(Debug, Default)]
pub struct Subscriptions(Option<Box<Listener>>);

#[derive(Debug)]
struct Listener {
    feed: Listening,
    standing: Vec<Subscription>,
    /// The last change that could be told from memory.
    last: watch::Receiver<u64>,
    /// What is being read from the journal, by one who is far behind.
    reading: Option<mpsc::Receiver<Part>>,
    /// When the next push may be.
    slot: Instant,
    /// When it began to listen.
    since: Instant,
    /// When in each interval it has its turn.
    turn: f64,
}

/// Something subscribed to.
#[derive(Debug)]
struct Subscription {
    topic: Topic,
    /// The last change that its client was told of, where it was one to be told of.
    seq: u64,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The last change that was made before it.
    pub seq: u64,
    /// Whether all changes since the one that the client named come; nothing where it named none.
    pub resumed: Option<bool>,
}

/// What there is to be pushed.
#[derive(Debug)]
pub enum Progress {
    /// Something may have been told lately.
    News,
    /// Something was read from the journal; nothing more comes of it where it is nothing.
    Read(Option<Part>),
}

impl Subscriptions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What is subscribed to.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter().flat_map(|listener| &listener.standing).map(|subscription| &subscription.topic)
    }

    /// Adds topics, from now on or, for a client that comes back, from after the last change that it knows. What it has
    /// subscribed to already goes on, or begins again there.
    pub fn subscribe(
        &mut self,
        feed: &Arc<Feed>,
        view: View<'_>,
        topics: Vec<Topic>,
        since: Option<u64>,
    ) -> Result<Begun, Error> {
        let new = topics.iter().filter(|topic| !self.topics().any(|standing| standing == *topic)).count();
        if self.topics().count() + new > SUBSCRIPTIONS_MAX {
            let message =
                format!("a connection has at most {SUBSCRIPTIONS_MAX} subscriptions; end some, or open another");
            return Err(Error::new(Code::TooLarge, message));
        }
        let (listener, seq) = self.listener(feed, || view.state.folded());
        let known = since.filter(|since| *since <= seq && (*since == seq || feed.has_after(*since)));
        for topic in topics {
            let begins = known.unwrap_or(seq);
            match listener.standing.iter_mut().find(|standing| standing.topic == topic) {
                Some(standing) if since.is_some() => standing.seq = begins,
                Some(_) => {}
                None => listener.standing.push(Subscription { topic, seq: begins }),
            }
        }
        // What is read begins further on than what is missed now.
        listener.reading = None;
        Ok(Begun { seq, resumed: since.map(|_| known.is_some()) })
    }

    /// Takes topics away; those that are not subscribed to are passed over.
    pub fn unsubscribe(&mut self, topics: &[Topic]) {
        if let Some(listener) = &mut self.0 {
            listener.standing.retain(|standing| !topics.contains(&standing.topic));
        }
        self.0.take_if(|listener| listener.standing.is_empty());
    }

    /// Waits until there is something to be pushed. Must not be called when there is nothing subscribed to; may be given up and
    /// called again.
    pub async fn progress(&mut self) -> Progress {
        match &mut self.0 {
            // On the heap: those who have subscribed to nothing would have it in their task all the same.
            Some(listener) => Box::pin(listener.progress()).await,
            None => std::future::pending().await,
        }
    }

    /// Appends what is to be pushed, as far as the client may hear of it now.
    pub fn take(&mut self, progress: Progress, view: View<'_>, frames: &mut Vec<Utf8Bytes>) {
        if let Some(listener) = &mut self.0 {
            listener.take(progress, view, frames);
        }
    }

    fn listener(&mut self, feed: &Arc<Feed>, folded: impl FnOnce() -> u64) -> (&mut Listener, u64) {
        let seq = match &self.0 {
            Some(_) => folded(),
            None => {
                let (feed, seq) = feed.listen(folded);
                let (last, turn, since) = (feed.last(), turn(feed.number), Instant::now());
                let listener = Listener { feed, standing: Vec::new(), last, reading: None, slot: since, since, turn };
                self.0 = Some(Box::new(listener));
                seq
            }
        };
        (self.0.as_mut().expect("it is there now"), seq)
    }
}

/// When in each interval a listener has its turn, as a part of it, so that not all are told at the same moment.
fn turn(number: u64) -> f64 {
    // Neighbours are far apart, and none meets another.
    let share = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    share as f64 / (1_u64 << 32) as f64
}

impl Listener {
    async fn progress(&mut self) -> Progress {
        if let Some(reading) = &mut self.reading {
            return Progress::Read(reading.recv().await);
        }
        // What comes in between goes with it, in one flush.
        sleep_until(self.slot).await;
        let position = self.position();
        // The sender is the feed's, which lives as long as this.
        self.last.wait_for(|last| *last > position).await.ok();
        Progress::News
    }

    fn take(&mut self, progress: Progress, view: View<'_>, frames: &mut Vec<Utf8Bytes>) {
        let may: Vec<bool> = self.standing.iter().map(|standing| standing.topic.admit(view).is_ok()).collect();
        let standing = &self.standing;
        let mut push = |announcement: &Announcement| {
            let wanted = |(standing, may): (&Subscription, &bool)| {
                *may && standing.seq < announcement.seq && standing.topic.has(announcement)
            };
            if standing.iter().zip(&may).any(wanted) {
                frames.extend(announcement.frames.iter().cloned());
            }
        };
        match progress {
            Progress::News => match self.feed.recent(self.position(), TOLD_BYTES_AT_ONCE, &mut push) {
                Ok(last) => {
                    self.reach(last);
                    self.slot = self.next_slot();
                }
                Err(until) => match self.feed.read_back(self.position(), until) {
                    Some(reading) => self.reading = Some(reading),
                    None => self.miss(until, frames),
                },
            },
            Progress::Read(Some(Part::Told { told, last })) => {
                told.iter().for_each(push);
                self.reach(last);
            }
            Progress::Read(Some(Part::Missed)) => {
                let until = *self.last.borrow();
                self.miss(until, frames);
            }
            Progress::Read(None) => self.reading = None,
        }
    }

    /// Goes on after changes that cannot be told any more, and says so.
    fn miss(&mut self, until: u64, frames: &mut Vec<Utf8Bytes>) {
        self.reading = None;
        frames.push(Announcement::missed(until));
        self.reach(until);
    }

    /// Up to which change all is told.
    fn position(&self) -> u64 {
        self.standing.iter().map(|standing| standing.seq).min().unwrap_or(u64::MAX)
    }

    fn reach(&mut self, seq: u64) {
        self.standing.iter_mut().for_each(|standing| standing.seq = standing.seq.max(seq));
    }

    fn next_slot(&self) -> Instant {
        let (now, interval) = (Instant::now(), self.feed.push_interval());
        let since = now.saturating_duration_since(self.since) + interval.mul_f64(self.turn);
        let rest = since.as_nanos() % interval.as_nanos();
        now + interval - Duration::from_nanos(u64::try_from(rest).expect("it is less than the interval"))
    }
}

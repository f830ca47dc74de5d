//! This is where changes wait to be told: the engine hands over what it made as it stands, and a task of its own makes of it what
//! subscribers are told, so that telling costs the writer next to nothing.
//!
//! The latest are kept in memory, for all subscribers the same frames. Whoever is further behind than that reads the journal.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::archive::{Archive, Part};
use super::{Announcement, Made};
use crate::access::Caller;
use crate::config::{
    PUSH_INTERVAL, PUSH_INTERVAL_MAX, PUSHES_PER_SECOND_MAX, REFUSED_KEPT_MAX, TOLD_KEPT_BYTES_MAX, UNTOLD_BYTES_MAX,
    UNTOLD_MAX,
};
use crate::disk::Disk;

/// Changes of one caller that were made together, in their order.
#[derive(Debug)]
pub struct Batch {
    /// The number of the first.
    pub first_seq: u64,
    /// When they were journaled, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who made them.
    pub by: Caller,
    /// The messages as they are journaled, one after the other.
    pub text: Vec<u8>,
    /// Where each message ends.
    pub ends: Vec<usize>,
}

impl Batch {
    fn last_seq(&self) -> u64 {
        self.first_seq + u64::try_from(self.ends.len()).expect("a length fits into 64 bits") - 1
    }

    fn made(&self) -> impl Iterator<Item = Made<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        (self.first_seq..).zip(starts.zip(&self.ends)).filter_map(|(seq, (start, end))| {
            let message = std::str::from_utf8(&self.text[start..*end]).ok()?;
            Some(Made { seq, at_ms: self.at_ms, by: self.by, message })
        })
    }
}

/// Changes, on their way to whoever listens.
#[derive(Debug)]
pub struct Feed {
    /// Connections that have subscribed to something.
    listeners: AtomicUsize,
    /// How many connections have subscribed so far.
    ever: AtomicU64,
    untold: mpsc::Sender<Vec<Batch>>,
    untold_bytes: AtomicUsize,
    /// The other end of it, until somebody listens.
    unheard: Mutex<Option<mpsc::Receiver<Vec<Batch>>>>,
    skipped: Arc<Skipped>,
    recent: RwLock<Recent>,
    last: watch::Sender<u64>,
    refused: Arc<Refused>,
    archive: OnceLock<Archive>,
}

/// Changes that came faster than they could be told: they are read back from the journal.
#[derive(Debug, Default)]
struct Skipped {
    last: AtomicU64,
    told: Notify,
}

/// What was told lately.
#[derive(Debug)]
struct Recent {
    /// Of the changes from this one on nothing is missing.
    first: u64,
    /// The last change that was looked at.
    last: u64,
    told: VecDeque<Announcement>,
    bytes: usize,
}

impl Recent {
    /// Forgets all, and goes on after a change.
    fn begin_after(&mut self, seq: u64) {
        *self = Self { first: seq + 1, last: seq, told: VecDeque::new(), bytes: 0 };
    }

    fn take(&mut self, announcement: Announcement) {
        self.bytes += announcement.bytes();
        self.told.push_back(announcement);
        while self.bytes > TOLD_KEPT_BYTES_MAX
            && let Some(oldest) = self.told.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.first = oldest.seq + 1;
        }
    }
}

/// Changes that were journaled and, when their turn came, refused: nobody is told of them. The latest are known, for snapshots
/// have them too.
#[derive(Debug, Default)]
pub struct Refused(Mutex<BTreeSet<u64>>);

impl Refused {
    /// Notes one.
    pub fn note(&self, seq: u64) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(seq);
        if refused.len() > REFUSED_KEPT_MAX {
            refused.pop_first();
        }
    }

    /// Whether one was refused.
    pub fn has(&self, seq: u64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&seq)
    }
}

impl Default for Feed {
    fn default() -> Self {
        let (untold, receiver) = mpsc::channel(UNTOLD_MAX);
        let recent = Recent { first: 1, last: 0, told: VecDeque::new(), bytes: 0 };
        Self {
            listeners: AtomicUsize::new(0),
            ever: AtomicU64::new(0),
            untold,
            untold_bytes: AtomicUsize::new(0),
            unheard: Mutex::new(Some(receiver)),
            skipped: Arc::default(),
            recent: RwLock::new(recent),
            last: watch::Sender::new(0),
            refused: Arc::default(),
            archive: OnceLock::new(),
        }
    }
}

impl Feed {
    /// Has what is not in memory any more read from a disk.
    pub fn read_back_from(&self, disk: Arc<dyn Disk>) {
        // A gateway has one store for as long as it runs.
        self.archive.get_or_init(|| Archive::new(disk, self.refused.clone()));
    }

    /// Those that were refused when their turn came.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Whether anybody listens. To be asked once the changes can be seen: whoever begins to listen later has seen them.
    pub fn is_heard(&self) -> bool {
        fence(Ordering::SeqCst);
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// How often a subscriber is told what is new, at most.
    pub(super) fn push_interval(&self) -> Duration {
        let listeners = u32::try_from(self.listeners.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let shared = Duration::from_secs(1).saturating_mul(listeners) / PUSHES_PER_SECOND_MAX;
        shared.clamp(PUSH_INTERVAL, PUSH_INTERVAL_MAX)
    }

    /// Hands over what was made. Never waits: what there is no room for is read back from the journal.
    pub fn tell(&self, batches: Vec<Batch>) {
        let Some(last_seq) = batches.last().map(Batch::last_seq) else { return };
        let bytes = batches.iter().map(|batch| batch.text.len()).sum();
        let has_room = self.untold_bytes.load(Ordering::Relaxed) + bytes <= UNTOLD_BYTES_MAX;
        // Counted first: it may be taken, and counted off, at once.
        self.untold_bytes.fetch_add(bytes, Ordering::Relaxed);
        if !has_room || self.untold.try_send(batches).is_err() {
            self.untold_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.skipped.last.store(last_seq, Ordering::Release);
            self.skipped.told.notify_one();
        }
    }

    /// Counts somebody who listens from now on; `folded` tells the last change that can be seen.
    pub(super) fn listen(self: &Arc<Self>, folded: impl FnOnce() -> u64) -> (Listening, u64) {
        let others = self.listeners.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let folded = folded();
        if others == 0 {
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            if recent.last < folded {
                // Nobody was told of those meanwhile.
                recent.begin_after(folded);
                self.last.send_replace(folded);
            }
        }
        let unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(untold) = unheard {
            tokio::spawn(herald(Arc::downgrade(self), untold, self.skipped.clone()));
        }
        let number = self.ever.fetch_add(1, Ordering::Relaxed);
        (Listening { feed: self.clone(), number }, folded)
    }

    /// Told whenever more was looked at: up to which change.
    pub(super) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Whether the changes after one can be told, from memory or from the journal.
    pub(super) fn has_after(&self, seq: u64) -> bool {
        let first = self.recent.read().unwrap_or_else(PoisonError::into_inner).first;
        first <= seq + 1 || self.archive.get().is_some_and(|archive| archive.has(seq))
    }

    /// Takes what was told of the changes after one, until there is no more or it has so many bytes. Gives the last change that
    /// is done with; an error where they are not in memory any more, with the last that is not.
    pub(super) fn recent(&self, after: u64, bytes_max: usize, mut take: impl FnMut(&Announcement)) -> Result<u64, u64> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        if recent.first > after + 1 {
            return Err(recent.first - 1);
        }
        let mut bytes = 0;
        for announcement in recent.told.range(recent.told.partition_point(|told| told.seq <= after)..) {
            take(announcement);
            bytes += announcement.bytes();
            if bytes >= bytes_max {
                return Ok(announcement.seq);
            }
        }
        Ok(recent.last.max(after))
    }

    /// Reads the changes after one up to another from the journal, if there is one.
    pub(super) fn read_back(&self, after: u64, until: u64) -> Option<mpsc::Receiver<Part>> {
        self.archive.get().map(|archive| archive.read(after, until))
    }

    fn take(&self, batch: &Batch) {
        let told: Vec<_> =
            batch.made().filter(|made| !self.refused.has(made.seq)).filter_map(Announcement::of).collect();
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if batch.last_seq() <= recent.last {
            return;
        }
        if batch.first_seq > recent.last + 1 {
            recent.begin_after(batch.first_seq - 1);
        }
        let known = recent.last;
        told.into_iter().filter(|told| told.seq > known).for_each(|told| recent.take(told));
        recent.last = batch.last_seq();
    }

    /// Passes over what was skipped, once all that was handed over before it is told.
    fn pass_over_skipped(&self) {
        let skipped = self.skipped.last.load(Ordering::Acquire);
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if recent.last < skipped {
            recent.begin_after(skipped);
        }
    }

    fn announce(&self) {
        let last = self.recent.read().unwrap_or_else(PoisonError::into_inner).last;
        self.last.send_if_modified(|before| std::mem::replace(before, last) != last);
    }
}

/// Makes of what is handed over what is told, for as long as there is a feed.
async fn herald(feed: Weak<Feed>, mut untold: mpsc::Receiver<Vec<Batch>>, skipped: Arc<Skipped>) {
    loop {
        let batches = tokio::select! {
            biased;
            batches = untold.recv() => batches,
            () = skipped.told.notified() => Some(Vec::new()),
        };
        let (Some(batches), Some(feed)) = (batches, feed.upgrade()) else { return };
        for batch in &batches {
            feed.take(batch);
            feed.untold_bytes.fetch_sub(batch.text.len(), Ordering::Relaxed);
            // A batch is as long as callers like.
            tokio::task::yield_now().await;
        }
        if untold.is_empty() {
            feed.pass_over_skipped();
        }
        feed.announce();
    }
}

/// Somebody who listens, for as long as this value lives.
#[derive(Debug)]
pub(super) struct Listening {
    feed: Arc<Feed>,
    /// How many came before.
    pub number: u64,
}

impl std::ops::Deref for Listening {
    type Target = Feed;

    fn deref(&self) -> &Feed {
        &self.feed
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.feed.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

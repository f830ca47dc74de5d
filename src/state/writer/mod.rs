//! This is where the state is changed: each thing put in place or taken away together with all that hangs on it, so that no
//! index is ever left behind, and no record uncounted.
//!
//! What is in place is changed only through guards such as [`AppMut`], which count; nobody else gets at it.

mod accounts;
mod apps;
mod organizations;
mod shares;

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::State;
use super::bot::Bot;
use super::digest::{Digest, Settled};
use super::id::{BotId, EntryId};
use super::last_ids::LastIds;
use super::record::Record;
use super::tags::SharedTags;
use super::tally::Tally;
use super::token::Holder;

pub use apps::AppMut;
pub use organizations::OrganizationMut;
pub use shares::ShareMut;

/// Up to where a journal that is shared is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// A revision of that journal, with all before it.
    pub revision: u64,
    /// The entry that was folded last then.
    pub seq: u64,
}

/// The one who may change a [`State`].
#[derive(Debug, Default)]
pub struct Writer {
    state: Arc<State>,
    tally: Tally,
    tags: SharedTags,
    reached: Option<Reached>,
}

impl Writer {
    /// The state, for readers.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Puts a bot in place, and its token with it; a token it had before is void.
    pub fn put_bot(&mut self, bot: Bot) {
        let (id, token) = (bot.bot_id, bot.token);
        self.tally.add(&Record::Bot(Cow::Borrowed(&bot)));
        // The new token first, and the old one only if it is another: a token that stays is known at every moment.
        self.state.tokens.insert(token, Holder::Bot(id));
        if let Some(before) = self.state.bots.insert(id, bot) {
            self.tally.remove(&Record::Bot(Cow::Borrowed(&before)));
            if before.token != token {
                self.state.tokens.remove(&before.token);
            }
        }
    }

    /// Takes a bot away; its token is void.
    pub fn remove_bot(&mut self, id: BotId) -> Option<Bot> {
        let (_, bot) = self.state.bots.remove(&id)?;
        self.state.tokens.remove(&bot.token);
        self.tally.remove(&Record::Bot(Cow::Borrowed(&bot)));
        Some(bot)
    }

    /// Gives so many ids for entries on shares' lists; none where there are not enough left.
    pub fn next_entry_ids(&mut self, count: usize) -> Option<Vec<EntryId>> {
        let mut last = self.state.last_ids();
        let ids = (0..count).map(|_| last.next_entry()).collect::<Option<_>>()?;
        self.set_last_ids(last);
        Some(ids)
    }

    /// Notes an id that was given or chosen.
    fn note_id(&mut self, note: impl FnOnce(&mut LastIds)) {
        let mut last = self.state.last_ids();
        note(&mut last);
        self.set_last_ids(last);
    }

    /// Sets the highest ids that were ever given.
    pub(super) fn set_last_ids(&mut self, last: LastIds) {
        let before = self.state.last_ids();
        if before != last {
            self.tally.open_last_ids(before);
            *self.state.last_ids.write().unwrap_or_else(PoisonError::into_inner) = last;
        }
    }

    /// Notes which journal entry was folded last.
    pub fn note(&mut self, seq: u64, at_ms: u64) {
        self.state.folded.store(seq, Ordering::Release);
        self.state.at_ms.store(at_ms, Ordering::Release);
    }

    /// Notes up to where a shared journal is folded.
    pub fn note_reached(&mut self, reached: Reached) {
        self.reached = Some(reached);
    }

    /// Up to where a shared journal is folded; none where it is not shared, or nothing of it was folded yet.
    pub fn reached(&self) -> Option<Reached> {
        self.reached
    }

    /// Brings the digest up to the entry folded last and shows it to all, as [`State::digest`]. Costs a hash for each app that
    /// changed since, so it is called once a batch.
    pub fn settle(&mut self) -> Settled {
        let digest = self.tally.settle(&self.state);
        let settled = Settled { seq: self.state.folded(), at_ms: self.state.at_ms(), digest };
        *self.state.settled.write().unwrap_or_else(PoisonError::into_inner) = settled;
        settled
    }

    /// Counts nothing until [`Writer::take_as_counted`].
    pub(super) fn stop_counting(&mut self) {
        self.tally.pause();
    }

    /// Takes it as given that the state has a digest, and counts on from there.
    pub(super) fn take_as_counted(&mut self, digest: Digest) {
        self.tally.resume(digest);
    }
}

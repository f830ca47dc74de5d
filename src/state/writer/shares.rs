//! This is where shares and their lists are changed.

use std::borrow::Cow;
use std::ops::Deref;

use dashmap::mapref::one::RefMut;

use super::Writer;
use crate::state::id::{ShareId, UserId};
use crate::state::record::Record;
use crate::state::share::{Share, ShareEntry, ShareSettings};
use crate::state::tally::Tally;

/// A share that is being changed; readers see it when this is dropped.
#[derive(Debug)]
pub struct ShareMut<'a> {
    share: RefMut<'a, ShareId, Share>,
    tally: &'a mut Tally,
}

impl Writer {
    /// A share, to be changed. Its id, uuid and chat stay.
    pub fn share_mut(&mut self, id: ShareId) -> Option<ShareMut<'_>> {
        Some(ShareMut { share: self.state.shares.get_mut(&id)?, tally: &mut self.tally })
    }

    /// Puts a new share in place.
    pub fn put_share(&mut self, share: Share) {
        let (id, chat, uuid) = (share.settings.share_id, share.settings.chat_id, share.settings.share_uuid);
        self.note_id(|last| last.note_share(id));
        self.remove_share(id);
        self.tally.add_share(&share);
        self.state.shares.insert(id, share);
        self.state.shares_of_chats.insert(chat, id);
        self.state.shares_of_uuids.insert(uuid, id);
    }

    /// Takes a share away, with its list.
    pub fn remove_share(&mut self, id: ShareId) -> Option<Share> {
        let (_, share) = self.state.shares.remove(&id)?;
        self.tally.remove_share(&share);
        self.state.shares_of_chats.remove(&share.settings.chat_id);
        self.state.shares_of_uuids.remove(&share.settings.share_uuid);
        Some(share)
    }

    /// Takes a user off every share's list.
    pub(super) fn remove_from_all_shares(&mut self, user: UserId) {
        for mut share in self.state.shares.iter_mut() {
            if let Some(entry) = share.entries.remove(user) {
                self.tally.remove(&Record::ShareEntry { share_id: *share.key(), entry });
            }
        }
    }
}

impl Deref for ShareMut<'_> {
    type Target = Share;

    fn deref(&self) -> &Share {
        &self.share
    }
}

impl ShareMut<'_> {
    /// Changes its settings.
    ///
    /// # Panics
    /// If its id, uuid, chat or user would change: others find it by them.
    pub fn set(&mut self, settings: ShareSettings) {
        let names = |of: &ShareSettings| (of.share_id, of.share_uuid, of.chat_id, of.user_id);
        assert_eq!(names(&settings), names(&self.share.settings), "a share keeps what it is found by");
        self.tally.remove(&Record::Share(Cow::Borrowed(&self.share.settings)));
        self.tally.add(&Record::Share(Cow::Borrowed(&settings)));
        self.share.settings = settings;
    }

    /// Puts a user on its list, behind all others.
    ///
    /// # Panics
    /// Where [`ShareEntries::takes`](crate::state::share::ShareEntries::takes) says no.
    pub fn add(&mut self, entry: ShareEntry) {
        self.tally.add(&Record::ShareEntry { share_id: self.share.settings.share_id, entry });
        self.share.entries.push(entry);
    }

    /// Takes a user off its list.
    pub fn remove(&mut self, user: UserId) -> Option<ShareEntry> {
        let entry = self.share.entries.remove(user)?;
        self.tally.remove(&Record::ShareEntry { share_id: self.share.settings.share_id, entry });
        Some(entry)
    }
}

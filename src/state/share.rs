//! This is where shares are described: chats that others may open, and the lists of those who may.

use std::collections::BTreeMap;
use std::ops::Bound;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::id::{ChatId, EntryId, ShareId, UserId};
use super::moment::Moment;
use super::password::PasswordHash;
use super::ranked::Ranked;

/// What is set of a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareSettings {
    /// Its id.
    pub share_id: ShareId,
    /// The name it is opened by, which tells nobody how many shares there are.
    pub share_uuid: Uuid,
    /// The chat that is shared; each has one share at most.
    pub chat_id: ChatId,
    /// Whose chat it is.
    pub user_id: UserId,
    /// Whether anybody but the owner may open it at all.
    pub is_shared: bool,
    /// Whether it takes the password to open it, or, where there is none, to be on the whitelist.
    pub is_protected: bool,
    /// Whether only listed users may open it. It is set, not counted: a list that was emptied keeps everybody out.
    pub use_whitelist: bool,
    /// What the password is checked against, while the share is protected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// When it was made.
    pub created_at: Moment,
    /// When its settings were changed last.
    pub updated_at: Moment,
}

/// A user on a share's whitelist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareEntry {
    /// The entry's id.
    pub entry_id: EntryId,
    /// Who may open the share.
    pub user_id: UserId,
    /// When the user was added.
    pub created_at: Moment,
    /// When the entry was changed last.
    pub updated_at: Moment,
}

/// A share with its list, kept under one guard, so that a decision never sees half a change.
#[derive(Debug)]
pub struct Share {
    /// What is set of it.
    pub settings: ShareSettings,
    /// Who is on its whitelist.
    pub entries: ShareEntries,
}

/// The users on one share's whitelist, each once, oldest first.
#[derive(Debug, Default)]
pub struct ShareEntries {
    entries: Ranked<ShareEntry>,
    of_users: BTreeMap<UserId, u64>,
}

/// What decided whether somebody may open a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareReason {
    /// It is the owner.
    Owner,
    /// It is not shared, or no longer.
    NotShared,
    /// It takes a password, which was not shown to be known.
    PasswordRequired,
    /// The whitelist is on and has the user.
    Whitelisted,
    /// The whitelist is on and does not have the user.
    NotWhitelisted,
    /// It is protected, but by neither a password nor the whitelist.
    Protected,
    /// Everybody may.
    Public,
}

/// A decision, with the entry that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareDecision<'a> {
    /// What decided; [`ShareReason::allows`] says how.
    pub reason: ShareReason,
    /// The entry that decided.
    pub entry: Option<&'a ShareEntry>,
}

impl ShareReason {
    /// Whether this reason lets somebody open the share.
    pub fn allows(self) -> bool {
        matches!(self, Self::Owner | Self::Whitelisted | Self::Public)
    }
}

impl Share {
    /// A share whose whitelist is empty.
    pub fn new(settings: ShareSettings) -> Self {
        Self { settings, entries: ShareEntries::default() }
    }

    /// Whether a user, or somebody who is not known, may open it; with a password in force nobody but the owner may.
    pub fn decide(&self, user: Option<UserId>) -> ShareDecision<'_> {
        self.decide_for(user, false)
    }

    /// The same for somebody who has shown that they know the password.
    pub fn decide_unlocked(&self, user: Option<UserId>) -> ShareDecision<'_> {
        self.decide_for(user, true)
    }

    fn decide_for(&self, user: Option<UserId>, unlocked: bool) -> ShareDecision<'_> {
        let &ShareSettings { is_shared, is_protected, use_whitelist, .. } = &self.settings;
        let has_password = self.settings.password.is_some();
        let entry = user.filter(|_| use_whitelist).and_then(|user| self.entries.of_user(user));
        let reason = if user == Some(self.settings.user_id) {
            ShareReason::Owner
        } else if !is_shared {
            ShareReason::NotShared
        } else if is_protected && has_password && !unlocked {
            ShareReason::PasswordRequired
        } else if use_whitelist {
            if entry.is_some() { ShareReason::Whitelisted } else { ShareReason::NotWhitelisted }
        } else if is_protected && !has_password {
            ShareReason::Protected
        } else {
            ShareReason::Public
        };
        ShareDecision { reason, entry: entry.filter(|_| reason == ShareReason::Whitelisted) }
    }
}

impl ShareEntries {
    /// How many users are listed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a user.
    pub fn of_user(&self, user: UserId) -> Option<&ShareEntry> {
        self.entries.get(*self.of_users.get(&user)?)
    }

    /// An entry.
    pub fn get(&self, id: EntryId) -> Option<&ShareEntry> {
        self.entries.get(id.into())
    }

    /// Whether an entry could be pushed: its user is not listed, and its id is above those of all entries.
    pub fn takes(&self, entry: &ShareEntry) -> bool {
        !self.of_users.contains_key(&entry.user_id)
            && self.entries.last_id().is_none_or(|last| last < entry.entry_id.into())
    }

    /// Appends an entry.
    ///
    /// # Panics
    /// If its id is not above all ids given before, or its user is listed: [`ShareEntries::takes`] tells.
    pub fn push(&mut self, entry: ShareEntry) {
        let id = entry.entry_id.into();
        self.entries.push(id, entry);
        let before = self.of_users.insert(entry.user_id, id);
        assert!(before.is_none(), "a user stands on a list once");
    }

    /// Takes a user off the list.
    pub fn remove(&mut self, user: UserId) -> Option<ShareEntry> {
        let id = self.of_users.remove(&user)?;
        Some(self.entries.remove(id).expect("a listed user has an entry"))
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &ShareEntry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// The entries from the one with `rank` older ones on, each with its id.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &ShareEntry)> {
        self.entries.from_rank(rank)
    }

    /// The entries with ids above `id`.
    pub fn after(&self, id: u64) -> impl Iterator<Item = (u64, &ShareEntry)> {
        self.entries.from_id(Bound::Excluded(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u64) -> UserId {
        id.try_into().expect("the tests' users have ids")
    }

    fn entry(id: u64, of: u64) -> ShareEntry {
        let (entry_id, now) = (id.try_into().expect("the tests' entries have ids"), Moment::of_ms(id));
        ShareEntry { entry_id, user_id: user(of), created_at: now, updated_at: now }
    }

    /// User 1's share, with user 2 on its list.
    fn share(is_shared: bool, is_protected: bool, password: bool, use_whitelist: bool) -> Share {
        let now = Moment::of_ms(5);
        let mut share = Share::new(ShareSettings {
            share_id: 456.try_into().expect("456 is an id"),
            share_uuid: Uuid::nil(),
            chat_id: 123.try_into().expect("123 is an id"),
            user_id: user(1),
            is_shared,
            is_protected,
            use_whitelist,
            password: password.then(PasswordHash::of_nobody),
            created_at: now,
            updated_at: now,
        });
        share.entries.push(entry(7, 2));
        share.entries.push(entry(8, 1));
        share
    }

    #[test]
    fn the_owner_always_may() {
        for bits in 0..16 {
            let share = share(bits & 1 > 0, bits & 2 > 0, bits & 4 > 0, bits & 8 > 0);
            assert_eq!(share.decide(Some(user(1))).reason, ShareReason::Owner);
        }
    }

    #[test]
    fn every_setting_decides_in_its_turn() {
        use ShareReason::{NotShared, NotWhitelisted, PasswordRequired, Protected, Public, Whitelisted};
        // What is set: shared, protected, password, whitelist. Then who asks without the password: the listed user 2, user 3 and
        // somebody unknown; and how that changes with it.
        for (settings, listed, other, listed_unlocked, other_unlocked) in [
            ([false, false, false, false], NotShared, NotShared, NotShared, NotShared),
            ([false, true, true, true], NotShared, NotShared, NotShared, NotShared),
            ([true, false, false, false], Public, Public, Public, Public),
            ([true, false, true, false], Public, Public, Public, Public),
            ([true, false, true, true], Whitelisted, NotWhitelisted, Whitelisted, NotWhitelisted),
            ([true, true, false, false], Protected, Protected, Protected, Protected),
            ([true, true, false, true], Whitelisted, NotWhitelisted, Whitelisted, NotWhitelisted),
            ([true, true, true, false], PasswordRequired, PasswordRequired, Public, Public),
            ([true, true, true, true], PasswordRequired, PasswordRequired, Whitelisted, NotWhitelisted),
        ] {
            let [is_shared, is_protected, password, use_whitelist] = settings;
            let share = share(is_shared, is_protected, password, use_whitelist);
            assert_eq!(share.decide(Some(user(2))).reason, listed, "{settings:?}");
            assert_eq!(share.decide_unlocked(Some(user(2))).reason, listed_unlocked, "{settings:?}");
            for who in [Some(user(3)), None] {
                assert_eq!(share.decide(who).reason, other, "{settings:?}");
                assert_eq!(share.decide_unlocked(who).reason, other_unlocked, "{settings:?}");
            }
        }
    }

    #[test]
    fn the_entry_is_told_where_it_decided_and_only_there() {
        assert_eq!(share(true, false, false, true).decide(Some(user(2))).entry, Some(&entry(7, 2)));
        for (share, who) in [(share(true, false, false, true), 1), (share(true, false, false, false), 2)] {
            assert_eq!(share.decide(Some(user(who))).entry, None);
        }
    }

    #[test]
    fn an_emptied_whitelist_keeps_everybody_out() {
        let mut share = share(true, false, false, true);
        share.entries.remove(user(2)).expect("user 2 was listed");
        share.entries.remove(user(1)).expect("user 1 was listed");
        assert!(share.entries.is_empty());
        assert_eq!(share.decide(Some(user(2))).reason, ShareReason::NotWhitelisted);
    }

    #[test]
    fn a_user_stands_on_a_list_once_under_rising_ids() {
        let mut entries = share(true, false, false, true).entries;
        assert!(!entries.takes(&entry(9, 2)) && !entries.takes(&entry(8, 3)) && entries.takes(&entry(9, 3)));
        entries.push(entry(9, 3));
        assert_eq!(entries.remove(user(2)), Some(entry(7, 2)));
        assert_eq!(entries.remove(user(2)), None);
        assert_eq!(entries.get(entry(7, 2).entry_id), None);
        assert_eq!(entries.of_user(user(3)), entries.get(entry(9, 3).entry_id));
        assert_eq!(entries.from_rank(1).map(|(id, _)| id).collect::<Vec<_>>(), [9]);
        assert_eq!(entries.after(8).map(|(id, _)| id).collect::<Vec<_>>(), [9]);
        entries.push(entry(10, 2));
        let listed: Vec<u32> = entries.iter().map(|entry| entry.user_id.get()).collect();
        assert_eq!(listed, [1, 3, 2]);
    }
}

//! This is where it is found who comes onto the list of a share.

use std::collections::BTreeSet;

use crate::config::ENTRIES_PER_SHARE_MAX;
use crate::methods::Turn;
use crate::methods::owned::used_up;
use crate::state::State;
use crate::state::id::UserId;
use crate::state::share::{Share, ShareEntry};
use crate::wire::error::{Code, Error};
use crate::wire::fields::Text;

/// The users whom email addresses name, rising, and after them the owner.
pub fn invited(state: &State, owner: UserId, emails: &[Text]) -> Vec<UserId> {
    let users: BTreeSet<UserId> = emails.iter().filter_map(|email| state.user_by_email(&email.0)).collect();
    users.into_iter().filter(|user| *user != owner).chain([owner]).collect()
}

/// Those who come onto the list of a share.
pub struct Joining {
    users: Vec<UserId>,
    begins_list: bool,
}

impl Joining {
    /// Of the invited those who are not on the list, where it has room for them; a share that is new has nobody on it.
    pub fn new(share: Option<&Share>, invited: &[UserId]) -> Result<Self, Error> {
        let listed = share.map_or(0, |share| share.entries.len());
        let stands = |user: &UserId| share.is_some_and(|share| share.entries.of_user(*user).is_some());
        let users: Vec<UserId> = invited.iter().copied().filter(|user| !stands(user)).collect();
        if !users.is_empty() && listed + users.len() > ENTRIES_PER_SHARE_MAX {
            let message = format!(
                "the list has {listed} entries and would have more than {ENTRIES_PER_SHARE_MAX}; remove some first"
            );
            return Err(Error::new(Code::TooLarge, message));
        }
        Ok(Self { begins_list: listed == 0 && !users.is_empty(), users })
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Whether they are the first on the list.
    pub fn begins_list(&self) -> bool {
        self.begins_list
    }

    /// Their entries, with ids of their own.
    pub fn entries(self, turn: &mut Turn<'_>) -> Result<Vec<ShareEntry>, Error> {
        let now = turn.now();
        let ids = turn.writer.next_entry_ids(self.users.len()).ok_or_else(|| used_up("entry"))?;
        let entry = |(entry_id, user_id)| ShareEntry { entry_id, user_id, created_at: now, updated_at: now };
        Ok(ids.into_iter().zip(self.users).map(entry).collect())
    }
}

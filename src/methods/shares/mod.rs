//! This is where the shares of a user's chats are listed and removed.

mod chats;
mod joining;
mod set_share;
mod whitelist;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::list::second_half;
use super::owned;
use super::page::{Page, PageEnd, page_fields};
use super::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::access::{About, Permission, Sender, View};
use crate::state::State;
use crate::state::id::{ChatId, ShareId, UserId};
use crate::state::moment::Moment;
use crate::state::share::ShareSettings;
use crate::wire::error::Error;
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

pub use chats::{GetChats, RemoveChat, SetChat};
pub use set_share::SetShare;
pub use whitelist::{AddToShareWhitelist, GetShareWhitelist, RemoveFromShareWhitelist};

/// Removes a share with its list; the chat stays.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveShare {
    user_id: UserId,
    chat_id: ChatId,
    share_id: ShareId,
}

/// Lists the shares of a user's chats by id, or of one chat, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetShares {
    user_id: UserId,
    /// The chat; where it is left out, all of the user's.
    chat_id: Option<ChatId>,
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A share, and how many are on its list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShareRecord {
    pub(crate) share_id: ShareId,
    /// What it is opened by.
    pub(crate) share_uuid: Uuid,
    pub(crate) user_id: UserId,
    pub(crate) chat_id: ChatId,
    /// Whether anybody but the owner may open it at all.
    pub(crate) is_shared: bool,
    /// Whether that takes the password or, where there is none, to be on the list.
    pub(crate) is_protected: bool,
    /// Whether a password is set.
    pub(crate) has_password: bool,
    /// Whether only those on the list may open it.
    pub(crate) use_whitelist: bool,
    /// How many are on the list.
    pub(crate) entries: usize,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// The share that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedShare {
    pub(crate) user_id: UserId,
    pub(crate) chat_id: ChatId,
    pub(crate) share_id: ShareId,
}

/// A page of a user's shares.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shares {
    pub(crate) user_id: UserId,
    pub(crate) shares: Vec<ShareRecord>,
    #[serde(flatten)]
    pub(crate) end: PageEnd,
}

impl Reply for ShareRecord {}
impl Reply for RemovedShare {}

impl Reply for Shares {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { user_id: self.user_id, shares: second_half(&mut self.shares)?, end: self.end.hand_on() })
    }
}

impl ShareRecord {
    /// A share as it is shown, with so many on its list. Of the password it says that there is one.
    pub(super) fn new(settings: &ShareSettings, entries: usize) -> Self {
        Self {
            share_id: settings.share_id,
            share_uuid: settings.share_uuid,
            user_id: settings.user_id,
            chat_id: settings.chat_id,
            is_shared: settings.is_shared,
            is_protected: settings.is_protected,
            has_password: settings.password.is_some(),
            use_whitelist: settings.use_whitelist,
            entries,
            created_at: settings.created_at,
            updated_at: settings.updated_at,
        }
    }
}

impl Method for RemoveShare {
    const CALL: Call = Call::new("removeShare", "removeShare_ack", "removes a share with its list");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    type Reply = RemovedShare;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }
}

impl RemoveShare {
    fn refuse(&self, state: &State) -> Result<(), Error> {
        owned::share(state, self.user_id, self.chat_id, self.share_id).map(|_| ())
    }
}

impl Alter for RemoveShare {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<RemovedShare>, Error> {
        self.refuse(view.state).map(|()| Verdict::Proceed)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedShare, Error> {
        self.refuse(turn.writer.state())?;
        turn.writer.remove_share(self.share_id);
        Ok(RemovedShare { user_id: self.user_id, chat_id: self.chat_id, share_id: self.share_id })
    }
}

impl Method for GetShares {
    const CALL: Call =
        Call::new("getShares", "getSharesResponse", "lists the shares of a user, or of one chat, by pages");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    type Reply = Shares;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetShares {
    fn answer(&self, view: View<'_>) -> Result<Shares, Error> {
        let state = view.state;
        state.user(self.user_id).ok_or_else(|| Error::unknown_user(self.user_id))?;
        let chats = match self.chat_id {
            Some(chat_id) => vec![owned::chat(state, self.user_id, chat_id)?.chat_id],
            None => state.chats_of(self.user_id),
        };
        let mut ids: Vec<ShareId> = chats.into_iter().filter_map(|chat| state.share_of_chat(chat)).collect();
        ids.sort_unstable();
        let (ids, end) = self.page()?.cut_ids(&ids);
        let shares = ids.into_iter().filter_map(|id| state.share(id));
        let shares = shares.map(|share| ShareRecord::new(&share.settings, share.entries.len()));
        Ok(Shares { user_id: self.user_id, shares: shares.collect(), end })
    }
}

impl GetShares {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

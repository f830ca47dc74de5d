//! This is where the chats of a user are made, named, listed and removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{About, Permission, Sender, View};
use crate::config::{CHATS_PER_USER_MAX, NAME_BYTES_MAX};
use crate::methods::apps::bound_name;
use crate::methods::list::{bound_items, second_half};
use crate::methods::owned::{self, used_up};
use crate::methods::page::{Page, PageEnd, page_fields};
use crate::methods::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::schema::leaf::AlsoNamed;
use crate::state::State;
use crate::state::account::Chat;
use crate::state::id::{ChatId, UserId};
use crate::state::moment::Moment;
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Many, Text};
use crate::wire::frame::Reply;

/// Makes a chat of a user, or names one. Only administrators choose the id of a new one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetChat {
    user_id: UserId,
    /// The chat to name; where it is left out, a new one gets the next id.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<ChatId>,
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
}

/// Removes chats of a user, with their shares; those that are not the user's are passed over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = AlsoNamed("chat_ids", &["chat_id"]))]
pub struct RemoveChat {
    user_id: UserId,
    /// The chats; one alone needs no array.
    #[serde(alias = "chat_id")]
    #[schemars(extend("minItems" = 1, "maxItems" = CHATS_PER_USER_MAX))]
    chat_ids: Many<ChatId>,
}

/// Lists the chats of a user by id, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetChats {
    user_id: UserId,
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A chat.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChatRecord {
    pub(crate) chat_id: ChatId,
    pub(crate) user_id: UserId,
    pub(crate) name: Box<str>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// The chats that were really removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedChats {
    pub(crate) user_id: UserId,
    pub(crate) chat_ids: Vec<ChatId>,
}

/// A page of a user's chats.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Chats {
    pub(crate) user_id: UserId,
    pub(crate) chats: Vec<ChatRecord>,
    #[serde(flatten)]
    pub(crate) end: PageEnd,
}

impl Reply for ChatRecord {}

impl Reply for RemovedChats {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { user_id: self.user_id, chat_ids: second_half(&mut self.chat_ids)? })
    }
}

impl Reply for Chats {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { user_id: self.user_id, chats: second_half(&mut self.chats)?, end: self.end.hand_on() })
    }
}

impl ChatRecord {
    fn new(chat: &Chat) -> Self {
        let Chat { chat_id, user_id, name, created_at, updated_at } = chat.clone();
        Self { chat_id, user_id, name, created_at, updated_at }
    }
}

impl Method for SetChat {
    const CALL: Call = Call::new("setChat", "setChat_ack", "makes a chat of a user, or names one");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Chats;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = ChatRecord;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        bound_name(self.name.as_ref())
    }
}

impl SetChat {
    /// The chat as it stands, and as this message would leave it, where the state allows that.
    fn outcome(&self, view: View<'_>) -> Result<(Option<Chat>, Chat), Error> {
        view.state.user(self.user_id).ok_or_else(|| Error::unknown_user(self.user_id))?;
        let standing = self.chat_id.and_then(|id| view.state.chat(id).map(|chat| chat.clone()));
        let mut chat = match (&standing, self.chat_id) {
            (Some(chat), _) if chat.user_id == self.user_id => chat.clone(),
            (None, None) => self.new_chat(view, view.state.last_ids().next_chat().ok_or_else(|| used_up("chat"))?)?,
            (_, Some(id)) if !view.is_admin() => return Err(Error::unknown_chat(self.user_id, id)),
            (None, Some(id)) => self.new_chat(view, id)?,
            (Some(chat), _) => {
                let message = format!("chat {} is another user's; choose another id", chat.chat_id);
                return Err(Error::new(Code::Conflict, message));
            }
        };
        if let Some(Text(name)) = &self.name {
            chat.name = name.clone();
        }
        if standing.as_ref() != Some(&chat) {
            chat.updated_at = view.now();
        }
        Ok((standing, chat))
    }

    fn new_chat(&self, view: View<'_>, chat_id: ChatId) -> Result<Chat, Error> {
        if view.state.chats_of(self.user_id).len() >= CHATS_PER_USER_MAX {
            let message = format!("user {} has {CHATS_PER_USER_MAX} chats, and no more are taken", self.user_id);
            return Err(Error::new(Code::TooLarge, message));
        }
        let now = view.now();
        Ok(Chat { chat_id, user_id: self.user_id, name: Box::default(), created_at: now, updated_at: now })
    }
}

impl Alter for SetChat {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<ChatRecord>, Error> {
        let (standing, chat) = self.outcome(view)?;
        let same = standing.as_ref() == Some(&chat);
        Ok(if same { Verdict::Unchanged(ChatRecord::new(&chat)) } else { Verdict::Proceed })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ChatRecord, Error> {
        let (_, chat) = self.outcome(turn.view())?;
        let record = ChatRecord::new(&chat);
        turn.writer.put_chat(chat);
        Ok(record)
    }
}

impl Method for RemoveChat {
    const CALL: Call = Call::new("removeChat", "removeChat_ack", "removes chats of a user, with their shares");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Chats;
    type Reply = RemovedChats;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        if self.chat_ids.0.is_empty() {
            return Err(Error::field("chat_ids", "is empty; name the chats"));
        }
        bound_items("chat_ids", self.chat_ids.0.len(), CHATS_PER_USER_MAX)
    }
}

impl RemoveChat {
    /// Refuses a removal of nothing but what is missing or somebody else's.
    fn refuse(&self, state: &State) -> Result<(), Error> {
        let ids = &self.chat_ids.0;
        if ids.iter().any(|id| owned::chat(state, self.user_id, *id).is_ok()) {
            return Ok(());
        }
        let nothing = || Error::unknown_user(self.user_id);
        Err(ids.first().map_or_else(nothing, |id| Error::unknown_chat(self.user_id, *id)))
    }
}

impl Alter for RemoveChat {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<RemovedChats>, Error> {
        self.refuse(view.state).map(|()| Verdict::Proceed)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedChats, Error> {
        self.refuse(turn.writer.state())?;
        let mut removed = Vec::new();
        for id in self.chat_ids.0 {
            let is_own = owned::chat(turn.writer.state(), self.user_id, id).is_ok();
            removed.extend(is_own.then(|| turn.writer.remove_chat(id)).flatten().map(|chat| chat.chat_id));
        }
        Ok(RemovedChats { user_id: self.user_id, chat_ids: removed })
    }
}

impl Method for GetChats {
    const CALL: Call = Call::new("getChats", "getChatsResponse", "lists the chats of a user by pages");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Chats;
    type Reply = Chats;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetChats {
    fn answer(&self, view: View<'_>) -> Result<Chats, Error> {
        view.state.user(self.user_id).ok_or_else(|| Error::unknown_user(self.user_id))?;
        let (ids, end) = self.page()?.cut_ids(&view.state.chats_of(self.user_id));
        let chats = ids.into_iter().filter_map(|id| view.state.chat(id).map(|chat| ChatRecord::new(&chat)));
        Ok(Chats { user_id: self.user_id, chats: chats.collect(), end })
    }
}

impl GetChats {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

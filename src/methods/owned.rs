//! This is where it is found what a message is about among the things of a user: a chat that is the user's, a share that is the
//! chat's. What is somebody else's is refused just as what does not exist.

use dashmap::mapref::one::Ref;

use crate::config::EMAILS_PER_CALL_MAX;
use crate::state::State;
use crate::state::account::Chat;
use crate::state::email::is_email;
use crate::state::id::{ChatId, ShareId, UserId};
use crate::state::share::Share;
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Many, Text};

use super::list::bound_items;

/// A chat of a user.
pub fn chat(state: &State, user_id: UserId, chat_id: ChatId) -> Result<Ref<'_, ChatId, Chat>, Error> {
    let chat = state.chat(chat_id).filter(|chat| chat.user_id == user_id);
    chat.ok_or_else(|| Error::unknown_chat(user_id, chat_id))
}

/// The share of a user's chat.
pub fn share(
    state: &State,
    user_id: UserId,
    chat_id: ChatId,
    share_id: ShareId,
) -> Result<Ref<'_, ShareId, Share>, Error> {
    chat(state, user_id, chat_id)?;
    let share = state.share(share_id).filter(|share| share.settings.chat_id == chat_id);
    share.ok_or_else(|| Error::unknown_share(chat_id, share_id))
}

/// Refuses what is no email address, or one that is too long.
pub fn bound_email(path: impl std::fmt::Display, email: &Text) -> Result<(), Error> {
    if is_email(&email.0) {
        return Ok(());
    }
    Err(Error::field(path, "is no email address such as amy@example.com"))
}

/// Refuses too many email addresses, and what is none.
pub fn bound_emails(emails: &Many<Text>) -> Result<(), Error> {
    bound_items("emails", emails.0.len(), EMAILS_PER_CALL_MAX)?;
    emails.0.iter().enumerate().try_for_each(|(index, email)| bound_email(format_args!("emails[{index}]"), email))
}

/// All ids of a kind were given.
pub fn used_up(kind: &str) -> Error {
    Error::new(Code::Conflict, format!("there is no {kind} id left, for the highest one was given"))
}

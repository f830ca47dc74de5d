//! This is where refusals are catalogued: the number a client acts on, and a message that says what to do next.

use std::borrow::Cow;
use std::fmt::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::state::id::{AppId, BotId, ChatId, OrgId, ShareId, UserId};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)*) => {
        /// Why a message was refused. The numbers are the wire's: HTTP's where HTTP has one, else those the nandbox API is
        /// known to use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The number on the wire.
            pub fn number(self) -> u32 {
                match self {
                    $(Code::$name => $number,)*
                }
            }

            /// What the code means, as the README has it.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),+).trim_ascii(),)*
                }
            }
        }
    };
}

impl Code {
    /// Whether it says something of what is known, and not of the message alone.
    pub fn is_of_the_state(self) -> bool {
        use Code::{Conflict, NotAuthenticated, NotFound, NotInApp, PermissionMissing, UnknownApp};
        matches!(self, NotAuthenticated | NotFound | Conflict | UnknownApp | PermissionMissing | NotInApp)
    }
}

codes! {
    /// The message is malformed, or a field is missing, of the wrong type, or out of bounds.
    Malformed = 400,
    /// The token is unknown or void, the first frame was no `TOKEN_AUTH`, or a log-in was wrong.
    NotAuthenticated = 401,
    /// What the message names does not exist.
    NotFound = 404,
    /// There is no method of this name.
    UnknownMethod = 405,
    /// The change contradicts what stands.
    Conflict = 409,
    /// The frame, a list in it, or the list it would make is too large.
    TooLarge = 413,
    /// Too many attempts or requests, or too much work waits; try again later, where `retry_after_ms` says when, then.
    SlowDown = 429,
    /// The change could not be made durable, or what is known is too old to decide from.
    NotWritable = 503,
    /// There is no app of this id.
    UnknownApp = 160015,
    /// The caller lacks the permission the method needs.
    PermissionMissing = 160017,
    /// The bot is not a member of the app.
    NotInApp = 160024,
    /// The gateway failed; its log says why.
    Unexpected = 199999,
}

/// A refusal, as the client is told of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {message}", code.number())]
pub struct Error {
    /// What a program acts on.
    pub code: Code,
    /// What a person reads: what is wrong, where, and what to do.
    pub message: Cow<'static, str>,
    /// The app it is about.
    pub app_id: Option<AppId>,
    /// After how many milliseconds it may go better.
    pub retry_after_ms: Option<NonZeroU32>,
    /// Bytes of the path of the field it is about, with which its message begins.
    path_bytes: usize,
}

impl Error {
    /// A refusal that is about no app in particular.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), app_id: None, retry_after_ms: None, path_bytes: 0 }
    }

    /// A field that cannot be taken, named by its path in the message, such as `signups[3].signup_id`.
    pub fn field(path: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        let mut text = path.to_string();
        let path_bytes = text.len();
        // Writing into a text does not fail.
        let _ = write!(text, ": {message}");
        Self { path_bytes, ..Self::new(Code::Malformed, text) }
    }

    /// The path of the field it is about, such as `signups[3].signup_id`, and what is wrong with it.
    pub fn at_field(&self) -> Option<(&str, &str)> {
        let (path, message) = self.message.split_at_checked(self.path_bytes)?;
        (!path.is_empty()).then(|| (path, message.trim_start_matches(": ")))
    }

    /// The same refusal, about an app.
    pub fn about(mut self, app_id: AppId) -> Self {
        self.app_id = Some(app_id);
        self
    }

    /// What is too much now, and may go better after a while; the message says so, and what it is.
    pub fn slow_down(wait: Duration, what: &str) -> Self {
        // Rounded up: who comes too early is refused again.
        let ms = u32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        let wait = if ms < 1_000 { format!("{ms} ms") } else { format!("{} s", ms.div_ceil(1_000)) };
        Self {
            retry_after_ms: NonZeroU32::new(ms),
            ..Self::new(Code::SlowDown, format!("{what}; try again in {wait}"))
        }
    }

    /// There is no such app.
    pub fn unknown_app(app_id: AppId) -> Self {
        Self::new(Code::UnknownApp, format!("there is no app {app_id}; an administrator creates apps with setApp"))
            .about(app_id)
    }

    /// There is no such bot.
    pub fn unknown_bot(bot_id: BotId) -> Self {
        Self::new(Code::NotFound, format!("there is no bot {bot_id}; getBots lists those there are"))
    }

    /// There is no such user, or it is none of the caller's business.
    pub fn unknown_user(user_id: UserId) -> Self {
        Self::new(Code::NotFound, format!("there is no user {user_id} here; getUsers lists them for administrators"))
    }

    /// The user has no such chat, or it is somebody else's.
    pub fn unknown_chat(user_id: UserId, chat_id: ChatId) -> Self {
        Self::new(Code::NotFound, format!("user {user_id} has no chat {chat_id}; getChats lists those there are"))
    }

    /// The chat has no such share, or it is another chat's.
    pub fn unknown_share(chat_id: ChatId, share_id: ShareId) -> Self {
        Self::new(Code::NotFound, format!("chat {chat_id} has no share {share_id}; getShares lists those there are"))
    }

    /// There is no such organisation, or it is none of the caller's business.
    pub fn unknown_organization(org_id: &OrgId) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no organisation {org_id} here; getOrganizations lists them for administrators"),
        )
    }
}

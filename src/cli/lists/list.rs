//! The list that is meant, and how its people are had from a gateway.

use clap::{Args, ValueEnum};
use guestlist::state::id::AppId;
use guestlist::wire::fields::Signup;
use serde::Deserialize;
use serde_json::json;

use crate::cli::talk::{Talk, TalkError};

/// Which list of which app.
#[derive(Debug, Args)]
pub struct Which {
    /// The app's id
    #[arg(long, value_name = "ID")]
    pub app: AppId,
    /// The list
    #[arg(long)]
    pub list: List,
}

/// A list of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum List {
    Whitelist,
    Blacklist,
}

impl List {
    /// The method that adds to it.
    pub fn add(self) -> &'static str {
        match self {
            Self::Whitelist => "addToWhitelist",
            Self::Blacklist => "addToBlacklist",
        }
    }

    fn get(self) -> &'static str {
        match self {
            Self::Whitelist => "getWhitelistUsers",
            Self::Blacklist => "getBlacklistUsers",
        }
    }

    /// Whether people on it have tags.
    pub fn has_tags(self) -> bool {
        self == Self::Whitelist
    }
}

/// Why a list was not read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Talk(#[from] TalkError),
    #[error("the gateway refused: {0}")]
    Refused(String),
    #[error("the gateway answered with something else than a page: {0}")]
    NoPage(#[source] serde_json::Error),
}

/// A frame of a page.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    signups: Vec<Signup>,
    eop: Option<bool>,
    cursor: Option<String>,
    error: Option<serde_json::Value>,
    message: Option<String>,
}

/// Walks over a list from its oldest entry on.
pub async fn walk(talk: &mut Talk, which: &Which, mut take: impl FnMut(Signup)) -> Result<(), ListError> {
    let mut cursor = Some(String::new());
    while let Some(from) = cursor {
        let ask = json!({"method": which.list.get(), "app_id": which.app, "page_size": 1_000, "cursor": from});
        talk.send(ask.to_string()).await?;
        cursor = loop {
            let frame = talk.receive().await?;
            let page: Page = serde_json::from_str(&frame).map_err(ListError::NoPage)?;
            if page.error.is_some() {
                return Err(ListError::Refused(page.message.unwrap_or_else(|| frame.to_string())));
            }
            page.signups.into_iter().for_each(&mut take);
            // Only the last frame of a page tells whether the list goes on.
            if page.eop.is_some() {
                break page.cursor;
            }
        };
    }
    Ok(())
}

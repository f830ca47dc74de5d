//! What an administrator's commands ask of a gateway, and how its answers are read.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::cli::talk::{Gateway, Talk, TalkError};

/// Ids that are made here: of twelve digits, which people can copy and JavaScript does not round.
const IDS: std::ops::Range<u64> = 100_000_000_000..1_000_000_000_000;

/// Whom a command talks to, and in which form it answers.
#[derive(Debug, Args)]
pub struct Admission {
    /// Print the gateway's answers as they came, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: Gateway,
}

/// Why a command did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Talk(#[from] TalkError),
    #[error("the gateway refused with {0}: {1}")]
    Refused(Value, String),
    #[error("{0}")]
    Unfit(String),
    #[error("the gateway answered with something else than was asked for: {0}")]
    Unexpected(#[from] serde_json::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl AdminError {
    /// Whether it was tried, and what was asked for cannot be.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(..) | Self::Unfit(_))
    }
}

/// A connection that questions go over.
pub struct Ask {
    talk: Talk,
    json: bool,
}

/// What came of a question: the frames, and what they say.
pub struct Answer<T> {
    frames: Vec<Utf8Bytes>,
    pub rows: Vec<T>,
}

/// What a frame says that is not a record of its own.
#[derive(Deserialize)]
struct Head {
    error: Option<Value>,
    #[serde(default)]
    message: String,
    cursor: Option<String>,
}

/// A frame of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(alias = "apps", alias = "bots")]
    rows: Vec<T>,
}

/// The id of whatever has one.
#[derive(Deserialize)]
struct Id {
    #[serde(alias = "app_id", alias = "bot_id")]
    id: String,
}

impl Admission {
    /// Signs in.
    pub async fn ask(&self) -> Result<Ask, AdminError> {
        Ok(Ask { talk: self.gateway.sign_in().await?, json: self.json })
    }
}

impl Ask {
    /// Asks for a change, whose answer is one record.
    pub async fn change<T: DeserializeOwned>(&mut self, message: &Value) -> Result<Answer<T>, AdminError> {
        let frames = self.frames(message).await?;
        let rows = frames.iter().map(|frame| serde_json::from_str(frame)).collect::<Result<_, _>>()?;
        Ok(Answer { frames, rows })
    }

    /// Lists all there is, page by page.
    pub async fn list<T: DeserializeOwned>(&mut self, method: &str) -> Result<Answer<T>, AdminError> {
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        let mut cursor = Some(String::new());
        while let Some(from) = cursor {
            let frames = self.frames(&json!({"method": method, "page_size": 1_000, "cursor": from})).await?;
            cursor = None;
            for frame in &frames {
                rows.append(&mut serde_json::from_str::<Page<T>>(frame)?.rows);
                cursor = serde_json::from_str::<Head>(frame)?.cursor;
            }
            all.extend(frames);
        }
        Ok(Answer { frames: all, rows })
    }

    /// The ids that are taken.
    pub async fn ids(&mut self, method: &str) -> Result<BTreeSet<String>, AdminError> {
        Ok(self.list::<Id>(method).await?.rows.into_iter().map(|row| row.id).collect())
    }

    /// Prints the answer as it came where that is wanted; else whatever is made of it.
    pub fn show<T>(&self, answer: &Answer<T>, shown: impl FnOnce(&[T]) -> String) -> Result<(), AdminError> {
        let lines = || answer.frames.iter().map(|frame| format!("{frame}\n")).collect();
        let text: String = if self.json { lines() } else { shown(&answer.rows) };
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }

    /// Says something beside, which no program waits for.
    pub fn remark(&self, remark: impl Display) {
        if !self.json {
            eprintln!("{remark}");
        }
    }

    /// Ends the connection in good order.
    pub async fn end(self) {
        self.talk.close().await;
    }

    async fn frames(&mut self, message: &Value) -> Result<Vec<Utf8Bytes>, AdminError> {
        let mut frames = Vec::new();
        self.talk.ask(&message.to_string(), |frame| frames.push(frame)).await?;
        for frame in &frames {
            if let Head { error: Some(code), message, .. } = serde_json::from_str(frame)? {
                if self.json {
                    println!("{frame}");
                }
                return Err(AdminError::Refused(code, message));
            }
        }
        Ok(frames)
    }
}

/// An id that nobody has.
pub fn free_id(taken: &BTreeSet<String>) -> String {
    let ids = std::iter::repeat_with(|| rand::random_range(IDS).to_string());
    ids.into_iter().find(|id| !taken.contains(id)).expect("a gateway has far fewer than there are ids")
}

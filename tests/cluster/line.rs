//! This is where a bot's connection is one that may end, or fall silent, at any time, which fails nothing.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use guestlist::testing::Socket;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// Above anything that a gateway needs to let a bot in.
const SIGN_IN_WAIT: Duration = Duration::from_secs(5);

/// How long a bot waits for that which can go elsewhere: a gateway that is frozen takes connections, and does nothing with them.
const HASTY_SIGN_IN_WAIT: Duration = Duration::from_millis(700);

/// How long a bot waits for an answer before it takes its connection for lost: more than a gateway takes to say that it does not
/// know.
const ANSWER_WAIT: Duration = Duration::from_secs(12);

/// A bot's connection.
pub struct Line(Socket);

/// What a gateway says to a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is made, and this is the ack.
    Made(Value),
    /// It is not made, and will not be.
    Refused,
    /// Nobody knows whether it is made.
    Unknown,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// By a close, with its code.
    Closed(u16),
    /// Without a word.
    Gone,
    /// Not at all, but nothing comes.
    Silent,
}

impl Line {
    /// Connects and signs in, if that goes well.
    pub async fn open(url: &str, token: &str) -> Option<Self> {
        Self::open_within(SIGN_IN_WAIT, url, token).await
    }

    /// The same on any of some gateways, if that goes well and soon.
    pub async fn open_any(urls: &[String], token: &str, random: &mut StdRng) -> Option<Self> {
        let url = urls.choose(random).expect("there are gateways");
        Self::open_within(HASTY_SIGN_IN_WAIT, url, token).await
    }

    async fn open_within(wait: Duration, url: &str, token: &str) -> Option<Self> {
        let opening = async {
            let (socket, _) = connect_async(url).await.ok()?;
            let mut line = Self(socket);
            line.send(&json!({"method": "TOKEN_AUTH", "token": token, "rem": true})).await;
            let welcome = line.hear().await.ok()?;
            (welcome["method"] == "TOKEN_AUTH_OK").then_some(line)
        };
        timeout(wait, opening).await.ok()?
    }

    /// Sends a message. That it was not taken is seen when nothing is heard.
    pub async fn send(&mut self, message: &Value) {
        timeout(ANSWER_WAIT, self.0.send(Message::text(message.to_string()))).await.ok();
    }

    /// The next message.
    pub async fn hear(&mut self) -> Result<Value, Lost> {
        loop {
            match timeout(ANSWER_WAIT, self.0.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => return Ok(serde_json::from_str(&text).expect("messages are JSON")),
                Ok(Some(Ok(Message::Close(Some(close))))) => {
                    // Our half of the closing, for which the gateway waits.
                    self.0.flush().await.ok();
                    return Err(Lost::Closed(close.code.into()));
                }
                // Pings, which may come from a gateway that answers nothing else, are no news.
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(_) => return Err(Lost::Gone),
                Err(_) => return Err(Lost::Silent),
            }
        }
    }

    /// Asks, and hears the answer.
    pub async fn ask(&mut self, message: &Value) -> Result<Value, Lost> {
        self.send(message).await;
        self.hear().await
    }
}

impl Answer {
    /// What an answer to a change says.
    pub fn of(answer: Value) -> Self {
        match answer["error"].as_u64() {
            // Of what is not there nothing can be removed, which is an ack in all but name.
            None | Some(404) => Self::Made(answer),
            Some(503) if answer["message"].as_str().is_some_and(|message| message.contains("unknown")) => Self::Unknown,
            Some(503 | 429) => Self::Refused,
            Some(_) => panic!("a change was answered by {answer}"),
        }
    }
}

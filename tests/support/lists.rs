//! This is where tests put sign-ups on the demo app's whitelist, remember what was acknowledged, and read the list back.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;

use super::{APP, BOT, Client};

/// The whole whitelist, in order, and not a page at a time.
pub async fn whitelist(url: &str) -> Vec<String> {
    let listed = numbered_whitelist(&mut Client::sign_in(url, BOT).await).await;
    listed.into_iter().map(|(_, signup)| signup).collect()
}

/// The same with the id of each entry; the ids only grow.
pub async fn numbered_whitelist(client: &mut Client) -> Vec<(u64, String)> {
    let (mut list, mut last_id, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let ask = json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 1_000, "cursor": cursor});
        client.send(ask.to_string()).await;
        let frame = loop {
            let frame = client.json().await;
            for record in frame["signups"].as_array().expect("a page has an array") {
                let id: u64 = record["id"].as_str().and_then(|id| id.parse().ok()).expect("an id is digits");
                assert!(id > last_id, "entry {id} stands after entry {last_id}");
                last_id = id;
                list.push((id, record["signup_id"].as_str().expect("a sign-up id is a string").to_owned()));
            }
            if frame.get("eop").is_some() {
                break frame;
            }
        };
        match frame["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return list,
        }
    }
}

/// One connection that adds sign-ups of its own, and asks questions in between.
pub struct Writer {
    /// The connection, the same all the time.
    pub client: Client,
    name: String,
    made: usize,
    /// What was acknowledged, in order.
    pub acked: Vec<String>,
    /// How many changes were refused.
    pub refused: usize,
}

/// What became of the changes of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Those that were acknowledged.
    pub acked: usize,
    /// Those that were refused with 503.
    pub refused: usize,
}

impl Writer {
    /// Signs in. Names tell writers apart; none may begin with another.
    pub async fn new(url: &str, name: &str) -> Self {
        Self::of(Client::sign_in(url, BOT).await, name)
    }

    /// The same, where it may have to wait for so long until others have left.
    pub async fn new_in_time(url: &str, name: &str, patience: Duration) -> Self {
        let (socket, _) = timeout(patience, connect_async(url)).await.expect("its turn comes").expect("it is served");
        let mut client = Client(socket);
        let welcome = client.call(json!({"method": "TOKEN_AUTH", "token": BOT})).await;
        assert_eq!(welcome["method"], "TOKEN_AUTH_OK", "{welcome}");
        Self::of(client, name)
    }

    fn of(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned(), made: 0, acked: Vec::new(), refused: 0 }
    }

    /// Sends so many changes at once, and a question behind them; what is refused must be refused so.
    pub async fn round(&mut self, changes: usize, refusal: &str) -> Round {
        let signups: Vec<String> = (self.made..self.made + changes).map(|n| self.signup(n)).collect();
        self.made += changes;
        for signup in &signups {
            self.client.send(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]})).await;
        }
        let known = self.acked.last().cloned();
        self.client.send(question(known.as_deref().unwrap_or("nobody"))).await;
        let mut round = Round::default();
        for signup in signups {
            let reply = self.client.json().await;
            if reply.get("error").is_none() {
                assert_eq!(reply["signups"][0]["signup_id"], *signup, "{reply}");
                self.acked.push(signup);
                round.acked += 1;
            } else {
                let said = reply["message"].as_str().unwrap_or_default();
                assert!(reply["error"] == 503 && said.contains(refusal), "not `{refusal}`: {reply}");
                round.refused += 1;
            }
        }
        self.refused += round.refused;
        let decision = self.client.json().await;
        assert_eq!(decision["decision"], json!(known.is_some()), "{decision}");
        round
    }

    /// Long, so that little more than names fills a disk.
    fn signup(&self, n: usize) -> String {
        format!("{}{n:0>180}", self.name)
    }
}

/// Whether somebody may sign up.
pub fn question(signup: &str) -> Value {
    json!({"method": "checkAccess", "subject": {"type": "user", "id": signup}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}})
}

/// Checks that what stands is what was acknowledged, no more and no less, of each writer in its order.
#[track_caller]
pub fn assert_stands(list: &[String], writers: &[Writer]) {
    for writer in writers {
        let found: Vec<&String> = list.iter().filter(|signup| signup.starts_with(&writer.name)).collect();
        let (found_len, acked) = (found.len(), writer.acked.len());
        assert!(found.into_iter().eq(&writer.acked), "of {}: {acked} acknowledged, {found_len} stand", writer.name);
    }
    let acked: usize = writers.iter().map(|writer| writer.acked.len()).sum();
    assert_eq!(list.len(), acked, "there are sign-ups that nobody sent");
}

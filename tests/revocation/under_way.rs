//! What is under way while somebody is shut out: bursts, floods, bodies that take their time, and removals that meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{SinkExt, StreamExt};
use guestlist::gateway::Gateway;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_tungstenite::tungstenite::Message;

use crate::ROUNDS;
use crate::support::http::{AMY, BOB, ORG};
use crate::support::stage::{BOB_ID, OWNER_ID, Stage, check_sent_away, number};
use crate::support::standing::{ALL, key_of, may, without_end};
use crate::support::{ADMIN, APP, BOT, Client};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_last_members_who_are_removed_at_once_one_stays() {
    let mut stage = Stage::new().await;
    let url = stage.gateway.url();
    let emails = ["carol@example.com", "dave@example.com"];
    for email in emails {
        stage.done(without_end(email, &ALL)).await;
    }
    stage.done(json!({"method": "removeFromOrgWhitelist", "org_id": ORG, "email": "admin@example.com"})).await;
    for round in 0..ROUNDS {
        for email in emails {
            stage.done(without_end(email, &ALL)).await;
        }
        // Each by the other's key; or both by an administrator, who has nothing to lose by it.
        let by_each_other = round % 2 == 0;
        let mut removals = Vec::new();
        let start = Arc::new(Barrier::new(emails.len()));
        for (email, other) in [(emails[0], emails[1]), (emails[1], emails[0])] {
            let token = if by_each_other { key_of(&mut stage.admin, other).await.1 } else { ADMIN.to_owned() };
            let mut client = Client::sign_in(&url, &token).await;
            let start = start.clone();
            removals.push(tokio::spawn(async move {
                start.wait().await;
                let remove = json!({"method": "removeFromOrgWhitelist", "org_id": ORG, "email": email});
                client.call(remove.to_string()).await["error"].as_u64().unwrap_or(0)
            }));
        }
        let mut codes = Vec::new();
        for removal in removals {
            codes.push(removal.await.expect("it is answered"));
        }
        codes.sort_unstable();
        assert_eq!(codes[0], 0, "round {round}: {codes:?}");
        let refused = if by_each_other { &[401, 160_017, 409][..] } else { &[409] };
        assert!(refused.contains(&codes[1]), "round {round}: {codes:?}");
        let left = stage.done(json!({"method": "getOrgWhitelist", "org_id": ORG})).await;
        assert_eq!(left["members"].as_array().map(Vec::len), Some(1), "round {round}: {left}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_sent_after_a_log_out_is_done_however_much_is_under_way() {
    let stage = Stage::new().await;
    for round in 0..ROUNDS {
        let session = stage.owner().await;
        let (mut sink, mut stream) = Client::sign_in(&stage.gateway.url(), &session).await.0.split();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let sending = tokio::spawn(async move {
            loop {
                // Counted before it is sent: whatever is counted later was sent later.
                let reference = counted.fetch_add(1, Ordering::SeqCst);
                let message = json!({"method": "getChats", "user_id": OWNER_ID, "reference": reference});
                if sink.send(Message::text(message.to_string())).await.is_err() {
                    return;
                }
            }
        });
        let reading = tokio::spawn(async move {
            let mut last = 0;
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                let answer: Value = serde_json::from_str(&text).expect("answers are JSON");
                if answer.get("error").is_none() {
                    last = number(&answer, "reference");
                }
            }
            last
        });
        while sent.load(Ordering::SeqCst) < 200 {
            tokio::task::yield_now().await;
        }
        stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
        let before = sent.load(Ordering::SeqCst);
        let last = reading.await.expect("every frame is an answer");
        assert!(
            last < before,
            "round {round}: {before} were sent before the log-out was told, and {last} was answered"
        );
        sending.await.expect("sending ends with the connection");
    }
}

#[tokio::test]
async fn what_comes_behind_a_log_out_in_the_same_burst_is_not_done() {
    let mut stage = Stage::new().await;
    let share = stage.share(OWNER_ID, json!({"emails": [BOB]})).await;
    for round in 0..ROUNDS {
        let session = stage.owner().await;
        let mut client = Client::sign_in(&stage.gateway.url(), &session).await;
        let before = stage.listed(&share).await;
        let log_out = json!({"method": "logOut", "session": session});
        let add = share.message_with("addToShareWhitelist", "emails", json!([AMY]));
        for message in [&add, &share.message_with("removeFromShareWhitelist", "emails", json!([AMY])), &log_out, &add] {
            client.0.feed(Message::text(message.to_string())).await.expect("the connection takes frames");
        }
        client.0.flush().await.expect("the connection takes frames");
        for ack in ["addToShareWhitelist_ack", "removeFromShareWhitelist_ack", "logOut_ack"] {
            assert_eq!(client.json().await["method"], ack, "round {round}");
        }
        check_sent_away(&mut client, "the connection that logged out").await;
        assert_eq!(stage.listed(&share).await, before, "round {round}");
    }
}

/// A request whose head was taken in, so that it is known who sends it, and whose body is still to come.
struct Begun {
    stream: TcpStream,
    body: String,
}

impl Begun {
    async fn new(gateway: &Gateway, path: &str, header: &str, body: &Value) -> Self {
        let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
        let (body, bytes) = (body.to_string(), body.to_string().len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the connection takes bytes");
        // The body is asked for only once it is read.
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).await.expect("the gateway asks for the body");
        assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&go_on));
        Self { stream, body }
    }

    /// Sends the body and returns the status.
    async fn ends(mut self) -> u16 {
        self.stream.write_all(self.body.as_bytes()).await.expect("the connection takes bytes");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("the answer is text");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("{answer} has no status"))
    }
}

#[tokio::test]
async fn a_request_that_dawdles_until_its_sender_is_shut_out_is_refused() {
    let mut stage = Stage::new().await;
    let (session, other) = (stage.owner().await, stage.owner().await);
    let share = stage.share(OWNER_ID, json!({})).await;
    let (path, add) = (share.entries_path(), json!({"emails": [AMY]}));
    let of = |session: &str| format!("cookie: neptun-session={session}");
    let begun = Begun::new(&stage.gateway, &path, &of(&session), &add).await;
    let kept = Begun::new(&stage.gateway, &path, &of(&other), &json!({"emails": [BOB]})).await;
    stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
    assert_eq!(begun.ends().await, 401);
    assert!(stage.listed(&share).await.is_empty());
    assert_eq!(kept.ends().await, 200);
    assert_eq!(stage.listed(&share).await, [BOB_ID, OWNER_ID].map(u64::from));

    let (key_id, key) = key_of(&mut stage.admin, "admin@example.com").await;
    let body = json!({"name": "Dave", "email": "dave@example.com", "permissions": ["can_read"],
        "start_date": "2025-03-05T11:34:30.258Z"});
    let begun = Begun::new(&stage.gateway, "/admin/whitelist", &format!("x-api-key: {key}"), &body).await;
    let set = json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "key_id": key_id,
        "api_key": "another-key-of-this-member"});
    stage.done(set).await;
    assert_eq!(begun.ends().await, 401);
    let decided = stage.done(may("dave@example.com", "can_read")).await;
    assert_eq!(decided["context"]["reason"], "not_a_member");

    let body = json!({"app_id": APP, "signups": ["late@example.com"]});
    let bearer = format!("authorization: Bearer {BOT}");
    let begun = Begun::new(&stage.gateway, "/api/addToWhitelist", &bearer, &body).await;
    let question = json!({"subject": {"type": "user", "id": AMY}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}});
    let asked = Begun::new(&stage.gateway, "/access/v1/evaluation", &bearer, &question).await;
    stage.done(json!({"method": "rotateBotToken", "bot_id": "90091784056528980"})).await;
    assert_eq!((begun.ends().await, asked.ends().await), (401, 401));
    let listed = stage.done(json!({"method": "getWhitelistUsers", "app_id": APP})).await;
    assert_eq!(listed["signups"], json!([]));
}

//! Messages sent in one go, without waiting: answered in their order, each as if those before it were done.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use guestlist::gateway::Gateway;
use serde_json::{Value, json};
use support::{ADMIN, APP, BOT, Client, gateway};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

async fn start() -> (TempDir, Gateway) {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = gateway(directory.path()).await;
    (directory, gateway)
}

/// Sends all messages with one flush, numbered by `reference`, and returns as many replies, checking their references.
async fn burst(client: &mut Client, messages: &[Value]) -> Vec<Value> {
    for (index, message) in messages.iter().enumerate() {
        let mut message = message.clone();
        message["reference"] = json!(index);
        client.0.feed(Message::text(message.to_string())).await.expect("the connection takes frames");
    }
    client.0.flush().await.expect("the connection takes frames");
    let mut replies = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let reply = client.json().await;
        let expected = if message["method"] == "PING" { None } else { Some(json!(index)) };
        assert_eq!(reply.get("reference"), expected.as_ref(), "{message} was answered by {reply}");
        replies.push(reply);
    }
    replies
}

fn add(signup: &str) -> Value {
    json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]})
}

fn remove(signup: &str) -> Value {
    json!({"method": "removeFromWhitelist", "app_id": APP, "signups": [signup]})
}

fn get() -> Value {
    json!({"method": "getWhitelistUsers", "app_id": APP})
}

fn may_sign_up(signup: &str) -> Value {
    json!({"method": "checkAccess", "subject": {"type": "user", "id": signup}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}})
}

fn ping() -> Value {
    json!({"method": "PING"})
}

#[tokio::test]
async fn an_app_can_be_made_and_filled_in_one_go() {
    let (_directory, gateway) = start().await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    for app in 1..50 {
        let replies = burst(
            &mut admin,
            &[
                json!({"method": "addToWhitelist", "app_id": app, "signups": ["early"]}),
                json!({"method": "setApp", "app_id": app}),
                json!({"method": "addToWhitelist", "app_id": app, "signups": ["in time"]}),
                json!({"method": "getWhitelistUsers", "app_id": app}),
                json!({"method": "removeApp", "app_id": app}),
                json!({"method": "addToWhitelist", "app_id": app, "signups": ["late"]}),
                json!({"method": "setApp", "app_id": app}),
                json!({"method": "getWhitelistUsers", "app_id": app}),
            ],
        )
        .await;
        assert_eq!(replies[0]["error"], 160_015);
        assert_eq!(replies[2]["signups"], json!([{"id": "1", "signup_id": "in time"}]));
        assert_eq!(replies[3]["signups"], replies[2]["signups"]);
        assert_eq!(replies[5]["error"], 160_015);
        assert_eq!(replies[7]["signups"], json!([]));
    }
}

#[tokio::test]
async fn queries_see_the_changes_before_them_and_none_after() {
    let (_directory, gateway) = start().await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for _ in 0..50 {
        let messages = [
            get(),
            add("a"),
            get(),
            may_sign_up("a"),
            remove("a"),
            may_sign_up("a"),
            get(),
            add("a"),
            remove("a"),
            get(),
        ];
        let replies = burst(&mut bot, &messages).await;
        let signups = |index: usize| replies[index]["signups"].as_array().expect("an array of sign-ups").len();
        assert_eq!([0, 2, 6, 9].map(signups), [0, 1, 0, 0]);
        assert_eq!((&replies[3]["decision"], &replies[5]["decision"]), (&json!(true), &json!(false)));
        assert_eq!(replies[3]["context"]["entry"], replies[1]["signups"][0]);
    }
}

#[tokio::test]
async fn a_refusal_or_an_answer_without_change_takes_the_changes_before_it_into_account() {
    let (_directory, gateway) = start().await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    for _ in 0..50 {
        let (bot, grants) = ("7", json!([{"permission": "admin"}]));
        let replies = burst(
            &mut admin,
            &[
                json!({"method": "removeBot", "bot_id": bot}),
                json!({"method": "setBot", "bot_id": bot}),
                json!({"method": "rotateBotToken", "bot_id": bot}),
                // The last administrator may be demoted only once there is another.
                json!({"method": "setBot", "bot_id": "1", "grants": []}),
                json!({"method": "setBot", "bot_id": bot, "grants": grants}),
                json!({"method": "setBot", "bot_id": bot, "grants": grants}),
                json!({"method": "removeBot", "bot_id": bot}),
                json!({"method": "removeBot", "bot_id": bot}),
                remove("a"),
                add("a"),
                add("A "),
                remove("a"),
                remove("a"),
            ],
        )
        .await;
        let codes: Vec<_> = replies.iter().map(|reply| reply["error"].as_u64().unwrap_or(0)).collect();
        assert_eq!(codes, [404, 0, 0, 409, 0, 0, 0, 404, 0, 0, 0, 0, 0]);
        assert_eq!(replies[9]["signups"], replies[10]["signups"]);
        assert_eq!([8, 11, 12].map(|index| replies[index]["signups"].clone()), [json!([]), json!(["a"]), json!([])]);
    }
}

#[tokio::test]
async fn pings_and_refusals_keep_their_place_among_changes() {
    let (_directory, gateway) = start().await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let messages: Vec<_> = (0..1_000)
        .map(|n| match n % 5 {
            0 => add(&format!("u{n}")),
            1 => ping(),
            2 => json!({"method": "unheard of"}),
            3 => json!({"method": "addToWhitelist", "app_id": APP, "signups": [true]}),
            _ => remove(&format!("u{}", n - 4)),
        })
        .collect();
    for (n, reply) in burst(&mut bot, &messages).await.iter().enumerate() {
        match n % 5 {
            0 => assert_eq!(reply["signups"][0]["signup_id"], format!("u{n}")),
            1 => assert_eq!(*reply, json!({"method": "PONG"})),
            2 => assert_eq!(reply["error"], 405),
            3 => assert_eq!(reply["error"], 400),
            _ => assert_eq!(reply["signups"], json!([format!("u{}", n - 4)])),
        }
    }
    assert_eq!(bot.call(get().to_string()).await["signups"], json!([]));
}

#[tokio::test]
async fn two_thousand_changes_in_one_go_are_all_made_in_order() {
    let (_directory, gateway) = start().await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let messages: Vec<_> = (0..2_000).map(|n| add(&format!("u{n}"))).collect();
    let before = gateway.state().folded();
    for (n, reply) in burst(&mut bot, &messages).await.iter().enumerate() {
        assert_eq!(reply["signups"], json!([{"id": (n + 1).to_string(), "signup_id": format!("u{n}")}]));
    }
    assert_eq!(gateway.state().folded(), before + 2_000);
}

#[tokio::test]
async fn changes_of_many_connections_interleave_and_keep_each_one_s_order() {
    let (_directory, gateway) = start().await;
    let gateway = Arc::new(gateway);
    let connections = (0..20).map(|connection| {
        let gateway = gateway.clone();
        tokio::spawn(async move {
            let bot = Client::sign_in(&gateway.url(), BOT).await;
            let (mut sink, mut stream) = bot.0.split();
            let sending = async move {
                for n in 0..200 {
                    let text = add(&format!("c{connection}-{n}")).to_string();
                    sink.send(Message::text(text)).await.expect("the connection takes frames");
                }
                sink
            };
            let receiving = async {
                let mut ids = Vec::new();
                for n in 0..200 {
                    let frame = stream.next().await.expect("the connection stays").expect("frames are whole");
                    let reply: Value = serde_json::from_str(&frame.to_string()).expect("frames are JSON");
                    let record = &reply["signups"][0];
                    assert_eq!(record["signup_id"], format!("c{connection}-{n}"));
                    ids.push(record["id"].as_str().and_then(|id| id.parse().ok()).expect("an id is digits"));
                }
                ids
            };
            tokio::join!(sending, receiving).1
        })
    });
    let mut all = BTreeSet::new();
    for ids in join_all(connections).await {
        let ids: Vec<u64> = ids.expect("no connection failed");
        assert!(ids.is_sorted_by(|before, after| before < after), "a connection's changes were made out of order");
        all.extend(ids);
    }
    assert!(all.into_iter().eq(1..=4_000), "ids are given once each, without gaps");
}

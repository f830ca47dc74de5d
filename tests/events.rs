//! Live events: whoever has subscribed hears of every change, once it is durable, in order and without a gap, and of nothing that
//! is not theirs; and whoever comes back hears what was missed.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::SinkExt;
use guestlist::config::{FRAME_OUT_BYTES_MAX, Limits, TOLD_KEPT_BYTES_MAX};
use guestlist::gateway::Gateway;
use serde_json::{Value, json};
use support::{ADMIN, APP, BOT, Client, Received, limits};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

fn directory() -> TempDir {
    tempfile::tempdir().expect("there is room for a directory")
}

/// Somebody who has signed in with a token and subscribed.
async fn subscriber(gateway: &Gateway, token: &str, subscription: &Value) -> (Client, Value) {
    let mut client = Client::sign_in(&gateway.url(), token).await;
    let mut message = subscription.clone();
    message["method"] = json!("subscribeToEvent");
    let answer = client.call(message).await;
    assert_eq!(answer["ack"], true, "{answer}");
    (client, answer)
}

fn signups() -> Value {
    json!({"app_id": APP, "event": "signup"})
}

async fn add(client: &mut Client, signup: &str) {
    let ack = client.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]})).await;
    assert_eq!(ack["method"], "addToWhitelist_ack", "{ack}");
}

/// The next event: what it is about and its number.
async fn heard(client: &mut Client) -> (Value, u64) {
    let event = client.json().await;
    assert_eq!(event["method"], "eventMessage", "{event}");
    (event["entries"].clone(), event["seq"].as_u64().expect("a seq is a number"))
}

#[tokio::test]
async fn who_comes_back_hears_first_what_was_missed_even_after_a_restart() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let (mut subscriber_before, answer) = subscriber(&gateway, BOT, &signups()).await;
    assert_eq!(answer.get("resumed"), None);
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    add(&mut admin, "first@example.com").await;
    let (_, known) = heard(&mut subscriber_before).await;
    assert_eq!(known, answer["seq"].as_u64().expect("a seq is a number") + 1);
    drop(subscriber_before);
    for number in 0..3 {
        add(&mut admin, &format!("missed{number}@example.com")).await;
    }
    gateway.stop().await;
    let gateway = support::gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    for number in 3..5 {
        add(&mut admin, &format!("missed{number}@example.com")).await;
    }
    let since = json!({"app_id": APP, "event": "signup", "since_seq": known});
    let (mut back, answer) = subscriber(&gateway, BOT, &since).await;
    assert_eq!(answer["resumed"], true, "{answer}");
    add(&mut admin, "live@example.com").await;
    for (number, expected) in (1..).zip(["missed0", "missed1", "missed2", "missed3", "missed4", "live"]) {
        assert_eq!(heard(&mut back).await, (json!([format!("{expected}@example.com")]), known + number));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_further_behind_than_memory_reads_the_journal_and_goes_on_from_there() {
    const PER_CALL: usize = 10_000;
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    // Somebody listens, so that what is told fills the memory for it.
    let (_other, answer) = subscriber(&gateway, BOT, &json!({"app_id": APP, "event": "app"})).await;
    let since = json!({"app_id": APP, "event": "signup", "since_seq": answer["seq"]});
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let (mut calls, mut bytes) = (0, 0);
    while bytes <= TOLD_KEPT_BYTES_MAX + TOLD_KEPT_BYTES_MAX / 4 {
        let signups: Vec<String> =
            (0..PER_CALL).map(|n| format!("a-guest-of-call-{calls}-number-{n}@example.com")).collect();
        let message = json!({"method": "addToWhitelist", "app_id": APP, "signups": signups}).to_string();
        bytes += message.len();
        admin.send(message).await;
        let mut acked = 0;
        while acked < PER_CALL {
            acked += admin.json().await["signups"].as_array().expect("an ack has sign-ups").len();
        }
        calls += 1;
    }
    let (mut behind, answer) = subscriber(&gateway, BOT, &since).await;
    assert_eq!(answer["resumed"], true, "{answer}");
    add(&mut admin, "last@example.com").await;
    let mut last_seq = since["since_seq"].as_u64().expect("a seq is a number");
    for call in 0..calls {
        let mut number = 0;
        loop {
            let text = behind.text().await;
            assert!(text.len() <= FRAME_OUT_BYTES_MAX, "a frame has {} bytes", text.len());
            let event: Value = serde_json::from_str(&text).expect("a frame is JSON");
            assert_eq!(event["seq"], last_seq + 1);
            for entry in event["entries"].as_array().expect("there are entries") {
                assert_eq!(*entry, json!(format!("a-guest-of-call-{call}-number-{number}@example.com")));
                number += 1;
            }
            if event.get("more").is_none() {
                break;
            }
        }
        assert_eq!(number, PER_CALL);
        last_seq += 1;
    }
    assert_eq!(heard(&mut behind).await, (json!(["last@example.com"]), last_seq + 1));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_hears_every_change_of_many_once_and_in_order() {
    const WRITERS: usize = 8;
    const SUBSCRIBERS: usize = 20;
    const CHANGES: usize = 250;
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let mut listening = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let (mut client, _) = subscriber(&gateway, BOT, &signups()).await;
        listening.push(tokio::spawn(async move {
            let mut all = Vec::new();
            while all.len() < WRITERS * CHANGES {
                all.push(heard(&mut client).await);
            }
            all
        }));
    }
    let mut writing = Vec::new();
    for writer in 0..WRITERS {
        let mut client = Client::sign_in(&gateway.url(), ADMIN).await;
        writing.push(tokio::spawn(async move {
            for number in 0..CHANGES {
                add(&mut client, &format!("guest{number}-of-{writer}@example.com")).await;
            }
        }));
    }
    for writer in writing {
        writer.await.expect("a writer does not panic");
    }
    let expected: BTreeSet<String> = (0..WRITERS)
        .flat_map(|writer| (0..CHANGES).map(move |number| format!("guest{number}-of-{writer}@example.com")))
        .collect();
    for subscriber in listening {
        let all = subscriber.await.expect("a subscriber does not panic");
        assert!(all.windows(2).all(|two| two[0].1 + 1 == two[1].1), "a change is missing, or out of order");
        let entries: BTreeSet<String> =
            all.iter().map(|(entries, _)| entries[0].as_str().expect("an entry is an id").to_owned()).collect();
        assert_eq!(entries, expected);
    }
    gateway.stop().await;
}

/// What is still heard comes after what would have been, so that it shows that nothing came.
#[tokio::test]
async fn who_loses_the_permission_hears_no_more() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let both = json!({"app_id": APP, "user_id": 1, "events": ["signup", "share"]});
    let (mut bot, _) = subscriber(&gateway, BOT, &both).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    add(&mut admin, "before@example.com").await;
    assert_eq!(heard(&mut bot).await.0, json!(["before@example.com"]));
    let bot_id = BOT.split(':').next().expect("a token begins with an id");
    let share_alone = json!([{"permission": "share_management", "user_id": 1}]);
    let revoked = admin.call(json!({"method": "setBot", "bot_id": bot_id, "grants": share_alone})).await;
    assert_eq!(revoked["method"], "setBot_ack", "{revoked}");
    add(&mut admin, "secret@example.com").await;
    let named = admin.call(json!({"method": "setChat", "user_id": 1, "chat_id": 123, "name": "Another name"})).await;
    assert_eq!(named["method"], "setChat_ack", "{named}");
    let told = json!([{"chat_id": 123, "name": "Another name", "user_id": 1}]);
    assert_eq!(heard(&mut bot).await.0, told);
    gateway.stop().await;
}

/// Both are sent before either is made, so that the second is journaled and finds no app any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_in_its_turn_is_told_to_nobody() {
    let directory = directory();
    let mut gateway = support::gateway(directory.path()).await;
    let (mut everything, answer) = subscriber(&gateway, ADMIN, &json!({"event": "*"})).await;
    let since = json!({"event": "*", "since_seq": answer["seq"]});
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let mut told = Vec::new();
    for app_id in 100..150 {
        admin.call(json!({"method": "setApp", "app_id": app_id})).await;
        let remove = json!({"method": "removeApp", "app_id": app_id}).to_string();
        admin.0.feed(Message::text(remove)).await.expect("the connection takes frames");
        let removed = admin.call(json!({"method": "addToWhitelist", "app_id": app_id, "signups": ["late"]})).await;
        assert_eq!(removed["method"], "removeApp_ack", "{removed}");
        assert_eq!(admin.json().await["error"], 160015);
        for change in ["setApp", "removeApp"] {
            let event = everything.json().await;
            assert_eq!(event["change"], change, "{event}");
            told.push(event["seq"].as_u64().expect("a seq is a number"));
        }
    }
    let (first, last) = (told[0], told[told.len() - 1]);
    assert!(last - first > 99, "none of those that were refused was journaled, so that nothing was shown");
    // Whoever comes later reads it from memory, and after the next start from the journal; the snapshot knows them too.
    let (mut later, answer) = subscriber(&gateway, ADMIN, &since).await;
    assert_eq!(answer["resumed"], true);
    for seq in &told {
        assert_eq!(later.json().await["seq"], *seq);
    }
    for _ in 0..2 {
        gateway.stop().await;
        gateway = support::gateway(directory.path()).await;
        let (mut later, answer) = subscriber(&gateway, ADMIN, &since).await;
        assert_eq!(answer["resumed"], true);
        for seq in &told {
            assert_eq!(later.json().await["seq"], *seq);
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn who_asks_for_what_is_not_there_is_told_to_read_again() {
    let gateway = guestlist::testing::Gateway::start().await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    add(&mut admin, "early@example.com").await;
    // This one keeps its journal in memory alone, and nobody was listening.
    for since_seq in [1, 1_000_000] {
        let message = json!({"method": "subscribeToEvent", "app_id": APP, "event": "signup", "since_seq": since_seq});
        let answer = admin.call(message).await;
        assert_eq!((&answer["ack"], &answer["resumed"]), (&json!(true), &json!(false)), "{answer}");
        let ended = admin.call(json!({"method": "unsubscribeFromEvent", "app_id": APP, "event": "signup"})).await;
        assert_eq!(ended["ack"], true, "{ended}");
    }
    let (mut listening, answer) = {
        let mut client = Client::sign_in(&gateway.url(), BOT).await;
        let answer = client.call(json!({"method": "subscribeToEvent", "app_id": APP, "event": "signup"})).await;
        (client, answer)
    };
    add(&mut admin, "heard@example.com").await;
    assert_eq!(heard(&mut listening).await.1, answer["seq"].as_u64().expect("a seq is a number") + 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_never_reads_is_ended_and_others_hear_on() {
    const CALLS: usize = 60;
    let directory = directory();
    let limits = Limits { write_wait: Duration::from_millis(500), ..limits() };
    let gateway = support::gateway_with(directory.path(), limits).await;
    let (mut never_reading, _) = subscriber(&gateway, BOT, &signups()).await;
    let (mut reading, _) = subscriber(&gateway, BOT, &signups()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let writer = tokio::spawn(async move {
        for call in 0..CALLS {
            let signups: Vec<String> = (0..5_000).map(|n| format!("guest-{n}-of-call-{call}@example.com")).collect();
            admin.send(json!({"method": "addToWhitelist", "app_id": APP, "signups": signups})).await;
            let mut acked = 0;
            while acked < 5_000 {
                acked += admin.json().await["signups"].as_array().expect("an ack has sign-ups").len();
            }
        }
        add(&mut admin, "last@example.com").await;
    });
    loop {
        let event = reading.json().await;
        if event["entries"] == json!(["last@example.com"]) {
            break;
        }
    }
    writer.await.expect("the writer does not panic");
    let end = loop {
        match never_reading.receive().await {
            Received::Text(_) => {}
            end => break end,
        }
    };
    assert!(matches!(&end, Received::Gone) || matches!(&end, Received::Close(1001, _)), "{end:?}");
    gateway.stop().await;
}

//! Long replies: split into short frames for those who read, and the end for those who never do.

mod support;

use std::time::Duration;

use futures::SinkExt;
use guestlist::config::{FRAME_OUT_BYTES_MAX, Limits};
use serde_json::{Value, json};
use support::{APP, BOT, Client, gateway, gateway_with};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const PING: &str = r#"{"method":"PING"}"#;

/// Above anything a test waits for, so that what never comes fails a test and does not hang it.
const PATIENCE: Duration = Duration::from_secs(20);

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

#[tokio::test]
async fn who_never_reads_is_closed_without_hurting_others() {
    let directory = directory();
    let short = Duration::from_millis(100);
    let limits = Limits { write_wait: short, close_wait: short, ..Limits::default() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut other = Client::sign_in(&gateway.url(), BOT).await;
    add_many(&mut other, 1_000, 250).await;
    let page = format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}","page_size":1000}}"#);
    let mut slow = Client::sign_in(&gateway.url(), BOT).await;
    let asking = async {
        // Some 280,000 bytes are due for each; the gateway gives up long before the last.
        for _ in 0..100_000 {
            if slow.0.send(Message::text(page.clone())).await.is_err() {
                return;
            }
        }
        panic!("nobody stopped the client that never reads");
    };
    let others = async {
        for _ in 0..200 {
            assert_eq!(other.call(PING).await, json!({"method": "PONG"}));
        }
    };
    timeout(PATIENCE, async { tokio::join!(asking, others) }).await.expect("the slow reader is closed");
    assert_eq!(other.call(PING).await, json!({"method": "PONG"}));
}

/// Adds as many sign-ups as told, each of so many bytes.
async fn add_many(client: &mut Client, count: usize, bytes: usize) -> Vec<Value> {
    let ids: Vec<String> = (0..count).map(|n| format!("{n:0>bytes$}")).collect();
    let mut records = Vec::new();
    for (part, ids) in ids.chunks(900_000 / (bytes + 3)).enumerate() {
        client
            .send(json!({"method": "addToWhitelist", "app_id": APP, "signups": ids, "reference": part}).to_string())
            .await;
        let mut acked = 0;
        while acked < ids.len() {
            let ack = client.text().await;
            assert!(ack.len() <= FRAME_OUT_BYTES_MAX, "a frame of {} bytes", ack.len());
            let ack: Value = serde_json::from_str(&ack).expect("frames are JSON");
            assert_eq!((&ack["method"], &ack["reference"]), (&json!("addToWhitelist_ack"), &json!(part)));
            let signups = ack["signups"].as_array().expect("an ack has an array");
            acked += signups.len();
            records.extend(signups.iter().cloned());
        }
    }
    records
}

#[tokio::test]
async fn a_reply_of_ten_thousand_comes_whole_and_in_order_in_short_frames() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let mut client = Client::sign_in(&gateway.url(), BOT).await;
    let added = add_many(&mut client, 10_000, 80).await;
    let expected: Vec<Value> =
        (0..10_000).map(|n| json!({"id": (n + 1).to_string(), "signup_id": format!("{n:0>80}")})).collect();
    assert_eq!(added, expected);
    let ask = |page: usize| json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 1_000, "page_number": page, "reference": page});
    for page in 0..10 {
        client.send(ask(page).to_string()).await;
        let (mut records, mut frames) = (Vec::new(), 0);
        loop {
            let text = client.text().await;
            assert!(text.len() <= FRAME_OUT_BYTES_MAX, "a frame of {} bytes", text.len());
            let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
            assert_eq!((&frame["page_number"], &frame["reference"]), (&json!(page), &json!(page)));
            records.extend(frame["signups"].as_array().expect("a page has an array").iter().cloned());
            frames += 1;
            if let Some(eop) = frame.get("eop") {
                assert_eq!(*eop, json!(page == 9));
                break;
            }
        }
        assert!(frames > 1, "the page was short enough for one frame");
        assert_eq!(records, expected[page * 1_000..(page + 1) * 1_000]);
    }
}

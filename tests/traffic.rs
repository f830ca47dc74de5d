//! Who watches what passes sees all of it, without secrets, until that is ended; and who is connected is told, and can be ended.

mod support;

use guestlist::config::TRAFFIC_KEPT;
use guestlist::gateway::Gateway;
use guestlist::wire::close::Close;
use serde_json::{Value, json};
use support::http::{Http, OWNER, OWNER_PASSWORD, log_in};
use support::{ADMIN, APP, BARE_BOT, BOT, Client, Received};
use tempfile::TempDir;

/// Messages that a bot sends before it reads the answers.
const AT_ONCE: usize = 512;

fn directory() -> TempDir {
    tempfile::tempdir().expect("there is room for a directory")
}

/// An administrator who watches.
async fn watcher(gateway: &Gateway) -> Client {
    let mut client = Client::sign_in(&gateway.url(), ADMIN).await;
    assert_eq!(client.call(json!({"method": "watchTraffic", "watch": true})).await["watch"], true);
    client
}

/// What the watcher is told until something has passed.
async fn until(watcher: &mut Client, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    while !entries.iter().any(&is_last) {
        let push = watcher.json().await;
        assert_eq!((&push["method"], &push["missed"]), (&json!("trafficMessage"), &json!(0)), "{push}");
        entries.extend(push["entries"].as_array().expect("entries are listed").iter().cloned());
    }
    entries
}

fn brief(entry: &Value) -> (&str, &str, &str) {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    (text("by"), text("kind"), text("method"))
}

#[tokio::test]
async fn a_watcher_sees_who_comes_what_is_said_and_who_goes_and_no_secret() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let (mut watcher, mut other_watcher) = (watcher(&gateway).await, watcher(&gateway).await);
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let bot = json!({"method": "setBot", "bot_id": "7", "name": "Door"});
    let token = admin.call(bot).await["token"].as_str().expect("a new bot has a token").to_owned();
    let ask = json!({
        "method": "checkAccess", "subject": {"type": "user", "id": "eve@example.com"}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP},
    });
    assert_eq!(admin.call(ask).await["decision"], false);
    assert_eq!(admin.call(json!({"method": "removeApp", "app_id": "404"})).await["error"], 160_015);
    drop(admin);
    for watcher in [&mut watcher, &mut other_watcher] {
        let mut entries = until(watcher, |entry| entry["kind"] == "closed").await;
        // The one who came to watch first saw the other come too.
        let connection = entries.last().expect("something passed")["connection_id"].clone();
        entries.retain(|entry| entry["connection_id"] == connection);
        let told: Vec<_> = entries.iter().map(brief).collect();
        let expected = [
            ("bot:1", "opened", ""),
            ("bot:1", "in", "setBot"),
            ("bot:1", "out", "setBot_ack"),
            ("bot:1", "in", "checkAccess"),
            ("bot:1", "out", "checkAccessResponse"),
            ("bot:1", "in", "removeApp"),
            ("bot:1", "out", ""),
            ("bot:1", "closed", ""),
        ];
        assert_eq!(told, expected);
        assert_eq!((&entries[4]["allowed"], &entries[6]["error"]), (&json!(false), &json!(160_015)));
        assert!(entries[2]["message"].as_str().is_some_and(|text| text.contains(r#""token":"•••""#)), "{}", entries[2]);
        assert!(!json!(entries).to_string().contains(&token), "a token is told");
    }
    // It is told nothing of itself, and after it has ended that, of nobody.
    assert_eq!(watcher.call(json!({"method": "watchTraffic", "watch": false})).await["watch"], false);
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    until(&mut other_watcher, |entry| brief(entry) == ("bot:90091784056528980", "opened", "")).await;
    assert_eq!(bot.call(json!({"method": "getWhitelistUsers", "app_id": APP})).await["eop"], true);
    assert_eq!(watcher.call(json!({"method": "getStateDigest"})).await["method"], "getStateDigestResponse");
    gateway.stop().await;
}

#[tokio::test]
async fn what_passes_too_fast_is_left_out_and_counted() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let mut watcher = watcher(&gateway).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let asked = TRAFFIC_KEPT * 2;
    for _ in 0..asked / AT_ONCE {
        for _ in 0..AT_ONCE {
            bot.send(json!({"method": "getWhitelistPatterns", "app_id": APP})).await;
        }
        for _ in 0..AT_ONCE {
            bot.json().await;
        }
    }
    // The connection itself, what it asked, and what it was answered.
    let (passed, mut told, mut missed) = (1 + 2 * asked as u64, 0, 0);
    while told + missed < passed {
        let push = watcher.json().await;
        told += push["entries"].as_array().expect("entries are listed").len() as u64;
        missed += push["missed"].as_u64().expect("it is a number");
    }
    assert_eq!(told + missed, passed);
    assert!(missed > 0, "all {told} were told");
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_no_administrator_any_more_watches_no_more() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let set = |grants: Value| json!({"method": "setBot", "bot_id": "7", "name": "Door", "grants": grants});
    let token =
        admin.call(set(json!([{"permission": "admin"}]))).await["token"].as_str().expect("it has one").to_owned();
    let mut door = Client::sign_in(&gateway.url(), &token).await;
    assert_eq!(door.call(json!({"method": "watchTraffic", "watch": true})).await["watch"], true);
    assert_eq!(admin.call(set(json!([]))).await["method"], "setBot_ack");
    // What passed before that may still come; after the refusal nothing does.
    door.send(json!({"method": "watchTraffic", "watch": true})).await;
    let refused = loop {
        match door.json().await {
            push if push["method"] == "trafficMessage" => {}
            other => break other,
        }
    };
    assert_eq!((&refused["error"], &refused["request"]), (&json!(160_017), &json!("watchTraffic")));
    assert_eq!(admin.call(json!({"method": "getApps"})).await["method"], "getAppsResponse");
    assert_eq!(door.call(json!({"method": "getApps"})).await["error"], 160_017);
    gateway.stop().await;
}

#[tokio::test]
async fn connections_are_listed_by_pages_and_ended_with_a_close_that_brings_bots_back() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let mut bots = Vec::new();
    for _ in 0..5 {
        bots.push(Client::sign_in(&gateway.url(), BOT).await);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.call(json!({"method": "getConnections", "page_size": 2, "cursor": cursor})).await;
        seen.extend(page["connections"].as_array().expect("they are listed").iter().cloned());
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let told: Vec<_> = seen.iter().map(|one| (one["name"].as_str(), one["is_own"].as_bool())).collect();
    let bot = (Some("Demo bot"), Some(false));
    assert_eq!(told, [(Some("Demo administrator"), Some(true)), bot, bot, bot, bot, bot]);
    let closed = admin.call(json!({"method": "closeConnection", "connection_id": seen[1]["connection_id"]})).await;
    assert_eq!(closed["closed"], 1);
    let dismissed = Received::Close(Close::Dismissed.code(), Close::Dismissed.reason().to_owned());
    assert_eq!(bots.remove(0).receive().await, dismissed);
    let closed = admin.call(json!({"method": "closeConnection", "account_id": "90091784056528980"})).await;
    assert_eq!(closed["closed"], 4);
    for mut bot in bots {
        assert_eq!(bot.receive().await, dismissed);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_watcher_sees_what_is_asked_over_http_too() {
    let directory = directory();
    let gateway = support::gateway(directory.path()).await;
    let mut watcher = watcher(&gateway).await;
    let http = Http::of(&gateway);
    let evaluation = json!({
        "subject": {"type": "user", "id": "eve@example.com"}, "action": {"name": "sign_up"}, "resource": {"type": "app", "id": APP},
    });
    http.post("/access/v1/evaluation").bearer(BOT).json(&evaluation).send().await.expect(200);
    http.post("/api/rotateBotToken")
        .bearer(ADMIN)
        .json(&json!({"bot_id": "90091784056528980"}))
        .send()
        .await
        .expect(200);
    http.post("/api/getApps").bearer(BARE_BOT).json(&json!({})).send().await.expect(403);
    let session = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let entries = until(&mut watcher, |entry| entry["method"] == "logIn").await;
    let told: Vec<_> = entries.iter().map(brief).collect();
    let expected = [
        ("bot:90091784056528980", "http", "checkAccess"),
        ("bot:1", "http", "rotateBotToken"),
        ("bot:90091784056528981", "http", "getApps"),
        ("anyone", "http", "logIn"),
    ];
    assert_eq!(told, expected);
    assert_eq!((&entries[0]["allowed"], &entries[2]["error"]), (&json!(false), &json!(160_017)));
    assert!(entries[1]["message"].as_str().is_some_and(|text| text.contains(r#""token":"•••""#)), "{}", entries[1]);
    assert!(!json!(entries).to_string().contains(&session), "a session is told");
    gateway.stop().await;
}

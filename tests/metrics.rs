//! What `/metrics` tells, to whom and where: every number is one that was brought about here.

mod support;

use std::net::{Ipv4Addr, SocketAddr};

use futures::SinkExt;
use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use serde_json::json;
use support::http::Http;
use support::{ADMIN, APP, BARE_BOT, BOT, Client, Received, limits, options};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// A gateway that tells how it does at an address of its own, and the way there.
async fn watched(directory: &TempDir) -> (Gateway, Http) {
    let admin_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let options = Options { admin_listen, ..options(directory.path(), limits()) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let admin = Http::new(gateway.admin_address().expect("it was given one"));
    (gateway, admin)
}

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// The metrics, of which each line is looked for.
async fn told(admin: &Http, lines: &[&str]) {
    let metrics = admin.get("/metrics").send().await.expect(200).text();
    for line in lines {
        assert!(metrics.lines().any(|told| told == *line), "{line} is missing:\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
}

#[tokio::test]
async fn requests_are_counted_by_method_and_code_however_they_come() {
    let directory = directory();
    let (gateway, admin) = watched(&directory).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let add = |id: &str| json!({"method": "addToWhitelist", "app_id": APP, "signups": [id]}).to_string();
    // Two that change something, one of them ahead of a refusal, and one that changes nothing.
    bot.send(add("a@example.com")).await;
    bot.send(add("")).await;
    bot.send(add("b@example.com")).await;
    bot.send(add("a@example.com")).await;
    for _ in 0..4 {
        bot.json().await;
    }
    bot.call(r#"{"method":"PING"}"#).await;
    bot.call(r#"{"method":"noSuchMethod"}"#).await;
    bot.call(json!({"method": "getApps"})).await;
    bot.call(json!({"method": "getWhitelistUsers", "app_id": APP})).await;
    let http = Http::of(&gateway);
    let page = json!({"app_id": APP});
    http.post("/api/getWhitelistUsers").bearer(BOT).json(&page).send().await.expect(200);
    http.post("/api/getWhitelistUsers").bearer(BARE_BOT).json(&page).send().await.expect(403);
    http.post("/api/setApp").bearer(ADMIN).json(&json!({})).send().await.expect(400);
    http.post("/api/setApp").bearer(ADMIN).json(&json!({"app_id": APP})).send().await.expect(200);
    told(
        &admin,
        &[
            r#"guestlist_requests_total{method="addToWhitelist",code="ok"} 3"#,
            r#"guestlist_requests_total{method="addToWhitelist",code="400"} 1"#,
            r#"guestlist_requests_total{method="TOKEN_AUTH",code="ok"} 1"#,
            r#"guestlist_requests_total{method="PING",code="ok"} 1"#,
            r#"guestlist_requests_total{method="unknown",code="405"} 1"#,
            r#"guestlist_requests_total{method="getApps",code="160017"} 1"#,
            r#"guestlist_requests_total{method="getWhitelistUsers",code="ok"} 2"#,
            r#"guestlist_requests_total{method="getWhitelistUsers",code="160017"} 1"#,
            r#"guestlist_requests_total{method="setApp",code="ok"} 1"#,
            r#"guestlist_requests_total{method="setApp",code="400"} 1"#,
        ],
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn frames_that_are_no_request_are_counted_by_why() {
    let directory = directory();
    let (gateway, admin) = watched(&directory).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    bot.0.send(Message::Binary(Bytes::from_static(b"{}"))).await.expect("it is sent");
    assert_eq!(bot.json().await["error"], 400);
    assert_eq!(bot.call("[1]").await["error"], 400);
    let large = format!(r#"{{"method":"PONG","x":"{}"}}"#, "x".repeat(Limits::default().frame_bytes_max));
    assert_eq!(bot.call(large).await["error"], 413);
    let over = "x".repeat(Limits::default().frame_bytes_hard_max + 1);
    bot.send(over).await;
    assert!(matches!(bot.receive().await, Received::Close(1009, _)));
    told(
        &admin,
        &[
            r#"guestlist_frames_rejected_total{reason="binary"} 1"#,
            r#"guestlist_frames_rejected_total{reason="malformed"} 1"#,
            r#"guestlist_frames_rejected_total{reason="too_large"} 1"#,
            r#"guestlist_frames_rejected_total{reason="too_big"} 1"#,
            r#"guestlist_frames_rejected_total{reason="protocol"} 0"#,
            r#"guestlist_closes_total{code="1009",reason="the frame is too large"} 1"#,
        ],
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn decisions_are_counted_by_list_and_by_which_way_they_went() {
    let directory = directory();
    let (gateway, admin) = watched(&directory).await;
    let mut bot = Client::sign_in(&gateway.url(), ADMIN).await;
    let app = json!({"type": "app", "id": APP});
    let user = |id: &str| json!({"type": "user", "id": id});
    let sign_up = json!({"name": "sign_up"});
    bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ["in@example.com"]})).await;
    let several = json!({"method": "checkAccess", "action": sign_up, "resource": app, "evaluations": [
        {"subject": user("in@example.com")}, {"subject": user("out@example.com")}, {"subject": user("in@example.com")},
        {"subject": user("in@example.com"), "resource": {"type": "app", "id": "1"}},
    ]});
    assert_eq!(bot.call(&several).await["evaluations"].as_array().map(Vec::len), Some(4));
    let organization = json!({"type": "organization", "id": "no-such"});
    let asked = json!({"subject": user("in@example.com"), "action": {"name": "can_read"}, "resource": organization});
    Http::of(&gateway).post("/access/v1/evaluation").bearer(ADMIN).json(&asked).send().await.expect(200);
    told(
        &admin,
        &[
            r#"guestlist_decisions_total{list="sign_up",outcome="allowed"} 2"#,
            r#"guestlist_decisions_total{list="sign_up",outcome="refused"} 1"#,
            r#"guestlist_decisions_total{list="none",outcome="failed"} 2"#,
            r#"guestlist_decisions_total{list="share",outcome="allowed"} 0"#,
        ],
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn connections_are_told_by_kind_and_work_by_how_long_it_took() {
    let directory = directory();
    let (gateway, admin) = watched(&directory).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let stranger = Client::connect(&gateway.url()).await;
    bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ["a@example.com"]})).await;
    let seen = async |line: &str| admin.get("/metrics").send().await.text().lines().any(|told| told == line);
    // A connection is seated a moment after its handshake.
    while !seen(r#"guestlist_connections{kind="signing_in"} 1"#).await {}
    told(
        &admin,
        &[
            r#"guestlist_connections{kind="bot"} 1"#,
            r#"guestlist_connections{kind="user"} 0"#,
            r#"guestlist_handling_seconds_count 1"#,
            "guestlist_digest_agrees 1",
        ],
    )
    .await;
    let metrics = admin.get("/metrics").send().await.text();
    // The seed's changes are among them.
    let counted = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_count "));
        line.and_then(|count| count.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name} is missing:\n{metrics}"))
    };
    assert_eq!(counted("guestlist_queue_seconds"), counted("guestlist_journal_batch_seconds"));
    assert!(counted("guestlist_queue_seconds") > 1);
    drop((bot, stranger));
    gateway.stop().await;
}

#[tokio::test]
async fn where_bots_connect_numbers_are_for_administrators_and_elsewhere_for_whoever_gets_there() {
    let directory = directory();
    let (gateway, admin) = watched(&directory).await;
    let http = Http::of(&gateway);
    http.get("/metrics").send().await.expect(401);
    http.get("/metrics").bearer(BOT).send().await.expect(403);
    http.get("/metrics").bearer(ADMIN).send().await.expect(200);
    admin.get("/metrics").send().await.expect(200);
    assert_eq!(admin.get("/livez").send().await.expect(200).text(), "ok\n");
    assert_eq!(admin.get("/readyz").send().await.expect(200).text(), "ok\n");
    // Nothing else is there, whoever asks.
    for path in ["/nandbox/api/", "/docs", "/api/getApps", "/admin/whitelist"] {
        admin.get(path).bearer(ADMIN).send().await.expect(404);
    }
    gateway.stop().await;
}

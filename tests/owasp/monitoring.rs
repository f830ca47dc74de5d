//! What is told of connections afterwards, and what is not.

use std::fs;

use serde_json::json;

use crate::support::home::Home;
use crate::support::http::Http;
use crate::support::{ADMIN, APP, BARE_BOT, BOT, Client, Received};

/// A gateway in a process of its own, whose log holds what one good connection and some bad ones left there.
async fn log() -> (String, String) {
    let home = Home::new();
    // What a first start tells is an example of a message, and no message that came.
    home.serve(&["--demo"]).stop();
    fs::remove_file(home.path("log")).expect("there is a log");
    let served = home.serve(&["--demo", "--log", "debug"]);
    let mut bot = Client::sign_in(&served.url, BOT).await;
    bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ["somebody@private.example"]})).await;
    bot.send(json!({"method": "getApps", "padding": "x".repeat(5 << 20)})).await;
    assert!(matches!(bot.receive().await, Received::Close(1009, _)));
    let mut stranger = Client::connect(&served.url).await;
    stranger.call(json!({"method": "TOKEN_AUTH", "token": "Guessed-token-of-somebody"})).await;
    assert!(matches!(stranger.receive().await, Received::Close(1008, _)));
    let mut bare = Client::sign_in(&served.url, BARE_BOT).await;
    bare.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ["somebody@private.example"]})).await;
    drop(bare);
    served.must_log("a connection ended caller=bot:90091784056528981");
    let metrics = Http::at(&served.url).get("/metrics").bearer(ADMIN).send().await.expect(200).text();
    (served.stop().stderr, metrics)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_websocket_events() {
    let (log, metrics) = log().await;
    let line = |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(line(&["a client signed in", "90091784056528980"]), "{log}");
    assert!(line(&["a connection ended", "90091784056528980", "127.0.0.1", "1009"]), "{log}");
    assert!(line(&["a client was not let in", "127.0.0.1", "1008"]), "{log}");
    assert!(line(&["a connection ended", "90091784056528981", "127.0.0.1"]), "{log}");
    for code in ["1008", "1009"] {
        let counted = |line: &str| line.contains(&format!("code=\"{code}\"")) && line.ends_with(" 1");
        assert!(metrics.lines().any(counted), "{code}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn avoid_logging_sensitive_data() {
    let (log, _) = log().await;
    for secret in ["Guessed-token", "DemoBot", "somebody@private.example", "xxxxxxxx", "addToWhitelist"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

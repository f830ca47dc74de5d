//! A gateway records what reaches it, over WebSocket and HTTP.

use futures::StreamExt;
use tokio::net::TcpStream;

use crate::recorder::{home, replayed, request};
use crate::support::process::{Served, run};
use crate::support::{APP, BOT, Client, Received};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_records_itself_and_the_recording_replays() {
    let (home, log) = (home(), "gateway.log");
    let records = home.path().join("records");
    let args = ["--demo", "--record", records.to_str().expect("paths of tests are text")];
    let served = Served::start(&home.path().join("data"), &home.path().join(log), &args);
    for reference in [1, 2] {
        let mut bot = Client::sign_in(&served.url, BOT).await;
        let add = format!(
            r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["{reference}@x.example"],"reference":{reference}}}"#
        );
        assert_eq!(bot.call(add).await["reference"], reference);
        bot.0.close(None).await.expect("the connection holds");
        while let Some(Ok(_)) = bot.0.next().await {}
    }
    let mut refused = Client::connect(&served.url).await;
    refused.send(r#"{"method":"TOKEN_AUTH","token":"90:0:nobodysToken"}"#).await;
    assert!(refused.text().await.contains("401"));
    assert!(matches!(refused.receive().await, Received::Close(1008, _)));
    let mut stays = Client::sign_in(&served.url, BOT).await;
    stays.call(r#"{"method":"PING"}"#).await;
    let mut client = TcpStream::connect(served.url.split('/').nth(2).expect("an authority")).await.expect("it listens");
    let (head, _) = request(&mut client, "GET /admin/whitelist?api_key=demo-org-key", &[], "").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let ran = served.stop();
    let files: Vec<_> =
        std::fs::read_dir(&records).expect("it was made").map(|entry| entry.expect("it can be read").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let lines = std::fs::read_to_string(&files[0]).expect("it is text");
    for secret in [BOT, "nobodysToken", "demo-org-key"] {
        assert!(!lines.contains(secret) && !ran.stderr.contains(secret), "{secret} in\n{lines}\n{}", ran.stderr);
    }
    assert!(lines.contains(r#""path":"/admin/whitelist?api_key=<api_key_1>""#), "{lines}");
    // That it was stopped is nothing that could be replayed.
    assert_eq!(lines.matches("close").count(), 3, "{lines}");
    let given = [("token_1", BOT), ("token_2", "90:0:nobodysToken"), ("api_key_1", "demo-org-key")];
    replayed(&files[0], &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_record_does_not_start() {
    let home = home();
    let file = home.path().join("file");
    std::fs::write(&file, "").expect("the file can be written");
    let (data, record) = (home.path().join("data"), file.to_str().expect("paths of tests are text"));
    let data = data.to_str().expect("paths of tests are text");
    let ran = run(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", data, "--record", record]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--record"), "{}", ran.stderr);
}

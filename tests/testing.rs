//! What `guestlist::testing` promises the tests of others.

use std::fs;
use std::net::TcpStream;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use guestlist::gateway::Options;
use guestlist::testing::{Client, Gateway, Received, demo};
use guestlist::transcript::Transcript;
use serde_json::json;
use tokio::runtime::Builder;

#[tokio::test]
async fn each_gateway_has_a_port_and_a_state_of_its_own() {
    let (one, other) = (Gateway::start().await, Gateway::start().await);
    assert_ne!(one.address(), other.address());
    let message = json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": ["name@example.com"]});
    Client::sign_in(&one.url(), demo::BOT).await.call(message).await;
    let page = json!({"method": "getWhitelistUsers", "app_id": demo::APP});
    let mut counts = Vec::new();
    for gateway in [&one, &other] {
        let page = Client::sign_in(&gateway.url(), demo::ADMIN).await.call(&page).await;
        counts.push(page["signups"].as_array().map(Vec::len));
    }
    assert_eq!(counts, [Some(1), Some(0)]);
}

#[tokio::test]
async fn who_is_connected_when_it_stops_is_told_to_come_back() {
    let gateway = Gateway::start().await;
    let (address, mut client) = (gateway.address(), Client::sign_in(&gateway.url(), demo::BOT).await);
    let (received, ()) = tokio::join!(client.receive(), gateway.stop());
    assert!(matches!(&received, Received::Close(1001, reason) if !reason.is_empty()), "{received:?}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[tokio::test]
async fn dropped_it_is_gone_at_once() {
    let gateway = Gateway::start().await;
    let (address, mut client) = (gateway.address(), Client::sign_in(&gateway.url(), demo::BOT).await);
    drop(gateway);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    assert_eq!(client.receive().await, Received::Gone);
}

#[test]
fn a_test_without_a_runtime_can_have_one() {
    let gateway = Gateway::start_blocking();
    let http = gateway.http_url();
    assert!(TcpStream::connect(http.strip_prefix("http://").expect("it is an http URL")).is_ok());
    drop(gateway);
    assert!(std::panic::catch_unwind(|| drop(Gateway::start_blocking())).is_ok(), "and another one after it");
}

#[tokio::test]
async fn it_runs_as_it_is_told() {
    let gateway = Gateway::start_with(Options { error_method: true, ..Gateway::options() }).await;
    let mut client = Client::sign_in(&gateway.url(), demo::BARE_BOT).await;
    let refusal = client.call(json!({"method": "getApps", "reference": "r"})).await;
    assert_eq!((&refusal["method"], &refusal["reference"]), (&json!("error"), &json!("r")), "{refusal}");
}

#[tokio::test]
async fn a_replay_that_differs_fails_its_test_with_a_report() {
    let gateway = Gateway::start().await;
    let text = r#"
{"send":{"method":"TOKEN_AUTH","token":"demo-admin-token"}}
{"expect":{"method":"TOKEN_AUTH_OK","ID":"1","id":"1","name":"Somebody else","date":"<number>","is_nandbox":0,"localId":0,"email":null}}"#;
    let transcript = Transcript::parse("name.jsonl", text).expect("it is well formed");
    let replayed = AssertUnwindSafe(gateway.replay(&transcript)).catch_unwind().await;
    let panic = replayed.expect_err("the name is another one");
    let report = panic.downcast_ref::<String>().expect("a panic has a text");
    assert!(report.contains("name.jsonl:3"), "{report}");
    assert!(report.contains(r#"$.name: expected "Somebody else", got "Demo administrator""#), "{report}");
}

/// In a process of its own, so that no other test's gateways are among those counted.
#[test]
fn many_at_once_leave_no_thread_behind_however_they_end() {
    const ALONE: &str = "GUESTLIST_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let itself = std::env::current_exe().expect("a test knows its program");
        let mut alone = std::process::Command::new(itself);
        alone.args(["--exact", "many_at_once_leave_no_thread_behind_however_they_end"]).env(ALONE, "1");
        let ran = alone.output().expect("the program can be run");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    for runtime in [&mut Builder::new_current_thread(), &mut Builder::new_multi_thread()] {
        let runtime = runtime.enable_all().build().expect("the system gives a runtime");
        runtime.block_on(async {
            let ends = (0..24).map(|number| {
                tokio::spawn(async move {
                    if number % 4 == 3 {
                        // Whoever gives up before it has started.
                        drop(tokio::time::timeout(Duration::ZERO, Gateway::start()).await);
                        return;
                    }
                    let gateway = Gateway::start().await;
                    let client = Client::sign_in(&gateway.url(), demo::BOT).await;
                    match number % 4 {
                        0 => gateway.stop().await,
                        1 => drop(gateway),
                        _ => panic!("a test fails"),
                    }
                    drop(client);
                })
            });
            let failed = futures::future::join_all(ends).await.into_iter().filter(Result::is_err).count();
            assert_eq!(failed, 6);
        });
    }
    let is_gateway =
        |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "gateway");
    let left = || fs::read_dir("/proc/self/task").expect("it is Linux").flatten().filter(is_gateway).count();
    let begun = Instant::now();
    // Those that nobody waited for end by themselves.
    while left() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} threads are left", left());
        std::thread::yield_now();
    }
}

//! What a mock answers from transcripts alone.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use guestlist::testing::{Client, Gateway, Received, demo};
use guestlist::transcript::mock::{Mock, MockOptions, Script};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use guestlist::transcript::{Action, Transcript};
use serde_json::json;
use support::process::{Served, guestlist, run};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

const AUTH: &str = r#"{"secret":"token_1"}
{"send":{"method":"TOKEN_AUTH","token":"<token_1>","rem":true}}
{"expect":{"method":"TOKEN_AUTH_OK","name":"<string>","date":"<number>"}}
"#;

fn script(files: &[(&str, &str)]) -> Script {
    let transcripts = files.iter().map(|(name, text)| Transcript::parse(*name, *text).expect("it is well formed"));
    Script::read(&transcripts.collect::<Vec<_>>()).expect("a text can be read")
}

/// A mock of one transcript, after a sign-in.
async fn mock(lines: &str) -> Mock {
    let text = format!("{AUTH}{lines}");
    Mock::start(script(&[("t.jsonl", &text)]), MockOptions::default()).await.expect("port 0 is always free")
}

async fn signed_in(mock: &Mock) -> Client {
    Client::sign_in(&mock.url(), "any").await
}

#[tokio::test]
async fn every_transcript_replays_against_its_own_mock() {
    let mut differ = Vec::new();
    for path in transcripts(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))) {
        let transcript = Transcript::read(&path).expect("fixtures are well formed");
        // The mock speaks WebSocket only.
        let mut steps = transcript.steps().expect("fixtures can be read").map_while(Result::ok);
        if steps.any(|step| matches!(step.action, Action::Request(_))) {
            continue;
        }
        let read = Script::read(std::slice::from_ref(&transcript)).expect("fixtures can be read");
        let mock = Mock::start(read, MockOptions::default()).await.expect("port 0 is always free");
        if let Err(error) = replay(&transcript, &mock.url(), &ReplayOptions::default(), &mut ()).await {
            differ.push(error.report(false).to_string());
        }
    }
    assert!(differ.is_empty(), "{}", differ.concat());
}

/// The transcripts below a directory; those that only the seed and the journal have are others' business.
fn transcripts(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().expect("the directory can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the directory can be listed").path()).collect();
    paths.sort_unstable();
    paths.retain(|path| !path.ends_with("fixtures/demo.jsonl") && !path.ends_with("fixtures/journal"));
    let expand = |path: PathBuf| if path.is_dir() { transcripts(&path) } else { vec![path] };
    paths.into_iter().flat_map(expand).collect()
}

#[tokio::test]
async fn the_clients_own_reference_comes_back_byte_for_byte() {
    let lines = r#"{"send":{"method":"getApps","reference":7}}
{"expect":{"method":"getAppsResponse","reference":7,"apps":[1.50]}}
{"expect":{"method":"eventMessage","reference":8}}
{"send":{"method":"getBots"}}
{"expect":{"method":"getBotsResponse","bots":[]}}
{"send_text":"{\"method\":\"getUsers\",\"ref\":\"x\"}"}
{"expect_text":"{\"method\":\"getUsersResponse\", \"ref\":\"x\"}"}"#;
    let mock = mock(lines).await;
    let mut client = signed_in(&mock).await;
    client.send(r#"{"reference":12345678901234567.50,"method":"getApps"}"#).await;
    let answer = r#"{"method":"getAppsResponse","reference":12345678901234567.50,"apps":[1.50]}"#;
    assert_eq!(client.text().await, answer);
    assert_eq!(client.text().await, r#"{"method":"eventMessage","reference":8}"#, "a push keeps what it has");
    client.send(r#"{"method":"getApps"}"#).await;
    assert_eq!(client.text().await, r#"{"method":"getAppsResponse","apps":[1.50]}"#, "none, where none was sent");
    client.send(r#"{"method":"getBots","reference": "r" }"#).await;
    assert_eq!(client.text().await, r#"{"method":"getBotsResponse","bots":[],"reference":"r"}"#);
    client.send(r#"{"method":"getUsers","ref":[1, 2]}"#).await;
    assert_eq!(client.text().await, r#"{"method":"getUsersResponse","ref":[1, 2]}"#);
}

#[tokio::test]
async fn a_client_may_wait_where_the_recorded_one_did_not() {
    let lines = r#"{"send":{"method":"getApps","reference":1}}
{"send":{"method":"getBots","reference":2}}
{"send":{"method":"setApp"}}
{"expect":{"method":"getAppsResponse","reference":1}}
{"expect":{"method":"eventMessage","n":1}}
{"expect":{"method":"getBotsResponse","reference":2}}
{"expect":{"error":400,"request":"setApp"}}"#;
    let mock = mock(lines).await;
    let mut client = signed_in(&mock).await;
    assert_eq!(client.call(json!({"method": "getApps", "reference": 5})).await["reference"], 5);
    assert_eq!(client.json().await["n"], 1, "the push comes after what it came after");
    assert_eq!(client.call(json!({"method": "getBots", "reference": 6})).await["reference"], 6);
    assert_eq!(client.call(json!({"method": "setApp"})).await["error"], 400);

    let mut client = signed_in(&mock).await;
    for method in ["getApps", "getBots", "setApp"] {
        client.send(json!({"method": method})).await;
    }
    let mut told = Vec::new();
    for _ in 0..4 {
        let frame = client.json().await;
        told.push(frame["method"].as_str().or(frame["request"].as_str()).expect("it has one").to_owned());
    }
    assert_eq!(told, ["getAppsResponse", "eventMessage", "getBotsResponse", "setApp"], "in the order of the lines");
}

#[tokio::test]
async fn the_way_goes_forward_and_what_was_before_is_answered_again() {
    let lines = r#"{"send":{"method":"getApps"}}
{"expect":{"method":"getAppsResponse","n":1}}
{"expect":{"method":"eventMessage"}}
{"send":{"method":"PING"}}
{"expect":{"method":"PONG"}}
{"send":{"method":"getApps"}}
{"expect":{"method":"getAppsResponse","n":2}}"#;
    let mock = mock(lines).await;
    let mut client = signed_in(&mock).await;
    let ping = json!({"method": "PING"});
    assert_eq!(client.call(&ping).await["method"], "PONG", "a PING is answered at any place");
    assert_eq!(client.call(json!({"method": "getApps"})).await["n"], 1, "and passes over nothing");
    assert_eq!(client.json().await["method"], "eventMessage");
    for n in [2, 2] {
        assert_eq!(client.call(json!({"method": "getApps"})).await["n"], n);
    }
    assert_eq!(client.call(&ping).await["method"], "PONG");
}

#[tokio::test]
async fn placeholders_get_values_that_stay() {
    let lines = r#"{"send":{"method":"setChat","name":"a"}}
{"expect":{"method":"setChat_ack","id":"<digits as id>","at":"<time>","uuid":"<uuid>","b":"<boolean>","n":["<integer>"]}}
{"send":{"method":"setChat","name":"b"}}
{"expect":{"method":"setChat_ack","id":"<digits as other>"}}
{"send":{"method":"removeChat","id":"<id>"}}
{"expect":{"method":"removeChat_ack","id":"<id>"}}
{"send":{"method":"removeChat","id":"<other>"}}
{"expect":{"method":"removeChat_ack","id":"<other>","last":true}}"#;
    let mock = mock(lines).await;
    let mut client = signed_in(&mock).await;
    let first = client.call(json!({"method": "setChat", "name": "a"})).await;
    assert_eq!((&first["id"], &first["b"], &first["n"]), (&json!("1"), &json!(false), &json!([0])), "{first}");
    assert_eq!(first["uuid"].as_str().map(str::len), Some(36));
    let other = client.call(json!({"method": "setChat", "name": "b"})).await;
    assert_eq!(other["id"], "2");
    let removed = client.call(json!({"method": "removeChat", "id": "2"})).await;
    assert_eq!(removed, json!({"method": "removeChat_ack", "id": "2", "last": true}), "the value tells which it is");
}

#[tokio::test]
async fn a_name_that_one_connection_binds_another_may_ask_for() {
    let text = r#"{"on":"admin","send":{"method":"setChat"}}
{"on":"admin","expect":{"method":"setChat_ack","id":"<digits as id>"}}
{"send":{"method":"getChats"}}
{"expect":{"method":"getChatsResponse","ids":["<id>"]}}"#;
    let mock = Mock::start(script(&[("t.jsonl", text)]), MockOptions::default()).await.expect("port 0 is always free");
    let page = json!({"method": "getChats"});
    assert_eq!(Client::connect(&mock.url()).await.call(&page).await["ids"], json!(["1"]), "made when it is needed");
    let made = Client::connect(&mock.url()).await.call(json!({"method": "setChat"})).await;
    assert_eq!(Client::connect(&mock.url()).await.call(&page).await["ids"], json!([made["id"]]));
}

#[tokio::test]
async fn connections_are_told_apart_by_their_first_frames_and_by_what_follows() {
    let a = format!(
        "{AUTH}{}",
        r#"{"send":{"method":"getApps"}}
{"expect":{"method":"getAppsResponse","from":"a"}}"#
    );
    let b = format!(
        "{AUTH}{}",
        r#"{"send":{"method":"getBots"}}
{"expect":{"method":"getBotsResponse","from":"b"}}
{"send":{"method":"first"},"on":"other"}
{"expect":{"method":"first_ack"},"on":"other"}"#
    );
    let read = script(&[("a.jsonl", &a), ("b.jsonl", &b)]);
    let mock = Mock::start(read, MockOptions::default()).await.expect("port 0 is always free");
    let mut clients = [signed_in(&mock).await, signed_in(&mock).await];
    for client in &mut clients {
        assert_eq!(client.call(json!({"method": "getApps"})).await["from"], "a");
        assert_eq!(client.call(json!({"method": "getBots"})).await["from"], "b", "another that began so goes on");
    }
    assert_eq!(Client::connect(&mock.url()).await.call(json!({"method": "first"})).await["method"], "first_ack");
    assert_eq!(clients[0].call(json!({"method": "first"})).await["error"], 404, "this one began otherwise");
}

#[tokio::test]
async fn a_name_of_one_file_is_no_name_of_another() {
    let text = |method: &str| {
        format!(
            "{AUTH}{{\"send\":{{\"method\":\"{method}\"}}}}\n{{\"expect\":{{\"method\":\"{method}_ack\",\"id\":\"<digits as id>\"}}}}"
        )
    };
    let read = script(&[("a.jsonl", &text("setChat")), ("b.jsonl", &text("setUser"))]);
    let mock = Mock::start(read, MockOptions::default()).await.expect("port 0 is always free");
    let mut client = signed_in(&mock).await;
    assert_eq!(client.call(json!({"method": "setChat"})).await["id"], "1");
    assert_eq!(client.call(json!({"method": "setUser"})).await["id"], "2");
    assert_eq!(client.call(json!({"method": "setUser"})).await["id"], "2", "the same again");
}

#[tokio::test]
async fn who_signs_in_with_another_token_is_somebody_else() {
    let text = r#"{"secret":"token_1"}
{"secret":"token_2"}
{"on":"c1","send":{"method":"TOKEN_AUTH","token":"<token_1>"}}
{"on":"c1","expect":{"method":"TOKEN_AUTH_OK","name":"one"}}
{"on":"c2","send":{"method":"TOKEN_AUTH","token":"<token_2>"}}
{"on":"c2","expect":{"method":"TOKEN_AUTH_OK","name":"two"}}"#;
    let mock = Mock::start(script(&[("t.jsonl", text)]), MockOptions::default()).await.expect("port 0 is always free");
    let mut names = Vec::new();
    for token in ["A", "B", "A", "B", "C"] {
        let sign_in = json!({"method": "TOKEN_AUTH", "token": token});
        names.push(Client::connect(&mock.url()).await.call(sign_in).await["name"].clone());
    }
    assert_eq!(names, ["one", "two", "one", "two", "one"]);
}

#[tokio::test]
async fn of_connections_that_begin_alike_the_next_client_plays_the_next() {
    let text = r#"{"send":{"method":"hello"}}
{"expect":{"method":"hello_ack","n":1}}
{"on":"again","send":{"method":"hello"}}
{"on":"again","expect":{"method":"hello_ack","n":2}}"#;
    let mock = Mock::start(script(&[("t.jsonl", text)]), MockOptions::default()).await.expect("port 0 is always free");
    for n in [1, 2, 1] {
        assert_eq!(Client::connect(&mock.url()).await.call(json!({"method": "hello"})).await["n"], n);
    }
}

#[tokio::test]
async fn closes_come_as_recorded() {
    for (expected, received) in [
        (r#"{"code":1008,"reason":"no"}"#, Received::Close(1008, "no".to_owned())),
        ("1005", Received::Gone),
        ("1006", Received::Gone),
    ] {
        let lines =
            format!("{{\"send\":{{\"method\":\"bye\"}}}}\n{{\"expect\":{{\"n\":1}}}}\n{{\"expect_close\":{expected}}}");
        let mock = mock(&lines).await;
        let mut client = signed_in(&mock).await;
        assert_eq!(client.call(json!({"method": "bye"})).await["n"], 1);
        assert_eq!(client.receive().await, received, "{expected}");
    }
}

#[tokio::test]
async fn a_frame_that_no_transcript_has_is_refused_and_told_without_its_secrets() {
    let lines = r#"{"send":{"method":"addToWhitelist","signups":["a","b"],"app_id":"1"}}
{"expect":{"method":"addToWhitelist_ack"}}
{"send":{"method":"getApps"}}
{"expect":{"method":"getAppsResponse"}}"#;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let options = MockOptions {
        told: Box::new(move |unknown| listener.lock().expect("nobody panics").push(unknown.to_string())),
        ..MockOptions::default()
    };
    let text = format!("{AUTH}{lines}");
    let mock = Mock::start(script(&[("t.jsonl", &text)]), options).await.expect("port 0 is always free");
    let mut client = signed_in(&mock).await;
    let frame = r#"{"method":"addToWhitelist","signups":["a","c"],"app_id":"1","bot_token":"s3cret","reference":9}"#;
    let refusal = client.call(frame).await;
    assert_eq!(
        (&refusal["error"], &refusal["request"], &refusal["reference"]),
        (&json!(404), &json!("addToWhitelist"), &json!(9))
    );
    let message = refusal["message"].as_str().expect("a refusal says why");
    assert!(message.contains("t.jsonl:4, which differs at $.signups[1], $.bot_token"), "{message}");
    assert_eq!(client.call(json!({"method": "getApps"})).await["method"], "getAppsResponse", "the connection stays");
    assert_eq!(client.call(r#"{"apiKey":"s3cret""#).await["error"], 404);
    let hidden =
        r#"{"method":"x","note":"see ?api_key=s3cret","passphrase":"s3cret","session_id":7,"page":{"token":"p2"}}"#;
    assert_eq!(client.call(hidden).await["error"], 404);
    let bytes = Message::binary(r#"{"private_key":"s3cret"}"#.as_bytes().to_vec());
    futures::SinkExt::send(&mut client.0, bytes).await.expect("the connection takes frames");
    assert_eq!(client.json().await["error"], 404);
    assert_eq!(mock.stop().await, (1, 4));
    let told = told.lock().expect("nobody panics").concat();
    assert!(told.contains(r#""signups":["a","c"]"#) && told.contains("t.jsonl:4"), "{told}");
    let in_hexadecimal = "73 33 63 72 65 74";
    assert!(!told.contains("s3cret") && !told.contains(in_hexadecimal), "{told}");
    assert!(told.contains(r#""note":"…","passphrase":"…","session_id":"…","page":{"token":"p2"}"#), "{told}");
    assert!(told.contains(r#""bot_token":"…","reference":9}"#), "all else is shown as it came: {told}");
}

#[tokio::test]
async fn texts_and_bytes_are_matched_exactly() {
    let text = r#"{"send_text":"not json"}
{"expect":{"error":400,"message":"bad"}}
{"send_binary":"c3 28"}
{"expect":{"error":400,"message":"binary"}}
{"send_text_hex":"c3 28"}
{"expect_close":1007}"#;
    let mock = Mock::start(script(&[("t.jsonl", text)]), MockOptions::default()).await.expect("port 0 is always free");
    let mut client = Client::connect(&mock.url()).await;
    for _ in 0..2 {
        assert_eq!(client.call("not json").await["message"], "bad");
    }
    futures::SinkExt::send(&mut client.0, Message::binary(vec![0xc3, 0x28]))
        .await
        .expect("the connection takes frames");
    assert_eq!(client.json().await["message"], "binary");
    assert_eq!(client.call("not Json").await["error"], 404);
}

#[tokio::test]
async fn a_push_comes_at_its_time() {
    let text = r#"{"send":{"method":"getApps"},"at_ms":1000}
{"expect":{"method":"getAppsResponse"},"at_ms":1900}
{"expect":{"method":"eventMessage"},"at_ms":61000}
{"expect":{"method":"eventMessage","n":2}}
{"send":{"method":"getBots"},"at_ms":62000}
{"expect":{"method":"getBotsResponse"},"at_ms":62000}"#;
    let options = MockOptions { speed: Some(100.0), ..MockOptions::default() };
    let mock = Mock::start(script(&[("t.jsonl", text)]), options).await.expect("port 0 is always free");
    let mut client = Client::connect(&mock.url()).await;
    let begun = Instant::now();
    client.call(json!({"method": "getApps"})).await;
    assert_eq!(client.call(json!({"method": "getBots"})).await["method"], "getBotsResponse", "nothing else waits");
    assert_eq!(client.json().await["method"], "eventMessage");
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    assert_eq!(client.json().await["n"], 2, "and what came with it");
}

#[tokio::test]
async fn what_no_transcript_has_goes_to_the_server_spied_upon() {
    let gateway = Gateway::start().await;
    let options = MockOptions { spy: Some(gateway.url()), ..MockOptions::default() };
    let text = format!(
        "{AUTH}{}",
        r#"{"send":{"method":"getApps","reference":2}}
{"expect":{"method":"getAppsResponse","apps":"mocked","reference":2}}"#
    );
    let mock = Mock::start(script(&[("t.jsonl", &text)]), options).await.expect("port 0 is always free");
    let mut client = Client::sign_in(&mock.url(), demo::ADMIN).await;
    assert_eq!(client.call(json!({"method": "getApps", "reference": 5})).await["apps"], "mocked");
    let bots = client.call(json!({"method": "getBots", "reference": 6})).await;
    assert_eq!(bots["reference"], 6, "{bots}");
    assert_eq!(bots["bots"].as_array().map(Vec::len), Some(3), "{bots}");
    assert_eq!(client.call(json!({"method": "getApps", "reference": 7})).await["apps"], "mocked");
    assert_eq!(mock.unknown(), 0);
    let mut stranger = Client::sign_in(&mock.url(), "no such token").await;
    let refused = stranger.call(json!({"method": "getBots"})).await;
    assert_eq!(refused["error"], 401, "what the server says to a token is heard: {refused}");
}

/// A transcript in a file of its own.
fn file(text: &str) -> (TempDir, String) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("t.jsonl");
    fs::write(&path, format!("{AUTH}{text}")).expect("the directory can be written");
    let path = path.to_str().expect("paths of tests are text").to_owned();
    (home, path)
}

#[tokio::test]
async fn the_command_says_where_it_listens_and_ends_with_1_where_a_frame_was_unknown() {
    let (home, path) = file("");
    for (known, code) in [(true, 0), (false, 1)] {
        let served = Served::start_command(&mut guestlist(&["mock", &path]), &home.path().join(format!("log{code}")));
        let mut client = Client::sign_in(&served.url, "t").await;
        let message = if known { json!({"method": "PING"}) } else { json!({"method": "setBot", "token": "s3cret"}) };
        client.call(message).await;
        let ran = served.stop();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(
            ran.stderr.contains(r#"sent what no transcript has: {"method":"setBot","token":"…"}"#),
            !known,
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
    }
}

#[tokio::test]
async fn requests_over_http_are_not_mocked_and_that_is_said_once_by_file_and_line() {
    let request = r#"{"on":"web","request":{"method":"GET","path":"/livez"}}
{"on":"web","response":{"status":200,"body_text":"ok\n"}}
"#;
    let (home, path) = file(&request.repeat(2));
    let served = Served::start_command(&mut guestlist(&["mock", &path]), &home.path().join("log"));
    Client::sign_in(&served.url, "t").await;
    let ran = served.stop();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("requests over HTTP").count(), 1, "{ran:?}");
    assert!(ran.stderr.contains("t.jsonl:4: only WebSockets are mocked"), "{ran:?}");
    fs::write(&path, request).expect("the file can be written");
    let ran = run(&["mock", &path]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("t.jsonl:1: only WebSockets"), "{ran:?}");
    assert!(ran.stderr.contains("no client sends anything over a WebSocket"), "{ran:?}");
}

#[tokio::test]
async fn once_means_until_the_first_client_has_gone() {
    let (home, path) = file("");
    let mut command = guestlist(&["mock", &path, "--once"]);
    let served = Served::start_command(&mut command, &home.path().join("log"));
    let begun = Instant::now();
    drop(Client::sign_in(&served.url, "t").await);
    let ran = served.rest();
    assert_eq!(ran.code, Some(0), "{ran:?} after {:?}", begun.elapsed());
    assert!(ran.stderr.contains("clients: 1, refused frames: 0"), "{ran:?}");
}

#[test]
fn what_cannot_be_mocked_is_refused_at_once() {
    let (_home, path) = file("{\"send\":");
    let ran = run(&["mock", &path]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("t.jsonl:4:9: the line is cut short"), "{ran:?}");
    let silent = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(silent.path(), "{\"note\":\"nobody speaks\"}\n").expect("it can be written");
    let ran = run(&["mock", silent.path().to_str().expect("paths of tests are text")]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("nothing to answer"), "{ran:?}");
    let ran = run(&["mock", &path, "--speed", "0"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("how many times faster"), "{ran:?}");
}

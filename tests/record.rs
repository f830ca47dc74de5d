//! What passes through `guestlist record` is what was sent, and what it writes is a transcript without secrets.

#[path = "record/recorder.rs"]
mod recorder;
mod support;
#[path = "record/tls.rs"]
mod tls;

use std::io;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use guestlist::transcript::Transcript;
use guestlist::transcript::bindings::Bindings;
use guestlist::transcript::exchange::Way;
use guestlist::transcript::json::Json;
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::record::{Cut, Recording, Rules, Tap};
use guestlist::transcript::replay::replay;
use recorder::{Recorder, StandIn, ask, must_be_transcript, upgrade};
use support::process::{Served, run};
use support::{APP, BOT, Client, gateway};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Above anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// The actions of a recording, without times; `on` stays where there are several connections.
fn steps(lines: &str) -> Vec<String> {
    let bare = |line: &str| {
        let (_, rest) = line.split_once(r#","on":"#).expect("every line says on which connection");
        let (on, rest) = rest.split_once(',').expect("every line has an action");
        assert!(line.starts_with(r#"{"at_ms":"#) && on.starts_with("\"c"), "{line}");
        format!("{}: {{{rest}", on.trim_matches('"'))
    };
    lines.lines().map(bare).collect()
}

async fn replayed(path: &Path, given: &[(&str, &str)]) {
    let fresh = home();
    let gateway = gateway(fresh.path()).await;
    let mut bindings = Bindings::default();
    given.iter().for_each(|(name, value)| bindings.insert(*name, Json::String((*value).to_owned())));
    let options = ReplayOptions { given: bindings, ..ReplayOptions::default() };
    let transcript = Transcript::read(path).expect("what is recorded can be read");
    let outcome = replay(&transcript, &gateway.url(), &options, &mut ()).await;
    outcome.unwrap_or_else(|error| panic!("{}", error.report(false)));
    gateway.stop().await;
}

/// A text frame as a client sends it, masked.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 126);
    let mask = [7, 77, 177, 27];
    let payload = text.bytes().enumerate().map(|(index, byte)| byte ^ mask[index % 4]);
    [0x81, 0x80 | length].into_iter().chain(mask).chain(payload).collect()
}

/// A text frame as a gateway sends it.
fn plain(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 126);
    [0x81, length].into_iter().chain(text.bytes()).collect()
}

async fn must_read(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    let all = timeout(PATIENCE, stream.read_exact(&mut read)).await.expect("all comes");
    all.expect("the connection holds");
    assert_eq!(read, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_passes_both_ways_whatever_it_is() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let (mut gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    // A message in three frames with a ping between, a pong nobody asked for, an unmasked frame, and then no WebSocket at all.
    let mut odd = masked(r#"{"method":"PING"}"#);
    odd.extend([0x01, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'e' ^ 2]);
    odd.extend([0x89, 0x81, 0, 0, 0, 0, b'!', 0x00, 0x80, 9, 9, 9, 9, 0x80, 0x83, 0, 0, 0, 0, b'l', b'l', b'o']);
    odd.extend([0x8a, 0x80, 1, 1, 1, 1]);
    odd.extend(plain("unmasked"));
    odd.extend([0xff; 300]);
    odd.extend((0..200_000_u32).flat_map(u32::to_le_bytes));
    let (sent, read) = tokio::join!(client.write_all(&odd), must_read(&mut gateway, &odd));
    (sent.expect("the recorder reads"), read);
    let mut odd = plain(r#"{"method":"PONG"}"#);
    odd.extend([0x89, 0x00, 0xc1, 0x01, b'z']);
    odd.extend(vec![0x55; 300_000]);
    let (sent, read) = tokio::join!(gateway.write_all(&odd), must_read(&mut client, &odd));
    (sent.expect("the recorder reads"), read);
    drop((client, gateway));
    let (lines, _) = recorder.stop();
    let steps = steps(&lines);
    let of = |word: &str| steps.iter().filter(|step| step.contains(word)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        of("send"),
        [
            r#"c1: {"send":{"method":"PING"}}"#,
            r#"c1: {"send_text":"hello"}"#,
            r#"c1: {"send_text":"unmasked"}"#,
            r#"c1: {"note":"what the client sends from here on is not WebSocket; it passes unread"}"#,
            r#"c1: {"note":"what the gateway sends from here on is not WebSocket; it passes unread"}"#,
        ]
    );
    assert_eq!(of("expect")[0], r#"c1: {"expect":{"method":"PONG"}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_request_only_host_path_and_extensions_are_changed() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let more = "Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://x:1\r\nX-Odd-CASE: a  b\r\n";
    let ((_client, request), (_gateway, head)) = tokio::join!(ask(&recorder, more), stand_in.accept());
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..].sort_unstable();
        lines
    };
    let expected = request
        .replace("GET /nandbox/api/ ", "GET /there/?x=1 ")
        .replace(recorder.authority(), &stand_in.authority())
        .replace("Sec-WebSocket-Extensions: permessage-deflate\r\n", "");
    assert_eq!(lines(&head), lines(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upgrade_passes_as_it_is() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let ((mut client, _), (mut gateway, _)) = tokio::join!(ask(&recorder, ""), stand_in.accept());
    let refusal = "HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno";
    gateway.write_all(refusal.as_bytes()).await.expect("the recorder reads");
    let head = recorder::head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n") && head.contains("X-Why: because\r\n"), "{head}");
    must_read(&mut client, b"no").await;
    let (lines, said) = recorder.stop();
    assert_eq!(lines, "");
    assert!(said.contains("is refused with 403"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_passes_as_an_end_and_a_cut_as_a_cut() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    // The client ends its half; the gateway still says something, and ends its own.
    let (mut gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    client.write_all(&masked("{}")).await.expect("the recorder reads");
    client.shutdown().await.expect("the connection holds");
    must_read(&mut gateway, &masked("{}")).await;
    assert_eq!(
        timeout(PATIENCE, gateway.read_u8()).await.expect("the end comes").unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
    gateway.write_all(&plain("{}")).await.expect("the other half holds");
    drop(gateway);
    must_read(&mut client, &plain("{}")).await;
    assert_eq!(timeout(PATIENCE, client.read(&mut [0])).await.expect("the end comes").expect("it is no cut"), 0);
    // The client is cut off.
    let (mut gateway, client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    client.set_zero_linger().expect("the connection holds");
    drop(client);
    let cut = timeout(PATIENCE, gateway.read_u8()).await.expect("the cut comes").unwrap_err();
    assert_eq!(cut.kind(), io::ErrorKind::ConnectionReset);
    // The gateway is cut off.
    let (gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    gateway.set_zero_linger().expect("the connection holds");
    drop(gateway);
    let cut = timeout(PATIENCE, client.read_u8()).await.expect("the cut comes").unwrap_err();
    assert_eq!(cut.kind(), io::ErrorKind::ConnectionReset);
    let (lines, _) = recorder.stop();
    assert_eq!(
        steps(&lines),
        [
            r#"c1: {"send":{}}"#,
            r#"c1: {"expect":{}}"#,
            r#"c1: {"close":1006}"#,
            r#"c2: {"close":1006}"#,
            r#"c3: {"expect_close":1006}"#
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_bots_that_come_again_replays_on_a_fresh_gateway() {
    let (home, data) = (home(), home());
    let gateway = gateway(data.path()).await;
    let recorder = Recorder::start(&home, &gateway.url(), &[]);
    for (round, reference) in ["1.50", "12345678901234567"].into_iter().enumerate() {
        let mut bot = Client::sign_in(&recorder.url, BOT).await;
        let add = format!(
            r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a{round}@x.example"],"reference":{reference}}}"#
        );
        assert!(bot.call(add).await["signups"][0]["id"].is_string());
        bot.send("not json").await;
        assert!(bot.text().await.contains("400"));
        bot.0
            .close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
            .await
            .expect("the connection holds");
        while let support::Received::Text(_) = bot.receive().await {}
    }
    let mut admin = Client::sign_in(&recorder.url, support::ADMIN).await;
    let share = r#"{"method":"setShare","user_id":1,"chat_id":123,"share_id":900}"#;
    let uuid = admin.call(share).await["share_uuid"].as_str().unwrap_or("none").to_owned();
    let rotated = admin.call(r#"{"method":"rotateBotToken","bot_id":"90091784056528981"}"#).await;
    let token = rotated["token"].as_str().expect("a token is shown").to_owned();
    let mut again = Client::sign_in(&recorder.url, &token).await;
    again.call(r#"{"method":"PING"}"#).await;
    drop((admin, again));
    let path = recorder.out.clone();
    let (lines, said) = recorder.stop();
    gateway.stop().await;
    for secret in [BOT, support::ADMIN, &token] {
        assert!(!lines.contains(secret) && !said.contains(secret), "{secret} in\n{lines}\n{said}");
    }
    assert!(uuid == "none" || !lines.contains(&uuid), "{lines}");
    let secrets = steps(&lines).iter().filter(|step| step.contains(r#"{"secret":"#)).count();
    assert_eq!(secrets, 2, "{lines}");
    assert!(lines.contains(r#""token":"<string as token_3>""#) && lines.contains(r#""token":"<token_3>""#), "{lines}");
    assert!(said.contains("--bind token_1=… --bind token_2=…"), "{said}");
    replayed(&path, &[("token_1", BOT), ("token_2", support::ADMIN)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_in_whatever_form_it_passes() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let (mut gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    let (token, password) = ("90:0:Sekr\"et/Tok en", "Pa55-wörd");
    let escaped: String = token.chars().map(|char| format!("\\u{:04x}", u32::from(char))).collect();
    for text in [
        &format!(r#"{{"token":{}}}"#, Json::String(token.to_owned())),
        &format!(r#"{{"a":"{escaped}"}}"#),
        &format!(r#"{{"a":"x{escaped}"}}"#),
        &format!(r#"["{escaped}"]"#),
        &format!("say {token}"),
        &format!(r#"{{"password":"{password}""#),
        &format!(r#"{{"password":"{password}"}}"#),
        &format!(r#"{{"{password}":1}}"#),
    ] {
        client.write_all(&masked(text)).await.expect("the recorder reads");
        must_read(&mut gateway, &masked(text)).await;
        gateway.write_all(&plain(text)).await.expect("the recorder reads");
        must_read(&mut client, &plain(text)).await;
    }
    client.write_all(&masked(r#"{"last":1}"#)).await.expect("the recorder reads");
    must_read(&mut gateway, &masked(r#"{"last":1}"#)).await;
    let path = recorder.out.clone();
    let (lines, said) = recorder.stop();
    must_be_transcript(&path);
    assert!(lines.contains(r#"{"last":1}"#), "{lines}");
    for trace in ["Sekr", "Tok en", "55-w", "u0053", "\u{f6}"] {
        assert!(!lines.contains(trace) && !said.contains(trace), "{trace} in\n{lines}\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_that_is_killed_leaves_whole_lines() {
    let (home, data) = (home(), home());
    let gateway = gateway(data.path()).await;
    let recorder = Recorder::start(&home, &gateway.url(), &[]);
    let mut bot = Client::sign_in(&recorder.url, BOT).await;
    for reference in 0..500 {
        bot.send(format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}","reference":{reference}}}"#)).await;
        if reference % 50 == 49 {
            for _ in 0..50 {
                bot.text().await;
            }
        }
    }
    // What has been answered is written as soon as nothing more passes.
    let all = async {
        while !recorder.written().contains(r#""reference":499}}"#) || recorder.written().lines().count() < 1_003 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all).await.expect("all that passed is written");
    // And more, of which nobody knows how much is written.
    for reference in 500..600 {
        bot.send(format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}","reference":{reference}}}"#)).await;
    }
    let lines = recorder.kill();
    let whole = lines.rfind('\n').map_or("", |end| &lines[..=end]);
    assert!(whole.lines().count() >= 1_003);
    Transcript::parse("killed", whole).expect("every whole line can be read");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_however_fast_it_passes() {
    const FRAMES: usize = 20_000;
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let (gateway, client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    let bytes: Vec<u8> = (0..FRAMES).flat_map(|number| masked(&format!(r#"{{"n":{number}}}"#))).collect();
    let (mut read, mut written) = (gateway, client);
    let (sent, ()) = tokio::join!(written.write_all(&bytes), must_read(&mut read, &bytes));
    sent.expect("the recorder reads");
    let (lines, said) = recorder.stop();
    let expected: Vec<_> = (0..FRAMES).map(|number| format!(r#"c1: {{"send":{{"n":{number}}}}}"#)).collect();
    assert!(steps(&lines) == expected, "{} lines\n{said}", lines.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_there_is_told_and_the_recording_goes_on() {
    let stand_in = StandIn::start().await;
    let (home, address) = (home(), stand_in.authority());
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    drop(stand_in);
    let (mut client, _) = ask(&recorder, "").await;
    let head = recorder::head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(recorder.said().contains("the gateway cannot be reached"), "{}", recorder.said());
    let back = StandIn::again(TcpListener::bind(address).await.expect("the port is free again"));
    let (mut gateway, mut client) = tokio::join!(back.upgraded(), upgrade(&recorder));
    client.write_all(&masked("{}")).await.expect("the recorder reads");
    must_read(&mut gateway, &masked("{}")).await;
    let (lines, _) = recorder.stop();
    assert!(lines.contains(r#""send":{}"#), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_gateway_is_reached_if_its_authority_is_trusted() {
    let (home, data) = (home(), home());
    let gateway = gateway(data.path()).await;
    let authority = tls::Authority::new(home.path());
    let port = authority.before(gateway.address()).await;
    let url = format!("wss://localhost:{port}/nandbox/api/");
    let recorder = Recorder::start(&home, &url, &[]);
    let (mut client, _) = ask(&recorder, "").await;
    assert!(recorder::head(&mut client).await.starts_with("HTTP/1.1 502 "));
    let (_, said) = recorder.stop();
    assert!(said.contains("UnknownIssuer"), "{said}");

    let ca = authority.file.to_str().expect("paths of tests are text");
    let recorder = Recorder::start(&home, &url, &["--force", "--ca", ca]);
    let mut bot = Client::sign_in(&recorder.url, BOT).await;
    let add = format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a@x.example"]}}"#);
    assert_eq!(bot.call(add).await["method"], "addToWhitelist_ack");
    drop(bot);
    let path = recorder.out.clone();
    recorder.stop();
    gateway.stop().await;
    replayed(&path, &[("token_1", BOT)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_pass_and_are_recorded_with_their_answers() {
    let (home, data) = (home(), home());
    let gateway = gateway(data.path()).await;
    let recorder = Recorder::start(&home, &gateway.url(), &[]);
    let mut client = TcpStream::connect(recorder.authority()).await.expect("the recorder listens");
    let log_in = r#"{"email":"owner@example.com","password":"Demo-pass-1!"}"#;
    let (head, body) = request(&mut client, "POST /api/auth/login", &["content-type: application/json"], log_in).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && body.contains("primary_email"), "{head}{body}");
    let session =
        head.split("neptun-session=").nth(1).and_then(|rest| rest.split(';').next()).expect("a cookie is set");
    let cookie = format!("cookie: neptun-session={session}");
    let (head, _) = request(&mut client, "HEAD /api/auth/check", &[&cookie], "").await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    let (head, body) = request(&mut client, "GET /admin/whitelist?api_key=demo%2Dorg-key", &[], "").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}{body}");
    let bearer = format!("authorization: Bearer {BOT}");
    let (head, body) = request(&mut client, "POST /api/getApps", &[&bearer], "{}").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}{body}");
    let (lines, said) = recorder.stop();
    gateway.stop().await;
    for secret in ["Demo-pass-1!", session, "demo-org-key", "demo%2Dorg-key", BOT] {
        assert!(!lines.contains(secret) && !said.contains(secret), "{secret} in\n{lines}\n{said}");
    }
    let steps = steps(&lines);
    let starts =
        |index: usize, text: &str| assert!(steps[index].starts_with(text), "{index} is no {text} but {steps:#?}");
    assert_eq!(steps[0], r#"c1: {"secret":"password_1"}"#);
    starts(
        1,
        r#"c1: {"request":{"method":"POST","path":"/api/auth/login","headers":{"content-type":"application/json"},"body":{"email":"owner@example.com","password":"<password_1>"}}}"#,
    );
    starts(
        2,
        r#"c1: {"response":{"status":200,"headers":{"content-type":"application/json","set-cookie":"neptun-session=<string as session_1>; "#,
    );
    starts(
        3,
        r#"c1: {"request":{"method":"HEAD","path":"/api/auth/check","headers":{"cookie":"neptun-session=<session_1>"}}}"#,
    );
    assert_eq!(steps[4], r#"c1: {"response":{"status":204}}"#);
    starts(6, r#"c1: {"request":{"method":"GET","path":"/admin/whitelist?api_key=<api_key_1>"}}"#);
    starts(
        9,
        r#"c1: {"request":{"method":"POST","path":"/api/getApps","headers":{"authorization":"Bearer <token_1>"},"body":{}}}"#,
    );
    starts(10, r#"c1: {"response":{"status":403,"#);
}

/// Sends a request and reads its answer: the head and the body.
async fn request(client: &mut TcpStream, line: &str, headers: &[&str], body: &str) -> (String, String) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {length}\r\n") };
    let text = format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}{length}\r\n{body}");
    client.write_all(text.as_bytes()).await.expect("the recorder reads");
    let head = recorder::head(client).await;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).await.expect("a body is as long as it says");
    (head, String::from_utf8(body).expect("it is text"))
}

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
    assert!(matches!(refused.receive().await, support::Received::Close(1008, _)));
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
    let conversation: String = lines
        .lines()
        .filter(|line| !line.contains("api_key_1") && !line.contains("\"response\""))
        .map(|line| format!("{line}\n"))
        .collect();
    let file = home.path().join("conversation.jsonl");
    std::fs::write(&file, conversation).expect("the file can be written");
    replayed(&file, &[("token_1", BOT), ("token_2", "90:0:nobodysToken")]).await;
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

#[test]
fn a_file_that_exists_is_not_written_over_unless_asked() {
    let home = home();
    let out = home.path().join("mine.jsonl");
    std::fs::write(&out, "mine").expect("the file can be written");
    let path = out.to_str().expect("paths of tests are text");
    let ran = run(&["record", "--upstream", "ws://127.0.0.1:1/", "--out", path]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("exists") && ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&out).expect("it is there"), "mine");
    for url in ["http://127.0.0.1:1/", "127.0.0.1:1", "ws://", "ws://a:b@c/"] {
        let ran = run(&["record", "--upstream", url, "--out", path, "--force"]);
        assert!(ran.code == Some(2) && ran.stderr.contains("is no address of a gateway"), "{url}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_recording_ends_where_it_would_grow_too_long_or_fall_behind() {
    let home = home();
    let start = |name: &str, bytes| {
        let file = std::fs::File::create_new(home.path().join(name)).expect("the file can be made");
        Recording::start(file, Rules::default(), bytes, false).expect("the system has threads")
    };
    let mut recording = start("short", Some(200));
    let mut tap = Tap::new(recording.recorder().line(), Way::Sent);
    for number in 0..10 {
        if tap.try_take(&masked(&format!(r#"{{"n":{number}}}"#))).is_err() {
            break;
        }
    }
    let (_, ended) = timeout(PATIENCE, recording.ended()).await.expect("it ends by itself");
    assert!(matches!(ended, Err(Cut::Full(200))), "{ended:?}");
    let written = std::fs::read_to_string(home.path().join("short")).expect("it is there");
    assert!(written.len() <= 200 && (written.is_empty() || written.ends_with('\n')), "{written}");
    assert!(tap.try_take(&masked("{}")).is_err());
}

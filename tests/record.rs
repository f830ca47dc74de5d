//! What `guestlist record` writes is a transcript without secrets, and replays.

#[path = "record/itself.rs"]
mod itself;
#[path = "record/passing.rs"]
mod passing;
#[path = "record/recorder.rs"]
mod recorder;
mod support;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use guestlist::transcript::Transcript;
use guestlist::transcript::exchange::Way;
use guestlist::transcript::json::Json;
use guestlist::transcript::record::{Cut, Recording, Rules, Tap};
use recorder::{PATIENCE, Recorder, StandIn, ask, home, masked, must_read, plain, replayed, request, steps, upgrade};
use support::authority::Authority;
use support::process::run;
use support::{ADMIN, APP, BOT, Client, Received, gateway, options};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// The flag by which a full pipe refuses what is written to it.
const NOT_BLOCKING: i32 = 0o4000;

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
        while let Received::Text(_) = bot.receive().await {}
    }
    let mut admin = Client::sign_in(&recorder.url, ADMIN).await;
    let chat = admin.call(r#"{"method":"setChat","user_id":1,"name":"new"}"#).await["chat_id"].clone();
    let share = admin.call(format!(r#"{{"method":"setShare","user_id":1,"chat_id":{chat}}}"#)).await;
    let uuid = share["share_uuid"].as_str().expect("a share has a uuid").to_owned();
    let ask = r#""method":"searchSubjects","action":{"name":"can_read"},"subject":{"type":"user"}"#;
    admin.call(format!(r#"{{{ask},"resource":{{"type":"chat_share","id":"{uuid}"}}}}"#)).await;
    let rotated = admin.call(r#"{"method":"rotateBotToken","bot_id":"90091784056528981"}"#).await;
    let token = rotated["token"].as_str().expect("a token is shown").to_owned();
    let mut again = Client::sign_in(&recorder.url, &token).await;
    again.call(r#"{"method":"PING"}"#).await;
    drop((admin, again));
    let path = recorder.out.clone();
    let (lines, said) = recorder.stop();
    gateway.stop().await;
    for secret in [BOT, ADMIN, &token] {
        assert!(!lines.contains(secret) && !said.contains(secret), "{secret} in\n{lines}\n{said}");
    }
    assert!(!lines.contains(&uuid) && lines.contains(r#""id":"<uuid_1>""#), "{lines}");
    let secrets = steps(&lines).iter().filter(|step| step.contains(r#"{"secret":"#)).count();
    assert_eq!(secrets, 2, "{lines}");
    assert!(lines.contains(r#""token":"<string as token_3>""#) && lines.contains(r#""token":"<token_3>""#), "{lines}");
    assert!(said.contains("--bind token_1=… --bind token_2=…"), "{said}");
    replayed(&path, &[("token_1", BOT), ("token_2", ADMIN)]).await;
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
    Transcript::read(&path).expect("what is recorded can be read");
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
async fn an_encrypted_gateway_is_reached_if_its_authority_is_trusted() {
    let (home, data) = (home(), home());
    let authority = Authority::new(home.path());
    let tls = Some(authority.certify().write(home.path()));
    let gateway = Gateway::start(Options { tls, ..options(data.path(), Limits::default()) }).await.expect("it starts");
    let url = gateway.url().replace("127.0.0.1", "localhost");
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
    let path = recorder.out.clone();
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
    let given = [("password_1", "Demo-pass-1!"), ("api_key_1", "demo%2Dorg-key"), ("token_1", BOT)];
    replayed(&path, &given).await;
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
        assert!(!ran.stderr.contains("a:b"), "what may be a password is not told: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_recording_that_would_grow_too_long_ends() {
    let home = home();
    let path = home.path().join("short");
    let file = File::create_new(&path).expect("the file can be made");
    let mut recording = Recording::start(file, Rules::default(), Some(200), false).expect("the system has threads");
    let mut tap = Tap::new(recording.recorder().line(), Way::Sent);
    let took = (0..10).take_while(|number| tap.try_take(&masked(&format!(r#"{{"n":{number}}}"#))).is_ok()).count();
    let (summary, ended) = timeout(PATIENCE, recording.ended()).await.expect("it ends by itself");
    assert!(matches!(ended, Err(Cut::Full(200))), "{ended:?} after {took} frames: {summary:?}");
    let written = std::fs::read_to_string(&path).expect("it is there");
    assert!(written.len() <= 200 && (written.is_empty() || written.ends_with('\n')), "{written}");
    assert!(tap.try_take(&masked("{}")).is_err());
}

#[tokio::test]
async fn a_recording_for_which_nothing_waits_ends_where_its_file_is_too_slow() {
    let home = home();
    let pipe = home.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("the system has pipes");
    assert!(made.success());
    // Both ends, so that opening it does not wait for a reader; and it is full until the recording has given up.
    let mut file = File::options().read(true).write(true).open(&pipe).expect("the pipe can be opened");
    let mut filling =
        File::options().write(true).custom_flags(NOT_BLOCKING).open(&pipe).expect("it can be opened twice");
    while filling.write(&[b' '; 4 << 10]).is_ok() {}
    let writing = file.try_clone().expect("a file can be held twice");
    let mut recording = Recording::start(writing, Rules::default(), None, false).expect("the system has threads");
    let mut tap = Tap::new(recording.recorder().line(), Way::Received);
    let length = 1_000_000_u64;
    let frame: Vec<u8> = [0x82, 127].into_iter().chain(length.to_be_bytes()).chain((0..length).map(|_| b'x')).collect();
    let taken = (0..1_000).take_while(|_| tap.try_take(&frame).is_ok()).count();
    assert!((60..80).contains(&taken), "{taken} frames of a megabyte wait, and the queue holds 64 MiB");
    std::thread::spawn(move || std::io::copy(&mut file, &mut std::io::sink()));
    let (_, ended) = timeout(PATIENCE, recording.ended()).await.expect("it ends by itself");
    assert!(matches!(ended, Err(Cut::Behind)), "{ended:?}");
}

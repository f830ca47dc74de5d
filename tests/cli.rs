//! The commands that talk to a gateway or look at what one left: `call`, `replay` and `journal`, and everybody's `--help`.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use support::process::{Served, guestlist, ran, run};
use support::written::SEEDED;
use support::{ADMIN, APP, BARE_BOT, BOT};
use tempfile::TempDir;

/// A gateway with the demo data, in a directory of its own.
fn served() -> (TempDir, Served) {
    let home = TempDir::new().expect("a temporary directory");
    let served = Served::start(&home.path().join("data"), &home.path().join("log"), &["--demo"]);
    (home, served)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

fn frames(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a frame a line")).collect()
}

#[test]
fn call_tells_an_answer_from_a_refusal_from_no_answer() {
    let (_home, served) = served();
    let call = |token, message| run(&["call", "--url", &served.url, "--token", token, message]);
    let answered =
        call(BOT, r#"{"method":"addToWhitelist","signups":["a"],"app_id":"90090684293000559","reference":1.50}"#);
    let ack = r#"{"method":"addToWhitelist_ack","app_id":"90090684293000559","signups":[{"id":"1","signup_id":"a"}],"reference":1.50}"#;
    assert_eq!((answered.code, answered.stdout.trim_end()), (Some(0), ack), "{}", answered.stderr);
    let list = format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}"}}"#);
    for (token, message, code) in [(BARE_BOT, &*list, 160_017), (BOT, "{", 400), (BOT, r#"{"method":"none"}"#, 405)] {
        let refused = call(token, message);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert_eq!(frames(&refused.stdout)[0]["error"], code, "{refused:?}");
    }
    let not_in = call("wrong", &list);
    assert!(
        not_in.code == Some(2) && not_in.stdout.is_empty() && not_in.stderr.contains("refused the token"),
        "{not_in:?}"
    );
    for url in ["ws://127.0.0.1:1/nandbox/api/", "nonsense", &served.url.replace("nandbox", "nowhere")] {
        let missed = run(&["call", "--url", url, "--token", BOT, &list]);
        assert!(missed.code == Some(2) && missed.stdout.is_empty(), "{missed:?}");
        assert!(missed.stderr.contains(&format!("{url} was not reached")), "{missed:?}");
    }
    assert_eq!(run(&["call", "--url", &served.url, "--token", BOT]).code, Some(2), "a message is needed");
    let mut by_environment = guestlist(&["call", &list]);
    let by_environment = ran(by_environment.env("GUESTLIST_URL", &served.url).env("GUESTLIST_TOKEN", BOT));
    assert_eq!(by_environment.code, Some(0), "{by_environment:?}");
}

#[test]
fn call_prints_every_frame_of_a_long_answer() {
    let (_home, served) = served();
    let call = |message: Value| run(&["call", "--url", &served.url, "--token", BOT, &message.to_string()]);
    let ids: Vec<String> = (0..1_000).map(|n| format!("{n:0>250}")).collect();
    for ids in ids.chunks(400) {
        let added = call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ids}));
        assert_eq!(added.code, Some(0), "{}", added.stderr);
    }
    let page = call(json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 1_000}));
    let frames = frames(&page.stdout);
    assert!(frames.len() > 1, "one frame is not long");
    let signups = frames.iter().flat_map(|frame| frame["signups"].as_array().expect("an array of sign-ups"));
    let printed: Vec<&str> = signups.map(|record| record["signup_id"].as_str().expect("it is a string")).collect();
    assert_eq!(printed, ids);
}

const GOOD: &str = r#"{"send":{"method":"TOKEN_AUTH","token":"90091784056528980:0:DemoBotTokenForLocalUseOnly001"}}
{"expect":{"method":"TOKEN_AUTH_OK","ID":"90091784056528980","id":"90091784056528980","name":"Demo bot","date":"<number>","is_nandbox":0,"localId":"<number>","email":null}}
{"send":{"method":"getWhitelistUsers","app_id":"90090684293000559"}}
{"expect":{"method":"getWhitelistUsersResponse","app_id":"90090684293000559","signups":[],"page_number":0,"eop":true}}
"#;

#[test]
fn replay_says_what_differs_and_by_its_exit_code_whether_anything_does() {
    let home = TempDir::new().expect("a temporary directory");
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("it can be made");
        fs::write(&path, text).expect("files can be written");
        path
    };
    let good = write("good/good.jsonl", GOOD);
    let bad = write("bad/bad.jsonl", &GOOD.replace("\"eop\":true", "\"eop\":false"));
    let malformed = write("malformed/malformed.jsonl", "{\"send\":{}}\nnonsense\n");
    write("empty/notes.txt", "no transcript");
    let all_well = run(&["replay", text(&good), text(good.parent().expect("it has one"))]);
    assert_eq!(all_well.code, Some(0), "{all_well:?}");
    assert!(all_well.stdout.ends_with("2 transcripts replayed, 0 differ\n"), "{all_well:?}");
    let differs = run(&["replay", text(&good), text(&bad)]);
    assert_eq!(differs.code, Some(1), "{differs:?}");
    for said in [
        "bad.jsonl:4: changed: the frame is not the one expected",
        "$.eop: expected false, got true",
        "2 transcripts replayed, 1 differ",
    ] {
        assert!(differs.stdout.contains(said), "{said} is missing: {}", differs.stdout);
    }
    for (path, said) in [
        (malformed.clone(), "malformed.jsonl:2"),
        (home.path().join("missing.jsonl"), "missing.jsonl"),
        (home.path().join("empty"), "no file ends in .jsonl"),
    ] {
        let unusable = run(&["replay", text(&path)]);
        assert!(unusable.code == Some(2) && unusable.stderr.contains(said), "{unusable:?}");
    }
    let (_served_home, served) = served();
    assert_eq!(run(&["replay", "--url", &served.url, text(&good)]).code, Some(0));
    let missed = run(&["replay", "--url", "ws://127.0.0.1:1/", text(&good)]);
    assert!(missed.code == Some(2) && missed.stderr.contains("cannot connect to ws://127.0.0.1:1/"), "{missed:?}");
}

#[test]
fn journal_prints_who_did_what_and_checks_without_changing_anything() {
    let (home, served) = served();
    let data = home.path().join("data");
    let add = format!(
        r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":[{{"signup_id":"a@example.com","tags":["4"]}}]}}"#
    );
    assert_eq!(run(&["call", "--url", &served.url, "--token", BOT, &add]).code, Some(0));
    let rotate = r#"{"method":"rotateBotToken","bot_id":"90091784056528981"}"#;
    assert_eq!(run(&["call", "--url", &served.url, "--token", ADMIN, rotate]).code, Some(0));
    let printed = run(&["journal", "print", text(&data)]);
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!((printed.code, lines.len()), (Some(0), SEEDED + 2), "{printed:?}");
    assert!(lines[0].contains("  seed  {\"method\":\"setApp\","), "{}", lines[0]);
    let (added, rotated) = (lines[SEEDED], lines[SEEDED + 1]);
    let who_did_what = format!("{}  bot:90091784056528980  {add}", SEEDED + 1);
    assert!(added.ends_with(&who_did_what) && added.starts_with("20") && added.contains("Z  "), "{added}");
    assert!(rotated.contains(r#"bot:1  {"method":"rotateBotToken","bot_id":"90091784056528981""#), "{rotated}");
    let running = run(&["journal", "check", text(&data)]);
    let last = format!("the last is number {}", SEEDED + 2);
    assert!(running.code == Some(0) && running.stdout.contains(&last), "{running:?}");
    assert_eq!(served.stop().code, Some(0));
    let names = || {
        let entries = fs::read_dir(&data).expect("it can be read").map(|entry| entry.expect("it can be read").path());
        let mut files: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect();
        files.sort_unstable();
        files
    };
    let before = names();
    let stopped = run(&["journal", "check", text(&data)]);
    assert!(stopped.code == Some(0) && stopped.stdout.contains("snapshot  "), "{stopped:?}");
    let digest = |said: &str| said.lines().last().map(str::to_owned);
    assert_eq!(digest(&running.stdout), digest(&stopped.stdout));
    assert!(before == names(), "looking changed something");
    for (command, directory) in [("check", home.path().to_owned()), ("print", home.path().join("missing"))] {
        let nothing = run(&["journal", command, text(&directory)]);
        assert!(nothing.code == Some(2) && nothing.stderr.contains(text(&directory)), "{nothing:?}");
    }
}

#[test]
fn a_snippet_has_address_and_token_in_place_or_reads_the_token_itself() {
    for (language, outside, nothing) in [
        ("python", "TOKEN = os.environ[\"GUESTLIST_TOKEN\"]\n", "APP_ID = None "),
        ("node", "token = process.env.GUESTLIST_TOKEN;\n", "appId = null;"),
        ("java", "TOKEN = System.getenv(\"GUESTLIST_TOKEN\");\n", "APP_ID = null;"),
    ] {
        let whole = run(&["snippet", language, "--url", "ws://gate:1/", "--token", "a\"b\\c", "--app", APP]);
        for text in ["\"ws://gate:1/\"", r#""a\"b\\c""#, &format!("\"{APP}\"")] {
            assert_eq!(whole.stdout.matches(text).count(), 1, "{text}: {whole:?}");
        }
        let bare = run(&["snippet", language]);
        for text in ["\"ws://127.0.0.1:5020/nandbox/api/\"", outside, nothing] {
            assert_eq!(bare.stdout.matches(text).count(), 1, "{text}: {bare:?}");
        }
        assert!(!bare.stdout.contains("@URL@") && !bare.stdout.contains("@TOKEN@") && !bare.stdout.contains("@APP@"));
    }
    assert_eq!(run(&["snippet", "cobol"]).code, Some(2));
}

#[test]
fn health_tells_a_gateway_that_is_ready_from_one_that_is_not_or_is_not_there() {
    let (home, served) = served();
    let ready = run(&["health", "--url", &served.url]);
    assert_eq!((ready.code, ready.stderr.as_str()), (Some(0), ""), "{ready:?}");
    assert!(!ready.stdout.trim().is_empty(), "{ready:?}");
    let http = served.url.replacen("ws", "http", 1);
    assert_eq!(run(&["health", "--url", &http]).code, Some(0));
    let url = served.url.clone();
    assert_eq!(served.stop().code, Some(0));
    for url in [&*url, "ftp://127.0.0.1/", "nonsense"] {
        let gone = run(&["health", "--url", url]);
        assert!(gone.code == Some(1) && gone.stdout.is_empty() && gone.stderr.contains(url), "{gone:?}");
    }
    // One that is there and says no.
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let answering = thread::spawn(move || {
        let (mut asker, _) = listener.accept().expect("somebody asks");
        let mut asked = [0; 1_024];
        let bytes = asker.read(&mut asked).expect("a request is read");
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 16\r\n\r\nstorage is full\n";
        asker.write_all(answer.as_bytes()).expect("it is waited for");
        String::from_utf8_lossy(&asked[..bytes]).into_owned()
    });
    let full = run(&["health", "--url", &url]);
    assert_eq!((full.code, full.stdout.as_str()), (Some(1), ""), "{full:?}");
    assert!(full.stderr.contains("is not ready (503): storage is full"), "{full:?}");
    assert!(answering.join().expect("it answers").starts_with("GET /readyz HTTP/1.1\r\n"));
    let log = home.path().join("encrypted.log");
    let data = home.path().join("encrypted");
    let served = Served::start(&data, &log, &["--tls", "self-signed"]);
    let ca = data.join("self-signed.pem");
    let trusted = run(&["health", "--url", &served.url, "--ca", text(&ca)]);
    assert_eq!(trusted.code, Some(0), "{trusted:?}");
    assert_eq!(run(&["health", "--url", &served.url]).code, Some(1), "it is nobody's that one trusts");
}

#[test]
fn every_help_has_an_example() {
    for command in [
        "",
        "serve",
        "admin",
        "call",
        "bench",
        "replay",
        "journal",
        "journal print",
        "journal check",
        "snippet",
        "health",
    ] {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = run(&args);
        let example = format!("\n  guestlist {command}");
        assert!(help.code == Some(0) && help.stdout.contains("Example"), "guestlist {command} --help: {}", help.stdout);
        assert!(help.stdout.contains(&example), "guestlist {command} --help shows no call of it: {}", help.stdout);
    }
}

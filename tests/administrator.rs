//! The administrator whose token comes from outside: made at an empty start, left alone where it stands, replaced where it differs.

mod support;

use guestlist::administrator::AdministratorToken;
use serde_json::json;
use support::home::Home;
use support::process::{Ran, Served, guestlist, ran, run};
use support::stage::check_sent_away;
use support::standing::is_known;
use support::{ADMIN, Client};
use tempfile::TempDir;

/// A free port of this machine.
const LOOPBACK: &str = "127.0.0.1:0";

const FIRST: &str = "the-first-token-of-the-administrator";
const SECOND: &str = "the-second-token-of-the-administrator";

/// Runs `serve` on the data of a home, with the token in the environment.
fn serve_as(home: &Home, token: &str, args: &[&str]) -> Served {
    let data = home.text("data");
    let mut command = guestlist(&[&["serve", "--listen", "127.0.0.1:0", "--data", &data], args].concat());
    Served::start_command(command.env("GUESTLIST_ADMIN_TOKEN", token), &home.path("log"))
}

fn call(served: &Served, token: &str, message: &str) -> Ran {
    run(&["call", "--url", &served.url, "--token", token, message])
}

fn lets_in(served: &Served, token: &str) -> bool {
    call(served, token, r#"{"method":"getBots"}"#).code == Some(0)
}

/// The lines of the audit log.
fn journaled(home: &Home) -> Vec<String> {
    let printed = run(&["journal", "print", &home.text("data")]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    printed.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn an_empty_directory_begins_with_the_token_that_was_given_and_shows_none() {
    let home = Home::new();
    let served = serve_as(&home, FIRST, &["--log", "trace"]);
    let bots = call(&served, FIRST, r#"{"method":"getBots"}"#);
    let one = r#"{"method":"getBotsResponse","bots":[{"bot_id":"1","name":"administrator","apps":[],"grants":[{"permission":"admin"}]}],"page_number":0,"eop":true}"#;
    assert_eq!((bots.code, bots.stdout.trim_end()), (Some(0), one), "{bots:?}");
    assert_eq!(served.stop().code, Some(0));
    let log = home.log();
    assert!(!log.contains("shown this once") && !log.contains(FIRST), "{log}");
    home.must_not_hold(FIRST);
}

#[test]
fn the_same_token_again_changes_nothing_and_is_not_journaled() {
    let home = Home::new();
    serve_as(&home, FIRST, &[]).kill();
    let before = journaled(&home);
    assert_eq!(before.len(), 1, "{before:?}");
    for _ in 0..2 {
        let served = serve_as(&home, FIRST, &[]);
        assert!(lets_in(&served, FIRST));
        served.kill();
        assert_eq!(journaled(&home), before);
    }
}

#[test]
fn another_token_replaces_the_one_before_and_leaves_the_rest_of_the_administrator() {
    let home = Home::new();
    let served = home.serve(&[]);
    let log = home.log();
    let (_, rest) = log.split_once("token of bot 1, shown this once: ").expect("a token is shown");
    let made = rest.lines().next().expect("it ends with its line").to_owned();
    let grown = r#"{"method":"setBot","bot_id":"1","name":"Ann","grants":[{"permission":"admin"},{"permission":"signup_management","app_id":"7"}]}"#;
    for message in [r#"{"method":"setApp","app_id":"7"}"#, grown] {
        assert_eq!(call(&served, &made, message).code, Some(0));
    }
    served.kill();
    for (token, before) in [(FIRST, &*made), (SECOND, FIRST)] {
        let served = serve_as(&home, token, &[]);
        let bots = call(&served, token, r#"{"method":"getBots"}"#);
        assert!(bots.stdout.contains(r#""name":"Ann""#) && bots.stdout.contains(r#""app_id":"7""#), "{bots:?}");
        assert!(!lets_in(&served, before), "the token before lets in");
        served.kill();
    }
    // Without a token from outside, the last one stays.
    assert!(lets_in(&home.serve(&[]), SECOND));
}

#[test]
fn a_file_gives_the_token_too_and_beside_a_seed() {
    let home = Home::new();
    let seed = home.write("seed.jsonl", r#"{"method":"setApp","app_id":"5"}"#);
    for (content, token) in
        [(format!("{FIRST}\n"), FIRST), (format!("{SECOND}\r\n"), SECOND), (FIRST.to_owned(), FIRST)]
    {
        let file = home.write("token", content);
        let config = home.write("guestlist.toml", format!("admin_token_file = \"{file}\"\n"));
        let served = home.serve(&["--config", &config, "--seed", &seed]);
        let apps = call(&served, token, r#"{"method":"getApps"}"#);
        assert!(apps.stdout.contains(r#""app_id":"5""#), "{apps:?}");
        served.kill();
    }
    let file = home.write("token", SECOND);
    assert!(lets_in(&home.serve(&["--admin-token-file", &file]), SECOND));
}

#[test]
fn a_token_that_cannot_be_stops_the_start_and_is_not_quoted() {
    let home = Home::new();
    let (data, file) = (home.text("data"), home.text("token"));
    let refused = |token: Option<&str>, file: Option<&str>, listen: &str| {
        let mut command = guestlist(&["serve", "--listen", listen, "--data", &data]);
        token.map(|token| command.env("GUESTLIST_ADMIN_TOKEN", token));
        file.map(|file| command.env("GUESTLIST_ADMIN_TOKEN_FILE", file));
        let refused = ran(&mut command);
        assert_eq!((refused.code, &*refused.stdout), (Some(2), ""), "{refused:?}");
        refused.stderr
    };
    for (token, said) in [
        (
            "",
            "GUESTLIST_ADMIN_TOKEN: an administrator's token has 16 to 254 printable characters and no space, this has none",
        ),
        ("tooshort5678901", "this has 15"),
        ("has a space in the midst of it", "no space"),
    ] {
        let said_so = refused(Some(token), None, LOOPBACK);
        assert!(said_so.contains(said) && (token.is_empty() || !said_so.contains(token)), "{said_so}");
        home.write("token", token);
        let said_so = refused(None, Some(&file), LOOPBACK);
        assert!(said_so.contains(&file) && (token.is_empty() || !said_so.contains(token)), "{said_so}");
    }
    let missing = home.text("missing");
    assert!(refused(None, Some(&missing), LOOPBACK).contains(&format!("cannot be read from {missing}")));
    assert!(
        refused(Some(FIRST), Some(&file), LOOPBACK).contains("GUESTLIST_ADMIN_TOKEN and --admin-token-file each give")
    );
    assert!(refused(Some(ADMIN), None, "0.0.0.0:0").contains("for loopback only"));
    assert!(!home.path("data").exists(), "a start that is refused makes no directory");
}

#[test]
fn a_token_of_somebody_else_is_refused() {
    let seed = r#"{"method":"setBot","bot_id":"9","grants":[{"permission":"admin"}],"token":"the-first-token-of-the-administrator"}"#;
    for (seed, said) in [
        (seed.to_owned(), "the token is taken"),
        (r#"{"method":"setBot","bot_id":"1"}"#.to_owned(), "which is a bot without the grant \"admin\""),
    ] {
        let home = Home::new();
        let seed = home.write("seed.jsonl", seed);
        let mut command =
            guestlist(&["serve", "--listen", "127.0.0.1:0", "--data", &home.text("data"), "--seed", &seed]);
        let refused = ran(command.env("GUESTLIST_ADMIN_TOKEN", FIRST));
        assert!(refused.code == Some(2) && refused.stderr.contains(said), "{refused:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_replaced_while_the_gateway_runs_sends_its_connections_away() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = support::gateway(home.path()).await;
    let mut before = Client::sign_in(&gateway.url(), ADMIN).await;
    let token = AdministratorToken::new("a test", FIRST).expect("it is long enough");
    assert!(gateway.set_administrator(&token).await.expect("it can be set"));
    check_sent_away(&mut before, "a connection of the token before").await;
    assert!(!is_known(&gateway.url(), ADMIN).await);
    let mut client = Client::sign_in(&gateway.url(), FIRST).await;
    let seq = client.call(json!({"method": "getStateDigest"})).await["seq"].clone();
    assert!(seq.is_number() || seq.is_string(), "{seq}");
    assert!(!gateway.set_administrator(&token).await.expect("it is set"));
    assert_eq!(client.call(json!({"method": "getStateDigest"})).await["seq"], seq);
    gateway.stop().await;
}

//! The first start on a directory: what it tells, that it tells it once, and that what it says to try works.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::home::Home;
use support::process::{Ran, Served, guestlist, ran, run, signal};
use support::{ADMIN, BOT};

fn lets_in(served: &Served, token: &str) -> bool {
    run(&["call", "--url", &served.url, "--token", token, r#"{"method":"getApps"}"#]).code == Some(0)
}

/// The token that a log shows this once.
fn made(log: &str) -> Option<&str> {
    let (_, rest) = log.split_once("token of bot 1, shown this once: ")?;
    rest.lines().next()
}

/// What a first start tells a terminal.
fn told_to_a_terminal(home: &Home, args: &str) -> String {
    let serve =
        format!("{} serve --listen 127.0.0.1:0 --data {} {args}", env!("CARGO_BIN_EXE_guestlist"), home.text("data"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--flush", "--return", "--command", &serve, "/dev/null"]);
    for (name, _) in guestlist(&[]).get_envs().filter(|(_, value)| value.is_none()) {
        command.env_remove(name);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("Debian has `script`");
    let mut lines = BufReader::new(child.stdout.take().expect("the output is a pipe")).lines();
    let mut line = || lines.next().map(|line| line.expect("the output is text"));
    let told: Vec<String> =
        std::iter::from_fn(&mut line).take_while(|line| !line.starts_with("listening on ")).collect();
    let pid = fs::read_to_string(home.path("data").join("lock")).expect("a gateway that runs says which process it is");
    let pid = pid.lines().next().and_then(|line| line.parse().ok());
    signal(pid.expect("the first line is its number"), "TERM");
    while line().is_some() {}
    assert!(child.wait().is_ok_and(|status| status.success()), "{told:#?}");
    told.join("\n").replace('\r', "")
}

/// Runs in a shell what a log says to try, from `export` to the empty line after it, with a token where it has none.
fn try_it(log: &str, token: &str) -> Ran {
    let script: Vec<String> = log
        .lines()
        .skip_while(|line| !line.starts_with("  export "))
        .take_while(|line| !line.is_empty())
        .map(|line| line.replace("GUESTLIST_TOKEN=…", &format!("GUESTLIST_TOKEN={token}")))
        .collect();
    assert_eq!(script.len(), 3, "{log}");
    let binary = Path::new(env!("CARGO_BIN_EXE_guestlist")).parent().expect("it lies in a directory");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").expect("there is a path"));
    let plain = guestlist(&[]);
    let mut shell = Command::new("sh");
    for (name, _) in plain.get_envs().filter(|(_, value)| value.is_none()) {
        shell.env_remove(name);
    }
    ran(shell.env("PATH", path).args(["-e", "-c", &script.join("\n")]))
}

#[test]
fn a_first_start_without_a_seed_shows_an_administrator_s_token_once() {
    let home = Home::new();
    let served = home.serve(&[]);
    let log = home.log();
    let token = made(&log).expect("a token is shown").to_owned();
    assert!(token.starts_with("1:0:") && token.len() == 34, "{token}");
    assert!(lets_in(&served, &token));
    served.kill();
    let served = home.serve(&[]);
    assert!(lets_in(&served, &token));
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(home.log().matches("shown this once").count(), 1, "{}", home.log());
    home.must_not_hold(&token);
}

#[test]
fn what_a_first_start_says_to_try_works_as_it_stands() {
    for (args, said) in [
        (&["--demo"][..], r#"{"method":"addToWhitelist_ack","app_id":"90090684293000559""#),
        (&[], "\"\"\"A bot on the official SDK"),
        (&["--tls", "self-signed"], "\"\"\"A bot on the official SDK"),
    ] {
        let home = Home::new();
        let served = home.serve(args);
        let log = home.log();
        for line in [format!("  data      {}", home.text("data")), format!("  bots      {}", served.url)] {
            assert!(log.lines().any(|told| told == line), "`{line}` is missing: {log}");
        }
        let tried = try_it(&log, made(&log).unwrap_or(BOT));
        assert!(tried.code == Some(0) && tried.stdout.contains(said), "{tried:?}");
        // The snippet has the address and the token in place.
        assert!(tried.stdout.contains(&format!("URL = \"{}\"", served.url)), "{tried:?}");
    }
}

#[test]
fn a_first_start_is_told_once_and_not_in_a_log_for_programs() {
    let home = Home::new();
    for _ in 0..2 {
        assert_eq!(home.serve(&["--demo"]).stop().code, Some(0));
    }
    let log = home.log();
    assert_eq!(log.matches("first start").count(), 1, "{log}");
    let home = Home::new();
    assert_eq!(home.serve(&["--log-format", "json"]).stop().code, Some(0));
    assert!(!home.log().contains("first start"), "{}", home.log());
}

#[test]
fn tokens_are_told_to_a_terminal_and_not_to_a_log() {
    let home = Home::new();
    let told = told_to_a_terminal(&home, "--demo");
    for said in [format!("  a bot              {BOT}"), format!("  the administrator  {ADMIN}")] {
        assert!(told.lines().any(|line| line == said), "`{said}` is missing: {told}");
    }
    assert!(told.contains(&format!("GUESTLIST_TOKEN={BOT}\n")), "{told}");
    let home = Home::new();
    let told = told_to_a_terminal(&home, "");
    let token = made(&told).expect("a token is shown");
    assert!(told.contains(&format!("GUESTLIST_TOKEN={token}\n")), "{told}");
    let home = Home::new();
    assert_eq!(home.serve(&["--demo"]).stop().code, Some(0));
    let log = home.log();
    assert!(log.contains("GUESTLIST_TOKEN=…\n") && !log.contains(BOT) && !log.contains(ADMIN), "{log}");
}

#[test]
fn a_token_that_was_given_is_not_told() {
    let home = Home::new();
    let token = home.write("token", "a-token-that-somebody-gave");
    for args in [format!("--admin-token-file {token}"), format!("--admin-token-file {token} --demo")] {
        let log = told_to_a_terminal(&Home::new(), &args);
        assert!(log.contains("that you gave"), "{log}");
        assert!(!log.contains("a-token-that") && !log.contains("shown this once") && !log.contains(ADMIN), "{log}");
    }
}

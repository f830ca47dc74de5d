//! The bots that `guestlist snippet` prints run as they are, on the SDKs as published.

use super::*;

/// Puts somebody on the demo app's whitelist, for a bot to find there.
fn add_somebody(gateway: &Gateway) {
    let add =
        format!(r#"{{"method":"addToWhitelist","app_id":"{DEMO_APP_ID}","signups":["somebody@snippet.example"]}}"#);
    let called = guestlist(&["call", "--url", &gateway.url, "--token", DEMO_TOKEN, &add]);
    assert!(called.contains("addToWhitelist_ack"), "{called}");
}

/// What the binary prints.
fn guestlist(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_guestlist")).args(args).output().expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("the binary writes text")
}

/// Runs the bot of a language as it is printed, until it has done its one thing.
fn does_its_one_thing(language: &str, file: &str, run: impl FnOnce(&Path) -> Command, in_place: bool) {
    let gateway = Gateway::start();
    add_somebody(&gateway);
    let token: &[&str] = if in_place { &["--token", DEMO_TOKEN] } else { &[] };
    let printed = guestlist(&[&["snippet", language, "--url", &gateway.url, "--app", DEMO_APP_ID], token].concat());
    assert_eq!(printed.contains(DEMO_TOKEN), in_place, "{printed}");
    let path = gateway.home.path().join(file);
    fs::write(&path, printed).expect("files can be written");
    let mut command = run(&path);
    if !in_place {
        command.env("GUESTLIST_TOKEN", DEMO_TOKEN);
    }
    // Otherwise an http_proxy of the machine would be asked for 127.0.0.1.
    let bot = Process::start(command.env("no_proxy", "*").env("TMPDIR", gateway.home.path()), None);
    // The SDKs print as well, and none of them ever ends by itself.
    for said in ["connected as bot 90091784056528980", "on the whitelist: somebody@snippet.example"] {
        let heard: Vec<String> = std::iter::from_fn(|| bot.line()).take_while(|line| line != said).collect();
        assert!(bot.is_running(), "it did not say `{said}` but {heard:#?}");
    }
    drop(bot);
    gateway.stop();
}

fn python(version: &str) -> impl FnOnce(&Path) -> Command {
    let python = installed(&format!("python-{version}/bin/python"));
    move |path| {
        let mut command = Command::new(python);
        command.arg(path);
        command
    }
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn the_snippet_for_python_works_with_the_token_in_place() {
    does_its_one_thing("python", "bot.py", python("2.1.0"), true);
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn the_snippet_for_python_works_with_the_token_in_the_environment() {
    does_its_one_thing("python", "bot.py", python("1.6.0"), false);
}

fn node(path: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(path).env("NODE_PATH", installed("node/node_modules"));
    command
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn the_snippet_for_node_works_with_the_token_in_place() {
    does_its_one_thing("node", "bot.js", node, true);
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn the_snippet_for_node_works_with_the_token_in_the_environment() {
    does_its_one_thing("node", "bot.js", node, false);
}

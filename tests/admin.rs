//! `admin`: apps and bots of a running gateway, looked after from the command line.

mod support;

use serde_json::{Value, json};
use support::home::Home;
use support::process::{Ran, Served, run};
use support::{ADMIN, APP, BOT};

/// Runs an administrator's command against a gateway.
fn admin(served: &Served, args: &[&str]) -> Ran {
    admin_as(served, ADMIN, args)
}

fn admin_as(served: &Served, token: &str, args: &[&str]) -> Ran {
    run(&[&["admin"], args, &["--url", &served.url, "--token", token]].concat())
}

/// What a command prints that must succeed, without the end of its line.
#[track_caller]
fn printed(served: &Served, args: &[&str]) -> String {
    let ran = admin(served, args);
    assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    ran.stdout.trim_end().to_owned()
}

/// The one line about an id in a table.
#[track_caller]
fn line_of(served: &Served, what: &str, id: &str) -> String {
    let table = printed(served, &[what, "list"]);
    let mut lines = table.lines().filter(|line| line.split(' ').next() == Some(id));
    let line = lines.next().unwrap_or_else(|| panic!("{id} is not in {table}"));
    assert_eq!(lines.next(), None, "{table}");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn frames(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a frame a line")).collect()
}

#[track_caller]
fn must_refuse(ran: &Ran, said: &str) {
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{ran:?}");
    assert!(ran.stderr.starts_with("guestlist: ") && ran.stderr.contains(said), "{ran:?}");
}

#[test]
fn an_app_is_made_listed_changed_and_removed() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let made = admin(&served, &["app", "add", "Summer party", "--use-whitelist", "true", "--tag", "4,7"]);
    let id = made.stdout.trim_end().to_owned();
    assert!(made.code == Some(0) && id.len() == 12 && made.stdout == format!("{id}\n"), "{made:?}");
    let shown = line_of(&served, "app", &id);
    assert_eq!(shown, format!("{id} Summer party on, 0 people, 0 patterns off, 0 people, 0 patterns 4, 7"));
    assert_eq!(printed(&served, &["app", "set", &id, "--name", "Winter", "--use-blacklist", "true"]), "");
    let shown = line_of(&served, "app", &id);
    assert_eq!(shown, format!("{id} Winter on, 0 people, 0 patterns on, 0 people, 0 patterns 4, 7"));
    assert_eq!(printed(&served, &["app", "remove", &id]), "");
    assert!(!printed(&served, &["app", "list"]).contains(&id));
    assert_eq!(printed(&served, &["app", "add", "five", "--id", "5"]), "5");
}

#[test]
fn an_app_is_neither_made_over_another_nor_removed_with_what_is_on_its_lists() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let add = json!({"method": "addToWhitelist", "app_id": APP, "signups": ["a@example.com"]}).to_string();
    assert_eq!(run(&["call", "--url", &served.url, "--token", BOT, &add]).code, Some(0));
    let before = line_of(&served, "app", APP);
    must_refuse(&admin(&served, &["app", "add", "again", "--id", APP]), "there is an app");
    must_refuse(&admin(&served, &["app", "set", "6", "--name", "x"]), "there is no app 6");
    must_refuse(&admin(&served, &["app", "remove", "6"]), "there is no app 6");
    must_refuse(&admin(&served, &["app", "remove", APP]), "add --with-lists");
    assert_eq!(line_of(&served, "app", APP), before);
    assert!(before.contains("on, 1 people, 0 patterns"), "{before}");
    assert_eq!(printed(&served, &["app", "remove", APP, "--with-lists"]), "");
}

#[test]
fn a_bot_is_made_with_rights_and_a_token_that_lets_it_in() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let made = admin(&served, &["bot", "add", "doorkeeper", "--app", APP, "--grant", "signup_management"]);
    let token = made.stdout.trim_end().to_owned();
    assert!(made.code == Some(0) && made.stderr.contains("shown this once"), "{made:?}");
    let id = token.split(':').next().expect("a token has parts").to_owned();
    assert_eq!(line_of(&served, "bot", &id), format!("{id} doorkeeper {APP} - signup_management:{APP}"));
    let list = json!({"method": "getWhitelistUsers", "app_id": APP}).to_string();
    let may = |token: &str| run(&["call", "--url", &served.url, "--token", token, &list]).code;
    assert_eq!(may(&token), Some(0));
    // Another token, and the one before is of no use.
    let rotated = admin(&served, &["token", &id]);
    let next = rotated.stdout.trim_end().to_owned();
    assert!(rotated.code == Some(0) && next.starts_with(&format!("{id}:0:")) && next != token, "{rotated:?}");
    assert_eq!((may(&token), may(&next)), (Some(2), Some(0)));
    // Other rights, and the token stays.
    let grants = ["bot", "set", &id, "--grant", "can_read:acme,share_management:1", "--no-apps", "--name", "porter"];
    assert_eq!(printed(&served, &grants), "");
    assert_eq!(line_of(&served, "bot", &id), format!("{id} porter - - share_management:1, can_read:acme"));
    assert_eq!(may(&next), Some(1));
    assert_eq!(printed(&served, &["bot", "set", &id, "--no-grants"]), "");
    assert_eq!(line_of(&served, "bot", &id), format!("{id} porter - - -"));
    assert_eq!(printed(&served, &["bot", "remove", &id]), "");
    assert_eq!(may(&next), Some(2));
}

#[test]
fn a_bot_s_token_can_name_its_app() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let grant = format!("signup_management:{APP}");
    let token = printed(&served, &["bot", "add", "bound", "--id", "77", "--bound-app", APP, "--grant", &grant]);
    assert!(token.starts_with(&format!("77:{APP}:")), "{token}");
    assert_eq!(line_of(&served, "bot", "77"), format!("77 bound - {APP} {grant}"));
}

#[test]
fn what_the_gateway_refuses_is_told_and_is_no_success() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    for (args, said) in [
        (&["bot", "add", "x", "--app", "6"][..], "160015: there is no app 6"),
        (&["bot", "add", "x", "--id", "1"], "there is a bot 1 already"),
        (&["bot", "add", "x", "--grant", "signup_management"], "name it with --app"),
        (&["bot", "set", "6", "--name", "x"], "there is no bot 6"),
        (&["bot", "remove", "6"], "404"),
        (&["bot", "remove", "1"], "the last administrator"),
        (&["token", "6"], "404"),
    ] {
        must_refuse(&admin(&served, args), said);
    }
    must_refuse(&admin_as(&served, BOT, &["bot", "list"]), "160017");
    let refused = admin(&served, &["token", "6", "--json"]);
    assert_eq!((refused.code, frames(&refused)[0]["error"].clone()), (Some(1), json!(404)), "{refused:?}");
    for (url, token, said) in
        [(&*served.url, "wrong", "refused the token"), ("ws://127.0.0.1:1/", ADMIN, "was not reached")]
    {
        let not_in = run(&["admin", "app", "list", "--url", url, "--token", token]);
        assert!(not_in.code == Some(2) && not_in.stdout.is_empty() && not_in.stderr.contains(said), "{not_in:?}");
    }
    for args in [&["bot", "add", "x", "--grant", "owner"][..], &["token", "x"], &["app", "add"]] {
        assert_eq!(admin(&served, args).code, Some(2), "{args:?}");
    }
}

#[test]
fn a_list_of_many_pages_is_listed_whole_and_as_it_came_where_that_is_wanted() {
    const APPS: usize = 1_500;
    let home = Home::new();
    let seed: String = (1..=APPS).map(|id| format!("{{\"method\":\"setApp\",\"app_id\":\"{id}\"}}\n")).collect();
    let bot = r#"{"method":"setBot","bot_id":"1","grants":[{"permission":"admin"}],"token":"demo-admin-token"}"#;
    let served = home.serve(&["--seed", &home.write("seed.jsonl", seed + bot)]);
    let table = printed(&served, &["app", "list"]);
    let ids: Vec<String> =
        table.lines().skip(1).map(|line| line.split(' ').next().expect("a line has cells").to_owned()).collect();
    assert_eq!(ids, (1..=APPS).map(|id| id.to_string()).collect::<Vec<_>>());
    let raw = frames(&admin(&served, &["app", "list", "--json"]));
    assert!(raw.len() >= 2 && raw.iter().all(|frame| frame["method"] == "getAppsResponse"), "{} frames", raw.len());
    assert_eq!(raw.iter().map(|frame| frame["apps"].as_array().map_or(0, Vec::len)).sum::<usize>(), APPS);
    let made = admin(&served, &["bot", "add", "b", "--json"]);
    let frames = frames(&made);
    assert_eq!((frames.len(), &frames[0]["method"], &*made.stderr), (1, &json!("setBot_ack"), ""), "{made:?}");
    assert!(frames[0]["token"].is_string(), "{made:?}");
}

//! `import` and `export`: people between a file and a list.

mod support;

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};
use support::home::Home;
use support::process::{Ran, Served, guestlist, run};
use support::{APP, BOT};

fn import(served: &Served, list: &str, file: &str, flags: &[&str]) -> Ran {
    run(&[&["import", file, "--url", &served.url, "--token", BOT, "--app", APP, "--list", list], flags].concat())
}

fn export(served: &Served, list: &str, flags: &[&str]) -> Ran {
    run(&[&["export", "--url", &served.url, "--token", BOT, "--app", APP, "--list", list], flags].concat())
}

fn must(ran: Ran, code: i32, said: &str) -> Ran {
    assert!(ran.code == Some(code) && (ran.stdout.clone() + &ran.stderr).contains(said), "`{said}`: {ran:?}");
    ran
}

#[test]
fn what_is_imported_is_exported_and_imported_again_changes_nothing() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let text = "signup_id,tags\nAnn@example.com,4;7\n16136147500,\n\"o'hara, jim\",vip\n";
    let file = home.write("guests.csv", text);
    must(import(&served, "whitelist", &file, &["--dry-run"]), 0, "3 new, 0 changed, 0 same, 0 repeated, 0 invalid");
    must(export(&served, "whitelist", &[]), 0, "signup_id,tags\n");
    must(import(&served, "whitelist", &file, &[]), 0, "3 new, 0 changed");
    assert_eq!(export(&served, "whitelist", &[]).stdout, text);
    must(import(&served, "whitelist", &file, &[]), 0, "0 new, 0 changed, 3 same");

    let out = home.text("out.jsonl");
    must(export(&served, "whitelist", &["--out", &out]), 0, "");
    let lines = fs::read_to_string(&out).expect("it was written");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON a line")).collect();
    assert_eq!(lines[0], json!({"signup_id": "Ann@example.com", "tags": ["4", "7"]}));
    must(import(&served, "whitelist", &out, &[]), 0, "0 new, 0 changed, 3 same");
    must(import(&served, "blacklist", &out, &[]), 1, "people on the blacklist have no tags");

    // Without a word on tags they stay; an empty cell takes them away; of two lines the later counts.
    let file = home.write("more.csv", "name,signup_id\nAnn,ANN@example.com\nBob,bob@example.com\n");
    must(import(&served, "whitelist", &file, &[]), 0, "1 new, 0 changed, 1 same");
    let file = home.write("less.csv", "signup_id,tags\nann@example.com,9\n ANN@example.com ,\n");
    must(import(&served, "whitelist", &file, &[]), 0, "0 new, 1 changed, 0 same, 1 repeated");
    let text = "signup_id,tags\nAnn@example.com,\n16136147500,\n\"o'hara, jim\",vip\nbob@example.com,\n";
    assert_eq!(export(&served, "whitelist", &[]).stdout, text);
    served.stop();
}

#[test]
fn lines_that_are_wrong_are_numbered_and_nothing_is_done() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let long = "x".repeat(255);
    let text = format!("signup_id,tags\na@example.com\n\"\",\n{long},\nb@example.com,{}\n", "t".repeat(65));
    let file = home.write("guests.csv", [text.as_bytes(), b"\xff@example.com,\nc@example.com,\n"].concat());
    let ran = must(import(&served, "whitelist", &file, &[]), 1, "2 new, 0 changed, 0 same, 0 repeated, 4 invalid");
    for said in [":3: signup_id: is empty", ":4: signup_id: has 255 bytes", ":5: signup_id.tags: a tag has", ":6: "] {
        assert!(ran.stderr.contains(&format!("guests.csv{said}")), "{said}: {ran:?}");
    }
    assert!(ran.stderr.contains("nothing was done"), "{ran:?}");
    assert_eq!(export(&served, "whitelist", &[]).stdout, "signup_id,tags\n");
    must(import(&served, "whitelist", &file, &["--skip-invalid"]), 0, "2 new");
    assert_eq!(export(&served, "whitelist", &[]).stdout, "signup_id,tags\na@example.com,\nc@example.com,\n");

    let file =
        home.write("guests.jsonl", "{\"signup_id\":\"d@example.com\"}\n\n\"e@example.com\"\n{\"tags\":[]}\nnone\n");
    let ran =
        must(import(&served, "whitelist", &file, &["--dry-run"]), 1, "2 new, 0 changed, 0 same, 0 repeated, 2 invalid");
    assert!(ran.stderr.contains("guests.jsonl:4: ") && ran.stderr.contains("guests.jsonl:5: "), "{ran:?}");

    let file = home.write("names.csv", "name,mail\nAnn,ann@example.com\n");
    must(import(&served, "whitelist", &file, &[]), 2, "no column `signup_id`, but `name`, `mail`");
    let file = home.write("names.txt", "ann@example.com\n");
    must(import(&served, "whitelist", &file, &[]), 2, "does not say what form it has");
    must(import(&served, "whitelist", "no-such.csv", &[]), 2, "no-such.csv cannot be read");
    let file = home.write("semicolon.jsonl", "{\"signup_id\":\"f@example.com\",\"tags\":[\"a;b\"]}\n");
    must(import(&served, "whitelist", &file, &[]), 0, "1 new");
    let out = home.write("kept.csv", "before");
    must(export(&served, "whitelist", &["--out", &out]), 2, "write a .jsonl file");
    assert_eq!(fs::read_to_string(&out).expect("it is there"), "before");
    assert!(!home.path("kept.csv.part").exists());
    served.stop();
}

#[test]
fn an_import_that_was_interrupted_goes_on_when_it_is_run_again() {
    const PEOPLE: usize = 60_000;
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let text =
        (0..PEOPLE).fold("signup_id,tags\n".to_owned(), |text, number| text + &format!("p{number}@example.com,4\n"));
    let file = home.write("guests.csv", &text);
    let mut command = guestlist(&["import", &file, "--url", &served.url, "--token", BOT, "--app", APP]);
    let child = command.args(["--list", "whitelist"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the binary runs");
    let first = json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 1}).to_string();
    let has_some = || {
        let ran = run(&["call", "--url", &served.url, "--token", BOT, &first]);
        serde_json::from_str::<Value>(&ran.stdout).is_ok_and(|page| page["signups"][0].is_object())
    };
    while !has_some() {}
    served.kill();
    let interrupted = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&interrupted.stderr).into_owned();
    let served = home.serve(&["--demo"]);
    // On a quick machine it may have been done before.
    assert!(interrupted.status.success() || said.contains("run it again to go on"), "{said}");
    must(import(&served, "whitelist", &file, &[]), 0, " repeated, 0 invalid");
    assert!(export(&served, "whitelist", &[]).stdout == text);
    served.stop();
}

//! `guestlist replay` as test authors use it: what it says of each difference, in each form; what it takes for granted; and
//! how it rewrites transcripts.

mod support;

use std::fs;
use std::path::PathBuf;

use support::BOT;
use support::process::{Ran, run};
use tempfile::TempDir;

const SIGN_IN: &str = r#"{"send":{"method":"TOKEN_AUTH","token":"90091784056528980:0:DemoBotTokenForLocalUseOnly001"}}
{"expect":{"method":"TOKEN_AUTH_OK","ID":"90091784056528980","id":"90091784056528980","name":"Demo bot","date":"<number>","is_nandbox":0,"localId":0,"email":null}}
"#;

/// A directory with one transcript in it.
struct Written {
    home: TempDir,
    path: PathBuf,
}

impl Written {
    /// The sign-in, and these lines: the first of them is line 3.
    fn signed_in(lines: &[&str]) -> Self {
        Self::new(&(SIGN_IN.to_owned() + &lines.join("\n") + "\n"))
    }

    fn new(text: &str) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let path = home.path().join("t.jsonl");
        fs::write(&path, text).expect("files can be written");
        Self { home, path }
    }

    fn replayed(&self, args: &[&str]) -> Ran {
        let path = self.path.to_str().expect("paths of tests are text");
        run(&[&["replay", path], args].concat())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).expect("it is there")
    }
}

/// A message to the demo app's whitelist, and its ack.
fn add(name: &str, reference: u32) -> String {
    format!(
        r#"{{"send":{{"method":"addToWhitelist","app_id":"90090684293000559","signups":["{name}"],"reference":{reference}}}}}"#
    )
}

fn ack(name: &str, reference: u32) -> String {
    format!(
        r#"{{"expect":{{"method":"addToWhitelist_ack","app_id":"90090684293000559","signups":[{{"id":"<digits>","signup_id":"{name}"}}],"reference":{reference}}}}}"#
    )
}

#[track_caller]
fn says(ran: &Ran, code: i32, all: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    for said in all {
        assert!(ran.stdout.contains(said), "{said:?} is missing:\n{}", ran.stdout);
    }
}

#[test]
fn a_changed_field_is_reported_as_that() {
    let written = Written::signed_in(&[&add("a", 1), &ack("b", 1)]);
    says(&written.replayed(&[]), 1, &["t.jsonl:4: changed: ", r#"$.signups[0].signup_id: expected "b", got "a""#]);
}

#[test]
fn a_missing_frame_is_reported_as_that() {
    let event = r#"{"expect":{"method":"eventMessage"}}"#;
    let written = Written::signed_in(&[&add("a", 1), event, &ack("a", 1), &add("b", 2), &ack("b", 2)]);
    says(&written.replayed(&["--wait", "1"]), 1, &["t.jsonl:4: missing: ", r#"expected  {"method":"eventMessage"}"#]);
}

#[test]
fn an_extra_frame_is_reported_as_that() {
    let written = Written::signed_in(&[&add("a", 1), &add("b", 2), &ack("b", 2), &add("c", 3), &ack("c", 3)]);
    says(&written.replayed(&[]), 1, &["t.jsonl:5: extra: ", r#""signup_id":"a""#]);
}

#[test]
fn a_reordered_pair_is_reported_as_that() {
    let written = Written::signed_in(&[&add("a", 1), &add("b", 2), &ack("b", 2), &ack("a", 1)]);
    says(&written.replayed(&[]), 1, &["t.jsonl:5: reordered: the frame that line 6 expects came first"]);
}

#[test]
fn transcripts_that_cannot_be_used_are_refused_with_file_line_and_column() {
    for (line, place) in [
        ("send it", "t.jsonl:3:1: "),
        (r#"{"receive":{"method":"PONG"}}"#, "t.jsonl:3:2: "),
        (r#"{"send":{"method":"getBots","token":"<id>"}}"#, "t.jsonl:3:37: "),
        (r#"{"send":{"method":"PI"#, "t.jsonl:3:22: "),
    ] {
        // One that is well stands before it, and is not played either.
        let (good, bad) = (Written::signed_in(&[]), Written::new(&(SIGN_IN.to_owned() + line)));
        let ran = good.replayed(&[bad.path.to_str().expect("paths of tests are text")]);
        assert!(ran.code == Some(2) && ran.stderr.contains(place) && ran.stdout.is_empty(), "{line}: {ran:?}");
    }
}

#[test]
fn a_byte_order_mark_is_named() {
    let ran = Written::new(&format!("\u{feff}{SIGN_IN}")).replayed(&[]);
    assert!(ran.code == Some(2) && ran.stderr.contains("t.jsonl:1:1: a byte order mark"), "{ran:?}");
}

#[test]
fn a_transcript_that_vanishes_is_named_once() {
    let written = Written::new("{\"note\":\"\"}\n");
    let transcript = guestlist::transcript::Transcript::read(&written.path).expect("it is well formed");
    fs::remove_file(&written.path).expect("it is there");
    let runtime = tokio::runtime::Runtime::new().expect("there is room for a runtime");
    let options = guestlist::transcript::options::ReplayOptions::default();
    let error = runtime.block_on(async {
        guestlist::transcript::replay::replay(&transcript, "ws://127.0.0.1:1/", &options, &mut ()).await
    });
    let error = error.expect_err("it is gone").to_string();
    assert!(error.starts_with(&format!("{}: cannot read the transcript", written.path.display())), "{error}");
}

#[test]
fn no_wait_is_longer_than_clocks_go() {
    let ran = Written::signed_in(&[]).replayed(&["--wait", "18446744073709551615"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--wait"), "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_link_back_to_its_directory_is_not_followed() {
    let written = Written::signed_in(&[]);
    std::os::unix::fs::symlink(written.home.path(), written.home.path().join("back")).expect("links can be made");
    says(
        &run(&["replay", written.home.path().to_str().expect("paths of tests are text")]),
        0,
        &["1 transcript replayed"],
    );
}

#[test]
fn secrets_are_given_on_the_command_line_or_in_a_file() {
    let recorded = SIGN_IN.replace(BOT, "<token_1>");
    let written = Written::new(&format!("{{\"secret\":\"token_1\"}}\n{recorded}"));
    says(&written.replayed(&["--bind", &format!("token_1={BOT}")]), 0, &["1 transcript replayed, 0 differ"]);
    let file = written.home.path().join("secrets.toml");
    fs::write(&file, format!("token_1 = \"{BOT}\"\n")).expect("files can be written");
    says(&written.replayed(&["--bind-file", file.to_str().expect("paths of tests are text")]), 0, &[]);

    let none = written.replayed(&[]);
    assert!(none.code == Some(2) && none.stderr.contains("t.jsonl:1: "), "{none:?}");
    assert!(none.stderr.contains("--bind token_1="), "{none:?}");
    let (malformed, token) = (written.replayed(&["--bind", BOT]), "DemoBotToken");
    assert!(malformed.code == Some(2) && malformed.stderr.contains("NAME=VALUE"), "{malformed:?}");
    fs::write(&file, format!("token_1 = {BOT}\n")).expect("files can be written");
    let unreadable = written.replayed(&["--bind-file", file.to_str().expect("paths of tests are text")]);
    assert!(unreadable.code == Some(2) && !unreadable.stderr.contains(token), "{unreadable:?}");
}

#[test]
fn no_secret_that_was_given_is_told_or_written() {
    let secret = r#"hunter2 & "co""#;
    let lines = [
        r#"{"secret":"name_1"}"#,
        &add("x", 1).replace("\"x\"", "\"<name_1>\""),
        &ack("y", 1).replace("\"y\"", "\"z\""),
        r#"{"expect":{"error":400,"message":"<name_1>"}}"#,
    ];
    let written = Written::signed_in(&lines);
    let bind = format!("name_1={secret}");
    for format in ["pretty", "tap", "junit"] {
        let ran = written.replayed(&["--bind", &bind, "--format", format]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(!ran.stdout.contains("hunter2") && ran.stdout.contains("[name_1]"), "{format}: {}", ran.stdout);
    }
    says(&written.replayed(&["--bind", &bind, "--bless", "--wait", "1"]), 0, &["blessed"]);
    let text = written.text();
    assert!(!text.contains("hunter2") && text.contains(r#""signup_id":"<name_1>""#), "{text}");
    says(&written.replayed(&["--bind", &bind]), 0, &["0 differ"]);
}

#[test]
fn parts_that_may_differ_are_ignored() {
    let changed = ack("b", 1).replace("\"reference\":1", "\"reference\":1,\"more\":true");
    let written = Written::signed_in(&[&add("a", 1), &changed]);
    says(&written.replayed(&["--ignore", "$.signups[*].signup_id", "--ignore", "$.more"]), 0, &[]);
    says(&written.replayed(&["--ignore", "$.signups[*].signup_id"]), 1, &["$.more: missing"]);
    let malformed = written.replayed(&["--ignore", "signups["]);
    assert!(malformed.code == Some(2) && malformed.stderr.contains("signups["), "{malformed:?}");
}

#[test]
fn order_counts_as_the_mode_says() {
    let reordered = Written::signed_in(&[&add("a", 1), &add("b", 2), &ack("b", 2), &ack("a", 1)]);
    says(&reordered.replayed(&["--mode", "any-order"]), 0, &[]);
    says(&reordered.replayed(&["--mode", "ordered", "--wait", "1"]), 1, &[]);
    let extra = Written::signed_in(&[&add("a", 1), &add("b", 2), &ack("b", 2)]);
    says(&extra.replayed(&["--mode", "ordered"]), 0, &[]);
    says(&extra.replayed(&["--mode", "any-order"]), 1, &[]);
}

#[test]
fn tap_numbers_the_transcripts_and_explains_a_failure() {
    let (good, bad) = (Written::signed_in(&[]), Written::signed_in(&[&add("a", 1), &ack("b", 1)]));
    let ran = good.replayed(&[bad.path.to_str().expect("paths of tests are text"), "--format", "tap"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[..2], ["TAP version 14", "1..2"]);
    assert!(lines[2].starts_with("ok 1 - ") && lines[2].ends_with("t.jsonl"), "{}", lines[2]);
    let refused = lines.iter().position(|line| line.starts_with("not ok 2 - ")).expect("the second failed");
    assert_eq!((lines[refused + 1], lines.last()), ("  ---", Some(&"  ...")));
    says(&ran, 1, &["    line: 4\n", r#"expected \"b\", got \"a\""#]);
}

/// Characters that terminals obey, that YAML takes for line breaks, and that no XML may hold.
const ODD: &str = "\u{9b}31m\u{7f}\u{85}\u{2028}\u{fffe}";

#[test]
fn characters_that_only_look_like_text_break_no_report() {
    let odd = Written::signed_in(&[&add("a", 1), &ack(ODD, 1)]);
    for format in ["pretty", "tap", "junit"] {
        let ran = odd.replayed(&["--format", format]);
        says(&ran, 1, &["31m"]);
        let untamed = |char: &char| (char.is_control() && *char != '\n') || *char == '\u{fffe}';
        assert_eq!(ran.stdout.chars().find(untamed), None, "{format}: {ran:?}");
        assert!(format != "tap" || !ran.stdout.contains('\u{2028}'), "{ran:?}");
    }
}

#[test]
fn a_name_of_two_lines_is_one_line_of_tap() {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("a\nb#.jsonl");
    fs::write(&path, "").expect("files can be written");
    let ran = run(&["replay", "--format", "tap", path.to_str().expect("paths of tests are text")]);
    says(&ran, 0, &[r"a\nb\#.jsonl"]);
}

#[test]
fn junit_has_a_case_a_transcript() {
    let (good, bad) = (Written::signed_in(&[]), Written::signed_in(&[&add("a", 1), &ack("<&>", 1)]));
    let ran = good.replayed(&[bad.path.to_str().expect("paths of tests are text"), "--format", "junit"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = quick_junit::Report::deserialize_from_str(&ran.stdout).expect("it is JUnit's XML");
    assert_eq!((report.tests, report.failures, report.errors), (2, 1, 0));
    let cases = &report.test_suites[0].test_cases;
    assert!(matches!(cases[0].status, quick_junit::TestCaseStatus::Success { .. }));
    let quick_junit::TestCaseStatus::NonSuccess { message, description, .. } = &cases[1].status else {
        panic!("the second failed: {cases:?}")
    };
    assert!(message.as_ref().is_some_and(|message| message.as_str().contains("t.jsonl:4: ")), "{message:?}");
    let told = description.as_ref().expect("the failure is described").as_str();
    assert!(told.contains(r#"expected "<&>", got "a""#), "{told}");
}

#[test]
fn blessing_changes_adds_and_removes_what_is_expected_and_nothing_else() {
    let lines: [&str; 11] = [
        r#"{ "note" : "kept as it is" }"#,
        "",
        &add("a", 1),
        &ack("b", 1).replace("{\"expect\":{", "{ \"expect\" : { "),
        &add("c", 2),
        &add("d", 3),
        &ack("d", 3),
        r#"{"expect":{"method":"eventMessage","text":"<string>"}}"#,
        r#"{"send":{"method":"PING"}}"#,
        r#"{"expect":{"method":"PONG"},"on":"main"}"#,
        &add("e", 4),
    ];
    let written = Written::signed_in(&lines);
    let before = written.text();
    says(&written.replayed(&["--bless", "--wait", "1"]), 0, &["blessed  ", "(1 changed, 0 moved, 2 added, 1 removed)"]);
    let after = written.text();
    let ack_of = |name, reference| ack(name, reference).replace("<digits>", if name == "c" { "2" } else { "4" });
    let expected = before
        .replace(lines[3], &ack("a", 1).replace("{\"expect\":{", "{ \"expect\" : {"))
        .replace(&ack("d", 3), &format!("{}\n{}", ack_of("c", 2), ack("d", 3)))
        .replace(&format!("{}\n", lines[7]), "")
        .replace(&add("e", 4), &format!("{}\n{}", add("e", 4), ack_of("e", 4)));
    assert_eq!(after, expected);
    says(&written.replayed(&[]), 0, &["0 differ"]);
    says(&written.replayed(&["--bless"]), 0, &["same     "]);
    assert_eq!(written.text(), after);
    let left: Vec<_> = fs::read_dir(written.home.path()).expect("it can be read").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn blessing_moves_what_came_in_another_order() {
    let written =
        Written::signed_in(&[&add("a", 1), &add("b", 2), &ack("b", 2), &ack("a", 1), &add("c", 3), &ack("c", 3)]);
    let before = written.text();
    says(&written.replayed(&["--bless"]), 0, &["blessed  "]);
    let pair = |first: String, second: String| format!("{first}\n{second}\n");
    let (told, came) = (pair(ack("b", 2), ack("a", 1)), pair(ack("a", 1), ack("b", 2)));
    assert_eq!(written.text(), before.replace(&told, &came));
    says(&written.replayed(&[]), 0, &["0 differ"]);
}

#[test]
fn blessing_keeps_the_ends_of_lines_and_what_surrounds_them() {
    let indented = |line: &str| format!(" \t{line} ");
    let text = |lines: [&str; 2]| SIGN_IN.replace('\n', "\r\n") + &lines.map(indented).join("\r\n");
    let (sent, wrong, right) = (add("a", 1), ack("b", 1), ack("a", 1));
    let written = Written::new(&text([&sent, &wrong]));
    says(&written.replayed(&["--bless"]), 0, &["blessed  ", "1 changed"]);
    assert_eq!(written.text(), text([&sent, &right]));
    let without_ack = SIGN_IN.replace('\n', "\r\n") + &sent;
    fs::write(&written.path, &without_ack).expect("files can be written");
    says(&written.replayed(&["--bless"]), 0, &["blessed  ", "1 added"]);
    assert_eq!(written.text(), format!("{without_ack}\r\n{}", right.replace("<digits>", "1")));
}

#[test]
fn blessing_overwrites_nothing_but_the_transcript() {
    let written = Written::signed_in(&[&add("a", 1), &ack("b", 1)]);
    let (before, beside) = (written.text(), written.home.path().join("t.jsonl.blessed"));
    fs::write(&beside, "mine").expect("files can be written");
    let ran = written.replayed(&["--bless"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("t.jsonl.blessed cannot be made"), "{ran:?}");
    assert_eq!((written.text(), fs::read_to_string(&beside).ok().as_deref()), (before, Some("mine")));
}

#[test]
fn a_transcript_that_cannot_be_blessed_stays_as_it_is() {
    let gone = r#"{"expect":{"method":"PONG"}}"#;
    let written = Written::new(&format!("{}\n{gone}\n", r#"{"send":{"method":"TOKEN_AUTH","token":"wrong"}}"#));
    let before = written.text();
    let ran = written.replayed(&["--bless"]);
    // The refusal takes the place of what was expected; that the connection ends is not for the tool to accept.
    assert!(ran.code == Some(2) && ran.stderr.contains("t.jsonl:2: ") && ran.stderr.contains("1008"), "{ran:?}");
    assert_eq!(written.text(), before);
}

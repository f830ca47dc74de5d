//! Whatever is wrong with a transcript's expectations: once blessed, it is as the gateway answers, and blessed for good.

use std::fs;
use std::time::Duration;

use guestlist::testing::Gateway;
use guestlist::transcript::Transcript;
use guestlist::transcript::bless::bless;
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Such whose answers are the same every time.
const FIXTURES: [&str; 6] = [
    "fixtures/directory/apps.jsonl",
    "fixtures/connection/ping.jsonl",
    "fixtures/connection/answers_in_order.jsonl",
    "fixtures/access/evaluations.jsonl",
    "fixtures/http/rpc.jsonl",
    "fixtures/http/authzen.jsonl",
];

/// Whether a frame is missing is seen by waiting for it.
fn options() -> ReplayOptions {
    ReplayOptions { frame_wait: Duration::from_secs(2), ..ReplayOptions::default() }
}

/// What is done to one expectation.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Remove,
    Repeat,
    Swap,
    Digit,
    Key,
}

fn damages() -> impl Strategy<Value = Vec<(usize, Damage)>> {
    let damage = prop_oneof![
        Just(Damage::Remove),
        Just(Damage::Repeat),
        Just(Damage::Swap),
        Just(Damage::Digit),
        Just(Damage::Key)
    ];
    prop::collection::vec((any::<usize>(), damage), 1..4)
}

/// The text with some of the frames it expects damaged; those of the sign-in are left, for its date is never the same.
fn damaged(text: &str, damages: &[(usize, Damage)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (which, damage) in damages {
        let is_damaged = |line: &&String| line.starts_with(r#"{"expect":"#) && !line.contains("TOKEN_AUTH_OK");
        let expected: Vec<usize> = (0..lines.len()).filter(|index| is_damaged(&&lines[*index])).collect();
        if expected.is_empty() {
            continue;
        }
        let place = which % expected.len();
        let index = expected[place];
        match damage {
            Damage::Remove => drop(lines.remove(index)),
            Damage::Repeat => lines.insert(index, lines[index].clone()),
            Damage::Swap => lines.swap(index, expected[(place + 1) % expected.len()]),
            Damage::Digit => lines[index] = lines[index].replacen('1', "7", 1),
            Damage::Key => lines[index] = lines[index].replacen(r#"{"expect":{"#, r#"{"expect":{"zz":[1,"x"],"#, 1),
        }
    }
    lines.join("\n")
}

async fn blessed(text: &str) -> Option<String> {
    let transcript = Transcript::parse("t", text).ok()?;
    let gateway = Gateway::start().await;
    let edits = bless(&transcript, &gateway.url(), &options()).await;
    gateway.stop().await;
    Some(edits.ok()?.applied(text))
}

/// The answer to a ping of the transcript is not that to one which tells where the answers end, whatever its line looks like.
#[tokio::test]
async fn a_ping_of_the_transcript_keeps_its_answer() {
    let text = fs::read_to_string("fixtures/connection/ping.jsonl").expect("the fixture is there");
    let damaged = text.replace(r#"{"expect":{"method":"PONG"}}"#, r#"{"expect":{"zz":1,"method":"PONG"}}"#);
    let damaged = damaged.replace(
        "\"signup_id\":\"ann@example.com\"}],\"reference\":1",
        "\"signup_id\":\"ann@example.com\"}],\"reference\":7",
    );
    assert_ne!(damaged, text);
    let blessed = blessed(&damaged).await.expect("it can be blessed");
    let transcript = Transcript::parse("t", &*blessed).expect("it is well formed");
    Gateway::start().await.replay(&transcript).await;
    assert!(blessed.lines().count() == text.lines().count(), "{blessed}");
}

#[test]
fn a_damaged_transcript_is_blessed_once_and_for_all() {
    let runtime = tokio::runtime::Runtime::new().expect("there is room for a runtime");
    let told = std::cell::Cell::new(0);
    for fixture in FIXTURES {
        let text = fs::read_to_string(fixture).expect("the fixture is there");
        let mut runner = TestRunner::new(Config { cases: 3, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&damages(), |damages| {
            runtime.block_on(async {
                let damaged = damaged(&text, &damages);
                // What a person must judge stays as it is.
                let Some(after) = blessed(&damaged).await else { return Ok(()) };
                told.set(told.get() + 1);
                let transcript = Transcript::parse("t", &*after);
                let transcript = transcript.map_err(|error| TestCaseError::fail(format!("{error}\n{after}")))?;
                let gateway = Gateway::start().await;
                let replayed = replay(&transcript, &gateway.url(), &options(), &mut ()).await;
                gateway.stop().await;
                replayed.map_err(|error| {
                    TestCaseError::fail(format!("{}\n{damaged}\n---\n{after}", error.report(false)))
                })?;
                prop_assert_eq!(blessed(&after).await, Some(after));
                Ok(())
            })
        });
        outcome.unwrap_or_else(|error| panic!("{fixture}: {error}"));
    }
    let told = told.get();
    assert!(told > 6, "only {told} were blessed");
}

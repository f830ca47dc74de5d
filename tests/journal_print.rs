//! What `guestlist journal print` tells of what was done, when, and by whom.

mod support;

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use support::generations::{Generations, TAIL, damage};
use support::process::{Ran, guestlist, ran, run};
use support::written::{SEEDED, used};

fn print(dir: &Path, flags: &[&str]) -> Ran {
    let dir = dir.to_str().expect("paths of tests are text");
    run(&[&["journal", "print", dir], flags].concat())
}

/// The entries, from their JSON.
fn entries(dir: &Path, flags: &[&str]) -> Vec<Value> {
    let printed = print(dir, &[&["--json"], flags].concat());
    assert_eq!(printed.code, Some(0), "{printed:?}");
    printed.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn numbers(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| entry["seq"].as_u64().expect("an entry has a number")).collect()
}

#[tokio::test]
async fn every_entry_is_told_with_its_moment_number_caller_and_message() {
    let generations = Generations::new().await;
    let all = entries(generations.path(), &[]);
    assert_eq!(numbers(&all), (1..=generations.last).collect::<Vec<_>>());
    let printed = print(generations.path(), &[]);
    for (entry, line) in all.iter().zip(printed.stdout.lines()) {
        let [at, by] = ["at", "by"].map(|name| entry[name].as_str().expect("it is text"));
        let moment: Timestamp = at.parse().expect("it is a moment in UTC");
        assert!(at.ends_with('Z') && Some(moment.as_millisecond()) == entry["at_ms"].as_i64(), "{entry}");
        assert!(entry["do"]["method"].is_string(), "{entry}");
        let mut words = line.split_whitespace();
        let told = [words.next(), words.next(), words.next()];
        assert_eq!(told, [Some(at), Some(&*entry["seq"].to_string()), Some(by)], "{line}");
    }
    assert!(printed.stdout.contains("guest19@example.com") && !printed.stdout.contains("demo-admin-token"));
}

#[tokio::test]
async fn a_part_can_be_asked_for() {
    let generations = Generations::new().await;
    let (dir, last) = (generations.path(), generations.last);
    let all = entries(dir, &[]);
    assert_eq!(numbers(&entries(dir, &["--since", &last.to_string()])), [last]);
    assert_eq!(numbers(&entries(dir, &["--since", "3", "--until", "5"])), [3, 4, 5]);
    assert!(entries(dir, &["--since", &(last + 1).to_string()]).is_empty());
    let tail = &all[all.len() - usize::try_from(TAIL).expect("it is small")];
    let at = tail["at"].as_str().expect("it is text");
    let since = entries(dir, &["--since", at]);
    assert!(since.iter().all(|entry| entry["at_ms"].as_u64() >= tail["at_ms"].as_u64()) && !since.is_empty());
    assert_eq!(
        since.len() + entries(dir, &["--until", at]).iter().filter(|entry| entry["at_ms"] != tail["at_ms"]).count(),
        all.len()
    );
    let today = &at[..10];
    let first_day = &all[0]["at"].as_str().expect("it is text")[..10];
    assert_eq!(entries(dir, &["--since", first_day, "--until", today]).len(), all.len());
    assert_eq!(entries(dir, &["--since", "2100-01-01"]).len(), 0);
    assert_eq!(entries(dir, &["--until", "2020-01-01T00:00"]).len(), 0);
    let seeded = entries(dir, &["--by", "seed"]);
    assert_eq!(numbers(&seeded), (1..=u64::try_from(SEEDED).expect("it is small")).collect::<Vec<_>>());
    assert_eq!(
        entries(dir, &["--by", "seed", "--by", all[SEEDED]["by"].as_str().expect("it is text")]).len(),
        all.len()
    );
    let [apps, adds] = ["setApp", "addToWhitelist"].map(|name| entries(dir, &["--method", name]));
    assert!(apps.iter().all(|entry| entry["do"]["method"] == "setApp") && !apps.is_empty());
    assert_eq!(entries(dir, &["--method", "setApp", "--method", "addToWhitelist"]).len(), apps.len() + adds.len());
    for flags in [["--method", "getApps"], ["--by", "nobody"], ["--since", "yesterday"], ["--until", "2026-13-01"]] {
        let refused = print(dir, &flags);
        assert!(refused.code == Some(2) && refused.stdout.is_empty(), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_before_damage_is_printed_and_the_damage_told() {
    let generations = Generations::new().await;
    let segment = generations.path().join(&generations.files.segments[1].name);
    let begins = damage(&segment, 1);
    let printed = print(generations.path(), &["--json"]);
    let seqs: Vec<Value> = printed.stdout.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(numbers(&seqs), (1..generations.files.segments[1].seq).collect::<Vec<_>>(), "{printed:?}");
    let said = format!("{} is damaged at byte {begins}", segment.display());
    assert!(printed.code == Some(1) && printed.stderr.contains(&said), "{printed:?}");
    // Nobody who asks for what comes before or after needs it.
    let before = print(generations.path(), &["--until", &(generations.files.segments[1].seq - 1).to_string()]);
    assert_eq!(before.code, Some(0), "{before:?}");
    let after = print(generations.path(), &["--since", &generations.files.segments[2].seq.to_string()]);
    assert_eq!(after.code, Some(0), "{after:?}");
    // A torn end is none.
    let last = generations.path().join(&generations.files.segments.last().expect("there are segments").name);
    let bytes = fs::read(&last).expect("it can be read");
    fs::write(&last, &bytes[..used(&bytes) - 3]).expect("it can be written");
    let since = generations.files.segments.last().expect("there are segments").seq.to_string();
    assert_eq!(numbers(&entries(generations.path(), &["--since", &since])).last(), Some(&(generations.last - 1)));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let generations = Generations::new().await;
    let dir = generations.path().to_str().expect("it is text");
    let binary = guestlist(&[]).get_program().to_owned();
    let mut piped = std::process::Command::new("sh");
    piped
        .args(["-c", r#"set -e; { "$0" journal print "$1"; echo "ended with $?" >&2; } | head -n 1"#])
        .arg(binary)
        .arg(dir);
    let ended = ran(&mut piped);
    assert!(ended.stderr.contains("ended with 0") && ended.stdout.lines().count() == 1, "{ended:?}");
}

//! What `guestlist journal check` says of a directory, file by file, whatever is wrong with it.

mod support;

use std::fs;
use std::path::Path;

use guestlist::journal::directory::segment_path;
use serde_json::Value;
use support::generations::{Generations, TAIL, damage};
use support::process::{Ran, Served, run};
use support::written::{add, directory, used};
use support::{BOT, Client};

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

fn check(directory: &Path) -> (Ran, Value) {
    let checked = run(&["journal", "check", path(directory)]);
    let json = run(&["journal", "check", path(directory), "--json"]);
    assert_eq!(json.code, checked.code, "{json:?}");
    let json = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json:?}"));
    (checked, json)
}

/// Verdicts by file, from the JSON.
fn verdict<'a>(json: &'a Value, file: &str) -> &'a Value {
    let all = json["snapshots"].as_array().into_iter().chain(json["segments"].as_array()).flatten();
    all.into_iter().find(|found| found["file"] == file).unwrap_or_else(|| panic!("nothing of {file} in {json}"))
}

#[tokio::test]
async fn every_file_is_judged_and_the_end_told() {
    let Generations { directory, files, digest, last } = &Generations::new().await;
    let (checked, json) = check(directory.path());
    assert_eq!((checked.code, &json["verdict"]), (Some(0), &Value::from("whole")), "{checked:?}");
    for file in files.snapshots.iter().chain(&files.segments) {
        let said = format!("{}  whole", directory.path().join(&file.name).display());
        assert!(checked.stdout.contains(&said), "{checked:?}");
        assert_eq!(verdict(&json, &file.name)["verdict"], "whole", "{json}");
    }
    assert!(checked.stdout.contains(&digest.to_string()), "{checked:?}");
    assert_eq!((&json["end"]["digest"], &json["end"]["seq"]), (&digest.to_string().into(), &(*last).into()), "{json}");
    assert_eq!(json["generation_before"]["comes_to"], "the_same", "{json}");
    let [older, newest] = &files.snapshots[..] else { panic!("{files:?}") };
    let needed = |name: &str| verdict(&json, name)["needed"] == true;
    assert!(needed(&newest.name) && !needed(&older.name) && !needed(&files.segments[0].name), "{json}");
    let tail = verdict(&json, &files.segments.last().expect("there are segments").name);
    assert_eq!((&tail["first"], &tail["last"]), (&(newest.seq + 1).into(), &(newest.seq + TAIL).into()), "{json}");
    assert!(tail["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{json}");
}

#[tokio::test]
async fn it_goes_on_after_damage_and_judges_every_file() {
    let generations = Generations::new().await;
    let all: Vec<_> = generations.files.snapshots.iter().chain(&generations.files.segments).collect();
    for broken in &all {
        let directory = generations.copy();
        let file = directory.path().join(&broken.name);
        let begins = damage(&file, 1);
        let (checked, json) = check(directory.path());
        assert_eq!((checked.code, &json["verdict"]), (Some(1), &Value::from("damaged")), "{checked:?}");
        let said = format!("{} is damaged at byte {begins}", file.display());
        assert!(checked.stderr.contains(&said) && checked.stderr.contains("guestlist journal repair"), "{checked:?}");
        for other in &all {
            let expected = if other.name == broken.name { "damaged" } else { "whole" };
            assert_eq!(verdict(&json, &other.name)["verdict"], expected, "{}: {json}", broken.name);
        }
        assert_eq!(verdict(&json, &broken.name)["offset"], begins, "{json}");
    }
}

#[tokio::test]
async fn a_damaged_newest_snapshot_is_said_to_stop_a_start_and_an_older_one_is_not() {
    let generations = Generations::new().await;
    for (index, stops) in [(0, false), (1, true)] {
        let directory = generations.copy();
        damage(&directory.path().join(&generations.files.snapshots[index].name), 1);
        let (checked, _) = check(directory.path());
        let said = "a start refuses the newest snapshot, and comes to the same state without it; to put it aside";
        assert_eq!(checked.stderr.contains(said), stops, "{checked:?}");
        assert_eq!(checked.stderr.contains("a start does not need what is damaged"), !stops, "{checked:?}");
        assert_eq!(checked.stdout.contains("; a start refuses it"), stops, "{checked:?}");
    }
}

#[tokio::test]
async fn a_torn_end_is_whole_and_a_gap_is_not() {
    let generations = Generations::new().await;
    let last = generations.path().join(&generations.files.segments.last().expect("there are segments").name);
    let bytes = fs::read(&last).expect("it can be read");
    fs::write(&last, &bytes[..used(&bytes) - 7]).expect("it can be written");
    let (checked, json) = check(generations.path());
    assert_eq!((checked.code, &json["verdict"]), (Some(0), &Value::from("torn")), "{checked:?}");
    assert!(checked.stdout.contains("were never acknowledged, a start cuts them off"), "{checked:?}");
    let name = last.file_name().and_then(|name| name.to_str()).expect("files have names");
    assert_eq!(verdict(&json, name)["verdict"], "torn", "{json}");
    fs::rename(&last, segment_path(generations.path(), 1_000)).expect("it can be renamed");
    let (checked, _) = check(generations.path());
    assert_eq!(checked.code, Some(1), "{checked:?}");
}

#[tokio::test]
async fn room_ahead_is_told_and_no_complaint() {
    let generations = Generations::new().await;
    let name = &generations.files.segments.last().expect("there are segments").name;
    let bytes = fs::read(generations.path().join(name)).expect("it can be read");
    let (used, ahead) = (used(&bytes), bytes.len() - used(&bytes));
    assert!(ahead > 0, "a gateway that was killed leaves room");
    let (checked, json) = check(generations.path());
    assert_eq!(
        (checked.code, &json["verdict"], checked.stderr.as_str()),
        (Some(0), &"whole".into(), ""),
        "{checked:?}"
    );
    assert!(checked.stdout.contains(&format!("{used} bytes, and {ahead} ahead\n")), "{checked:?}");
    let told = verdict(&json, name);
    assert_eq!((&told["bytes"], &told["ahead_bytes"]), (&used.into(), &ahead.into()), "{json}");
    for sealed in generations.files.segments.iter().rev().skip(1) {
        assert_eq!(verdict(&json, &sealed.name).get("ahead_bytes"), None, "{json}");
    }
    let repaired = run(&["journal", "repair", path(generations.path())]);
    assert!(repaired.code == Some(0) && repaired.stdout.contains("there is nothing to repair"), "{repaired:?}");
    assert_eq!(fs::read(generations.path().join(name)).expect("it can be read"), bytes);
}

#[test]
fn what_cannot_be_read_is_told_from_what_is_damaged() {
    let empty = directory();
    let missing = empty.path().join("missing");
    for dir in [empty.path(), &missing] {
        for command in ["check", "print", "repair"] {
            let ran = run(&["journal", command, path(dir)]);
            assert_eq!(ran.code, Some(2), "{ran:?}");
        }
    }
    assert!(!missing.exists(), "a command made the directory");
}

#[tokio::test]
async fn a_check_of_a_directory_in_use_finds_it_whole() {
    let home = directory();
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let args = ["--demo", "--snapshot-every", "5", "--journal-keep", "0"];
    let served = Served::start(&data, &log, &args);
    let mut bot = Client::sign_in(&served.url, BOT).await;
    for round in 0..5 {
        let adding = async {
            for n in 0..40 {
                add(&mut bot, &format!("guest{round}-{n}@example.com")).await;
            }
        };
        let dir = data.clone();
        let checking = tokio::task::spawn_blocking(move || run(&["journal", "check", path(&dir)]));
        let ((), checked) = tokio::join!(adding, checking);
        let checked = checked.expect("it does not panic");
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
}

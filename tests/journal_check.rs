//! What `guestlist journal check` says of a directory, file by file, whatever is wrong with it.

mod support;

use std::fs;
use std::path::Path;

use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::directory::{files, segment_path, snapshot_path};
use guestlist::journal::file::Durability;
use guestlist::state::digest::Digest;
use serde_json::Value;
use support::process::{Ran, Served, run};
use support::written::{add, directory};
use support::{BOT, Client, options};
use tempfile::TempDir;

/// Entries between two snapshots.
const EVERY: u64 = 20;

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// A directory with at least two generations, and the digest of what it holds.
async fn generations() -> (TempDir, Digest) {
    let directory = directory();
    let store =
        Store::Directory { path: directory.path().to_owned(), durability: Durability::Sync, snapshot_every: EVERY };
    let gateway = Gateway::start(Options { store, ..options(directory.path(), Limits::default()) });
    let gateway = gateway.await.expect("the gateway starts");
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let mut n = 0;
    while files(&RealDisk::new(directory.path())).expect("it can be read").snapshots.len() < 2 {
        add(&mut bot, &format!("guest{n}@example.com")).await;
        n += 1;
    }
    drop(bot);
    gateway.stop().await;
    // A tail after the newest snapshot.
    let served = Served::start(directory.path(), &directory.path().join("log"), &[]);
    let mut bot = Client::sign_in(&served.url, BOT).await;
    for n in 0..5 {
        add(&mut bot, &format!("tail{n}@example.com")).await;
    }
    served.kill();
    let recovered = guestlist::recovery::recover(&RealDisk::new(directory.path())).expect("it is whole");
    (directory, Digest::of(recovered.writer.state()))
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

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("files have names")
}

#[tokio::test]
async fn every_file_is_judged_and_the_end_told() {
    let (directory, digest) = generations().await;
    let found = files(&RealDisk::new(directory.path())).expect("it can be read");
    let (checked, json) = check(directory.path());
    assert_eq!((checked.code, &json["verdict"]), (Some(0), &Value::from("whole")), "{checked:?}");
    for file in found.snapshots.iter().chain(&found.segments) {
        assert!(checked.stdout.contains(&format!("{}  whole", directory.path().join(&file.name).display())), "{checked:?}");
        assert_eq!(verdict(&json, &file.name)["verdict"], "whole", "{json}");
    }
    assert!(checked.stdout.contains(&digest.to_string()), "{checked:?}");
    assert_eq!(json["end"]["digest"], digest.to_string(), "{json}");
    assert_eq!(json["generation_before"]["comes_to"], "the_same", "{json}");
    let newest = &found.snapshots.last().expect("there are snapshots");
    assert_eq!(verdict(&json, &newest.name)["needed"], true);
    assert_eq!(verdict(&json, &found.snapshots[0].name)["needed"], false);
    assert_eq!(verdict(&json, &found.segments[0].name)["needed"], false);
    let last = verdict(&json, &found.segments.last().expect("there are segments").name);
    assert_eq!((last["first"].as_u64(), last["last"].as_u64()), (Some(newest.seq + 1), Some(newest.seq + 5)), "{json}");
    assert!(last["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{json}");
}

#[tokio::test]
async fn it_goes_on_after_damage_and_judges_every_file() {
    let (directory, _) = generations().await;
    let found = files(&RealDisk::new(directory.path())).expect("it can be read");
    let all: Vec<_> = found.snapshots.iter().chain(&found.segments).collect();
    for broken in &all {
        let file = directory.path().join(&broken.name);
        let whole = fs::read(&file).expect("it can be read");
        let mut bytes = whole.clone();
        let second = bytes.iter().position(|byte| *byte == b'\n').expect("it has lines") + 1;
        bytes[second + 30] ^= 1;
        fs::write(&file, &bytes).expect("it can be written");
        let (checked, json) = check(directory.path());
        assert_eq!((checked.code, &json["verdict"]), (Some(1), &Value::from("damaged")), "{checked:?}");
        let said = format!("{} is damaged at byte {second}", file.display());
        assert!(checked.stderr.contains(&said), "{checked:?}");
        assert!(checked.stderr.contains("guestlist journal repair"), "{checked:?}");
        for other in &all {
            let expected = if other.name == broken.name { "damaged" } else { "whole" };
            assert_eq!(verdict(&json, &other.name)["verdict"], expected, "{}: {json}", broken.name);
        }
        assert_eq!(verdict(&json, &broken.name)["offset"], second, "{json}");
        fs::write(&file, &whole).expect("it can be written");
    }
}

#[tokio::test]
async fn a_torn_end_is_whole_and_a_gap_is_not() {
    let (directory, _) = generations().await;
    let found = files(&RealDisk::new(directory.path())).expect("it can be read");
    let last = directory.path().join(&found.segments.last().expect("there are segments").name);
    let bytes = fs::read(&last).expect("it can be read");
    fs::write(&last, &bytes[..bytes.len() - 7]).expect("it can be written");
    let (checked, json) = check(directory.path());
    assert_eq!((checked.code, &json["verdict"]), (Some(0), &Value::from("torn")), "{checked:?}");
    assert!(checked.stdout.contains("were never acknowledged, a start cuts them off"), "{checked:?}");
    assert_eq!(verdict(&json, name(&last))["verdict"], "torn", "{json}");
    fs::remove_file(snapshot_path(directory.path(), found.snapshots.last().expect("there are some").seq))
        .expect("it can be removed");
    fs::remove_file(&last).expect("it can be removed");
    fs::write(segment_path(directory.path(), 1_000), bytes).expect("it can be written");
    let (checked, _) = check(directory.path());
    assert_eq!(checked.code, Some(1), "{checked:?}");
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

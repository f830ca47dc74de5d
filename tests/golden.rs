//! Data directories written by every released format, which must open to the very same state for ever.
//!
//! New ones are made by the binary: `cargo test --test golden -- --ignored` writes those of the format that it knows that are not
//! there, with the digests; what is there stays as it is.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guestlist::disk::{RealDisk, SimulatedDisk};
use guestlist::journal::FORMAT;
use guestlist::journal::directory::files;
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::read::survey;
use guestlist::recovery::recover;
use guestlist::state::digest::Digest;
use serde_json::json;
use support::process::Served;
use support::written::{directory, used};
use support::{APP, BOT, Client};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journal")
}

#[test]
fn every_golden_directory_folds_to_the_digest_recorded_with_it_and_is_left_as_it_is() {
    let mut formats = BTreeSet::new();
    for entry in golden().read_dir().expect("there are golden directories") {
        let entry = entry.expect("the directory can be listed");
        let (path, before) = (entry.path(), bytes_of(&entry.path()));
        let recovered = recover(&RealDisk::new(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let recorded = fs::read_to_string(path.join("digest")).expect("a digest is recorded");
        let state = recovered.writer.state();
        assert_eq!(Digest::of(state).to_string(), recorded.trim(), "{}", path.display());
        assert_eq!(state.digest().digest, Digest::of(state), "{}: as it was kept", path.display());
        assert_eq!(recovered.torn.is_some(), path.ends_with("2-segments-with-a-torn-tail"), "{}", path.display());
        assert!(bytes_of(&path) == before, "{} was changed by being read", path.display());
        formats.insert(entry.file_name().to_str().and_then(|name| name.split('-').next()?.parse::<u32>().ok()));
    }
    assert_eq!(formats, (1..=FORMAT).map(Some).collect(), "every format has its directories");
}

fn bytes_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = directory.read_dir().expect("the directory can be listed");
    let paths = files.map(|file| file.expect("the directory can be listed").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("files can be read"))).collect()
}

#[test]
fn every_golden_directory_can_be_gone_on_in_and_comes_to_the_newest_format() {
    for entry in golden().read_dir().expect("there are golden directories") {
        let (path, disk) = (entry.expect("the directory can be listed").path(), SimulatedDisk::new(0));
        for (file, bytes) in bytes_of(&path) {
            disk.put(file.file_name().and_then(|name| name.to_str()).expect("a name is text"), &bytes);
        }
        let found = recover(&disk).expect("it opened above");
        let digest = Digest::of(found.writer.state());
        FileJournal::go_on(Arc::new(disk.clone()), &found.tail, Durability::Sync).expect("the disk is well");
        let again = recover(&disk).unwrap_or_else(|error| panic!("{}, begun: {error}", path.display()));
        assert_eq!((Digest::of(again.writer.state()), again.torn), (digest, None), "{}, begun", path.display());
        let newest = files(&disk).expect("the disk is well").segments.pop().expect("a segment was begun");
        assert_eq!(survey(&disk, &newest).expect("the disk is well").format, Some(FORMAT), "{}", path.display());
    }
}

/// How the last segment of a directory ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With its last line.
    Whole,
    /// Within that.
    Torn,
    /// With room for more.
    Room,
}

#[tokio::test]
#[ignore = "writes golden directories of the format that this gateway knows"]
async fn new_golden_directories() {
    // (its name, the flags it is run with, whether it is stopped or killed, how it ends)
    for (name, flags, stops, end) in [
        ("journal-alone", &["--demo"][..], false, End::Whole),
        ("snapshot-and-tail", &["--demo"][..], true, End::Whole),
        ("segments-with-a-torn-tail", &["--demo"][..], false, End::Torn),
        ("segments-with-room-ahead", &["--demo"][..], false, End::Room),
    ] {
        if golden().join(format!("{FORMAT}-{name}")).exists() {
            continue;
        }
        let (scratch, path) = (directory(), golden().join(format!("{FORMAT}-{name}")));
        let (data, log) = (scratch.path().join("data"), scratch.path().join("log"));
        let served = Served::start(&data, &log, flags);
        write(&served.url, "first").await;
        if stops {
            drop(served.stop())
        } else {
            served.kill()
        }
        // Once more, so that there is something after the snapshot, or a second segment.
        if stops || end != End::Whole {
            let served = Served::start(&data, &log, flags);
            write(&served.url, "second").await;
            served.kill();
        }
        fs::remove_file(data.join("lock")).expect("a gateway leaves its lock");
        let disk = RealDisk::new(&data);
        let last = files(&disk).expect("it can be listed").segments.pop().expect("there is a segment");
        let mut bytes = fs::read(data.join(&last.name)).expect("it can be read");
        match end {
            // Some of it is enough.
            End::Room => bytes.truncate(used(&bytes) + 2_000),
            End::Whole => bytes.truncate(used(&bytes)),
            End::Torn => bytes.truncate(used(&bytes) - 25),
        }
        fs::write(data.join(&last.name), bytes).expect("it can be written");
        let digest = Digest::of(recover(&disk).expect("it is whole").writer.state());
        fs::write(data.join("digest"), format!("{digest}\n")).expect("it can be written");
        fs::create_dir_all(&path).expect("fixtures can be written");
        for (file, bytes) in bytes_of(&data) {
            fs::write(path.join(file.file_name().expect("files have names")), bytes).expect("fixtures can be written");
        }
    }
}

/// Puts several people on lists, in one frame after the other, some of which are flushed together.
async fn write(url: &str, name: &str) {
    let mut bot = Client::sign_in(url, BOT).await;
    for n in 0..6 {
        let signups = json!([{"signup_id": format!("{name}{n}@example.com"), "tags": [n.to_string()]}]);
        let method = ["addToWhitelist", "addToBlacklist"][n % 2];
        bot.send(json!({"method": method, "app_id": APP, "signups": signups}).to_string()).await;
    }
    for _ in 0..6 {
        assert_eq!(bot.json().await.get("error"), None);
    }
    let patterns = json!([{"pattern": format!("{name}.*"), "tags": []}]);
    let ack =
        bot.call(json!({"method": "addWhitelistPatterns", "app_id": APP, "patterns": patterns}).to_string()).await;
    assert_eq!(ack.get("error"), None, "{ack}");
}

//! What `guestlist journal repair` does to a directory, what it refuses to do, and that a start works after it.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use support::generations::{Generations, TAIL, damage, folded};
use support::process::{Ran, Served, run};
use support::written::{add, directory, used};
use support::{BOT, Client};

fn repair(dir: &Path, flags: &[&str]) -> Ran {
    let dir = dir.to_str().expect("paths of tests are text");
    run(&[&["journal", "repair", dir], flags].concat())
}

/// Everything in a directory but the lock, and what is in the directories of copies.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !path.ends_with("lock") && !path.ends_with("log") {
            found.insert(path.clone(), fs::read(&path).expect("it can be read"));
        }
    }
    found
}

/// What is kept of a file, in the one directory of copies.
fn kept(directory: &Path, name: &str) -> Option<Vec<u8>> {
    let found =
        contents(directory).into_iter().find(|(path, _)| path.ends_with(name) && path.parent() != Some(directory));
    found.map(|(_, bytes)| bytes)
}

/// After a repair a check is clean, another repair finds nothing to do, and a gateway starts and goes on.
async fn check_repaired(dir: &Path) {
    let text = dir.to_str().expect("paths of tests are text");
    let checked = run(&["journal", "check", text]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let before = contents(dir);
    let again = repair(dir, &[]);
    assert!(again.code == Some(0) && again.stdout.contains("nothing to repair"), "{again:?}");
    assert!(contents(dir) == before, "a second repair changed something: {again:?}");
    let served = Served::start(dir, &dir.join("log"), &[]);
    let mut bot = Client::sign_in(&served.url, BOT).await;
    add(&mut bot, "after the repair").await;
    drop(bot);
    assert_eq!(served.stop().code, Some(0));
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_kept() {
    let generations = Generations::new().await;
    let name = &generations.files.segments.last().expect("there are segments").name;
    let segment = generations.path().join(name);
    let mut bytes = fs::read(&segment).expect("it can be read");
    // Room that was not written yet is no part of it.
    let torn = used(&bytes) - 7;
    bytes[torn..].fill(0);
    fs::write(&segment, &bytes).expect("it can be written");
    let before = contents(generations.path());
    let told = repair(generations.path(), &["--dry-run"]);
    assert!(told.code == Some(0) && told.stdout.contains(&format!("{name} would be cut off after byte")), "{told:?}");
    assert!(contents(generations.path()) == before, "a dry run changed something");
    let repaired = repair(generations.path(), &[]);
    assert!(repaired.code == Some(0) && repaired.stdout.contains("is kept in"), "{repaired:?}");
    assert_eq!(kept(generations.path(), name).as_deref(), Some(&bytes[..]), "{repaired:?}");
    assert_eq!(folded(generations.path()).1, generations.last - 1);
    check_repaired(generations.path()).await;
}

#[tokio::test]
async fn a_damaged_newest_snapshot_is_put_aside_for_the_generation_before_it() {
    let generations = Generations::new().await;
    let newest = &generations.files.snapshots[1].name;
    for line in [0, 1, 5] {
        let copy = generations.copy();
        damage(&copy.path().join(newest), line);
        let damaged = fs::read(copy.path().join(newest)).expect("it can be read");
        let refused = run(&["serve", "--listen", "127.0.0.1:0", "--data", copy.path().to_str().expect("it is text")]);
        assert!(refused.code == Some(2) && refused.stderr.contains("guestlist journal repair"), "{refused:?}");
        let repaired = repair(copy.path(), &[]);
        assert_eq!(repaired.code, Some(0), "{repaired:?}");
        assert_eq!(kept(copy.path(), newest), Some(damaged), "{repaired:?}");
        assert_eq!(folded(copy.path()), (generations.digest, generations.last), "{repaired:?}");
        check_repaired(copy.path()).await;
    }
    // Both, where the whole journal is there; one, where a segment between them is missing.
    let copy = generations.copy();
    for snapshot in &generations.files.snapshots {
        damage(&copy.path().join(&snapshot.name), 1);
    }
    assert_eq!(repair(copy.path(), &[]).code, Some(0));
    assert_eq!(folded(copy.path()), (generations.digest, generations.last));
    check_repaired(copy.path()).await;
}

#[tokio::test]
async fn what_a_start_does_not_need_is_put_aside() {
    let generations = Generations::new().await;
    for file in
        [&generations.files.snapshots[0].name, &generations.files.segments[0].name, &generations.files.segments[1].name]
    {
        let copy = generations.copy();
        damage(&copy.path().join(file), 1);
        let repaired = repair(copy.path(), &[]);
        assert!(repaired.code == Some(0) && !repaired.stdout.contains("lost"), "{repaired:?}");
        assert!(kept(copy.path(), file).is_some(), "{repaired:?}");
        assert_eq!(folded(copy.path()), (generations.digest, generations.last), "{repaired:?}");
        check_repaired(copy.path()).await;
    }
}

#[tokio::test]
async fn acknowledged_entries_are_given_up_only_on_demand() {
    let generations = Generations::new().await;
    let last = generations.last;
    let segment = &generations.files.segments.last().expect("there are segments").name;
    for line in 0..=usize::try_from(TAIL).expect("it is small") {
        let copy = generations.copy();
        let begins = damage(&copy.path().join(segment), line);
        let before = contents(copy.path());
        let refused = repair(copy.path(), &[]);
        let first = last - TAIL + u64::try_from(line.max(1)).expect("it is small");
        let said = format!("{} acknowledged entries, {first} to {last}, would be lost", last - first + 1);
        assert!(refused.code == Some(1) && refused.stderr.contains(&said), "{said}: {refused:?}");
        assert!(refused.stderr.contains("--lose-acknowledged"), "{refused:?}");
        assert!(contents(copy.path()) == before, "a refusal changed something");
        let told = repair(copy.path(), &["--lose-acknowledged", "--dry-run"]);
        assert!(told.code == Some(0) && told.stdout.contains(&said), "{told:?}");
        assert!(contents(copy.path()) == before, "a dry run changed something");
        let repaired = repair(copy.path(), &["--lose-acknowledged"]);
        assert_eq!(repaired.code, Some(0), "{repaired:?}");
        assert_eq!(kept(copy.path(), segment).as_ref(), before.get(&copy.path().join(segment)), "byte {begins}");
        assert_eq!(folded(copy.path()).1, first - 1, "{repaired:?}");
        check_repaired(copy.path()).await;
    }
}

#[tokio::test]
async fn segments_after_the_damage_are_put_aside_with_it() {
    let generations = Generations::new().await;
    let copy = generations.copy();
    for snapshot in &generations.files.snapshots {
        fs::remove_file(copy.path().join(&snapshot.name)).expect("it can be removed");
    }
    damage(&copy.path().join(&generations.files.segments[0].name), 4);
    let said = format!("{} acknowledged entries, 4 to {}, would be lost", generations.last - 3, generations.last);
    let refused = repair(copy.path(), &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains(&said), "{said}: {refused:?}");
    let repaired = repair(copy.path(), &["--lose-acknowledged"]);
    assert_eq!((repaired.code, folded(copy.path()).1), (Some(0), 3), "{repaired:?}");
    for segment in &generations.files.segments {
        assert!(kept(copy.path(), &segment.name).is_some(), "{} was not kept", segment.name);
    }
    // A gap is no better: what comes after it cannot be had.
    let copy = generations.copy();
    for file in generations.files.snapshots.iter().chain(&generations.files.segments[1..2]) {
        fs::remove_file(copy.path().join(&file.name)).expect("it can be removed");
    }
    let sealed = generations.files.segments[1].seq - 1;
    assert_eq!(repair(copy.path(), &[]).code, Some(1));
    let repaired = repair(copy.path(), &["--lose-acknowledged"]);
    assert_eq!((repaired.code, folded(copy.path()).1), (Some(0), sealed), "{repaired:?}");
}

#[tokio::test]
async fn where_nothing_is_left_a_start_begins_anew() {
    let generations = Generations::new().await;
    let copy = generations.copy();
    for snapshot in &generations.files.snapshots {
        damage(&copy.path().join(&snapshot.name), 1);
    }
    fs::remove_file(copy.path().join(&generations.files.segments[0].name)).expect("it can be removed");
    let refused = repair(copy.path(), &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("--lose-acknowledged"), "{refused:?}");
    let repaired = repair(copy.path(), &["--lose-acknowledged"]);
    assert!(repaired.code == Some(0) && repaired.stdout.contains("no entry is left"), "{repaired:?}");
    assert!(kept(copy.path(), &generations.files.segments[1].name).is_some(), "{repaired:?}");
    Served::start(copy.path(), &copy.path().join("log"), &[]).kill();
}

#[tokio::test]
async fn a_directory_in_use_is_left_alone() {
    let home = directory();
    let served = Served::start(home.path(), &home.path().join("log"), &["--demo"]);
    let refused = repair(home.path(), &[]);
    let said = format!("another gateway (pid {}) runs on", served.pid());
    assert!(refused.code == Some(2) && refused.stderr.contains(&said), "{refused:?}");
    served.kill();
    File::options().write(true).open(home.path().join("journal-00000000000000000001")).expect("there is a segment");
    assert_eq!(repair(home.path(), &[]).code, Some(0));
}

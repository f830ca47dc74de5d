//! What a start makes of what lies on disk: torn ends are cut, damage is refused and left alone, snapshots save time only.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guestlist::config::Limits;
use guestlist::disk::{Disk, RealDisk};
use guestlist::gateway::{Gateway, Options, StartError, Store};
use guestlist::journal::directory::{files, segment_path, snapshot_path};
use guestlist::journal::file::{Durability, Header};
use guestlist::journal::read::ReadError;
use guestlist::journal::{FORMAT, write_line};
use guestlist::recovery::recover;
use guestlist::seed::Seed;
use guestlist::state::digest::Digest;
use serde_json::json;
use support::written::{ADDED, SEEDED, Written, add, directory};
use support::{APP, BOT, Client, gateway, options};

/// Everything in a directory but the lock, whose text is the pid of whoever tried.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let paths = entries.map(|entry| entry.expect("the directory can be read").path());
    let paths = paths.filter(|path| path.file_name().is_none_or(|name| name != "lock"));
    paths.map(|path| (path.clone(), fs::read(path).expect("files can be read"))).collect()
}

/// Tries to start on a directory, and finds it unchanged by the failure.
async fn start_error(directory: &Path) -> StartError {
    let before = contents(directory);
    let error = Gateway::start(options(directory, Limits::default())).await.expect_err("the start is refused");
    assert!(contents(directory) == before, "a refused start changed something: {error}");
    error
}

async fn read_error(directory: &Path) -> (ReadError, String) {
    match start_error(directory).await {
        StartError::Read(error) => {
            let text = error.to_string();
            (error, text)
        }
        other => panic!("what lies there cannot be read, and not: {other}"),
    }
}

fn digest_on_disk(directory: &Path) -> Digest {
    let recovered = recover(&RealDisk::new(directory)).expect("it is whole");
    Digest::of(recovered.writer.state())
}

#[tokio::test]
async fn a_torn_end_is_cut_at_every_byte_and_the_journal_goes_on() {
    let written = Written::new().await;
    let lines = written.lines();
    let whole = lines.len() - 1;
    for cut in lines[whole - 2]..=lines[whole] {
        let directory = Written::found(&written.bytes[..cut]);
        let kept = lines.iter().rposition(|line| *line <= cut).expect("the first line begins at 0") - 1;
        let gateway = gateway(directory.path()).await;
        assert_eq!(usize::try_from(gateway.state().folded()), Ok(kept), "cut at {cut}");
        assert_eq!(Digest::of(gateway.state()), written.digests[kept], "cut at {cut}");
        let again = recover(&RealDisk::new(directory.path())).expect("a running gateway's directory can be read");
        assert_eq!(again.torn, None, "what was torn is still there after a cut at {cut}");
        let mut bot = Client::sign_in(&gateway.url(), BOT).await;
        add(&mut bot, "after@example.com").await;
        assert_eq!(digest_on_disk(directory.path()), Digest::of(gateway.state()), "cut at {cut}");
    }
}

#[tokio::test]
async fn damage_before_the_end_stops_the_start_and_changes_nothing() {
    let written = Written::new().await;
    let lines = written.lines();
    for line in [0, SEEDED + 2] {
        let (start, end) = (lines[line], lines[line + 1]);
        for at in start..end {
            for flip in [0x01, 0x80] {
                let mut bytes = written.bytes.clone();
                bytes[at] ^= flip;
                let directory = Written::found(&bytes);
                let (error, text) = read_error(directory.path()).await;
                let ReadError::Damaged { path, offset, .. } = error else { panic!("byte {at}: {text}") };
                assert_eq!((path, offset), (segment_path(directory.path(), 1), wide(start)), "byte {at}: {text}");
            }
        }
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("files of tests are small")
}

#[tokio::test]
async fn segments_are_one_journal_and_a_missing_one_is_named() {
    let written = Written::new().await;
    let firsts = [1, 4, 8];
    let directory = written.in_segments(&firsts);
    assert_eq!(digest_on_disk(directory.path()), written.digests[SEEDED + ADDED]);
    for (missing, after) in [(1, 4), (4, 8)] {
        let directory = written.in_segments(&firsts);
        fs::remove_file(segment_path(directory.path(), missing)).expect("it stands");
        let (error, text) = read_error(directory.path()).await;
        let ReadError::Missing { path, expected, found } = error else { panic!("{text}") };
        assert_eq!((path, expected, found), (segment_path(directory.path(), after), missing, after), "{text}");
        assert!(text.contains("Restore the missing segment"), "{text}");
        assert!(text.contains(&format!("guestlist journal repair {}", directory.path().display())), "{text}");
    }
    // Only the last segment may have a torn end.
    let directory = written.in_segments(&firsts);
    let sealed = segment_path(directory.path(), 4);
    let length = fs::metadata(&sealed).expect("it stands").len();
    fs::File::options().write(true).open(&sealed).and_then(|file| file.set_len(length - 1)).expect("it can be cut");
    let (error, text) = read_error(directory.path()).await;
    assert!(matches!(&error, ReadError::Damaged { path, .. } if *path == sealed), "{text}");
}

#[tokio::test]
async fn room_that_a_copy_was_made_of_while_it_was_used_ends_the_copy_and_is_damage_anywhere_else() {
    let written = Written::new().await;
    let lines = written.lines();
    // What was read first of the file is of a moment when it ended there.
    let (ended, read_later) = (lines[SEEDED + 2], lines[SEEDED + 3] + 9);
    let mut bytes = written.bytes.clone();
    bytes[ended..read_later].fill(0);
    let directory = Written::found(&bytes);
    let (error, text) = read_error(directory.path()).await;
    assert!(matches!(error, ReadError::Damaged { offset, .. } if offset == wide(ended)), "{text}");
    // The lock that a start left there knows that it is no copy, until it is one.
    assert!(!RealDisk::new(directory.path()).is_copy());
    let copy = Written::found(&bytes);
    fs::write(copy.path().join("lock"), "1\ninode 1\n").expect("the directory can be written");
    assert!(RealDisk::new(copy.path()).is_copy());
    let gateway = gateway(copy.path()).await;
    assert_eq!(Digest::of(gateway.state()), written.digests[SEEDED + 1]);
    assert!(!RealDisk::new(copy.path()).is_copy(), "it is where changes are written from now on");
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    add(&mut bot, "after@example.com").await;
    assert_eq!(digest_on_disk(copy.path()), Digest::of(gateway.state()));
}

#[tokio::test]
async fn a_segment_that_was_only_just_begun_is_begun_again() {
    let written = Written::new().await;
    let next = wide(SEEDED + ADDED + 1);
    let mut header = Vec::new();
    write_line(&mut header, &Header { guestlist: "journal".to_owned(), format: FORMAT, seq: next, digest: None });
    for length in 0..=header.len() {
        let directory = Written::found(&written.bytes);
        fs::write(segment_path(directory.path(), next), &header[..length]).expect("the directory can be written");
        let gateway = gateway(directory.path()).await;
        assert_eq!(Digest::of(gateway.state()), written.digests[SEEDED + ADDED], "{length} bytes of its header");
        let mut bot = Client::sign_in(&gateway.url(), BOT).await;
        add(&mut bot, "after@example.com").await;
        assert_eq!(digest_on_disk(directory.path()), Digest::of(gateway.state()), "{length} bytes of its header");
    }
}

#[tokio::test]
async fn a_newer_format_is_left_to_the_gateway_that_wrote_it() {
    let written = Written::new().await;
    let newer = |kind: &str, seq| {
        let mut line = Vec::new();
        write_line(&mut line, &Header { guestlist: kind.to_owned(), format: FORMAT + 1, seq, digest: None });
        line
    };
    for (kind, name) in [("journal", segment_path as fn(&Path, u64) -> PathBuf), ("snapshot", snapshot_path)] {
        let directory = Written::found(&written.bytes);
        let file = name(directory.path(), 11);
        fs::write(&file, [&newer(kind, 11)[..], b"00000000  what only the newer one can read\n"].concat())
            .expect("it is");
        let (error, text) = read_error(directory.path()).await;
        let ReadError::Newer { path, format } = error else { panic!("{text}") };
        assert_eq!((path, format), (file, FORMAT + 1), "{text}");
        assert!(text.contains("start the newer gateway"), "{text}");
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_named_and_one_that_was_never_finished_ignored() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    add(&mut bot, "a@example.com").await;
    let live = Digest::of(gateway.state());
    drop(bot);
    gateway.stop().await;
    let snapshot = snapshot_path(directory.path(), wide(SEEDED + 1));
    let whole = fs::read(&snapshot).expect("a stop makes a snapshot");
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&snapshot, bytes).expect("it can be written");
        let (error, text) = read_error(directory.path()).await;
        assert!(matches!(&error, ReadError::DamagedSnapshot { path, .. } if *path == snapshot), "byte {at}: {text}");
        assert!(text.contains("Restore the file from a copy"), "{text}");
    }
    for length in (0..whole.len()).step_by(25) {
        fs::write(&snapshot, &whole[..length]).expect("it can be written");
        let (error, text) = read_error(directory.path()).await;
        assert!(matches!(error, ReadError::DamagedSnapshot { .. }), "{length} bytes: {text}");
    }
    fs::write(&snapshot, whole).expect("it can be written");
    for stray in ["snapshot.tmp", "notes.txt", "journal-12", "snapshot-00000000000000000099.bak"] {
        fs::write(directory.path().join(stray), "half of something").expect("the directory can be written");
    }
    let again = support::gateway(directory.path()).await;
    assert_eq!(Digest::of(again.state()), live);
    let mut bot = Client::sign_in(&again.url(), BOT).await;
    add(&mut bot, "b@example.com").await;
    let live = Digest::of(again.state());
    drop(bot);
    again.stop().await;
    assert_eq!(digest_on_disk(directory.path()), live);
}

fn with_snapshots(directory: &Path, snapshot_every: u64, seed: Seed) -> Options {
    let store = Store::Directory { path: directory.to_owned(), durability: Durability::Sync, snapshot_every };
    Options { store, seed, ..options(directory, Limits::default()) }
}

/// The demo data without users, who are made at some time and with some salt: so that two gateways come to the same state.
fn apps_and_bots(directory: &Path) -> Seed {
    let demo = include_str!("../fixtures/demo.jsonl").lines();
    let lines: Vec<&str> = demo
        .filter(|line| (line.contains("\"setApp\"") || line.contains("\"setBot\"")) && !line.contains("org_id"))
        .collect();
    let path = directory.join("seed.jsonl");
    fs::write(&path, lines.join("\n")).expect("the directory can be written");
    Seed::read(&path).expect("the seed can be read")
}

#[tokio::test]
async fn snapshots_made_under_writes_and_the_tail_equal_the_journal_alone() {
    let (often, never, seeds) = (directory(), directory(), directory());
    let seed = apps_and_bots(seeds.path());
    let mut digests = Vec::new();
    for (directory, every) in [(&often, 10), (&never, 1_000_000)] {
        let gateway =
            Gateway::start(with_snapshots(directory.path(), every, seed.clone())).await.expect("the gateway starts");
        let mut bot = Client::sign_in(&gateway.url(), BOT).await;
        for round in 0..30 {
            for n in 0..20 {
                let (list, signup) = (["Whitelist", "Blacklist"][n % 2], format!("u{}", (round * 13 + n * 7) % 40));
                let method = if n % 3 == 2 { format!("removeFrom{list}") } else { format!("addTo{list}") };
                let signup = json!({"signup_id": signup, "tags": [round.to_string()]});
                bot.send(json!({"method": method, "app_id": APP, "signups": [signup]}).to_string()).await;
            }
            let pattern = json!([{"pattern": format!("p{}.*", round % 7), "tags": ["4"]}]);
            let method = ["addWhitelistPatterns", "removeWhitelistPatterns"][usize::from(round % 5 == 4)];
            bot.send(json!({"method": method, "app_id": APP, "patterns": pattern}).to_string()).await;
            for _ in 0..21 {
                let ack = bot.json().await;
                assert_eq!(ack.get("error"), None, "{ack}");
            }
        }
        let snapshots = || files(&RealDisk::new(directory.path())).expect("the directory can be read").snapshots.len();
        if every > 10 {
            assert_eq!((snapshots(), digest_on_disk(directory.path())), (0, Digest::of(gateway.state())));
        } else {
            // They are made on a thread of their own.
            let made = async {
                while snapshots() == 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), made).await.expect("a snapshot is made");
        }
        digests.push(Digest::of(gateway.state()));
        drop(bot);
        gateway.stop().await;
        let after = files(&RealDisk::new(directory.path())).expect("the directory can be read");
        let newest = after.snapshots.last().expect("a stop leaves a snapshot").seq;
        assert_eq!(after.segments.last().expect("the journal goes on").seq, newest + 1, "{after:?}");
        digests.push(digest_on_disk(directory.path()));
        let again =
            Gateway::start(with_snapshots(directory.path(), every, seed.clone())).await.expect("the gateway starts");
        digests.push(Digest::of(again.state()));
    }
    assert_eq!(digests, vec![digests[0]; 6]);
}

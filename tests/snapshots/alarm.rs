//! What lies on disk is changed behind a running gateway's back: the next snapshot finds out, and everything is kept.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use guestlist::journal::directory::segment_path;
use tempfile::TempDir;

use crate::support::process::{Served, run};
use crate::support::written::{SEEDED, add};
use crate::support::{BOT, Client};

/// What is logged.
const ALARM: &str = "what lies on disk is not what was acknowledged";

/// Entries between two snapshots.
const EVERY: usize = 40;

/// Above anything a snapshot of a few entries takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Changes one letter of a sign-up in a segment, in place.
fn tamper(segment: &Path, checksum_too: bool) {
    let bytes = fs::read(segment).expect("the segment can be read");
    let (mut offset, mut line) = (0, &bytes[..0]);
    for found in bytes.split_inclusive(|byte| *byte == b'\n') {
        if found.windows(9).any(|window| window == b"\"early3@e") {
            line = found;
            break;
        }
        offset += found.len();
    }
    let text = String::from_utf8_lossy(line).replace("early3@e", "early3@f");
    assert_ne!(text.as_bytes(), line, "there is such a line");
    let (checksum, json) = text.trim_end().split_once("  ").expect("a line has a checksum");
    let checksum = if checksum_too { format!("{:08x}", crc32c::crc32c(json.as_bytes())) } else { checksum.to_owned() };
    let mut file = File::options().write(true).open(segment).expect("the segment can be written");
    let at = u64::try_from(offset).expect("segments of tests are small");
    file.seek(SeekFrom::Start(at)).and_then(|_| write!(file, "{checksum}  {json}")).expect("the segment is written");
}

/// An answer to a request for a path.
fn http(url: &str, path: &str) -> String {
    let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).expect("a url has an address");
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it takes requests");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    answer
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
}

fn alarms(log: &Path) -> usize {
    fs::read_to_string(log).expect("there is a log").lines().filter(|line| line.contains(ALARM)).count()
}

#[tokio::test]
async fn what_was_changed_on_disk_is_an_alarm_and_everything_is_kept() {
    for checksum_too in [true, false] {
        let home = TempDir::new().expect("a temporary directory");
        let (data, log) = (home.path().join("data"), home.path().join("log"));
        let every = EVERY.to_string();
        let args = ["--demo", "--snapshot-every", &every, "--journal-keep", "0"];
        let served = Served::start(&data, &log, &args);
        let mut bot = Client::sign_in(&served.url, BOT).await;
        for n in 0..EVERY - SEEDED - 1 {
            add(&mut bot, &format!("early{n}@example.com")).await;
        }
        assert!(http(&served.url, "/readyz").starts_with("HTTP/1.1 200 "));
        tamper(&segment_path(&data, 1), checksum_too);
        add(&mut bot, "the last before a snapshot").await;
        let begun = Instant::now();
        while alarms(&log) == 0 {
            assert!(begun.elapsed() < PATIENCE, "no alarm: {}", fs::read_to_string(&log).expect("there is a log"));
            tokio::task::yield_now().await;
        }
        let ready = http(&served.url, "/readyz");
        assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
        // Changes go on, and nothing is taken away for them; no snapshot is tried again.
        let before = names(&data);
        for n in 0..EVERY * 3 {
            add(&mut bot, &format!("late{n}@example.com")).await;
        }
        drop(bot);
        assert_eq!(served.stop().code, Some(0));
        assert!(names(&data).is_superset(&before), "{before:?} {:?}", names(&data));
        assert!(!names(&data).iter().any(|name| name.starts_with("snapshot-")), "{:?}", names(&data));
        assert_eq!(alarms(&log), 1, "{}", fs::read_to_string(&log).expect("there is a log"));
        let text = data.to_str().expect("paths of tests are text");
        let checked = run(&["journal", "check", text]);
        assert_eq!(checked.code, Some(1), "{checked:?}");
        let again = run(&["serve", "--listen", "127.0.0.1:0", "--data", text]);
        assert_eq!(again.code, Some(2), "{again:?}");
    }
}

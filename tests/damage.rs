//! What the commands say of a journal that is torn or damaged.
//!
//! Apart from `recovery`, which opens directories again and again: a process that is being started holds their locks for a
//! moment.

mod support;

use std::fs;
use std::path::Path;

use guestlist::journal::directory::segment_path;
use guestlist::state::digest::Digest;
use support::gateway;
use support::process::run;
use support::written::{ADDED, SEEDED, Written};

#[tokio::test]
async fn a_check_reports_a_torn_end_and_leaves_it() {
    let written = Written::new().await;
    let lines = written.lines();
    let (start, end) = (lines[lines.len() - 2], lines[lines.len() - 1]);
    for cut in [start + 1, start + 20, end - 1] {
        let directory = Written::found(&written.bytes[..cut]);
        let checked = run(&["journal", "check", path(directory.path())]);
        let torn = format!("whole up to byte {start}; the {} bytes after it were never acknowledged", cut - start);
        assert!(checked.stdout.contains(&torn), "{checked:?}");
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let digest = written.digests[SEEDED + ADDED - 1].to_string();
        assert!(checked.stdout.contains(&digest), "{checked:?}");
        assert_eq!(fs::read(segment_path(directory.path(), 1)).expect("it stands"), written.bytes[..cut]);
    }
    let whole = Written::found(&written.bytes);
    let checked = run(&["journal", "check", path(whole.path())]);
    assert!(!checked.stdout.contains("up to byte") && checked.code == Some(0), "{checked:?}");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

#[tokio::test]
async fn the_words_on_damage_name_the_place_and_the_repair() {
    let written = Written::new().await;
    let start = written.lines()[SEEDED + 3];
    let mut bytes = written.bytes.clone();
    bytes[start + 30] ^= 1;
    let directory = Written::found(&bytes);
    let segment = segment_path(directory.path(), 1);
    let advice = format!("guestlist journal repair {}", directory.path().display());
    let served = run(&["serve", "--listen", "127.0.0.1:0", "--data", path(directory.path())]);
    let checked = run(&["journal", "check", path(directory.path())]);
    assert_eq!((served.code, checked.code), (Some(2), Some(1)), "{served:?} {checked:?}");
    for said in [&served.stderr, &checked.stderr] {
        assert!(said.contains(&format!("{} is damaged at byte {start}", segment.display())), "{said}");
        assert!(said.contains("Nothing was changed") && said.contains(&advice), "{said}");
    }
    assert!(served.stdout.is_empty(), "{served:?}");
    assert_eq!(fs::read(&segment).expect("it stands"), bytes);
    let file = fs::File::options().write(true).open(&segment).expect("it stands");
    file.set_len(wide(start)).expect("it can be cut");
    let gateway = gateway(directory.path()).await;
    assert_eq!(Digest::of(gateway.state()), written.digests[SEEDED + 2]);
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).expect("files of tests are small")
}

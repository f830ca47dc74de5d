//! What lies in a data directory and only looks like a torn end, or a place to go on: nothing acknowledged is cut off.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::gateway::{Gateway, StartError};
use guestlist::journal::directory::{files, segment_path, snapshot_path};
use guestlist::journal::read::ReadError;
use guestlist::journal::{Stamp, write_entry};
use serde_json::json;
use support::{APP, BOT, Client};
use tempfile::TempDir;

async fn add(url: &str, signup: &str) {
    let mut client = Client::sign_in(url, BOT).await;
    let ack = client.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]}).to_string()).await;
    assert_eq!(ack["signups"][0]["signup_id"], signup, "{ack}");
}

async fn listed(url: &str) -> Vec<String> {
    let mut client = Client::sign_in(url, BOT).await;
    let page = client.call(json!({"method": "getWhitelistUsers", "app_id": APP}).to_string()).await;
    let signups = page["signups"].as_array().expect("a page has an array");
    signups.iter().map(|record| record["signup_id"].as_str().expect("ids are strings").to_owned()).collect()
}

async fn start(directory: &Path) -> Result<Gateway, StartError> {
    Gateway::start(support::options(directory, Limits::default())).await
}

#[tokio::test]
async fn a_whole_last_entry_that_this_gateway_cannot_read_stops_the_start() {
    for (method, seq) in [("setUser", 5), ("setApp", 7)] {
        let home = TempDir::new().expect("a temporary directory");
        let gateway = start(home.path()).await.expect("an empty directory is fine");
        // Made by a later gateway, or out of order: acknowledged, whichever.
        let mut line = Vec::new();
        let message = json!({"method": method, "app_id": "7"}).to_string();
        write_entry(&mut line, seq, seq - 1, &Stamp::new(1, Caller::Seed), message.as_bytes());
        let segment = segment_path(home.path(), 1);
        File::options().append(true).open(&segment).and_then(|mut file| file.write_all(&line)).expect("it is appended");
        let whole = fs::read(&segment).expect("the segment can be read");
        let copy = TempDir::new().expect("a temporary directory");
        fs::copy(&segment, segment_path(copy.path(), 1)).expect("the segment can be copied");
        gateway.stop().await;
        match start(copy.path()).await {
            Err(StartError::Read(ReadError::Damaged { path, .. })) => assert_eq!(path, segment_path(copy.path(), 1)),
            other => panic!("an entry that cannot be read was passed over: {other:?}"),
        }
        assert_eq!(fs::read(segment_path(copy.path(), 1)).expect("it is still there"), whole);
    }
}

#[tokio::test]
async fn a_segment_that_ends_before_the_snapshot_does_not_go_on() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = start(home.path()).await.expect("an empty directory is fine");
    let old_segment = fs::read(segment_path(home.path(), 1)).expect("there is a segment");
    add(&gateway.url(), "first@example.com").await;
    gateway.stop().await;
    let found = files(&RealDisk::new(home.path())).expect("the directory can be read");
    let snapshot = found.snapshots.last().expect("a stop leaves a snapshot").clone();
    assert_eq!(home.path().join(&snapshot.name), snapshot_path(home.path(), snapshot.seq));
    // A partial restore: the snapshot is there, and of the segments only one from before it.
    for segment in &found.segments {
        fs::remove_file(home.path().join(&segment.name)).expect("a segment can be removed");
    }
    fs::write(segment_path(home.path(), 1), old_segment).expect("a segment can be restored");
    for signup in ["second@example.com", "third@example.com"] {
        let gateway = start(home.path()).await.expect("the snapshot holds everything");
        add(&gateway.url(), signup).await;
        // As after a crash: what was acknowledged must be found without a last snapshot.
        let copy = TempDir::new().expect("a temporary directory");
        let found = files(&RealDisk::new(home.path())).expect("the directory can be read");
        for file in found.segments.iter().chain(&found.snapshots) {
            fs::copy(home.path().join(&file.name), copy.path().join(&file.name)).expect("a file can be copied");
        }
        let restarted = start(copy.path()).await.expect("what was written can be read");
        assert!(listed(&restarted.url()).await.contains(&signup.to_owned()));
        restarted.stop().await;
        gateway.stop().await;
    }
}

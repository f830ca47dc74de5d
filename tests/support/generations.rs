//! This is where tests get a directory with snapshots, the segments before them, and a tail.

use std::fs;
use std::path::Path;
use std::time::Duration;

use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::directory::{Files, files};
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;
use guestlist::state::digest::Digest;
use tempfile::TempDir;

use super::process::Served;
use super::written::{add, directory};
use super::{BOT, Client, options};

/// Entries between two snapshots.
const EVERY: u64 = 20;

/// Above anything a snapshot of a few entries takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Entries of the tail.
pub const TAIL: u64 = 5;

/// A directory that a gateway was killed on, and what was in it then.
pub struct Generations {
    /// Where it is.
    pub directory: TempDir,
    /// Its files.
    pub files: Files,
    /// The digest of what it holds.
    pub digest: Digest,
    /// The last entry.
    pub last: u64,
}

impl Generations {
    /// With two snapshots and the whole journal.
    pub async fn new() -> Self {
        let directory = directory();
        let path = directory.path();
        let store = Store::Directory { path: path.to_owned(), durability: Durability::Sync, snapshot_every: EVERY };
        let gateway = Gateway::start(Options { store, ..options(path, Limits::default()) });
        let gateway = gateway.await.expect("the gateway starts");
        let mut bot = Client::sign_in(&gateway.url(), BOT).await;
        while gateway.state().folded() < EVERY {
            add(&mut bot, &format!("guest{}@example.com", gateway.state().folded())).await;
        }
        // It is made on a thread of its own.
        let made = async {
            while files(&RealDisk::new(path)).expect("it can be read").snapshots.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, made).await.expect("a snapshot is made");
        add(&mut bot, "one more").await;
        drop(bot);
        gateway.stop().await;
        let served = Served::start(path, &path.join("log"), &[]);
        let mut bot = Client::sign_in(&served.url, BOT).await;
        for n in 0..TAIL {
            add(&mut bot, &format!("tail{n}@example.com")).await;
        }
        served.kill();
        let (digest, last) = folded(path);
        let files = files(&RealDisk::new(path)).expect("it can be read");
        assert!(files.snapshots.len() == 2 && files.segments.len() >= 3, "{files:?}");
        Self { directory, files, digest, last }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The same again, in a directory of its own.
    pub fn copy(&self) -> TempDir {
        let copy = directory();
        for file in self.files.snapshots.iter().chain(&self.files.segments) {
            fs::copy(self.path().join(&file.name), copy.path().join(&file.name)).expect("it can be copied");
        }
        copy
    }
}

/// The digest of what a directory holds, and its last entry.
pub fn folded(path: &Path) -> (Digest, u64) {
    let recovered = recover(&RealDisk::new(path)).expect("it is whole");
    (Digest::of(recovered.writer.state()), recovered.writer.state().folded())
}

/// Changes one bit of the line of a file that has this number, the header's being 0; gives where the line begins.
pub fn damage(file: &Path, line: usize) -> usize {
    let mut bytes = fs::read(file).expect("it can be read");
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let begins = std::iter::once(0).chain(ends).nth(line).expect("it has so many lines");
    bytes[begins + 30] ^= 1;
    fs::write(file, &bytes).expect("it can be written");
    begins
}

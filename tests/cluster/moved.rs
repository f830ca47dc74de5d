//! A journal that moves from a directory into etcd and back: nothing is lost, numbers go on, and nothing is written over.

use guestlist::config::SNAPSHOT_EVERY_DEFAULT;
use guestlist::gateway::{EtcdStore, Gateway, Options, Store};
use guestlist::journal::etcd::Location;
use guestlist::migration::{MigrationError, from_etcd, to_etcd};
use guestlist::state::digest::Settled;
use serde_json::json;
use tempfile::TempDir;

use super::etcd::Etcd;
use crate::support::{APP, BOT, Client};

fn location(etcd: &Etcd, prefix: &str) -> Location {
    format!("etcd://{}/{prefix}", etcd.endpoints()).parse().expect("it is a location")
}

/// Starts a gateway, adds somebody, and tells the state that it ended with.
async fn add(store: Store, signup: &str) -> Settled {
    let gateway = Gateway::start(Options { store, ..Options::demo() }).await.expect("it starts");
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let ack = bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]})).await;
    assert_eq!(ack["method"], "addToWhitelist_ack", "{ack}");
    let settled = gateway.state().digest();
    drop(bot);
    gateway.stop().await;
    settled
}

/// Into etcd, on there, and back, with a look at what refuses to be written over.
pub async fn a_journal_moves_and_goes_on() {
    let home = TempDir::new().expect("a temporary directory");
    let etcd = Etcd::start_one(home.path());
    let (own, copy, back) = (home.path().join("own"), home.path().join("copy"), home.path().join("back"));
    let embedded = add(Store::directory(&own), "one@example.com").await;

    let there = location(&etcd, "moved");
    let moved = to_etcd(&own, there.clone()).await.expect("it moves");
    assert_eq!((moved.seq, moved.digest), (embedded.seq, embedded.digest));
    let again = to_etcd(&own, there.clone()).await;
    assert!(matches!(again, Err(MigrationError::Taken(..))), "{again:?}");

    let shared = || {
        Store::Etcd(EtcdStore {
            path: copy.clone(),
            snapshot_every: SNAPSHOT_EVERY_DEFAULT,
            location: there.clone(),
            name: "a".to_owned(),
        })
    };
    let settled = add(shared(), "two@example.com").await;
    assert_eq!(settled.seq, embedded.seq + 1);
    let settled = add(shared(), "three@example.com").await;
    assert_eq!(settled.seq, embedded.seq + 2);

    // A copy is no store of its own, neither to go on with nor to move.
    let refused = Gateway::start(Options { store: Store::directory(&copy), ..Options::demo() }).await;
    let refused = refused.expect_err("a copy is refused").to_string();
    assert!(refused.contains("a copy of a journal in etcd"), "{refused}");
    let refused = to_etcd(&copy, location(&etcd, "elsewhere")).await.expect_err("a copy is refused").to_string();
    assert!(refused.contains("a copy of a journal in etcd"), "{refused}");
    // Nor is a store of its own a copy.
    let store = Store::Etcd(EtcdStore {
        path: own.clone(),
        snapshot_every: SNAPSHOT_EVERY_DEFAULT,
        location: there.clone(),
        name: "b".to_owned(),
    });
    let refused = Gateway::start(Options { store, ..Options::demo() }).await.expect_err("it is refused").to_string();
    assert!(refused.contains("guestlist migrate"), "{refused}");

    let nothing = from_etcd(location(&etcd, "nothing"), &back).await;
    assert!(matches!(nothing, Err(MigrationError::Nothing(_))), "{nothing:?}");
    let moved = from_etcd(there.clone(), &back).await.expect("it moves back");
    assert_eq!((moved.seq, moved.digest, moved.gateways), (settled.seq, settled.digest, 0));
    let again = from_etcd(there, &back).await;
    assert!(matches!(again, Err(MigrationError::NotEmpty(_))), "{again:?}");
    let settled = add(Store::directory(&back), "four@example.com").await;
    assert_eq!(settled.seq, embedded.seq + 3);
}

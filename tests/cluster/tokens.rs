//! A token that one gateway has just made, at another: it lets its owner in, and only one that nobody has is refused.

use guestlist::config::SNAPSHOT_EVERY_DEFAULT;
use guestlist::gateway::{EtcdStore, Gateway, Options, Store};
use guestlist::testing;
use serde_json::json;
use tempfile::TempDir;

use super::etcd::Etcd;
use crate::support::http::{Http, OWNER, OWNER_PASSWORD, log_in};
use crate::support::{ADMIN, Client};

const TOKENS: usize = 60;
const SESSIONS: usize = 5;

/// Makes bots and sessions at one gateway, and uses each at another as soon as it is there.
pub async fn a_token_is_known_at_once() {
    let home = TempDir::new().expect("a temporary directory");
    let etcd = Etcd::start_one(home.path());
    let start = async |name: &str| {
        let location = format!("etcd://{}/tokens", etcd.endpoints()).parse().expect("it is a location");
        let (path, name) = (home.path().join(name), name.to_owned());
        let store = Store::Etcd(EtcdStore { path, snapshot_every: SNAPSHOT_EVERY_DEFAULT, location, name });
        Gateway::start(Options { store, ..testing::Gateway::options() }).await.expect("it starts")
    };
    let (here, there) = (start("a").await, start("b").await);
    let mut admin = Client::sign_in(&here.url(), ADMIN).await;
    for n in 0..TOKENS {
        let ack = admin.call(json!({"method": "setBot", "bot_id": (10_000 + n).to_string()})).await;
        let token = ack["token"].as_str().expect("a token is shown").to_owned();
        if n % 2 == 0 {
            let answer =
                Client::connect(&there.url()).await.call(json!({"method": "TOKEN_AUTH", "token": token})).await;
            assert_eq!(answer["method"], "TOKEN_AUTH_OK", "{answer}");
        } else {
            let asked = Http::of(&there).post("/api/getWhitelistUsers").bearer(&token).json(&json!({"app_id": "1"}));
            assert_ne!(asked.send().await.code(), 401);
        }
    }
    for _ in 0..SESSIONS {
        let session = log_in(&Http::of(&here), OWNER, OWNER_PASSWORD).await;
        let asked = Http::of(&there).get("/api/users/1/chats").session(&session);
        assert_eq!(asked.send().await.code(), 200);
    }
    let answer = Client::connect(&there.url()).await.call(json!({"method": "TOKEN_AUTH", "token": "nobody's"})).await;
    assert_eq!(answer["error"], 401, "{answer}");
    drop(admin);
    here.stop().await;
    there.stop().await;
}

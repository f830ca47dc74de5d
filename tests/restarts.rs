//! Users, sessions, shares, members and keys outlive stops and crashes, with their ids and times; and the journal alone tells it
//! all.

mod support;

use std::path::Path;

use guestlist::disk::RealDisk;
use guestlist::journal::directory::files;
use guestlist::recovery::fold_files;
use guestlist::state::digest::Digest;
use serde_json::{Value, json};
use support::http::{AMY, BOB, Http, ORG, ORG_KEY, OWNER, OWNER_PASSWORD, log_in, make_user, set_password, sign_up};
use support::process::{Served, run};
use support::stage::{AMY_ID, BOB_ID, OWNER_ID, PASSWORD, Share, Stage, done, number};
use support::standing::{ALL, SESSION_GOOD, answers_to_key, answers_to_session, is_known, key_of, member, without_end};
use support::{ADMIN, Client};
use tempfile::TempDir;

/// All that can be asked about users, shares and organisations, without what differs from one asking to the next.
async fn everything(admin: &mut Client, shares: &[Share]) -> Vec<Value> {
    let mut asked = vec![
        json!({"method": "getUsers", "page_size": 1_000}),
        json!({"method": "getOrganizations", "page_size": 1_000}),
        json!({"method": "getOrgWhitelist", "org_id": ORG, "page_size": 1_000}),
        json!({"method": "getApiKeys", "page_size": 1_000}),
    ];
    for user_id in [OWNER_ID, AMY_ID] {
        asked.push(json!({"method": "getChats", "user_id": user_id, "page_size": 1_000}));
        asked.push(json!({"method": "getShares", "user_id": user_id, "page_size": 1_000}));
    }
    asked.extend(shares.iter().map(|share| share.message("getShareWhitelist")));
    let mut answers = Vec::new();
    for message in asked {
        answers.push(done(admin, message).await);
    }
    answers
}

/// What was made, and what was removed again.
struct Made {
    shares: Vec<Share>,
    /// Sessions of Amy and of somebody who signed up, and one that was logged out.
    amy: String,
    joined: String,
    out: String,
    /// A key, and one that was removed.
    key: String,
    removed_key: String,
    /// The highest ids that were given, all to what was removed again.
    last_user: u32,
    last_share: Share,
    last_entry: u64,
    last_key: u64,
}

impl Made {
    async fn new(admin: &mut Client, http: &Http) -> Self {
        for user_id in [AMY_ID, BOB_ID] {
            set_password(admin, user_id, PASSWORD).await;
        }
        let mut shares = Vec::new();
        for (user_id, settings) in [
            (OWNER_ID, json!({"is_protected": true, "use_whitelist": true, "emails": [AMY]})),
            (OWNER_ID, json!({"is_protected": true, "password": "Share-pass-3!"})),
            (AMY_ID, json!({"emails": [BOB, OWNER]})),
        ] {
            shares.push(share(admin, user_id, settings).await);
        }
        done(admin, shares[2].message_with("removeFromShareWhitelist", "emails", json!([BOB]))).await;
        done(admin, without_end("carol@example.com", &ALL)).await;
        done(admin, member("dave@example.com", &ALL[..2], "2024-01-01", Some("2025-01-01T00:00:00+01:00"))).await;
        let (_, key) = key_of(admin, "carol@example.com").await;
        let (last_key, removed_key) = key_of(admin, "carol@example.com").await;
        done(admin, json!({"method": "removeApiKey", "key_id": last_key})).await;
        let (amy, out) = (log_in(http, AMY, PASSWORD).await, log_in(http, AMY, PASSWORD).await);
        let joined = sign_up(http, "joined@example.com", PASSWORD).await;
        http.post("/api/auth/logout").session(&out).send().await.expect(200);
        let last_user = make_user(admin, "last@example.com").await;
        let last_share = share(admin, last_user, json!({"emails": [AMY]})).await;
        let last_entry = last_entry(admin, &last_share).await;
        done(admin, json!({"method": "removeUser", "user_id": last_user})).await;
        Self { shares, amy, joined, out, key, removed_key, last_user, last_share, last_entry, last_key }
    }

    /// All of it works as it did.
    async fn check(&self, url: &str) {
        let http = Http::at(url);
        assert_eq!(answers_to_session(&http, &self.amy, AMY_ID).await, SESSION_GOOD);
        http.head("/api/auth/check").session(&self.joined).send().await.expect(204);
        assert_eq!(answers_to_session(&http, &self.out, AMY_ID).await, [401; 5]);
        for (key, code) in [(&*self.key, 200), (ORG_KEY, 200), (&self.removed_key, 401)] {
            assert_eq!(answers_to_key(&http, key).await, [code; 4]);
        }
        assert!(is_known(url, &self.amy).await && is_known(url, &self.key).await);
        assert!(!is_known(url, &self.out).await && !is_known(url, &self.removed_key).await);
        let [listed, locked, _] = &self.shares[..] else { panic!("three shares were made") };
        assert!(listed.opens(&http, Some(&self.amy)).await && !listed.opens(&http, Some(&self.joined)).await);
        locked.open(&http).basic("", "Share-pass-3!").send().await.expect(200);
        locked.open(&http).basic("", "Share-pass-4!").send().await.expect(401);
        self.last_share.open(&http).send().await.expect(404);
        log_in(&http, OWNER, OWNER_PASSWORD).await;
    }

    /// No id is given twice, even where what had it is gone.
    async fn check_ids(&self, admin: &mut Client) {
        assert!(make_user(admin, "next@example.com").await > self.last_user);
        let share = share(admin, AMY_ID, json!({"emails": [BOB]})).await;
        assert!(share.chat_id > self.last_share.chat_id && share.share_id > self.last_share.share_id);
        assert!(last_entry(admin, &share).await > self.last_entry);
        assert!(key_of(admin, "carol@example.com").await.0 > self.last_key);
    }
}

/// A share of a new chat.
async fn share(admin: &mut Client, user_id: u32, settings: Value) -> Share {
    let chat = done(admin, json!({"method": "setChat", "user_id": user_id, "name": "Plans"})).await;
    let mut message = json!({"method": "setShare", "user_id": user_id, "chat_id": chat["chat_id"]});
    let settings = settings.as_object().cloned().expect("settings are an object");
    message.as_object_mut().expect("a message is an object").extend(settings);
    Share::of(&done(admin, message).await)
}

/// The id of the newest entry of a share.
async fn last_entry(admin: &mut Client, share: &Share) -> u64 {
    let page = done(admin, share.message("getShareWhitelist")).await;
    let entries = page["shareWhitelistEntries"].as_array().expect("a page has entries");
    entries.last().map(|entry| number(entry, "id")).expect("there is one")
}

#[tokio::test]
async fn users_sessions_shares_members_and_keys_outlive_stops_and_kills() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let start = || Served::start(&data, &log, &["--demo", "--snapshot-every", "10"]);
    let mut served = start();
    let mut admin = Client::sign_in(&served.url, ADMIN).await;
    let made = Made::new(&mut admin, &Http::at(&served.url)).await;
    made.check(&served.url).await;
    let before = everything(&mut admin, &made.shares).await;
    for (round, kill) in [true, true, false, true, false].into_iter().enumerate() {
        if kill {
            served.kill();
        } else {
            assert_eq!(served.stop().code, Some(0));
        }
        assert_eq!(run(&["journal", "check", data.to_str().expect("the path is text")]).code, Some(0));
        served = start();
        admin = Client::sign_in(&served.url, ADMIN).await;
        for (before, after) in before.iter().zip(&everything(&mut admin, &made.shares).await) {
            assert_eq!(before, after, "restart {round}, kill: {kill}");
        }
        made.check(&served.url).await;
    }
    made.check_ids(&mut admin).await;
}

fn folded(data: &Path, with_snapshot: bool) -> Digest {
    let disk = RealDisk::new(data);
    let files = files(&disk).expect("the data directory can be listed");
    assert_eq!(!files.snapshots.is_empty(), with_snapshot, "a snapshot is made at the stop, and not before");
    Digest::of(fold_files(&disk, &files).expect("what the gateway wrote can be read").writer.state())
}

#[tokio::test]
async fn the_journal_alone_and_the_snapshot_fold_to_the_live_state() {
    let mut stage = Stage::new().await;
    let (amy, bob) = (stage.amy().await, stage.bob().await);
    let share = stage.share(AMY_ID, json!({"emails": [BOB], "is_protected": true, "password": "Share-pass-3!"})).await;
    stage.http.post(share.entries_path()).session(&amy).json(&json!([BOB, OWNER])).send().await.expect(200);
    stage.done(share.message_with("removeFromShareWhitelist", "emails", json!([OWNER]))).await;
    stage.done(without_end("carol@example.com", &ALL)).await;
    let (_, key) = key_of(&mut stage.admin, "carol@example.com").await;
    let body = json!({"name": "Dave", "email": "dave@example.com", "permissions": ["can_read"],
        "start_date": "2025-03-05T11:34:30.258Z", "end_date": null});
    stage.http.post(format!("/admin/whitelist?api_key={key}")).json(&body).send().await.expect(200);
    sign_up(&stage.http, "joined@example.com", PASSWORD).await;
    stage.http.post("/api/auth/logout").session(&bob).send().await.expect(200);
    stage.done(json!({"method": "removeUser", "user_id": BOB_ID})).await;
    let live = Digest::of(stage.gateway.state());
    assert_eq!(folded(stage.directory.path(), false), live);
    stage.gateway.stop().await;
    assert_eq!(folded(stage.directory.path(), true), live);
}

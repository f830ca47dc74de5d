//! Users, sessions, shares, members and keys outlive stops and crashes, with their ids and times; and the journal alone tells it
//! all.

mod support;

use std::path::Path;

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

#[tokio::test]
async fn users_sessions_shares_members_and_keys_outlive_stops_and_kills() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let start = || Served::start(&data, &log, &["--demo", "--snapshot-every", "10"]);
    let mut served = start();
    let http = Http::at(&served.url);
    let mut admin = Client::sign_in(&served.url, ADMIN).await;
    for user_id in [AMY_ID, BOB_ID] {
        set_password(&mut admin, user_id, PASSWORD).await;
    }
    let mut shares = Vec::new();
    for (user_id, set) in [
        (OWNER_ID, json!({"is_protected": true, "use_whitelist": true, "emails": [AMY]})),
        (OWNER_ID, json!({"is_protected": true, "password": "Share-pass-3!"})),
        (AMY_ID, json!({"emails": [BOB, OWNER]})),
    ] {
        let chat = done(&mut admin, json!({"method": "setChat", "user_id": user_id, "name": "Plans"})).await;
        let mut message = json!({"method": "setShare", "user_id": user_id, "chat_id": chat["chat_id"]});
        message.as_object_mut().expect("it is an object").extend(set.as_object().cloned().unwrap_or_default());
        shares.push(Share::of(&done(&mut admin, message).await));
    }
    done(&mut admin, shares[2].message_with("removeFromShareWhitelist", "emails", json!([BOB]))).await;
    done(&mut admin, without_end("carol@example.com", &ALL)).await;
    done(&mut admin, member("dave@example.com", &ALL[..2], "2024-01-01", Some("2025-01-01T00:00:00+01:00"))).await;
    let (_, key) = key_of(&mut admin, "carol@example.com").await;
    let (removed_key_id, removed_key) = key_of(&mut admin, "carol@example.com").await;
    done(&mut admin, json!({"method": "removeApiKey", "key_id": removed_key_id})).await;
    let (amy, out) = (log_in(&http, AMY, PASSWORD).await, log_in(&http, AMY, PASSWORD).await);
    let joined = sign_up(&http, "joined@example.com", PASSWORD).await;
    http.post("/api/auth/logout").session(&out).send().await.expect(200);
    // The last ids given are those of what is removed again.
    let last_user = make_user(&mut admin, "last@example.com").await;
    let chat = done(&mut admin, json!({"method": "setChat", "user_id": last_user})).await;
    let set = json!({"method": "setShare", "user_id": last_user, "chat_id": chat["chat_id"], "emails": [AMY]});
    let last_share = Share::of(&done(&mut admin, set).await);
    let last_entry = done(&mut admin, last_share.message("getShareWhitelist")).await["shareWhitelistEntries"]
        .as_array()
        .and_then(|entries| entries.last().map(|entry| number(entry, "id")))
        .expect("there are entries");
    done(&mut admin, json!({"method": "removeUser", "user_id": last_user})).await;
    let before = everything(&mut admin, &shares).await;

    for (round, kill) in [true, true, false, true, false].into_iter().enumerate() {
        if kill {
            served.kill();
        } else {
            assert_eq!(served.stop().code, Some(0));
        }
        assert_eq!(run(&["journal", "check", data.to_str().expect("the path is text")]).code, Some(0));
        served = start();
        let http = Http::at(&served.url);
        let mut admin = Client::sign_in(&served.url, ADMIN).await;
        let after = everything(&mut admin, &shares).await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "restart {round}, kill: {kill}");
        }
        assert_eq!(answers_to_session(&http, &amy, AMY_ID).await, SESSION_GOOD, "restart {round}");
        http.head("/api/auth/check").session(&joined).send().await.expect(204);
        assert_eq!(answers_to_session(&http, &out, AMY_ID).await, [401; 5], "restart {round}");
        assert_eq!(answers_to_key(&http, &key).await, [200; 4], "restart {round}");
        assert_eq!(answers_to_key(&http, ORG_KEY).await, [200; 4], "restart {round}");
        assert_eq!(answers_to_key(&http, &removed_key).await, [401; 4], "restart {round}");
        assert!(is_known(&served.url, &amy).await && is_known(&served.url, &key).await);
        assert!(!is_known(&served.url, &out).await && !is_known(&served.url, &removed_key).await);
        assert!(shares[0].opens(&http, Some(&amy)).await && !shares[0].opens(&http, Some(&joined)).await);
        shares[1].open(&http).basic("", "Share-pass-3!").send().await.expect(200);
        shares[1].open(&http).basic("", "Share-pass-4!").send().await.expect(401);
        last_share.open(&http).send().await.expect(404);
        log_in(&http, OWNER, OWNER_PASSWORD).await;
    }
    let mut admin = Client::sign_in(&served.url, ADMIN).await;
    assert!(make_user(&mut admin, "next@example.com").await > last_user, "an id was given twice");
    let chat = done(&mut admin, json!({"method": "setChat", "user_id": AMY_ID})).await;
    assert!(number(&chat, "chat_id") > last_share.chat_id, "an id was given twice");
    let set = json!({"method": "setShare", "user_id": AMY_ID, "chat_id": chat["chat_id"], "emails": [BOB]});
    let share = Share::of(&done(&mut admin, set).await);
    assert!(share.share_id > last_share.share_id, "an id was given twice");
    let entries = done(&mut admin, share.message("getShareWhitelist")).await;
    assert!(number(&entries["shareWhitelistEntries"][0], "id") > last_entry, "an id was given twice");
    let (next_key_id, _) = key_of(&mut admin, "carol@example.com").await;
    assert!(next_key_id > removed_key_id, "an id was given twice");
}

fn folded(data: &Path, with_snapshot: bool) -> Digest {
    let files = files(data).expect("the data directory can be listed");
    assert_eq!(!files.snapshots.is_empty(), with_snapshot, "a snapshot is made at the stop, and not before");
    Digest::of(fold_files(&files).expect("what the gateway wrote can be read").writer.state())
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

//! Whoever is shut out is out with the very next request, on HTTP and on a WebSocket that is open.

mod support;
#[path = "revocation/under_way.rs"]
mod under_way;

use std::fs;
use std::time::Duration;

use guestlist::config::SESSION_MS;
use guestlist::journal::directory::segment_path;
use guestlist::state::moment::Moment;
use serde_json::json;
use support::http::{AMY, BOB, Http, ORG, ORG_KEY, log_in, set_password};
use support::stage::{AMY_ID, BOB_ID, OWNER_ID, PASSWORD, Stage, check_sent_away, done, number};
use support::standing::{
    ALL, SESSION_GOOD, answers_to_key, answers_to_session, is_known, key_of, may, member, now, without_end,
};
use support::written::aged;
use support::{Client, Received, gateway};
use tempfile::TempDir;

/// How often what must be seen by the very next request is done.
const ROUNDS: usize = 20;

/// Above anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_removed_entry_shuts_the_share_to_the_very_next_request() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let share = stage.share(OWNER_ID, json!({"emails": [BOB]})).await;
    let mut owners = Client::sign_in(&stage.gateway.url(), &owner).await;
    for round in 0..ROUNDS {
        let added = stage.http.post(share.entries_path()).session(&owner).json(&json!([AMY])).send().await.expect(200);
        assert!(share.opens(&stage.http, Some(&amy)).await, "round {round}");
        assert_eq!(done(&mut owners, share.question(AMY)).await["decision"], json!(true), "round {round}");
        if round % 2 == 0 {
            done(&mut owners, share.message_with("removeFromShareWhitelist", "emails", json!([AMY]))).await;
        } else {
            let entry = number(&added.json()["shareWhitelistEntries"][0], "id");
            let path = format!("{}/{entry}", share.entries_path());
            let removed = stage.http.delete(path).session(&owner).send().await;
            assert!(removed.status.is_success(), "round {round}: {}", removed.text());
        }
        assert!(!share.opens(&stage.http, Some(&amy)).await, "round {round}");
        let refused = done(&mut owners, share.question(AMY)).await;
        let why = (&refused["decision"], &refused["context"]["reason"]);
        assert_eq!(why, (&json!(false), &json!("not_whitelisted")), "round {round}");
    }
}

#[tokio::test]
async fn a_session_that_logged_out_is_void_everywhere_and_its_connections_end() {
    let mut stage = Stage::new().await;
    for by_message in [false, true] {
        let (session, other) = (stage.owner().await, stage.owner().await);
        let url = stage.gateway.url();
        let (mut client, mut second) = (Client::sign_in(&url, &session).await, Client::sign_in(&url, &session).await);
        let mut others = Client::sign_in(&url, &other).await;
        let chats = json!({"method": "getChats", "user_id": OWNER_ID});
        done(&mut client, chats.clone()).await;
        assert_eq!(answers_to_session(&stage.http, &session, OWNER_ID).await, SESSION_GOOD);
        if by_message {
            stage.done(json!({"method": "logOut", "session": session})).await;
        } else {
            stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
        }
        assert_eq!(answers_to_session(&stage.http, &session, OWNER_ID).await, [401; 5]);
        check_sent_away(&mut client, "a connection of the session").await;
        check_sent_away(&mut second, "another connection of the session").await;
        assert!(!is_known(&url, &session).await);
        // The same user's other session goes on.
        done(&mut others, chats).await;
        assert_eq!(answers_to_session(&stage.http, &other, OWNER_ID).await, SESSION_GOOD);
    }
}

#[tokio::test]
async fn whoever_logs_out_on_a_connection_hears_so_and_is_sent_away() {
    let stage = Stage::new().await;
    let session = stage.owner().await;
    let mut client = Client::sign_in(&stage.gateway.url(), &session).await;
    let ack = done(&mut client, json!({"method": "logOut", "session": session, "reference": 7})).await;
    assert_eq!((&ack["method"], &ack["reference"]), (&json!("logOut_ack"), &json!(7)));
    check_sent_away(&mut client, "the connection that logged out").await;
}

#[tokio::test]
async fn a_session_that_ends_by_itself_is_void_everywhere_and_its_connections_end() {
    let stage = Stage::new().await;
    let session = stage.owner().await;
    let log_in = stage.http.get("/api/_auth/session").session(&session).send().await.expect(200).json();
    let began: Moment = log_in["loggedInAt"].as_str().and_then(|at| at.parse().ok()).expect("a session has begun");
    // As if all this had been almost seven days ago.
    let left_ms = 4_000;
    let journal = fs::read(segment_path(stage.directory.path(), 1)).expect("the journal can be read");
    let home = TempDir::new().expect("a temporary directory");
    let aged = aged(&journal, SESSION_MS - left_ms);
    fs::write(segment_path(home.path(), 1), aged).expect("the directory can be written");
    let gateway = gateway(home.path()).await;
    let (http, url) = (Http::of(&gateway), gateway.url());
    assert_eq!(answers_to_session(&http, &session, OWNER_ID).await, SESSION_GOOD, "it still holds");
    let (mut idle, mut busy) = (Client::sign_in(&url, &session).await, Client::sign_in(&url, &session).await);
    let chats = json!({"method": "getChats", "user_id": OWNER_ID}).to_string();
    let refusal = async {
        loop {
            let answer = busy.call(chats.clone()).await;
            if answer.get("error").is_some() {
                break answer;
            }
        }
    };
    let refusal = tokio::time::timeout(PATIENCE, refusal).await.expect("the session ends");
    assert!(now() >= began.plus_ms(left_ms), "it ended early");
    assert_eq!(refusal["error"], 401, "{refusal}");
    assert!(matches!(busy.receive().await, Received::Close(1008, _)));
    idle.send(chats).await;
    check_sent_away(&mut idle, "a connection that was quiet").await;
    assert_eq!(answers_to_session(&http, &session, OWNER_ID).await, [401; 5]);
    assert!(!is_known(&url, &session).await);
}

#[tokio::test]
async fn a_changed_password_ends_the_users_sessions_and_nobody_elses() {
    let mut stage = Stage::new().await;
    let (amy, bob, owner) = (stage.amy().await, stage.bob().await, stage.owner().await);
    let again = log_in(&stage.http, AMY, PASSWORD).await;
    let url = stage.gateway.url();
    let (mut amys, mut bobs) = (Client::sign_in(&url, &amy).await, Client::sign_in(&url, &bob).await);
    set_password(&mut stage.admin, AMY_ID, "Changed-pass-6!").await;
    for session in [&amy, &again] {
        assert_eq!(answers_to_session(&stage.http, session, AMY_ID).await, [401; 5]);
        assert!(!is_known(&url, session).await);
    }
    check_sent_away(&mut amys, "a connection from before the change").await;
    let old = json!({"email": AMY, "password": PASSWORD});
    stage.http.post("/api/auth/login").json(&old).send().await.expect(401);
    let new = log_in(&stage.http, AMY, "Changed-pass-6!").await;
    assert_eq!(answers_to_session(&stage.http, &new, AMY_ID).await, SESSION_GOOD);
    assert_eq!(answers_to_session(&stage.http, &bob, BOB_ID).await, SESSION_GOOD);
    assert_eq!(answers_to_session(&stage.http, &owner, OWNER_ID).await, SESSION_GOOD);
    done(&mut bobs, json!({"method": "getChats", "user_id": BOB_ID})).await;
}

#[tokio::test]
async fn a_removed_user_is_out_with_all_that_was_theirs() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    let (hers, theirs) =
        (stage.share(AMY_ID, json!({})).await, stage.share(OWNER_ID, json!({"emails": [AMY, BOB]})).await);
    let mut client = Client::sign_in(&stage.gateway.url(), &amy).await;
    stage.done(json!({"method": "removeUser", "user_id": AMY_ID})).await;
    assert_eq!(answers_to_session(&stage.http, &amy, AMY_ID).await, [401; 5]);
    check_sent_away(&mut client, "a connection of the user").await;
    assert!(!is_known(&stage.gateway.url(), &amy).await);
    stage.http.post("/api/auth/login").json(&json!({"email": AMY, "password": PASSWORD})).send().await.expect(401);
    hers.open(&stage.http).send().await.expect(404);
    assert!(!theirs.opens(&stage.http, Some(&amy)).await);
    assert_eq!(stage.listed(&theirs).await, [BOB_ID, OWNER_ID].map(u64::from));
    let missing = stage.admin.call(json!({"method": "getChats", "user_id": AMY_ID}).to_string()).await;
    assert_eq!(missing["error"], 404, "{missing}");
}

#[tokio::test]
async fn a_removed_key_is_void_at_once_and_the_members_other_key_is_not() {
    let mut stage = Stage::new().await;
    stage.done(without_end("carol@example.com", &ALL)).await;
    let (key_id, key) = key_of(&mut stage.admin, "carol@example.com").await;
    let (_, other) = key_of(&mut stage.admin, "carol@example.com").await;
    let url = stage.gateway.url();
    let (mut client, mut others) = (Client::sign_in(&url, &key).await, Client::sign_in(&url, &other).await);
    done(&mut client, json!({"method": "getOrgWhitelist"})).await;
    assert_eq!(answers_to_key(&stage.http, &key).await, [200; 4]);
    stage.done(json!({"method": "removeApiKey", "key_id": key_id})).await;
    assert_eq!(answers_to_key(&stage.http, &key).await, [401; 4]);
    check_sent_away(&mut client, "a connection of the key").await;
    assert!(!is_known(&url, &key).await);
    assert_eq!(answers_to_key(&stage.http, &other).await, [200; 4]);
    done(&mut others, json!({"method": "getOrgWhitelist"})).await;
}

#[tokio::test]
async fn a_replaced_key_is_void_at_once() {
    let mut stage = Stage::new().await;
    let (key_id, key) = key_of(&mut stage.admin, "admin@example.com").await;
    let mut client = Client::sign_in(&stage.gateway.url(), &key).await;
    let set = json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "key_id": key_id,
        "api_key": "another-key-of-this-member"});
    stage.done(set).await;
    assert_eq!(answers_to_key(&stage.http, &key).await, [401; 4]);
    assert_eq!(answers_to_key(&stage.http, "another-key-of-this-member").await, [200; 4]);
    check_sent_away(&mut client, "a connection of the replaced key").await;
}

#[tokio::test]
async fn a_removed_member_loses_every_key_at_once() {
    let mut stage = Stage::new().await;
    let url = stage.gateway.url();
    for round in 0..3 {
        stage.done(without_end("carol@example.com", &ALL)).await;
        let keys =
            [key_of(&mut stage.admin, "carol@example.com").await, key_of(&mut stage.admin, "carol@example.com").await];
        let mut client = Client::sign_in(&url, &keys[0].1).await;
        done(&mut client, json!({"method": "getOrgWhitelist"})).await;
        assert_eq!(answers_to_key(&stage.http, &keys[1].1).await, [200; 4], "round {round}");
        if round == 0 {
            let path = format!("/admin/whitelist?email=carol%40example.com&api_key={ORG_KEY}");
            stage.http.delete(path).send().await.expect(204);
        } else {
            let remove = json!({"method": "removeFromOrgWhitelist", "org_id": ORG, "email": "Carol@Example.com"});
            stage.done(remove).await;
        }
        for (_, key) in &keys {
            assert_eq!(answers_to_key(&stage.http, key).await, [401; 4], "round {round}");
            assert!(!is_known(&url, key).await, "round {round}");
        }
        check_sent_away(&mut client, "a connection of the member's key").await;
        let decided = stage.done(may("carol@example.com", "can_read")).await;
        assert_eq!(decided["context"]["reason"], "not_a_member", "round {round}");
        // Being a member again does not bring back a key.
        stage.done(without_end("carol@example.com", &ALL)).await;
        assert_eq!(answers_to_key(&stage.http, &keys[0].1).await, [401; 4], "round {round}");
    }
}

#[tokio::test]
async fn a_permission_taken_away_is_refused_to_the_very_next_request() {
    let mut stage = Stage::new().await;
    stage.done(without_end("carol@example.com", &ALL)).await;
    let (_, key) = key_of(&mut stage.admin, "carol@example.com").await;
    let mut client = Client::sign_in(&stage.gateway.url(), &key).await;
    for (left, named) in [
        (&["can_read", "can_use_api"][..], "can_use_whitelist"),
        (&["can_read", "can_use_whitelist"], "can_use_api"),
        (&["can_read"], "can_use_"),
    ] {
        stage.done(without_end("carol@example.com", &ALL)).await;
        assert_eq!(answers_to_key(&stage.http, &key).await, [200; 4], "{left:?}");
        done(&mut client, json!({"method": "getOrgWhitelist"})).await;
        stage.done(without_end("carol@example.com", left)).await;
        assert_eq!(answers_to_key(&stage.http, &key).await, [403; 4], "{left:?}");
        let refused = stage.http.get("/admin/whitelist").bearer(&key).send().await.text();
        assert!(refused.contains(named), "{left:?}: {refused}");
        let refused = client.call(r#"{"method":"getOrgWhitelist"}"#).await;
        assert_eq!(refused["error"], 160_017, "{left:?}: {refused}");
        let add = without_end("dave@example.com", &["can_read"]);
        assert_eq!(client.call(add.to_string()).await["error"], 160_017, "{left:?}");
    }
}

#[tokio::test]
async fn a_window_that_ends_shuts_out_and_one_that_begins_lets_in_at_its_moment() {
    let mut stage = Stage::new().await;
    let (begin, turn) = (now(), now().plus_ms(4_000));
    let [leaves, joins] = ["leaves@example.com", "joins@example.com"];
    stage.done(member(leaves, &ALL, &begin.to_string(), Some(&turn.to_string()))).await;
    stage.done(member(joins, &ALL, &turn.to_string(), None)).await;
    let (_, leaving) = key_of(&mut stage.admin, leaves).await;
    let (_, joining) = key_of(&mut stage.admin, joins).await;
    let url = stage.gateway.url();
    let (mut leaver, mut joiner) = (Client::sign_in(&url, &leaving).await, Client::sign_in(&url, &joining).await);
    let get = json!({"method": "getOrgWhitelist"});
    done(&mut leaver, get.clone()).await;
    assert_eq!(joiner.call(get.to_string()).await["error"], 160_017);
    assert_eq!(answers_to_key(&stage.http, &leaving).await, [200; 4]);
    assert_eq!(answers_to_key(&stage.http, &joining).await, [403; 4]);
    for (email, decision, reason) in [(leaves, true, "member"), (joins, false, "scheduled")] {
        let decided = stage.done(may(email, "can_use_api")).await;
        assert_eq!((&decided["decision"], &decided["context"]["reason"]), (&json!(decision), &json!(reason)));
        assert_eq!(decided["context"]["expires_at"], turn.to_string(), "{decided}");
    }
    assert!(now() < turn, "all this takes less than 4 s");
    let passed = async { while stage.done(may(leaves, "can_use_api")).await["decision"] == json!(true) {} };
    tokio::time::timeout(PATIENCE, passed).await.expect("the window ends");
    assert!(now() >= turn, "it ended early");
    // Nobody did anything, and the very next request is refused, or let in.
    assert_eq!(leaver.call(get.to_string()).await["error"], 160_017);
    done(&mut joiner, get).await;
    assert_eq!(answers_to_key(&stage.http, &leaving).await, [403; 4]);
    assert_eq!(answers_to_key(&stage.http, &joining).await, [200; 4]);
    for (email, decision, reason) in [(leaves, false, "expired"), (joins, true, "member")] {
        let decided = stage.done(may(email, "can_use_api")).await;
        assert_eq!((&decided["decision"], &decided["context"]["reason"]), (&json!(decision), &json!(reason)));
    }
}

#[tokio::test]
async fn a_removed_organisation_leaves_no_key_behind() {
    let mut stage = Stage::new().await;
    let mut client = Client::sign_in(&stage.gateway.url(), ORG_KEY).await;
    done(&mut client, json!({"method": "getOrgWhitelist"})).await;
    stage.done(json!({"method": "removeOrganization", "org_id": ORG})).await;
    assert_eq!(answers_to_key(&stage.http, ORG_KEY).await, [401; 4]);
    check_sent_away(&mut client, "a connection of a member's key").await;
    stage.done(json!({"method": "setOrganization", "org_id": ORG})).await;
    assert_eq!(answers_to_key(&stage.http, ORG_KEY).await, [401; 4], "another organisation took its name");
    let members = stage.done(json!({"method": "getOrgWhitelist", "org_id": ORG})).await;
    assert_eq!(members["members"], json!([]));
}

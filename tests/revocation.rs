//! Whoever is shut out is out with the very next request, on HTTP and on a WebSocket that is open; whoever is let in stays in,
//! through stops and crashes.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{SinkExt, StreamExt};
use guestlist::config::SESSION_MS;
use guestlist::gateway::Gateway;
use guestlist::journal::directory::{files, segment_path};
use guestlist::recovery::fold_files;
use guestlist::state::digest::Digest;
use guestlist::state::moment::Moment;
use serde_json::{Value, json};
use support::http::{AMY, BOB, Http, ORG, ORG_KEY, OWNER, OWNER_PASSWORD, log_in, make_user, set_password, sign_up};
use support::process::{Served, run};
use support::stage::{AMY_ID, BOB_ID, OWNER_ID, PASSWORD, Share, Stage, check_sent_away, done, number};
use support::written::aged;
use support::{ADMIN, APP, BOT, Client, Received, gateway};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_tungstenite::tungstenite::Message;

/// A request that waits with its body until the gateway asks for it, which it does once it knows who sends it.
struct Waiting(TcpStream);

impl Waiting {
    async fn send(stage: &Stage, request: &str, header: &str, body_bytes: usize) -> Self {
        let mut stream = TcpStream::connect(stage.gateway.address()).await.expect("the gateway listens");
        let head = format!(
            "{request} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{header}\r\nContent-Type: application/json\r\n\
             Content-Length: {body_bytes}\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the gateway reads");
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).await.expect("the gateway asks for the body");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// Sends the body, and gives the status of the answer.
    async fn goes_on(mut self, body: &str) -> String {
        self.0.write_all(body.as_bytes()).await.expect("the gateway reads");
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.expect("the answer is text");
        answer.split(' ').nth(1).expect("an answer has a status").to_owned()
    }
}

/// How often what must be seen by the very next request is done.
const ROUNDS: usize = 20;

/// Above anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// All that a member may have.
const ALL: [&str; 4] = ["can_read", "can_use_api", "can_use_whitelist", "can_delegate"];

fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    Moment::of_ms(since.as_millis().try_into().expect("it is before the year 9999"))
}

fn member(email: &str, permissions: &[&str], start: &str, end: Option<&str>) -> Value {
    json!({"method": "addToOrgWhitelist", "org_id": ORG, "name": "Carol", "email": email, "permissions": permissions,
        "start_date": start, "end_date": end})
}

fn without_end(email: &str, permissions: &[&str]) -> Value {
    member(email, permissions, "2024-01-01T00:00:00.000Z", None)
}

fn may(email: &str, permission: &str) -> Value {
    json!({"method": "checkAccess", "subject": {"type": "user", "id": email}, "action": {"name": permission},
        "resource": {"type": "organization", "id": ORG}})
}

/// A key of a member, as it is shown once.
async fn key_of(admin: &mut Client, email: &str) -> (u64, String) {
    let ack = done(admin, json!({"method": "setApiKey", "org_id": ORG, "email": email, "name": "tests"})).await;
    let key = ack["api_key"].as_str().unwrap_or_else(|| panic!("no key in {ack}")).to_owned();
    (number(&ack, "key_id"), key)
}

/// What a key is answered on every way it can be shown.
async fn answers_to_key(http: &Http, key: &str) -> Vec<u16> {
    let requests = [
        http.get(format!("/admin/whitelist?api_key={key}")),
        http.get("/admin/whitelist").bearer(key),
        http.get("/admin/whitelist").header("x-api-key", key),
        http.post("/api/getOrgWhitelist").bearer(key).json(&json!({})),
    ];
    let mut codes = Vec::new();
    for request in requests {
        codes.push(request.send().await.code());
    }
    codes
}

/// What a session is answered on every way it can be shown.
async fn answers_to_session(http: &Http, session: &str, user_id: u32) -> Vec<u16> {
    let requests = [
        http.head("/api/auth/check").session(session),
        http.get(format!("/api/users/{user_id}/chats")).session(session),
        http.get(format!("/api/users/{user_id}/chats")).header("x-neptun-session-session", session),
        http.get(format!("/api/users/{user_id}/chats")).bearer(session),
        http.post("/api/getChats").bearer(session).json(&json!({"user_id": user_id})),
    ];
    let mut codes = Vec::new();
    for request in requests {
        codes.push(request.send().await.code());
    }
    codes
}

const SESSION_GOOD: [u16; 5] = [204, 200, 200, 200, 200];

async fn is_known(url: &str, token: &str) -> bool {
    let mut client = Client::connect(url).await;
    let answer = client.call(json!({"method": "TOKEN_AUTH", "token": token}).to_string()).await;
    if answer.get("error").is_none() {
        return true;
    }
    assert_eq!(answer["error"], 401, "{answer}");
    false
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_last_members_who_are_removed_at_once_one_stays() {
    let mut stage = Stage::new().await;
    let url = stage.gateway.url();
    let emails = ["carol@example.com", "dave@example.com"];
    for email in emails {
        stage.done(without_end(email, &ALL)).await;
    }
    stage.done(json!({"method": "removeFromOrgWhitelist", "org_id": ORG, "email": "admin@example.com"})).await;
    for round in 0..ROUNDS {
        for email in emails {
            stage.done(without_end(email, &ALL)).await;
        }
        // Each by the other's key; or both by an administrator, who has nothing to lose by it.
        let by_each_other = round % 2 == 0;
        let mut removals = Vec::new();
        let start = Arc::new(Barrier::new(emails.len()));
        for (email, other) in [(emails[0], emails[1]), (emails[1], emails[0])] {
            let token = if by_each_other { key_of(&mut stage.admin, other).await.1 } else { ADMIN.to_owned() };
            let mut client = Client::sign_in(&url, &token).await;
            let start = start.clone();
            removals.push(tokio::spawn(async move {
                start.wait().await;
                let remove = json!({"method": "removeFromOrgWhitelist", "org_id": ORG, "email": email});
                client.call(remove.to_string()).await["error"].as_u64().unwrap_or(0)
            }));
        }
        let mut codes = Vec::new();
        for removal in removals {
            codes.push(removal.await.expect("it is answered"));
        }
        codes.sort_unstable();
        assert_eq!(codes[0], 0, "round {round}: {codes:?}");
        let refused = if by_each_other { &[401, 160_017, 409][..] } else { &[409] };
        assert!(refused.contains(&codes[1]), "round {round}: {codes:?}");
        let left = stage.done(json!({"method": "getOrgWhitelist", "org_id": ORG})).await;
        assert_eq!(left["members"].as_array().map(Vec::len), Some(1), "round {round}: {left}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_sent_after_a_log_out_is_done_however_much_is_under_way() {
    let stage = Stage::new().await;
    for round in 0..ROUNDS {
        let session = stage.owner().await;
        let (mut sink, mut stream) = Client::sign_in(&stage.gateway.url(), &session).await.0.split();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let sending = tokio::spawn(async move {
            loop {
                // Counted before it is sent: whatever is counted later was sent later.
                let reference = counted.fetch_add(1, Ordering::SeqCst);
                let message = json!({"method": "getChats", "user_id": OWNER_ID, "reference": reference});
                if sink.send(Message::text(message.to_string())).await.is_err() {
                    return;
                }
            }
        });
        let reading = tokio::spawn(async move {
            let mut last = 0;
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                let answer: Value = serde_json::from_str(&text).expect("answers are JSON");
                if answer.get("error").is_none() {
                    last = number(&answer, "reference");
                }
            }
            last
        });
        while sent.load(Ordering::SeqCst) < 200 {
            tokio::task::yield_now().await;
        }
        stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
        let before = sent.load(Ordering::SeqCst);
        let last = reading.await.expect("every frame is an answer");
        assert!(
            last < before,
            "round {round}: {before} were sent before the log-out was told, and {last} was answered"
        );
        sending.await.expect("sending ends with the connection");
    }
}

#[tokio::test]
async fn what_comes_behind_a_log_out_in_the_same_burst_is_not_done() {
    let mut stage = Stage::new().await;
    let share = stage.share(OWNER_ID, json!({"emails": [BOB]})).await;
    for round in 0..ROUNDS {
        let session = stage.owner().await;
        let mut client = Client::sign_in(&stage.gateway.url(), &session).await;
        let before = stage.listed(&share).await;
        let log_out = json!({"method": "logOut", "session": session});
        let add = share.message_with("addToShareWhitelist", "emails", json!([AMY]));
        for message in [&add, &share.message_with("removeFromShareWhitelist", "emails", json!([AMY])), &log_out, &add] {
            client.0.feed(Message::text(message.to_string())).await.expect("the connection takes frames");
        }
        client.0.flush().await.expect("the connection takes frames");
        for ack in ["addToShareWhitelist_ack", "removeFromShareWhitelist_ack", "logOut_ack"] {
            assert_eq!(client.json().await["method"], ack, "round {round}");
        }
        check_sent_away(&mut client, "the connection that logged out").await;
        assert_eq!(stage.listed(&share).await, before, "round {round}");
    }
}

/// A request whose head was taken in, so that it is known who sends it, and whose body is still to come.
struct Begun {
    stream: TcpStream,
    body: String,
}

impl Begun {
    async fn new(gateway: &Gateway, path: &str, header: &str, body: &Value) -> Self {
        let mut stream = TcpStream::connect(gateway.address()).await.expect("the gateway takes connections");
        let (body, bytes) = (body.to_string(), body.to_string().len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the connection takes bytes");
        // The body is asked for only once it is read.
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).await.expect("the gateway asks for the body");
        assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&go_on));
        Self { stream, body }
    }

    /// Sends the body and returns the status.
    async fn ends(mut self) -> u16 {
        self.stream.write_all(self.body.as_bytes()).await.expect("the connection takes bytes");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("the answer is text");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("{answer} has no status"))
    }
}

#[tokio::test]
async fn a_request_that_dawdles_until_its_sender_is_shut_out_is_refused() {
    let mut stage = Stage::new().await;
    let (session, other) = (stage.owner().await, stage.owner().await);
    let share = stage.share(OWNER_ID, json!({})).await;
    let (path, add) = (share.entries_path(), json!({"emails": [AMY]}));
    let of = |session: &str| format!("cookie: neptun-session={session}");
    let begun = Begun::new(&stage.gateway, &path, &of(&session), &add).await;
    let kept = Begun::new(&stage.gateway, &path, &of(&other), &json!({"emails": [BOB]})).await;
    stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
    assert_eq!(begun.ends().await, 401);
    assert!(stage.listed(&share).await.is_empty());
    assert_eq!(kept.ends().await, 200);
    assert_eq!(stage.listed(&share).await, [BOB_ID, OWNER_ID].map(u64::from));

    let (key_id, key) = key_of(&mut stage.admin, "admin@example.com").await;
    let body = json!({"name": "Dave", "email": "dave@example.com", "permissions": ["can_read"],
        "start_date": "2025-03-05T11:34:30.258Z"});
    let begun = Begun::new(&stage.gateway, "/admin/whitelist", &format!("x-api-key: {key}"), &body).await;
    let set = json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "key_id": key_id,
        "api_key": "another-key-of-this-member"});
    stage.done(set).await;
    assert_eq!(begun.ends().await, 401);
    let decided = stage.done(may("dave@example.com", "can_read")).await;
    assert_eq!(decided["context"]["reason"], "not_a_member");

    let body = json!({"app_id": APP, "signups": ["late@example.com"]});
    let bearer = format!("authorization: Bearer {BOT}");
    let begun = Begun::new(&stage.gateway, "/api/addToWhitelist", &bearer, &body).await;
    let question = json!({"subject": {"type": "user", "id": AMY}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}});
    let asked = Begun::new(&stage.gateway, "/access/v1/evaluation", &bearer, &question).await;
    stage.done(json!({"method": "rotateBotToken", "bot_id": "90091784056528980"})).await;
    assert_eq!((begun.ends().await, asked.ends().await), (401, 401));
    let listed = stage.done(json!({"method": "getWhitelistUsers", "app_id": APP})).await;
    assert_eq!(listed["signups"], json!([]));
}

/// All that can be asked about users, shares and organisations, without what differs from one asking to the next.
#[tokio::test]
async fn who_is_shut_out_while_the_body_is_awaited_is_out() {
    let mut stage = Stage::new().await;
    let (session, share) = (stage.owner().await, stage.share(OWNER_ID, json!({"emails": [BOB]})).await);
    let (emails, before) = (json!([AMY]).to_string(), stage.listed(&share).await);
    let post = format!("POST {}", share.entries_path());
    let header = format!("x-neptun-session-session: {session}");
    let waiting = Waiting::send(&stage, &post, &header, emails.len()).await;
    stage.done(json!({"method": "logOut", "session": session})).await;
    assert_eq!(waiting.goes_on(&emails).await, "401");
    assert_eq!(stage.listed(&share).await, before, "somebody was added in a session that was over");

    stage.done(without_end("carol@example.com", &ALL)).await;
    let (key_id, key) = key_of(&mut stage.admin, "carol@example.com").await;
    let dave = json!({"name": "Dave", "email": "dave@example.com", "permissions": ["can_read"],
        "start_date": "2024-01-01T00:00:00.000Z"});
    let dave = dave.to_string();
    let header = format!("x-api-key: {key}");
    let waiting = Waiting::send(&stage, "POST /admin/whitelist", &header, dave.len()).await;
    let set = json!({"method": "setApiKey", "org_id": ORG, "email": "carol@example.com", "key_id": key_id,
        "api_key": "another-key-of-carol"});
    stage.done(set).await;
    assert_eq!(waiting.goes_on(&dave).await, "401");
    let refused = stage.done(may("dave@example.com", "can_read")).await;
    assert_eq!(refused["context"]["reason"], "not_a_member", "{refused}");
}

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

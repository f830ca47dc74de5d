//! Defects in how shares and their lists are written: by many at once, by the wrong people, by too much, on a full disk.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::support::http::{AMY, Answer, BOB, Http, OWNER, OWNER_PASSWORD, log_in, make_user};
use crate::support::process::Served;
use crate::support::stage::{AMY_ID, BOB_ID, OWNER_ID, PASSWORD, Share, Stage, done, number};
use crate::support::{ADMIN, Client};
use crate::{CROWD, ROUNDS, at_once};

/// The entries in an answer to `POST …/whitelist-entries`, which is what success must have.
#[track_caller]
fn entries(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.code(), 200, "{}", answer.text());
    let entries = answer.json()["shareWhitelistEntries"].as_array().cloned();
    entries.unwrap_or_else(|| panic!("success has entries, not {}", answer.text()))
}

fn users(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| number(entry, "whitelisted_neptun_user_id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_01_identical_posts_leave_one_entry_a_person() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    for round in 0..ROUNDS {
        let share = stage.share(OWNER_ID, json!({})).await;
        // Both forms of the body, in any order and with repeats: they mean the same.
        let bodies = [json!({"emails": [AMY, BOB]}), json!([BOB, AMY]), json!({"emails": [AMY, OWNER, BOB, AMY]})];
        let post = |n: usize| stage.http.post(share.entries_path()).session(&owner).json(&bodies[n % 3]).send();
        let answers = at_once((0..CROWD).map(post).collect::<Vec<_>>()).await;
        let first = entries(&answers[0]);
        assert_eq!(users(&first), [AMY_ID, BOB_ID, OWNER_ID].map(u64::from), "round {round}: the caller comes last");
        for answer in &answers {
            assert_eq!(entries(answer), first, "round {round}: everybody is told of the same entries");
        }
        // And one more, long after.
        let again = stage.http.post(share.entries_path()).session(&owner).json(&json!([AMY, BOB])).send().await;
        assert_eq!(entries(&again), first, "round {round}");
        let listed: BTreeSet<u64> = stage.listed(&share).await.into_iter().collect();
        assert_eq!((listed.len(), stage.listed(&share).await.len()), (3, 3), "round {round}: {listed:?}");
        assert!(share.opens(&stage.http, Some(&owner)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_01_different_posts_at_once_lose_nobody() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    let mut guests = Vec::new();
    for n in 0..CROWD {
        let email = format!("guest{n}@example.com");
        guests.push((u64::from(make_user(&mut stage.admin, &email).await), email));
    }
    for round in 0..ROUNDS {
        let share = stage.share(OWNER_ID, json!({})).await;
        let posts = guests.iter().map(|(_, email)| {
            stage.http.post(share.entries_path()).session(&owner).json(&json!({"emails": [AMY, email]})).send()
        });
        let answers = at_once(posts.collect::<Vec<_>>()).await;
        let mut ids_of_amy = BTreeSet::new();
        for ((id, _), answer) in guests.iter().zip(&answers) {
            let entries = entries(answer);
            assert_eq!(users(&entries), [AMY_ID.into(), *id, OWNER_ID.into()], "round {round}");
            ids_of_amy.insert(number(&entries[0], "id"));
        }
        assert_eq!(ids_of_amy.len(), 1, "round {round}: {ids_of_amy:?}");
        assert_eq!(stage.listed(&share).await.len(), CROWD + 2, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_02_of_shares_created_at_once_one_is_made_and_the_others_conflict() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    for round in 0..ROUNDS {
        let chat_id = stage.chat(OWNER_ID).await;
        let path = format!("/api/users/{OWNER_ID}/chats/{chat_id}/shares");
        let posts = (0..CROWD).map(|_| stage.http.post(&path).session(&owner).json(&json!({})).send());
        let answers = at_once(posts.collect::<Vec<_>>()).await;
        let (made, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.code() == 200);
        assert_eq!(made.len(), 1, "round {round}: {made:?}");
        for other in &others {
            assert_eq!((other.code(), &other.json()["statusCode"]), (409, &json!(409)), "{}", other.text());
        }
        let share = made[0].json()["share"].clone();
        let known = stage.done(json!({"method": "getShares", "user_id": OWNER_ID, "chat_id": chat_id})).await;
        assert_eq!(known["shares"].as_array().map(Vec::len), Some(1), "round {round}: {known}");
        let known = &known["shares"][0];
        assert_eq!((&known["share_id"], &known["share_uuid"]), (&share["id"], &share["share_uuid"]), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_08_a_post_to_a_share_that_is_being_removed_succeeds_whole_or_finds_nothing() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    for round in 0..ROUNDS {
        let share = stage.share(OWNER_ID, json!({})).await;
        let (telling, mut told) = mpsc::channel(CROWD);
        let posting = (0..CROWD).map(|n| {
            let request = stage.http.post(share.entries_path()).session(&owner);
            let email = if n % 2 == 0 { AMY } else { BOB };
            let request = request.json(&json!({"emails": [email]}));
            let telling = telling.clone();
            tokio::spawn(async move {
                let mut gone = 0;
                while gone < 2 {
                    let answer = request.clone().send().await;
                    if answer.code() == 404 {
                        gone += 1;
                    } else {
                        assert_eq!((entries(&answer).len(), gone), (2, 0), "a share that was gone took entries");
                        telling.try_send(()).ok();
                    }
                }
            })
        });
        let posting: Vec<_> = posting.collect();
        told.recv().await.expect("the first entries are added");
        let gone = if round % 2 == 0 {
            share.message("removeShare")
        } else {
            json!({"method": "removeChat", "user_id": OWNER_ID, "chat_id": share.chat_id})
        };
        stage.done(gone).await;
        for posted in posting {
            posted.await.expect("every answer was whole");
        }
        assert!(!share.opens(&stage.http, Some(&owner)).await, "round {round}");
        let whitelist = stage.admin.call(share.message("getShareWhitelist").to_string()).await;
        assert_eq!(whitelist["error"], 404, "round {round}: {whitelist}");
    }
}

#[tokio::test]
async fn defect_09_a_share_is_found_only_under_its_own_chat_and_owner() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let (mine, other) = (stage.share(OWNER_ID, json!({})).await, stage.share(OWNER_ID, json!({})).await);
    let hers = stage.share(AMY_ID, json!({})).await;
    let path = |user: u64, chat: u64, share: u64| format!("/api/users/{user}/chats/{chat}/shares/{share}");
    let wrong = [
        (path(1, other.chat_id, mine.share_id), &owner),
        (path(1, 2_000_000, mine.share_id), &owner),
        (path(1, mine.chat_id, 2_000_000), &owner),
        (path(1, hers.chat_id, hers.share_id), &owner),
        (path(1, mine.chat_id, hers.share_id), &owner),
        (path(2, hers.chat_id, hers.share_id), &owner),
        (path(2_000_000, mine.chat_id, mine.share_id), &owner),
        (path(1, mine.chat_id, mine.share_id), &amy),
        (path(2, mine.chat_id, mine.share_id), &amy),
    ];
    let mut refusals = BTreeSet::new();
    for (path, session) in &wrong {
        let body = json!({"emails": [BOB]});
        let post = stage.http.post(format!("{path}/whitelist-entries")).session(session).json(&body).send().await;
        refusals.insert(post.expect(404).text());
        stage.http.delete(path).session(session).send().await.expect(404);
        let patch = stage.http.patch(path).session(session).json(&json!({"is_shared": false})).send().await;
        refusals.insert(patch.expect(404).text());
    }
    assert_eq!(refusals.len(), 1, "what is another's looks like what is not there: {refusals:?}");
    for share in [&mine, &other, &hers] {
        assert!(stage.listed(share).await.is_empty(), "{share:?}");
        assert!(share.opens(&stage.http, None).await, "{share:?} was changed");
    }
}

/// A gateway whose files may have so many bytes, for which it is run by a shell that says so.
fn served_on_a_small_disk(data: &Path, log: &Path, kib: usize) -> Served {
    let script = r#"ulimit -f "$1"; trap '' XFSZ; shift; exec "$@""#;
    let mut command = Command::new("sh");
    // A POSIX shell counts in blocks of 512 bytes.
    command.args(["-c", script, "sh", &(kib * 2).to_string(), env!("CARGO_BIN_EXE_guestlist"), "serve", "--demo"]);
    command.args(["--listen", "127.0.0.1:0", "--log", "error", "--data"]).arg(data).env_clear();
    Served::start_command(&mut command, log)
}

#[tokio::test]
async fn defect_14_what_cannot_be_written_is_an_error_and_not_an_empty_success() {
    let home = TempDir::new().expect("a temporary directory");
    let served = served_on_a_small_disk(&home.path().join("data"), &home.path().join("log"), 64);
    let http = Http::at(&served.url);
    let mut admin = Client::sign_in(&served.url, ADMIN).await;
    let amy = make_user(&mut admin, "amy.late@example.com").await;
    let set = json!({"method": "setShare", "user_id": OWNER_ID, "chat_id": 123, "emails": [BOB]});
    let share = Share::of(&done(&mut admin, set).await);
    let spare = number(&done(&mut admin, json!({"method": "setChat", "user_id": OWNER_ID})).await, "chat_id");
    let owner = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let before = done(&mut admin, share.message("getShareWhitelist")).await;
    // Until the disk is full.
    let mut refusal = Value::Null;
    for n in 0..1_000 {
        refusal =
            admin.call(json!({"method": "setChat", "user_id": amy, "name": "x".repeat(200 + n % 7)}).to_string()).await;
        if refusal.get("error").is_some() {
            break;
        }
    }
    assert_eq!(refusal["error"], 503, "{refusal}");
    let add = json!({"emails": ["amy.late@example.com"]});
    let sign_up = json!({"email": "late@example.com", "password": PASSWORD, "confirmPassword": PASSWORD});
    for request in [
        http.post(share.entries_path()).session(&owner).json(&add),
        http.post(format!("/api/users/1/chats/{spare}/shares")).session(&owner).json(&json!({})),
        http.patch(share.path()).session(&owner).json(&json!({"is_shared": false})),
        http.delete(share.path()).session(&owner),
        http.post("/api/auth/sign-up").json(&sign_up),
        http.post("/api/auth/login").json(&json!({"email": OWNER, "password": OWNER_PASSWORD})),
    ] {
        let answer = request.clone().send().await;
        assert!(answer.status.is_server_error(), "{request:?}: {} {}", answer.status, answer.text());
        assert_eq!(answer.json()["statusCode"], json!(answer.code()), "{}", answer.text());
        assert_eq!(answer.cookie("neptun-session"), None);
    }
    // Nothing of it was done, and reading goes on.
    assert_eq!(done(&mut admin, share.message("getShareWhitelist")).await, before);
    assert!(share.opens(&http, Some(&owner)).await);
    let shares = done(&mut admin, json!({"method": "getShares", "user_id": OWNER_ID, "chat_id": spare})).await;
    assert_eq!(shares["shares"], json!([]));
}

#[tokio::test]
async fn defect_16_a_bulk_removal_touches_only_the_callers_chats() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    let theirs = stage.share(OWNER_ID, json!({})).await;
    let hers = [stage.share(AMY_ID, json!({})).await, stage.share(AMY_ID, json!({})).await];
    let body = |chat_ids: &[u64]| json!({"chat_ids": chat_ids});
    let delete =
        |user: u32, body: Value| stage.http.delete(format!("/api/users/{user}/chats")).session(&amy).json(&body).send();
    let both = delete(AMY_ID, body(&[theirs.chat_id, hers[0].chat_id])).await;
    assert!(both.status.is_success(), "{}", both.text());
    assert!(!hers[0].opens(&stage.http, None).await && theirs.opens(&stage.http, None).await);
    delete(AMY_ID, body(&[theirs.chat_id])).await.expect(404);
    assert!(delete(OWNER_ID, body(&[theirs.chat_id])).await.status.is_client_error());
    // And by message, signed in as Amy, with the same.
    let mut client = Client::sign_in(&stage.gateway.url(), &amy).await;
    let remove = |user: u32, chats: &[u64]| json!({"method": "removeChat", "user_id": user, "chat_ids": chats});
    for message in [remove(AMY_ID, &[theirs.chat_id]), remove(OWNER_ID, &[theirs.chat_id])] {
        assert_eq!(client.call(message.to_string()).await["error"], 404, "{message}");
    }
    let ack = done(&mut client, remove(AMY_ID, &[theirs.chat_id, hers[1].chat_id])).await;
    assert_eq!(ack["chat_ids"], json!([hers[1].chat_id]));
    assert!(!hers[1].opens(&stage.http, None).await && theirs.opens(&stage.http, None).await);
    let chats = stage.done(json!({"method": "getChats", "user_id": OWNER_ID})).await;
    let chats = chats["chats"].as_array().expect("a page has chats");
    assert!(chats.iter().any(|chat| number(chat, "chat_id") == theirs.chat_id), "{chats:?}");
}

#[tokio::test]
async fn defect_17_too_much_at_once_is_refused_and_adds_nobody() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    let share = stage.share(OWNER_ID, json!({})).await;
    let mut emails: Vec<String> = (0..1_000).map(|n| format!("guest{n}@example.com")).collect();
    emails.push(AMY.to_owned());
    for body in [json!({"emails": emails}), json!(emails)] {
        let answer = stage.http.post(share.entries_path()).session(&owner).json(&body).send().await;
        assert!(matches!(answer.code(), 400 | 413), "{} {}", answer.status, answer.text());
    }
    let ack = stage.admin.call(share.message_with("addToShareWhitelist", "emails", json!(emails)).to_string()).await;
    assert!(matches!(ack["error"].as_u64(), Some(400 | 413)), "{ack}");
    let large = json!({"emails": [AMY, format!("{}@example.com", "x".repeat(2_000_000))]}).to_string();
    for request in [
        stage.http.post(share.entries_path()).session(&owner).raw(large.clone()),
        stage.http.post(share.entries_path()).session(&owner).chunked(large.clone()),
        stage.http.post("/api/auth/login").raw(large.clone()),
        stage.http.post("/api/auth/login").chunked(large),
    ] {
        let answer = request.header("content-type", "application/json").send().await.expect(413);
        assert_eq!(answer.json()["statusCode"], json!(413));
    }
    assert!(stage.listed(&share).await.is_empty());
    assert!(share.opens(&stage.http, None).await, "a refused request switched the whitelist on");
    // As many as may be are taken.
    emails.remove(0);
    let taken = stage.http.post(share.entries_path()).session(&owner).json(&json!({"emails": emails})).send().await;
    assert_eq!(users(&entries(&taken)), [AMY_ID, OWNER_ID].map(u64::from));
}

#[tokio::test]
async fn defect_17_an_address_is_found_in_whatever_case_it_is_written() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let share = stage.share(OWNER_ID, json!({})).await;
    for spelling in ["AMY@Example.com", AMY, "amy@EXAMPLE.COM"] {
        let body = json!({"emails": [spelling, AMY]});
        let answer = stage.http.post(share.entries_path()).session(&owner).json(&body).send().await;
        assert_eq!(users(&entries(&answer)), [AMY_ID, OWNER_ID].map(u64::from), "{spelling}");
        log_in(&stage.http, spelling, PASSWORD).await;
        let taken = json!({"email": spelling, "password": PASSWORD, "confirmPassword": PASSWORD});
        stage.http.post("/api/auth/sign-up").json(&taken).send().await.expect(409);
    }
    assert!(share.opens(&stage.http, Some(&amy)).await);
    let removed =
        stage.done(share.message_with("removeFromShareWhitelist", "emails", json!(["AMY@example.COM"]))).await;
    assert_eq!(removed["shareWhitelistEntries"].as_array().map(Vec::len), Some(1), "{removed}");
    assert!(!share.opens(&stage.http, Some(&amy)).await);
}

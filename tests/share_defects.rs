//! What goes wrong in the share API that this one is modelled on, and must not go wrong here: one test, or a few, for each
//! defect in the list that was made of it, under its number there.

mod support;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use guestlist::config::Limits;
use guestlist::journal::directory::segment_path;
use serde_json::{Value, json};
use support::http::{AMY, Answer, BOB, Http, OWNER, OWNER_PASSWORD, log_in, make_user, sign_up};
use support::process::Served;
use support::stage::{AMY_ID, BOB_ID, OWNER_ID, PASSWORD, Share, Stage, done, is_open, number};
use support::written::aged;
use support::{ADMIN, Client};
use tempfile::TempDir;
use tokio::sync::{Barrier, mpsc};

/// How often a race is run.
const ROUNDS: usize = 25;

/// How many run in a race.
const CROWD: usize = 8;

/// Starts all of them together, each on a task of its own, and returns what they return, in their order.
async fn at_once<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let futures: Vec<F> = futures.into_iter().collect();
    let start = Arc::new(Barrier::new(futures.len()));
    let tasks = futures.into_iter().map(|future| {
        let start = start.clone();
        tokio::spawn(async move {
            start.wait().await;
            future.await
        })
    });
    let ended = join_all(tasks.collect::<Vec<_>>()).await;
    ended.into_iter().map(|output| output.expect("no task panics")).collect()
}

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

#[tokio::test]
async fn defect_03_a_share_can_be_made_with_its_whitelist_in_one_request() {
    let mut stage = Stage::new().await;
    let (owner, amy, bob) = (stage.owner().await, stage.amy().await, stage.bob().await);
    let chat_id = stage.chat(OWNER_ID).await;
    let body = json!({"is_protected": true, "use_whitelist": true, "emails": [AMY]});
    let path = format!("/api/users/{OWNER_ID}/chats/{chat_id}/shares");
    let made = stage.http.post(path).session(&owner).json(&body).send().await.expect(200).json();
    let by_http = Share {
        user_id: OWNER_ID.into(),
        chat_id,
        share_id: number(&made["share"], "id"),
        uuid: made["share"]["share_uuid"].as_str().expect("a share has a uuid").to_owned(),
    };
    let by_message = stage.share(OWNER_ID, json!({"is_protected": true, "use_whitelist": true, "emails": [AMY]})).await;
    for share in [by_http, by_message] {
        assert!(share.opens(&stage.http, Some(&amy)).await && share.opens(&stage.http, Some(&owner)).await);
        assert!(!share.opens(&stage.http, Some(&bob)).await && !share.opens(&stage.http, None).await);
    }
}

#[tokio::test]
async fn defect_03_a_share_that_is_protected_by_nothing_yet_is_closed_to_all_but_its_owner() {
    let mut stage = Stage::new().await;
    let (owner, amy, bob) = (stage.owner().await, stage.amy().await, stage.bob().await);
    let share = stage.share(OWNER_ID, json!({"is_protected": true})).await;
    for guest in [Some(&*amy), Some(&bob), None] {
        assert!(!share.opens(&stage.http, guest).await, "it stood open between two requests");
    }
    assert!(share.opens(&stage.http, Some(&owner)).await);
    assert_eq!(stage.done(share.question(AMY)).await["context"]["reason"], "protected");
    let body = json!({"emails": [AMY]});
    stage.http.post(share.entries_path()).session(&owner).json(&body).send().await.expect(200);
    assert!(share.opens(&stage.http, Some(&amy)).await);
    assert!(!share.opens(&stage.http, Some(&bob)).await && !share.opens(&stage.http, None).await);
}

#[tokio::test]
async fn defect_04_removing_the_last_entry_keeps_the_share_closed() {
    let mut stage = Stage::new().await;
    let (owner, amy, bob) = (stage.owner().await, stage.amy().await, stage.bob().await);
    let share = stage.share(OWNER_ID, json!({})).await;
    assert!(share.opens(&stage.http, None).await, "it is public at first");
    stage.done(share.message_with("addToShareWhitelist", "emails", json!([AMY]))).await;
    assert!(share.opens(&stage.http, Some(&amy)).await && !share.opens(&stage.http, None).await);
    let removed = stage.done(share.message_with("removeFromShareWhitelist", "emails", json!([AMY]))).await;
    assert_eq!(removed["shareWhitelistEntries"].as_array().map(Vec::len), Some(1), "{removed}");
    for guest in [Some(&*amy), Some(&bob), None] {
        assert!(!share.opens(&stage.http, guest).await, "the last guest's removal opened it to everybody");
    }
    assert!(share.opens(&stage.http, Some(&owner)).await);
    // Only saying so opens it.
    stage.done(share.message_with("setShare", "use_whitelist", json!(false))).await;
    assert!(share.opens(&stage.http, None).await);
}

#[tokio::test]
async fn defect_04_a_removed_user_leaves_the_share_closed() {
    let mut stage = Stage::new().await;
    let bob = stage.bob().await;
    let share = stage.share(OWNER_ID, json!({"emails": [AMY]})).await;
    stage.done(json!({"method": "removeUser", "user_id": AMY_ID})).await;
    assert_eq!(stage.listed(&share).await, [u64::from(OWNER_ID)]);
    assert!(!share.opens(&stage.http, Some(&bob)).await && !share.opens(&stage.http, None).await);
}

#[tokio::test]
async fn defect_04_a_whitelist_that_is_on_and_empty_keeps_everybody_out() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let share = stage.share(OWNER_ID, json!({"use_whitelist": true})).await;
    assert!(!share.opens(&stage.http, Some(&amy)).await && !share.opens(&stage.http, None).await);
    assert!(share.opens(&stage.http, Some(&owner)).await);
}

/// What readers know of a share that is opened and closed all the time: the last ack, counted.
#[derive(Default)]
struct Epoch(AtomicU64);

impl Epoch {
    const OPEN: u64 = 0;
    const CLOSED: u64 = 2;

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Reads a share all the time and judges each answer; tells the epoch of those that lay within one.
async fn read_and_judge(http: Http, share: Share, session: Option<String>, epoch: Arc<Epoch>, told: mpsc::Sender<u64>) {
    loop {
        let before = epoch.now();
        let answer = share.open_in(&http, session.as_deref()).send().await;
        let after = epoch.now();
        let open = is_open(&answer);
        let body = answer.json();
        let info = if open { &body["shareInfo"] } else { &body["data"]["shareInfo"] };
        // To somebody who is not signed in, the refusal tells nothing.
        if open || session.is_some() {
            let told = (&info["shareIsPrivate"], &info["shareHasWhitelist"]);
            let all_or_none = (&json!(!open), &json!(!open));
            assert_eq!(told, all_or_none, "half a change was seen: {body}");
        }
        if before == after {
            let expected = match before % 4 {
                Epoch::OPEN => Some(true),
                Epoch::CLOSED => Some(false),
                _ => None,
            };
            assert!(expected.is_none_or(|expected| expected == open), "epoch {before}: {body}");
        }
        if told.send(if before == after { before } else { u64::MAX }).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_05_no_answer_shows_a_share_half_protected_or_leaks_out_after_the_ack() {
    let mut stage = Stage::new().await;
    let (amy, bob) = (stage.amy().await, stage.bob().await);
    let share = stage.share(OWNER_ID, json!({})).await;
    let epoch = Arc::new(Epoch::default());
    let (telling, mut told) = mpsc::channel(CROWD);
    let mut readers = Vec::new();
    for session in [None, Some(amy), None, Some(bob)] {
        let reading = read_and_judge(stage.http, share.clone(), session, epoch.clone(), telling.clone());
        readers.push(tokio::spawn(reading));
    }
    drop(telling);
    let mut set = share.message("setShare");
    for round in 0..ROUNDS * 2 {
        let close = round % 2 == 0;
        (set["is_protected"], set["use_whitelist"]) = (json!(close), json!(close));
        epoch.next();
        stage.done(set.clone()).await;
        let settled = epoch.next();
        for question in [share.question(AMY), share.question(BOB)] {
            let reason = stage.done(question).await["context"]["reason"].clone();
            assert_eq!(reason, if close { "not_whitelisted" } else { "public" });
        }
        // Until each has read it as it now is, and before the next change.
        let mut judged = 0;
        while judged < 2 * readers.len() {
            let Some(read) = told.recv().await else { panic!("a reader found what must not be") };
            judged += usize::from(read == settled);
        }
    }
    drop(told);
    for reader in readers {
        reader.await.expect("no reader found what must not be");
    }
}

#[tokio::test]
async fn defect_06_what_was_read_once_is_not_read_again_after_it_was_closed() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    for _ in 0..ROUNDS {
        let share = stage.share(OWNER_ID, json!({})).await;
        for session in [None, Some(&*amy), None] {
            assert!(share.opens(&stage.http, session).await);
        }
        stage.done(share.message_with("setShare", "is_protected", json!(true))).await;
        assert!(!share.opens(&stage.http, None).await && !share.opens(&stage.http, Some(&amy)).await);
        stage.done(share.message_with("addToShareWhitelist", "emails", json!([AMY]))).await;
        assert!(!share.opens(&stage.http, None).await && share.opens(&stage.http, Some(&amy)).await);
        stage.done(share.message_with("removeFromShareWhitelist", "emails", json!([AMY]))).await;
        assert!(!share.opens(&stage.http, None).await && !share.opens(&stage.http, Some(&amy)).await);
    }
}

#[tokio::test]
async fn defect_06_nobody_on_the_way_may_keep_an_answer() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    let public = stage.share(OWNER_ID, json!({})).await;
    let listed = stage.share(OWNER_ID, json!({"emails": [AMY]})).await;
    let owner = stage.owner().await;
    for answer in [
        public.open(&stage.http).send().await.expect(200),
        listed.open(&stage.http).session(&amy).send().await.expect(200),
        listed.open(&stage.http).send().await.expect(401),
        stage.http.get("/api/_auth/session").session(&owner).send().await,
        stage.http.get(format!("/api/users/1/chats/{}/shares", listed.chat_id)).session(&owner).send().await,
    ] {
        let directives = answer.header("cache-control").unwrap_or_default();
        let keeps_out = directives.contains("no-store") && !directives.contains("public");
        assert!(keeps_out && !directives.contains("s-maxage"), "{directives:?}: {}", answer.text());
        assert_eq!((answer.header("etag"), answer.header("last-modified")), (None, None));
    }
}

#[tokio::test]
async fn defect_07_every_way_to_show_who_one_is_reaches_the_decision() {
    let mut stage = Stage::new().await;
    let (amy, bob) = (stage.amy().await, stage.bob().await);
    let listed = stage.share(OWNER_ID, json!({"emails": [AMY]})).await;
    for (session, code) in [(&amy, 200), (&bob, 403)] {
        listed.open(&stage.http).session(session).send().await.expect(code);
        listed.open(&stage.http).bearer(session).send().await.expect(code);
        listed.open(&stage.http).header("x-neptun-session-session", session).send().await.expect(code);
        listed.open(&stage.http).cookie("theme", "dark").session(session).send().await.expect(code);
    }
    listed.open(&stage.http).send().await.expect(401);
    for password in ["Share-pass-3!", "with:a colon:", " ä€ "] {
        let locked = stage.share(OWNER_ID, json!({"is_protected": true, "password": password})).await;
        locked.open(&stage.http).basic("", password).send().await.expect(200);
        locked.open(&stage.http).send().await.expect(401);
        locked.open(&stage.http).session(&amy).send().await.expect(401);
        for wrong in ["", "Share-pass-3", "with", &format!("{password} ")] {
            locked.open(&stage.http).basic("", wrong).send().await.expect(401);
        }
        // Password and whitelist count together, the password first.
        stage.done(locked.message_with("addToShareWhitelist", "emails", json!([AMY]))).await;
        for (session, code) in [(&amy, 200), (&bob, 403)] {
            locked.open(&stage.http).session(session).basic("", password).send().await.expect(code);
            locked.open(&stage.http).session(session).basic("", "wrong").send().await.expect(401);
            locked.open(&stage.http).session(session).send().await.expect(401);
        }
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

#[tokio::test]
async fn defect_10_an_entry_is_about_a_person_whatever_their_address() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    let share = stage.share(OWNER_ID, json!({"emails": [AMY]})).await;
    stage.done(json!({"method": "setUser", "user_id": AMY_ID, "primary_email": "amy@new.example"})).await;
    assert!(share.opens(&stage.http, Some(&amy)).await, "with a session from before");
    let later = log_in(&stage.http, "amy@new.example", PASSWORD).await;
    assert!(share.opens(&stage.http, Some(&later)).await, "with one from after");
    // The address is free, and somebody else takes it.
    let stranger = sign_up(&stage.http, AMY, "Stranger-pass-4!").await;
    assert!(!share.opens(&stage.http, Some(&stranger)).await, "the address alone opened the share");
    assert!(share.opens(&stage.http, Some(&amy)).await);
    for (subject, decision) in [(AMY, false), ("amy@new.example", true), ("2", true)] {
        assert_eq!(stage.done(share.question(subject)).await["decision"], json!(decision), "{subject}");
    }
}

#[tokio::test]
async fn defect_10_a_user_who_was_removed_leaves_nothing_to_the_next_of_that_address() {
    let mut stage = Stage::new().await;
    let amy = stage.amy().await;
    let share = stage.share(OWNER_ID, json!({"emails": [AMY]})).await;
    stage.done(json!({"method": "removeUser", "user_id": AMY_ID})).await;
    let stranger = sign_up(&stage.http, AMY, "Stranger-pass-4!").await;
    assert!(!share.opens(&stage.http, Some(&stranger)).await && !share.opens(&stage.http, Some(&amy)).await);
    assert_eq!(stage.listed(&share).await, [u64::from(OWNER_ID)]);
}

#[tokio::test]
async fn defect_11_a_share_that_is_switched_off_opens_for_its_owner_alone() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let off = [
        json!({"is_shared": false}),
        json!({"is_shared": false, "emails": [AMY]}),
        json!({"is_shared": false, "is_protected": true, "password": "Share-pass-3!"}),
    ];
    for settings in off {
        let share = stage.share(OWNER_ID, settings.clone()).await;
        for request in [
            share.open(&stage.http),
            share.open(&stage.http).session(&amy),
            share.open(&stage.http).session(&amy).basic("", "Share-pass-3!"),
        ] {
            let answer = request.send().await;
            assert!(!is_open(&answer), "{settings}");
            let active = &answer.json()["data"]["shareInfo"]["shareIsActive"];
            assert!(active.is_null() || *active == json!(false), "{settings}: {}", answer.text());
        }
        assert!(share.opens(&stage.http, Some(&owner)).await, "{settings}");
        assert_eq!(stage.done(share.question(AMY)).await["context"]["reason"], "not_shared");
    }
    // Switched off by its owner, and on again.
    let share = stage.share(OWNER_ID, json!({})).await;
    for is_shared in [false, true] {
        let body = json!({"is_shared": is_shared});
        stage.http.patch(share.path()).session(&owner).json(&body).send().await.expect(200);
        assert_eq!(share.opens(&stage.http, Some(&amy)).await, is_shared);
    }
}

/// What a session lets its user do, by each way it can be shown.
async fn uses(http: &Http, session: &str, share: &Share) -> Vec<u16> {
    let shares = format!("/api/users/{}/chats/{}/shares", share.user_id, share.chat_id);
    let requests = [
        http.head("/api/auth/check").session(session),
        http.head("/api/auth/check").header("x-neptun-session-session", session),
        http.head("/api/auth/check").bearer(session),
        http.get(shares).session(session),
        http.post(share.entries_path()).session(session).json(&json!([AMY])),
        http.post("/api/getChats").bearer(session).json(&json!({"user_id": share.user_id})),
    ];
    join_all(requests.map(|request| async { request.send().await.code() })).await
}

#[tokio::test]
async fn defect_12_a_copied_session_is_void_once_its_user_logged_out() {
    let mut stage = Stage::new().await;
    let share = stage.share(OWNER_ID, json!({})).await;
    let (session, other) = (stage.owner().await, stage.owner().await);
    assert_ne!(session, other, "every log-in has a session of its own");
    assert_eq!(uses(&stage.http, &session, &share).await, [204, 204, 204, 200, 200, 200]);
    let out = stage.http.post("/api/auth/logout").session(&session).send().await.expect(200);
    assert_eq!((out.json(), out.cookie("neptun-session").as_deref()), (json!(true), Some("")));
    assert_eq!(uses(&stage.http, &session, &share).await, [401; 6]);
    let mut client = Client::connect(&stage.gateway.url()).await;
    let refusal = client.call(json!({"method": "TOKEN_AUTH", "token": session}).to_string()).await;
    assert_eq!(refusal["error"], 401, "{refusal}");
    assert_eq!(uses(&stage.http, &other, &share).await, [204, 204, 204, 200, 200, 200]);
}

#[tokio::test]
async fn defect_12_a_session_ends_by_itself_after_seven_days() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let mut stage = Stage::new().await;
    // It opens for its owner alone.
    let share = stage.share(OWNER_ID, json!({"is_protected": true})).await;
    let session = stage.owner().await;
    let journal = std::fs::read(segment_path(stage.directory.path(), 1)).expect("the journal can be read");
    for (age_ms, lasts) in [(0, true), (7 * DAY_MS - 60 * 60 * 1_000, true), (7 * DAY_MS, false), (700 * DAY_MS, false)]
    {
        let directory = TempDir::new().expect("a temporary directory");
        let aged = aged(&journal, age_ms);
        std::fs::write(segment_path(directory.path(), 1), aged).expect("the directory can be written");
        let gateway = support::gateway(directory.path()).await;
        let expected = if lasts { [204, 204, 204, 200, 200, 200] } else { [401; 6] };
        assert_eq!(uses(&Http::of(&gateway), &session, &share).await, expected, "{age_ms} ms later");
        assert_eq!(share.opens(&Http::of(&gateway), Some(&session)).await, lasts, "{age_ms} ms later");
        let mut client = Client::connect(&gateway.url()).await;
        let answer = client.call(json!({"method": "TOKEN_AUTH", "token": session}).to_string()).await;
        assert_eq!(answer.get("error").is_none(), lasts, "{age_ms} ms later: {answer}");
    }
}

#[tokio::test]
async fn defect_13_a_share_password_is_shown_to_nobody_not_even_its_owner() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    let mut masks = BTreeSet::new();
    for password in ["Share-pass-3!", "Share-pass-5!"] {
        let chat_id = stage.chat(OWNER_ID).await;
        let path = format!("/api/users/{OWNER_ID}/chats/{chat_id}/shares");
        let body = json!({"is_protected": true, "hashed_password": password});
        let made = stage.http.post(&path).session(&owner).json(&body).send().await.expect(200);
        let read = stage.http.get(&path).session(&owner).send().await.expect(200);
        let known = stage.done(json!({"method": "getShares", "user_id": OWNER_ID, "chat_id": chat_id})).await;
        let opened = Share::of(&known["shares"][0]).open(&stage.http).basic("", password).send().await.expect(200);
        for text in [made.text(), read.text(), known.to_string(), opened.text()] {
            assert!(!text.contains(password) && !text.contains("argon2"), "{text}");
        }
        assert_eq!(known["shares"][0]["has_password"], json!(true));
        masks.insert(made.json()["share"]["hashed_password"].to_string());
    }
    assert_eq!(masks.len(), 1, "what stands for a password must not tell one from another: {masks:?}");
}

#[tokio::test]
async fn defect_13_guessing_a_password_is_slowed_down() {
    const GUESSES_MAX: usize = 60;
    let mut stage = Stage::new().await;
    let share = stage.share(OWNER_ID, json!({"is_protected": true, "password": "Share-pass-3!"})).await;
    let guess_share = |n: usize| share.open(&stage.http).basic("", &format!("Share-pass-{n}!!")).send();
    let guess_log_in = |n: usize| {
        let body = json!({"email": OWNER, "password": format!("Demo-pass-{n}!!")});
        stage.http.post("/api/auth/login").json(&body).send()
    };
    let mut slowed = 0;
    for n in 0..GUESSES_MAX {
        let answer = guess_share(n).await;
        assert!(matches!(answer.code(), 401 | 429), "{}", answer.text());
        slowed += usize::from(answer.code() == 429);
    }
    assert!(slowed > 0, "{GUESSES_MAX} passwords were tried on a share in a row");
    slowed = 0;
    for n in 0..GUESSES_MAX {
        let answer = guess_log_in(n).await;
        assert!(matches!(answer.code(), 401 | 429), "{}", answer.text());
        slowed += usize::from(answer.code() == 429);
    }
    assert!(slowed > 0, "{GUESSES_MAX} passwords were tried on a user in a row");
    // Who does not guess is not held up.
    let other = stage.share(OWNER_ID, json!({"is_protected": true, "password": "Share-pass-5!"})).await;
    other.open(&stage.http).basic("", "Share-pass-5!").send().await.expect(200);
    stage.amy().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_15_of_sign_ups_with_one_address_one_succeeds_and_the_others_conflict() {
    const SIGN_UPS: usize = 4;
    // They all come from one address, which would be slowed down.
    let stage = Stage::with(Limits { guesses_burst: 1_000, ..Limits::default() }).await;
    for round in 0..ROUNDS / 3 {
        let spelling = |n: usize| format!("{}ace{round}@Example.com", ["r", "R"][n % 2]);
        let password = |n: usize| format!("Racer-{n}-pass!");
        let posts = (0..SIGN_UPS).map(|n| {
            let body = json!({"email": spelling(n), "password": password(n), "confirmPassword": password(n)});
            stage.http.post("/api/auth/sign-up").json(&body).send()
        });
        let answers = at_once(posts.collect::<Vec<_>>()).await;
        let codes: Vec<u16> = answers.iter().map(Answer::code).collect();
        let winners: Vec<usize> = (0..SIGN_UPS).filter(|n| codes[*n] == 200).collect();
        assert_eq!(winners.len(), 1, "round {round}: {codes:?}");
        assert!(codes.iter().all(|code| matches!(code, 200 | 409)), "round {round}: {codes:?}");
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer.cookie("neptun-session").is_some(), n == winners[0], "round {round}: {answer:?}");
            let body = json!({"email": spelling(n + 1), "password": password(n)});
            let log_in = stage.http.post("/api/auth/login").json(&body).send().await;
            assert_eq!(log_in.code(), if n == winners[0] { 200 } else { 401 }, "round {round}");
        }
    }
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

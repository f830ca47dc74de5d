//! Defects in who a share opens for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::sync::mpsc;

use crate::support::http::{AMY, BOB, Http, log_in, sign_up};
use crate::support::stage::{AMY_ID, OWNER_ID, PASSWORD, Share, Stage, is_open, number};
use crate::{CROWD, ROUNDS};

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

//! Defects in how people sign up, log in and out, and guess.

use std::collections::BTreeSet;

use futures::future::join_all;
use guestlist::config::Limits;
use guestlist::journal::directory::segment_path;
use serde_json::json;
use tempfile::TempDir;

use crate::support::http::{AMY, Answer, Http, OWNER};
use crate::support::stage::{OWNER_ID, Share, Stage};
use crate::support::written::aged;
use crate::support::{Client, gateway};
use crate::{ROUNDS, at_once};

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
        let gateway = gateway(directory.path()).await;
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

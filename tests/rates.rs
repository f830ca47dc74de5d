//! How many requests a second are taken of a caller and of an address, and what the others are told.

mod support;

use std::time::{Duration, Instant};

use guestlist::config::Limits;
use serde_json::{Value, json};
use support::http::Http;
use support::{ADMIN, APP, BOT, Client, gateway_with, limits};
use tempfile::TempDir;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Requests a second that these tests allow.
const RATE: u32 = 5;

/// Requests that are sent at once.
const SENT: usize = 40;

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn question(reference: usize) -> Value {
    json!({"method": "getWhitelistUsers", "app_id": APP, "reference": reference})
}

/// How many may have been taken since a moment, at most.
fn allowed(since: Instant) -> usize {
    let more = since.elapsed().as_secs_f64() * f64::from(RATE);
    (1..).take_while(|taken| f64::from(*taken) <= f64::from(RATE) + more + 1.0).count()
}

#[tokio::test]
async fn too_many_requests_of_a_caller_are_refused_in_their_turn_and_nobody_is_sent_away() {
    let directory = directory();
    let limits = Limits { requests_per_caller_per_second_max: RATE, ..limits() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let since = Instant::now();
    for reference in 0..SENT {
        bot.send(question(reference)).await;
    }
    let mut taken = 0;
    for reference in 0..SENT {
        let answer = bot.json().await;
        assert_eq!(answer["reference"], reference, "{answer}");
        if answer["method"] == "getWhitelistUsersResponse" {
            taken += 1;
            continue;
        }
        let wait = answer["retry_after_ms"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        assert!((1..=1_000 / u64::from(RATE)).contains(&wait), "{answer}");
        let message = format!("there were too many requests; try again in {wait} ms");
        let request = "getWhitelistUsers";
        let refusal = json!({
            "error": 429, "request": request, "message": message, "retry_after_ms": wait, "reference": reference
        });
        assert_eq!(answer, refusal);
    }
    assert!((RATE as usize..=allowed(since)).contains(&taken), "{taken} were taken");
    // The same caller over other ways is the same caller; another one is not.
    let mut again = Client::sign_in(&gateway.url(), BOT).await;
    assert_eq!(again.call(question(0)).await["error"], 429);
    assert_eq!(again.call(r#"{"method":"PING","reference":7}"#).await["error"], 429);
    let http = Http::of(&gateway);
    let refused =
        http.post("/api/getWhitelistUsers").bearer(BOT).json(&json!({"app_id": APP})).send().await.expect(429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.json()["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 1_000), "{}", refused.text());
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    assert_eq!(admin.call(question(1)).await["method"], "getWhitelistUsersResponse");
    let later = async { while bot.call(question(2)).await["error"] == 429 {} };
    timeout(PATIENCE, later).await.expect("later requests are taken");
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_refused_for_being_too_much_changed_nothing() {
    let directory = directory();
    let limits = Limits { requests_per_caller_per_second_max: RATE, ..limits() };
    let gateway = gateway_with(directory.path(), limits).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for each in 0..SENT {
        let id = format!("{each}@example.com");
        bot.send(json!({"method": "addToWhitelist", "app_id": APP, "signups": [id]})).await;
    }
    let mut added = Vec::new();
    for each in 0..SENT {
        if bot.json().await["method"] == "addToWhitelist_ack" {
            added.push(format!("{each}@example.com"));
        }
    }
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let page = admin.call(question(0)).await;
    let listed: Vec<_> = page["signups"].as_array().into_iter().flatten().map(|entry| &entry["signup_id"]).collect();
    assert_eq!(json!(listed), json!(added), "{page}");
    assert!(added.len() < SENT);
    gateway.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_requests_whoever_sends_them_and_each_product_says_so_in_its_own_form() {
    let directory = directory();
    let limits = Limits { requests_per_address_per_second_max: 1, ..limits() };
    let gateway = gateway_with(directory.path(), limits).await;
    let http = Http::of(&gateway);
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let mut exhausted = async || while bot.call(question(0)).await["error"] != 429 {};
    exhausted().await;
    let question = json!({"subject": {"type": "user", "id": "a@example.com"}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}});
    let evaluation = http.post("/access/v1/evaluation").bearer(ADMIN).json(&question).send().await.expect(429);
    assert!(evaluation.json().as_str().is_some_and(|text| text.starts_with("there were too many requests")));
    assert_eq!(evaluation.header("retry-after"), Some("1"));
    let members = http.get("/admin/whitelist?api_key=demo-org-key").send().await.expect(429);
    assert!(members.json()["detail"].as_str().is_some_and(|text| text.starts_with("there were too many requests")));
    assert_eq!(members.header("retry-after"), Some("1"));
    let credentials = json!({"email": "owner@example.com", "password": "Demo-pass-1!"});
    let log_in = http.post("/api/auth/login").json(&credentials).send().await.expect(429);
    assert_eq!(log_in.json()["statusMessage"], "Too Many Requests");
    assert_eq!(log_in.header("retry-after"), Some("1"));
    // Whether it runs may be asked at any time.
    http.get("/livez").send().await.expect(200);
    gateway.stop().await;
}

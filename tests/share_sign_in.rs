//! Signing up, logging in and out over HTTP, as the clients of the share API know it: bodies, statuses and cookies.

mod support;

use std::time::Duration;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use serde_json::{Value, json};
use support::http::{AMY, Answer, BOB, Http, OWNER, OWNER_PASSWORD, Request, SHARE, log_in, sign_up};
use support::stage::Stage;
use support::{Client, options};
use tempfile::TempDir;

/// A gateway with the demo data, reached under a URL.
async fn gateway(directory: &TempDir, public_url: Option<&str>) -> Gateway {
    let mut options = options(directory.path(), Limits::default());
    options.public_url = public_url.map(str::to_owned);
    Gateway::start(options).await.expect("the gateway starts")
}

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn log_in_of(http: &Http, email: &str, password: &str) -> Request {
    http.post("/api/auth/login").json(&json!({"email": email, "password": password}))
}

/// A refusal by a handler, with what it has to say.
fn refusal(status: u16, words: &str, message: &str) -> String {
    let refusal = format!("\"statusCode\": {status},\n  \"statusMessage\": \"{words}\",\n  \"message\": \"{message}\"");
    format!("{{\n  {refusal},\n  \"stack\": []\n}}")
}

/// A failure around the handlers.
fn failure(path: &str, status: u16, words: &str, message: &str) -> String {
    format!(r#"{{"error":true,"url":"{path}","statusCode":{status},"statusMessage":"{words}","message":"{message}"}}"#)
}

/// The status and the body, which must be JSON that nobody keeps.
fn told(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    (answer.code(), answer.text())
}

#[tokio::test]
async fn who_logs_in_is_told_who_they_are_and_gets_a_cookie_for_a_week() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let by_form = http.post("/api/auth/login").form(&[("email", "Owner@Example.com"), ("password", OWNER_PASSWORD)]);
    for request in [log_in_of(&http, OWNER, OWNER_PASSWORD), by_form] {
        let answer = request.send().await.expect(200);
        let at = answer.json()["loggedInAt"].as_str().expect("it is told when").to_owned();
        let body = format!(r#"{{"user":{{"id":1,"primary_email":"owner@example.com"}},"loggedInAt":"{at}"}}"#);
        assert_eq!(told(&answer), (200, body));
        let session = answer.session();
        let cookie = format!("neptun-session={session}; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800");
        assert_eq!(answer.header("set-cookie"), Some(&*cookie));
        let session = http.get("/api/_auth/session").session(&session).send().await.expect(200).json();
        assert_eq!(session["user"], json!({"id": 1, "primary_email": "owner@example.com"}));
        assert_eq!(session["loggedInAt"], json!(at));
        assert!(session["id"].as_str().is_some_and(|id| id.len() == 36), "{session}");
    }
}

#[tokio::test]
async fn where_the_gateway_is_reached_over_tls_cookies_are_for_tls_alone() {
    let directory = directory();
    let gateway = gateway(&directory, Some("https://lists.example.com")).await;
    let http = Http::of(&gateway);
    let answer = log_in_of(&http, OWNER, OWNER_PASSWORD).send().await.expect(200);
    let session = answer.session();
    let cookie = format!("neptun-session={session}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800");
    assert_eq!(answer.header("set-cookie"), Some(&*cookie));
    let out = http.post("/api/auth/logout").session(&session).send().await.expect(200);
    let forgotten = "neptun-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
    assert_eq!(out.header("set-cookie"), Some(forgotten));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_refused_alike() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let expected = refusal(401, "Unauthorized", "the email address or the password is wrong");
    for (email, password) in
        [(OWNER, "Demo-pass-2!"), ("nobody@example.com", OWNER_PASSWORD), ("amy@example.com", OWNER_PASSWORD)]
    {
        let answer = log_in_of(&http, email, password).send().await;
        assert_eq!(told(&answer), (401, expected.clone()), "{email}");
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn what_cannot_be_a_log_in_is_refused_before_it_is_tried() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let issues = |issues: Value| json!({"statusCode": 400, "statusMessage": "Bad Request", "stack": [], "data": {"issues": issues, "name": "ZodError"}});
    for path in ["/api/auth/login", "/api/auth/sign-up"] {
        let missing = json!([
            {"code": "invalid_type", "expected": "object", "received": "undefined", "path": [], "message": "Required"}
        ]);
        let answer = http.post(path).send().await.expect(400);
        assert_eq!(answer.json(), issues(missing), "{path}");
        let weak = json!([
            {"code": "too_small", "minimum": 8, "type": "string", "inclusive": true, "exact": false, "path": ["password"], "message": "String must contain at least 8 character(s)"},
            {"code": "invalid_string", "validation": "regex", "path": ["password"], "message": "String must contain at least one capital letter"},
            {"code": "invalid_string", "validation": "regex", "path": ["password"], "message": "String must contain at least one digit"},
            {"code": "invalid_string", "validation": "regex", "path": ["password"], "message": "String must contain at least one special character"},
        ]);
        let answer = http.post(path).json(&json!({"email": OWNER, "password": "secret"})).send().await.expect(400);
        assert_eq!(answer.json(), issues(weak), "{path}");
        assert!(!answer.text().contains("secret"));
        let text = json!([
            {"code": "invalid_type", "expected": "object", "received": "string", "path": [], "message": "Expected object, received string"}
        ]);
        let answer = http.post(path).header("content-type", "text/plain").raw("{}").send().await.expect(400);
        assert_eq!(answer.json(), issues(text), "{path}");
        let answer = http.post(path).raw("{\"email\":").send().await;
        assert_eq!(told(&answer), (400, failure(path, 400, "Bad Request", "Invalid JSON body")));
    }
    let twice = json!({"email": "new@example.com", "password": OWNER_PASSWORD, "confirmPassword": "Demo-pass-2!"});
    let answer = http.post("/api/auth/sign-up").json(&twice).send().await.expect(400);
    let differ = json!([{"code": "custom", "path": ["confirmPassword"], "message": "Passwords must match"}]);
    assert_eq!(answer.json(), issues(differ));
}

#[tokio::test]
async fn who_signs_up_is_a_user_and_logged_in() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let body = json!({"email": "New@Example.com", "password": "Guest-pass-2!"});
    let answer = http.post("/api/auth/sign-up").json(&body).send().await.expect(200);
    let at = answer.json()["loggedInAt"].as_str().expect("it is told when").to_owned();
    let expected = format!(r#"{{"user":{{"id":4,"primary_email":"New@Example.com"}},"loggedInAt":"{at}"}}"#);
    assert_eq!(told(&answer), (200, expected));
    http.head("/api/auth/check").session(&answer.session()).send().await.expect(204);
    http.get("/api/users/4/chats").session(&answer.session()).send().await.expect(200);
    log_in(&http, "new@example.com", "Guest-pass-2!").await;
    let again = json!({"email": "new@example.com", "password": "Guest-pass-3!"});
    let answer = http.post("/api/auth/sign-up").json(&again).send().await;
    assert_eq!(told(&answer), (409, refusal(409, "Conflict", "another user has this email address")));
}

#[tokio::test]
async fn who_is_logged_in_cannot_log_in_again() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let session = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let expected = refusal(403, "Forbidden", "You are logged in already; log out first.");
    for path in ["/api/auth/login", "/api/auth/sign-up"] {
        let body = json!({"email": "new@example.com", "password": OWNER_PASSWORD});
        let answer = http.post(path).session(&session).json(&body).send().await;
        assert_eq!(told(&answer), (403, expected.clone()), "{path}");
        // A session that is over keeps nobody from beginning another.
        let answer = http.post(path).session("over").json(&body).send().await;
        assert_eq!(answer.code(), if path.ends_with("login") { 401 } else { 200 });
    }
}

#[tokio::test]
async fn a_log_out_makes_the_session_void_at_once_and_has_the_cookie_forgotten() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let session = sign_up(&http, "new@example.com", "Guest-pass-2!").await;
    let copied = || http.head("/api/auth/check").header("x-neptun-session-session", &session);
    copied().send().await.expect(204);
    let out = http.post("/api/auth/logout").session(&session).send().await;
    assert_eq!(told(&out), (200, "true".to_owned()));
    let forgotten = "neptun-session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!(out.header("set-cookie"), Some(forgotten));
    copied().send().await.expect(401);
    for nobody in [http.post("/api/auth/logout"), http.post("/api/auth/logout").session(&session)] {
        let out = nobody.send().await;
        assert_eq!(told(&out), (200, "false".to_owned()));
        assert_eq!(out.header("set-cookie"), Some(forgotten));
    }
    assert_eq!(http.get("/api/_auth/session").session(&session).send().await.expect(200).json(), json!({}));
}

#[tokio::test]
async fn a_token_that_is_no_session_signs_nobody_in() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    for request in [
        http.head("/api/auth/check"),
        http.head("/api/auth/check").session("unknown"),
        http.head("/api/auth/check").cookie("neptun-session", ""),
        http.head("/api/auth/check").bearer(support::ADMIN),
    ] {
        let answer = request.send().await.expect(401);
        assert!(answer.body.is_empty(), "a HEAD has no body");
    }
    // A browser may go on sending a cookie that is void.
    let session = log_in(&http, OWNER, OWNER_PASSWORD).await;
    http.head("/api/auth/check").session("void").bearer(&session).send().await.expect(204);
    let answer = http.get("/api/auth/check").send().await;
    let other = "This path takes other methods; the header `Allow` lists them.";
    assert_eq!(told(&answer), (405, failure("/api/auth/check", 405, "Method Not Allowed", other)));
    assert_eq!(answer.header("allow"), Some("HEAD"));
}

#[tokio::test]
async fn users_of_one_address_have_no_more_guesses_than_anybody_there() {
    let limits = Limits { guesses_burst: 2, guess_interval: Duration::from_secs(600), ..Limits::default() };
    let mut stage = Stage::with(limits).await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let guess = json!({"method": "logIn", "email": BOB, "password": "Guest-pass-9!"});
    stage.http.post("/api/logIn").bearer(&owner).json(&guess).send().await.expect(401);
    let mut amys = Client::sign_in(&stage.gateway.url(), &amy).await;
    assert_eq!(amys.call(guess.to_string()).await["error"], 401);
    assert_eq!(amys.call(guess.to_string()).await["error"], 429);
    stage.http.post("/api/logIn").bearer(&owner).json(&guess).send().await.expect(429);
    stage.http.post("/api/logIn").json(&guess).send().await.expect(429);
    // An administrator's bot may speak for many.
    assert_eq!(stage.admin.call(guess.to_string()).await["error"], 401);
}

#[tokio::test]
async fn who_asks_by_sign_ups_which_addresses_are_taken_is_slowed_down() {
    let directory = directory();
    let limits = Limits { guesses_burst: 2, ..Limits::default() };
    let gateway = Gateway::start(options(directory.path(), limits)).await.expect("the gateway starts");
    let http = Http::of(&gateway);
    let body = json!({"email": OWNER, "password": "Guest-pass-2!"});
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(http.post("/api/auth/sign-up").json(&body).send().await.code());
    }
    assert_eq!(codes, [409, 409, 429]);
    // By then, an address that is free is refused alike.
    let free = json!({"email": "new@example.com", "password": "Guest-pass-2!"});
    http.post("/api/auth/sign-up").json(&free).send().await.expect(429);
    http.post("/api/signUp").json(&body).send().await.expect(429);
}

#[tokio::test]
async fn a_form_on_a_page_of_another_host_does_nothing() {
    let directory = directory();
    let gateway = gateway(&directory, None).await;
    let http = Http::of(&gateway);
    let owner = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let entries = format!("{SHARE}/whitelist-entries");
    let listed = || http.get(&entries).session(&owner).send();
    let before = listed().await.expect(200).text();
    for site in ["cross-site", "same-site"] {
        for request in [
            http.post(&entries).session(&owner).form(&[("emails", AMY), ("emails", "bob@example.com")]),
            http.post(&entries).session(&owner).raw(json!([AMY]).to_string()),
            http.post("/api/auth/login").form(&[("email", OWNER), ("password", OWNER_PASSWORD)]),
            http.post("/api/auth/logout").session(&owner),
        ] {
            let answer = request.header("sec-fetch-site", site).send().await.expect(403);
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    assert_eq!(listed().await.expect(200).text(), before);
    // What a browser asks for beforehand, or sends for a page of the gateway's own host, is taken.
    let asked_for = http.post(&entries).session(&owner).json(&json!([AMY])).header("sec-fetch-site", "cross-site");
    asked_for.send().await.expect(200);
    let own = http.post("/api/auth/login").form(&[("email", OWNER), ("password", OWNER_PASSWORD)]);
    own.header("sec-fetch-site", "same-origin").send().await.expect(200);
    http.get(&entries).session(&owner).header("sec-fetch-site", "cross-site").send().await.expect(200);
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_with_a_cookie_unless_it_was_named() {
    let directory = directory();
    let allowed_origins = vec!["https://app.example.com".parse().expect("it is an origin")];
    let options = Options { allowed_origins, ..options(directory.path(), Limits::default()) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let http = Http::of(&gateway);
    let owner = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let entries = format!("{SHARE}/whitelist-entries");
    let add = || http.post(&entries).json(&json!([AMY]));
    let own = format!("http://{}", gateway.address());
    for foreign in ["https://evil.example", "null", "http://app.example.com", "https://app.example.com.evil.example"] {
        for request in [
            add().session(&owner),
            http.delete(&entries).session(&owner).json(&json!([AMY])),
            http.patch(SHARE).session(&owner).json(&json!({"name": "x"})),
            http.post("/api/auth/logout").session(&owner),
            http.post("/api/auth/login").json(&json!({"email": OWNER, "password": OWNER_PASSWORD})),
        ] {
            let answer = request.header("origin", foreign).send().await.expect(403);
            assert_eq!(answer.header("set-cookie"), None);
        }
        // Whoever knows the token needs no browser to send it along; and reading is for the browser to keep apart.
        add().bearer(&owner).header("origin", foreign).send().await.expect(200);
        http.get(&entries).session(&owner).header("origin", foreign).send().await.expect(200);
    }
    for known in [&*own, "https://app.example.com"] {
        add().session(&owner).header("origin", known).send().await.expect(200);
    }
}

//! Users' passwords and sessions: chosen, guessed, shown in all places, and ended.

use serde_json::{Value, json};

use crate::support::http::{AMY, BOB, OWNER, OWNER_PASSWORD};
use crate::support::stage::{AMY_ID, BOB_ID};
use crate::support::{ADMIN, BOT};
use crate::witness::Witness;

/// Amy's password, at first.
const AMYS: &str = "Amys \"quoted\" päss\\w0rd!";

/// A password that is nobody's.
const WRONG: &str = "Wr0ng-password!";

/// Sessions that stand.
struct Sessions {
    owner: String,
    amy: String,
    bob: String,
    by_message: String,
    by_rpc: String,
}

/// Users: passwords, sign-ups, log-ins and sessions.
pub async fn users(witness: &mut Witness) {
    let sessions = log_ins(witness).await;
    refusals(witness).await;
    show_sessions(witness, &sessions).await;
    end_sessions(witness, sessions).await;
}

/// Passwords that are set, and log-ins that succeed.
async fn log_ins(witness: &mut Witness) -> Sessions {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    let mut bot = witness.signs_in(BOT).await;
    witness.keeps("owner's password", OWNER_PASSWORD);
    witness.keeps("Amy's password", AMYS);
    let bobs = witness.keeps("Bob's password", "Bobs+pass&word=1%");
    witness.gets(&mut admin, json!({"method": "setUser", "user_id": AMY_ID, "password": AMYS})).await;
    let body = json!({"user_id": BOB_ID, "password": bobs});
    assert_eq!(witness.sends(http.post("/api/setUser").bearer(ADMIN).json(&body)).await.code(), 200);
    witness.gets(&mut admin, json!({"method": "getUsers"})).await;

    let owner = witness.logs_in(OWNER, OWNER_PASSWORD).await;
    let amy = witness.logs_in(AMY, AMYS).await;
    let form = [("email", BOB), ("password", bobs)];
    let bob = witness.sends(http.post("/api/auth/login").form(&form)).await.cookie("neptun-session");
    let bob = witness.was_shown("session", bob.as_deref());
    let ack = witness.gets(&mut bot, json!({"method": "logIn", "email": AMY, "password": AMYS})).await;
    let by_message = witness.was_shown("session", ack["session"].as_str());
    let body = json!({"email": BOB, "password": bobs});
    let ack = witness.sends(http.post("/api/logIn").json(&body)).await.json();
    let by_rpc = witness.was_shown("session", ack["session"].as_str());
    Sessions { owner, amy, bob, by_message, by_rpc }
}

/// Log-ins and sign-ups that are refused; of a user of their own, for guessing is slowed down.
async fn refusals(witness: &mut Witness) {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    let mut bot = witness.signs_in(BOT).await;
    let guessed = "guessed@example.com";
    let unknown = "nobody@example.com";
    witness.gets(&mut admin, json!({"method": "setUser", "primary_email": guessed, "password": AMYS})).await;
    let wrong = witness.keeps("wrong password", WRONG);
    let weak = witness.keeps("weak password", "weakpasswordofnobody");
    let long = witness.keeps("long password", &"L0ng-pass!".repeat(40)).to_owned();
    let number = witness.keeps("password that is a number", "881234567890123");
    let number: u64 = number.parse().expect("it is one");
    let bodies = [
        json!({"email": guessed, "password": wrong}),
        json!({"email": unknown, "password": wrong}),
        json!({"email": guessed, "password": weak}),
        json!({"email": guessed, "password": long}),
        json!({"email": guessed, "password": number}),
        json!({"email": guessed, "password": [wrong]}),
        json!({"email": guessed, "password": {"argon2id": wrong}}),
        json!({"email": guessed, "password": {wrong: wrong}}),
        json!({"email": wrong, "password": guessed}),
        json!({"email": [wrong], "password": {}}),
        json!({"email": {"password": wrong}}),
        json!([guessed, wrong]),
        json!(wrong),
    ];
    for body in &bodies {
        for path in ["/api/auth/login", "/api/auth/sign-up", "/api/logIn", "/api/signUp"] {
            // A sign-up with these would be a good one.
            if body["email"] == unknown && !path.ends_with("ogin") {
                continue;
            }
            witness.is_refused(http.post(path).json(body)).await;
            witness.is_refused(http.post(path).bearer(ADMIN).raw(body.to_string())).await;
            let cut = body.to_string();
            witness.is_refused(http.post(path).raw(cut[..cut.len() - 1].to_owned())).await;
        }
        let Value::Object(fields) = body else { continue };
        for method in ["logIn", "signUp", "setUser"] {
            let mut message = json!({"method": method, "user_id": 2_000_000});
            message.as_object_mut().expect("it is an object").extend(fields.clone());
            if message["email"] != unknown || method == "logIn" {
                witness.cannot(&mut admin, &message).await;
            }
        }
    }
    let unlike = json!({"email": "new@example.com", "password": AMYS, "confirmPassword": wrong});
    witness.is_refused(http.post("/api/auth/sign-up").json(&unlike)).await;
    witness.is_refused(http.post("/api/auth/login").header("content-type", "text/plain").raw(wrong)).await;
    witness.is_refused(http.post("/api/auth/login").form(&[("email", guessed), ("password", wrong)])).await;
    witness.is_refused(http.post("/api/auth/login").form(&[("email", wrong), (wrong, wrong)])).await;
    witness.is_refused(http.post("/api/auth/login").raw(vec![0xff, 0xfe, b'W', b'r'])).await;
    witness.is_refused(http.get(format!("/api/auth/login?email={guessed}&password={wrong}"))).await;
    for (method, email) in [("setUser", "primary_email"), ("signUp", "email"), ("logIn", "email")] {
        witness.cannot(&mut admin, json!({"method": method, email: wrong, "password": wrong})).await;
        witness.cannot(&mut bot, json!({"method": method, email: AMY, "password": [wrong]})).await;
    }
    let joined = witness.keeps("password of a sign-up", "J0ined-and-gone!");
    let body = json!({"email": "joined@example.com", "password": joined, "confirmPassword": joined});
    let session = witness.sends(http.post("/api/auth/sign-up").json(&body)).await.cookie("neptun-session");
    let session = witness.was_shown("session", session.as_deref());
    witness.is_refused(http.post("/api/auth/sign-up").json(&body)).await;
    witness.is_refused(http.post("/api/auth/login").session(&session).json(&body)).await;
}

/// Sessions in their places and out of them.
async fn show_sessions(witness: &mut Witness, Sessions { owner, amy, .. }: &Sessions) {
    let http = witness.http;
    for request in [http.get("/api/_auth/session"), http.head("/api/auth/check"), http.get("/api/users/1/chats")] {
        witness.sends(request.clone().session(owner)).await;
        witness.sends(request.clone().header("x-neptun-session-session", owner)).await;
        witness.sends(request.clone().bearer(owner)).await;
        witness.sends(request.clone().session(WRONG)).await;
        witness.sends(request.clone().header("cookie", format!("neptun-session=\"{WRONG}; x"))).await;
        witness.sends(request.clone().bearer(WRONG)).await;
        witness.sends(request.basic(WRONG, WRONG)).await;
    }
    for path in [
        format!("/api/users/{owner}/chats"),
        format!("/api/users/1/chats/{owner}/shares"),
        format!("/api/shared/chats/{owner}"),
        format!("/api/users/1/chats?session={owner}"),
        format!("/{owner}"),
        format!("/nandbox/api/?token={owner}"),
    ] {
        witness.misplaces(http.get(&path)).await;
        witness.misplaces(http.get(&path).session(amy)).await;
    }
}

/// Log-outs, and what is tried with a session after its end.
async fn end_sessions(witness: &mut Witness, Sessions { amy, bob, by_message, by_rpc, .. }: Sessions) {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    let mut bot = witness.signs_in(BOT).await;
    let mut client = witness.signs_in(&amy).await;
    witness.gets(&mut client, json!({"method": "getChats", "user_id": AMY_ID})).await;
    witness.cannot(&mut client, json!({"method": "getChats", "user_id": amy})).await;
    witness.cannot(&mut client, json!({"method": "logOut"})).await;
    for session in [json!(WRONG), json!([amy]), json!({"sha256": amy}), json!(881_234_567_890_123_u64), Value::Null] {
        witness.calls(&mut bot, json!({"method": "logOut", "session": session})).await;
        witness.sends(http.post("/api/logOut").json(&json!({"session": session}))).await;
    }
    witness.gets(&mut bot, json!({"method": "logOut", "session": by_message})).await;
    witness.connects(json!({"method": "TOKEN_AUTH", "token": by_message})).await;
    assert_eq!(witness.sends(http.post("/api/logOut").json(&json!({"session": by_rpc}))).await.code(), 200);
    assert_eq!(witness.sends(http.post("/api/auth/logout").session(&bob)).await.code(), 200);
    witness.is_refused(http.get("/api/users/3/chats").session(&bob)).await;
    let changed = witness.keeps("Amy's new password", "Amys-changed-pass-9!");
    witness.gets(&mut admin, json!({"method": "setUser", "user_id": AMY_ID, "password": changed})).await;
    witness.is_refused(http.get("/api/users/2/chats").session(&amy)).await;
    witness.logs_in(AMY, changed).await;
}

//! This is where tests find out what a token, a person or a moment is good for.

use std::time::{SystemTime, UNIX_EPOCH};

use guestlist::state::moment::Moment;
use serde_json::{Value, json};

use super::Client;
use super::http::{Http, ORG};
use super::stage::{done, number};

/// All that a member may have.
pub const ALL: [&str; 4] = ["can_read", "can_use_api", "can_use_whitelist", "can_delegate"];

/// The clock, as the gateway has it.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    Moment::of_ms(since.as_millis().try_into().expect("it is before the year 9999"))
}

/// A message that makes a member of the demo organisation, within a window.
pub fn member(email: &str, permissions: &[&str], start: &str, end: Option<&str>) -> Value {
    json!({"method": "addToOrgWhitelist", "org_id": ORG, "name": "Carol", "email": email, "permissions": permissions,
        "start_date": start, "end_date": end})
}

/// The same without an end.
pub fn without_end(email: &str, permissions: &[&str]) -> Value {
    member(email, permissions, "2024-01-01T00:00:00.000Z", None)
}

/// A question whether a member has a permission.
pub fn may(email: &str, permission: &str) -> Value {
    json!({"method": "checkAccess", "subject": {"type": "user", "id": email}, "action": {"name": permission},
        "resource": {"type": "organization", "id": ORG}})
}

/// A key of a member, as it is shown once.
pub async fn key_of(admin: &mut Client, email: &str) -> (u64, String) {
    let ack = done(admin, json!({"method": "setApiKey", "org_id": ORG, "email": email, "name": "tests"})).await;
    let key = ack["api_key"].as_str().unwrap_or_else(|| panic!("no key in {ack}")).to_owned();
    (number(&ack, "key_id"), key)
}

/// What a key is answered on every way it can be shown.
pub async fn answers_to_key(http: &Http, key: &str) -> Vec<u16> {
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
pub async fn answers_to_session(http: &Http, session: &str, user_id: u32) -> Vec<u16> {
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

/// What [`answers_to_session`] tells of a session that stands.
pub const SESSION_GOOD: [u16; 5] = [204, 200, 200, 200, 200];

/// Whether a connection can be opened with a token.
pub async fn is_known(url: &str, token: &str) -> bool {
    let mut client = Client::connect(url).await;
    let answer = client.call(json!({"method": "TOKEN_AUTH", "token": token}).to_string()).await;
    if answer.get("error").is_none() {
        return true;
    }
    assert_eq!(answer["error"], 401, "{answer}");
    false
}

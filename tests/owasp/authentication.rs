//! Who is there, for how long that holds, and what they may do.

use std::fs;

use guestlist::config::SESSION_MS;
use guestlist::journal::directory::segment_path;
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::home::Home;
use crate::support::http::{Http, OWNER, OWNER_PASSWORD};
use crate::support::stage::{OWNER_ID, Stage, check_sent_away};
use crate::support::written::aged;
use crate::support::{ADMIN, APP, BARE_BOT, BOT, Client, Received, gateway};

/// The code of a close after which the same credentials do not help.
const SENT_AWAY: u16 = 1008;

/// The code of a refusal by which only this message is meant.
const PERMISSION_MISSING: u64 = 160_017;

/// A connection that was let open with a header, and whether it can be used without more.
async fn is_let_in(url: &str, header: Option<(&'static str, &str)>) -> bool {
    let mut request = url.into_client_request().expect("the address is one");
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, value.parse().expect("it is a value"));
    }
    let mut client = Client(connect_async(request).await.expect("the gateway takes connections").0);
    let answer = client.call(json!({"method": "PING"})).await;
    assert!(answer["error"] == 401 || answer["method"] == "PONG", "{answer}");
    answer["error"] != 401
}

#[tokio::test]
async fn a_connection_without_credentials_may_nothing() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    assert!(!is_let_in(&gateway.url(), None).await);
    for token in ["", "null", "90091784056528980:0:DemoBotTokenForLocalUseOnly00", "' OR '1'='1"] {
        let mut client = Client::connect(&gateway.url()).await;
        assert_eq!(client.call(json!({"method": "TOKEN_AUTH", "token": token})).await["error"], 401, "{token}");
        assert!(matches!(client.receive().await, Received::Close(SENT_AWAY, _)), "{token}");
    }
}

#[tokio::test]
async fn a_browser_s_cookie_opens_no_websocket() {
    let stage = Stage::new().await;
    let session = stage.owner().await;
    let cookie = format!("neptun-session={session}");
    assert!(!is_let_in(&stage.gateway.url(), Some(("Cookie", &cookie))).await);
}

#[tokio::test]
async fn pass_no_tokens_in_query_strings() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    for name in ["token", "access_token", "api_key"] {
        assert!(!is_let_in(&format!("{}?{name}={BOT}", gateway.url()), None).await, "{name}");
    }
    assert!(!is_let_in(&gateway.url(), Some(("Authorization", &format!("Bearer {BOT}")))).await);
}

#[tokio::test]
async fn use_same_site_cookies() {
    let stage = Stage::new().await;
    let body = json!({"email": OWNER, "password": OWNER_PASSWORD});
    let answer = stage.http.post("/api/auth/login").json(&body).send().await.expect(200);
    let cookie = answer.header("set-cookie").expect("a session is a cookie");
    assert!(cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"), "{cookie}");
}

#[tokio::test]
async fn close_connections_when_sessions_expire() {
    let stage = Stage::new().await;
    let session = stage.owner().await;
    // As if all this had been almost as long ago as a session lasts.
    let journal = fs::read(segment_path(stage.directory.path(), 1)).expect("the journal can be read");
    let home = Home::new();
    fs::write(segment_path(&home.path(""), 1), aged(&journal, SESSION_MS - 3_000)).expect("a file can be written");
    let gateway = gateway(&home.path("")).await;
    let mut client = Client::sign_in(&gateway.url(), &session).await;
    let chats = json!({"method": "getChats", "user_id": OWNER_ID});
    let refusal = loop {
        let answer = client.call(&chats).await;
        if answer.get("error").is_some() {
            break answer;
        }
    };
    assert_eq!(refusal["error"], 401, "{refusal}");
    assert!(matches!(client.receive().await, Received::Close(SENT_AWAY, _)));
}

#[tokio::test]
async fn close_all_connections_immediately_when_users_log_out() {
    let stage = Stage::new().await;
    let session = stage.owner().await;
    let url = stage.gateway.url();
    let mut connections = [Client::sign_in(&url, &session).await, Client::sign_in(&url, &session).await];
    Http::of(&stage.gateway).post("/api/auth/logout").session(&session).send().await.expect(200);
    for client in &mut connections {
        check_sent_away(client, "a connection of the session").await;
    }
}

#[tokio::test]
async fn a_rotated_token_is_void_and_its_connections_end() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let rotated = admin.call(json!({"method": "rotateBotToken", "bot_id": "90091784056528980"})).await;
    check_sent_away(&mut bot, "a connection with the old token").await;
    let mut late = Client::connect(&gateway.url()).await;
    assert_eq!(late.call(json!({"method": "TOKEN_AUTH", "token": BOT})).await["error"], 401);
    Client::sign_in(&gateway.url(), rotated["token"].as_str().expect("the new token is shown once")).await;
}

#[tokio::test]
async fn check_authorization_for_each_action() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bare = Client::sign_in(&gateway.url(), BARE_BOT).await;
    for message in [
        json!({"method": "addToWhitelist", "app_id": APP, "signups": ["a@example.com"]}),
        json!({"method": "removeFromWhitelist", "app_id": APP, "signups": ["a@example.com"]}),
        json!({"method": "setBot", "bot_id": "1", "grants": [{"permission": "admin"}]}),
        json!({"method": "rotateBotToken", "bot_id": "1"}),
        json!({"method": "setUser", "user_id": 1, "password": "Stolen-pass-1!"}),
    ] {
        let refused = bare.call(&message).await;
        assert_eq!(refused["error"], PERMISSION_MISSING, "{message}: {refused}");
    }
    // It is the action that is refused, and not the connection.
    assert_eq!(bare.call(json!({"method": "PING"})).await["method"], "PONG");
}

#[tokio::test]
async fn validate_the_origin_header_where_a_cookie_signs_in() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let signed_in =
        Http::of(&gateway).post("/dashboard/session").json(&json!({"token": ADMIN})).send().await.expect(200);
    let cookie = signed_in.cookie("guestlist-session").expect("a cookie is set");
    let opened = async |origin: Option<&str>| {
        let url = format!("ws://{}/dashboard/socket", gateway.address());
        let mut request = url.into_client_request().expect("the address is one");
        let cookie = format!("guestlist-session={cookie}");
        request.headers_mut().insert("cookie", cookie.parse().expect("it is a value"));
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("it is a value"));
        }
        connect_async(request).await.is_ok()
    };
    assert!(opened(Some(&format!("http://{}", gateway.address()))).await);
    for foreign in [None, Some("null"), Some("https://evil.example")] {
        assert!(!opened(foreign).await, "{foreign:?}");
    }
}

//! `POST /api/{method}`: every method of the list, as a request of its own.

mod support;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use guestlist::methods::METHODS;
use guestlist::state::digest::Digest;
use hyper::StatusCode;
use serde_json::{Value, json};
use support::http::Http;
use support::{ADMIN, APP, BARE_BOT, BOT, Client, gateway, gateway_with, options};
use tempfile::TempDir;

fn directory() -> TempDir {
    TempDir::new().expect("there is room for a directory")
}

#[tokio::test]
async fn a_request_is_answered_with_the_frame_that_a_socket_would_get() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let (http, mut socket) = (Http::of(&gateway), Client::sign_in(&gateway.url(), BOT).await);
    for (method, body) in [
        ("addToWhitelist", format!(r#"{{"app_id":"{APP}","signups":["a@b.co"],"reference":1.50}}"#)),
        ("addToWhitelist", format!(r#"{{"app_id":{APP},"signups":["a@b.co"]}}"#)),
        ("getWhitelistUsers", format!(r#"{{"app_id":"{APP}","ref":"x","method":"ignored"}}"#)),
        ("getWhitelistUsers", "{}".to_owned()),
        ("getWhitelistUsers", r#"{"app_id":"5","reference":12345678901234567890}"#.to_owned()),
        ("addToWhitelist", format!(r#"{{"app_id":"{APP}","signups":[true]}}"#)),
        ("setApp", r#"{"app_id":"5"}"#.to_owned()),
        ("addToWhitelist", "[]".to_owned()),
    ] {
        let answer = http.post(format!("/api/{method}")).bearer(BOT).raw(body.clone()).send().await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let framed = body.replace("\"method\":\"ignored\"", "\"x\":1");
        let frame = if framed == "{}" {
            format!(r#"{{"method":"{method}"}}"#)
        } else {
            framed.replacen('{', &format!(r#"{{"method":"{method}","#), 1)
        };
        socket.send(frame.clone()).await;
        let told = socket.text().await;
        if answer.status == StatusCode::OK {
            assert_eq!(answer.text(), told, "{frame}");
        } else {
            let (told, got): (Value, Value) = (serde_json::from_str(&told).expect("a frame is JSON"), answer.json());
            assert_eq!(got["error"], told["error"], "{frame}");
        }
    }
    drop(socket);
    gateway.stop().await;
}

#[tokio::test]
async fn every_method_of_the_list_is_there_and_refuses_strangers() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let before = Digest::of(gateway.state());
    for method in METHODS {
        let path = format!("/api/{}", method.call.method);
        let known = http.post(&path).bearer(ADMIN).raw("[]").send().await;
        assert_eq!((known.status, &known.json()["error"]), (StatusCode::BAD_REQUEST, &json!(400)), "{path}");
        let unknown = http.post(&path).bearer("7:0:nobody").json(&json!({})).send().await;
        assert_eq!(
            (unknown.status, unknown.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, Some("Bearer")),
            "{path}"
        );
        let read = http.get(&path).bearer(ADMIN).send().await;
        assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(Digest::of(gateway.state()), before);
    gateway.stop().await;
}

#[tokio::test]
async fn a_refusal_has_the_status_that_goes_with_its_code() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let list = json!({"app_id": APP, "signups": ["a"]});
    for (token, method, body, status, error) in [
        (Some(BOT), "noSuchMethod", json!({}), 404, 405),
        (Some(BOT), "TOKEN_AUTH", json!({"token": BOT}), 404, 405),
        (None, "addToWhitelist", list.clone(), 401, 401),
        (Some(BARE_BOT), "addToWhitelist", list.clone(), 403, 160_017),
        (Some(BARE_BOT), "getApps", json!({}), 403, 160_017),
        (Some(BOT), "addToWhitelist", json!({"app_id": "5", "signups": ["a"]}), 404, 160_015),
        (Some(ADMIN), "removeBot", json!({"bot_id": "5"}), 404, 404),
        (Some(ADMIN), "removeBot", json!({"bot_id": "1"}), 409, 409),
        (Some(BOT), "addToWhitelist", json!({"app_id": APP, "signups": vec!["a"; 10_001]}), 413, 413),
    ] {
        let request = http.post(format!("/api/{method}")).json(&body);
        let request = if let Some(token) = token { request.bearer(token) } else { request };
        let answer = request.send().await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (status, json!(error)), "{method} {body}");
        assert_eq!(answer.json()["request"], method);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_method_is_called_by_post_alone() {
    let directory = directory();
    let gateway = gateway_with(directory.path(), Limits::default()).await;
    let refused = Http::of(&gateway).get("/api/getApps").bearer(ADMIN).send().await.expect(405);
    assert_eq!((refused.header("allow"), &refused.json()["error"]), (Some("POST"), &json!(405)));
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_takes_several_frames_is_one_body() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let signups: Vec<String> = (0..2_000).map(|n| format!("{n:0>80}@example.com")).collect();
    let added =
        http.post("/api/addToWhitelist").bearer(BOT).json(&json!({"app_id": APP, "signups": signups})).send().await;
    let records = added.json()["signups"].as_array().expect("records are listed").len();
    assert!(records == 2_000 && added.text().len() > 90_000);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_text_is_refused() {
    let directory = directory();
    let gateway = gateway_with(directory.path(), Limits { body_bytes_max: 1_000, ..Limits::default() }).await;
    let http = Http::of(&gateway);
    let large = http.post("/api/getApps").bearer(ADMIN).raw(vec![b' '; 1_001]).send().await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.json()["message"].as_str().is_some_and(|message| message.contains("1000 bytes")));
    let fits = http.post("/api/getApps").bearer(ADMIN).raw([b"{}".as_slice(), &[b' '; 998]].concat()).send().await;
    assert_eq!(fits.status, StatusCode::OK);
    let garbled = http.post("/api/getApps").bearer(ADMIN).raw(vec![0xff]).send().await;
    assert_eq!(garbled.status, StatusCode::BAD_REQUEST);
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_takes_no_sign_ups_takes_none_on_any_way() {
    let directory = directory();
    let options = Options { open_sign_up: false, ..options(directory.path(), Limits::default()) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let (http, mut socket) = (Http::of(&gateway), Client::sign_in(&gateway.url(), ADMIN).await);
    let body = json!({"email": "zoe@example.com", "password": "Zoe-pass-1!"});
    for answer in [
        http.post("/api/signUp").json(&body).send().await,
        http.post("/api/signUp").bearer(ADMIN).json(&body).send().await,
    ] {
        assert_eq!((answer.status, answer.json()["error"].clone()), (StatusCode::FORBIDDEN, json!(160_017)));
    }
    let mut message = body.clone();
    message["method"] = json!("signUp");
    assert_eq!(socket.call(message.to_string()).await["error"], json!(160_017));
    assert_eq!(gateway.state().user_by_email("zoe@example.com"), None);
    drop(socket);
    gateway.stop().await;
}

//! Whatever comes in is somebody's, and may be meant badly.

use futures::SinkExt;
use guestlist::config::Limits;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::home::Home;
use crate::support::{APP, BOT, Client, Received, gateway, gateway_with};

#[tokio::test]
async fn messages_with_injected_code_are_data_and_nothing_else() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for payload in [
        "<script>alert(1)</script>",
        "'; DROP TABLE signups; --",
        "$(rm -rf /)",
        "`id`",
        "${jndi:ldap://example.com/a}",
        "T(java.lang.Runtime).getRuntime().exec('id')",
        "../../etc/passwd",
        "{{7*7}}",
        "\u{1b}[2J",
        "a\r\n\r\nHTTP/1.1 200 OK",
    ] {
        let refused = bot.call(json!({"method": "nothing", "reference": payload})).await;
        assert_eq!((&refused["error"], &refused["reference"]), (&json!(405), &json!(payload)));
        // As the name of somebody it is either kept as it is or refused; it never becomes something else.
        let added =
            bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [payload], "reference": 1})).await;
        let kept = added["signups"][0]["signup_id"] == payload;
        assert!(kept || added["error"] == 400, "{payload}: {added}");
    }
}

#[tokio::test]
async fn validate_message_structure_and_content() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let before = gateway.state().digest();
    for message in [
        "[]".to_owned(),
        "7".to_owned(),
        "{}".to_owned(),
        r#"{"method":7}"#.to_owned(),
        json!({"method": "addToWhitelist", "app_id": APP, "signups": true}).to_string(),
        json!({"method": "addToWhitelist", "app_id": APP, "signups": [[7], {}]}).to_string(),
        json!({"method": "addToWhitelist", "app_id": {"$ne": null}, "signups": ["a"]}).to_string(),
        json!({"method": "addToWhitelist", "app_id": APP, "signups": ["x".repeat(1_000)]}).to_string(),
        json!({"method": "addToWhitelist", "app_id": APP}).to_string(),
        format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","app_id":"1","signups":["a"]}}"#),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        let refused = bot.call(&message).await;
        assert_eq!(refused["error"], 400, "{}: {refused}", &message[..message.len().min(100)]);
        assert!(refused["message"].as_str().is_some_and(|said| !said.is_empty()), "{refused}");
    }
    assert_eq!(gateway.state().digest(), before);
}

#[tokio::test]
async fn read_json_and_never_evaluate_it() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for script in ["({method:'PING'})", "{method:\"PING\"}", "{'method':'PING'}", "{\"method\":\"PI\"+\"NG\"}", "NaN"] {
        assert_eq!(bot.call(script).await["error"], 400, "{script}");
    }
    let polluted = bot.call(r#"{"method":"PING","__proto__":{"admin":true},"constructor":1}"#).await;
    assert_eq!(polluted, json!({"method": "PONG"}));
}

#[tokio::test]
async fn set_reasonable_size_limits() {
    let home = Home::new();
    let limits = Limits { frame_bytes_max: 2_000, frame_bytes_hard_max: 4_000, ..Limits::default() };
    let gateway = gateway_with(&home.path("data"), limits).await;
    let padded = |bytes: usize| json!({"method": "addToWhitelist", "app_id": APP, "signups": ["a"], "padding": "x".repeat(bytes)});
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    assert_eq!(bot.call(padded(1_000)).await["method"], "addToWhitelist_ack");
    assert_eq!(bot.call(padded(3_000)).await["error"], 413);
    bot.send(padded(5_000)).await;
    assert_eq!(bot.receive().await, Received::Close(1009, "the frame is too large".to_owned()));
}

#[tokio::test]
async fn take_no_binary_data_where_none_belongs() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for bytes in [&b"\x89PNG\r\n"[..], b"{\"method\":\"PING\"}", b"\xac\xed\x00\x05", b""] {
        bot.0.send(Message::binary(bytes)).await.expect("the connection takes frames");
        assert_eq!(bot.json().await["error"], 400, "{bytes:x?}");
    }
}

#[tokio::test]
async fn errors_tell_nothing_of_the_inside() {
    let home = Home::new();
    let gateway = gateway(&home.path("data")).await;
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    for message in ["", "{", "\u{0}", r#"{"method":"setBot","bot_id":{}}"#, r#"{"method":"getApps","reference":{}}"#] {
        let refused = bot.call(message).await;
        let said = refused.to_string();
        let names: Vec<&String> = refused.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
        let known = ["error", "request", "message", "reference", "app_id"];
        assert!(refused.get("error").is_some() && names.iter().all(|name| known.contains(&name.as_str())), "{said}");
        for inside in ["panicked", "src/", ".rs", "guestlist::", "serde", "tungstenite", "/home", "backtrace", "0x"] {
            assert!(!said.contains(inside), "{said}");
        }
    }
    // Whether somebody else's thing exists is not told either.
    let other = |id: &str| json!({"method": "getWhitelistUsers", "app_id": id});
    let unknown: Value = bot.call(other("90090684293000560")).await;
    let random: Value = bot.call(other("12345678901234567")).await;
    assert_eq!((&unknown["error"], unknown.get("signups")), (&random["error"], None), "{unknown} {random}");
}

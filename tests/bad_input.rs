//! Frames that are no messages, or too much of one: each is answered, the connection stays or ends as it must, and nothing
//! changes.

mod support;

use futures::SinkExt;
use guestlist::gateway::Gateway;
use guestlist::state::digest::Digest;
use serde_json::{Value, json};
use support::{ADMIN, APP, Client, Received, gateway};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

const PING: &str = r#"{"method":"PING"}"#;

/// A gateway, and an administrator who sends it bad frames.
struct Bad {
    gateway: Gateway,
    client: Client,
    before: (Digest, u64),
    _directory: TempDir,
}

impl Bad {
    async fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let gateway = gateway(directory.path()).await;
        let client = Client::sign_in(&gateway.url(), ADMIN).await;
        let before = (Digest::of(gateway.state()), gateway.state().folded());
        Self { gateway, client, before, _directory: directory }
    }

    /// Sends a frame that must be refused, and finds the connection well and the state as it was.
    async fn refused(&mut self, frame: impl Into<Message>) -> Refusal {
        let frame = frame.into();
        let sent: String = frame.to_string().chars().take(120).collect();
        self.client.0.send(frame).await.expect("the connection takes frames");
        let reply = self.client.json().await;
        let code = reply["error"].as_u64().unwrap_or_else(|| panic!("{sent} was not refused: {reply}"));
        assert_eq!(reply.get("method"), None, "{sent}: {reply}");
        assert_eq!(self.client.call(PING).await, json!({"method": "PONG"}), "after {sent}");
        let good = format!(r#"{{"method":"getWhitelistUsers","app_id":"{APP}"}}"#);
        assert_eq!(self.client.call(good).await["signups"], json!([]), "after {sent}");
        self.check_unchanged(&sent);
        Refusal { code, message: reply["message"].as_str().expect("a refusal has a message").to_owned(), reply }
    }

    fn check_unchanged(&self, after: &str) {
        let state = self.gateway.state();
        assert_eq!(self.before, (Digest::of(state), state.folded()), "{after} changed something");
    }
}

struct Refusal {
    code: u64,
    message: String,
    reply: Value,
}

fn add(signups: &str) -> String {
    format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","reference":"r","signups":{signups}}}"#)
}

fn nested(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(10_000), close.repeat(10_000))
}

#[tokio::test]
async fn what_is_no_object_is_refused_with_its_position() {
    let mut bad = Bad::new().await;
    for frame in
        ["", " ", "hello", "{", r#"{"method":"PING""#, r#"{"method":"PING",}"#, r#"{"method":"PING"}{}"#, "{'a':1}"]
    {
        let refusal = bad.refused(frame).await;
        assert_eq!(refusal.code, 400, "{frame}");
        assert!(refusal.message.contains("at line 1 column "), "{frame}: {}", refusal.message);
        assert!(refusal.message.contains("send one JSON object a frame"), "{frame}: {}", refusal.message);
    }
    for frame in ["[]", r#"[{"method":"PING"}]"#, "7", "-1.5", "null", "true", "\"PING\"", r#"["PING",null,null]"#] {
        let refusal = bad.refused(frame).await;
        assert_eq!(refusal.code, 400, "{frame}");
        assert!(
            refusal.message.starts_with("expected an object at line 1 column 1; send one JSON"),
            "{}",
            refusal.message
        );
    }
    let refusal = bad.refused("{\n \"method\": \"PING\",\n oops}").await;
    assert!(refusal.message.contains("at line 3 column 2"), "{}", refusal.message);
}

#[tokio::test]
async fn a_message_needs_a_method_that_is_known() {
    let mut bad = Bad::new().await;
    for frame in [r#"{}"#, r#"{"reference":1}"#, r#"{"Method":"PING"}"#, r#"{"method":null}"#] {
        let refusal = bad.refused(frame).await;
        assert_eq!(refusal.code, 400, "{frame}");
        assert_eq!(refusal.message, "method: is missing; name the method, such as \"addToWhitelist\"");
    }
    for method in ["1", "1.5", "true", "{}", "[]", r#"["PING"]"#] {
        let refusal = bad.refused(format!(r#"{{"method":{method},"reference":3}}"#)).await;
        assert_eq!((refusal.code, &refusal.reply["reference"]), (400, &json!(3)), "{method}");
        assert_eq!(refusal.message, "method: must be a string, such as \"addToWhitelist\"");
    }
    for method in ["", "ping", "PING ", "addtowhitelist", "addWhitelist", &"x".repeat(10_000), "\\u0000", "é"] {
        let refusal = bad.refused(format!(r#"{{"method":"{method}","reference":17}}"#)).await;
        assert_eq!((refusal.code, &refusal.reply["reference"]), (405, &json!(17)), "{method}");
        assert!(refusal.message.len() < 400, "{}", refusal.message);
    }
}

#[tokio::test]
async fn a_key_that_comes_twice_is_refused() {
    let mut bad = Bad::new().await;
    for (key, frame) in [
        ("method", format!(r#"{{"method":"PING","method":"addToWhitelist","app_id":"{APP}","signups":["a"]}}"#)),
        ("reference", format!(r#"{{"method":"PING","reference":1,"app_id":"{APP}","reference":2}}"#)),
        ("app_id", format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a"],"app_id":"{APP}"}}"#)),
        ("signups", format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a"],"signups":["b"]}}"#)),
        ("signup_id", add(r#"[{"signup_id":"a","signup_id":"b"}]"#)),
        ("tags", add(r#"[{"signup_id":"a","tags":["4"],"tags":["7"]}]"#)),
        ("patterns", format!(r#"{{"method":"addWhitelistPatterns","app_id":"{APP}","patterns":["a"],"data":["b"]}}"#)),
    ] {
        let refusal = bad.refused(frame).await;
        assert_eq!(refusal.code, 400, "{key}");
        assert!(refusal.message.contains(&format!("duplicate field `{key}` at line 1 column ")), "{}", refusal.message);
    }
}

#[tokio::test]
async fn nesting_ten_thousand_deep_harms_nobody() {
    let mut bad = Bad::new().await;
    for frame in [
        nested("[", "]"),
        "[".repeat(10_000),
        nested(r#"{"a":"#, "").replace(' ', ""),
        format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
        add(&nested("[", "]")),
        add(&format!("[{}]", nested("[", "]"))),
        add(&format!(r#"[{{"signup_id":{}}}]"#, nested("[", "]"))),
        add(&format!("{}1{}", r#"{"signup_id":"#.repeat(10_000), "}".repeat(10_000))),
        format!(r#"{{"method":"PING","reference":{}}}"#, nested("[", "]")),
        format!(r#"{{"method":"PING","ref":{}1{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
        format!(r#"{{"method":{}}}"#, nested("[", "]")),
    ] {
        assert_eq!(bad.refused(frame).await.code, 400);
    }
    // An unknown key is passed over, however deep it goes.
    let unknown = format!(r#"{{"method":"PING","unknown":{},"reference":1}}"#, nested("[", "]"));
    assert_eq!(bad.client.call(unknown).await, json!({"method": "PONG"}));
    let unclosed = format!(r#"{{"method":"PING","unknown":{}"#, "[".repeat(10_000));
    assert_eq!(bad.refused(unclosed).await.code, 400);
}

#[tokio::test]
async fn too_much_in_one_call_is_refused_whole() {
    let mut bad = Bad::new().await;
    let many = |count: usize| (0..count).map(|n| format!("\"u{n}\"")).collect::<Vec<_>>().join(",");
    for method in ["addToWhitelist", "removeFromWhitelist", "addToBlacklist", "removeFromBlacklist"] {
        let message = format!(r#"{{"method":"{method}","app_id":"{APP}","signups":[{}]}}"#, many(10_001));
        let refusal = bad.refused(message).await;
        assert_eq!(refusal.code, 413);
        assert_eq!(refusal.message, "signups: 10001 in one call, at most 10000 are taken; send several calls");
    }
    for method in ["addWhitelistPatterns", "removeWhitelistPatterns", "addBlacklistPatterns", "removeBlacklistPatterns"]
    {
        let message = format!(r#"{{"method":"{method}","app_id":"{APP}","patterns":[{}]}}"#, many(1_001));
        let refusal = bad.refused(message).await;
        assert_eq!(refusal.code, 413);
        assert_eq!(refusal.message, "patterns: 1001 in one call, at most 1000 are taken; send several calls");
    }
    let half_bad = add(r#"["good@example.com",{"signup_id":"also@example.com"},""]"#);
    assert_eq!(bad.refused(half_bad).await.message, "signups[2]: is empty; give an email address or phone number");
}

#[tokio::test]
async fn a_page_is_asked_for_by_number_or_by_cursor() {
    let mut bad = Bad::new().await;
    for (fields, said) in [
        (r#""page_size":0"#, "page_size: must be 1 to 1000"),
        (r#""cursor":"7f""#, "cursor: is none of ours; start with \"\" and go on with the cursor of the last answer"),
        (r#""cursor":"","page_number":0"#, "cursor: goes without page_number; send one of them"),
    ] {
        for method in ["getWhitelistUsers", "getBlacklistPatterns", "getApps", "getBots"] {
            let refusal = bad.refused(format!(r#"{{"method":"{method}","app_id":"{APP}",{fields}}}"#)).await;
            assert_eq!((refusal.code, &*refusal.message), (400, said), "{method}");
        }
    }
}

#[tokio::test]
async fn a_frame_of_a_mebibyte_is_refused_and_the_connection_stays() {
    let mut bad = Bad::new().await;
    let refusal = bad.refused(add(&format!("[\"{}\"]", "x".repeat(1 << 20)))).await;
    assert_eq!((refusal.code, &refusal.reply["reference"]), (413, &json!("r")));
    assert!(refusal.message.contains("at most 1000000 are taken; send several"), "{}", refusal.message);
    for frame in ["x".repeat(1 << 20), " ".repeat(1 << 20), format!("[{}1]", "1,".repeat(1 << 19))] {
        assert_eq!(bad.refused(frame).await.code, 400);
    }
}

#[tokio::test]
async fn a_frame_over_the_hard_cap_ends_the_connection() {
    let mut bad = Bad::new().await;
    bad.client.send(" ".repeat((4 << 20) + 1)).await;
    assert_eq!(bad.client.receive().await, Received::Close(1009, "the frame is too large".to_owned()));
    bad.check_unchanged("a frame over the hard cap");
    let mut next = Client::sign_in(&bad.gateway.url(), ADMIN).await;
    assert_eq!(next.call(PING).await, json!({"method": "PONG"}));
}

#[tokio::test]
async fn binary_frames_are_refused_and_the_connection_stays() {
    let mut bad = Bad::new().await;
    let refusal = bad.refused(Message::binary(add(r#"["a"]"#))).await;
    assert_eq!(refusal.code, 400);
    assert_eq!(refusal.message, "binary frames are not taken; send JSON in text frames");
}

#[tokio::test]
async fn text_that_is_not_utf8_ends_the_connection() {
    let mut bad = Bad::new().await;
    for bytes in [&b"{\"method\":\"\xc3\x28\"}"[..], b"\xff", b"\xed\xa0\x80", b"{\"method\":\"PING\"}\xe2\x82"] {
        let mut client = Client::sign_in(&bad.gateway.url(), ADMIN).await;
        let frame = Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true);
        client.0.send(Message::Frame(frame)).await.expect("the connection takes frames");
        assert_eq!(client.receive().await, Received::Close(1007, "text frames are UTF-8".to_owned()), "{bytes:?}");
        assert_eq!(client.receive().await, Received::Gone);
    }
    bad.check_unchanged("text that is not UTF-8");
    assert_eq!(bad.client.call(PING).await, json!({"method": "PONG"}));
}

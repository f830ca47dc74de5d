//! Replays transcripts against a stand-in gateway that answers as each test needs, and reads what a replay says.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use guestlist::transcript::Transcript;
use guestlist::transcript::exchange::{Frame, Replayed, Way};
use guestlist::transcript::failure::{Fault, ReplayError};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What the stand-in answers to a text; `PING` and `TOKEN_AUTH` are answered already.
type Answers = fn(&str) -> Vec<Message>;

const AUTH: &str = r#"{"send":{"method":"TOKEN_AUTH","token":"t"}}
{"expect":{"method":"TOKEN_AUTH_OK"}}
"#;

async fn serve(stream: TcpStream, answers: Answers) {
    let mut socket = accept_async(stream).await.expect("the client speaks WebSocket");
    while let Some(Ok(message)) = socket.next().await {
        let replies = match &message {
            Message::Text(text) if text.contains(r#""PING""#) => {
                vec![frame(r#"{ "method": "PONG" }"#)]
            }
            Message::Text(text) if text.contains(r#""TOKEN_AUTH""#) => {
                vec![frame(r#"{"method":"TOKEN_AUTH_OK"}"#)]
            }
            Message::Text(text) => answers(text),
            Message::Binary(bytes) => vec![frame(&format!(r#"{{"bytes":{}}}"#, bytes.len()))],
            _ => vec![],
        };
        for reply in replies {
            if socket.send(reply).await.is_err() {
                return;
            }
        }
    }
}

async fn gateway(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is always free");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answers));
        }
    });
    format!("ws://{address}/nandbox/api/")
}

async fn replayed(text: &str, answers: Answers) -> Result<Replayed, Box<ReplayError>> {
    let transcript = Transcript::parse("t.jsonl", text).expect("the transcript is well formed");
    let mut replayed = Replayed::default();
    replay(&transcript, &gateway(answers).await, &ReplayOptions::default(), &mut replayed).await?;
    Ok(replayed)
}

async fn failure(text: &str, answers: Answers) -> ReplayError {
    *replayed(text, answers).await.expect_err("the replay fails")
}

fn frame(text: &str) -> Message {
    Message::text(text)
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// Answers with the very text, so that a test sees what was sent.
fn echo(text: &str) -> Vec<Message> {
    vec![frame(text)]
}

fn pair(_: &str) -> Vec<Message> {
    vec![frame(r#"{"method":"a_ack","reference":1}"#), frame(r#"{"method":"b_ack","reference":2}"#)]
}

fn refuse(_: &str) -> Vec<Message> {
    vec![frame(r#"{"error":401}"#), close(1008, "bad token")]
}

#[tokio::test]
async fn a_conversation_as_written_passes() {
    let text = AUTH.to_owned()
        + r#"
{"note":"an id is learnt and used"}
{"send":{"method":"x","id":"17","n":1.50}}
{"expect":{"n":1.50,"id":"<digits as id>","method":"<string>"}}
{"send":{"method":"y","id":"<id>","n":12345678901234567890}}
{"expect":{"method":"y","id":"17","n":12345678901234567890}}"#;
    let replayed = replayed(&text, echo).await.expect("the replay passes");
    assert_eq!((replayed.sent(), replayed.received()), (3, 3));
    let methods: Vec<_> = replayed.frames.iter().map(|it| (it.line, it.way, it.frame.method())).collect();
    assert_eq!(methods[0], (1, Way::Sent, Some("TOKEN_AUTH".to_owned())));
    assert_eq!(methods[5], (8, Way::Received, Some("y".to_owned())));
}

#[tokio::test]
async fn a_frame_is_sent_byte_for_byte_but_for_its_placeholders() {
    let text = AUTH.to_owned()
        + r#"{"send":{ "a" : 1.50, "a": "\u003cid>" , "b":[ ]}}
{"expect_text":"{ \"a\" : 1.50, \"a\": \"\\u003cid>\" , \"b\":[ ]}"}
{"send":{"id":{"n":1.50}}}
{"expect":{"id":"<any as id>"}}
{"send":{ "a" : "<id>", "a": 1e3 ,"c": ["<id>"]}}
{"expect_text":"{ \"a\" : {\"n\":1.50}, \"a\": 1e3 ,\"c\": [{\"n\":1.50}]}"}"#;
    replayed(&text, echo).await.expect("the replay passes");
}

#[tokio::test]
async fn a_changed_field_is_named() {
    let text = AUTH.to_owned()
        + r#"{"note":"Bob"}
{"send":{"method":"x","signups":[{"tags":["b"]}]}}
{"expect":{"method":"x","signups":[{"tags":["a"]}]}}"#;
    let error = failure(&text, echo).await;
    assert_eq!(error.to_string(), "t.jsonl:5: the frame is not the one expected");
    assert_eq!(
        error.report(false).to_string(),
        r#"t.jsonl:5: the frame is not the one expected
      note  Bob
        on  main
  expected  {"method":"x","signups":[{"tags":["a"]}]}
       got  {"method":"x","signups":[{"tags":["b"]}]}
            $.signups[0].tags[0]: expected "a", got "b"
"#
    );
    assert!(error.report(true).to_string().contains("\u{1b}[31m{\"method\""));
    assert_eq!(error.summary.received, 2);
}

#[tokio::test]
async fn a_missing_frame_is_reported_after_the_wait() {
    let text = r#"{"send":{"method":"x"}}
{"expect":{"method":"x"}}
{"expect":{"method":"event"}}"#;
    let transcript = Transcript::parse("t.jsonl", text).expect("the transcript is well formed");
    let frame_wait = Duration::from_millis(500);
    let error =
        replay(&transcript, &gateway(echo).await, &ReplayOptions { frame_wait, ..ReplayOptions::default() }, &mut ())
            .await;
    let error = error.expect_err("the replay fails");
    assert_eq!(error.line, 3);
    assert!(matches!(error.fault, Fault::Missing { wait } if wait == frame_wait));
    assert_eq!(error.expected.as_deref(), Some(r#"{"method":"event"}"#));
}

#[tokio::test]
async fn an_extra_frame_is_found_after_the_last_line() {
    let text = AUTH.to_owned()
        + r#"{"send":{"method":"ab"}}
{"expect":{"method":"a_ack","reference":1}}"#;
    let error = failure(&text, pair).await;
    assert_eq!(error.line, 4);
    let extra = Frame::Text(r#"{"method":"b_ack","reference":2}"#.to_owned());
    assert!(matches!(&error.fault, Fault::Extra { actual } if *actual == extra));
}

#[tokio::test]
async fn an_extra_frame_is_found_without_authentication_too() {
    let text = r#"{"send":{"method":"ab"}}
{"expect":{"method":"a_ack","reference":1}}"#;
    assert!(matches!(failure(text, pair).await.fault, Fault::Extra { .. }));
    let closed_by_us = format!("{text}\n{}", r#"{"close":1000}"#);
    assert_eq!(failure(&closed_by_us, pair).await.line, 3);
}

#[tokio::test]
async fn a_reordered_pair_is_a_mismatch() {
    let text = AUTH.to_owned()
        + r#"{"send":{"method":"ab"}}
{"expect":{"method":"b_ack","reference":2}}
{"expect":{"method":"a_ack","reference":1}}"#;
    let error = failure(&text, pair).await;
    assert_eq!(error.line, 4);
    let places: Vec<_> = error.fault.differences().iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(places, ["$.method", "$.reference"]);
}

#[tokio::test]
async fn an_expected_close_passes_by_code_and_reason() {
    let text = |close: &str| {
        format!("{}\n{}\n{{\"expect_close\":{close}}}", r#"{"send":{"token":""}}"#, r#"{"expect":{"error":401}}"#)
    };
    let replayed = replayed(&text("1008"), refuse).await.expect("the replay passes");
    assert_eq!(replayed.frames[1].frame.error(), Some(401));
    assert_eq!(replayed.frames[2].frame.close_code(), Some(1008));
    assert_eq!(replayed.received(), 1);

    let error = failure(&text(r#"{"code":1008,"reason":"no token"}"#), refuse).await;
    assert!(matches!(&error.fault, Fault::OtherClose(close) if close.reason == "bad token"));
    assert_eq!(error.expected.as_deref(), Some(r#"close 1008, reason "no token""#));
    assert!(matches!(failure(&text("1001"), refuse).await.fault, Fault::OtherClose(_)));
}

#[tokio::test]
async fn a_close_no_line_expects_is_reported() {
    let instead_of_a_frame = r#"{"send":{"token":""}}
{"expect":{"error":401}}
{"expect":{"method":"x"}}"#;
    assert!(matches!(failure(instead_of_a_frame, refuse).await.fault, Fault::Closed(close) if close.code == 1008));
    let after_the_last_line = r#"{"send":{"token":""}}
{"expect":{"error":401}}"#;
    assert!(matches!(failure(after_the_last_line, refuse).await.fault, Fault::Closed(close) if close.code == 1008));
}

#[tokio::test]
async fn a_frame_instead_of_a_close_is_reported() {
    let text = "{\"send\":{\"a\":1}}\n{\"expect_close\":1008}";
    assert!(matches!(failure(text, echo).await.fault, Fault::NotClosed { .. }));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is always free");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);
    let transcript = Transcript::parse("t.jsonl", r#"{"send":{"a":1}}"#).expect("the transcript is well formed");
    let error = replay(&transcript, &format!("ws://{address}"), &ReplayOptions::default(), &mut ()).await;
    let error = error.expect_err("the replay fails");
    assert!(error.to_string().starts_with(&format!("t.jsonl:1: cannot connect to ws://{address}: ")));
}

#[tokio::test]
async fn connections_are_told_apart_and_close_on_their_own() {
    let text = r#"{"send":{"a":"1"},"on":"bob"}
{"send":{"a":"2"}}
{"expect":{"a":"<any as two>"}}
{"expect":{"a":"1"},"on":"bob"}
{"close":3001,"on":"bob"}
{"note":"bob is gone","on":"bob"}
{"send":{"a":"<two>"}}
{"expect":{"a":"2"}}"#;
    let replayed = replayed(text, echo).await.expect("the replay passes");
    let on: Vec<_> = replayed.frames.iter().map(|it| it.on.as_str()).collect();
    assert_eq!(on, ["bob", "main", "main", "bob", "bob", "main", "main"]);
}

#[tokio::test]
async fn frames_that_are_not_json_travel_too() {
    let text = r#"{"send_text":"not json"}
{"expect_text":"not json"}
{"send_binary":"c3 28"}
{"expect":{"bytes":2}}
{"send_text_hex":"7b 7d"}
{"expect":{}}
{"send_text":"not json"}
{"expect":{}}"#;
    let error = failure(text, echo).await;
    assert_eq!(error.line, 8);
    let shown = error.fault.differences()[0].to_string();
    assert!(shown.starts_with("$: expected {}, got a text that cannot be compared: not JSON: "), "{shown}");
}

#[tokio::test]
async fn a_connection_that_breaks_ends_with_1006() {
    let text = "{\"send_text_hex\":\"c3 28\"}\n{\"expect_close\":1006}";
    replayed(text, echo).await.expect("the stand-in drops a client whose text is not UTF-8");
}

//! What is sent before the answers to earlier frames came, and what is not.

use std::sync::{Arc, Mutex};

use guestlist::transcript::options::Mode;

use super::*;

const OURS: &str = "guestlist/0.1.0";

/// Echoes frames, but only so many at once: until they came, there is no answer. On all connections together.
async fn batching(server: &'static str, frames: usize) -> String {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let answers = move || {
        let kept = kept.clone();
        move |text: &str| {
            let mut kept = kept.lock().expect("no test panics while it answers");
            kept.push(frame(text));
            if kept.len() < frames { vec![] } else { std::mem::take(&mut *kept) }
        }
    };
    stand_in(server, answers).await
}

fn requests(count: usize) -> String {
    let lines = (0..count).map(|n| format!("{{\"send\":{{\"n\":{n}}}}}\n{{\"expect\":{{\"n\":{n}}}}}\n"));
    AUTH.to_owned() + &lines.collect::<String>()
}

fn options(ahead: Option<usize>) -> ReplayOptions {
    ReplayOptions { ahead, frame_wait: Duration::from_millis(400), ..ReplayOptions::default() }
}

async fn passes(text: &str, url: &str, options: &ReplayOptions) -> bool {
    match replay(&transcript(text), url, options, &mut ()).await {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.fault, Fault::Missing { instead: None, .. }), "{error}");
            false
        }
    }
}

#[tokio::test]
async fn as_many_frames_are_under_way_as_are_asked_for() {
    for mode in [Mode::Strict, Mode::Ordered, Mode::AnyOrder] {
        let options = |ahead| ReplayOptions { mode, ..options(Some(ahead)) };
        assert!(passes(&requests(12), &batching("x", 4).await, &options(4)).await, "{mode:?}");
        assert!(!passes(&requests(12), &batching("x", 4).await, &options(3)).await, "{mode:?}");
        assert!(!passes(&requests(12), &batching("x", 2).await, &options(1)).await, "{mode:?}");
        assert!(passes(&requests(12), &batching("x", 1).await, &options(1)).await, "{mode:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_ahead_unless_the_gateway_says_that_it_answers_in_order() {
    assert!(passes(&requests(200), &batching(OURS, 100).await, &options(None)).await);
    assert!(!passes(&requests(200), &batching("nginx", 2).await, &options(None)).await);
    assert!(!passes(&requests(200), &batching(OURS, 2).await, &options(Some(1))).await);
}

#[tokio::test]
async fn nothing_is_sent_ahead_of_the_first_answer() {
    let text = requests(4).replace(AUTH, "");
    assert!(!passes(&text, &batching(OURS, 2).await, &options(None)).await);
    assert!(!passes(&text, &batching("x", 2).await, &options(Some(2))).await);
}

#[tokio::test]
async fn a_frame_waits_for_the_names_in_it() {
    let text = AUTH.to_owned()
        + r#"{"send":{"id":"17"}}
{"expect":{"id":"<digits as id>"}}
{"send":{"again":"<id>"}}
{"expect":{"again":"17"}}"#;
    assert!(passes(&text, &batching("x", 1).await, &options(Some(8))).await);
    assert!(!passes(&text, &batching("x", 2).await, &options(Some(8))).await);
}

#[tokio::test]
async fn a_frame_waits_for_what_is_expected_on_other_connections() {
    let other = AUTH.replace('}', "}\u{0}").replace("}\u{0}\n", ",\"on\":\"b\"}\n").replace('\u{0}', "");
    let text = |on: &str| {
        format!(
            "{AUTH}{other}{{\"send\":{{\"n\":1}}}}\n{{\"expect\":{{\"n\":1}}}}\n{{\"send\":{{\"n\":2}},\"on\":\"{on}\"}}\n\
             {{\"expect\":{{\"n\":2}},\"on\":\"{on}\"}}"
        )
    };
    assert!(passes(&text("main"), &batching("x", 2).await, &options(Some(8))).await);
    assert!(!passes(&text("b"), &batching("x", 2).await, &options(Some(8))).await);
    assert!(passes(&text("b"), &batching("x", 1).await, &options(Some(8))).await);
}

#[tokio::test]
async fn a_frame_waits_for_what_comes_unasked() {
    // The second frame of the first request comes only with the second request.
    let late = || {
        let mut requests = 0;
        move |_: &str| {
            requests += 1;
            if requests == 1 {
                vec![frame(r#"{"ack":1}"#)]
            } else {
                vec![frame(r#"{"push":1}"#), frame(r#"{"ack":2}"#)]
            }
        }
    };
    let text = AUTH.to_owned()
        + r#"{"send":{"n":1}}
{"expect":{"ack":1}}
{"expect":{"push":1}}
{"send":{"n":2}}
{"expect":{"ack":2}}"#;
    let error = replay(&transcript(&text), &stand_in("x", late).await, &options(Some(8)), &mut ()).await;
    let error = error.expect_err("the push is waited for");
    assert_eq!(error.to_string(), "t.jsonl:5: missing: no frame came within 400ms");
}

#[tokio::test]
async fn what_came_is_read_while_a_gateway_takes_nothing_more() {
    // More than all buffers between the two hold, and the stand-in reads nothing while it writes.
    let long = "x".repeat(100_000);
    let lines = (0..200).map(|n| {
        format!("{{\"send\":{{\"n\":{n},\"x\":\"{long}\"}}}}\n{{\"expect\":{{\"n\":{n},\"x\":\"{long}\"}}}}\n")
    });
    let text = AUTH.to_owned() + &lines.collect::<String>();
    let options = ReplayOptions { ahead: Some(256), frame_wait: Duration::from_secs(3), ..ReplayOptions::default() };
    replayed_with(&text, echo, &options).await.expect("the replay passes");
}

#[tokio::test]
async fn a_fault_is_told_at_its_line_whatever_was_sent_after_it() {
    let text = requests(50).replacen(r#""expect":{"n":20}"#, r#""expect":{"n":"20"}"#, 1);
    let error = replay(&transcript(&text), &batching(OURS, 1).await, &options(None), &mut ()).await;
    let error = error.expect_err("a line differs");
    assert_eq!(error.to_string(), "t.jsonl:44: changed: the frame is not the one expected");
    let gone = requests(50).replacen("{\"expect\":{\"n\":20}}\n", "", 1);
    let error = replay(&transcript(&gone), &batching(OURS, 1).await, &options(None), &mut ()).await;
    let error = error.expect_err("a line is gone");
    assert_eq!(error.to_string(), "t.jsonl:45: extra: a frame came before this line's that no line expects");
}

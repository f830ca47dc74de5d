//! When frames are sent: as fast as can be, or as they were recorded.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::*;

fn options(speed: Option<f64>) -> ReplayOptions {
    ReplayOptions { speed, ahead: Some(16), ..ReplayOptions::default() }
}

async fn elapsed(text: &str, speed: Option<f64>) -> Duration {
    let (url, transcript, started) = (gateway(echo).await, transcript(text), Instant::now());
    replay(&transcript, &url, &options(speed), &mut ()).await.expect("the replay passes");
    started.elapsed()
}

const HOUR_LATER: &str = r#"{"send":{"a":1}}
{"expect":{"a":1}}
{"at_ms":3600000,"send":{"a":2}}
{"at_ms":3600000,"expect":{"a":2}}"#;

#[tokio::test]
async fn a_frame_waits_for_its_time_where_that_is_asked_for() {
    assert!(elapsed(HOUR_LATER, Some(10_000.0)).await >= Duration::from_millis(360));
    assert!(elapsed(HOUR_LATER, Some(20_000.0)).await >= Duration::from_millis(180));
}

#[tokio::test]
async fn time_does_not_matter_otherwise() {
    elapsed(HOUR_LATER, None).await;
    elapsed(HOUR_LATER, Some(f64::INFINITY)).await;
}

#[tokio::test]
async fn nothing_is_sent_ahead_of_time() {
    // Answers, as fast as it may, only what came before.
    let behind = || {
        let mut kept = vec![];
        move |text: &str| std::mem::replace(&mut kept, vec![frame(text)])
    };
    let text = AUTH.to_owned()
        + r#"{"send":{"n":1}}
{"expect":{"n":1}}
{"send":{"n":2}}"#;
    let options = |speed| ReplayOptions { frame_wait: Duration::from_millis(400), ..options(speed) };
    let url = stand_in("x", behind).await;
    replay(&transcript(&text), &url, &options(None), &mut ()).await.expect("frames are sent ahead");
    let error = replay(&transcript(&text), &url, &options(Some(1e6)), &mut ()).await;
    assert_eq!(error.expect_err("no frame is sent ahead").line, 4);
}

#[tokio::test]
async fn pings_are_answered_while_time_passes() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    let pinging = move || {
        let hears = hears.clone();
        move |text: &str| {
            hears.lock().expect("no test panics while it answers").push(text.to_owned());
            if text == "pong" { vec![] } else { vec![frame(text), Message::Ping("".into())] }
        }
    };
    let text =
        "{\"send\":{\"a\":1}}\n{\"expect\":{\"a\":1}}\n{\"send\":{\"a\":2},\"at_ms\":200}\n{\"expect\":{\"a\":2}}";
    let url = stand_in("x", pinging).await;
    replay(&transcript(text), &url, &options(Some(1.0)), &mut ()).await.expect("the replay passes");
    let heard = heard.lock().expect("no test panics while it answers");
    assert_eq!(heard[..3], [r#"{"a":1}"#, "pong", r#"{"a":2}"#]);
}

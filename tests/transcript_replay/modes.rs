//! What each mode lets through, what it does not, and what is not compared in any of them.

use guestlist::transcript::ignore::Ignore;
use guestlist::transcript::options::Mode;

use super::*;

fn options(mode: Mode) -> ReplayOptions {
    ReplayOptions { mode, frame_wait: Duration::from_millis(400), ..ReplayOptions::default() }
}

/// Asks at line 1 for answers and expects others from line 2 on.
async fn told(mode: Mode, answers: &[&str], expected: &[&str]) -> String {
    let expected: String = expected.iter().map(|frame| format!("\n{{\"expect\":{frame}}}")).collect();
    let text = format!("{{\"send\":{{\"answer\":[{}]}}}}{expected}", answers.join(","));
    match replayed_with(&text, as_asked, &options(mode)).await {
        Ok(_) => "passes".to_owned(),
        Err(error) => error.to_string().split(": ").take(2).collect::<Vec<_>>().join(" "),
    }
}

const A: &str = r#"{"method":"a","n":1}"#;
const B: &str = r#"{"method":"b","n":2}"#;
const C: &str = r#"{"method":"c","n":3}"#;
const X: &str = r#"{"event":true}"#;

#[tokio::test]
async fn ordered_passes_over_frames_in_between() {
    assert_eq!(told(Mode::Strict, &[X, A, X, B, X], &[A, B]).await, "t.jsonl:2 extra");
    assert_eq!(told(Mode::Ordered, &[X, A, X, B, X], &[A, B]).await, "passes");
}

#[tokio::test]
async fn ordered_keeps_the_order() {
    assert_eq!(told(Mode::Ordered, &[B, A], &[A, B]).await, "t.jsonl:3 reordered");
    assert_eq!(told(Mode::Ordered, &[X, A], &[A, B]).await, "t.jsonl:3 missing");
    assert_eq!(told(Mode::Ordered, &[A, r#"{"method":"b","n":9}"#, X], &[A, B]).await, "t.jsonl:3 changed");
}

#[tokio::test]
async fn ordered_counts_what_it_passes_over() {
    let text = format!("{{\"send\":{{\"answer\":[{X},{A},{X}]}}}}\n{{\"expect\":{A}}}\n{{\"close\":1000}}");
    let url = gateway(as_asked).await;
    let summary = replay(&transcript(&text), &url, &options(Mode::Ordered), &mut ()).await.expect("the replay passes");
    assert_eq!((summary.received, summary.passed_over), (1, 1));
}

#[tokio::test]
async fn any_order_takes_exactly_the_frames_expected() {
    assert_eq!(told(Mode::Strict, &[C, A, B], &[A, B, C]).await, "t.jsonl:2 reordered");
    assert_eq!(told(Mode::AnyOrder, &[C, A, B], &[A, B, C]).await, "passes");
    assert_eq!(told(Mode::AnyOrder, &[C, A], &[A, B, C]).await, "t.jsonl:3 missing");
    assert_eq!(told(Mode::AnyOrder, &[C, X, A, B], &[A, B, C]).await, "t.jsonl:4 extra");
    assert_eq!(told(Mode::AnyOrder, &[C, A, r#"{"method":"b","n":9}"#], &[A, B, C]).await, "t.jsonl:3 changed");
    assert_eq!(told(Mode::AnyOrder, &[A, A], &[A, B]).await, "t.jsonl:3 missing");
}

#[tokio::test]
async fn in_any_order_a_frame_goes_to_the_line_that_accepts_the_fewest() {
    let any = r#"{"method":"<any>","n":"<any>"}"#;
    assert_eq!(told(Mode::AnyOrder, &[A, B], &[any, A]).await, "passes");
    assert_eq!(told(Mode::AnyOrder, &[r#"{"id":"7"}"#, A], &[any, r#"{"id":"<string as id>"}"#]).await, "passes");
}

#[tokio::test]
async fn in_any_order_a_frame_may_come_before_the_line_that_leads_to_it() {
    let text = format!(
        r#"{{"send":{{"answer":[{B},{A}]}}}}
{{"expect":{A}}}
{{"send":{{"answer":[{{"id":"7"}},{{"use":"7"}}]}}}}
{{"expect":{{"use":"<digits as id>"}}}}
{{"expect":{{"id":"<id>"}}}}
{{"expect":{B}}}
{{"send":{{"answer":[{{"close":1008}}]}}}}
{{"expect_close":1008}}"#
    );
    replayed_with(&text, as_asked, &options(Mode::AnyOrder)).await.expect("the replay passes");
}

#[tokio::test]
async fn what_is_ignored_may_differ_and_be_missing_in_every_mode() {
    let text = r#"{"send":{"answer":[{"id":"5","date":17,"new":{"a":1},"n":[{"at":1,"v":1}]}]}}
{"expect":{"date":16,"gone":true,"id":"<digits as id>","n":[{"at":2,"v":1}]}}
{"send":{"answer":[{"same":"5"}],"id":"<id>"}}
{"expect":{"same":"<id>"}}"#;
    for mode in [Mode::Strict, Mode::Ordered, Mode::AnyOrder] {
        let mut options = options(mode);
        for path in ["$.date", "$.new", "$.gone"] {
            options.ignore.add(path).expect("the path is well formed");
        }
        let error = replayed_with(text, as_asked, &options).await.expect_err("`at` differs");
        assert_eq!(error.fault.differences().len(), 1, "{mode:?} {error:?}");
        options.ignore.add("$..at").expect("the path is well formed");
        replayed_with(text, as_asked, &options).await.expect("nothing else differs");
        options.ignore = Ignore::default();
        assert!(replayed_with(text, as_asked, &options).await.is_err());
    }
}

#[tokio::test]
async fn secrets_are_given_from_outside() {
    let text = r#"{"note":"x"}
{"secret":"token_1"}
{"send":{"answer":[{"token":"s3cret"}],"token":"<token_1>"}}
{"expect":{"token":"<token_1>"}}"#;
    let mut options = options(Mode::Strict);
    let error = replayed_with(text, as_asked, &options).await.expect_err("the secret is not given");
    assert!(error.to_string().starts_with("t.jsonl:2: the secret `token_1` was left out"), "{error}");
    let json = |text| guestlist::transcript::json::Json::parse(text).expect("JSON");
    options.given.insert("token_1", json("\"s3cret\""));
    options.given.insert("unused", json("1"));
    replayed_with(text, as_asked, &options).await.expect("the replay passes");
    options.given.insert("token_1", json("\"other\""));
    assert!(replayed_with(text, as_asked, &options).await.is_err());
}

/// Sends frames that no line expects for as long as it can.
async fn flood() -> String {
    let listener = listener();
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.expect("the client speaks WebSocket");
                while socket.send(frame(r#"{"push":1}"#)).await.is_ok() {}
            });
        }
    });
    format!("ws://{address}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_without_end_keep_no_replay_from_its_end() {
    let url = flood().await;
    let wait = Duration::from_millis(200);
    let options = ReplayOptions { mode: Mode::Ordered, frame_wait: wait, ..ReplayOptions::default() };
    let text = "{\"send\":{}}\n{\"expect\":{\"a\":1}}";
    let error = replay(&transcript(text), &url, &options, &mut ()).await.expect_err("the frame never comes");
    assert!(matches!(error.fault, Fault::Missing { .. }), "{error}");
    let text = "{\"send\":{}}\n{\"expect\":{\"push\":1}}";
    let closed = format!("{text}\n{{\"close\":1000}}");
    let error = replay(&transcript(&closed), &url, &options, &mut ()).await.expect_err("it does not close");
    assert!(matches!(error.fault, Fault::StillOpen { .. } | Fault::Send(_) | Fault::Closed(_)), "{error}");
    replay(&transcript(text), &url, &options, &mut ()).await.expect("others may come");
}

//! Every kind of fault is told as what it is, with its line.

use guestlist::transcript::exchange::Summary;
use guestlist::transcript::failure::{Fault, Instead};
use guestlist::transcript::watch::Watch;
use guestlist::transcript::{Action, Step};

use super::*;

/// Signs in at lines 1 and 2, asks at line 3 for some answers, and expects others from line 4 on.
fn asking(answers: &str, expected: &[&str]) -> String {
    let expected: String = expected.iter().map(|frame| format!("\n{{\"expect\":{frame}}}")).collect();
    format!("{AUTH}{{\"send\":{{\"answer\":[{answers}]}}}}{expected}")
}

const A: &str = r#"{"method":"a","n":1}"#;
const B: &str = r#"{"method":"b","n":2}"#;
const C: &str = r#"{"method":"c","n":3}"#;
const X: &str = r#"{"method":"x","n":9}"#;

fn text(text: &str) -> Frame {
    Frame::Text(text.to_owned())
}

#[tokio::test]
async fn a_changed_frame_is_told_with_its_differences() {
    let error = failure(&asking(&[A, r#"{"method":"b","n":5}"#, C].join(","), &[A, B, C]), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:5: changed: the frame is not the one expected");
    let differences: Vec<String> = error.fault.differences().iter().map(ToString::to_string).collect();
    assert_eq!(differences, ["$.n: expected 2, got 5"]);
}

#[tokio::test]
async fn a_missing_frame_is_told_by_those_after_it() {
    let error = failure(&asking(&[A, C].join(","), &[A, B, C]), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:5: missing: the frame never came, but the one of line 6 did");
    assert_eq!(error.expected.as_deref(), Some(B));
    let Fault::Missing { instead: Some(Instead { line: 6, actual }), .. } = error.fault else { panic!("{error}") };
    assert_eq!(actual, text(C));
}

#[tokio::test]
async fn an_extra_frame_is_told_by_the_expected_one_after_it() {
    let error = failure(&asking(&[A, X, B].join(","), &[A, B]), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:5: extra: a frame came before this line's that no line expects");
    assert!(matches!(&error.fault, Fault::Extra { actual, before: true } if *actual == text(X)), "{error:?}");
}

#[tokio::test]
async fn a_frame_that_comes_once_more_is_extra() {
    let error = failure(&asking(&[A, A, B].join(","), &[A, B]), as_asked).await;
    assert!(matches!(&error.fault, Fault::Extra { actual, before: true } if *actual == text(A)), "{error:?}");
}

#[tokio::test]
async fn a_reordered_pair_is_told_with_both_lines() {
    let error = failure(&asking(&[B, A, C].join(","), &[A, B, C]), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:4: reordered: the frame that line 5 expects came first");
    assert!(matches!(&error.fault, Fault::Reordered { line: 5, actual } if *actual == text(B)), "{error:?}");
    assert!(
        error
            .report(false)
            .to_string()
            .contains(&format!("  expected  {A}\n       got  {B}\n            expected at t.jsonl:5\n"))
    );
}

#[tokio::test]
async fn answers_to_pings_do_not_mislead() {
    let pinged = |before: &str| format!("{AUTH}{{\"send\":{{\"method\":\"PING\"}}}}\n{before}");
    let pong = r#"{"expect":{"method":"PONG"}}"#;
    let lines = format!("{{\"send\":{{\"answer\":[{B},{A}]}}}}\n{pong}\n{{\"expect\":{A}}}\n{{\"expect\":{B}}}");
    let error = failure(&pinged(&lines), as_asked).await;
    assert!(matches!(error.fault, Fault::Reordered { line: 7, .. }), "{error:?}");
    let lines = format!("{{\"send\":{{\"answer\":[{A}]}}}}\n{{\"expect\":{A}}}\n{pong}");
    let error = failure(&pinged(&lines), as_asked).await;
    assert!(matches!(error.fault, Fault::Reordered { line: 6, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_to_a_ping_that_no_line_expects_is_extra() {
    let lines = format!("{{\"send\":{{\"method\":\"PING\"}}}}\n{{\"send\":{{\"answer\":[{A}]}}}}\n{{\"expect\":{A}}}");
    let error = failure(&format!("{AUTH}{lines}"), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:5: extra: a frame came before this line's that no line expects");
}

#[tokio::test]
async fn a_ping_of_our_own_answers_for_no_line() {
    let pong = r#"{"expect":{"method":"PONG"}}"#;
    let lines = format!("{{\"send\":{{\"answer\":[{A}]}}}}\n{pong}\n{{\"expect\":{A}}}");
    let error = failure(&format!("{AUTH}{lines}"), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:4: missing: the frame never came, but the one of line 5 did");
}

#[tokio::test]
async fn faults_are_told_without_signing_in_too() {
    let lines =
        |answers: &str| format!("{{\"send\":{{\"answer\":[{answers}]}}}}\n{{\"expect\":{A}}}\n{{\"expect\":{B}}}");
    let options = ReplayOptions { frame_wait: Duration::from_millis(400), ..ReplayOptions::default() };
    for (answers, told) in [
        ([X, B].join(","), "t.jsonl:2: changed"),
        ([B].join(","), "t.jsonl:2: missing"),
        ([X, A, B].join(","), "t.jsonl:2: extra"),
        ([B, A].join(","), "t.jsonl:2: reordered"),
    ] {
        let error = replayed_with(&lines(&answers), as_asked, &options).await.expect_err("the replay fails");
        assert!(error.to_string().starts_with(told), "{told}: {error}");
    }
}

#[tokio::test]
async fn a_close_is_held_against_what_is_expected_around_it() {
    let lines = |answers: &str| format!("{}\n{{\"expect_close\":1008}}", asking(answers, &[A]));
    let error = failure(&lines(r#"{"close":1008}"#), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:4: missing: the frame never came, but the one of line 5 did");
    let error = failure(&lines(&format!(r#"{A},{X},{{"close":1008}}"#)), as_asked).await;
    assert_eq!(error.to_string(), "t.jsonl:5: extra: a frame came before this line's that no line expects");
    let error = failure(&lines(r#"{"close":1001}"#), as_asked).await;
    assert!(matches!(&error.fault, Fault::Closed(close) if close.code == 1001), "{error:?}");
}

#[tokio::test]
async fn a_frame_that_cannot_be_sent_tells_how_the_connection_ended() {
    let text = format!("{}\n{{\"send\":{{\"n\":1}}}}\n{{\"expect\":{A}}}", asking(r#"{"close":1008}"#, &[]));
    let error = failure(&text, as_asked).await;
    assert!(matches!(&error.fault, Fault::Closed(close) if close.code == 1008), "{error:?}");
}

#[tokio::test]
async fn the_nearest_recorded_frames_are_told() {
    let actual = r#"{"method":"ack","a":1,"b":2,"c":3}"#;
    let recorded = [
        r#"{"method":"ack","a":1,"b":2,"c":4}"#,
        r#"{"method":"ack","a":9,"b":9,"c":3}"#,
        r#"{"other":true}"#,
        r#"{"method":"ack","a":8,"b":8,"c":8}"#,
    ];
    let answers = [recorded[0], recorded[1], recorded[2], actual];
    let mut expected: Vec<&str> = recorded.to_vec();
    expected.push(actual);
    // The last one is read only to be looked at: it is never sent.
    let text = asking(&answers.join(","), &expected[..4])
        + &format!("\n{{\"send\":{{\"answer\":[]}}}}\n{{\"expect\":{actual}}}");
    let error = failure(&text, as_asked).await;
    assert_eq!(error.line, 7);
    let nearest: Vec<_> = error.nearest.iter().map(|nearest| (nearest.line, nearest.differences)).collect();
    assert_eq!(nearest, [(9, 0), (4, 1), (5, 2)]);
    let report = error.report(false).to_string();
    assert!(report.contains(&format!("   nearest  line 4, 1 difference: {}\n", recorded[0])), "{report}");
    assert!(report.contains(&format!("   nearest  line 9, the same: {actual}\n")), "{report}");
}

/// Forgives everything, and notes what.
#[derive(Default)]
struct Forgiving(Vec<String>);

impl Watch for Forgiving {
    fn forgives(&mut self, step: &Step, fault: &Fault) -> bool {
        let fault = fault.to_string();
        self.0.push(format!("{} {}", step.line, fault.split(':').next().unwrap_or_default()));
        assert!(!matches!(step.action, Action::Note(_)), "a note has no fault");
        true
    }
}

#[tokio::test]
async fn a_replay_whose_faults_are_forgiven_goes_on() {
    let d = r#"{"method":"d","id":"<digits as id>","n":4}"#;
    let changed = r#"{"method":"d","id":"17","n":5}"#;
    let text = asking(&[B, A, changed, X, C].join(","), &[A, B, d, C])
        + &format!("\n{{\"send\":{{\"answer\":[{B},{X}],\"id\":\"<id>\"}}}}\n{{\"expect\":{A}}}\n{{\"expect\":{B}}}");
    let mut forgiving = Forgiving::default();
    let url = gateway(as_asked).await;
    let summary = replay(&transcript(&text), &url, &ReplayOptions::default(), &mut forgiving).await;
    assert_eq!(forgiving.0, ["4 reordered", "6 changed", "7 extra", "9 missing", "10 extra"]);
    assert_eq!(summary.expect("all is forgiven"), Summary { sent: 3, received: 6, passed_over: 0 });
}

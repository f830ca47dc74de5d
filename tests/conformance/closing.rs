//! The end of a connection, as a client asks for it, well or badly.

use super::case::{case, must_hold};
use super::wire::{CLOSE, CONTINUATION, Came, Frame, PING, TEXT};

/// Codes that a client may send. 1012 to 1014 were registered after the RFC.
const GOOD: &[u16] = &[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999];

/// Codes that nobody may send.
const BAD: &[u16] = &[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

#[test]
fn a_close_is_answered_with_its_own_code() {
    let with_code = |code: &u16| {
        ["", "bye", "κόσμε"]
            .map(|reason| case(format!("{code} {reason}"), [Frame::close(*code, reason)], [Came::Close(Some(*code))]))
    };
    let mut cases: Vec<_> = GOOD.iter().flat_map(with_code).collect();
    cases.push(case("no code", [Frame::new(CLOSE, "")], [Came::Close(None)]));
    cases.push(case("a reason of 123 bytes", [Frame::close(1000, [b'x'; 123])], [Came::Close(Some(1000))]));
    must_hold(&cases);
}

#[test]
fn a_close_that_nobody_may_send_is_answered_with_a_protocol_error() {
    let with_code = |code: &u16| case(format!("{code}"), [Frame::close(*code, "bye")], [Came::Close(Some(1002))]);
    let mut cases: Vec<_> = BAD.iter().map(with_code).collect();
    cases.push(case("half a code", [Frame::new(CLOSE, [3])], [Came::Close(Some(1002))]));
    cases.push(case("a reason of 124 bytes", [Frame::close(1000, [b'x'; 124])], [Came::Close(Some(1002))]));
    must_hold(&cases);
}

#[test]
fn a_close_whose_reason_is_no_text_is_answered_so() {
    let reasons: &[&[u8]] = &[b"\xff", b"bye\xce", b"\xed\xa0\x80", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"];
    let with_reason =
        |reason: &&[u8]| case(format!("{reason:x?}"), [Frame::close(1000, reason)], [Came::Close(Some(1007))]);
    must_hold(&reasons.iter().map(with_reason).collect::<Vec<_>>());
}

#[test]
fn nothing_is_answered_that_comes_after_a_close() {
    let long = "x".repeat(256 << 10);
    let after = |name: &str, frames: &[Frame]| {
        case(name, [&[Frame::close(1000, "")], frames].concat(), [Came::Close(Some(1000))])
    };
    must_hold(&[
        after("a message", &[Frame::new(TEXT, super::case::QUESTION)]),
        after("a ping", &[Frame::new(PING, "late")]),
        after("a second close", &[Frame::close(1001, "")]),
        after("a broken frame", &[Frame::new(3, "").reserved(7)]),
        after("a last part", &[Frame::new(CONTINUATION, "}")]),
        after("256 KiB", &[Frame::new(TEXT, long)]),
    ]);
}

//! Messages that come in parts.

use serde_json::json;

use super::case::{QUESTION, case, must_hold};
use super::wire::{BINARY, CLOSE, CONTINUATION, Came, Frame, PING, PONG, TEXT};

/// A message in parts of so many bytes.
fn parts(opcode: u8, text: &str, bytes: usize) -> Vec<Frame> {
    let chunks = text.as_bytes().chunks(bytes).enumerate();
    let mut frames: Vec<_> = chunks
        .map(|(index, chunk)| Frame::new(if index == 0 { opcode } else { CONTINUATION }, chunk).unfinished())
        .collect();
    let last = frames.pop().expect("a message is not empty");
    frames.push(last.finished());
    frames
}

#[test]
fn a_message_may_be_cut_anywhere_and_have_empty_parts() {
    let cut = |at: usize| {
        let (first, rest) = QUESTION.split_at(at);
        let frames = [Frame::new(TEXT, first).unfinished(), Frame::new(CONTINUATION, rest)];
        case(format!("cut at {at}"), frames, [Came::Answer])
    };
    let mut cases: Vec<_> = (0..=QUESTION.len()).map(cut).collect();
    cases.extend((1..4).map(|bytes| case(format!("parts of {bytes}"), parts(TEXT, QUESTION, bytes), [Came::Answer])));
    let empty = || Frame::new(CONTINUATION, "").unfinished();
    let frames = vec![Frame::new(TEXT, "").unfinished(), empty(), empty(), Frame::new(CONTINUATION, QUESTION)];
    cases.push(case("three empty parts first", frames, [Came::Answer]));
    let frames = [Frame::new(TEXT, QUESTION).unfinished(), empty(), Frame::new(CONTINUATION, "")];
    cases.push(case("two empty parts last", frames, [Came::Answer]));
    let frames = [Frame::new(TEXT, "").unfinished(), Frame::new(CONTINUATION, "")];
    cases.push(case("only empty parts", frames, [Came::Refused(400, json!(null))]));
    cases.push(case("bytes in parts", parts(BINARY, QUESTION, 3), [Came::Refused(400, json!(null))]));
    must_hold(&cases);
}

#[test]
fn control_frames_may_come_between_parts() {
    let between = |control: &[Frame]| {
        let parts = parts(TEXT, QUESTION, 5).into_iter();
        let last = parts.len() - 1;
        let parts = parts.enumerate().flat_map(|(at, part)| {
            let control = if at == last { &[] } else { control };
            [&[part], control].concat()
        });
        parts.collect::<Vec<_>>()
    };
    let ping = Frame::new(PING, "between");
    let pongs = |count| vec![Came::Pong(b"between".to_vec()); count];
    let answered = |pongs: Vec<Came>| [pongs, vec![Came::Answer]].concat();
    must_hold(&[
        case("a ping between each two", between(std::slice::from_ref(&ping)), answered(pongs(3))),
        case("two pings between each two", between(&[ping.clone(), ping.clone()]), answered(pongs(6))),
        case("a pong between each two", between(&[Frame::new(PONG, "between")]), [Came::Answer]),
        case("a close in between", between(&[Frame::close(1000, "")]), [Came::Close(Some(1000))]),
    ]);
}

#[test]
fn parts_that_do_not_go_together_end_the_connection() {
    let broken = [Came::Close(Some(1002))];
    let first = || Frame::new(TEXT, "{").unfinished();
    let whole = || Frame::new(TEXT, QUESTION);
    must_hold(&[
        case("a last part of nothing", [Frame::new(CONTINUATION, QUESTION)], broken.clone()),
        case("a part of nothing", [Frame::new(CONTINUATION, QUESTION).unfinished()], broken.clone()),
        case("an empty part of nothing", [Frame::new(CONTINUATION, "")], broken.clone()),
        case(
            "a last part after the last part",
            [whole(), Frame::new(CONTINUATION, "}")],
            [Came::Answer, Came::Close(Some(1002))],
        ),
        case("text within text", [first(), whole()], broken.clone()),
        case("bytes within text", [first(), Frame::new(BINARY, "x")], broken.clone()),
        case("text within bytes", [Frame::new(BINARY, "x").unfinished(), whole()], broken.clone()),
        case("a first part within text", [first(), first()], broken),
    ]);
}

#[test]
fn a_control_frame_in_parts_ends_the_connection() {
    let in_parts = |(opcode, payload): (u8, &[u8])| {
        let frames = [Frame::new(opcode, payload).unfinished(), Frame::new(CONTINUATION, "x")];
        let within = [&[Frame::new(TEXT, "{").unfinished()], &frames[..]].concat();
        [
            case(format!("opcode {opcode}"), frames, [Came::Close(Some(1002))]),
            case(format!("opcode {opcode} within a message"), within, [Came::Close(Some(1002))]),
        ]
    };
    must_hold(&[(PING, &b"x"[..]), (PONG, b"x"), (PING, b""), (CLOSE, &[3, 232])].map(in_parts).concat());
}

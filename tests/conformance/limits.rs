//! Messages that are as large as they may be, and those that are larger, in one frame and in many.

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use guestlist::testing;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::case::{PATIENCE, QUESTION, case, must_hold, signed_in};
use super::wire::{CONTINUATION, Came, Frame, TEXT, receive};

const MIB: usize = 1 << 20;

async fn gateway(limits: Limits) -> Gateway {
    let options = Options { limits, ..testing::Gateway::options() };
    Gateway::start(options).await.expect("the gateway starts")
}

/// What is sent over many writes, whose end may not be taken any more.
async fn send(writing: &mut (impl AsyncWrite + Unpin), frames: impl Iterator<Item = Frame>) {
    for frame in frames {
        if writing.write_all(&frame.bytes()).await.is_err() {
            return;
        }
    }
}

/// What comes next, which does not take long.
async fn next(reading: &mut (impl AsyncRead + Unpin)) -> Came {
    timeout(PATIENCE, receive(reading)).await.expect("something comes")
}

/// A message of so many bytes that is always answered, whole or in parts of so many bytes.
fn message(bytes: usize, part: usize) -> impl Iterator<Item = Frame> {
    let text = QUESTION.to_owned() + &" ".repeat(bytes - QUESTION.len());
    let parts = bytes.div_ceil(part);
    (0..parts).map(move |number| {
        let opcode = if number == 0 { TEXT } else { CONTINUATION };
        let frame = Frame::new(opcode, &text[number * part..bytes.min((number + 1) * part)]);
        if number + 1 == parts { frame } else { frame.unfinished() }
    })
}

/// What one message brings, and whether the connection goes on.
async fn brings(gateway: &Gateway, bytes: usize, part: usize) -> Came {
    let mut stream = signed_in(gateway).await;
    let (mut reading, mut writing) = stream.split();
    let (came, ()) = tokio::join!(next(&mut reading), send(&mut writing, message(bytes, part)));
    if let Came::Close(_) = came {
        assert_eq!(next(&mut reading).await, Came::End, "{bytes} bytes in parts of {part}");
        return came;
    }
    send(&mut writing, message(QUESTION.len(), part)).await;
    assert_eq!(next(&mut reading).await, Came::Answer, "{bytes} bytes in parts of {part}");
    came
}

#[tokio::test]
async fn sixteen_mebibytes_are_refused_by_default_and_taken_where_that_is_configured() {
    let (usual, roomy) = (
        gateway(Limits::default()).await,
        gateway(Limits { frame_bytes_max: 16 * MIB, frame_bytes_hard_max: 16 * MIB, ..Limits::default() }).await,
    );
    let hard_max = Limits::default().frame_bytes_hard_max;
    for part in [16 * MIB, MIB, 64 << 10, 1 << 10] {
        for (gateway, bytes, expected) in [
            (&usual, hard_max, Came::Answer),
            (&usual, hard_max + 1, Came::Close(Some(1009))),
            (&usual, 16 * MIB, Came::Close(Some(1009))),
            (&roomy, 16 * MIB, Came::Answer),
            (&roomy, 16 * MIB + 1, Came::Close(Some(1009))),
        ] {
            assert_eq!(brings(gateway, bytes, part).await, expected, "{bytes} bytes in parts of {part}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_larger_than_a_message_may_be_is_refused_and_the_connection_stays() {
    let gateway = gateway(Limits { frame_bytes_max: 1_000, ..Limits::default() }).await;
    for (bytes, expected) in [(1_000, 405), (1_001, 413), (100_000, 413)] {
        for part in [100, 1_000_000] {
            let mut stream = signed_in(&gateway).await;
            let text = json!({"method": "nothing", "reference": 7}).to_string();
            let text = text.clone() + &" ".repeat(bytes - text.len());
            let parts = text.as_bytes().chunks(part).enumerate();
            let frames = parts.map(|(number, part)| Frame::new(u8::from(number == 0), part).unfinished());
            let (mut reading, mut writing) = stream.split();
            send(&mut writing, frames.chain([Frame::new(CONTINUATION, "")])).await;
            let expected = Came::Refused(expected, json!(7));
            assert_eq!(next(&mut reading).await, expected, "{bytes} bytes in parts of {part}");
            send(&mut writing, message(QUESTION.len(), part)).await;
            assert_eq!(next(&mut reading).await, Came::Answer);
        }
    }
}

#[tokio::test]
async fn a_message_of_a_hundred_thousand_parts_is_one_message() {
    let gateway = gateway(Limits::default()).await;
    assert_eq!(brings(&gateway, 100_000, 1).await, Came::Answer);
}

#[tokio::test]
async fn a_frame_that_only_says_that_it_is_large_is_refused_at_once() {
    let gateway = gateway(Limits::default()).await;
    let hard_max = Limits::default().frame_bytes_hard_max as u64;
    for length in [hard_max + 1, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX] {
        let mut stream = signed_in(&gateway).await;
        let (mut reading, mut writing) = stream.split();
        send(&mut writing, [Frame::new(TEXT, "").length_in_eight(length)].into_iter()).await;
        assert_eq!(next(&mut reading).await, Came::Close(Some(1009)), "{length}");
    }
}

/// The RFC has lengths written in as few bytes as they fit into. The library under the gateway takes them written longer, as most
/// do: nothing can be read in two ways because of that.
#[test]
fn a_length_that_is_written_too_long_is_read_for_what_it_says() {
    let length = u16::try_from(QUESTION.len()).expect("it is short");
    let frame = Frame::new(TEXT, QUESTION);
    must_hold(&[
        case("in two bytes", [frame.clone().length_in_two(length)], [Came::Answer]),
        case("in eight bytes", [frame.length_in_eight(length.into())], [Came::Answer]),
    ]);
}

//! Pings and pongs.

use super::case::{Case, QUESTION, case, must_hold};
use super::wire::{Came, Frame, PING, PONG, TEXT};

fn pinged(name: &str, payload: impl AsRef<[u8]>) -> Case {
    case(name, [Frame::new(PING, &payload)], [Came::Pong(payload.as_ref().to_vec())])
}

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    must_hold(&[
        pinged("an empty ping", ""),
        pinged("a ping with text", "Hello, world!"),
        pinged("a ping with what is no text", [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]),
        pinged("a ping of 125 bytes", [0xfe; 125]),
    ]);
}

#[test]
fn every_ping_of_many_is_answered_in_their_order() {
    let numbers = || (0..10_u8).map(|number| vec![number; 4]);
    let pings: Vec<_> = numbers().map(|payload| Frame::new(PING, payload)).collect();
    let pongs: Vec<_> = numbers().map(Came::Pong).collect();
    must_hold(&[case("ten pings", pings, pongs)]);
}

#[test]
fn a_control_frame_of_more_than_125_bytes_ends_the_connection() {
    let too_long = |(name, opcode): (&str, u8)| {
        [126, 127, 65_536].map(|bytes| {
            case(format!("{name} of {bytes} bytes"), [Frame::new(opcode, vec![b'x'; bytes])], [Came::Close(Some(1002))])
        })
    };
    must_hold(&[("a ping", PING), ("a pong", PONG), ("a close", super::wire::CLOSE)].map(too_long).concat());
}

#[test]
fn a_pong_that_nobody_asked_for_is_passed_over() {
    let ping = Frame::new(PING, "asked");
    let pong = Came::Pong(b"asked".to_vec());
    must_hold(&[
        case("an empty pong", [Frame::new(PONG, "")], []),
        case("a pong with a payload", [Frame::new(PONG, "unasked")], []),
        case("a pong of 125 bytes", [Frame::new(PONG, [0; 125])], []),
        case("a pong before a ping", [Frame::new(PONG, "unasked"), ping.clone()], [pong.clone()]),
        case("a pong after a ping", [ping, Frame::new(PONG, "unasked")], [pong]),
        case(
            "ten pongs and a message",
            [vec![Frame::new(PONG, "x"); 10], vec![Frame::new(TEXT, QUESTION)]].concat(),
            [Came::Answer],
        ),
    ]);
}

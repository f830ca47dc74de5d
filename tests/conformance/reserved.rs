//! Bits and opcodes that nobody has given a meaning.

use super::case::{QUESTION, case, must_hold};
use super::wire::{BINARY, CLOSE, Came, Frame, PING, PONG, TEXT};

#[test]
fn any_reserved_bit_ends_the_connection() {
    let frames = |bits: u8| {
        [TEXT, BINARY, CLOSE, PING, PONG].map(|opcode| {
            let payload = if opcode == CLOSE { vec![3, 232] } else { QUESTION.into() };
            let frames = [Frame::new(TEXT, QUESTION), Frame::new(opcode, payload).reserved(bits)];
            case(format!("bits {bits:03b} with opcode {opcode}"), frames, [Came::Answer, Came::Close(Some(1002))])
        })
    };
    must_hold(&(1..=7).flat_map(frames).collect::<Vec<_>>());
}

#[test]
fn a_reserved_bit_in_the_middle_of_a_message_ends_the_connection() {
    let continued = |bits| {
        let frames = [Frame::new(TEXT, "{").unfinished(), Frame::new(0, "}").reserved(bits)];
        case(format!("bits {bits:03b}"), frames, [Came::Close(Some(1002))])
    };
    must_hold(&[1, 2, 4].map(continued));
}

#[test]
fn any_reserved_opcode_ends_the_connection() {
    let frames = |opcode: u8| {
        ["", QUESTION].map(|payload| {
            let frames = [Frame::new(TEXT, QUESTION), Frame::new(opcode, payload), Frame::new(PING, "")];
            let name = format!("opcode {opcode} with {} bytes", payload.len());
            case(name, frames, [Came::Answer, Came::Close(Some(1002))])
        })
    };
    must_hold(&(3..=7).chain(11..=15).flat_map(frames).collect::<Vec<_>>());
}

#[test]
fn a_reserved_opcode_in_the_middle_of_a_message_ends_the_connection() {
    let interrupted = |opcode| {
        let frames = [Frame::new(TEXT, "{").unfinished(), Frame::new(opcode, "")];
        case(format!("opcode {opcode}"), frames, [Came::Close(Some(1002))])
    };
    must_hold(&(3..=7).chain(11..=15).map(interrupted).collect::<Vec<_>>());
}

//! Messages of all lengths that are written in another way than the one before them, as text and as bytes.

use serde_json::json;

use super::case::{QUESTION, case, must_hold};
use super::wire::{BINARY, Came, Frame, TEXT};

/// Lengths at which a header changes its form, and those beside them.
const LENGTHS: &[usize] = &[0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537];

#[test]
fn text_of_any_length_is_answered() {
    let message = |length: usize| {
        let rest = length.checked_sub(QUESTION.len()).map(|rest| QUESTION.to_owned() + &" ".repeat(rest));
        // What is too short for a message is one that cannot be read.
        let expected = if rest.is_some() { Came::Answer } else { Came::Refused(400, json!(null)) };
        let text = rest.unwrap_or_else(|| "x".repeat(length));
        case(format!("{length} bytes of text"), [Frame::new(TEXT, text)], [expected])
    };
    must_hold(&LENGTHS.iter().map(|length| message(*length)).collect::<Vec<_>>());
}

#[test]
fn what_a_message_holds_arrives_to_the_byte() {
    let echoed = |bytes: usize| {
        let reference: String = ('!'..='~').filter(|letter| !"\"\\".contains(*letter)).cycle().take(bytes).collect();
        let text = json!({"method": "nothing", "reference": reference}).to_string();
        let expected = Came::Refused(405, json!(reference));
        [Some(MASK_OF_NOTHING), Some([0xff; 4]), Some([1, 2, 4, 8])].map(|mask| {
            let frame = Frame::new(TEXT, &text).masked(mask);
            case(format!("{bytes} bytes with the mask {mask:?}"), [frame], [expected.clone()])
        })
    };
    must_hold(&[1, 2, 3, 4, 100, 1_000].map(echoed).concat());
}

/// A mask that leaves all as it is.
const MASK_OF_NOTHING: [u8; 4] = [0; 4];

#[test]
fn bytes_of_any_length_are_refused_and_the_connection_stays() {
    let message = |length: &usize| {
        let frame = Frame::new(BINARY, vec![0xfe; *length]);
        case(format!("{length} bytes"), [frame], [Came::Refused(400, json!(null))])
    };
    must_hold(&LENGTHS.iter().map(message).collect::<Vec<_>>());
}

#[test]
fn a_frame_without_a_mask_ends_the_connection() {
    let frames = [Frame::new(TEXT, QUESTION), Frame::new(TEXT, ""), Frame::new(BINARY, "x"), Frame::new(9, "x")];
    let unmasked = |frame: Frame| case(format!("{frame:?}"), [frame.masked(None)], [Came::Close(Some(1002))]);
    must_hold(&frames.map(unmasked));
}

#[test]
fn messages_of_one_write_are_answered_one_by_one() {
    let frames = vec![Frame::new(TEXT, QUESTION); 300];
    must_hold(&[case("300 messages", frames, vec![Came::Answer; 300])]);
}

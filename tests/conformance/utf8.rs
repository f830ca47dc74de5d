//! Text that is UTF-8 and text that is not, cut anywhere, into parts of a message and on the way.

use serde_json::json;

use super::case::{Case, case, must_hold};
use super::wire::{CONTINUATION, Came, Frame, TEXT};

/// Sequences that are UTF-8, by what they show.
const VALID: &[(&str, &str)] = &[
    ("one, two, three and four bytes", "hello$world hello¢world hello€world hello𤭢world"),
    ("Greek", "κόσμε"),
    ("the first of each length", "\u{80}\u{800}\u{10000}"),
    ("the last of each length", "\u{7f}\u{7ff}\u{ffff}\u{10ffff}"),
    ("beside the surrogates", "\u{d7ff}\u{e000}\u{fffd}"),
    ("no characters", "\u{fffe}\u{ffff}\u{1fffe}\u{1ffff}\u{2fffe}\u{8ffff}\u{ffffe}\u{fffff}\u{10fffe}"),
    ("specials", "\u{fff9}\u{fffa}\u{fffb}\u{fffc}\u{feff}"),
];

/// Sequences that are not, by what is wrong with them.
const INVALID: &[(&str, &[&[u8]])] = &[
    ("beyond the last character", &[b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf7\xbf\xbf\xbf"]),
    ("five bytes", &[b"\xf8\x88\x80\x80\x80", b"\xfb\xbf\xbf\xbf\xbf"]),
    ("six bytes", &[b"\xfc\x84\x80\x80\x80\x80", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    ("continuations of nothing", &[b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80", b"\xce\xba\x80"]),
    ("lonely starts", &[b"\xc2 ", b"\xdf ", b"\xe0 ", b"\xef ", b"\xf0 ", b"\xf4 ", b"\xf8 ", b"\xfc "]),
    ("last byte missing", &[b"\xdf", b"\xe0\xa0", b"\xef\xbf", b"\xf0\x90\x80", b"\xf4\x8f\xbf", b"\xce\xba\xe1\xbd"]),
    ("several that are incomplete", &[b"\xdf\xef\xbf\xf4\x8f\xbf", b"\xe0\xa0\xe0\xa0"]),
    ("impossible bytes", &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0", b"\xc1", b"\xf5"]),
    ("overlong slashes", &[b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf"]),
    ("the longest overlong", &[b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"]),
    ("overlong zeros", &[b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]),
    (
        "surrogates",
        &[b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbf\xbf"],
    ),
    ("pairs of surrogates", &[b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"]),
    ("a surrogate within a text", &[b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"]),
];

/// A message in two parts.
fn in_two(text: &[u8], at: usize) -> [Frame; 2] {
    [Frame::new(TEXT, &text[..at]).unfinished(), Frame::new(CONTINUATION, &text[at..])]
}

fn cut_anywhere(name: &str, text: &[u8], expected: &Came) -> Vec<Case> {
    let mut cases = vec![case(name, [Frame::new(TEXT, text)], [expected.clone()])];
    cases.extend((0..=text.len()).map(|at| case(format!("{name}, cut at {at}"), in_two(text, at), [expected.clone()])));
    let parts = text
        .chunks(1)
        .enumerate()
        .map(|(at, byte)| Frame::new(if at == 0 { TEXT } else { CONTINUATION }, byte).unfinished());
    let parts: Vec<_> = parts.chain([Frame::new(CONTINUATION, "")]).collect();
    cases.push(case(format!("{name}, each byte a part"), parts, [expected.clone()]));
    cases
}

#[test]
fn valid_text_arrives_to_the_byte_wherever_it_is_cut() {
    let whole = |(name, text): &(&str, &str)| {
        let message = json!({"method": "nothing", "reference": text}).to_string();
        cut_anywhere(name, message.as_bytes(), &Came::Refused(405, json!(text)))
    };
    must_hold(&VALID.iter().flat_map(whole).collect::<Vec<_>>());
}

#[test]
fn invalid_text_ends_the_connection_wherever_it_is_cut() {
    let broken = |(name, sequences): &(&str, &[&[u8]])| {
        let cases = sequences.iter().flat_map(|bytes| {
            cut_anywhere(&format!("{name} {bytes:x?}"), &[b"{ ", *bytes].concat(), &Came::Close(Some(1007)))
        });
        cases.collect::<Vec<_>>()
    };
    must_hold(&INVALID.iter().flat_map(broken).collect::<Vec<_>>());
}

#[test]
fn every_byte_that_cannot_begin_a_character_ends_the_connection() {
    let lonely = |byte: u8| case(format!("{byte:#x}"), [Frame::new(TEXT, [byte])], [Came::Close(Some(1007))]);
    must_hold(&(0x80..=0xff).map(lonely).collect::<Vec<_>>());
}

#[test]
fn a_part_that_nothing_could_mend_ends_the_connection_before_the_rest_comes() {
    let early =
        |bytes: &[u8]| case(format!("{bytes:x?}"), [Frame::new(TEXT, bytes).unfinished()], [Came::Close(Some(1007))]);
    must_hold(&[early(b"{ \xff"), early(b"\xce\xba\xf4\x90"), early(b"\xed\xa0\x80"), early(b"\xc0")]);
    let later = [Frame::new(TEXT, "κόσμ").unfinished(), Frame::new(CONTINUATION, b"\xce\xce").unfinished()];
    must_hold(&[case("the second part", later, [Came::Close(Some(1007))])]);
}

#[test]
fn control_characters_and_zeros_are_text_and_no_messages() {
    let refused = |text: &str| case(format!("{text:?}"), [Frame::new(TEXT, text)], [Came::Refused(400, json!(null))]);
    must_hold(&["\0", "\u{7f}", "\u{80}", "κόσμε", "{\"method\":\"PING\0\"}", "\u{feff}{}"].map(refused));
}

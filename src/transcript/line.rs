//! One line of a transcript: its keys, its action, and what they may hold.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::value::RawValue;

use super::http::read as http;
use super::json::{Layer, Member};
use super::placeholder::{Kind, is_word};
use super::reader::{FrameReader, Refusal, json_fault};
use super::{Action, ExpectedClose};

/// The connection of a line that names none.
pub(super) const MAIN: &str = "main";

const ACTIONS: &str = "note, send, send_text, send_text_hex, send_binary, expect, expect_text, expect_close, close, \
                       request, response or secret";

/// A line, read.
pub(super) struct Line {
    pub(super) on: String,
    /// The byte at which the connection is named; 0 if it is not.
    pub(super) on_at: usize,
    pub(super) at_ms: Option<u64>,
    pub(super) action: Action,
    /// The bytes of the line that are the frame expected, unless it has placeholders.
    pub(super) literal: Option<Range<usize>>,
}

/// Reads one line; the names it binds are added to those bound before.
pub(super) fn read(text: &str, names: &mut BTreeSet<String>) -> Result<Line, Refusal> {
    let mut reader = FrameReader { line: text, names };
    let members = members(&reader)?;

    let mut on = None;
    let mut at_ms = None;
    let mut action = None;
    let mut literal = None;
    for Member { key, name, value } in members {
        let twice = match name.as_str() {
            "on" => on.replace(value).is_some(),
            "at_ms" => at_ms.replace(value).is_some(),
            _ => {
                let read = self::action(&mut reader, key, &name, value)?;
                let place = reader.offset(value);
                literal = is_literal(&read).then(|| place..place + value.get().len());
                action.replace(read).is_some()
            }
        };
        if twice {
            let message = match name.as_str() {
                "on" | "at_ms" => format!("`{name}` stands twice in this line; keep one"),
                _ => format!("`{name}` is a second action in this line; give it a line of its own"),
            };
            return Err(reader.refuse(key, message));
        }
    }
    let action = action.ok_or_else(|| Refusal {
        at: text.len() - text.trim_start().len(),
        message: format!("no action; write one of {ACTIONS}"),
    })?;
    let at_ms =
        at_ms.map(|value| reader.typed(value, "`at_ms` takes whole milliseconds since the beginning, such as 1200"));
    let at_ms = at_ms.transpose()?;
    let Some(value) = on else {
        return Ok(Line { on: MAIN.to_owned(), on_at: 0, at_ms, action, literal });
    };
    let on: String = reader.typed(value, "`on` takes the name of a connection, such as \"main\"")?;
    if on.is_empty() {
        return Err(reader.refuse(value, "a connection's name is not empty; leave `on` out to mean \"main\""));
    }
    let on_at = reader.offset(value);
    Ok(Line { on, on_at, at_ms, action, literal })
}

/// What the object has that the line is.
fn members<'line>(reader: &FrameReader<'line, '_>) -> Result<Vec<Member<'line>>, Refusal> {
    if let Ok(members) = Member::all(reader.line) {
        return Ok(members);
    }
    let raw: &RawValue = serde_json::from_str(reader.line).map_err(|error| not_json(reader.line, &error))?;
    match reader.open(raw)? {
        Layer::Object(members) => Ok(members),
        _ => Err(reader.refuse(raw, "a step is a JSON object, such as {\"note\":\"…\"}")),
    }
}

fn action<'line>(
    reader: &mut FrameReader<'line, '_>,
    key: &'line RawValue,
    name: &str,
    value: &'line RawValue,
) -> Result<Action, Refusal> {
    Ok(match name {
        "note" => Action::Note(reader.string(name, value)?),
        "send" => {
            must_be_frame(reader, name, value)?;
            Action::Send(reader.template(value)?)
        }
        "send_text" => Action::SendText(reader.string(name, value)?),
        "send_text_hex" => Action::SendTextBytes(hex(reader, name, value)?),
        "send_binary" => Action::SendBinary(hex(reader, name, value)?),
        "expect" => {
            must_be_frame(reader, name, value)?;
            Action::Expect(reader.pattern(value)?)
        }
        "expect_text" => Action::ExpectText(reader.string(name, value)?),
        "expect_close" => Action::ExpectClose(expected_close(reader, value)?),
        "close" => Action::Close(close_code(reader, value)?),
        "request" => Action::Request(http::request(reader, value)?),
        "response" => Action::Response(http::response(reader, value)?),
        "secret" => Action::Secret(secret(reader, value)?),
        _ => {
            let message = format!("unknown key `{name}`; a line has one of {ACTIONS}, and perhaps on and at_ms");
            return Err(reader.refuse(key, message));
        }
    })
}

/// Whether this expects a frame that has no placeholders.
fn is_literal(action: &Action) -> bool {
    matches!(action, Action::Expect(pattern) if pattern.placeholders() == 0)
}

fn must_be_frame(reader: &FrameReader<'_, '_>, name: &str, value: &RawValue) -> Result<(), Refusal> {
    if value.get().starts_with('{') {
        return Ok(());
    }
    Err(reader.refuse(value, format!("`{name}` takes a JSON object; use `{name}_text` for any other text")))
}

fn expected_close<'line>(reader: &FrameReader<'line, '_>, value: &'line RawValue) -> Result<ExpectedClose, Refusal> {
    let Layer::Object(members) = reader.open(value)? else {
        return Ok(ExpectedClose { code: close_code(reader, value)?, reason: None });
    };
    let mut code = None;
    let mut reason = None;
    for Member { key, name, value } in members {
        match name.as_str() {
            "code" if code.is_none() => code = Some(close_code(reader, value)?),
            "reason" if reason.is_none() => reason = Some(reader.string(&name, value)?),
            _ => {
                let message = format!("`{name}` is unknown here or stands twice; a close has one code and one reason");
                return Err(reader.refuse(key, message));
            }
        }
    }
    let code = code.ok_or_else(|| reader.refuse(value, "a close without code; add \"code\":1008"))?;
    Ok(ExpectedClose { code, reason })
}

/// The name of a secret, which nothing is bound to yet.
fn secret(reader: &mut FrameReader<'_, '_>, value: &RawValue) -> Result<String, Refusal> {
    let name = reader.string("secret", value)?;
    if !is_word(&name) || Kind::named(&name).is_some() {
        let message =
            "the name of a secret has lower case letters, digits and _, such as \"token_1\", and is no kind of value";
        return Err(reader.refuse(value, message));
    }
    if !reader.names.insert(name.clone()) {
        return Err(reader.refuse(value, format!("`{name}` has a value before this; choose another name")));
    }
    Ok(name)
}

/// A close code; 1005 (no code) and 1006 (no close frame) stand for what no close frame can say (RFC 6455, 7.4.1).
fn close_code(reader: &FrameReader<'_, '_>, value: &RawValue) -> Result<u16, Refusal> {
    let code: Option<u16> = serde_json::from_str(value.get()).ok();
    code.filter(|code| matches!(code, 1000..=1003 | 1005..=1014 | 3000..=4999))
        .ok_or_else(|| reader.refuse(value, "not a close code; write one of 1000-1003, 1005-1014 or 3000-4999"))
}

fn hex(reader: &FrameReader<'_, '_>, name: &str, value: &RawValue) -> Result<Vec<u8>, Refusal> {
    let wrong = format!("`{name}` takes bytes in hexadecimal, two digits each, such as \"c3 28\"");
    let text: String = reader.typed(value, &wrong)?;
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = digits.chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    bytes.collect::<Option<_>>().ok_or_else(|| reader.refuse(value, wrong))
}

fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    let (at, message) = json_fault(error);
    if error.is_eof() {
        let message = format!("the line is cut short ({message}); a step is one JSON object, whole, on one line");
        return Refusal { at: text.trim_end().len(), message };
    }
    if text.starts_with('\u{feff}') {
        let message = "a byte order mark stands before the step; save the file as UTF-8 without one".to_owned();
        return Refusal { at: 0, message };
    }
    Refusal { at, message: format!("not JSON ({message}); a step is one JSON object on one line") }
}

#[cfg(test)]
mod tests {
    use super::super::Transcript;
    use super::*;

    #[track_caller]
    fn refused(line: &str, column: usize, message: &str) {
        let error = Transcript::parse("x.jsonl", format!("\n{line}")).expect_err("the line is refused").to_string();
        let expected = format!("x.jsonl:2:{column}: {message}");
        assert!(error.starts_with(&expected), "\n     got {error}\nexpected {expected}");
    }

    fn action(line: &str) -> Action {
        read(line, &mut BTreeSet::new()).ok().expect("the line is well formed").action
    }

    #[test]
    fn a_line_that_is_cut_short_is_refused() {
        refused(r#"{"send":{"method":"PI"#, 22, "the line is cut short");
        refused(r#"{"note":"x""#, 12, "the line is cut short");
    }

    #[test]
    fn a_line_that_is_not_json_is_refused() {
        refused("send PING", 1, "not JSON (expected value)");
        refused(r#"{"send":{"a":01}}"#, 15, "not JSON (invalid number)");
        refused(r#"{"note":"x"} {"note":"y"}"#, 14, "not JSON (trailing characters)");
        refused(r#"{"expect":{"a":"\ud800"}}"#, 23, "not JSON: unexpected end of hex escape");
        refused("[1]", 1, "a step is a JSON object");
    }

    #[test]
    fn keys_are_known_and_the_action_is_one() {
        refused(r#"{"on":"a","recieve":{}}"#, 11, "unknown key `recieve`; a line has one of note, send,");
        refused(r#"{"send":{},"expect":{}}"#, 12, "`expect` is a second action in this line");
        refused(r#"{"on":"a","note":"","on":"b"}"#, 21, "`on` stands twice");
        refused(r#"  {"on":"a"}"#, 3, "no action; write one of note,");
    }

    #[test]
    fn an_action_takes_its_type_only() {
        refused(r#"{"send":"PING"}"#, 9, "`send` takes a JSON object; use `send_text`");
        refused(r#"{"expect":[]}"#, 11, "`expect` takes a JSON object; use `expect_text`");
        refused(r#"{"note":1}"#, 9, "`note` takes a string");
        refused(r#"{"note":"","on":1}"#, 17, "`on` takes the name");
        refused(r#"{"note":"","on":""}"#, 17, "a connection's name is not empty");
    }

    #[test]
    fn close_codes_are_those_of_the_protocol() {
        for bad in ["999", "1004", "1015", "2000", "5000", "65536", "-1", "1000.0", r#""1000""#] {
            refused(&format!(r#"{{"close":{bad}}}"#), 10, "not a close code; write one of 1000-1003, 1005-1014");
        }
        assert_eq!(action(r#"{"close":1006}"#), Action::Close(1006));
        assert_eq!(action(r#"{"expect_close":1006}"#), Action::ExpectClose(ExpectedClose { code: 1006, reason: None }));
        refused(r#"{"expect_close":{"code":1004}}"#, 25, "not a close code");
        refused(r#"{"expect_close":{"reason":"x"}}"#, 17, "a close without code");
        refused(r#"{"expect_close":{"code":1008,"why":"x"}}"#, 30, "`why` is unknown here");
    }

    #[test]
    fn a_secret_is_a_name_that_is_new() {
        assert_eq!(action(r#"{"secret":"token_1"}"#), Action::Secret("token_1".to_owned()));
        refused(r#"{"secret":"Token 1"}"#, 11, "the name of a secret has lower case letters");
        refused(r#"{"secret":"digits"}"#, 11, "the name of a secret has lower case letters");
        let twice = Transcript::parse("x", "{\"secret\":\"a\"}\n{\"expect\":{\"a\":\"<a>\"}}\n{\"secret\":\"a\"}");
        let error = twice.expect_err("the second is refused").to_string();
        assert!(error.starts_with("x:3:11: `a` has a value before this"), "{error}");
    }

    #[test]
    fn the_time_is_in_whole_milliseconds() {
        assert_eq!(read(r#"{"note":"","at_ms":17}"#, &mut BTreeSet::new()).ok().and_then(|line| line.at_ms), Some(17));
        refused(r#"{"note":"","at_ms":1.5}"#, 20, "`at_ms` takes whole milliseconds");
        refused(r#"{"at_ms":1,"note":"","at_ms":2}"#, 22, "`at_ms` stands twice");
    }

    #[test]
    fn bytes_are_written_in_hexadecimal() {
        assert_eq!(action(r#"{"send_binary":"c3 28 FF"}"#), Action::SendBinary(vec![0xc3, 0x28, 0xff]));
        assert_eq!(action(r#"{"send_text_hex":""}"#), Action::SendTextBytes(vec![]));
        for bad in ["c", "c3 2", "zz", "é"] {
            refused(&format!(r#"{{"send_binary":"{bad}"}}"#), 16, "`send_binary` takes bytes in hexadecimal");
        }
    }

    #[test]
    fn placeholders_are_checked() {
        refused(
            r#"{"send":{"a":["<any>"]}}"#,
            15,
            r#"<any> can be expected, not sent; send a value, or write "\u003cany>""#,
        );
        refused(r#"{"expect":{"a":"<thing as b>"}}"#, 16, "`thing` is no kind of value");
        refused(r#"{"expect":{"a":"<any as digits>"}}"#, 16, "`digits` is the name of a kind");
        refused(r#"{"expect":{"a":1,"a":2}}"#, 18, "this key stands twice");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(r#"{{"send":{{"a":{}{}}}}}"#, "[".repeat(128), "]".repeat(128));
        refused(&deep, 141, "nested more than 128 deep; send it with `send_text`");
    }
}

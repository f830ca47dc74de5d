//! This is where transcripts are read, written and read again.

use serde_json::value::RawValue;

use crate::transcript::bindings::Bindings;
use crate::transcript::bless::rewrite::{frame_of, literal, member_replaced};
use crate::transcript::json::{Json, quoted};
use crate::transcript::matching::compare;
use crate::transcript::{Action, ExpectedClose, Step, Transcript};

/// Reads a transcript, and each of its lines as a frame that is recorded.
pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    text.lines().for_each(recorded);
    let Ok(transcript) = Transcript::parse("read", text) else { return };
    let steps = steps(&transcript);
    let written: Vec<String> = steps.iter().map(written).collect();
    let again = Transcript::parse("written", written.join("\n"));
    let again = again.unwrap_or_else(|error| panic!("{error}\n{}", written.join("\n")));
    let read = |steps: &[Step]| -> Vec<_> { steps.iter().map(|s| (s.on.clone(), s.at_ms, s.action.clone())).collect() };
    assert_eq!(read(&self::steps(&again)), read(&steps));
}

fn steps(transcript: &Transcript) -> Vec<Step> {
    let steps = transcript.steps().expect("a text can be read");
    steps.collect::<Result<_, _>>().expect("the transcript was read before")
}

/// A step as a line, anew: but for requests, which nothing writes anew.
fn written(step: &Step) -> String {
    let hex = |bytes: &[u8]| quoted(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let replaced = |key: &str, value: String| member_replaced(&step.text, key, key, &value);
    match &step.action {
        Action::Note(text) => replaced("note", quoted(text)),
        Action::Send(_) | Action::Request(_) => step.text.clone(),
        Action::SendText(text) => replaced("send_text", quoted(text)),
        Action::SendTextBytes(bytes) => replaced("send_text_hex", hex(bytes)),
        Action::SendBinary(bytes) => replaced("send_binary", hex(bytes)),
        Action::Expect(pattern) => {
            let frame = frame_of(Some(pattern), &value(step, "expect"), &[]);
            replaced("expect", frame.expect("what is expected can be expected again"))
        }
        Action::ExpectText(text) => replaced("expect_text", quoted(text)),
        Action::ExpectClose(ExpectedClose { code, reason: None }) => replaced("expect_close", code.to_string()),
        Action::ExpectClose(ExpectedClose { code, reason: Some(reason) }) => {
            replaced("expect_close", format!("{{\"code\":{code},\"reason\":{}}}", quoted(reason)))
        }
        Action::Close(code) => replaced("close", code.to_string()),
        Action::Response(response) => {
            let frame = frame_of(Some(&response.pattern), &value(step, "response"), &[]);
            replaced("response", frame.expect("what is expected can be expected again"))
        }
        Action::Secret(name) => replaced("secret", quoted(name)),
    }
}

/// What stands in a line under a key.
fn value(step: &Step, key: &str) -> String {
    let members: std::collections::HashMap<String, &RawValue> =
        serde_json::from_str(&step.text).expect("the line was read before");
    members[key].get().to_owned()
}

/// A frame that came, written as one that is expected, expects just that frame.
fn recorded(text: &str) {
    let value = Json::parse(text);
    assert_eq!(value.as_ref().ok(), Json::parse_carefully(text).ok().as_ref());
    let (Ok(value), Some(frame)) = (value, literal(text)) else { return };
    let line = format!("{{\"expect\":{frame}}}");
    let transcript = match Transcript::parse("recorded", &*line) {
        Ok(transcript) => transcript,
        // Within a line it is one level deeper.
        Err(error) if ["recursion limit", "nested more than"].iter().any(|why| error.to_string().contains(why)) => {
            return;
        }
        Err(error) => panic!("{error}: {line}"),
    };
    let [step] = &*steps(&transcript) else { panic!("{line} is one step") };
    let Action::Expect(pattern) = &step.action else { panic!("{line} expects a frame") };
    let came = compare(pattern, &value, &mut Bindings::default());
    assert!(came.is_ok(), "{came:?}: {line}");
    assert!(compare(pattern, &Json::Null, &mut Bindings::default()).is_err(), "{line} expects anything");
}

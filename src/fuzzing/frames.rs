//! This is where frames are read both ways, in one go and in steps, and what their answers echo is held against what was sent.

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::methods::{Change, Command};
use crate::wire::envelope::{self, Reference};
use crate::wire::error::Error;
use crate::wire::frame::{self, Called};

/// A member that no method knows, under a name with an escape: a message that has it is read in steps, and comes to the same.
const UNUSUAL: &str = r#"{"\u0000":0,"#;

/// What stands in a message or its answer, as it stands there.
#[derive(Deserialize)]
struct Echoed<'a> {
    #[serde(borrow)]
    reference: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    short: Option<&'a RawValue>,
}

impl<'a> Echoed<'a> {
    fn of(text: &'a str) -> [Option<&'a str>; 2] {
        let Self { reference, short } = serde_json::from_str(text).expect("an object was read");
        [reference, short].map(|raw| raw.map(RawValue::get))
    }
}

/// Reads a frame.
pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (opened, at_once) = (envelope::open(text), Command::open(text));
    let (method, reference) = match &opened {
        Ok(envelope) => (&*envelope.method, &envelope.reference),
        Err((error, reference)) => {
            assert!(at_once.is_none(), "read in one go, though {error}");
            if present(reference) != [None, None] {
                echoes(text, reference, error);
            }
            return;
        }
    };
    let read = Command::read(method, text);
    if let Err(error) = &read {
        assert!(at_once.is_none(), "read in one go, though {error}");
        return echoes(text, reference, error);
    }
    if let Some((command, reference_at_once)) = at_once {
        assert_eq!(present(&reference_at_once), present(reference));
        assert_eq!(command.which().call().method, method);
        let slowly = Command::read(method, &text.replacen('{', UNUSUAL, 1));
        assert_eq!(format!("{:?}", slowly.as_ref()), format!("{:?}", Ok::<_, &Error>(&command)));
    }
    echoes(text, reference, &Error::field("method", "is only tried"));
    if let Ok(Command::Change(change)) = read {
        written_again(&change);
    }
}

fn present(reference: &Reference) -> [Option<&str>; 2] {
    [&reference.reference, &reference.short].map(|text| text.as_ref().map(CompactString::as_str))
}

/// The answer has the reference byte for byte.
fn echoes(text: &str, reference: &Reference, error: &Error) {
    let refused = frame::refusal(error, Some("method"), reference, Called::Error);
    assert_eq!(Echoed::of(&refused), Echoed::of(text));
}

/// What is journaled of a change is read as that change.
fn written_again(change: &Change) {
    // A secret in clear is hashed before it is written.
    let shown = format!("{change:?}");
    if ["Secret(…)", "Password(…)"].iter().any(|hidden| shown.contains(hidden)) {
        return;
    }
    let mut written = Vec::new();
    change.write(&mut written);
    let text = std::str::from_utf8(&written).expect("JSON is text");
    let again =
        Change::read(change.which().call().method, text).expect("its method is known").expect("it was written whole");
    let mut twice = Vec::new();
    again.write(&mut twice);
    assert_eq!(text, String::from_utf8_lossy(&twice));
}

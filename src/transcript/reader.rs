//! Where in a line its parts stand, and what is wrong with them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{JsonError, Layer, deeper};
use super::placeholder::Placeholder;

/// Why a line is refused, and at which byte of it.
pub(super) struct Refusal {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Reads the frames of one line, and keeps account of the names bound so far.
pub(super) struct FrameReader<'line, 'names> {
    pub(super) line: &'line str,
    pub(super) names: &'names mut BTreeSet<String>,
}

impl<'line> FrameReader<'line, '_> {
    /// Opens a value; an error in it is located in the line.
    pub(super) fn open(&self, raw: &'line RawValue) -> Result<Layer<'line>, Refusal> {
        Layer::of(raw).map_err(|error| self.located(raw, &error))
    }

    /// A refusal of this part of the line.
    pub(super) fn refuse(&self, raw: &RawValue, message: impl Into<String>) -> Refusal {
        Refusal { at: self.offset(raw), message: message.into() }
    }

    /// A value of one type; `wrong` says which one is taken.
    pub(super) fn typed<T: Deserialize<'line>>(&self, value: &'line RawValue, wrong: &str) -> Result<T, Refusal> {
        serde_json::from_str(value.get()).map_err(|_| self.refuse(value, wrong))
    }

    /// The string under a key.
    pub(super) fn string(&self, name: &str, value: &'line RawValue) -> Result<String, Refusal> {
        self.typed(value, &format!("`{name}` takes a string"))
    }

    /// The placeholder that a string is, if it is one.
    pub(super) fn placeholder(&self, raw: &'line RawValue) -> Result<Option<Placeholder>, Refusal> {
        Placeholder::read(raw.get()).transpose().map_err(|message| self.refuse(raw, message))
    }

    /// Refuses a name that has no value yet.
    pub(super) fn must_be_bound(&self, raw: &'line RawValue, name: &str) -> Result<(), Refusal> {
        if self.names.contains(name) {
            return Ok(());
        }
        let message = format!(
            "no value is bound to `{name}` before this; expect \"<any as {name}>\" first, or write {} for the text itself",
            escaped(raw)
        );
        Err(self.refuse(raw, message))
    }

    /// One level less to go.
    pub(super) fn deeper(&self, raw: &'line RawValue, depth: usize) -> Result<usize, Refusal> {
        deeper(depth).map_err(|error| self.located(raw, &error))
    }

    fn located(&self, raw: &'line RawValue, error: &JsonError) -> Refusal {
        match error {
            JsonError::Malformed(error) => {
                let (within, message) = json_fault(error);
                let message = format!("not JSON: {message}; correct it, or send it with `send_text`");
                Refusal { at: self.offset(raw) + within, message }
            }
            JsonError::TooDeep => self.refuse(raw, format!("{error}; send it with `send_text`")),
        }
    }

    /// Where in the line this part of it begins.
    pub(super) fn offset(&self, raw: &RawValue) -> usize {
        raw.get().as_ptr() as usize - self.line.as_ptr() as usize
    }
}

/// The byte a JSON error in a text of one line is at, and its message without the position in it.
pub(super) fn json_fault(error: &serde_json::Error) -> (usize, String) {
    let message = error.to_string();
    let bare = message.rsplit_once(" at line ").map_or(message.as_str(), |(bare, _)| bare);
    (error.column().saturating_sub(1), bare.to_owned())
}

/// A placeholder's text, written so that it is literal.
pub(super) fn escaped(raw: &RawValue) -> String {
    raw.get().replacen('<', "\\u003c", 1)
}

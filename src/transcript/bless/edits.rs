//! What has to be edited in a transcript: lines changed, added and removed, and all others left as they are, to the byte.

use std::collections::BTreeMap;

use super::super::exchange::{Close, Frame};
use super::super::json::quoted;
use super::super::line;
use super::super::matching::Difference;
use super::super::{Action, Step};
use super::rewrite::{frame_of, literal, member_replaced};

/// The edits of one transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    lines: BTreeMap<usize, Edit>,
}

/// What becomes of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Edit {
    before: Vec<String>,
    /// The line anew; gone where that is `None`.
    line: Option<Option<String>>,
    after: Vec<String>,
}

impl Edits {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many lines expect something else now.
    pub fn changed(&self) -> usize {
        self.lines.values().filter(|edit| matches!(edit.line, Some(Some(_)))).count()
    }

    /// How many lines are added, for frames that no line expected.
    pub fn added(&self) -> usize {
        self.lines.values().map(|edit| edit.before.len() + edit.after.len()).sum()
    }

    /// How many lines are taken out, for their frames did not come.
    pub fn removed(&self) -> usize {
        self.lines.values().filter(|edit| edit.line == Some(None)).count()
    }

    /// The text of the transcript, edited.
    pub fn applied(&self, text: &str) -> String {
        let mut edited = String::with_capacity(text.len());
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let Some(edit) = self.lines.get(&(index + 1)) else {
                edited.push_str(line);
                continue;
            };
            // The last line may lack it.
            let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
            let own = edit.line.clone().unwrap_or_else(|| Some(line.trim_end_matches(['\r', '\n']).to_owned()));
            for line in edit.before.iter().chain(&own).chain(&edit.after) {
                edited.push_str(line);
                edited.push_str(end);
            }
        }
        edited
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, step: &Step) -> bool {
        self.of(step).line = Some(None);
        true
    }

    /// Makes a line expect what came.
    pub(super) fn change(&mut self, step: &Step, frame: &Frame, differences: &[Difference]) -> bool {
        let Frame::Text(text) = frame else { return false };
        let value = match &step.action {
            Action::Expect(pattern) => frame_of(Some(pattern), text, differences),
            _ => None,
        };
        let line = match value {
            Some(value) => member_replaced(&step.text, step.action.key(), "expect", &value),
            None => member_replaced(&step.text, step.action.key(), "expect_text", &quoted(text)),
        };
        self.of(step).line = Some(Some(line));
        true
    }

    /// Makes a line expect the close that came.
    pub(super) fn change_close(&mut self, step: &Step, close: &Close) -> bool {
        let line = member_replaced(&step.text, step.action.key(), "expect_close", &close.written());
        self.of(step).line = Some(Some(line));
        true
    }

    /// Adds a line that expects a frame.
    pub(super) fn add_before(&mut self, step: &Step, frame: &Frame) -> bool {
        let Some(line) = expecting(frame, &step.on) else { return false };
        self.of(step).before.push(line);
        true
    }

    /// The same, behind the line.
    pub(super) fn add_after(&mut self, step: &Step, frame: &Frame) -> bool {
        let Some(line) = expecting(frame, &step.on) else { return false };
        self.of(step).after.push(line);
        true
    }

    fn of(&mut self, step: &Step) -> &mut Edit {
        self.lines.entry(step.line).or_default()
    }
}

/// A new line that expects a frame. No line expects a binary one, since no gateway of this kind sends any.
fn expecting(frame: &Frame, on: &str) -> Option<String> {
    let Frame::Text(text) = frame else { return None };
    let (key, value) = match literal(text) {
        Some(value) => ("expect", value),
        None => ("expect_text", quoted(text)),
    };
    let on = if on == line::MAIN { String::new() } else { format!(",\"on\":{}", quoted(on)) };
    Some(format!("{{\"{key}\":{value}{on}}}"))
}

impl Close {
    /// As a transcript has it.
    fn written(&self) -> String {
        if self.reason.is_empty() {
            return self.code.to_string();
        }
        serde_json::json!({ "code": self.code, "reason": self.reason }).to_string()
    }
}

//! What has to be edited in a transcript: lines changed, moved, added and removed, and all others left as they are, to the
//! byte.

use std::collections::BTreeMap;

use regex::Regex;

use super::super::bindings::Bindings;
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
    /// The names of secrets that the transcript leaves out.
    pub(super) secrets: Vec<String>,
}

/// What becomes of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Edit {
    before: Vec<Put>,
    own: Own,
    after: Vec<String>,
}

/// What becomes of the line itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Own {
    #[default]
    Same,
    Changed(String),
    Moved,
    Removed,
}

/// What is put before a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Put {
    New(String),
    /// The line of this number.
    Line(usize),
}

impl Edit {
    /// What is new.
    fn written(&mut self) -> impl Iterator<Item = &mut String> {
        let before = self.before.iter_mut().filter_map(|put| match put {
            Put::New(line) => Some(line),
            Put::Line(_) => None,
        });
        let own = match &mut self.own {
            Own::Changed(line) => Some(line),
            _ => None,
        };
        before.chain(own).chain(&mut self.after)
    }
}

impl Edits {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many lines expect something else now.
    pub fn changed(&self) -> usize {
        self.count(|own| matches!(own, Own::Changed(_)))
    }

    /// How many lines stand elsewhere, for their frames come earlier.
    pub fn moved(&self) -> usize {
        self.count(|own| *own == Own::Moved)
    }

    /// How many lines are taken out, for their frames did not come.
    pub fn removed(&self) -> usize {
        self.count(|own| *own == Own::Removed)
    }

    /// How many lines are added, for frames that no line expected.
    pub fn added(&self) -> usize {
        let new = |edit: &Edit| edit.before.iter().filter(|put| matches!(put, Put::New(_))).count();
        self.lines.values().map(|edit| new(edit) + edit.after.len()).sum()
    }

    fn count(&self, is: impl Fn(&Own) -> bool) -> usize {
        self.lines.values().filter(|edit| is(&edit.own)).count()
    }

    /// The text of the transcript, edited.
    pub fn applied(&self, text: &str) -> String {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut edited = String::with_capacity(text.len());
        for (index, line) in lines.iter().enumerate() {
            let Some(edit) = self.lines.get(&(index + 1)) else {
                edited.push_str(line);
                continue;
            };
            // The last line may lack it.
            let end = if ends_in_crlf(if line.ends_with('\n') { line } else { text }) { "\r\n" } else { "\n" };
            let before = edit.before.iter().map(|put| match put {
                Put::New(line) => line,
                Put::Line(number) => bare(lines[number - 1]),
            });
            let changed;
            let own = match &edit.own {
                Own::Same => Some(bare(line)),
                Own::Changed(new) => {
                    changed = bare(line).replacen(line.trim(), new, 1);
                    Some(&*changed)
                }
                Own::Moved | Own::Removed => None,
            };
            for line in before.chain(own).chain(edit.after.iter().map(String::as_str)) {
                edited.push_str(line);
                edited.push_str(end);
            }
        }
        if !text.ends_with('\n') {
            edited.truncate(bare(&edited).len());
        }
        edited
    }

    /// Takes out of the new lines what was given from outside: it was left out of the transcript for a reason.
    pub(super) fn hide(&mut self, given: &Bindings) {
        for (name, secret) in given.texts() {
            let whole = quoted(secret);
            let known = if self.secrets.iter().any(|known| known == name) { name } else { "string" };
            let inside = regex::escape(&whole[1..whole.len() - 1]);
            let inside = Regex::new(&format!(r#""(?:[^"\\]|\\.)*?{inside}(?:[^"\\]|\\.)*""#)).expect("it is escaped");
            for line in self.lines.values_mut().flat_map(Edit::written) {
                let named = line.replace(&whole, &format!("\"<{known}>\""));
                *line = inside.replace_all(&named, "\"<string>\"").into_owned();
            }
        }
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, step: &Step) -> bool {
        self.of(step).own = Own::Removed;
        true
    }

    /// Makes a line expect what came.
    pub(super) fn change(&mut self, step: &Step, frame: &Frame, differences: &[Difference]) -> bool {
        let text = match (&step.action, frame) {
            (_, Frame::Text(text)) => text,
            (Action::Response(expected), Frame::Response(response)) => {
                let came = expected.view(response);
                // Bytes that are no text are nothing that a line can expect.
                let value = if came.get("body_hex").is_some() { None } else { Some(came.to_string()) };
                let value = value.and_then(|came| frame_of(Some(&expected.pattern), &came, differences));
                let line = value.map(|value| member_replaced(&step.text, "response", "response", &value));
                return line.map(|line| self.of(step).own = Own::Changed(line)).is_some();
            }
            _ => return false,
        };
        let value = match &step.action {
            Action::Expect(pattern) => frame_of(Some(pattern), text, differences),
            _ => None,
        };
        let line = match value {
            Some(value) => member_replaced(&step.text, step.action.key(), "expect", &value),
            None => member_replaced(&step.text, step.action.key(), "expect_text", &quoted(text)),
        };
        self.of(step).own = Own::Changed(line);
        true
    }

    /// Makes a line expect the close that came.
    pub(super) fn change_close(&mut self, step: &Step, close: &Close) -> bool {
        let line = member_replaced(&step.text, step.action.key(), "expect_close", &close.written());
        self.of(step).own = Own::Changed(line);
        true
    }

    /// Moves a later line before this one.
    pub(super) fn put_before(&mut self, step: &Step, line: usize) -> bool {
        self.lines.entry(line).or_default().own = Own::Moved;
        self.of(step).before.push(Put::Line(line));
        true
    }

    /// Adds a line that expects a frame.
    pub(super) fn add_before(&mut self, step: &Step, frame: &Frame) -> bool {
        let Some(line) = expecting(frame, &step.on) else { return false };
        self.of(step).before.push(Put::New(line));
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

/// Whether the first line of a text does.
fn ends_in_crlf(text: &str) -> bool {
    text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n"))
}

/// A line without its end.
fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
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

//! A frame that came, and whether it is the one that a line expects.

use std::sync::OnceLock;

use super::bindings::Bindings;
use super::exchange::{Close, Frame};
use super::failure::Fault;
use super::ignore::Ignore;
use super::json::{Json, JsonError, quoted};
use super::matching::{Difference, DifferenceKind, differences, fits};
use super::pattern::Pattern;
use super::{Action, ExpectedClose, Step};

/// A frame that came from the gateway. It is read as JSON at most once, however many lines it is held against.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) frame: Frame,
    json: OnceLock<Result<Json, JsonError>>,
}

/// What frames are held against, beside the line.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) bindings: &'c Bindings,
    pub(super) ignore: &'c Ignore,
}

impl Came {
    pub(super) fn new(frame: Frame) -> Self {
        Came { frame, json: OnceLock::new() }
    }

    /// What names are bound to, if this is the frame that a line expects.
    pub(super) fn fits(&self, expected: &Step, context: Context<'_>) -> Option<Bindings> {
        if self.is_literally(expected) {
            return Some(Bindings::default());
        }
        match (&expected.action, &self.frame) {
            (Action::Expect(pattern), Frame::Text(text)) if context.ignore.is_empty() => {
                fits(pattern, self.json(text).as_ref().ok()?, context.bindings)
            }
            _ => self.judged(expected, context).ok(),
        }
    }

    /// The same, and if it is another frame, what is wrong with it.
    pub(super) fn judged(&self, expected: &Step, context: Context<'_>) -> Result<Bindings, Fault> {
        if self.is_literally(expected) {
            return Ok(Bindings::default());
        }
        match (&expected.action, &self.frame) {
            (Action::ExpectClose(expected), Frame::Close(close)) if expected.accepts(close) => Ok(Bindings::default()),
            (Action::ExpectClose(_), Frame::Close(close)) => Err(Fault::OtherClose(close.clone())),
            (Action::ExpectClose(_), actual) => Err(Fault::NotClosed { actual: actual.clone() }),
            (_, Frame::Close(close)) => Err(Fault::Closed(close.clone())),
            _ => match self.differences(expected, context) {
                (bound, differences) if differences.is_empty() => Ok(bound),
                (_, differences) => Err(Fault::Changed { actual: self.frame.clone(), differences }),
            },
        }
    }

    /// Every difference to what a line expects, and what names are bound to all the same.
    pub(super) fn differences(&self, expected: &Step, context: Context<'_>) -> (Bindings, Vec<Difference>) {
        let differences = match (&expected.action, &self.frame) {
            (Action::Expect(pattern), Frame::Text(text)) => match self.json(text) {
                Ok(actual) => return compared(pattern, actual, context),
                Err(error) => unlike(pattern.to_string(), "a text that cannot be compared", error),
            },
            (Action::Response(expected), Frame::Response(response)) => {
                return compared(&expected.pattern, &expected.view(response), context);
            }
            (Action::ExpectText(expected), Frame::Text(text)) if text == expected => Vec::new(),
            (Action::ExpectText(expected), Frame::Text(text)) => {
                let kind = DifferenceKind::Different { expected: quoted(expected), actual: quoted(text) };
                vec![Difference { path: "$".to_owned(), kind }]
            }
            (action, frame) => {
                let kind = if matches!(frame, Frame::Close(_)) { "the end" } else { "a binary frame" };
                unlike(action.expected().unwrap_or_default(), kind, frame)
            }
        };
        (Bindings::default(), differences)
    }

    /// Whether it is a text of this JSON value.
    pub(super) fn is_json(&self, value: &str) -> bool {
        let Frame::Text(text) = &self.frame else { return false };
        matches!((self.json(text), Json::parse(value)), (Ok(actual), Ok(value)) if *actual == value)
    }

    fn is_literally(&self, expected: &Step) -> bool {
        matches!((&self.frame, expected.literal()), (Frame::Text(actual), Some(text)) if actual == text)
    }

    fn json(&self, text: &str) -> &Result<Json, JsonError> {
        self.json.get_or_init(|| Json::parse(text))
    }
}

impl ExpectedClose {
    fn accepts(&self, close: &Close) -> bool {
        self.code == close.code && self.reason.as_ref().is_none_or(|reason| *reason == close.reason)
    }
}

fn compared(expected: &Pattern, actual: &Json, context: Context<'_>) -> (Bindings, Vec<Difference>) {
    let (bound, mut differences) = differences(expected, actual, context.bindings);
    context.ignore.drop_from(&mut differences, expected, actual);
    (bound, differences)
}

/// The one difference of a frame that has no parts to compare.
fn unlike(expected: String, actual_type: &'static str, actual: &impl ToString) -> Vec<Difference> {
    let kind = DifferenceKind::WrongType { expected, actual_type, actual: actual.to_string() };
    vec![Difference { path: "$".to_owned(), kind }]
}

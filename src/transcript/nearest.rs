//! The recorded frames that are most like one that came, for whoever looks why it was not expected.

use super::came::{Came, Context};
use super::exchange::Frame;
use super::failure::Nearest;
use super::json::Json;
use super::{Action, Step};

/// How many are told.
const NEAREST_MAX: usize = 3;
/// How much of each is told, in characters.
const SHOWN_CHARS_MAX: usize = 160;

/// The nearest of some lines; none that has nothing in common with the frame.
pub(super) fn nearest<'s>(
    came: &Came,
    lines: impl Iterator<Item = &'s Step>,
    failed: usize,
    context: Context<'_>,
) -> Vec<Nearest> {
    let parts = parts(came);
    let distance = |line: usize| line.abs_diff(failed);
    let mut found: Vec<(usize, &Step)> = lines
        .filter(|step| matches!(step.action, Action::Expect(_) | Action::ExpectText(_)))
        .map(|step| (came.differences(step, context).1.len(), step))
        .filter(|(differences, _)| *differences < parts)
        .collect();
    found.sort_by_key(|(differences, step)| (*differences, distance(step.line)));
    found.truncate(NEAREST_MAX);
    let told = |(differences, step): (usize, &Step)| {
        let expected = shortened(step.action.expected().unwrap_or_default());
        Nearest { line: step.line, expected, differences }
    };
    found.into_iter().map(told).collect()
}

/// Whether a frame is more like one that is expected than unlike it.
pub(super) fn is_akin(came: &Came, differences: usize) -> bool {
    differences * 2 <= parts(came)
}

/// How many values a frame has that can differ.
fn parts(came: &Came) -> usize {
    match &came.frame {
        Frame::Text(text) => Json::parse(text).map_or(1, |value| leaves(&value)),
        _ => 1,
    }
}

fn leaves(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.iter().map(leaves).sum(),
        Json::Object(members) => members.values().map(leaves).sum(),
        _ => 1,
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

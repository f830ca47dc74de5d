//! What a JSON frame is made of, as far as a recording changes it: its texts and numbers, each with its place in the frame.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::super::json::{DEPTH_MAX, Layer, deeper};
use super::secrets;

/// A text or a number of a frame, or a whole part of it that is ignored.
#[derive(Default)]
pub(super) struct Leaf<'text> {
    /// As it stands in the frame.
    pub(super) raw: &'text str,
    /// The byte of the frame at which it begins.
    pub(super) at: usize,
    /// What a text says; `None` for a number.
    pub(super) plain: Option<String>,
    /// What it is called, where its key says that it is secret.
    pub(super) stem: Option<&'static str>,
    /// Whether that is the key of an object around it, and not its own.
    pub(super) is_nested: bool,
    /// Whether its key says that it is when something happened, or will.
    pub(super) is_moment: bool,
    /// Whether its key says that it comes from the client's earlier connections, which a fresh gateway has not seen.
    pub(super) is_of_earlier: bool,
    /// Whether it is, or is part of, what the client chose to find its answer by.
    pub(super) is_reference: bool,
    /// Whether nothing is to be expected of it; it may then be any value.
    pub(super) is_ignored: bool,
    /// Whether it is part of such a value.
    pub(super) is_hidden: bool,
}

/// A frame taken apart.
pub(super) struct Leaves<'text> {
    /// In the order of the frame.
    pub(super) leaves: Vec<Leaf<'text>>,
    /// The keys of all its objects.
    pub(super) keys: Vec<String>,
    /// Whether a key stands twice in an object.
    pub(super) repeats: bool,
}

/// What is known of a value from the keys above it.
#[derive(Clone, Copy, Default)]
struct Place<'name> {
    within: Option<&'name str>,
    stem: Option<&'static str>,
    is_whole: bool,
    is_nested: bool,
    is_moment: bool,
    is_of_earlier: bool,
    is_reference: bool,
    is_hidden: bool,
}

impl<'text> Leaves<'text> {
    /// Takes a JSON value apart; `None` where the text is none, or is nested too deep for a transcript. `ignored` are the
    /// normalised paths of what nothing is to be expected of.
    pub(super) fn of(text: &'text str, ignored: &'text BTreeSet<String>) -> Option<Leaves<'text>> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        let leaves = Leaves { leaves: Vec::new(), keys: Vec::new(), repeats: false };
        let mut walk = Walk { text, ignored, path: "$".to_owned(), leaves };
        walk.value(raw, Place::default(), DEPTH_MAX)?;
        Some(walk.leaves)
    }
}

struct Walk<'text> {
    text: &'text str,
    ignored: &'text BTreeSet<String>,
    path: String,
    leaves: Leaves<'text>,
}

impl<'text> Walk<'text> {
    fn value(&mut self, raw: &'text RawValue, mut place: Place<'_>, depth: usize) -> Option<()> {
        if !place.is_hidden && self.ignored.contains(&self.path) {
            let at = self.at(raw);
            let is_ignored = true;
            self.leaves.leaves.push(Leaf { raw: raw.get(), at, is_ignored, ..Leaf::default() });
            place.is_hidden = true;
        }
        match Layer::of(raw).ok()? {
            Layer::Null | Layer::Boolean(_) => {}
            Layer::Number(_) => self.leaf(raw, None, place),
            Layer::String(plain) => self.leaf(raw, Some(plain), place),
            Layer::Array(items) => {
                let depth = deeper(depth).ok()?;
                for (index, item) in items.into_iter().enumerate() {
                    self.below(|| format!("[{index}]"), |walk| walk.value(item, place, depth))?;
                }
            }
            Layer::Object(members) => {
                let depth = deeper(depth).ok()?;
                // The plural of a key says something about the texts right under it only.
                let place = if place.is_whole { place } else { Place { stem: None, ..place } };
                let mut seen = BTreeSet::new();
                for member in members {
                    let below = place.under(&member.name);
                    let step = || format!("[{}]", path_name(&member.name));
                    self.below(step, |walk| walk.value(member.value, below, depth))?;
                    self.leaves.keys.push(member.name.clone());
                    self.leaves.repeats |= !seen.insert(member.name);
                }
            }
        }
        Some(())
    }

    fn leaf(&mut self, raw: &'text RawValue, plain: Option<String>, place: Place<'_>) {
        let at = self.at(raw);
        let Place { stem, is_nested, is_moment, is_of_earlier, is_reference, is_hidden, .. } = place;
        let is_ignored = false;
        self.leaves.leaves.push(Leaf {
            raw: raw.get(),
            at,
            plain,
            stem,
            is_nested,
            is_moment,
            is_of_earlier,
            is_reference,
            is_ignored,
            is_hidden,
        });
    }

    fn at(&self, raw: &RawValue) -> usize {
        raw.get().as_ptr() as usize - self.text.as_ptr() as usize
    }

    /// Goes one step down the path and up again; the path is kept only where somebody asks for it.
    fn below<T>(&mut self, step: impl FnOnce() -> String, value: impl FnOnce(&mut Self) -> T) -> T {
        if self.ignored.is_empty() {
            return value(self);
        }
        let length = self.path.len();
        self.path.push_str(&step());
        let done = value(self);
        self.path.truncate(length);
        done
    }
}

impl<'name> Place<'name> {
    fn under(self, key: &'name str) -> Place<'name> {
        let stem = secrets::stem(key, self.within);
        Place {
            within: Some(key),
            stem: self.stem.or(stem),
            is_nested: self.stem.is_some(),
            is_whole: self.is_whole || (stem.is_some() && secrets::is_whole(key)),
            is_moment: key.ends_with("_at") || key.ends_with("At") || key.starts_with("expir"),
            is_of_earlier: key == "localId",
            is_reference: self.is_reference || key == "reference" || key == "ref",
            is_hidden: self.is_hidden,
        }
    }
}

/// A key in a normalised JSON path (RFC 9535, 2.7).
fn path_name(key: &str) -> String {
    let mut name = String::from("'");
    for char in key.chars() {
        match char {
            '\'' => name.push_str("\\'"),
            '\\' => name.push_str("\\\\"),
            '\n' => name.push_str("\\n"),
            '\r' => name.push_str("\\r"),
            '\t' => name.push_str("\\t"),
            '\u{8}' => name.push_str("\\b"),
            '\u{c}' => name.push_str("\\f"),
            char if char.is_control() && char.is_ascii() => name.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => name.push(char),
        }
    }
    name.push('\'');
    name
}

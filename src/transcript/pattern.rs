//! The frames of a transcript: a pattern is expected, a template is sent. Both are JSON with placeholders in it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde_json::value::RawValue;

use super::bindings::Bindings;
use super::json::{DEPTH_MAX, Json, Layer, write_array, write_object};
use super::placeholder::{Kind, Placeholder};
use super::quick::{self, Build};
use super::reader::{FrameReader, Refusal, escaped};
use super::text::TextPattern;

/// What an expected frame must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// A value that is only known by its kind, or from a frame before.
    Placeholder(Placeholder),
    /// A value without parts, to be equal.
    Leaf(Json),
    /// A text that has placeholders in it: a header's value.
    Text(TextPattern),
    /// An array, item by item.
    Array(Vec<Pattern>),
    /// An object, key by key, in the order of the text: a name may be bound and used in one frame.
    Object(Vec<(String, Pattern)>),
}

/// A frame to send: its exact text, and the places in it that are filled with bound values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    holes: Vec<(Range<usize>, String)>,
}

impl Template {
    /// The names whose values it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.holes.iter().map(|(_, name)| name.as_str())
    }

    /// The first name in it that has no value yet.
    pub(super) fn unbound(&self, bindings: &Bindings) -> Option<&str> {
        self.names().find(|name| bindings.get(name).is_none())
    }

    /// The frame's text; everything but the placeholders is left byte for byte as it stands in the transcript.
    pub(super) fn fill(&self, bindings: &Bindings) -> String {
        let mut filled = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (hole, name) in &self.holes {
            let value = bindings.get(name).expect("a frame is sent when all its names are bound");
            filled.push_str(&self.text[copied..hole.start]);
            filled.push_str(&value.to_string());
            copied = hole.end;
        }
        filled + &self.text[copied..]
    }
}

impl Template {
    /// The frames this could become: every value will do where a name stands, and is bound to it. `None` where a key stands
    /// twice, for which there is no pattern.
    pub(super) fn pattern(&self) -> Option<Pattern> {
        let mut names: BTreeSet<String> = self.holes.iter().map(|(_, name)| name.clone()).collect();
        let raw: &RawValue = serde_json::from_str(&self.text).expect("a template was read as JSON");
        let pattern = FrameReader { line: &self.text, names: &mut names }.pattern(raw).ok()?;
        Some(pattern.opened())
    }

    /// The frame's text, its placeholders as they are written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl From<TextPattern> for Pattern {
    fn from(text: TextPattern) -> Self {
        match text.literal() {
            Some(text) => Pattern::Leaf(Json::String(text.to_owned())),
            None => Pattern::Text(text),
        }
    }
}

impl Pattern {
    /// How many placeholders it has; the more, the more frames it accepts.
    pub(super) fn placeholders(&self) -> usize {
        match self {
            Pattern::Placeholder(_) | Pattern::Text(_) => 1,
            Pattern::Leaf(_) => 0,
            Pattern::Array(items) => items.iter().map(Pattern::placeholders).sum(),
            Pattern::Object(members) => members.iter().map(|(_, value)| value.placeholders()).sum(),
        }
    }

    fn opened(self) -> Pattern {
        match self {
            Pattern::Placeholder(Placeholder::Bound(name)) => {
                Pattern::Placeholder(Placeholder::Kind(Kind::Any, Some(name)))
            }
            Pattern::Array(items) => Pattern::Array(items.into_iter().map(Pattern::opened).collect()),
            Pattern::Object(members) => {
                Pattern::Object(members.into_iter().map(|(name, value)| (name, value.opened())).collect())
            }
            Pattern::Placeholder(_) | Pattern::Leaf(_) | Pattern::Text(_) => self,
        }
    }
}

/// Compact, placeholders as they are written.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Placeholder(placeholder) => write!(f, "\"{placeholder}\""),
            Pattern::Leaf(value) => value.fmt(f),
            Pattern::Text(text) => text.fmt(f),
            Pattern::Array(items) => write_array(f, items),
            Pattern::Object(members) => write_object(f, members.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl<'line> FrameReader<'line, '_> {
    /// Reads an expected frame.
    pub(super) fn pattern(&mut self, raw: &'line RawValue) -> Result<Pattern, Refusal> {
        match quick::read(raw.get(), &mut Patterns { names: self.names }) {
            Some(pattern) => Ok(pattern),
            None => self.pattern_within(raw, DEPTH_MAX),
        }
    }

    /// Reads a frame to be sent.
    pub(super) fn template(&mut self, raw: &'line RawValue) -> Result<Template, Refusal> {
        let mut holes = Vec::new();
        if !is_plainly_literal(raw.get()) {
            self.holes_within(raw, DEPTH_MAX, &mut holes)?;
        }
        let start = self.offset(raw);
        for (hole, _) in &mut holes {
            *hole = hole.start - start..hole.end - start;
        }
        Ok(Template { text: raw.get().to_owned(), holes })
    }

    fn pattern_within(&mut self, raw: &'line RawValue, depth: usize) -> Result<Pattern, Refusal> {
        Ok(match self.open(raw)? {
            Layer::Null => Pattern::Leaf(Json::Null),
            Layer::Boolean(value) => Pattern::Leaf(Json::Boolean(value)),
            Layer::Number(text) => Pattern::Leaf(Json::Number(text.to_owned())),
            Layer::String(text) => match self.placeholder(raw)? {
                Some(placeholder) => self.expected(raw, placeholder)?,
                None => Pattern::Leaf(Json::String(text)),
            },
            Layer::Array(items) => {
                let depth = self.deeper(raw, depth)?;
                let items = items.into_iter().map(|item| self.pattern_within(item, depth));
                Pattern::Array(items.collect::<Result<_, _>>()?)
            }
            Layer::Object(members) => {
                let depth = self.deeper(raw, depth)?;
                let mut seen = BTreeSet::new();
                let mut patterns = Vec::with_capacity(members.len());
                for member in members {
                    if !seen.insert(member.name.clone()) {
                        return Err(self.refuse(member.key, "this key stands twice in the object; keep one of the two"));
                    }
                    patterns.push((member.name, self.pattern_within(member.value, depth)?));
                }
                Pattern::Object(patterns)
            }
        })
    }

    fn expected(&mut self, raw: &'line RawValue, placeholder: Placeholder) -> Result<Pattern, Refusal> {
        match &placeholder {
            Placeholder::Kind(_, Some(name)) => {
                self.names.insert(name.clone());
            }
            Placeholder::Kind(_, None) => {}
            Placeholder::Bound(name) => self.must_be_bound(raw, name)?,
        }
        Ok(Pattern::Placeholder(placeholder))
    }

    fn holes_within(
        &self,
        raw: &'line RawValue,
        depth: usize,
        holes: &mut Vec<(Range<usize>, String)>,
    ) -> Result<(), Refusal> {
        match self.open(raw)? {
            Layer::Null | Layer::Boolean(_) | Layer::Number(_) => {}
            Layer::String(_) => match self.placeholder(raw)? {
                Some(Placeholder::Bound(name)) => {
                    self.must_be_bound(raw, &name)?;
                    let start = self.offset(raw);
                    holes.push((start..start + raw.get().len(), name));
                }
                Some(placeholder @ Placeholder::Kind(..)) => {
                    let message = format!(
                        "{placeholder} can be expected, not sent; send a value, or write {} to send this text itself",
                        escaped(raw)
                    );
                    return Err(self.refuse(raw, message));
                }
                None => {}
            },
            Layer::Array(items) => {
                let depth = self.deeper(raw, depth)?;
                for item in items {
                    self.holes_within(item, depth, holes)?;
                }
            }
            Layer::Object(members) => {
                let depth = self.deeper(raw, depth)?;
                for member in members {
                    self.holes_within(member.value, depth, holes)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a frame is seen at once to be one that is sent as it stands: no placeholder can be in it, no escape that means
/// nothing, and no nesting that is too deep.
fn is_plainly_literal(frame: &str) -> bool {
    let opening = |byte: &u8| matches!(byte, b'{' | b'[');
    !frame.contains("\"<")
        && !frame.contains('\\')
        && frame.as_bytes().iter().filter(|byte| opening(byte)).count() <= DEPTH_MAX
}

/// What is expected, read in one pass; the names it binds are added to those bound before.
struct Patterns<'n> {
    names: &'n mut BTreeSet<String>,
}

impl Build for Patterns<'_> {
    type Part = Pattern;

    fn null(&mut self) -> Pattern {
        Pattern::Leaf(Json::Null)
    }

    fn boolean(&mut self, value: bool) -> Pattern {
        Pattern::Leaf(Json::Boolean(value))
    }

    fn number(&mut self, text: String) -> Pattern {
        Pattern::Leaf(Json::Number(text))
    }

    fn string(&mut self, text: &str) -> Pattern {
        Pattern::Leaf(Json::String(text.to_owned()))
    }

    fn bare_string(&mut self, text: &str) -> Option<Pattern> {
        let read = if text.starts_with('<') { Placeholder::read(&format!("\"{text}\"")) } else { None };
        match read {
            None => Some(self.string(text)),
            Some(Ok(Placeholder::Bound(name))) if !self.names.contains(&name) => None,
            Some(Ok(placeholder)) => {
                if let Placeholder::Kind(_, Some(name)) = &placeholder {
                    self.names.insert(name.clone());
                }
                Some(Pattern::Placeholder(placeholder))
            }
            Some(Err(_)) => None,
        }
    }

    fn array(&mut self, items: Vec<Pattern>) -> Pattern {
        Pattern::Array(items)
    }

    fn object(&mut self, members: Vec<(String, Pattern)>) -> Pattern {
        Pattern::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::json::tests::written;
    use super::*;

    fn quickly(text: &str, names: &mut BTreeSet<String>) -> Option<Pattern> {
        quick::read(text, &mut Patterns { names })
    }

    fn carefully(text: &str, names: &mut BTreeSet<String>) -> Option<Pattern> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        FrameReader { line: text, names }.pattern_within(raw, DEPTH_MAX).ok()
    }

    proptest! {
        #[test]
        fn what_is_read_in_one_pass_is_what_the_careful_reader_reads(text in written()) {
            let (mut quick_names, mut names) = (BTreeSet::new(), BTreeSet::new());
            if let Some(quick) = quickly(&text, &mut quick_names) {
                prop_assert_eq!(carefully(&text, &mut names), Some(quick));
                prop_assert_eq!(quick_names, names);
            }
        }
    }

    #[test]
    fn plain_frames_are_read_in_one_pass() {
        let ack = r#"{"method":"x","signups":[{"id":"<digits as id>","tags":["4"]}],"same":"<id>","any":"<any>"}"#;
        assert!(quickly(ack, &mut BTreeSet::new()).is_some());
        assert!(quickly(r#"{"same":"<id>"}"#, &mut BTreeSet::new()).is_none());
    }
}

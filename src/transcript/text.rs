//! Texts with placeholders in them, such as paths and headers: a template is sent, a pattern is expected.

use std::fmt;

use regex::Regex;
use serde_json::value::RawValue;

use super::bindings::Bindings;
use super::json::{Json, quoted};
use super::placeholder::{Kind, Placeholder};
use super::reader::{FrameReader, Refusal};

/// A text to send, with places in it that are filled with bound values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate(Vec<Piece>);

/// What an expected text must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern(Vec<Piece>);

/// A part of a text; no two placeholders stand side by side where the text is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

impl TextTemplate {
    /// The names whose values it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Placeholder(Placeholder::Bound(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The text, every value put in as `put` has it.
    pub(super) fn fill(&self, bindings: &Bindings, put: impl Fn(String) -> String) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => filled.push_str(text),
                Piece::Placeholder(Placeholder::Kind(..)) => unreachable!("kinds are refused where a text is sent"),
                Piece::Placeholder(Placeholder::Bound(name)) => {
                    let value = bindings.get(name).expect("a transcript whose names are not bound in time is refused");
                    filled += &put(text_of(value));
                }
            }
        }
        filled
    }

    /// The text with something else in every place.
    pub(super) fn with(&self, filler: &str) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder(_) => filler.to_owned(),
        };
        self.0.iter().map(text).collect()
    }

    /// Whether it begins with a value.
    pub(super) fn begins_with_value(&self) -> bool {
        matches!(self.0.first(), Some(Piece::Placeholder(_)))
    }
}

impl TextPattern {
    /// The one text that it accepts, if it has no placeholders.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The values that names are bound to, if a text is as expected; `known` has those bound before.
    ///
    /// A value ends where the text goes on as it should for the first time.
    pub(super) fn fits(&self, text: &str, known: impl Fn(&str) -> Option<Json>) -> Option<Bindings> {
        let found = self.regex(&known).captures(text)?;
        let mut bound = Bindings::default();
        let placeholders = self.0.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder),
            Piece::Literal(_) => None,
        });
        for (placeholder, part) in placeholders.zip(found.iter().skip(1)) {
            let part = part.map(|part| part.as_str()).unwrap_or_default();
            let (value, name) = match placeholder {
                Placeholder::Kind(kind, None) => {
                    value(*kind, part)?;
                    continue;
                }
                Placeholder::Kind(kind, Some(name)) => (Some(value(*kind, part)?), name),
                Placeholder::Bound(name) => (None, name),
            };
            match (bound.get(name).cloned().or_else(|| known(name)), value) {
                (Some(same), _) if text_of(&same) == part => {}
                (None, Some(value)) => bound.insert(name.clone(), value),
                _ => return None,
            }
        }
        Some(bound)
    }

    /// One group for each placeholder; what is bound already ends where it does.
    fn regex(&self, known: impl Fn(&str) -> Option<Json>) -> Regex {
        let known = |name: &str| Some(regex::escape(&text_of(&known(name)?)));
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => regex::escape(text),
            Piece::Placeholder(Placeholder::Bound(name)) => {
                format!("({})", known(name).unwrap_or_else(|| ".*?".to_owned()))
            }
            Piece::Placeholder(Placeholder::Kind(kind, name)) => {
                let known = name.as_deref().and_then(known);
                format!("({})", known.unwrap_or_else(|| format!("{}?", shape(*kind))))
            }
        };
        let pieces: String = self.0.iter().map(piece).collect();
        Regex::new(&format!("(?s)^{pieces}$")).expect("what is escaped, and what is written here, is an expression")
    }
}

/// What a value looks like, roughly; [`Kind::accepts`] has the last word.
fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::String => ".*",
        Kind::Number | Kind::Integer => "[-+.0-9eE]+",
        Kind::Boolean => "[a-z]+",
        Kind::Digits => "[0-9]+",
        Kind::Uuid => "[-0-9A-Fa-f]+",
        Kind::Time => "[-+.:0-9TtZz]+",
    }
}

/// The value that a part of a text stands for, if it is of the kind.
fn value(kind: Kind, part: &str) -> Option<Json> {
    let value = match kind {
        Kind::Number | Kind::Integer | Kind::Boolean => Json::parse(part).ok()?,
        Kind::Any | Kind::String | Kind::Digits | Kind::Uuid | Kind::Time => Json::String(part.to_owned()),
    };
    kind.accepts(&value).then_some(value)
}

/// A value within a text: a string without its quotes.
fn text_of(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<'line> FrameReader<'line, '_> {
    /// Reads a text to be sent, with names in it.
    pub(super) fn text_template(&mut self, raw: &'line RawValue) -> Result<TextTemplate, Refusal> {
        let pieces = self.pieces(raw, |reader, at, placeholder| match placeholder {
            Placeholder::Bound(name) => reader.name_in_text(at, name),
            Placeholder::Kind(..) => {
                let message = format!(
                    "{placeholder} can be expected, not sent; send a value, or write \\u003c for the `<` itself"
                );
                Err(Refusal { at, message })
            }
        })?;
        Ok(TextTemplate(pieces))
    }

    /// Reads an expected text, with placeholders in it.
    pub(super) fn text_pattern(&mut self, raw: &'line RawValue) -> Result<TextPattern, Refusal> {
        let mut last = None;
        let pieces = self.pieces(raw, |reader, at, placeholder| {
            if last == Some(at) {
                let message = "two placeholders side by side: nobody knows where the first one ends; write one";
                return Err(Refusal { at, message: message.to_owned() });
            }
            last = Some(at + placeholder.to_string().len());
            match placeholder {
                Placeholder::Bound(name) => return reader.name_in_text(at, name),
                Placeholder::Kind(_, Some(name)) => drop(reader.names.insert(name.clone())),
                Placeholder::Kind(_, None) => {}
            }
            Ok(())
        })?;
        Ok(TextPattern(pieces))
    }

    /// Takes a string apart. Its raw text is, so that `\u003c` is the way to mean a `<` that is one.
    fn pieces(
        &mut self,
        raw: &'line RawValue,
        mut check: impl FnMut(&mut Self, usize, &Placeholder) -> Result<(), Refusal>,
    ) -> Result<Vec<Piece>, Refusal> {
        let inner = raw.get().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let inner = inner.ok_or_else(|| self.refuse(raw, "a string is needed here"))?;
        let literal = |text: &str| serde_json::from_str::<String>(&format!("\"{text}\"")).map(Piece::Literal);
        let start = self.offset(raw) + 1;
        let (mut pieces, mut copied, mut from) = (Vec::new(), 0, 0);
        while let Some(open) = inner[from..].find('<').map(|open| from + open) {
            from = open + 1;
            let Some(close) = inner[from..].find('>').map(|close| from + close) else { break };
            let Some(placeholder) = Placeholder::within(&inner[from..close]) else { continue };
            let at = start + open;
            let placeholder = placeholder.map_err(|message| Refusal { at, message })?;
            check(self, at, &placeholder)?;
            if copied < open {
                pieces.push(literal(&inner[copied..open]).map_err(|_| self.refuse(raw, "no text in UTF-8"))?);
            }
            pieces.push(Piece::Placeholder(placeholder));
            copied = close + 1;
            from = copied;
        }
        if copied < inner.len() {
            pieces.push(literal(&inner[copied..]).map_err(|_| self.refuse(raw, "no text in UTF-8"))?);
        }
        Ok(pieces)
    }

    fn name_in_text(&self, at: usize, name: &str) -> Result<(), Refusal> {
        if self.names.contains(name) {
            return Ok(());
        }
        let message = format!(
            "no value is bound to `{name}` before this; expect \"<any as {name}>\" first, or write \\u003c for the `<` \
             itself"
        );
        Err(Refusal { at, message })
    }
}

/// As a JSON string, placeholders as they are written.
impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder(placeholder) => placeholder.to_string(),
        });
        f.write_str(&quoted(&text.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::matching::compare;
    use super::super::{Action, Transcript};
    use super::*;

    /// Whether a header's value is as expected, and what is bound then.
    fn bound(expected: &str, actual: &str) -> Option<Bindings> {
        let text = format!(
            "{{\"request\":{{\"method\":\"GET\",\"path\":\"/\"}}}}\n\
             {{\"response\":{{\"status\":200,\"headers\":{{\"x\":\"{expected}\"}}}}}}"
        );
        let transcript = Transcript::parse("x", text).expect("the transcript is well formed");
        let step = transcript.steps().expect("a text can be read").last().and_then(Result::ok);
        let Some(Action::Response(response)) = step.map(|step| step.action) else { panic!("it ends with a response") };
        let actual = Json::parse(&format!("{{\"status\":200,\"headers\":{{\"x\":{}}}}}", quoted(actual)));
        let mut bindings = Bindings::default();
        compare(&response.pattern, &actual.expect("JSON"), &mut bindings).ok().map(|()| bindings)
    }

    #[test]
    fn a_value_ends_where_the_text_goes_on() {
        let cookie = bound("a=<string as a>; Path=<any as path>", "a=b=c; Path=/; Path=x").expect("it is as expected");
        assert_eq!(cookie.get("a"), Some(&Json::String("b=c".to_owned())));
        assert_eq!(cookie.get("path"), Some(&Json::String("/; Path=x".to_owned())));
        assert!(bound("a=<string>; Path=/", "a=b; Path=/; Secure").is_none());
        assert!(bound("/chats/<digits as id>", "/chats/17/x").is_none());
    }

    #[test]
    fn a_value_within_a_text_is_of_its_kind() {
        for (expected, good, bad) in [
            ("n=<digits>", "n=007", "n="),
            ("n=<integer>", "n=-17", "n=1.5"),
            ("n=<number>", "n=1.5e3", "n=1.5.3"),
            ("b=<boolean>", "b=true", "b=yes"),
            ("u=<uuid>!", "u=550e8400-e29b-41d4-a716-446655440000!", "u=550e8400!"),
            ("t=<time>", "t=2025-03-05T11:34:30.258Z", "t=2025-03-05"),
            ("<string>", "", "-"),
        ] {
            assert!(bound(expected, good).is_some(), "{expected} {good}");
            assert_eq!(bound(expected, bad).is_none(), bad != "-", "{expected} {bad}");
        }
        let numbers = bound("<integer as n>/<digits as d>", "17/17").expect("it is as expected");
        assert_eq!(numbers.get("n"), Some(&Json::Number("17".to_owned())));
        assert_eq!(numbers.get("d"), Some(&Json::String("17".to_owned())));
    }

    #[test]
    fn a_value_that_is_bound_must_come_again() {
        assert!(bound("<digits as a>-<a>", "17-17").is_some());
        assert!(bound("<digits as a>-<digits as a>", "17-17").is_some());
        assert!(bound("<digits as a>-<a>", "17-18").is_none());
        assert!(bound("<digits as a>-<digits as a>", "17-18").is_none());
        assert!(bound("<string as a>.<a>", "a+.a+").is_some());
    }

    #[test]
    fn what_is_no_placeholder_is_the_text_itself() {
        assert!(bound(r"\u003cany> <Any> < <1>", "<any> <Any> < <1>").is_some());
        assert!(bound(r"\u003cany><any>", "<any>x").is_some());
        assert!(bound(r#"a\\\"<any>\u00e9"#, "a\\\"1é").is_some());
    }
}

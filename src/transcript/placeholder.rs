//! Placeholders: strings in a frame that stand for a value, such as `<digits as id>`.

use std::fmt;

use super::json::Json;

/// A string of a frame that stands for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// `<kind>` or `<kind as name>`: any value of the kind; with a name, the value is bound to it.
    Kind(Kind, Option<String>),
    /// `<name>`: the value bound to the name before.
    Bound(String),
}

/// The values a placeholder accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every value, `null` included.
    Any,
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A string of one or more decimal digits.
    Digits,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Any, Kind::String, Kind::Number, Kind::Boolean, Kind::Digits];

    /// The kind as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Any => "any",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Digits => "digits",
        }
    }

    /// Whether a value is of this kind.
    pub fn accepts(self, value: &Json) -> bool {
        match self {
            Kind::Any => true,
            Kind::String => matches!(value, Json::String(_)),
            Kind::Number => matches!(value, Json::Number(_)),
            Kind::Boolean => matches!(value, Json::Boolean(_)),
            Kind::Digits => {
                value.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            }
        }
    }

    fn named(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Placeholder {
    /// Reads the raw text of a string, its quotes included; `None` where the string is literal.
    ///
    /// The raw text decides, not the decoded string: so `"\u003cany>"` is the way to mean the text `<any>` itself.
    pub(super) fn read(raw: &str) -> Option<Result<Placeholder, String>> {
        let inner = raw.strip_prefix("\"<")?.strip_suffix(">\"")?;
        let (word, name) = match inner.split_once(" as ") {
            Some((word, name)) => (word, Some(name)),
            None => (inner, None),
        };
        if !is_word(word) || !name.is_none_or(is_word) {
            return None;
        }
        Some(match (Kind::named(word), name) {
            (_, Some(name)) if Kind::named(name).is_some() => {
                Err(format!("`{name}` is the name of a kind; bind the value to another name"))
            }
            (Some(kind), name) => Ok(Placeholder::Kind(kind, name.map(str::to_owned))),
            (None, None) => Ok(Placeholder::Bound(word.to_owned())),
            (None, Some(_)) => {
                let kinds = Kind::ALL.map(Kind::word).join(", ");
                Err(format!("`{word}` is no kind of value; write one of {kinds} before `as`"))
            }
        })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Placeholder::Kind(kind, None) => write!(f, "<{}>", kind.word()),
            Placeholder::Kind(kind, Some(name)) => write!(f, "<{} as {name}>", kind.word()),
            Placeholder::Bound(name) => write!(f, "<{name}>"),
        }
    }
}

fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_outside_the_grammar_are_literal() {
        for literal in ["<img onerror=1>", "<>", "<Any>", "<any as >", "<any  as x>", "<1a>", "x<any>", "<any> ", "a"] {
            assert_eq!(Placeholder::read(&format!("\"{literal}\"")), None, "{literal}");
        }
        assert_eq!(Placeholder::read(r#""\u003cany>""#), None);
    }

    #[test]
    fn placeholders_are_shown_as_they_are_written() {
        for written in ["<any>", "<digits as id_1>", "<id_1>", "<_x>"] {
            let placeholder = Placeholder::read(&format!("\"{written}\"")).expect("fits").expect("is allowed");
            assert_eq!(placeholder.to_string(), written);
        }
    }

    #[test]
    fn kinds_are_not_names() {
        assert!(matches!(Placeholder::read(r#""<any as string>""#), Some(Err(_))));
        assert!(matches!(Placeholder::read(r#""<thing as id>""#), Some(Err(_))));
    }

    #[test]
    fn digits_are_a_string_of_digits() {
        let accepts = |text| Kind::Digits.accepts(&Json::parse(text).expect("JSON"));
        assert!(accepts(r#""0123""#));
        for other in [r#""""#, "123", r#""-1""#, r#""1a""#, "null"] {
            assert!(!accepts(other), "{other}");
        }
    }
}

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
    /// A number without fraction and exponent.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A string of one or more decimal digits.
    Digits,
    /// A string that is a UUID: hexadecimal, hyphenated.
    Uuid,
    /// A string that is a date with a time, as RFC 3339 has it.
    Time,
}

impl Kind {
    const ALL: [Kind; 8] =
        [Kind::Any, Kind::String, Kind::Number, Kind::Integer, Kind::Boolean, Kind::Digits, Kind::Uuid, Kind::Time];

    /// The kind as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Any => "any",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
            Kind::Digits => "digits",
            Kind::Uuid => "uuid",
            Kind::Time => "time",
        }
    }

    /// Whether a value is of this kind.
    pub fn accepts(self, value: &Json) -> bool {
        match self {
            Kind::Any => true,
            Kind::String => matches!(value, Json::String(_)),
            Kind::Number => matches!(value, Json::Number(_)),
            Kind::Integer => matches!(value, Json::Number(text) if !text.contains(['.', 'e', 'E'])),
            Kind::Boolean => matches!(value, Json::Boolean(_)),
            Kind::Digits => value.as_str().is_some_and(is_digits),
            // Of the forms that a UUID may have, this is the one that has 36 characters.
            Kind::Uuid => value.as_str().is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()),
            Kind::Time => value.as_str().is_some_and(is_time),
        }
    }

    /// The kind that is written so.
    pub(super) fn named(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Placeholder {
    /// Reads the raw text of a string, its quotes included; `None` where the string is literal.
    ///
    /// The raw text decides, not the decoded string: so `"\u003cany>"` is the way to mean the text `<any>` itself.
    pub(super) fn read(raw: &str) -> Option<Result<Placeholder, String>> {
        Placeholder::within(raw.strip_prefix("\"<")?.strip_suffix(">\"")?)
    }

    /// Reads what stands between the angle brackets.
    pub(super) fn within(inner: &str) -> Option<Result<Placeholder, String>> {
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

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The library takes more than RFC 3339: other separators, seconds left out. The lengths of the parts tell.
fn is_time(text: &str) -> bool {
    let shape = |at: usize, byte: u8| text.as_bytes().get(at).is_some_and(|found| found.eq_ignore_ascii_case(&byte));
    [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].into_iter().all(|(at, byte)| shape(at, byte))
        && text.parse::<jiff::Timestamp>().is_ok()
}

pub(super) fn is_word(text: &str) -> bool {
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
    fn uuids_times_and_integers_have_one_form() {
        let accepts = |kind: Kind, text| kind.accepts(&Json::parse(text).expect("JSON"));
        assert!(accepts(Kind::Uuid, r#""550e8400-e29b-41d4-a716-446655440000""#));
        for other in [r#""550e8400e29b41d4a716446655440000""#, r#""550e8400-e29b-41d4-a716-44665544000g""#, "17"] {
            assert!(!accepts(Kind::Uuid, other), "{other}");
        }
        for time in [r#""2025-03-05T11:34:30.258Z""#, r#""2025-03-05T11:34:30+01:00""#] {
            assert!(accepts(Kind::Time, time), "{time}");
        }
        for other in
            [r#""2025-03-05""#, r#""2025-03-05T11:34:30""#, r#""2025-02-30T11:34:30Z""#, r#""20250305T113430Z""#]
        {
            assert!(!accepts(Kind::Time, other), "{other}");
        }
        assert!(accepts(Kind::Integer, "-12345678901234567890"));
        assert!(!accepts(Kind::Integer, "1.0") && !accepts(Kind::Integer, "1e3") && !accepts(Kind::Integer, r#""1""#));
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

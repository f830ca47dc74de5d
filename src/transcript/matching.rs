//! Whether a frame is the one expected: compared whole, and every difference named.

use std::collections::BTreeMap;
use std::fmt;

use super::bindings::Bindings;
use super::json::{Json, quoted};
use super::pattern::Pattern;
use super::placeholder::Placeholder;
use super::text::TextPattern;

/// One place where a frame is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: `$` is the frame, `$.signups[1].tags` a part of it.
    pub path: String,
    /// What is wrong there.
    pub kind: DifferenceKind,
}

/// What is wrong at one place; values are compact JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Expected, and not there.
    Missing {
        /// What was expected.
        expected: String,
    },
    /// There, and not expected.
    Unexpected {
        /// What is there.
        actual: String,
    },
    /// Another value of the same type.
    Different {
        /// What was expected.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// A value of another type.
    WrongType {
        /// What was expected.
        expected: String,
        /// The type that is there, with its article.
        actual_type: &'static str,
        /// What is there.
        actual: String,
    },
}

/// Compares a frame with the one expected.
///
/// Names are bound only when the whole frame is as expected; else every difference is returned, in the order of the
/// expected frame.
pub fn compare(expected: &Pattern, actual: &Json, bindings: &mut Bindings) -> Result<(), Vec<Difference>> {
    let (bound, differences) = differences(expected, actual, bindings);
    if differences.is_empty() {
        bindings.extend(bound);
        Ok(())
    } else {
        Err(differences)
    }
}

/// Every difference, and the values that names would be bound to.
pub(super) fn differences(expected: &Pattern, actual: &Json, bindings: &Bindings) -> (Bindings, Vec<Difference>) {
    let mut comparison = Comparison::new(bindings, usize::MAX);
    comparison.value(Path::Frame, expected, actual);
    (comparison.bound, comparison.differences)
}

/// The values that names are bound to, if a frame is as expected. Ends at the first difference.
pub(super) fn fits(expected: &Pattern, actual: &Json, bindings: &Bindings) -> Option<Bindings> {
    let mut comparison = Comparison::new(bindings, 1);
    comparison.value(Path::Frame, expected, actual);
    comparison.differences.is_empty().then_some(comparison.bound)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.kind {
            DifferenceKind::Missing { expected } => write!(f, "missing, expected {expected}"),
            DifferenceKind::Unexpected { actual } => write!(f, "unexpected {actual}"),
            DifferenceKind::Different { expected, actual } => {
                write!(f, "expected {expected}, got {actual}")
            }
            DifferenceKind::WrongType { expected, actual_type, actual: value } if value == actual_type => {
                write!(f, "expected {expected}, got {value}")
            }
            DifferenceKind::WrongType { expected, actual_type, actual } => {
                write!(f, "expected {expected}, got {actual_type}: {actual}")
            }
        }
    }
}

/// A place in a frame. It is written out only where there is something to say about it.
#[derive(Clone, Copy)]
enum Path<'p> {
    Frame,
    Key(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

struct Comparison<'b> {
    bindings: &'b Bindings,
    /// What names are bound to in this frame, beyond what they were bound to before.
    bound: Bindings,
    differences: Vec<Difference>,
    differences_max: usize,
}

impl<'b> Comparison<'b> {
    fn new(bindings: &'b Bindings, differences_max: usize) -> Self {
        Comparison { bindings, bound: Bindings::default(), differences: Vec::new(), differences_max }
    }

    fn value(&mut self, path: Path<'_>, expected: &Pattern, actual: &Json) {
        match (expected, actual) {
            (Pattern::Placeholder(placeholder), _) => self.placeholder(path, placeholder, actual),
            (Pattern::Array(expected), Json::Array(actual)) => self.array(path, expected, actual),
            (Pattern::Object(expected), Json::Object(actual)) => self.object(path, expected, actual),
            (Pattern::Leaf(expected), _) => self.equal(path, expected, actual),
            (Pattern::Text(expected), Json::String(text)) => self.text(path, expected, text),
            (Pattern::Array(_) | Pattern::Object(_) | Pattern::Text(_), _) => {
                self.differs(path, || wrong_type(expected, actual));
            }
        }
    }

    fn array(&mut self, path: Path<'_>, expected: &[Pattern], actual: &[Json]) {
        for index in 0..expected.len().max(actual.len()) {
            self.part(Path::Item(&path, index), expected.get(index), actual.get(index));
        }
    }

    fn object(&mut self, path: Path<'_>, expected: &[(String, Pattern)], actual: &BTreeMap<String, Json>) {
        let mut found = 0;
        for (key, value) in expected {
            let actual = actual.get(key);
            found += usize::from(actual.is_some());
            self.part(Path::Key(&path, key), Some(value), actual);
        }
        if found == actual.len() {
            return;
        }
        let unexpected = actual.iter().filter(|(key, _)| !expected.iter().any(|(known, _)| known == *key));
        for (key, value) in unexpected {
            self.part(Path::Key(&path, key), None, Some(value));
        }
    }

    fn part(&mut self, path: Path<'_>, expected: Option<&Pattern>, actual: Option<&Json>) {
        match (expected, actual) {
            _ if self.differences.len() >= self.differences_max => {}
            (Some(expected), Some(actual)) => self.value(path, expected, actual),
            (Some(expected), None) => {
                self.differs(path, || DifferenceKind::Missing { expected: expected.to_string() });
            }
            (None, Some(actual)) => {
                self.differs(path, || DifferenceKind::Unexpected { actual: actual.to_string() });
            }
            (None, None) => {}
        }
    }

    fn placeholder(&mut self, path: Path<'_>, placeholder: &Placeholder, actual: &Json) {
        let name = match placeholder {
            Placeholder::Kind(kind, _) if !kind.accepts(actual) => {
                return self.differs(path, || wrong_type(placeholder, actual));
            }
            Placeholder::Kind(_, None) => return,
            Placeholder::Kind(_, Some(name)) | Placeholder::Bound(name) => name,
        };
        match (self.bindings.get(name).or_else(|| self.bound.get(name)).cloned(), placeholder) {
            (Some(bound), _) => self.equal(path, &bound, actual),
            (None, Placeholder::Kind(..)) => self.bound.insert(name, actual.clone()),
            // The part that should have bound the name is missing or wrong, and named already.
            (None, Placeholder::Bound(_)) => {
                let expected = format!("{placeholder}, which is not bound");
                self.differs(path, || DifferenceKind::Different { expected, actual: actual.to_string() });
            }
        }
    }

    fn text(&mut self, path: Path<'_>, expected: &TextPattern, actual: &str) {
        let known = |name: &str| self.bindings.get(name).or_else(|| self.bound.get(name)).cloned();
        match expected.fits(actual, known) {
            Some(bound) => self.bound.extend(bound),
            None => self
                .differs(path, || DifferenceKind::Different { expected: expected.to_string(), actual: quoted(actual) }),
        }
    }

    fn equal(&mut self, path: Path<'_>, expected: &Json, actual: &Json) {
        if expected == actual {
            return;
        }
        self.differs(path, || {
            if expected.kind() == actual.kind() {
                DifferenceKind::Different { expected: expected.to_string(), actual: actual.to_string() }
            } else {
                wrong_type(expected, actual)
            }
        });
    }

    fn differs(&mut self, path: Path<'_>, kind: impl FnOnce() -> DifferenceKind) {
        self.differences.push(Difference { path: path.to_string(), kind: kind() });
    }
}

/// `$.signups[1]["two words"]`
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Frame => f.write_str("$"),
            Path::Key(within, key) => write!(f, "{within}{}", by_key(key)),
            Path::Item(within, index) => write!(f, "{within}[{index}]"),
        }
    }
}

fn wrong_type(expected: &impl fmt::Display, actual: &Json) -> DifferenceKind {
    DifferenceKind::WrongType { expected: expected.to_string(), actual_type: actual.kind(), actual: actual.to_string() }
}

/// How a key is written at the end of a path.
pub(super) fn by_key(key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { format!(".{key}") } else { format!("[{}]", quoted(key)) }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Transcript};
    use super::*;

    /// The expected frames are compared with the actual ones in turn; the differences of the last pair, shown.
    fn differences(pairs: &[(&str, &str)]) -> Vec<String> {
        let lines: Vec<String> = pairs.iter().map(|(expected, _)| format!(r#"{{"expect":{expected}}}"#)).collect();
        let transcript = Transcript::parse("test.jsonl", lines.join("\n")).expect("the transcript is well formed");
        let mut bindings = Bindings::default();
        let mut last = Ok(());
        for (step, (_, actual)) in transcript.steps().expect("a text can be read").zip(pairs) {
            let step = step.expect("the transcript is well formed");
            assert_eq!(last, Ok(()));
            let Action::Expect(pattern) = &step.action else { panic!("every line expects a frame") };
            last = compare(pattern, &Json::parse(actual).expect("JSON"), &mut bindings);
        }
        last.err().unwrap_or_default().iter().map(Difference::to_string).collect()
    }

    fn difference(expected: &str, actual: &str) -> Vec<String> {
        differences(&[(expected, actual)])
    }

    #[test]
    fn the_order_of_keys_carries_no_meaning() {
        assert!(difference(r#"{"a":1,"b":{"c":[],"d":null}}"#, r#"{"b":{"d":null,"c":[]},"a":1}"#).is_empty());
    }

    #[test]
    fn the_order_of_items_does() {
        assert_eq!(
            difference(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            ["$.a[0]: expected 1, got 2", "$.a[1]: expected 2, got 1"]
        );
    }

    #[test]
    fn every_difference_is_named_with_its_place() {
        let expected = r#"{"signups":[{"id":"a"},{"id":"b","tags":["x"]}],"eop":1,"a b":true,"price":1.50}"#;
        let actual = r#"{"signups":[{"id":"a"},{"id":"b"},{}],"eop":"1","a b":false,"price":1.5,"more":[1, 2]}"#;
        assert_eq!(
            difference(expected, actual),
            [
                r#"$.signups[1].tags: missing, expected ["x"]"#,
                "$.signups[2]: unexpected {}",
                r#"$.eop: expected 1, got a string: "1""#,
                r#"$["a b"]: expected true, got false"#,
                "$.price: expected 1.50, got 1.5",
                "$.more: unexpected [1,2]",
            ]
        );
    }

    #[test]
    fn null_is_not_the_same_as_missing() {
        assert_eq!(difference(r#"{"a":null}"#, "{}"), ["$.a: missing, expected null"]);
        assert_eq!(difference(r#"{"a":{}}"#, r#"{"a":null}"#), ["$.a: expected {}, got null"]);
    }

    #[test]
    fn long_numbers_are_exact() {
        assert_eq!(difference(r#"{"a":12345678901234567890}"#, r#"{"a":12345678901234567891}"#).len(), 1);
    }

    #[test]
    fn a_kind_accepts_its_values_only() {
        let expected = r#"{"a":"<any>","b":"<string>","c":"<number>","d":"<boolean>","e":"<digits>"}"#;
        assert!(difference(expected, r#"{"a":null,"b":"","c":1e3,"d":false,"e":"007"}"#).is_empty());
        assert_eq!(
            difference(expected, r#"{"a":[],"b":1,"c":"1","d":null,"e":"x"}"#),
            [
                "$.b: expected <string>, got a number: 1",
                r#"$.c: expected <number>, got a string: "1""#,
                "$.d: expected <boolean>, got null",
                r#"$.e: expected <digits>, got a string: "x""#,
            ]
        );
    }

    #[test]
    fn a_bound_value_must_come_again() {
        let first = (r#"{"id":"<digits as id>","same":"<id>"}"#, r#"{"id":"17","same":"17"}"#);
        assert!(differences(&[first, (r#"{"id":"<id>"}"#, r#"{"id":"17"}"#)]).is_empty());
        assert_eq!(differences(&[first, (r#"{"id":"<id>"}"#, r#"{"id":"18"}"#)]), [r#"$.id: expected "17", got "18""#]);
        assert_eq!(
            differences(&[first, (r#"{"id":"<string as id>"}"#, r#"{"id":"18"}"#)]),
            [r#"$.id: expected "17", got "18""#]
        );
    }

    #[test]
    fn an_escaped_placeholder_is_literal() {
        assert!(difference(r#"{"a":"\u003cany>"}"#, r#"{"a":"<any>"}"#).is_empty());
        assert_eq!(difference(r#"{"a":"\u003cany>"}"#, r#"{"a":"x"}"#), [r#"$.a: expected "<any>", got "x""#]);
        assert_eq!(difference(r#"{"a":"<img onerror=1>"}"#, r#"{"a":"x"}"#).len(), 1);
    }

    #[test]
    fn a_frame_that_differs_binds_nothing() {
        let transcript = Transcript::parse("t", r#"{"expect":{"a":"<any as a>","b":1}}"#).expect("well formed");
        let step = transcript.steps().expect("a text can be read").next().and_then(Result::ok);
        let Some(Action::Expect(pattern)) = step.map(|step| step.action) else { panic!("the line expects a frame") };
        let mut bindings = Bindings::default();
        let actual = Json::parse(r#"{"a":1,"b":2}"#).expect("JSON");
        assert!(compare(&pattern, &actual, &mut bindings).is_err());
        assert_eq!(bindings, Bindings::default());
    }
}

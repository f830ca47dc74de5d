//! Parts of frames that are not compared, named by JSONPath (RFC 9535).

use serde_json::Value;
use serde_json_path::{JsonPath, ParseError, PathElement};

use super::json::Json;
use super::matching::{Difference, by_key};
use super::pattern::Pattern;

/// The parts of frames that are not compared: what a path finds, and everything below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ignore(Vec<JsonPath>);

impl Ignore {
    /// Adds a path, such as `$.date` or `$..id`.
    pub fn add(&mut self, path: &str) -> Result<(), ParseError> {
        self.0.push(JsonPath::parse(path)?);
        Ok(())
    }

    /// Whether everything is compared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops the differences that do not count.
    ///
    /// A path is looked up in both frames, for what it names may be missing in one. Placeholders are texts there.
    pub(super) fn drop_from(&self, differences: &mut Vec<Difference>, expected: &Pattern, actual: &Json) {
        if self.is_empty() || differences.is_empty() {
            return;
        }
        let documents = [expected.to_string(), actual.to_string()];
        let ignored: Vec<String> = documents.iter().flat_map(|document| self.places(document)).collect();
        differences.retain(|difference| !ignored.iter().any(|place| is_within(&difference.path, place)));
    }

    fn places(&self, document: &str) -> Vec<String> {
        // A number that no type holds is the one reason why our own text cannot be read; nothing is found in it then.
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let found = self.0.iter().flat_map(|path| path.query_located(&document).all());
        found.map(|node| node.location().iter().fold("$".to_owned(), |place, part| place + &written(part))).collect()
    }
}

fn written(part: &PathElement<'_>) -> String {
    match part {
        PathElement::Name(key) => by_key(key),
        PathElement::Index(index) => format!("[{index}]"),
    }
}

/// Whether a place is another, or below it.
fn is_within(place: &str, other: &str) -> bool {
    place.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::super::bindings::Bindings;
    use super::super::matching::differences;
    use super::super::{Action, Transcript};
    use super::*;

    fn left(paths: &[&str], expected: &str, actual: &str) -> Vec<String> {
        let mut ignore = Ignore::default();
        for path in paths {
            ignore.add(path).expect("the path is well formed");
        }
        let transcript = Transcript::parse("t", format!(r#"{{"expect":{expected}}}"#)).expect("well formed");
        let step = transcript.steps().expect("a text can be read").next().and_then(Result::ok);
        let Some(Action::Expect(pattern)) = step.map(|step| step.action) else { panic!("the line expects a frame") };
        let actual = Json::parse(actual).expect("JSON");
        let (_, mut differences) = differences(&pattern, &actual, &Bindings::default());
        ignore.drop_from(&mut differences, &pattern, &actual);
        differences.into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn what_a_path_finds_and_everything_below_it_is_ignored() {
        assert_eq!(left(&["$.a"], r#"{"a":{"b":[1]},"ab":1}"#, r#"{"a":{"b":[2]},"ab":2}"#), ["$.ab"]);
        assert_eq!(left(&["$..b[1]"], r#"{"a":{"b":[1,2]}}"#, r#"{"a":{"b":[3,4]}}"#), ["$.a.b[0]"]);
        assert_eq!(left(&["$['two words']"], r#"{"two words":1,"x":1}"#, r#"{"two words":2,"x":2}"#), ["$.x"]);
        assert_eq!(left(&["$"], r#"{"a":1}"#, r#"{"b":[]}"#), [""; 0]);
    }

    #[test]
    fn what_is_missing_and_what_is_unexpected_is_ignored_too() {
        assert_eq!(left(&["$.gone", "$.new"], r#"{"gone":1,"a":1}"#, r#"{"new":1,"a":2}"#), ["$.a"]);
    }

    #[test]
    fn an_item_is_found_by_what_it_holds() {
        let expected = r#"{"items":[{"id":"x","n":1},{"id":"y","n":1}]}"#;
        let actual = r#"{"items":[{"id":"x","n":2},{"id":"y","n":2}]}"#;
        assert_eq!(left(&["$.items[?@.id=='x'].n"], expected, actual), ["$.items[1].n"]);
    }

    #[test]
    fn a_path_that_is_none_is_refused() {
        assert!(Ignore::default().add("a.b").is_err());
    }
}

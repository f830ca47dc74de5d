//! The text of a line, anew: what came takes the place of what was expected, and placeholders stay where they accept it.

use serde_json::value::RawValue;

use super::super::json::{DEPTH_MAX, Layer, Member, quoted};
use super::super::matching::{Difference, by_key};
use super::super::pattern::Pattern;
use super::super::placeholder::Placeholder;

/// The frame to expect where this text came and differs so: with the keys in the order that was expected, and new ones after
/// them. `None` where the text is no frame that can be expected by its value.
pub(crate) fn frame_of(expected: Option<&Pattern>, text: &str, differences: &[Difference]) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok().filter(|_| text.starts_with('{'))?;
    let mut frame = Rewritten { text: String::with_capacity(text.len()), differences };
    frame.value("$", expected, raw, DEPTH_MAX)?;
    Some(frame.text)
}

/// The frame to expect where this text came, all of it literal.
pub(crate) fn literal(text: &str) -> Option<String> {
    frame_of(None, text, &[])
}

/// A line with another value under one of its keys, and perhaps another key.
pub(crate) fn member_replaced(line: &str, key: &str, new_key: &str, value: &str) -> String {
    let raw: &RawValue = serde_json::from_str(line).expect("the line was read before");
    let Ok(Layer::Object(members)) = Layer::of(raw) else { unreachable!("the line was read before") };
    let member = members.iter().find(|member| member.name == key).expect("the line was read before");
    let at = |raw: &RawValue| raw.get().as_ptr() as usize - line.as_ptr() as usize;
    let (key_at, value_at) = (at(member.key), at(member.value));
    let (key_end, value_end) = (key_at + member.key.get().len(), value_at + member.value.get().len());
    let between = &line[key_end..value_at];
    format!("{}{}{between}{value}{}", &line[..key_at], quoted(new_key), &line[value_end..])
}

struct Rewritten<'d> {
    text: String,
    differences: &'d [Difference],
}

impl Rewritten<'_> {
    fn value(&mut self, path: &str, expected: Option<&Pattern>, raw: &RawValue, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match (expected, Layer::of(raw).ok()?) {
            (Some(pattern @ (Pattern::Placeholder(_) | Pattern::Text(_))), _) if self.fits(path) => {
                self.text.push_str(&pattern.to_string());
            }
            (Some(Pattern::Array(patterns)), Layer::Array(items)) => self.array(path, patterns, &items, depth)?,
            (_, Layer::Array(items)) => self.array(path, &[], &items, depth)?,
            (Some(Pattern::Object(patterns)), Layer::Object(members)) => self.object(path, patterns, members, depth)?,
            (_, Layer::Object(members)) => self.object(path, &[], members, depth)?,
            (_, Layer::String(_)) => self.text.push_str(&escaped(raw)),
            (_, Layer::Null | Layer::Boolean(_) | Layer::Number(_)) => self.text.push_str(raw.get()),
        }
        Some(())
    }

    fn array(&mut self, path: &str, patterns: &[Pattern], items: &[&RawValue], depth: usize) -> Option<()> {
        self.text.push('[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(&format!("{path}[{index}]"), patterns.get(index), item, depth)?;
        }
        self.text.push(']');
        Some(())
    }

    fn object(
        &mut self,
        path: &str,
        patterns: &[(String, Pattern)],
        mut members: Vec<Member<'_>>,
        depth: usize,
    ) -> Option<()> {
        let is_twice = |index: usize| members[..index].iter().any(|other| other.name == members[index].name);
        if (0..members.len()).any(is_twice) {
            return None;
        }
        let place = |member: &Member<'_>| patterns.iter().position(|(name, _)| *name == member.name);
        // Stable, so that those which were not expected come last, as they came.
        members.sort_by_key(|member| place(member).unwrap_or(patterns.len()));
        self.text.push('{');
        for (index, member) in members.iter().enumerate() {
            self.separate(index);
            self.text.push_str(member.key.get());
            self.text.push(':');
            let expected = place(member).map(|place| &patterns[place].1);
            self.value(&(path.to_owned() + &by_key(&member.name)), expected, member.value, depth)?;
        }
        self.text.push('}');
        Some(())
    }

    /// Whether what is expected at a place came.
    fn fits(&self, path: &str) -> bool {
        self.differences.iter().all(|difference| difference.path != path)
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
    }
}

/// A string that reads like a placeholder, written so that it is literal.
fn escaped(raw: &RawValue) -> String {
    let text = raw.get();
    if Placeholder::read(text).is_some() { text.replacen('<', "\\u003c", 1) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::super::bindings::Bindings;
    use super::super::super::json::Json;
    use super::super::super::matching::compare;
    use super::super::super::{Action, Transcript};
    use super::*;

    fn rewritten(expected: &str, actual: &str) -> Option<String> {
        let transcript = Transcript::parse("x", format!("{{\"expect\":{expected}}}")).expect("well formed");
        let step = transcript.steps().expect("a text can be read").next().expect("a line").expect("well formed");
        let Action::Expect(pattern) = step.action else { panic!("the line expects a frame") };
        let compared = Json::parse(actual).map(|actual| compare(&pattern, &actual, &mut Bindings::default()));
        frame_of(Some(&pattern), actual, &compared.unwrap_or(Ok(())).err().unwrap_or_default())
    }

    #[test]
    fn placeholders_stay_where_they_accept_what_came() {
        let expected = r#"{"id":"<digits as id>","n":"<number>","m":1,"list":["<any>"],"same":"<id>","other":"<id>"}"#;
        let actual = r#"{"m":1.50,"n":"x","id":"17","list":[1,2],"same":"17","other":"18"}"#;
        assert_eq!(
            rewritten(expected, actual).as_deref(),
            Some(r#"{"id":"<digits as id>","n":"x","m":1.50,"list":["<any>",2],"same":"<id>","other":"18"}"#)
        );
    }

    #[test]
    fn keys_keep_the_order_that_was_expected_and_new_ones_follow() {
        let written = rewritten(r#"{"b":1,"a":{"y":1,"x":1},"gone":1}"#, r#"{"new":3,"a":{"x":2,"y":2},"b":2}"#);
        assert_eq!(written.as_deref(), Some(r#"{"b":2,"a":{"y":2,"x":2},"new":3}"#));
    }

    #[test]
    fn text_that_reads_like_a_placeholder_is_made_literal() {
        assert_eq!(rewritten("{}", r#"{"a":"<any>"}"#).as_deref(), Some(r#"{"a":"\u003cany>"}"#));
    }

    #[test]
    fn a_frame_that_has_no_one_value_is_left_to_its_text() {
        assert_eq!(rewritten("{}", r#"{"a":1,"a":2}"#), None);
        assert_eq!(rewritten("{}", "hello"), None);
    }

    #[test]
    fn a_line_keeps_what_stands_around_its_expectation() {
        assert_eq!(
            member_replaced(r#"{ "on":"b", "expect" : {"a":1} , "at_ms":2}"#, "expect", "expect_text", r#""x""#),
            r#"{ "on":"b", "expect_text" : "x" , "at_ms":2}"#
        );
    }
}

//! This is where the patterns of a list are held against a model that tries every one of them, a regular expression each.
//!
//! A line says what happens: `=text`, `^text`, `$text`, `~text` and `/text` add a pattern, without an operator or as `starts_with`,
//! `ends_with`, `contains` and `regex`; `-3` removes the fourth of those that stand; `?id` looks an id up, as every line does with
//! all ids before it.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::state::patterns::{Expression, Matcher, Operator, fold, fold_char};

/// Lines that are looked at. A list of more has nothing that a short one has not, and takes long.
const LINES_MAX: usize = 24;

/// What a pattern means, said as shortly as possible.
pub(crate) fn model(text: &str, operator: Option<Operator>) -> Regex {
    let literal = || text.chars().map(fold_char).map(|letter| regex::escape(&letter.to_string())).collect::<String>();
    let expression = match operator {
        Some(Operator::StartsWith) => format!("{}.*", literal()),
        Some(Operator::EndsWith) => format!(".*{}", literal()),
        Some(Operator::Contains) => format!(".*{}.*", literal()),
        Some(Operator::Regex) => text.to_owned(),
        None if Regex::new(text).is_ok() => text.to_owned(),
        None => literal().replace(r"\*", ".*"),
    };
    let whole = |end: &str| {
        RegexBuilder::new(&format!("^(?:{expression}{end})$")).case_insensitive(true).dot_matches_new_line(true).build()
    };
    // Under `(?x)` it may end with a comment, which a line feed ends.
    whole("").or_else(|_| whole("\n")).expect("the pattern was accepted")
}

/// A matcher and its model, changed in step.
#[derive(Default)]
pub(crate) struct Pair {
    matcher: Matcher,
    model: BTreeMap<u64, (Expression, Regex)>,
    last: u64,
}

impl Pair {
    /// Adds those that are patterns, together.
    pub(crate) fn add<T: AsRef<str>>(&mut self, patterns: impl IntoIterator<Item = (T, Option<Operator>)>) {
        let mut accepted = Vec::new();
        for (text, operator) in patterns {
            let Ok(expression) = Expression::parse(text.as_ref(), operator) else { continue };
            self.last += 1;
            accepted.push((self.last, expression.clone()));
            self.model.insert(self.last, (expression, model(text.as_ref(), operator)));
        }
        self.matcher.insert_all(accepted.iter().map(|(id, expression)| (*id, expression)));
    }

    /// Removes the one at a place among those that stand, if there is one.
    pub(crate) fn remove(&mut self, place: usize) {
        let Some(id) = self.model.keys().nth(place).copied() else { return };
        let (expression, _) = self.model.remove(&id).expect("the id was just read");
        self.matcher.remove(id, &expression);
    }

    /// How many stand.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.model.len()
    }

    /// Fails where the two differ over an id.
    pub(crate) fn must_agree(&self, id: &str) {
        let folded = fold(id);
        let expected = self.model.iter().find(|(_, (_, expression))| expression.is_match(&folded)).map(|(id, _)| *id);
        assert_eq!(self.matcher.first(&folded), expected, "for {folded:?} among {:#?}", self.model);
    }
}

/// Does what the lines say.
pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut pair, mut ids) = (Pair::default(), Vec::new());
    for line in text.split('\n').take(LINES_MAX) {
        let Some(kind) = line.chars().next() else { continue };
        let rest = &line[kind.len_utf8()..];
        match kind {
            '=' => pair.add([(rest, None)]),
            '^' => pair.add([(rest, Some(Operator::StartsWith))]),
            '$' => pair.add([(rest, Some(Operator::EndsWith))]),
            '~' => pair.add([(rest, Some(Operator::Contains))]),
            '/' => pair.add([(rest, Some(Operator::Regex))]),
            '-' => rest.parse().into_iter().for_each(|place| pair.remove(place)),
            '?' => ids.push(rest),
            _ => {}
        }
        ids.iter().for_each(|id| pair.must_agree(id));
    }
}

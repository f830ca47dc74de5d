//! The matcher against a model that tries every pattern, one regular expression each.

use proptest::prelude::*;
use regex::Regex;

use super::{Expression, Matcher, Operator, fold};
use crate::fuzzing::patterns::{Pair, model};

#[derive(Debug, Clone)]
enum Change {
    Insert(String, Option<Operator>),
    InsertAll(Vec<String>),
    /// Of those that stand, the one at this place, wrapped around.
    Remove(usize),
}

/// Ids in letters of which some are variants of others.
fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[abAB.@s*]{0,6}", 1 => "[aksSKſK\u{130}\u{131}iIßẞσςΣµμ\n ^$]{0,5}"]
}

/// Texts that often are expressions, often of a shape, and often neither.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[abAB@s]",
        3 => Just(".*".to_owned()),
        2 => Just(".".to_owned()),
        2 => Just(r"\.".to_owned()),
        2 => Just("*".to_owned()),
        1 => "[kſK\u{130}\u{131}iIßẞσςµ]",
        1 => prop::sample::select(vec![
            ".+", "?", "+", "|", "(a)", "[ab]", "[^a]", "^", "$", ".{2}", ".{1,}", "(?-i)", "(?-s)", "(?m)", "(?x)", "#", " ", "\n",
            "(", ")", r"\", r"\w", r"\b", "(?:", "b?", "(?i:k)", "[kK]", "(?-u:s)", "(.*)",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn any_operator() -> impl Strategy<Value = Option<Operator>> {
    prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(vec![Operator::StartsWith, Operator::EndsWith, Operator::Contains, Operator::Regex])
            .prop_map(Some),
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any_text(), any_operator()).prop_map(|(text, operator)| Change::Insert(text, operator)),
        1 => prop::collection::vec(any_text(), 0..4).prop_map(Change::InsertAll),
        3 => any::<usize>().prop_map(Change::Remove),
    ]
}

fn apply(change: Change, pair: &mut Pair) {
    match change {
        Change::Insert(text, operator) => pair.add([(text, operator)]),
        Change::InsertAll(texts) => pair.add(texts.into_iter().map(|text| (text, None))),
        Change::Remove(place) => pair.remove(place % pair.len().max(1)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_answers_as_if_every_pattern_were_tried(
        changes in prop::collection::vec(any_change(), 1..16),
        ids in prop::collection::vec(any_id(), 12),
    ) {
        let mut pair = Pair::default();
        for change in changes {
            apply(change, &mut pair);
            for id in &ids {
                pair.must_agree(id);
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{1,40}", operator in any_operator()) {
        let mut matcher = Matcher::default();
        if let Ok(expression) = Expression::parse(&text, operator) {
            matcher.insert(1, &expression);
            matcher.first(&fold(&text));
            matcher.remove(1, &expression);
        }
    }

    #[test]
    fn an_id_matches_folded_just_when_it_matches_as_typed(text in any_text(), id in any_id()) {
        // What is switched to mind the case means lower case, as ids are compared in it.
        prop_assume!(!text.contains("(?-i)") && Regex::new(&text).is_ok() && id.trim() == id);
        let expression = model(&text, None);
        prop_assert_eq!(expression.is_match(&fold(&id)), expression.is_match(&id));
    }
}

/// The id of the first of these patterns that matches, counted from 0.
fn first(patterns: &[&str], id: &str) -> Option<u64> {
    let mut matcher = Matcher::default();
    for (place, text) in (0..).zip(patterns) {
        matcher.insert(place, &Expression::parse(text, None).expect("the text is a pattern"));
    }
    matcher.first(&fold(id))
}

#[test]
fn the_lowest_id_wins_whatever_the_shapes() {
    let patterns = ["ann|bob", ".*nn", "ann", "an.*", ".*n.*", ".*"];
    for skipped in 0..patterns.len() {
        assert_eq!(first(&patterns[skipped..], "Ann"), Some(0), "{:?}", &patterns[skipped..]);
    }
    assert_eq!(first(&["b.*", ".*x", "c|d", ".*q.*", "*"], "Ann"), Some(4));
}

#[test]
fn an_unescaped_dot_stands_for_any_letter() {
    assert_eq!(first(&[".*@gmail.com"], "ann@gmail-com"), Some(0));
    assert_eq!(first(&[r".*@gmail\.com"], "ann@gmail-com"), None);
    assert_eq!(first(&[".*@gmail.com"], "ann@gmailcom"), None);
    assert_eq!(first(&[".*gmail.com.*"], "ann@GMAIL_com.org"), Some(0));
}

#[test]
fn a_glob_takes_all_but_the_star_literally() {
    assert_eq!(first(&["*@gmail.com"], "ann@gmail-com"), None);
    assert_eq!(first(&["*@gmail.com"], "Ann@Gmail.com"), Some(0));
    assert_eq!(first(&["*a+b*@*"], "xa+bx@y"), Some(0));
    assert_eq!(first(&["*a+b*@*"], "xaabx@y"), None);
}

#[test]
fn letters_with_two_forms_are_found_in_any_shape() {
    for text in ["ΟΔΟΣ", "οδος", "οδο.*", ".*ς", "*Δοσ*", "οδο(σ|x)"] {
        assert_eq!(first(&[text], "Οδός".replace('ό', "ο").as_str()), Some(0), "{text}");
    }
    for text in ["maſſe", "MASSE", ".*Sſe", "ma[ſ]+e", "m(a|e)SSE"] {
        assert_eq!(first(&[text], "Masse"), Some(0), "{text}");
    }
}

#[test]
fn an_empty_id_is_matched_by_what_matches_nothing() {
    assert_eq!(first(&[".+", ".", "a*b", "(?:)"], ""), Some(3));
    assert_eq!(first(&[".*"], "  "), Some(0));
}

#[test]
fn a_word_boundary_beside_a_letter_beyond_ascii_is_no_panic() {
    for text in [r".*\b", r"\b.*", r".*\B", r"\b|\B", r"(.*\b)?"] {
        assert_eq!(first(&[text], "ς"), Some(0).filter(|_| model(text, None).is_match("σ")), "{text}");
        assert_eq!(first(&[text, "x|y"], ""), Some(0).filter(|_| model(text, None).is_match("")), "{text}");
    }
}

#[test]
fn a_matcher_is_empty_again_after_the_last_removal() {
    let texts = ["ann", "ann.*", ".*ann", ".*ann.*", "a(n|m)n"];
    let patterns = texts.map(|text| Expression::parse(text, None).expect("the text is a pattern"));
    let mut matcher = Matcher::default();
    matcher.insert_all((0..).zip(&patterns));
    for (id, pattern) in (0..).zip(&patterns) {
        assert_eq!(matcher.first("ann"), Some(id));
        matcher.remove(id, pattern);
        matcher.remove(id, pattern);
    }
    assert_eq!(matcher.first("ann"), None);
    assert!(matcher.forward.is_empty() && matcher.backward.is_empty() && matcher.anywhere.is_empty());
}

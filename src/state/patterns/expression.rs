//! What the text of a pattern means.

use regex_syntax::{ast, hir};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Part, Shape, Step, literal, recognise, shape};
use super::tiers::compile;
use crate::config::{COMPILED_BYTES_MAX, PATTERN_BYTES_MAX, PATTERN_NESTING_MAX};

/// How the text of a pattern is to be read. Without one it is a regular expression or, failing that, a glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Literal text with which the sign-up id starts.
    StartsWith,
    /// Literal text with which the sign-up id ends.
    EndsWith,
    /// Literal text that stands anywhere in the sign-up id.
    Contains,
    /// A regular expression that matches the whole sign-up id.
    Regex,
}

/// What a pattern means: the sign-up ids that it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub(super) shape: Shape,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The text is empty.
    #[error("the pattern is empty; write at least one character, or `.*` to match every sign-up")]
    Empty,
    /// The text is longer than [`PATTERN_BYTES_MAX`].
    #[error("the pattern is {bytes} bytes long; shorten it to {PATTERN_BYTES_MAX} or split it into several patterns")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Groups stand within groups more than [`PATTERN_NESTING_MAX`] deep.
    #[error("the pattern nests groups more than {PATTERN_NESTING_MAX} deep; write it with fewer parentheses")]
    TooDeep,
    /// The expression compiles to more than [`COMPILED_BYTES_MAX`].
    #[error(
        "the pattern is too costly to match; use smaller repetition counts, ranges such as [a-z0-9] in place of \\w, \
         fewer wildcards, or split it into several patterns"
    )]
    TooLarge,
    /// The operator is `regex` and the text is no regular expression.
    #[error(
        "the pattern is not a regular expression at line {line} column {column}: {reason}; correct it, or leave out the \
         operator to have `*` stand for any text"
    )]
    Invalid {
        /// The line of the mistake, from 1.
        line: usize,
        /// The column of the mistake, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl Expression {
    /// Reads the text of a pattern.
    ///
    /// A regular expression has to match the whole id, so `^` and `$` at its ends say nothing new; case does not matter,
    /// and `.` stands for any one letter. Text that is no regular expression is a glob when there is no operator: `*`
    /// stands for any run of letters, everything else for itself.
    pub fn parse(text: &str, operator: Option<Operator>) -> Result<Self, ExpressionError> {
        if text.is_empty() {
            return Err(ExpressionError::Empty);
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(ExpressionError::TooLong { bytes: text.len() });
        }
        let shape = match operator {
            Some(Operator::StartsWith) => Shape::Prefix(literal(text)),
            Some(Operator::EndsWith) => Shape::Suffix(literal(text)),
            Some(Operator::Contains) => Shape::Contains(literal(text)),
            Some(Operator::Regex) => regular(text)?,
            None => match regular(text) {
                Err(ExpressionError::Invalid { .. }) => glob(text)?,
                known => known?,
            },
        };
        Ok(Self { shape })
    }

    /// One that no text matches.
    pub fn nothing() -> Self {
        Self { shape: Shape::General("^[a&&b]$".to_owned()) }
    }

    /// Whether it has to be compiled, together with others: not when it is plain letters with open ends.
    pub fn is_compiled(&self) -> bool {
        matches!(self.shape, Shape::General(_))
    }
}

fn regular(text: &str) -> Result<Shape, ExpressionError> {
    let mut parser = ast::parse::ParserBuilder::new().nest_limit(PATTERN_NESTING_MAX).build();
    let parsed = parser.parse_with_comments(text).map_err(|error| match error.kind() {
        ast::ErrorKind::NestLimitExceeded(_) => ExpressionError::TooDeep,
        reason => invalid(reason, error.span()),
    })?;
    let mut translator =
        hir::translate::TranslatorBuilder::new().case_insensitive(true).dot_matches_new_line(true).build();
    let meaning = translator.translate(text, &parsed.ast).map_err(|error| invalid(error.kind(), error.span()))?;
    if let Some(shape) = recognise(&meaning) {
        return Ok(shape);
    }
    // Under `(?x)` a comment may run to the end of the text, and must not swallow the closing parenthesis.
    let ends_in_comment = parsed.comments.last().is_some_and(|comment| comment.span.end.offset == text.len());
    general(format!("^(?:{text}{})$", if ends_in_comment { "\n" } else { "" }))
}

fn glob(text: &str) -> Result<Shape, ExpressionError> {
    let mut parts = Vec::new();
    for (position, piece) in text.split('*').enumerate() {
        parts.extend((position > 0).then_some(Part::Run));
        parts.extend(literal(piece).into_iter().map(Part::Step));
    }
    if let Some(shape) = shape(&parts) {
        return Ok(shape);
    }
    let mut expression = String::from("^");
    for part in parts {
        match part {
            Part::Step(Step::Letter(letter)) => {
                expression.push_str(&regex_syntax::escape(letter.encode_utf8(&mut [0; 4])))
            }
            // Two runs are one, and cost a step of the compiled expression each.
            Part::Run if expression.ends_with(".*") => {}
            _ => expression.push_str(".*"),
        }
    }
    expression.push('$');
    general(expression)
}

/// An expression that has to be run, once it is known to be affordable.
fn general(expression: String) -> Result<Shape, ExpressionError> {
    match compile([&expression], COMPILED_BYTES_MAX) {
        Ok(_) => Ok(Shape::General(expression)),
        Err(_) => Err(ExpressionError::TooLarge),
    }
}

fn invalid(reason: &impl ToString, span: &ast::Span) -> ExpressionError {
    ExpressionError::Invalid { line: span.start.line, column: span.start.column, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(text: &str) -> Shape {
        Expression::parse(text, None).expect("the text is a pattern").shape
    }

    /// Letters of a looked-up expression, with `?` for any one.
    fn letters(text: &str) -> Vec<Step> {
        text.chars().map(|letter| if letter == '?' { Step::Any } else { Step::Letter(letter) }).collect()
    }

    #[test]
    fn plain_expressions_are_looked_up() {
        for text in
            ["ann@a.b", "^ann@a.b$", "(ann)@a(?:.)b", "ANN@A.B", r"\Aann@a.b\z", "[Aa]nn@a[\\s\\S]b", "(?-i)ann@a.b"]
        {
            assert_eq!(shape_of(text), Shape::Exact(letters("ann@a?b")), "{text}");
        }
        for text in ["ann.*", "^ann.*", "ann.*?$", "ann(.*)", "ann.*.*", "ann.{0,}"] {
            assert_eq!(shape_of(text), Shape::Prefix(letters("ann")), "{text}");
        }
        for text in [r".*@a\.b", r"^.*@a\.b$", r"(.*)@A[.]B", "*@a.b", "**@A.b"] {
            assert_eq!(shape_of(text), Shape::Suffix(letters("@a.b")), "{text}");
        }
        for text in [".+@a.b", "..*@a.b", ".*.@a.b", ".{1,}@a.b"] {
            assert_eq!(shape_of(text), Shape::Suffix(letters("?@a?b")), "{text}");
        }
        for text in [".*spam.*", "^.*SPAM.*$", "*spam*"] {
            assert_eq!(shape_of(text), Shape::Contains(letters("spam")), "{text}");
        }
        assert_eq!(shape_of("[0]{1}..{2}"), Shape::Exact(letters("0???")));
        assert_eq!(shape_of("(?:)"), Shape::Exact(vec![]));
    }

    #[test]
    fn what_matches_everything_is_a_prefix_of_nothing() {
        for text in [".*", "*", "**", "^.*$", "(.*).*"] {
            assert_eq!(shape_of(text), Shape::Prefix(vec![]), "{text}");
        }
        assert_eq!(shape_of(".+"), Shape::Prefix(letters("?")));
    }

    #[test]
    fn other_expressions_are_run() {
        for text in [
            "a|b",
            "a.*b",
            "a?",
            "[ab]",
            r"\d",
            "a+",
            "a.?",
            ".....",
            "(?-s).",
            "(?-i)A",
            "(?m)^a",
            "a^",
            "$a",
            ".*^a",
            r"\bx",
            ".*a.b.c.d.*",
            "a{2}",
            ".{2,3}",
            "[^a]",
            "ab*",
            "(?u-i:K)",
            "a*(*",
        ] {
            assert!(matches!(shape_of(text), Shape::General(_)), "{text} is {:?}", shape_of(text));
        }
    }

    #[test]
    fn operators_take_the_text_literally() {
        let parsed = |operator| Expression::parse(" A.*", Some(operator)).map(|expression| expression.shape);
        assert_eq!(parsed(Operator::StartsWith), Ok(Shape::Prefix(letters(" a.*"))));
        assert_eq!(parsed(Operator::EndsWith), Ok(Shape::Suffix(letters(" a.*"))));
        assert_eq!(parsed(Operator::Contains), Ok(Shape::Contains(letters(" a.*"))));
        assert_eq!(parsed(Operator::Regex), Ok(Shape::Prefix(letters(" a"))));
    }

    #[test]
    fn a_trailing_comment_does_not_swallow_the_anchor() {
        for text in ["(?x) a+ # one or more", "(?x) a+ # one\n # or more\n"] {
            let Shape::General(expression) = shape_of(text) else { panic!("{text} has a general shape") };
            let set = compile([&expression], COMPILED_BYTES_MAX).expect("it compiled before");
            assert_eq!(["aa", "ab", "#"].map(|id| set.is_match(id.as_bytes())), [true, false, false], "{text}");
        }
    }

    #[test]
    fn a_parenthesis_cannot_escape_from_the_anchors() {
        assert_eq!(shape_of("a)|(b"), Shape::Exact(letters("a)|(b")));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let refusal = |text: &str, operator| Expression::parse(text, operator).expect_err("it is refused").to_string();
        assert_eq!(
            refusal("", None),
            "the pattern is empty; write at least one character, or `.*` to match every sign-up"
        );
        assert_eq!(
            refusal(&"ß".repeat(513), Some(Operator::Contains)),
            "the pattern is 1026 bytes long; shorten it to 1024 or split it into several patterns"
        );
        assert_eq!(
            refusal("ab(c", Some(Operator::Regex)),
            "the pattern is not a regular expression at line 1 column 3: unclosed group; correct it, or leave out the \
             operator to have `*` stand for any text"
        );
        assert_eq!(
            refusal(r"\pX+", Some(Operator::Regex)),
            "the pattern is not a regular expression at line 1 column 1: Unicode property not found; correct it, or leave \
             out the operator to have `*` stand for any text"
        );
        for text in [r"(\w{99}){99}", r"\w{1000}"] {
            assert!(refusal(text, None).starts_with("the pattern is too costly to match; "), "{text}");
        }
        let deep = format!("{}a{}", "(".repeat(200), ")".repeat(200));
        assert_eq!(
            refusal(&deep, None),
            "the pattern nests groups more than 100 deep; write it with fewer parentheses"
        );
    }

    #[test]
    fn operators_are_spelt_in_snake_case() {
        let spelt = [Operator::StartsWith, Operator::EndsWith, Operator::Contains, Operator::Regex]
            .map(|operator| serde_json::to_string(&operator).expect("an operator is a string"));
        assert_eq!(spelt, [r#""starts_with""#, r#""ends_with""#, r#""contains""#, r#""regex""#]);
    }
}

//! Shapes: which expressions are simple enough to be looked up instead of run.
//!
//! An expression is read after the regex crate's own parser has made sense of it, case-insensitivity included, so a shape
//! accepts just the folded ids that the expression accepts. What is not recognised is merely slower.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

use super::fold::fold_char;

/// Wildcards that one looked-up expression may hold: a walk may fork at each of them.
pub(super) const WILDCARDS_MAX: usize = 4;

/// Letters of a looked-up expression with wildcards. Ten thousand of them may have their wildcards in as many places, and
/// then a walk goes to the end of each.
const WILD_LETTERS_MAX: usize = 64;

/// Wildcards in an expression that may match anywhere: a walk starts at every letter of the id, and each may fork.
const ANYWHERE_WILDCARDS_MAX: usize = 2;

/// Letters of an expression with wildcards that may match anywhere, for the same reason.
const ANYWHERE_WILD_LETTERS_MAX: usize = 32;

/// One letter of a looked-up expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// This folded letter.
    Letter(char),
    /// Any one letter.
    Any,
}

/// What an expression is, for the purpose of finding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The id is this.
    Exact(Vec<Step>),
    /// The id starts with this. With no letters, every id matches.
    Prefix(Vec<Step>),
    /// The id ends with this.
    Suffix(Vec<Step>),
    /// This stands somewhere in the id.
    Contains(Vec<Step>),
    /// None of these: an expression, anchored at both ends, that has to be run.
    General(String),
}

/// An expression in a row of these is looked up; any other is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One letter.
    Step(Step),
    /// Any run of letters, also none.
    Run,
    /// The start of the id.
    Start,
    /// The end of the id.
    End,
}

/// The shape of an expression that has to match the whole id, unless it is general.
pub(super) fn recognise(expression: &Hir) -> Option<Shape> {
    let mut parts = Vec::new();
    flatten(expression, &mut parts)?;
    shape(&parts)
}

/// The shape of a row of parts that has to match the whole id, unless it is general.
pub(super) fn shape(parts: &[Part]) -> Option<Shape> {
    let is_letter = |part: &Part| matches!(part, Part::Step(Step::Letter(_)));
    let parts = without_anchors(parts);
    let (Some(first), Some(last)) = (parts.iter().position(is_letter), parts.iter().rposition(is_letter)) else {
        let steps = steps(parts.iter().filter(|part| **part != Part::Run))?;
        let shape = if parts.contains(&Part::Run) { Shape::Prefix } else { Shape::Exact };
        return Some(shape(steps));
    };
    // `.+` and `..*` are one wildcard and a run in either order, so a run beside wildcards may be moved to the edge.
    let (open_start, open_end) = (parts[..first].contains(&Part::Run), parts[last..].contains(&Part::Run));
    if parts[first..last].contains(&Part::Run) {
        return None;
    }
    let steps = steps(parts.iter().filter(|part| **part != Part::Run))?;
    match (open_start, open_end) {
        (false, false) => Some(Shape::Exact(steps)),
        (false, true) => Some(Shape::Prefix(steps)),
        (true, false) => Some(Shape::Suffix(steps)),
        (true, true) => {
            let bounded = bounded(&steps, ANYWHERE_WILDCARDS_MAX, ANYWHERE_WILD_LETTERS_MAX);
            bounded.then_some(Shape::Contains(steps))
        }
    }
}

/// The letters of literal text, folded.
pub(super) fn literal(text: &str) -> Vec<Step> {
    text.chars().map(|letter| Step::Letter(fold_char(letter))).collect()
}

fn flatten(expression: &Hir, parts: &mut Vec<Part>) -> Option<()> {
    match expression.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            for letter in str::from_utf8(&literal.0).ok()?.chars() {
                // Under `(?-i)` a letter may stand here that no folded id holds.
                parts.push(Part::Step((fold_char(letter) == letter).then_some(Step::Letter(letter))?));
            }
        }
        HirKind::Class(Class::Unicode(class)) => parts.push(Part::Step(step(class)?)),
        HirKind::Look(Look::Start) => parts.push(Part::Start),
        HirKind::Look(Look::End) => parts.push(Part::End),
        HirKind::Repetition(repetition) => {
            let HirKind::Class(Class::Unicode(class)) = repetition.sub.kind() else {
                return None;
            };
            let count = usize::try_from(repetition.min).ok().filter(|&count| count <= WILDCARDS_MAX)?;
            if step(class)? != Step::Any || repetition.max.is_some_and(|max| max != repetition.min) {
                return None;
            }
            parts.extend(std::iter::repeat_n(Part::Step(Step::Any), count));
            parts.extend(repetition.max.is_none().then_some(Part::Run));
        }
        HirKind::Capture(capture) => flatten(&capture.sub, parts)?,
        HirKind::Concat(expressions) => {
            for expression in expressions {
                flatten(expression, parts)?;
            }
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) | HirKind::Alternation(_) => {
            return None;
        }
    }
    Some(())
}

/// The one step that accepts the same letters of folded ids as the class.
fn step(class: &ClassUnicode) -> Option<Step> {
    /// No letter has more variants of case than this.
    const VARIANTS_MAX: usize = 8;

    if let [range] = class.ranges()
        && (range.start(), range.end()) == ('\0', char::MAX)
    {
        return Some(Step::Any);
    }
    let letters = class.iter().flat_map(|range| range.start()..=range.end()).take(VARIANTS_MAX + 1).collect::<Vec<_>>();
    let mut folded = letters.iter().copied().filter(|&letter| fold_char(letter) == letter);
    match (folded.next(), folded.next()) {
        (Some(letter), None) if letters.len() <= VARIANTS_MAX => Some(Step::Letter(letter)),
        _ => None,
    }
}

fn without_anchors(parts: &[Part]) -> &[Part] {
    let start = parts.iter().take_while(|part| **part == Part::Start).count();
    let rest = &parts[start..];
    let end = rest.iter().rev().take_while(|part| **part == Part::End).count();
    &rest[..rest.len() - end]
}

/// The parts as steps, unless something else is among them or a walk would fork too often.
fn steps<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<Vec<Step>> {
    let as_step = |part: &Part| match part {
        Part::Step(step) => Some(*step),
        Part::Run | Part::Start | Part::End => None,
    };
    let steps = parts.map(as_step).collect::<Option<Vec<_>>>()?;
    bounded(&steps, WILDCARDS_MAX, WILD_LETTERS_MAX).then_some(steps)
}

/// Whether a walk for the steps stays short. Without wildcards it does not fork.
fn bounded(steps: &[Step], wildcards_max: usize, letters_max: usize) -> bool {
    let wildcards = steps.iter().filter(|step| **step == Step::Any).count();
    wildcards == 0 || (wildcards <= wildcards_max && steps.len() <= letters_max)
}

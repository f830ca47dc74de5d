//! Case folding: the one form in which sign-up ids and the letters of patterns are compared.

use std::borrow::Cow;

/// The form in which sign-up ids are compared: trimmed, in lower case, variants of a letter made one.
///
/// Folding goes letter by letter, so that `.` in a pattern stands for one letter as it was typed. Hence the lower case of
/// `Σ` is `σ` wherever it stands, and `İ`, whose lower case is two letters, stays. Two letters fold to the same one just
/// when a case-insensitive regular expression takes them for the same. Text that is folded already is borrowed.
pub fn fold(text: &str) -> Cow<'_, str> {
    // What most ids look like; the rest of this function would say the same, letter by letter. All bytes are looked at, many at
    // once, which is quicker than to stop at the first that is otherwise.
    if text.bytes().fold(true, |plain, byte| plain & (byte.is_ascii_graphic() & !byte.is_ascii_uppercase())) {
        return Cow::Borrowed(text);
    }
    let trimmed = text.trim();
    if trimmed.chars().all(|letter| fold_char(letter) == letter) {
        Cow::Borrowed(trimmed)
    } else {
        Cow::Owned(trimmed.chars().map(fold_char).collect())
    }
}

/// The folded form of one letter.
pub(crate) fn fold_char(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => fold_variant(single),
        _ => letter,
    }
}

/// The letter that a lower-case variant with the same upper case is compared as.
///
/// `str::to_lowercase` leaves these apart, while Unicode's simple case folding, which regular expressions follow, does not.
fn fold_variant(letter: char) -> char {
    match letter {
        '\u{17F}' => 's',
        '\u{B5}' => '\u{3BC}',
        '\u{345}' | '\u{1FBE}' => '\u{3B9}',
        '\u{3C2}' => '\u{3C3}',
        '\u{3D0}' => '\u{3B2}',
        '\u{3D1}' => '\u{3B8}',
        '\u{3D5}' => '\u{3C6}',
        '\u{3D6}' => '\u{3C0}',
        '\u{3F0}' => '\u{3BA}',
        '\u{3F1}' => '\u{3C1}',
        '\u{3F5}' => '\u{3B5}',
        '\u{1C80}' => '\u{432}',
        '\u{1C81}' => '\u{434}',
        '\u{1C82}' => '\u{43E}',
        '\u{1C83}' => '\u{441}',
        '\u{1C84}' | '\u{1C85}' => '\u{442}',
        '\u{1C86}' => '\u{44A}',
        '\u{1C87}' => '\u{463}',
        '\u{1C88}' => '\u{A64B}',
        '\u{1E9B}' => '\u{1E61}',
        '\u{1FD3}' => '\u{390}',
        '\u{1FE3}' => '\u{3B0}',
        '\u{FB06}' => '\u{FB05}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    /// The letters that a case-insensitive expression takes for the same as this one.
    fn same_letters(letter: char) -> Vec<char> {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
        class.try_case_fold_simple().expect("the case tables are compiled in");
        class.iter().flat_map(|range| range.start()..=range.end()).collect()
    }

    #[test]
    fn letters_fold_to_one_just_when_an_expression_takes_them_for_the_same() {
        let cased = |letter: &char| !letter.to_uppercase().eq([*letter]) || !letter.to_lowercase().eq([*letter]);
        for letter in ('\0'..=char::MAX).filter(cased) {
            let same = same_letters(letter);
            // The standard library may know newer letters than the expressions' tables, where they stand alone.
            if same.len() > 1 {
                assert!(same.contains(&fold_char(letter)), "{letter:?} folds to a stranger");
                assert!(same.iter().all(|&other| fold_char(other) == fold_char(letter)), "{letter:?} and {same:?}");
            }
            assert_eq!(fold_char(fold_char(letter)), fold_char(letter), "{letter:?} folds in one step");
        }
    }

    #[test]
    fn folding_trims_and_lowers() {
        assert_eq!(fold("  Ann@Example.COM\t"), "ann@example.com");
        assert_eq!(fold("\u{3000}+20 100 "), "+20 100");
        assert_eq!(fold("STRAẞE"), "straße");
        assert_eq!(fold("\u{212A}a\u{17F}"), "kas");
        assert_eq!(fold("ΟΔΥΣΣΕΥΣ"), fold("οδυσσευς"));
        assert_eq!(fold("İı"), "İı");
        assert_eq!(fold(" \n"), "");
    }

    #[test]
    fn folded_text_is_borrowed() {
        for text in ["ann@example.com", " ann@example.com ", "straße", ""] {
            assert!(matches!(fold(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert!(matches!(fold("Ann"), Cow::Owned(_)));
    }
}

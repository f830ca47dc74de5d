//! This is where ids in paths are read, as JavaScript's `Number()` reads them, for that is what the share API's clients rely on.

use super::issues::{Issue, Step};

/// The highest id: they are 32-bit signed integers in the share API.
const ID_MAX: u32 = i32::MAX.unsigned_abs();

/// Reads an id of the path, named in what is wrong with it.
pub fn path_id<T: TryFrom<u64>>(name: &'static str, text: &str) -> Result<T, Vec<Issue>> {
    id(number(text), &[Step::Name(name)])
}

/// The id that a number is, or all that keeps it from being one.
pub fn id<T: TryFrom<u64>>(number: f64, path: &[Step]) -> Result<T, Vec<Issue>> {
    if number.is_nan() {
        return Err(vec![Issue::expected("number", "nan", path.to_vec())]);
    }
    let mut issues = Vec::new();
    if number <= 0.0 {
        issues.push(Issue::not_above_zero(path.to_vec()));
    }
    if number.is_infinite() || number.fract() != 0.0 {
        issues.push(Issue::expected("integer", "float", path.to_vec()));
    }
    if number > f64::from(ID_MAX) {
        issues.push(Issue::above(u64::from(ID_MAX), path.to_vec()));
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was just found to be whole, and within an id's bounds")]
    let whole = number as u64;
    Ok(T::try_from(whole).unwrap_or_else(|_| panic!("ids are numbers from 1 to {ID_MAX}")))
}

/// The number that a text is to JavaScript; NaN where it is none.
fn number(text: &str) -> f64 {
    let text = text.trim_matches(is_blank);
    let radix = match text.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    match radix {
        Some(radix) => digits(&text[2..], radix),
        None if text.is_empty() => 0.0,
        None => decimal(text),
    }
}

fn digits(text: &str, radix: u32) -> f64 {
    let add = |sum: f64, digit: char| digit.to_digit(radix).map(|digit| sum * f64::from(radix) + f64::from(digit));
    let sum = text.chars().try_fold(0.0, add).filter(|_| !text.is_empty());
    sum.unwrap_or(f64::NAN)
}

fn decimal(text: &str) -> f64 {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust would also read `inf` and `nan`, in any case.
    if unsigned != "Infinity" && !unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

/// White space and line ends, as ECMAScript lists them: Unicode's, without U+0085 and with U+FEFF.
fn is_blank(char: char) -> bool {
    char == '\u{feff}' || (char.is_whitespace() && char != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::ShareId;

    #[test]
    fn a_path_id_is_read_as_javascript_reads_numbers() {
        for (text, id) in [
            ("456", 456),
            ("1e3", 1_000),
            ("1.5E1", 15),
            ("5.0", 5),
            ("5.", 5),
            (".1e1", 1),
            ("+7", 7),
            ("007", 7),
            ("0x10", 16),
            ("0XfF", 255),
            ("0o17", 15),
            ("0b11", 3),
            (" \t\u{a0}\u{feff}9\u{2028}\r\n", 9),
            ("2147483647", 2_147_483_647),
        ] {
            let read: ShareId = path_id("share_id", text).unwrap_or_else(|issues| panic!("{text}: {issues:?}"));
            assert_eq!(read.get(), id, "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_told_as_the_catalogue_has_it() {
        let nan = r#"[{"code":"invalid_type","expected":"number","received":"nan","path":["user_id"],"message":"Expected number, received nan"}]"#;
        let not_positive = r#"[{"code":"too_small","minimum":0,"type":"number","inclusive":false,"exact":false,"path":["user_id"],"message":"Number must be greater than 0"}]"#;
        let fraction = r#"[{"code":"invalid_type","expected":"integer","received":"float","path":["user_id"],"message":"Expected integer, received float"}]"#;
        let too_big = r#"[{"code":"too_big","maximum":2147483647,"type":"number","inclusive":true,"exact":false,"path":["user_id"],"message":"Number must be less than or equal to 2147483647"}]"#;
        for (text, expected) in [
            ("abc", nan),
            ("1_000", nan),
            ("0x", nan),
            ("0xg", nan),
            ("-0x10", nan),
            ("0o8", nan),
            ("0b2", nan),
            ("1 2", nan),
            ("1e", nan),
            (".", nan),
            ("--1", nan),
            ("inf", nan),
            ("infinity", nan),
            ("NaN", nan),
            ("1\u{85}", nan),
            ("", not_positive),
            (" ", not_positive),
            ("0", not_positive),
            ("-0", not_positive),
            ("-1", not_positive),
            ("1.5", fraction),
            ("1e-1", fraction),
            ("2147483648", too_big),
            ("0xffffffffffffffffffff", too_big),
            ("1e300", too_big),
        ] {
            let issues = path_id::<ShareId>("user_id", text).expect_err(text);
            assert_eq!(serde_json::to_string(&issues).expect("issues encode"), expected, "{text}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_an_id_is_told() {
        let codes = |text| {
            let issues = path_id::<ShareId>("id", text).expect_err(text);
            issues.iter().map(|issue| issue.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(codes("-1.5"), ["Number must be greater than 0", "Expected integer, received float"]);
        assert_eq!(codes("-Infinity"), ["Number must be greater than 0", "Expected integer, received float"]);
        let too_big = "Number must be less than or equal to 2147483647";
        assert_eq!(codes("Infinity"), ["Expected integer, received float", too_big]);
    }
}

//! Which keys, headers and parameters hold secrets: the one list by which recordings and reports leave them out.

use std::sync::LazyLock;

use regex::Regex;

/// How the keys of secrets end, and what a secret under such a key is called. `_`, `-` and case do not count, so that
/// `confirmPassword` and `X-API-Key` are among them; the first that fits is taken.
const ENDINGS: &[(&str, &str)] = &[
    ("apikey", "api_key"),
    ("privatekey", "private_key"),
    ("secretkey", "secret"),
    ("accesskey", "secret"),
    ("keyifnew", "api_key"),
    ("token", "token"),
    ("password", "password"),
    ("passphrase", "password"),
    ("passwd", "password"),
    ("pwd", "password"),
    ("jwt", "token"),
    ("secret", "secret"),
    ("session", "session"),
    ("sessionid", "session"),
    ("credentials", "credentials"),
    ("authorization", "credentials"),
    ("cookie", "cookie"),
];

/// Words that make a key one of a secret wherever they stand in it.
const ANYWHERE: &[&str] =
    &["token", "password", "passphrase", "passwd", "secret", "apikey", "credentials", "session", "cookie"];

/// Keys with such a word end like this where they say something about a secret, and not the secret.
const ABOUT: &[&str] =
    &["auth", "at", "id", "ids", "expiresin", "count", "max", "type", "kind", "name", "no", "number", "url", "uri"];

/// Bytes of the shortest text that is taken for a secret by its looks, if it has a digit, and if it has none.
const RANDOM_BYTES_MIN: (usize, usize) = (8, 16);

/// Keys that end like that and hold no secret: where a page begins.
const HARMLESS: &[&str] = &["nexttoken", "pagetoken"];

/// The member of a search that holds such a page, under the plain key `token`.
const PAGE: &str = "page";

/// Where a text that is no JSON may hold a secret: one of the words, and something that follows it like a value.
static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i)(api[_-]?key|private[_-]?key|token|password|passphrase|passwd|secret|session|session[_-]?id|credentials|authorization|cookie)";
    Regex::new(&format!(r#"{words}s?["']?\s*[:=]\s*[^\s,}}]|(?i)\b(bearer|basic)\s+\S"#))
        .expect("the expression is well formed")
});

/// A secret inside a text of which the rest is none: a word, and what follows it.
static WITHIN: LazyLock<Regex> = LazyLock::new(|| {
    let words = ANYWHERE.join("|");
    Regex::new(&format!(
        r#"(?i)(?<word>{words}|api[_-]key|session[_-]?id)s?(?<sign>["'\\]*\s*[:=])\s*["'\\]*(?<value>[^\s"'`\\,;&}}<]+)|\b(?:bearer|basic)\s+(?<bare>[A-Za-z0-9._~+/=:-]+)"#
    ))
    .expect("the expression is well formed")
});

/// What the secret under a key is called; `None` where the key's value is none. `within` is the key of the object around it.
pub(super) fn stem(key: &str, within: Option<&str>) -> Option<&'static str> {
    let bare: String = key.chars().filter(|char| !matches!(char, '_' | '-')).flat_map(char::to_lowercase).collect();
    if HARMLESS.contains(&bare.as_str()) || (bare == "token" && within == Some(PAGE)) {
        return None;
    }
    let singular = bare.strip_suffix('s').unwrap_or(&bare);
    let ends = |text: &str| ENDINGS.iter().find(|(ending, _)| text.ends_with(ending)).map(|(_, stem)| *stem);
    let within = || {
        let about = ABOUT.iter().any(|ending| bare.ends_with(ending));
        let mut words = ANYWHERE.iter().filter(|_| !about);
        words.find(|word| bare.contains(**word)).map(|word| called(word))
    };
    ends(&bare).or_else(|| ends(singular)).or_else(within)
}

/// What the secret at a word is called.
fn called(word: &str) -> &'static str {
    let bare: String = word.chars().filter(|char| char.is_alphabetic()).flat_map(char::to_lowercase).collect();
    ENDINGS.iter().find(|(ending, _)| bare.ends_with(ending)).map_or("secret", |(_, stem)| stem)
}

/// The secrets inside a text, as far as they look like some.
pub(super) fn within(text: &str) -> impl Iterator<Item = (&'static str, &str)> {
    found_within(text).filter(|(.., value)| is_random(value)).map(|(stem, _, value)| (stem, value))
}

/// Whether there is a secret inside a text. After a colon in a sentence only what looks like one is, else most messages would be.
pub(super) fn is_within(text: &str) -> bool {
    found_within(text).any(|(_, is_sure, value)| is_sure || is_random(value))
}

fn found_within(text: &str) -> impl Iterator<Item = (&'static str, bool, &str)> {
    WITHIN.captures_iter(text).filter_map(|found| match (found.name("word"), found.name("sign"), found.name("value")) {
        (Some(word), Some(sign), Some(value)) => {
            Some((called(word.as_str()), sign.as_str().trim() != ":", value.as_str()))
        }
        _ => found.name("bare").map(|value| ("token", false, value.as_str())),
    })
}

/// Whether a text looks as if nobody had chosen it for its meaning.
pub(super) fn is_random(text: &str) -> bool {
    let (with_digit, without) = RANDOM_BYTES_MIN;
    text.len() >= without || (text.len() >= with_digit && text.contains(|char: char| char.is_ascii_digit()))
}

/// Whether everything under the key is secret, and not only the texts directly under it: the key is no plural.
pub(super) fn is_whole(key: &str) -> bool {
    !key.to_lowercase().ends_with('s')
}

/// Whether a text that cannot be read as JSON looks as if it held a secret.
pub(super) fn may_hold(text: &str) -> bool {
    LOOSE.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_methods_and_routes_are_on_the_list() {
        for (key, name) in [
            ("token", "token"),
            ("bot_token", "token"),
            ("X-TOKEN", "token"),
            ("api_key", "api_key"),
            ("X-API-Key", "api_key"),
            ("password", "password"),
            ("confirmPassword", "password"),
            ("session", "session"),
            ("neptun-session", "session"),
            ("x-neptun-session-session", "session"),
            ("secret", "secret"),
            ("Authorization", "credentials"),
            ("Set-Cookie", "cookie"),
            ("tokens", "token"),
            ("token_if_new", "token"),
            ("passwordAgain", "password"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ] {
            assert_eq!(stem(key, None), Some(name), "{key}");
        }
        for key in [
            "next_token",
            "page_token",
            "id",
            "key_id",
            "reference",
            "email",
            "tags",
            "TOKEN_AUTH",
            "token_id",
            "session_expires_at",
        ] {
            assert_eq!(stem(key, None), None, "{key}");
        }
        assert_eq!(stem("token", Some("page")), None);
    }

    #[test]
    fn a_secret_inside_a_text_is_found_and_a_sentence_about_one_is_none() {
        for text in [
            "https://x.example/?a=1&api_key=short",
            r#"{"token":"x"}"#,
            r#"{\"password\" : \"x\"}"#,
            "Authorization: Bearer 1:0:abcdefghijklmnop",
            "the token: 90091784056528980:0:Demo",
        ] {
            assert!(is_within(text), "{text}");
        }
        for text in
            ["token: must be a token, as a string at line 1 column 45", "password: is missing", "Basic plan", "session"]
        {
            assert!(!is_within(text), "{text}");
        }
    }

    #[test]
    fn a_broken_frame_may_hold_a_secret() {
        for text in [r#"{"token":"abc"#, "token=abc", r#"{"api_key" : 12"#, "Bearer abc", "passwords: x"] {
            assert!(may_hold(text), "{text}");
        }
        for text in ["not json", r#"{"method":"TOKEN_AUTH","#, "a token"] {
            assert!(!may_hold(text), "{text}");
        }
    }
}

//! Which keys, headers and parameters hold secrets: the one list by which recordings and reports leave them out.

use std::sync::LazyLock;

use regex::Regex;

/// How the keys of secrets end, and what a secret under such a key is called. `_`, `-` and case do not count, so that
/// `confirmPassword` and `X-API-Key` are among them; the first that fits is taken.
const ENDINGS: &[(&str, &str)] = &[
    ("apikey", "api_key"),
    ("privatekey", "private_key"),
    ("token", "token"),
    ("password", "password"),
    ("passphrase", "password"),
    ("passwd", "password"),
    ("secret", "secret"),
    ("session", "session"),
    ("sessionid", "session"),
    ("credentials", "credentials"),
    ("authorization", "credentials"),
    ("cookie", "cookie"),
];

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

/// What the secret under a key is called; `None` where the key's value is none. `within` is the key of the object around it.
pub(super) fn stem(key: &str, within: Option<&str>) -> Option<&'static str> {
    let bare: String = key.chars().filter(|char| !matches!(char, '_' | '-')).flat_map(char::to_lowercase).collect();
    if HARMLESS.contains(&bare.as_str()) || (bare == "token" && within == Some(PAGE)) {
        return None;
    }
    let singular = bare.strip_suffix('s').unwrap_or(&bare);
    let ends = |text: &str| ENDINGS.iter().find(|(ending, _)| text.ends_with(ending)).map(|(_, stem)| *stem);
    ends(&bare).or_else(|| ends(singular))
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
        ] {
            assert_eq!(stem(key, None), Some(name), "{key}");
        }
        for key in ["next_token", "page_token", "id", "key_id", "reference", "email", "tags", "TOKEN_AUTH"] {
            assert_eq!(stem(key, None), None, "{key}");
        }
        assert_eq!(stem("token", Some("page")), None);
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

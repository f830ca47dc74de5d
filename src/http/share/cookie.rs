//! This is where a browser's session is kept: in a cookie that scripts cannot read.

use std::time::Duration;

use ::cookie::{Cookie, SameSite, time};
use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie's name.
pub const NAME: &str = "neptun-session";

/// The session that a request's cookies name. An empty one is none: that is how a browser may remember having logged out.
pub fn session(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == NAME);
    cookies.map(|cookie| cookie.value_trimmed().to_owned()).find(|token| !token.is_empty())
}

/// The header value that has a browser keep a session for so long; over plain HTTP it only does where `secure` is off.
pub fn keep(token: &str, lasting: Duration, secure: bool) -> HeaderValue {
    let seconds = i64::try_from(lasting.as_secs()).unwrap_or(i64::MAX);
    written(token, time::Duration::seconds(seconds), secure)
}

/// The header value that has a browser forget its session.
pub fn forget(secure: bool) -> HeaderValue {
    written("", time::Duration::ZERO, secure)
}

fn written(token: &str, max_age: time::Duration, secure: bool) -> HeaderValue {
    let cookie = Cookie::build((NAME, token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(max_age)
        .build();
    HeaderValue::from_str(&cookie.to_string()).expect("tokens are made of letters, digits and plain signs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| (header::COOKIE, HeaderValue::from_str(line).expect("it is a header's value"));
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        for lines in [
            &["neptun-session=abc"][..],
            &["theme=dark; neptun-session=abc; lang=en"],
            &["theme=dark", "neptun-session=abc"],
            &["broken; =; neptun-session=\"abc\""],
            &["neptun-session=; neptun-session=abc"],
        ] {
            assert_eq!(session(&headers(lines)).as_deref(), Some("abc"), "{lines:?}");
        }
        for lines in [&[][..], &["neptun-session="], &["xneptun-session=abc; Neptun-Session=abc"], &["neptun-session"]]
        {
            assert_eq!(session(&headers(lines)), None, "{lines:?}");
        }
    }

    #[test]
    fn a_session_is_kept_from_scripts_and_other_sites() {
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        let plain = "neptun-session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800";
        assert_eq!(keep("abc", week, false), plain);
        let secure = "neptun-session=abc; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800";
        assert_eq!(keep("abc", week, true), secure);
        assert_eq!(forget(false), "neptun-session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }
}

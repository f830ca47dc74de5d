//! This is where it is known from which pages a browser may send something in the name of whoever is signed in.
//!
//! Only browsers say where a request comes from. A cookie goes with every request to its host, whichever page had the browser send
//! it, and so the page must be the gateway's own, or one that was named; a token has to be put into the request by whoever has it.

use std::str::FromStr;
use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderValue, Uri, header};
use serde::{Deserialize, Serialize};

/// What a browser says of the page behind a request, next to its origin.
const SITE: &str = "sec-fetch-site";

/// An origin, as browsers write it: `https://lists.example.com`, with a port where it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

/// Why a text is no origin.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no origin; write it as https://lists.example.com, with a port where it has one, and no path")]
pub struct NoOrigin(String);

impl TryFrom<String> for WebOrigin {
    type Error = NoOrigin;

    fn try_from(text: String) -> Result<Self, NoOrigin> {
        text.parse()
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> Self {
        origin.0
    }
}

impl FromStr for WebOrigin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: Option<Uri> = text.parse().ok();
        let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?, uri.path(), uri.query())));
        match parts {
            Some((scheme @ ("http" | "https"), authority, "/", None)) if !authority.as_str().contains('@') => {
                Ok(Self(format!("{scheme}://{authority}").to_ascii_lowercase()))
            }
            _ => Err(NoOrigin(text.to_owned())),
        }
    }
}

/// The origins whose pages are trusted with cookies.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<[WebOrigin]>);

impl Origins {
    /// That of the gateway, as it is reached from outside, and others that were named.
    pub fn new(public_url: &str, named: Vec<WebOrigin>) -> Self {
        Self(public_url.parse().into_iter().chain(named).collect())
    }

    /// Those of the gateway that every request carries.
    pub fn of(request: &Extensions) -> &Self {
        request.get().expect("every request carries the origins that are trusted")
    }

    /// Whether a request comes from no page, as it does from a program, or from one of these, or from the host that it goes to.
    pub fn trust(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            Some(origin) => self.has(origin) || is_of_host(origin, headers),
            None => headers.get(SITE).is_none_or(|site| site == "same-origin" || site == "none"),
        }
    }

    fn has(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|known| origin == known.0.as_str())
    }
}

/// Whether a page is of the host that it sends to; whether by TLS is for a proxy in between to know.
fn is_of_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    host.zip(origin).is_some_and(|(host, (_, from))| host.eq_ignore_ascii_case(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (name.parse::<header::HeaderName>().expect("it is a name"), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn programs_own_pages_and_named_ones_are_trusted_and_no_others() {
        let named = vec!["HTTPS://App.example.com:8443".parse().expect("it is an origin")];
        let origins = Origins::new("https://lists.example.com", named);
        for lines in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://lists.example.com")],
            &[("origin", "https://app.example.com:8443"), ("sec-fetch-site", "same-site")],
            &[("origin", "http://127.0.0.1:5020"), ("host", "127.0.0.1:5020")],
        ] {
            assert!(origins.trust(&headers(lines)), "{lines:?}");
        }
        for lines in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null"), ("host", "null")],
            &[("origin", "http://lists.example.com")],
            &[("origin", "https://lists.example.com.evil.example"), ("host", "lists.example.com")],
            &[("origin", "https://app.example.com")],
            &[("origin", "http://127.0.0.1:5021"), ("host", "127.0.0.1:5020")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!origins.trust(&headers(lines)), "{lines:?}");
        }
    }

    #[test]
    fn an_origin_has_a_scheme_and_a_host_and_nothing_more() {
        for text in
            ["", "*", "null", "example.com", "ftp://example.com", "https://a@example.com", "https://a/b", "https://a?b"]
        {
            assert!(text.parse::<WebOrigin>().is_err(), "{text}");
        }
        assert_eq!("https://A.example/".parse::<WebOrigin>().ok(), Some(WebOrigin("https://a.example".to_owned())));
    }
}

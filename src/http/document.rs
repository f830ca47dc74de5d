//! This is where documents are served that are the same for everybody, and may be kept.

use std::io::Write;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Something that stays the same as long as the gateway runs, as it is and compressed.
#[derive(Debug)]
pub struct Document {
    media_type: &'static str,
    policy: &'static str,
    plain: Form,
    compressed: Form,
}

/// One form of a document. Each has a tag of its own, for their bytes differ.
#[derive(Debug)]
struct Form {
    bytes: Bytes,
    tag: String,
}

impl Form {
    fn new(bytes: Bytes) -> Self {
        let hex: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, tag: format!("\"{hex}\"") }
    }
}

impl Document {
    /// A document of a media type, for which browsers are given a policy.
    pub fn new(media_type: &'static str, policy: &'static str, text: String) -> Self {
        let compressed = Form::new(compress(text.as_bytes()).into());
        Self { media_type, policy, plain: Form::new(text.into()), compressed }
    }

    /// The document in the form that the client takes, or that the client has it already.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let is_compressed = takes_gzip(headers);
        let form = if is_compressed { &self.compressed } else { &self.plain };
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        let mut tags = known.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        let is_known = tags.any(|tag| tag == "*" || tag == form.tag);
        let common = [
            (header::ETAG, form.tag.as_str()),
            (header::CACHE_CONTROL, "public, no-cache"),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let encoding = is_compressed.then_some([(header::CONTENT_ENCODING, "gzip")]);
        let media_type = [(header::CONTENT_TYPE, self.media_type)];
        (StatusCode::OK, common, encoding, media_type, form.bytes.clone()).into_response()
    }
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    compressed.expect("memory takes what is written to it")
}

/// Whether a client names gzip among what it takes, and does not rule it out.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|codings| codings.to_str().ok());
    named.flat_map(|codings| codings.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (accepted, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip ; q=1", true),
            ("", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; Q=0.000, br", false),
            ("xgzip", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().expect("it is a value"))]);
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}

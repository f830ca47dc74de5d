//! This is where documents are served that are the same for everybody, and may be kept.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Something that stays the same as long as the gateway runs.
#[derive(Debug)]
pub struct Document {
    media_type: &'static str,
    policy: &'static str,
    text: String,
    tag: String,
}

impl Document {
    /// A document of a media type, for which browsers are given a policy.
    pub fn new(media_type: &'static str, policy: &'static str, text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { media_type, policy, text, tag: format!("\"{hex}\"") }
    }

    /// The document, or that the client has it already.
    pub fn answer(&'static self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        let mut tags = known.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        let is_known = tags.any(|tag| tag == "*" || tag == self.tag);
        let common = [
            (header::ETAG, self.tag.as_str()),
            (header::CACHE_CONTROL, "public, no-cache"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (StatusCode::OK, common, [(header::CONTENT_TYPE, self.media_type)], self.text.as_str()).into_response()
    }
}

//! This is where answers get what they have in common, whichever product they are of.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer of JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("what is sent has string keys and no secret in clear");
    written(status, body)
}

/// An answer whose JSON is written already.
pub fn written(status: StatusCode, json: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json.into()).into_response()
}

/// The same answer; where it is for too much of something, it says when it may go better, in the whole seconds of HTTP.
pub fn slowing(mut response: Response, retry_after_ms: Option<NonZeroU32>) -> Response {
    if let Some(ms) = retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.get().div_ceil(1_000)));
    }
    response
}

/// The same answer; where it is for want of a token, it says how to send one.
pub fn challenging(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

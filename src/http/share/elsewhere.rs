//! This is where requests are refused that a page of somebody else had a browser send.
//!
//! Before anything but a plain POST, a browser asks whether it may, and is told no. Plain ones it sends at once: from other hosts
//! of the same site with the cookie, `SameSite` or not, and from anywhere to log somebody in, or out.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Failure;

/// What a browser says of the page behind a request; other clients say nothing.
const SITE: &str = "sec-fetch-site";

/// Lets through all but those.
pub async fn refuse(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && is_plain(request.headers()) && is_from_elsewhere(request.headers()) {
        let text = "This form was sent by a page of another host.";
        return Failure::new(request.uri().path(), StatusCode::FORBIDDEN, "Forbidden", text).into_response();
    }
    next.run(request).await
}

fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

/// Whether a form could send it.
fn is_plain(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|plain| essence.eq_ignore_ascii_case(plain))
}

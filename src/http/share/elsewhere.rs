//! This is where requests are refused that a page of somebody else had a browser send.
//!
//! Before anything but a plain POST, a browser asks whether it may, and is told no. Plain ones it sends at once: from other hosts
//! of the same site with the cookie, `SameSite` or not, and from anywhere to log somebody in, or out. Where a browser says of which
//! origin the page is, that decides of requests of all kinds, lest one be sent without asking after all.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Failure;
use super::request::SESSION_HEADER;
use crate::http::origin::Origins;

/// Lets through all but those.
pub async fn refuse(request: Request, next: Next) -> Response {
    if may_be_forged(&request) && !trusted(&request) {
        let text = "This form was sent by a page of another host.";
        return Failure::new(request.uri().path(), StatusCode::FORBIDDEN, "Forbidden", text).into_response();
    }
    next.run(request).await
}

/// Whether a page could have a browser send it in the name of somebody who does not know. Not where it carries a token that is no
/// cookie: the page would have to know that.
fn may_be_forged(request: &Request) -> bool {
    let headers = request.headers();
    let is_by_token = headers.contains_key(header::AUTHORIZATION) || headers.contains_key(SESSION_HEADER);
    let is_sent_unasked = request.method() == Method::POST && is_plain(headers);
    !request.method().is_safe() && (is_sent_unasked || (headers.contains_key(header::ORIGIN) && !is_by_token))
}

fn trusted(request: &Request) -> bool {
    Origins::of(request.extensions()).trust(request.headers())
}

/// Whether a form could send it.
fn is_plain(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|plain| essence.eq_ignore_ascii_case(plain))
}

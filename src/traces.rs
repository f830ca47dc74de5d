//! This is where it is named what a collector of traces is told of: a connection, an HTTP request, a batch of the journal, from its
//! beginning to its end. No token, address or name is among that, and nothing that a client may choose.
//!
//! Only a build with the feature `otlp` has any of it; in others what is here comes to nothing. There is none for each message: they
//! are too many, and the histograms of `/metrics` have them.

use tracing::Span;

use crate::hub::Occupant;
use crate::wire::close::Close;

/// The name under which they are told, by which they are kept out of the log.
pub const TARGET: &str = "guestlist::traces";

// Never entered, so that no line of the log is said to be within one, and nothing is done for them but at both ends.
#[cfg(feature = "otlp")]
macro_rules! span {
    ($($said:tt)*) => {
        {
            use tracing::field::Empty;
            tracing::info_span!(target: TARGET, parent: None, $($said)*)
        }
    };
}

#[cfg(not(feature = "otlp"))]
macro_rules! span {
    ($($said:tt)*) => {
        Span::none()
    };
}

/// A batch that is journaled, from now on.
pub fn batch() -> Span {
    span!("journal batch", changes = Empty, bytes = Empty, otel.status_code = Empty)
}

/// Notes how much was in it. Numbers are told as `i64`, for OTLP has no other integers, and others become texts.
pub fn note_batch(span: &Span, changes: u32, bytes: u64) {
    span.record("changes", i64::from(changes)).record("bytes", i64::try_from(bytes).unwrap_or(i64::MAX));
}

/// Notes that what is told of failed.
pub fn note_failure(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// A connection, from now on.
pub fn connection() -> Span {
    span!("connection", kind = Empty, close.code = Empty, close.reason = Empty)
}

/// Notes who a connection was of, by kind, and why it ended; without a close its client left.
pub fn note_end(span: &Span, occupant: Occupant, close: Option<Close>) {
    span.record("kind", occupant.kind());
    if let Some(close) = close {
        span.record("close.code", i64::from(close.code())).record("close.reason", close.reason());
    }
}

/// Tells of a request, by its route and its status. Parameters are no part of a route.
#[cfg(feature = "otlp")]
pub async fn request(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    use axum::extract::MatchedPath;
    use axum::http::Method;

    const METHODS: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    // A client may make methods and paths up.
    let method = METHODS.iter().find(|method| *method == request.method()).map_or("_OTHER", Method::as_str);
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    let response = next.run(request).await;
    span.record("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        note_failure(&span);
    }
    response
}

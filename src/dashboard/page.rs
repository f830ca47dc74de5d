//! This is where the page itself is: three files, in the binary.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::config::ENDPOINT;
use crate::http::document::Document;
use crate::shared::Shared;

/// The page runs and fetches nothing but its own, and is shown within no other.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

static FILES: LazyLock<[(&str, Document); 3]> = LazyLock::new(|| {
    [
        ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
        ("/dashboard/app.js", "text/javascript; charset=utf-8", include_str!("page/app.js")),
        ("/dashboard/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ]
    .map(|(path, media_type, text)| (path, Document::new(media_type, POLICY, text.to_owned())))
});

/// A file; a bot that was given an address without a path is told where bots connect.
fn answer(file: &'static Document, headers: &HeaderMap) -> Response {
    if headers.contains_key(header::UPGRADE) {
        let text = format!("this is a page for people; bots connect to {ENDPOINT} by WebSocket\n");
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    file.answer(headers)
}

/// Adds the files to other routes.
pub fn routes(router: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    FILES.iter().fold(router, |router, (path, file)| {
        router.route(path, get(move |headers: HeaderMap| async move { answer(file, &headers) }))
    })
}

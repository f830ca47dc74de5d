//! This is where the page itself is: three files, in the binary.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

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

/// Adds the files to other routes.
pub fn routes(router: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    FILES.iter().fold(router, |router, (path, file)| {
        router.route(path, get(move |headers: HeaderMap| async move { file.answer(&headers) }))
    })
}

//! This is where the page itself is: a few files, in the binary; debug builds read them from the disk.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::ValueEnum;
use rust_embed::RustEmbed;

use crate::config::ENDPOINT;
use crate::http::document::Document;
use crate::shared::Shared;
use crate::snippet::Language;

/// The page runs and fetches nothing but its own, and is shown within no other.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "src/dashboard/page/"]
struct Page;

/// The files by their names.
static FILES: LazyLock<Vec<(String, Document)>> =
    LazyLock::new(|| Page::iter().filter_map(|name| Some((name.to_string(), read(&name)?))).collect());

fn read(name: &str) -> Option<Document> {
    let text = String::from_utf8(Page::get(name)?.data.into_owned()).expect("the files of the page are text");
    Some(Document::new(media_type(name), POLICY, text))
}

/// The file that the page begins with.
const INDEX: &str = "index.html";

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    }
}

/// A file; a bot that was given an address without a path is told where bots connect.
fn answer((name, file): &'static (String, Document), headers: &HeaderMap) -> Response {
    if headers.contains_key(header::UPGRADE) {
        let text = format!("this is a page for people; bots connect to {ENDPOINT} by WebSocket\n");
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    // A debug build has no files in it: what is on the disk is shown as it is now.
    let fresh = cfg!(debug_assertions).then(|| read(name)).flatten();
    fresh.as_ref().unwrap_or(file).answer(headers)
}

/// Bots to begin with, which the page fills in.
static SNIPPETS: LazyLock<Vec<(String, Document)>> = LazyLock::new(|| {
    let document = |text: &str| Document::new("text/plain; charset=utf-8", POLICY, text.to_owned());
    let languages = Language::value_variants().iter();
    languages.map(|language| (format!("snippets/{}", language.file()), document(language.template()))).collect()
});

/// Adds the files to other routes.
pub fn routes(router: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    FILES.iter().chain(&*SNIPPETS).fold(router, |router, file| {
        let path = if file.0 == INDEX { "/".to_owned() } else { format!("/dashboard/{}", file.0) };
        router.route(&path, get(move |headers: HeaderMap| async move { answer(file, &headers) }))
    })
}

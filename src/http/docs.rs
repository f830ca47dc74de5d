//! `/docs`: the API's documents, and a page that shows them to people. They are the same for everybody, and may be kept.

mod fields;
mod json;
mod page;
mod route;
mod text;

use std::sync::{LazyLock, OnceLock};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::routes::{Content, Operation, Product, Routes};
use crate::schema::{asyncapi, openapi};

/// The page fetches nothing from elsewhere, runs nothing, and is shown within no other.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Something that stays the same as long as the gateway runs.
struct Document {
    media_type: &'static str,
    text: String,
    tag: String,
}

/// Says what there is to be said of all routes, those of the documents among them.
type Operations = fn() -> Vec<Operation>;

fn asyncapi() -> &'static Document {
    static ASYNCAPI: LazyLock<Document> =
        LazyLock::new(|| Document::new("application/json", format!("{:#}\n", asyncapi::document())));
    &ASYNCAPI
}

fn openapi(operations: Operations) -> &'static Document {
    static OPENAPI: OnceLock<Document> = OnceLock::new();
    let text = || format!("{:#}\n", openapi::document(&operations()));
    OPENAPI.get_or_init(|| Document::new("application/json", text()))
}

fn page(operations: Operations) -> &'static Document {
    static PAGE: OnceLock<Document> = OnceLock::new();
    PAGE.get_or_init(|| Document::new("text/html; charset=utf-8", page::page(&operations())))
}

fn style() -> &'static Document {
    static STYLE: LazyLock<Document> =
        LazyLock::new(|| Document::new("text/css; charset=utf-8", include_str!("docs/style.css").to_owned()));
    &STYLE
}

/// The routes.
pub fn routes(operations: Operations) -> Routes {
    let said = |id: &str, summary: &str, media_type: &'static str| {
        Operation::new(Product::Gateway, id, summary)
            .parameter::<String>("header", "If-None-Match", "The `ETag` of what the client has.", false)
            .answering(200, "It.", Content::Other(media_type))
            .answering(304, "What the client has is still right.", Content::Empty)
    };
    Routes::default()
        .get(
            "/docs",
            move |headers: HeaderMap| async move { page(operations).answer(&headers) },
            said("docs", "The API, for people", "text/html"),
        )
        .get(
            "/docs/style.css",
            |headers: HeaderMap| async move { style().answer(&headers) },
            said("docsStyle", "How that page looks", "text/css"),
        )
        .get(
            "/docs/asyncapi.json",
            |headers: HeaderMap| async move { asyncapi().answer(&headers) },
            said("asyncapi", "The WebSocket API, as AsyncAPI has it", "application/json"),
        )
        .get(
            "/docs/openapi.json",
            move |headers: HeaderMap| async move { openapi(operations).answer(&headers) },
            said("openapi", "The HTTP API, as OpenAPI has it", "application/json"),
        )
}

impl Document {
    fn new(media_type: &'static str, text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { media_type, text, tag: format!("\"{hex}\"") }
    }

    /// The document, or that the client has it already.
    fn answer(&'static self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        let mut tags = known.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        let is_known = tags.any(|tag| tag == "*" || tag == self.tag);
        let common = [
            (header::ETAG, self.tag.as_str()),
            (header::CACHE_CONTROL, "public, no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (StatusCode::OK, common, [(header::CONTENT_TYPE, self.media_type)], self.text.as_str()).into_response()
    }
}

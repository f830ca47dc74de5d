//! `/docs`: the API's documents, and a page that shows them to people. They are the same for everybody, and may be kept.

mod fields;
mod json;
mod page;
mod route;
mod text;

use std::sync::{LazyLock, OnceLock};

use axum::http::HeaderMap;

use super::document::Document;
use super::routes::{Content, Operation, Product, Routes};
use crate::schema::{asyncapi, openapi};

/// The page fetches nothing from elsewhere, runs nothing, and is shown within no other.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Says what there is to be said of all routes, those of the documents among them.
type Operations = fn() -> Vec<Operation>;

fn asyncapi() -> &'static Document {
    static ASYNCAPI: LazyLock<Document> =
        LazyLock::new(|| Document::new("application/json", POLICY, format!("{:#}\n", asyncapi::document())));
    &ASYNCAPI
}

fn openapi(operations: Operations) -> &'static Document {
    static OPENAPI: OnceLock<Document> = OnceLock::new();
    let text = || format!("{:#}\n", openapi::document(&operations()));
    OPENAPI.get_or_init(|| Document::new("application/json", POLICY, text()))
}

fn page(operations: Operations) -> &'static Document {
    static PAGE: OnceLock<Document> = OnceLock::new();
    PAGE.get_or_init(|| Document::new("text/html; charset=utf-8", POLICY, page::page(&operations())))
}

fn style() -> &'static Document {
    static STYLE: LazyLock<Document> =
        LazyLock::new(|| Document::new("text/css; charset=utf-8", POLICY, include_str!("docs/style.css").to_owned()));
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

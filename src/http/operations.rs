//! `/livez`, `/readyz` and `/metrics`: what those ask who keep the gateway running.
//!
//! Where bots connect, the metrics are for administrators. Where the administrator's own address is (`--admin-listen`), they are for
//! whoever can reach it, as a monitoring system expects.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::answer::challenging;
use super::credentials::Visitor;
use super::metrics::metrics;
use super::routes::{Content, Credential, Operation, Product, Routes};
use super::{Peer, status};
use crate::access::{About, Permission, authorise};
use crate::shared::Shared;
use crate::wire::error::Error;

const TEXT: Content = Content::Other("text/plain");

/// The routes where bots connect.
pub fn routes() -> Routes {
    let said = |id: &str, summary: &str| Operation::new(Product::Gateway, id, summary);
    Routes::default()
        .get("/livez", alive, said("livez", "Says that the gateway runs").answering(200, "It does.", TEXT))
        .get(
            "/readyz",
            ready,
            said("readyz", "Says whether all is well, changes that are made durable first of all")
                .saying("With `?verbose`, a line for each thing that must be well.")
                .answering(200, "It is.", TEXT)
                .answering(503, "It is not: each line says what is wrong, and what to do.", TEXT),
        )
        .get(
            "/metrics",
            metrics_for_administrators,
            said("metrics", "Numbers for a monitoring system")
                .saying("In the OpenMetrics text format. Counters begin at 0 with every start.")
                .by(&[Credential::Bearer])
                .answering(200, "They.", Content::Other("application/openmetrics-text"))
                .answering(401, "The token is missing or not known.", TEXT)
                .answering(403, "The caller is no administrator.", TEXT),
        )
}

/// The routes at the administrator's own address.
pub fn open_routes() -> Router<Arc<Shared>> {
    let nothing = || async { (StatusCode::NOT_FOUND, "here are /livez, /readyz and /metrics\n") };
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(nothing)
}

async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let checks = shared.engine.health().checks();
    let is_well = checks.iter().all(|(_, problem)| problem.is_none());
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = if query.is_some_and(|query| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "verbose"))
    {
        let told = checks.iter().map(|(name, problem)| format!("{name}: {}\n", problem.as_deref().unwrap_or("ok")));
        told.collect()
    } else if is_well {
        "ok\n".to_owned()
    } else {
        checks.into_iter().filter_map(|(_, problem)| problem).map(|problem| problem + "\n").collect()
    };
    (status, text).into_response()
}

async fn metrics_for_administrators(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match administrator(&shared, Peer::of(request.extensions()), request.headers()).await {
        Ok(()) => metrics(State(shared)).await,
        Err(error) => challenging((status(error.code), format!("{}\n", error.message)).into_response()),
    }
}

async fn administrator(shared: &Shared, peer: Peer, headers: &HeaderMap) -> Result<(), Error> {
    let visitor = Visitor::of_bearer(shared, peer, headers).await?.unwrap_or(Visitor::anyone(peer));
    authorise(visitor.sender(shared).view, Permission::Admin, &About::Gateway)
}

//! `/access/v1/…`: the one decision, as the AuthZEN Authorization API 1.0 has it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::any;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{challenging, json, slowing};
use super::credentials::Visitor;
use super::routes::{Content, Credential, Operation, Product, Routes};
use super::{OTHER_METHODS, Peer, body, run};
use crate::methods::{AuthZen, CheckAccess, Evaluation, Known, SearchActions, SearchResources, SearchSubjects};
use crate::shared::Shared;
use crate::wire::envelope;
use crate::wire::error::{Code, Error};
use crate::wire::frame::shortened;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SEARCH_SUBJECT: &str = "/access/v1/search/subject";
const SEARCH_RESOURCE: &str = "/access/v1/search/resource";
const SEARCH_ACTION: &str = "/access/v1/search/action";

/// What a client names its request with, and finds the answer by.
const REQUEST_ID: &str = "x-request-id";

/// The routes.
pub fn routes() -> Routes {
    Routes::default()
        .post(EVALUATION, ask::<Evaluation>, said::<Evaluation>("evaluate", "Says whether a subject may do something"))
        .post(
            EVALUATIONS,
            ask::<CheckAccess>,
            said::<CheckAccess>("evaluateMany", "Says of several questions whether a subject may"),
        )
        .post(
            SEARCH_SUBJECT,
            ask::<SearchSubjects>,
            said::<SearchSubjects>("searchSubject", "Says who may do something to a resource"),
        )
        .post(
            SEARCH_RESOURCE,
            ask::<SearchResources>,
            said::<SearchResources>("searchResource", "Says to which resources a subject may do something"),
        )
        .post(
            SEARCH_ACTION,
            ask::<SearchActions>,
            said::<SearchActions>("searchAction", "Says what a subject may do to a resource"),
        )
        .get(
            "/.well-known/authzen-configuration",
            configuration,
            Operation::new(Product::AuthZen, "authzenConfiguration", "Says where everything is").answering(
                200,
                "Where it is.",
                Content::of::<Configuration>(),
            ),
        )
        .with(|router| {
            router
                .route("/access/v1/{*path}", any(nothing))
                .method_not_allowed_fallback(|| async { json(StatusCode::METHOD_NOT_ALLOWED, &OTHER_METHODS) })
                .layer(middleware::from_fn(identified))
        })
}

fn said<Q: Known>(id: &str, summary: &str) -> Operation {
    const REFUSALS: &[(u16, &str)] = &[
        (400, "Something is wrong with the question. What is not known is no error, but a no."),
        (401, "The token is missing or not known."),
        (403, "The caller may not ask about this resource."),
        (429, "There were too many requests."),
        (500, "The gateway failed."),
    ];
    Operation::new(Product::AuthZen, id, summary)
        .by(&[Credential::Bearer])
        .parameter::<String>("header", "X-Request-ID", "A name for the request; the answer has it too.", false)
        .body(<AuthZen<Q> as JsonSchema>::json_schema, true)
        .answering(200, "The answer.", Content::of::<Q::Reply>())
        .refusing(REFUSALS, Content::of::<String>())
}

/// Gives an answer the name of its request.
async fn identified(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn nothing() -> Response {
    json(StatusCode::NOT_FOUND, &"nothing is here; /.well-known/authzen-configuration says where everything is")
}

/// Where everything is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuthZenConfiguration")]
struct Configuration {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
    search_subject_endpoint: String,
    search_resource_endpoint: String,
    search_action_endpoint: String,
}

/// Where everything is, for those who know the gateway's address alone.
async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    let at = |path: &str| format!("{}{path}", shared.public_url);
    let configuration = Configuration {
        policy_decision_point: at(""),
        access_evaluation_endpoint: at(EVALUATION),
        access_evaluations_endpoint: at(EVALUATIONS),
        search_subject_endpoint: at(SEARCH_SUBJECT),
        search_resource_endpoint: at(SEARCH_RESOURCE),
        search_action_endpoint: at(SEARCH_ACTION),
    };
    json(StatusCode::OK, &configuration)
}

async fn ask<Q: Known>(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match answer::<Q>(&shared, request).await {
        Ok(reply) => json(StatusCode::OK, &reply),
        Err(error) => refused(&error),
    }
}

async fn answer<Q: Known>(shared: &Shared, request: Request) -> Result<Q::Reply, Error> {
    let (parts, body) = request.into_parts();
    let peer = Peer::of(&parts.extensions);
    let visitor = Visitor::of_bearer(shared, peer, &parts.headers).await?.ok_or_else(|| {
        Error::new(Code::NotAuthenticated, "a token is needed; send one as `Authorization: Bearer …`")
    })?;
    if !is_json(&parts.headers) {
        return Err(Error::new(Code::Malformed, "the body must be JSON; send it as `Content-Type: application/json`"));
    }
    let bytes = body::read(body, &shared.limits).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::new(Code::Malformed, "the body is not UTF-8"))?;
    let question: AuthZen<Q> = envelope::fields(text)?;
    run::query(shared, &visitor, question)
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|named| named.to_str().ok()).unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A refusal with the few statuses that the standard has, and a text for a person.
fn refused(error: &Error) -> Response {
    let status = match error.code {
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionMissing | Code::NotInApp => StatusCode::FORBIDDEN,
        Code::SlowDown => StatusCode::TOO_MANY_REQUESTS,
        Code::Unexpected | Code::NotWritable => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    slowing(challenging(json(status, &shortened(&error.message))), error.retry_after_ms)
}

//! `/admin/whitelist`: the whitelist of the organisation that an api key is of, as the organisation API has it.
//!
//! What that API leaves open is answered as its framework would: refusals are `{"detail":…}`, and a request that cannot be taken
//! gets 422 with a list of what is wrong where. Members a body may have beside the published ones, such as `org_id` for bots
//! that are in several organisations, are those of the methods.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::credentials::{Visitor, bearer};
use super::{OTHER_METHODS, Peer, answer, body, run, status};
use crate::methods::{AddToOrgWhitelist, GetOrgWhitelist, RemoveFromOrgWhitelist};
use crate::shared::Shared;
use crate::wire::error::{Code, Error};

/// What a member needs to be added.
const NEEDED_TO_ADD: &[&str] = &["name", "email", "permissions", "start_date"];

/// The one route.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/admin/whitelist", get(list).post(add).delete(remove))
        .method_not_allowed_fallback(|| async { Refusal::told(StatusCode::METHOD_NOT_ALLOWED, OTHER_METHODS) })
}

async fn add(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let visitor = visitor(&shared, &parts)?;
    let bytes = body::read(body, &shared.limits).await.map_err(|error| Refusal::new(Part::Body, &error))?;
    let body = serde_json::from_slice(&bytes).map_err(|error| {
        let fault = json!({"type": "json_invalid", "loc": ["body"], "msg": error.to_string()});
        Refusal::invalid(vec![fault])
    })?;
    let mut method: AddToOrgWhitelist = fields(Part::Body, body, NEEDED_TO_ADD)?;
    let only_if_new = parts.headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == "*");
    if only_if_new {
        method = method.only_if_new();
    }
    let added = run::change(&shared, &visitor, method).await.map_err(|error| match error.code {
        // The other conflict, with the last who may keep the whitelist, is one of members who stand.
        Code::Conflict if only_if_new => Refusal::told(StatusCode::PRECONDITION_FAILED, &error.message),
        _ => Refusal::new(Part::Body, &error),
    })?;
    Ok(answer::json(StatusCode::OK, &added))
}

async fn remove(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let visitor = visitor(&shared, &parts)?;
    let method: RemoveFromOrgWhitelist = fields(Part::Query, query(&parts), &["email"])?;
    let removed = run::change(&shared, &visitor, method).await;
    removed.map_err(|error| Refusal::new(Part::Query, &error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn list(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let visitor = visitor(&shared, &parts)?;
    let method: GetOrgWhitelist = fields(Part::Query, query(&parts), &[])?;
    let page = run::query(&shared, &visitor, method).map_err(|error| Refusal::new(Part::Query, &error))?;
    Ok(answer::json(StatusCode::OK, &page))
}

/// The one whose key comes with a request: in the query as published, or in one of two headers, which logs do not keep.
fn visitor(shared: &Shared, parts: &Parts) -> Result<Visitor, Refusal> {
    let peer = Peer::of(&parts.extensions);
    let in_query = pairs(parts).find(|(name, _)| name == "api_key").map(|(_, key)| key);
    let in_header = || {
        let header = parts.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        bearer(&parts.headers).or(header).map(str::to_owned)
    };
    let key = in_query.or_else(in_header);
    let known = key.as_ref().and_then(|key| Visitor::of_token(shared, peer, key));
    known.ok_or_else(|| {
        let text = match key {
            Some(_) => "the api key is not known; ask an administrator for a new one",
            None => "an api key is needed, as ?api_key=…, as Authorization: Bearer …, or as X-API-Key",
        };
        Refusal::told(StatusCode::UNAUTHORIZED, text)
    })
}

/// The parameters of a request, decoded.
fn pairs(parts: &Parts) -> impl Iterator<Item = (String, String)> {
    let query = parts.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// The same as an object, without the key; the first of a name counts.
fn query(parts: &Parts) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs(parts).filter(|(name, _)| name != "api_key") {
        object.entry(name).or_insert(Value::String(value));
    }
    Value::Object(object)
}

/// Reads a method's fields, of which some are needed.
fn fields<M: DeserializeOwned>(part: Part, members: Value, needed: &[&str]) -> Result<M, Refusal> {
    let Value::Object(object) = &members else {
        let fault = json!({"type": "dict_type", "loc": [part.name()], "msg": "must be an object"});
        return Err(Refusal::invalid(vec![fault]));
    };
    let missing = needed.iter().filter(|name| !object.contains_key(**name));
    let faults: Vec<Value> = missing
        .map(|name| json!({"type": "missing", "loc": [part.name(), name], "msg": "is needed, and is missing"}))
        .collect();
    if !faults.is_empty() {
        return Err(Refusal::invalid(faults));
    }
    serde_path_to_error::deserialize(members).map_err(|error| {
        let path = error.path().to_string();
        Refusal::invalid(vec![fault(part, &path, &error.into_inner().to_string())])
    })
}

/// Where in a request something is.
#[derive(Clone, Copy, Debug)]
enum Part {
    Body,
    Query,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Query => "query",
        }
    }
}

/// What is wrong with a field, which is named by its path, such as `permissions[0]`.
fn fault(part: Part, path: &str, message: &str) -> Value {
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    let steps = steps.map(|step| step.parse::<usize>().map_or_else(|_| json!(step), |index| json!(index)));
    let loc: Vec<Value> = std::iter::once(json!(part.name())).chain(steps).collect();
    json!({"type": "value_error", "loc": loc, "msg": message})
}

/// A refusal in the form of this API.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    detail: Value,
}

impl Refusal {
    fn new(part: Part, error: &Error) -> Self {
        if error.code != Code::Malformed {
            return Self::told(status(error.code), &error.message);
        }
        let (path, message) = error.at_field().unwrap_or(("", &error.message));
        Self::invalid(vec![fault(part, path, message)])
    }

    fn told(status: StatusCode, text: &str) -> Self {
        Self { status, detail: json!(text) }
    }

    fn invalid(faults: Vec<Value>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail: Value::Array(faults) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer::challenging(answer::json(self.status, &json!({"detail": self.detail})))
    }
}

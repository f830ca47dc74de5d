//! `/admin/whitelist`: the whitelist of the organisation that an api key is of, as the organisation API has it.
//!
//! What that API leaves open is answered as its framework would: refusals are `{"detail":…}`, and a request that cannot be taken
//! gets 422 with a list of what is wrong where. Members a body may have beside the published ones, such as `org_id` for bots
//! that are in several organisations, are those of the methods.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::credentials::{Visitor, bearer};
use super::routes::{Content, Credential, Operation, Product, Routes};
use super::{OTHER_METHODS, Peer, answer, body, run, status};
use crate::methods::{AddToOrgWhitelist, GetOrgWhitelist, Method, RemoveFromOrgWhitelist};
use crate::shared::Shared;
use crate::state::id::OrgId;
use crate::wire::error::{Code, Error};

/// What a member needs to be added.
const NEEDED_TO_ADD: &[&str] = &["name", "email", "permissions", "start_date"];

/// The one route.
pub fn routes() -> Routes {
    const PATH: &str = "/admin/whitelist";
    const KEYS: &[Credential] = &[Credential::KeyInQuery, Credential::KeyInHeader, Credential::Bearer];
    const REFUSALS: &[(u16, &str)] = &[
        (401, "The api key is missing or not known."),
        (403, "The key's member lacks what it takes, now."),
        (404, "There is no such organisation or member."),
        (422, "Something is wrong with the query or the body."),
        (429, "There were too many requests."),
    ];
    const OF_CHANGES: &[(u16, &str)] = &[
        (409, "The change contradicts what stands."),
        (413, "It is too large."),
        (503, "It could not be made durable."),
    ];
    let said = |id: &str, summary: &str| {
        let said = Operation::new(Product::Organizations, id, summary).by(KEYS);
        said.refusing(REFUSALS, Content::of::<Refused>())
    };
    let of_bots = "The organisation, for bots that were granted something in several.";
    Routes::default()
        .get(
            PATH,
            list,
            said("listMembers", "Lists the members of the key's organisation")
                .query::<OrgId>("org_id", of_bots)
                .by_pages()
                .answering(200, "A page.", Content::of::<<GetOrgWhitelist as Method>::Reply>()),
        )
        .post(
            PATH,
            add,
            said("addMember", "Lets somebody into the key's organisation; a member who stands is replaced")
                .parameter::<String>("header", "If-None-Match", "`*`: only where the address is not listed yet.", false)
                .body(AddToOrgWhitelist::json_schema, true)
                .answering(200, "The member.", Content::of::<<AddToOrgWhitelist as Method>::Reply>())
                .refusing(OF_CHANGES, Content::of::<Refused>())
                .refusing(&[(412, "The address is listed already.")], Content::of::<Refused>()),
        )
        .delete(
            PATH,
            remove,
            said("removeMember", "Takes a member off the key's organisation, with all api keys")
                .parameter::<String>("query", "email", "The address that the member was added with.", true)
                .query::<OrgId>("org_id", of_bots)
                .answering(204, "The member is gone.", Content::Empty)
                .refusing(OF_CHANGES, Content::of::<Refused>()),
        )
        .with(|router| {
            router
                .method_not_allowed_fallback(|| async { Refusal::told(StatusCode::METHOD_NOT_ALLOWED, OTHER_METHODS) })
        })
}

/// What a refusal looks like.
#[derive(JsonSchema)]
#[schemars(rename = "OrganizationRefusal")]
#[expect(dead_code, reason = "it is described, and written as `Refusal` is")]
struct Refused {
    /// What is wrong.
    detail: Detail,
}

/// What is wrong: in words, or fault by fault.
#[derive(JsonSchema)]
#[schemars(rename = "OrganizationRefusalDetail", untagged)]
#[expect(dead_code, reason = "it is described, and written as `Refusal` is")]
enum Detail {
    /// In words.
    Told(String),
    /// Fault by fault.
    Faults(Vec<Fault>),
}

/// What is wrong with a field.
#[derive(JsonSchema)]
#[schemars(rename = "OrganizationFault")]
#[expect(dead_code, reason = "it is described, and written by `fault`")]
struct Fault {
    /// What a program acts on.
    r#type: String,
    /// Where it is: `body` or `query`, and the way from there.
    loc: Vec<Step>,
    /// What a person reads.
    msg: String,
}

/// A member's name, or an index into an array.
#[derive(JsonSchema)]
#[schemars(rename = "OrganizationFaultStep", untagged)]
#[expect(dead_code, reason = "it is described, and written by `fault`")]
enum Step {
    /// A member's name.
    Name(String),
    /// An index.
    Index(usize),
}

async fn add(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let visitor = visitor(&shared, &parts).await?;
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
    let visitor = visitor(&shared, &parts).await?;
    let method: RemoveFromOrgWhitelist = fields(Part::Query, query(&parts), &["email"])?;
    let removed = run::change(&shared, &visitor, method).await;
    removed.map_err(|error| Refusal::new(Part::Query, &error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn list(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let visitor = visitor(&shared, &parts).await?;
    let method: GetOrgWhitelist = fields(Part::Query, query(&parts), &[])?;
    let page = run::query(&shared, &visitor, method).map_err(|error| Refusal::new(Part::Query, &error))?;
    Ok(answer::json(StatusCode::OK, &page))
}

/// The one whose key comes with a request: in the query as published, or in one of two headers, which logs do not keep.
async fn visitor(shared: &Shared, parts: &Parts) -> Result<Visitor, Refusal> {
    let peer = Peer::of(&parts.extensions);
    let in_query = pairs(parts).find(|(name, _)| name == "api_key").map(|(_, key)| key);
    let in_header = || {
        let header = parts.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        bearer(&parts.headers).or(header).map(str::to_owned)
    };
    let Some(key) = in_query.or_else(in_header) else {
        let text = "an api key is needed, as ?api_key=…, as Authorization: Bearer …, or as X-API-Key";
        return Err(Refusal::told(StatusCode::UNAUTHORIZED, text));
    };
    let unknown = "the api key is not known; ask an administrator for a new one";
    Visitor::proven(shared, peer, &key, unknown).await.map_err(|error| Refusal::new(Part::Query, &error))
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
    retry_after_ms: Option<NonZeroU32>,
}

impl Refusal {
    fn new(part: Part, error: &Error) -> Self {
        if error.code != Code::Malformed {
            let told = Self::told(status(error.code), &error.message);
            return Self { retry_after_ms: error.retry_after_ms, ..told };
        }
        let (path, message) = error.at_field().unwrap_or(("", &error.message));
        Self::invalid(vec![fault(part, path, message)])
    }

    fn told(status: StatusCode, text: &str) -> Self {
        Self { status, detail: json!(text), retry_after_ms: None }
    }

    fn invalid(faults: Vec<Value>) -> Self {
        let detail = Value::Array(faults);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail, retry_after_ms: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let answer = answer::challenging(answer::json(self.status, &json!({"detail": self.detail})));
        answer::slowing(answer, self.retry_after_ms)
    }
}

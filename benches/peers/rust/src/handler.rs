//! This is where a peer answers a message: one pass over borrowed text, a map in memory, and the answer in the gateway's shape.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::lists::{App, Lists, Person};

/// Entries of a page, where the request does not say.
const PAGE_SIZE_DEFAULT: usize = 50;

/// Every field that a message may have, read in one pass.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    reference: Option<&'a RawValue>,
    #[serde(borrow, default)]
    app_id: Cow<'a, str>,
    #[serde(borrow, default)]
    signups: Vec<Signup<'a>>,
    #[serde(borrow, default)]
    subject: Option<Named<'a>>,
    #[serde(borrow, default)]
    resource: Option<Named<'a>>,
    #[serde(default)]
    page_size: Option<usize>,
    #[serde(default)]
    page_number: usize,
}

/// Somebody who is to be on a list.
#[derive(Deserialize)]
pub struct Signup<'a> {
    /// An email address or a phone number.
    #[serde(borrow)]
    pub signup_id: Cow<'a, str>,
    /// What they are tagged with, where that is said.
    #[serde(borrow, default)]
    pub tags: Option<Vec<Text<'a>>>,
}

/// A text, borrowed wherever it has no escapes: of a bare `Cow` inside a `Vec`, serde makes an owned one.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Serialize)]
struct Acked<'a> {
    method: &'static str,
    app_id: &'a str,
    signups: Vec<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Decided<'a> {
    method: &'static str,
    decision: bool,
    context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Context<'a> {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a Person>,
}

#[derive(Serialize)]
struct Paged<'a> {
    method: &'static str,
    app_id: &'a str,
    signups: &'a [Person],
    page_number: usize,
    eop: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a RawValue>,
    message: String,
}

/// The answer to a sign-in, whatever the token.
pub const SIGNED_IN: &str =
    r#"{"method":"TOKEN_AUTH_OK","ID":"1","id":"1","name":"Peer","date":0,"is_nandbox":0,"localId":0,"email":null}"#;

/// The answer to a message.
pub fn answer(lists: &Lists, text: &str) -> String {
    let request: Request<'_> = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(error) => return json(&Refused { error: 400, reference: None, message: error.to_string() }),
    };
    match &*request.method {
        "addToWhitelist" => add(lists, &request),
        "checkAccess" => decide(lists, &request),
        "getWhitelistUsers" => page(lists, &request),
        "PING" => r#"{"method":"PONG"}"#.to_owned(),
        "TOKEN_AUTH" => SIGNED_IN.to_owned(),
        method => {
            let message = format!("there is no method `{method}`");
            json(&Refused { error: 405, reference: request.reference, message })
        }
    }
}

fn add(lists: &Lists, request: &Request<'_>) -> String {
    let signups = lists.add(&request.app_id, &request.signups);
    json(&Acked { method: "addToWhitelist_ack", app_id: &request.app_id, signups, reference: request.reference })
}

fn decide(lists: &Lists, request: &Request<'_>) -> String {
    let (Some(subject), Some(resource)) = (&request.subject, &request.resource) else {
        let message = "a subject and a resource are needed".to_owned();
        return json(&Refused { error: 400, reference: request.reference, message });
    };
    let decided = |entry: Option<&Person>| {
        let reason = if entry.is_some() { "whitelisted" } else { "not_whitelisted" };
        let context = Context { reason, entry };
        let decision = entry.is_some();
        json(&Decided { method: "checkAccessResponse", decision, context, reference: request.reference })
    };
    lists.ask(&resource.id, |app| decided(app.find(&subject.id))).unwrap_or_else(|| decided(None))
}

fn page(lists: &Lists, request: &Request<'_>) -> String {
    let size = request.page_size.unwrap_or(PAGE_SIZE_DEFAULT);
    let paged = |app: &App| {
        let people = app.people.get(request.page_number.saturating_mul(size)..).unwrap_or_default();
        let signups = &people[..size.min(people.len())];
        json(&Paged {
            method: "getWhitelistUsersResponse",
            app_id: &request.app_id,
            signups,
            page_number: request.page_number,
            eop: signups.len() == people.len(),
            reference: request.reference,
        })
    };
    lists.ask(&request.app_id, paged).unwrap_or_else(|| paged(&App::default()))
}

fn json<T: Serialize>(answer: &T) -> String {
    serde_json::to_string(answer).expect("an answer has only texts for keys")
}

//! This is where questions are answered as AuthZEN has it over HTTP: what is not known is no error, but a no.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

use crate::access::{About, Permission, Sender, View};
use crate::counts::Decisions;
use crate::methods::{Ask, Call, Method, Noun};
use crate::schema::leaf::also;
use crate::wire::error::{Code, Error};

/// A question that has an answer even where it is about something that is not known.
pub trait Known: Ask {
    /// Refuses ids that are no texts, which WebSocket clients may send.
    fn has_standard_ids(&self) -> Result<(), Error>;

    /// That answer.
    fn unknown(error: Error) -> Self::Reply;
}

/// A question as AuthZEN has it. A request that lacks something is refused, and so is a caller who may not ask; anything else has
/// an answer.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct AuthZen<Q>(Q);

/// What the question looks like, with ids that are texts.
impl<Q: Known> JsonSchema for AuthZen<Q> {
    fn schema_name() -> Cow<'static, str> {
        Q::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Q::json_schema(generator);
        let named = json!({"properties": {"id": {"type": ["string", "null"]}}});
        let parts = json!({"properties": {"subject": named, "resource": named}});
        also(&mut schema, json!({"properties": {"evaluations": {"items": parts}}}));
        also(&mut schema, parts);
        schema
    }
}

impl<Q: Known> Method for AuthZen<Q> {
    const CALL: Call = Q::CALL;
    const NEEDS: Permission = Q::NEEDS;
    const NOUN: Noun = Q::NOUN;
    const REFUSES: &[Code] = Q::REFUSES;
    type Reply = Q::Reply;

    fn about(&mut self, sender: Sender<'_>) -> About {
        self.0.about(sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.0.has_standard_ids()?;
        self.0.validate()
    }
}

impl<Q: Known> Ask for AuthZen<Q> {
    fn answer(&self, view: View<'_>) -> Result<Q::Reply, Error> {
        self.0.answer(view).or_else(|error| match error.code {
            Code::Malformed | Code::NotFound | Code::UnknownApp | Code::Conflict => Ok(Q::unknown(error)),
            _ => Err(error),
        })
    }

    fn count(reply: &Q::Reply, decisions: &Decisions) {
        Q::count(reply, decisions);
    }
}

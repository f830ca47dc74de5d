//! This is where questions are read: who wants to do what to which resource. What stands beside that is passed over.

use std::fmt;

use compact_str::CompactString;
use schemars::{JsonSchema, Schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::schema::leaf::{also, schema_of};
use crate::wire::error::Error;
use crate::wire::fields::Object;

/// What a request says of an entity or of the circumstances. It decides nothing so far, and must be an object all the same.
pub type Properties = Option<Object<Map<String, Value>>>;

/// A subject or a resource.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Entity {
    /// `user` for a subject; `app`, `chat_share` or `organization` for a resource.
    #[serde(rename = "type")]
    #[schemars(with = "Option<Box<str>>")]
    kind: Option<CompactString>,
    id: Option<Id>,
    properties: Properties,
}

/// A subject or a resource of which only the type is given; its id is what is searched for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Sought {
    /// The type.
    #[serde(rename = "type")]
    #[schemars(with = "Option<Box<str>>")]
    kind: Option<CompactString>,
    properties: Properties,
}

/// An action.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Action {
    /// `sign_up` to an app, `can_read` a shared chat, or one of an organisation's permissions.
    #[schemars(with = "Option<Box<str>>")]
    name: Option<CompactString>,
    properties: Properties,
}

/// An entity's id: a text, or a whole number that is taken as its digits.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Id {
    text: CompactString,
    #[serde(skip)]
    is_text: bool,
}

/// What a question is made of, as far as it stands in one place.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Parts {
    /// Who wants it.
    pub subject: Option<Object<Entity>>,
    /// What is to be done.
    pub action: Option<Object<Action>>,
    /// To what.
    pub resource: Option<Object<Entity>>,
    /// In which circumstances.
    #[serde(rename = "context")]
    pub _context: Properties,
}

/// An entity with all it needs.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its type.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
}

/// A question with all it needs.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who wants it.
    pub subject: Named<'a>,
    /// What is to be done.
    pub action: &'a str,
    /// To what.
    pub resource: Named<'a>,
}

impl Parts {
    /// The question, with each part that is missing here taken whole from the defaults.
    pub fn question<'a>(&'a self, defaults: &'a Self) -> Result<Question<'a>, Error> {
        let subject = self.subject.as_ref().or(defaults.subject.as_ref()).ok_or_else(|| missing("subject"))?;
        let action = self.action.as_ref().or(defaults.action.as_ref()).ok_or_else(|| missing("action"))?;
        let resource = self.resource.as_ref().or(defaults.resource.as_ref()).ok_or_else(|| missing("resource"))?;
        Ok(Question {
            subject: subject.0.named("subject")?,
            action: action.0.name()?,
            resource: resource.0.named("resource")?,
        })
    }

    /// Refuses ids that are no texts, which the standard does not know.
    pub fn has_standard_ids(&self) -> Result<(), Error> {
        self.subject.as_ref().map_or(Ok(()), |subject| subject.0.has_standard_id("subject"))?;
        self.resource.as_ref().map_or(Ok(()), |resource| resource.0.has_standard_id("resource"))
    }
}

impl Entity {
    /// The entity with all it needs, or the name of what it lacks.
    pub fn named(&self, path: &str) -> Result<Named<'_>, Error> {
        let kind = self.kind.as_deref().ok_or_else(|| missing(&format!("{path}.type")))?;
        let id = self.id.as_ref().ok_or_else(|| missing(&format!("{path}.id")))?;
        Ok(Named { kind, id: &id.text })
    }

    /// Refuses an id that is no text.
    pub fn has_standard_id(&self, path: &str) -> Result<(), Error> {
        match &self.id {
            Some(id) if !id.is_text => Err(Error::field(format_args!("{path}.id"), "must be a string")),
            _ => Ok(()),
        }
    }
}

impl Sought {
    /// The type, or that it is lacking.
    pub fn kind(&self, path: &str) -> Result<&str, Error> {
        self.kind.as_deref().ok_or_else(|| missing(&format!("{path}.type")))
    }
}

impl Action {
    /// The name, or that it is lacking.
    pub fn name(&self) -> Result<&str, Error> {
        self.name.as_deref().ok_or_else(|| missing("action.name"))
    }
}

fn missing(path: &str) -> Error {
    Error::field(path, "is missing")
}

/// Says in a schema that a part of the question has all it needs.
pub fn complete(members: &'static [&'static str]) -> impl Fn(&mut Schema) + Clone {
    move |schema| {
        let texts = members
            .iter()
            .filter(|member| **member != "id")
            .map(|member| ((*member).to_owned(), json!({"type": "string"})));
        let ids = members
            .iter()
            .filter(|member| **member == "id")
            .map(|member| ((*member).to_owned(), json!({"type": ["string", "integer"]})));
        let rule =
            json!({"type": "object", "required": members, "properties": texts.chain(ids).collect::<Map<_, _>>()});
        also(schema, rule);
    }
}

schema_of!(Id, {"type": ["string", "integer"], "minimum": 0});

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(Id { text: text.into(), is_text: true })
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(Id { text: itoa::Buffer::new().format(number).into(), is_text: false })
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

//! This is where answers become frames: encoded once, straight into the frame, and split before they grow too long.

use std::borrow::Cow;
use std::num::NonZeroU32;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::envelope::Reference;
use super::error::{Code, Error};
use crate::config::ERROR_BYTES_MAX;
use crate::json;
use crate::state::id::{AppId, BotId};

/// What an answer carries beside its method and reference.
pub trait Reply: Serialize + Sized {
    /// Splits off the second half of the answer's array, for an answer too long for one frame; what only the last frame
    /// carries (`eop`) goes with it. `None` when there is nothing to split.
    fn split_off(&mut self) -> Option<Self> {
        None
    }
}

/// What becomes of `reference` in the answer to a message that had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentReference {
    /// The key is left out: a `null` breaks the Python SDK's pattern callbacks.
    Omitted,
    /// The key is `null`, as the real service sends it in the acks of sign-ups.
    Null,
}

/// Encodes an answer, as one frame wherever it fits into the bytes that one may have.
pub fn answer<R: Reply>(
    method: &str,
    mut reply: R,
    reference: &Reference,
    absent: AbsentReference,
    bytes_max: usize,
    frames: &mut Vec<Utf8Bytes>,
) {
    let frame = encode(|text| begin(text, method), &reply, reference, absent);
    if frame.len() <= bytes_max {
        return frames.push(frame);
    }
    let Some(rest) = reply.split_off() else {
        debug_assert!(false, "an answer that cannot be split has {} bytes", frame.len());
        return frames.push(frame);
    };
    // Not kept while its parts are made.
    drop(frame);
    answer(method, reply, reference, absent, bytes_max, frames);
    answer(method, rest, reference, absent, bytes_max, frames);
}

/// How a refusal is called, for clients that see messages by their method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// It has no method, so that every SDK passes it on or over.
    Nothing,
    /// `error`, which brings it to a bot's catch-all callback.
    Error,
    /// As the answer would be, with `"ack":false`.
    Answer(&'static str),
}

impl Called {
    /// Whether it is called an error, where nothing else is said.
    pub fn error(is_called: bool) -> Self {
        if is_called { Self::Error } else { Self::Nothing }
    }
}

/// Encodes a refusal.
pub fn refusal(error: &Error, request: Option<&str>, reference: &Reference, called: Called) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Head {
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ack: Option<bool>,
        error: u32,
    }
    #[derive(Serialize)]
    struct Refusal<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        app_id: Option<AppId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a str>,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<NonZeroU32>,
    }
    let (method, ack) = match called {
        Called::Nothing => (None, None),
        Called::Error => (Some("error"), None),
        Called::Answer(reply) => (Some(reply), Some(false)),
    };
    let head = Head { method, ack, error: error.code.number() };
    let (request, message) = (request.map(shortened), shortened(&error.message));
    let body = Refusal {
        app_id: error.app_id,
        request: request.as_deref(),
        message: &message,
        retry_after_ms: error.retry_after_ms,
    };
    encode(|text| json::write(text, &head), &body, reference, AbsentReference::Omitted)
}

/// What a refusal looks like, in schemas.
pub fn refusal_schema(generator: &mut SchemaGenerator) -> Schema {
    let app_id = generator.subschema_for::<AppId>();
    let codes: Vec<u32> = Code::ALL.iter().map(|code| code.number()).collect();
    let meanings: Vec<&str> = Code::ALL.iter().map(|code| code.meaning()).collect();
    let echoed = json_schema!({"type": ["string", "number"]});
    json_schema!({
        "description": "A refusal: what a program acts on, and what a person reads.",
        "type": "object",
        "properties": {
            "error": {"description": "Why it was refused.", "type": "integer", "enum": codes, "x-enum-descriptions": meanings},
            "message": {"description": "What is wrong, where, and what to do.", "type": "string"},
            "retry_after_ms": {"description": "After how many milliseconds it may go better.", "type": "integer", "minimum": 1},
            "request": {"description": "The method that was refused.", "type": "string"},
            "app_id": app_id,
            "method": {
                "description": "`error`, sent by gateways that are told to, for bots that see messages by method alone; about events the answer's own name.",
                "type": "string"
            },
            "ack": {"description": "In refusals about events, whose SDKs look for it.", "const": false},
            "reference": echoed,
            "ref": echoed
        },
        "required": ["error", "message"],
        "additionalProperties": false
    })
}

/// A text that may quote what a client sent, at a length for people: where it is cut, its end stays, for there the position is.
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= ERROR_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let head = text.floor_char_boundary(ERROR_BYTES_MAX / 2);
    let tail = text.ceil_char_boundary(text.len() - ERROR_BYTES_MAX / 2);
    Cow::Owned(format!("{} … {}", &text[..head], &text[tail..]))
}

/// The answer to `PING`.
pub fn pong() -> Utf8Bytes {
    Utf8Bytes::from_static(r#"{"method":"PONG"}"#)
}

/// The answer to a `TOKEN_AUTH` whose token is good. It never has the token in it: no SDK reads it there.
#[derive(Debug)]
pub struct Welcome<'a> {
    /// The bot, or whoever else signed in.
    pub id: u64,
    /// Their name.
    pub name: &'a str,
    /// The gateway's clock, in milliseconds since 1970.
    pub date: u64,
    /// The last numeric reference used in an earlier session; 0 if none.
    pub local_id: u64,
    /// The app the token is bound to.
    pub bound_app: Option<AppId>,
}

impl Welcome<'_> {
    /// Encodes it.
    pub fn frame(&self, reference: &Reference) -> Utf8Bytes {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(rename = "ID")]
            upper_id: BotId,
            id: BotId,
            name: &'a str,
            date: u64,
            is_nandbox: u8,
            #[serde(rename = "localId")]
            local_id: u64,
            email: Option<()>,
            #[serde(skip_serializing_if = "Option::is_none")]
            chat_id: Option<AppId>,
        }
        let body = Body {
            upper_id: BotId(self.id),
            id: BotId(self.id),
            name: self.name,
            date: self.date,
            is_nandbox: 0,
            local_id: self.local_id,
            email: None,
            chat_id: self.bound_app,
        };
        encode(|text| begin(text, "TOKEN_AUTH_OK"), &body, reference, AbsentReference::Omitted)
    }
}

/// What a welcome looks like beside what every answer has, in schemas.
pub fn welcome_schema(generator: &mut SchemaGenerator) -> Schema {
    let (id, app_id) = (generator.subschema_for::<BotId>(), generator.subschema_for::<AppId>());
    json_schema!({
        "description": "Who has signed in.",
        "type": "object",
        "properties": {
            "ID": id,
            "id": id,
            "name": {"type": "string"},
            "date": {"description": "The gateway's clock, in milliseconds since 1970.", "type": "integer", "minimum": 0},
            "is_nandbox": {"const": 0},
            "localId": {"description": "The last reference of an earlier session that was a number; 0 if none.", "type": "integer", "minimum": 0},
            "email": {"type": "null"},
            "chat_id": app_id
        },
        "required": ["ID", "id", "name", "date", "is_nandbox", "localId", "email"],
        "additionalProperties": false
    })
}

/// One object of three parts: the head's members, the body's members, the reference.
fn encode(
    head: impl FnOnce(&mut Vec<u8>),
    body: &impl Serialize,
    reference: &Reference,
    absent: AbsentReference,
) -> Utf8Bytes {
    let mut text = Vec::with_capacity(256);
    head(&mut text);
    join(&mut text, body);
    text.pop();
    if let Some(reference) = &reference.short {
        text.extend_from_slice(b",\"ref\":");
        text.extend_from_slice(reference.as_bytes());
    }
    match (&reference.reference, absent) {
        (Some(reference), _) => {
            text.extend_from_slice(b",\"reference\":");
            text.extend_from_slice(reference.as_bytes());
        }
        (None, AbsentReference::Null) if reference.short.is_none() => text.extend_from_slice(b",\"reference\":null"),
        (None, _) => {}
    }
    text.push(b'}');
    Utf8Bytes::try_from(text).expect("serde_json writes UTF-8, and references were cut from UTF-8")
}

/// Writes `{"method":NAME,…fields…}`, the form in which changes are journaled.
pub fn message(text: &mut Vec<u8>, method: &str, fields: &impl Serialize) {
    begin(text, method);
    join(text, fields);
}

/// Writes `{"method":NAME}`; the names of methods need no escapes.
fn begin(text: &mut Vec<u8>, method: &str) {
    text.extend_from_slice(b"{\"method\":\"");
    text.extend_from_slice(method.as_bytes());
    text.extend_from_slice(b"\"}");
}

/// Appends an object's members to the object that `text` ends with: `{…}{…}` becomes `{…,…}`.
fn join(text: &mut Vec<u8>, members: &impl Serialize) {
    text.pop();
    let comma = text.len();
    json::write(text, members);
    if text.len() == comma + 2 {
        text.truncate(comma);
        text.push(b'}');
    } else {
        text[comma] = b',';
    }
}

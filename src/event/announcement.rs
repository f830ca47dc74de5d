//! This is where an entry of the journal becomes what subscribers are told: what was changed, by whom and when, without secrets.
//!
//! The entries of an event are those of the message, so that it is the same whether it is told at once or read from the journal
//! later: after it these stand, or stand no more, whatever stood before.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use smallvec::{SmallVec, smallvec};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Kind;
use crate::access::{About, Caller};
use crate::config::FRAME_OUT_BYTES_MAX;
use crate::methods::Which;
use crate::state::id::{AppId, OrgId, UserId};
use crate::state::moment::Moment;

/// Fields of messages that subscribers are told. What is not among them, such as a hash, stays in the journal.
const TOLD: &[&str] = &[
    "app_builder",
    "app_id",
    "apps",
    "bot_id",
    "bound_app_id",
    "chat_id",
    "chat_ids",
    "email",
    "emails",
    "end_date",
    "entry_ids",
    "grants",
    "is_protected",
    "is_shared",
    "key_id",
    "name",
    "org_id",
    "permissions",
    "primary_email",
    "share_id",
    "share_uuid",
    "start_date",
    "tags",
    "use_blacklist",
    "use_whitelist",
    "user_id",
];

/// Bytes that a frame has beside its entries, at most.
const HEAD_BYTES_MAX: usize = 1_024;

/// A change that was made, as it is journaled.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// Its place in the order.
    pub seq: u64,
    /// When it was journaled, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who made it.
    pub by: Caller,
    /// What was done.
    pub message: &'a str,
}

/// What subscribers are told of a change.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The change's place in the order.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// The one thing that it is about, where it is one.
    pub about: About,
    /// What is pushed: most often one frame.
    pub frames: SmallVec<[Utf8Bytes; 1]>,
}

/// What of a message says what it is about.
#[derive(Deserialize)]
struct Message<'a> {
    method: &'a str,
    app_id: Option<AppId>,
    user_id: Option<UserId>,
    org_id: Option<OrgId>,
    #[serde(borrow)]
    signups: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    patterns: Option<Vec<&'a RawValue>>,
}

/// An event, as it is pushed.
#[derive(Serialize)]
struct Push<'a> {
    method: &'static str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a OrgId>,
    change: &'a str,
    entries: &'a [&'a RawValue],
    by: Caller,
    at: Moment,
    seq: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

impl Announcement {
    /// What is told of a change; nothing of one that is nobody else's business, such as a log-in.
    pub fn of(made: Made<'_>) -> Option<Self> {
        let message: Message<'_> = serde_json::from_str(made.message).ok()?;
        let which = Which::named(message.method)?;
        let kind = Kind::of(which.noun())?;
        let about = match kind {
            Kind::Signup | Kind::Pattern | Kind::App => About::App(message.app_id),
            Kind::Share => About::User(message.user_id?),
            Kind::Organization if message.org_id.is_some() => About::Organization(message.org_id.clone()),
            Kind::Organization | Kind::Bot | Kind::User | Kind::Everything => About::Gateway,
        };
        let frames = match message.signups.as_ref().or(message.patterns.as_ref()) {
            Some(entries) => frames(&made, &message, kind, entries),
            None => {
                let told = told(made.message)?;
                frames(&made, &message, kind, &told.iter().map(|part| &**part).collect::<Vec<_>>())
            }
        };
        Some(Self { seq: made.seq, kind, about, frames })
    }

    /// What those are told who missed changes that cannot be read any more, up to one.
    pub fn missed(seq: u64) -> Utf8Bytes {
        #[derive(Serialize)]
        struct Missed {
            method: &'static str,
            event: &'static str,
            message: &'static str,
            seq: u64,
        }
        let message = "changes up to this one were missed, and the journal has them no more; read the lists again";
        encoded(&Missed { method: PUSH, event: MISSED, message, seq })
    }

    /// Bytes of what is pushed.
    pub fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.len()).sum()
    }
}

/// The method of every push.
const PUSH: &str = "eventMessage";

/// The event that is none, but tells of those that were missed.
const MISSED: &str = "missed";

/// What a push looks like, in schemas.
pub fn push_schema(generator: &mut SchemaGenerator) -> Schema {
    let [app_id, user_id] = [generator.subschema_for::<AppId>(), generator.subschema_for::<UserId>()];
    let [org_id, moment] = [generator.subschema_for::<OrgId>(), generator.subschema_for::<Moment>()];
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Everything).map(Kind::name);
    let events: Vec<&str> = kinds.chain([MISSED]).collect();
    json_schema!({
        "description": "A change that was made, or word that changes were missed.",
        "type": "object",
        "properties": {
            "method": {"const": PUSH},
            "event": {"description": "What was changed.", "type": "string", "enum": events},
            "app_id": app_id,
            "user_id": user_id,
            "org_id": org_id,
            "change": {"description": "The method that changed it.", "type": "string"},
            "entries": {
                "description": "What the message was about: sign-ups, patterns, or one object of its fields without secrets.",
                "type": "array"
            },
            "by": {"description": "Who changed it, such as `bot:7`, `user:1` or `key:2`.", "type": "string"},
            "at": moment,
            "seq": {"description": "The place of the change in the journal.", "type": "integer", "minimum": 1},
            "more": {"description": "There are more entries of the same change in the next frame.", "const": true},
            "message": {"description": "What to do, where changes were missed.", "type": "string"}
        },
        "required": ["method", "event", "seq"],
        "additionalProperties": false
    })
}

/// The fields of a message that are told, as one entry, or where that would be too long for a frame, as several, each with a part
/// of the array that makes it so long.
fn told(message: &str) -> Option<Vec<Box<RawValue>>> {
    let mut fields: Map<String, Value> = serde_json::from_str(message).ok()?;
    fields.retain(|name, _| TOLD.contains(&name.as_str()));
    let mut parts = Vec::with_capacity(1);
    let mut left = vec![fields];
    while let Some(mut fields) = left.pop() {
        let part = serde_json::value::to_raw_value(&fields).ok()?;
        let second =
            if part.get().len() + HEAD_BYTES_MAX > FRAME_OUT_BYTES_MAX { second_half(&mut fields) } else { None };
        match second {
            Some(second) => left.extend([second, fields]),
            None => parts.push(part),
        }
    }
    Some(parts)
}

/// Splits off the second half of the longest array.
fn second_half(fields: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let items = |value: &Value| value.as_array().map_or(0, Vec::len);
    let longest = fields.iter().max_by_key(|(_, value)| items(value)).map(|(name, _)| name.clone())?;
    let array = fields.get_mut(&longest)?.as_array_mut().filter(|array| array.len() > 1)?;
    let second = Value::Array(array.split_off(array.len() / 2));
    let others = fields.iter().filter(|(name, _)| **name != longest);
    Some(others.map(|(name, value)| (name.clone(), value.clone())).chain([(longest.clone(), second)]).collect())
}

/// The frames of an event: as many as its entries need.
fn frames(made: &Made<'_>, message: &Message<'_>, kind: Kind, entries: &[&RawValue]) -> SmallVec<[Utf8Bytes; 1]> {
    let frame = |entries: &[&RawValue], more| {
        encoded(&Push {
            method: PUSH,
            event: kind.name(),
            app_id: message.app_id,
            user_id: message.user_id,
            org_id: message.org_id.as_ref(),
            change: message.method,
            entries,
            by: made.by,
            at: Moment::of_ms(made.at_ms),
            seq: made.seq,
            more,
        })
    };
    if made.message.len() + HEAD_BYTES_MAX <= FRAME_OUT_BYTES_MAX {
        return smallvec![frame(entries, false)];
    }
    let (mut frames, mut start, mut bytes) = (SmallVec::new(), 0, HEAD_BYTES_MAX);
    for (index, entry) in entries.iter().enumerate() {
        // With the comma.
        let entry_bytes = entry.get().len() + 1;
        if bytes + entry_bytes > FRAME_OUT_BYTES_MAX && index > start {
            frames.push(frame(&entries[start..index], true));
            (start, bytes) = (index, HEAD_BYTES_MAX);
        }
        bytes += entry_bytes;
    }
    frames.push(frame(&entries[start..], false));
    frames
}

fn encoded(push: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(push).expect("what is pushed has texts for names").into()
}

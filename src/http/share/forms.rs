//! This is where it is described which bodies the share API takes; `bodies` and `credentials` read them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::config::{CHATS_PER_USER_MAX, EMAILS_PER_CALL_MAX, PASSWORD_CHARS_MAX};
use crate::methods::passwords::NewPassword;
use crate::state::email::EmailAddress;

/// An email address and a password of a user.
pub fn credentials(generator: &mut SchemaGenerator) -> Schema {
    let password = generator.subschema_for::<NewPassword>();
    json_schema!({
        "type": "object",
        "properties": {
            "email": EmailAddress::json_schema(generator),
            "password": password,
            "confirmPassword": {"description": "The same password again, where given.", "allOf": [password]}
        },
        "required": ["email", "password"]
    })
}

/// Email addresses, in an object as they are documented, or as the bare array that the share API's own pages send.
pub fn emails(generator: &mut SchemaGenerator) -> Schema {
    let list = email_list(generator);
    json_schema!({"anyOf": [{"type": "object", "properties": {"emails": list}, "required": ["emails"]}, list]})
}

/// What is said of a share.
pub fn share(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "is_shared": {"description": "Whether anybody but the owner may open it at all.", "type": "boolean"},
            "is_protected": {
                "description": "Whether that takes the password or, where there is none, to be on the list.",
                "type": "boolean"
            },
            "hashed_password": {
                "description": "The password in clear; null or a blank one takes it away.",
                "type": ["string", "null"], "maxLength": PASSWORD_CHARS_MAX, "writeOnly": true
            },
            "emails": email_list(generator),
            "use_whitelist": {"description": "Whether only those on the list may open it.", "type": "boolean"}
        }
    })
}

/// The ids of chats.
pub fn chat_ids(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {"chat_ids": {"type": "array", "items": path_id(), "minItems": 1, "maxItems": CHATS_PER_USER_MAX}},
        "required": ["chat_ids"]
    })
}

/// The name of a new chat, where it has one.
pub fn chat(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "properties": {"name": {"type": "string", "minLength": 1}}})
}

/// Another name for a chat.
pub fn chat_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "properties": {"name": {"type": "string", "minLength": 1}}, "required": ["name"]})
}

fn email_list(generator: &mut SchemaGenerator) -> Value {
    json!({
        "type": "array",
        "items": EmailAddress::json_schema(generator),
        "minItems": 1,
        "maxItems": EMAILS_PER_CALL_MAX
    })
}

fn path_id() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": i32::MAX})
}

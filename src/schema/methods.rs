//! This is where it is said of a method what all documents say of it: its names, its messages, what it takes, and what may go wrong.

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::components::Components;
use crate::access::Permission;
use crate::config::REFERENCE_BYTES_MAX;
use crate::methods::{Description, Nature};
use crate::wire::error::Code;

/// The name of the schema of refusals.
pub const REFUSAL: &str = "Refusal";

/// A name on the wire, as documents name what is sent under it: `addToWhitelist_ack` is `AddToWhitelistAck`.
pub fn component_name(wire_name: &str) -> String {
    let is_shouted = !wire_name.contains(|letter: char| letter.is_ascii_lowercase());
    let words = wire_name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        let rest = if is_shouted { rest.to_ascii_lowercase() } else { rest.to_owned() };
        first.to_ascii_uppercase() + &rest
    });
    words.collect()
}

/// A summary as the beginning of a sentence.
pub fn capitalised(summary: &str) -> String {
    let (first, rest) = summary.split_at(summary.len().min(1));
    first.to_ascii_uppercase() + rest
}

/// What is told of a method at length.
pub fn told(method: &Description) -> String {
    let about = about(method);
    format!("{about}\n\n{}\n\n{}", needed(method.needs), effect(method))
}

/// What a method changes, in a sentence.
pub fn effect(method: &Description) -> &'static str {
    match method.nature {
        Nature::Change => "It changes what is kept.",
        Nature::Query => "It changes nothing.",
        Nature::Wish => "It changes what the connection hears of, and nothing else.",
    }
}

/// What the doc comment of a method's struct says of it.
pub fn about(method: &Description) -> String {
    let schema = Components::default().read(method.message);
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ").replace("  ", "\n\n")
}

/// What a caller needs, in a sentence.
pub fn needed(permission: Permission) -> &'static str {
    match permission {
        Permission::Anyone => "Anybody may use it.",
        Permission::SignupManagement => {
            "Bots may use it that were granted `signup_management` in the app, which was made with the app builder."
        }
        Permission::ShareManagement => {
            "The user may use it, and bots that were granted `share_management` of the user."
        }
        Permission::OrgWhitelist => "Whoever holds `can_use_whitelist` in the organisation may use it.",
        Permission::AskAccess => {
            "Whoever looks after the resource may ask about anybody; a user about themselves and any share they know."
        }
        Permission::Admin => "Bots may use it that were granted `admin`.",
    }
}

/// What programs may want to know of a method, as extensions that documents have room for.
pub fn extensions(method: &Description) -> Map<String, Value> {
    let codes = method.codes().map(|code| json!({"code": code.number(), "meaning": code.meaning()}));
    let told = json!({
        "x-permission": method.needs.name(),
        "x-changes": method.nature == Nature::Change,
        "x-errors": codes.collect::<Vec<_>>(),
    });
    match told {
        Value::Object(told) => told,
        _ => unreachable!("it is written as an object"),
    }
}

/// The message of a method, as a frame.
pub fn message(components: &mut Components, method: &Description) -> Schema {
    let mut schema = components.read(method.message);
    describe(&mut schema, &capitalised(method.call.summary));
    framed(&mut schema, Some(method.call.method));
    schema
}

/// The body of a method over HTTP, which names the method elsewhere.
pub fn body(components: &mut Components, method: &Description) -> Schema {
    let mut schema = components.read(method.message);
    describe(&mut schema, &capitalised(method.call.summary));
    framed(&mut schema, None);
    schema
}

/// The answer of a method, as a frame.
pub fn answer(components: &mut Components, method: &Description) -> Schema {
    let mut schema = components.written(method.answer);
    framed_in_all_forms(components, &mut schema, method.call.reply);
    schema
}

/// An answer that has one of several forms is that in each.
fn framed_in_all_forms(components: &Components, schema: &mut Schema, name: &str) {
    let forms = schema.get_mut("anyOf").and_then(Value::as_array_mut).map(std::mem::take);
    let Some(forms) = forms else { return framed(schema, Some(name)) };
    let framed = forms.into_iter().map(|form| {
        let form = Schema::try_from(form).expect("a form is a schema");
        let mut form = components.resolved(&form);
        framed_in_all_forms(components, &mut form, name);
        form.to_value()
    });
    schema.insert("anyOf".to_owned(), framed.collect());
}

/// Gives the schema of a frame's fields what every frame has: the method's name, where the frame tells it, and what is echoed.
pub fn framed(schema: &mut Schema, name: Option<&str>) {
    let object = schema.ensure_object();
    object.insert("type".to_owned(), "object".into());
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let echoed = |description: &str| json!({"description": description, "type": ["string", "number", "null"], "maxLength": REFERENCE_BYTES_MAX});
    properties["reference"] = echoed("Chosen by the client; an answer has that of its message, byte for byte.");
    properties["ref"] = echoed("Another reference, echoed under this name.");
    let Some(name) = name else { return };
    properties["method"] = json!({"type": "string", "const": name});
    match object.entry("required").or_insert_with(|| json!([])) {
        Value::Array(required) => required.insert(0, "method".into()),
        _ => unreachable!("`required` is an array wherever it stands"),
    }
}

fn describe(schema: &mut Schema, summary: &str) {
    let described = schema.get("description").and_then(Value::as_str).map(str::to_owned);
    if described.is_none() {
        schema.insert("description".to_owned(), format!("{summary}.").into());
    }
}

/// The codes as a list for people.
pub fn told_codes(codes: impl Iterator<Item = Code>) -> String {
    codes.map(|code| format!("- {}: {}", code.number(), code.meaning())).collect::<Vec<_>>().join("\n")
}

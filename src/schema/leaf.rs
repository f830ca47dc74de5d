//! This is where schemas are written that no derive could guess: of values that are read by hand, beside whose reading they
//! stand; and what structs have in common that is more than their fields.

use schemars::Schema;
use schemars::transform::Transform;
use serde_json::{Value, json};

/// Gives a type the schema of its values. One that is named gets a place among the components of a document; where it is read
/// more leniently than it is written, there are two schemas.
macro_rules! schema_of {
    ($type:ty, $name:literal, read: $read:tt, written: $written:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                if generator.contract().is_deserialize() {
                    schemars::json_schema!($read)
                } else {
                    schemars::json_schema!($written)
                }
            }
        }
    };
    ($type:ty, $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use schema_of;

/// A field that goes by other names too, of which a message has one.
#[derive(Clone, Copy, Debug)]
pub struct AlsoNamed(pub &'static str, pub &'static [&'static str]);

impl Transform for AlsoNamed {
    fn transform(&mut self, schema: &mut Schema) {
        let Self(name, others) = *self;
        let names: Vec<&str> = std::iter::once(name).chain(others.iter().copied()).collect();
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        let Some(field) = properties.get(name).cloned() else { return };
        for other in others {
            let mut alias = field.clone();
            alias["description"] = json!(format!("Another name for `{name}`."));
            properties.insert((*other).to_owned(), alias);
        }
        let required = schema.get_mut("required").and_then(Value::as_array_mut);
        let was_required = required.is_some_and(|required| {
            let before = required.len();
            required.retain(|required| required != name);
            required.len() < before
        });
        let each: Vec<Value> = names.iter().map(|name| json!({"required": [name]})).collect();
        let rule = if was_required { each } else { [each, vec![json!({"not": {"anyOf": named(&names)}})]].concat() };
        also(schema, json!({"oneOf": rule}));
    }
}

fn named(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"required": [name]})).collect()
}

/// Adds a rule to those that a schema has already.
pub fn also(schema: &mut Schema, rule: Value) {
    match schema.ensure_object().entry("allOf").or_insert_with(|| json!([])) {
        Value::Array(rules) => rules.push(rule),
        _ => unreachable!("`allOf` is an array wherever it stands"),
    }
}

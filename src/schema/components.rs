//! This is where the schemas of a document are gathered, each under a name of its own.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, RemoveRefSiblings, Transform};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where a document has its schemas.
const PLACE: &str = "#/components/schemas/";

/// Where those are at first that a client's texts are read by.
const READ_PLACE: &str = "#/components/schemas/read/";

/// What is put behind the name of a schema by which texts are read, where what is written under that name differs.
pub const READ_SUFFIX: &str = "Input";

/// What a part of a message or an answer looks like.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schemas of a document.
///
/// They are written so that both JSON Schema draft 7, which AsyncAPI has, and 2020-12, which OpenAPI has, understand them alike.
pub struct Components {
    read: SchemaGenerator,
    written: SchemaGenerator,
    named: Map<String, Value>,
}

impl Default for Components {
    fn default() -> Self {
        let settings = || SchemaSettings::draft07().with(|settings| settings.meta_schema = None);
        let at = |place: &str| place.trim_start_matches('#').trim_end_matches('/').to_owned();
        let read = settings().for_deserialize().with(|settings| settings.definitions_path = at(READ_PLACE).into());
        let written = settings().for_serialize().with(|settings| settings.definitions_path = at(PLACE).into());
        Self { read: read.into_generator(), written: written.into_generator(), named: Map::new() }
    }
}

impl Components {
    /// What a client may send. Members beside those that are told are passed over.
    pub fn read(&mut self, shape: Shape) -> Schema {
        shape(&mut self.read)
    }

    /// What the gateway sends. It has no members beside those that are told.
    pub fn written(&mut self, shape: Shape) -> Schema {
        let mut schema = shape(&mut self.written);
        RecursiveTransform(close).transform(&mut schema);
        schema
    }

    /// The schema that another one stands for, where it does.
    pub fn resolved(&self, schema: &Schema) -> Schema {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix(PLACE));
        let found = name.and_then(|name| self.written.definitions().get(name)).cloned();
        let mut schema = found.and_then(|found| found.try_into().ok()).unwrap_or_else(|| schema.clone());
        RecursiveTransform(close).transform(&mut schema);
        schema
    }

    /// Gives a schema a name, and says how to refer to it.
    pub fn name(&mut self, name: &str, schema: Schema) -> Value {
        let before = self.named.insert(name.to_owned(), schema.to_value());
        debug_assert!(before.is_none(), "two schemas are named {name}");
        json!({"$ref": format!("{PLACE}{name}")})
    }

    /// Puts them into the document that refers to them.
    pub fn put_into(mut self, document: &mut Value) {
        let written = self.written.take_definitions(false);
        let closed = written.into_iter().map(|(name, schema)| {
            let mut schema = Schema::try_from(schema).expect("a definition is a schema");
            RecursiveTransform(close).transform(&mut schema);
            (name, schema.to_value())
        });
        let mut all: Map<String, Value> = closed.chain(self.named).collect();
        let read = self.read.take_definitions(false);
        let same = |name: &str, schema: &Value| all.get(name).is_none_or(|other| other == schema);
        let renamed: Vec<String> =
            read.iter().filter(|(name, schema)| !same(name, schema)).map(|(name, _)| name.clone()).collect();
        let known_as = |name: &str| {
            if renamed.iter().any(|other| other == name) { format!("{name}{READ_SUFFIX}") } else { name.to_owned() }
        };
        for (name, schema) in read {
            all.insert(known_as(&name), schema);
        }
        for schema in all.values_mut() {
            let mut tidied = Schema::try_from(schema.take()).expect("a definition is a schema");
            RecursiveTransform(forget_formats_of_numbers).transform(&mut tidied);
            RemoveRefSiblings::default().transform(&mut tidied);
            RecursiveTransform(plain).transform(&mut tidied);
            *schema = tidied.to_value();
        }
        document["components"]["schemas"] = Value::Object(all);
        redirect(document, &known_as);
    }
}

/// Lets an object that is written have no members beside those that are told; what may be left out is never null instead.
fn close(schema: &mut Schema) {
    hand_down(schema);
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let optional = properties.iter_mut().filter(|(name, _)| !required.iter().any(|other| other == *name));
        optional.for_each(|(_, value)| without_null(value));
    }
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    if is_object && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

/// Gives what an object has in all its forms to each of them, for a form has no members but its own.
fn hand_down(schema: &mut Schema) {
    let Some(whole) = schema.as_object_mut().filter(|whole| whole.contains_key("properties")) else { return };
    let Some(Value::Array(mut forms)) = whole.remove("oneOf") else { return };
    let (properties, required) = (whole.remove("properties"), whole.remove("required"));
    for form in forms.iter_mut().filter_map(Value::as_object_mut) {
        let own = form.entry("properties").or_insert_with(|| json!({})).as_object_mut();
        own.expect("properties are an object").extend(properties.clone().and_then(members).unwrap_or_default());
        let needed = form.entry("required").or_insert_with(|| json!([])).as_array_mut();
        needed.expect("`required` is an array").extend(required.iter().filter_map(Value::as_array).flatten().cloned());
    }
    whole.remove("type");
    whole.insert("oneOf".to_owned(), Value::Array(forms));
}

fn members(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn without_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({"type": "null"}));
    }
}

/// Writes choices among choices as choices, and what is bound by one rule alone as that rule.
fn plain(schema: &mut Schema) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = members.get("type")
        && let [only] = types.as_slice()
    {
        let only = only.clone();
        members.insert("type".to_owned(), only);
    }
    if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
        let nested = std::mem::take(choices).into_iter().flat_map(|choice| match choice {
            Value::Object(mut inner) if inner.len() == 1 && inner.contains_key("anyOf") => {
                match inner.remove("anyOf") {
                    Some(Value::Array(choices)) => choices,
                    _ => unreachable!("`anyOf` is an array wherever it stands"),
                }
            }
            other => vec![other],
        });
        *choices = nested.collect();
    }
    for keyword in ["anyOf", "allOf"] {
        let Some(Value::Array(rules)) = members.get_mut(keyword) else { continue };
        let [Value::Object(only)] = rules.as_mut_slice() else { continue };
        let only = std::mem::take(only);
        let is_reference = only.contains_key("$ref") && members.len() > 1;
        if is_reference || only.keys().any(|name| name != keyword && members.contains_key(name)) {
            members.remove(keyword);
            match members.entry("allOf").or_insert_with(|| json!([])) {
                Value::Array(rules) => rules.push(Value::Object(only)),
                _ => unreachable!("`allOf` is an array wherever it stands"),
            }
        } else {
            members.remove(keyword);
            members.extend(only);
        }
    }
}

/// Takes away formats such as `uint64`, which say how Rust keeps a number.
fn forget_formats_of_numbers(schema: &mut Schema) {
    let is_number = schema.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int"));
    if is_number {
        schema.remove("format");
    }
}

/// Has what refers to schemas that texts are read by refer to where those are in the end.
fn redirect(value: &mut Value, known_as: &impl Fn(&str) -> String) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value.as_str().filter(|_| key == "$ref").and_then(|text| text.strip_prefix(READ_PLACE)) {
                    Some(name) => *value = format!("{PLACE}{}", known_as(name)).into(),
                    None => redirect(value, known_as),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, known_as)),
        _ => {}
    }
}

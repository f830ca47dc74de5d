//! This is where schemas are told to people: a table of fields, each with what it takes in few words.

use serde_json::Value;

use super::text::{escaped, line};
use crate::schema::components::READ_SUFFIX;

/// What is put before the name of a type to make it an anchor.
pub const TYPE_ANCHOR: &str = "type-";

/// How a list is told.
const LIST_OF: &str = "list of ";

/// What every frame has, and no table repeats.
const OF_EVERY_FRAME: [&str; 3] = ["method", "reference", "ref"];

/// How a type is called: by what it is, whether it is read or written.
pub fn called(name: &str) -> &str {
    name.strip_suffix(READ_SUFFIX).unwrap_or(name)
}

/// The fields of an object, as a table; each form's, where there are several; a few words where there are none.
pub fn table(schema: &Value) -> String {
    let forms = ["anyOf", "oneOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array());
    if let Some(forms) = forms.filter(|_| schema.get("properties").is_none()) {
        let are_words = forms.iter().all(|form| form.get("const").is_some());
        return if are_words { words(forms) } else { forms.iter().map(table).collect::<Vec<_>>().join("<p>or</p>\n") };
    }
    if schema.get("type").is_none_or(|kind| kind != "object") {
        return format!("<p>{}</p>\n", taken(schema));
    }
    let empty = serde_json::Map::new();
    let fields = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let is_needed = |name: &str| {
        let needed = schema.get("required").and_then(Value::as_array);
        needed.is_some_and(|needed| needed.iter().any(|needed| needed == name))
    };
    let mut told: Vec<(&String, &Value)> =
        fields.iter().filter(|(name, _)| !OF_EVERY_FRAME.contains(&name.as_str())).collect();
    told.sort_by_key(|(name, _)| !is_needed(name));
    if told.is_empty() {
        return "<p>No fields.</p>\n".to_owned();
    }
    let told = told.into_iter().map(|(name, field)| {
        let about = field.get("description").and_then(Value::as_str).unwrap_or_default();
        row(name, is_needed(name), field, about)
    });
    rows(&told.collect::<String>())
}

/// A table of fields.
pub fn rows(rows: &str) -> String {
    format!(
        "<table class=\"fields\">\n<thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Type</th><th scope=\"col\">Meaning</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// A field as a row of such a table.
pub fn row(name: &str, is_needed: bool, schema: &Value, about: &str) -> String {
    let mark = if is_needed { "" } else { " <small>optional</small>" };
    let (name, bounds) = (escaped(name), bounds(schema));
    format!("<tr><td><code>{name}</code>{mark}</td><td>{}{bounds}</td><td>{}</td></tr>\n", taken(schema), line(about))
}

/// How much a value may be, where the schema bounds it.
fn bounds(schema: &Value) -> String {
    let number =
        |keyword: &str| schema.get(keyword).and_then(Value::as_u64).filter(|number| *number < u64::from(u32::MAX));
    let told = [("maxItems", "items"), ("maxLength", "characters")].into_iter();
    let told = told.filter_map(|(keyword, unit)| Some(format!(" <small>at most {} {unit}</small>", number(keyword)?)));
    told.collect()
}

/// The words of which a value is one, each with its meaning.
fn words(forms: &[Value]) -> String {
    let rows = forms.iter().map(|form| {
        let about = form.get("description").and_then(Value::as_str).unwrap_or_default();
        format!("<tr><td>{}</td><td>{}</td></tr>\n", taken(form), line(about))
    });
    format!("<table class=\"words\">\n<tbody>\n{}</tbody>\n</table>\n", rows.collect::<String>())
}

/// What a value is, in few words.
pub fn taken(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next()) {
        return format!("<a href=\"#{TYPE_ANCHOR}{}\">{}</a>", escaped(name), escaped(called(name)));
    }
    if let Some(only) = schema.get("const") {
        return format!("<code>{}</code>", escaped(&only.to_string()));
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values = values.iter().map(|value| format!("<code>{}</code>", escaped(&value.to_string())));
        return values.collect::<Vec<_>>().join(", ");
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(forms) = schema.get(keyword).and_then(Value::as_array) {
            return either(forms.iter().map(taken));
        }
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            format!("{LIST_OF}{}", schema.get("items").map_or_else(|| "anything".to_owned(), taken))
        }
        Some(Value::String(kind)) => word(schema, kind).to_owned(),
        Some(Value::Array(kinds)) => {
            either(kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").map(|kind| match kind {
                "array" => format!("{LIST_OF}{}", schema.get("items").map_or_else(|| "anything".to_owned(), taken)),
                kind => word(schema, kind).to_owned(),
            }))
        }
        _ => match schema.get("allOf").and_then(Value::as_array) {
            Some(rules) => {
                let named = rules.iter().find(|rule| rule.get("$ref").is_some());
                named.map_or_else(|| either(rules.iter().map(taken)), taken)
            }
            None => String::new(),
        },
    }
}

fn word<'a>(schema: &'a Value, kind: &'a str) -> &'a str {
    match (kind, schema.get("format").and_then(Value::as_str)) {
        ("string", Some("email")) => "email address",
        ("string", Some("uuid")) => "uuid",
        ("string", Some("date-time")) => "time",
        ("null", _) => "",
        ("boolean", _) => "true or false",
        ("string", _) => "text",
        ("integer", _) => "whole number",
        (kind, _) => kind,
    }
}

/// Several ways to say what something is, each once.
pub fn either(forms: impl Iterator<Item = String>) -> String {
    let mut different: Vec<String> = Vec::new();
    for form in forms.filter(|form| !form.is_empty()) {
        if !different.contains(&form) {
            different.push(form);
        }
    }
    // One alone is as good as a list of one, and told once.
    if let Some(index) = different.iter().position(|form| form.starts_with(LIST_OF)) {
        let list = different.remove(index);
        let one = different.join(" or ");
        return match one.as_str() {
            "" => list,
            one if list.strip_prefix(LIST_OF) == Some(one) => format!("{one}, or a list of these"),
            one => format!("{list} or {one}"),
        };
    }
    different.join(" or ")
}

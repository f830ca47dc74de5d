//! The HTTP API held against its document: requests and answers of every route.

use std::sync::LazyLock;

use guestlist::schema::openapi;
use guestlist::server;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// The document.
pub static OPENAPI: LazyLock<Value> = LazyLock::new(|| openapi::document(&server::operations()));

/// What stands in the document of a request: its path with parameters, and the operation.
pub fn operation(verb: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = OPENAPI["paths"].as_object().expect("a document has paths");
    // A path without parameters goes before one with them.
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| leads_to(path, template)).collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    let (template, item) = found.into_iter().find(|(_, item)| item.get(verb).is_some())?;
    Some((template, &item[verb]))
}

fn leads_to(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path
            .iter()
            .zip(&template)
            .all(|(step, wanted)| step == wanted || (wanted.starts_with('{') && !step.is_empty()))
}

/// What the document has against an answer: its status, or its body.
pub fn faults_of_answer(verb: &str, path: &str, status: u16, body: Option<&Value>) -> Vec<String> {
    let Some((_, operation)) = operation(verb, path) else { return vec![format!("{verb} {path} is not described")] };
    let Some(response) = operation["responses"].get(status.to_string()) else {
        return vec![format!("{verb} {path} is not said to answer {status}")];
    };
    match (response.pointer("/content/application~1json/schema"), body) {
        (None, None) => Vec::new(),
        (None, Some(body)) if response.get("content").is_none() => vec![format!("a body was not expected: {body}")],
        (None, Some(_)) => Vec::new(),
        (Some(_), None) => vec!["a body was expected".to_owned()],
        (Some(schema), Some(body)) => faults(schema, body),
    }
}

/// What the document has against the body of a request.
pub fn faults_of_request(verb: &str, path: &str, body: &Value) -> Vec<String> {
    let Some((_, operation)) = operation(verb, path) else { return vec![format!("{verb} {path} is not described")] };
    match operation.pointer("/requestBody/content/application~1json/schema") {
        Some(schema) => faults(schema, body),
        None => vec![format!("{verb} {path} takes no body")],
    }
}

/// What a schema of the document has against a value.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let errors = compiled(schema);
    errors.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn compiled(schema: &Value) -> Validator {
    let whole = json!({"allOf": [schema], "components": {"schemas": OPENAPI["components"]["schemas"]}});
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

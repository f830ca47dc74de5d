//! This is where routes are shown to people, read off the document for programs: who may ask, what a request takes, its answers.

use std::fmt::Write;

use serde_json::Value;

use super::fields::{either, row, rows, table, taken};
use super::json::laid_out;
use super::text::{escaped, line, paragraphs};
use crate::http::routes::{Credential, Operation};
use crate::schema::examples::{self, HttpExample};

/// What is put before the name of an operation to make it an anchor.
pub const ROUTE_ANCHOR: &str = "http-";

/// One of them. `described` is what the document says of it.
pub fn route(operation: &Operation, described: &Value, schemas: &Value) -> String {
    let (verb, path) = (operation.verb.to_ascii_uppercase(), escaped(&operation.path));
    let id = format!("{ROUTE_ANCHOR}{}", escaped(&operation.id));
    let mut html = format!(
        "<article>\n<h4 id=\"{id}\" class=\"name\"><code>{verb} {path}</code> <a class=\"anchor\" href=\"#{id}\" \
         aria-label=\"Link to {verb} {path}\">#</a></h4>\n<p class=\"summary\">{}.</p>\n{}",
        line(&operation.summary),
        paragraphs(&operation.about)
    );
    html += &format!("<dl class=\"facts\">\n<dt>Known by</dt><dd>{}</dd>\n</dl>\n", line(&known_by(operation)));
    html += &examples::of_route(operation.verb, &operation.path).map(example).unwrap_or_default();
    html += &parameters(described);
    if let Some(body) = described.pointer("/requestBody/content/application~1json/schema") {
        html += "<h5>Body</h5>\n";
        html += &table(resolved(body, schemas));
    }
    html += "<h5>Answers</h5>\n<ul class=\"codes\">\n";
    for (status, answer) in described["responses"].as_object().into_iter().flatten() {
        let about = answer["description"].as_str().unwrap_or_default().trim_start_matches("- ").replace("\n- ", " ");
        let carried = answer.pointer("/content/application~1json/schema").map(taken).filter(|told| !told.is_empty());
        let carried = carried.map(|told| format!(" <small>{told}</small>")).unwrap_or_default();
        writeln!(html, "<li><b>{status}</b> {}{carried}</li>", line(&about))
            .expect("a text takes what is written to it");
    }
    html + "</ul>\n</article>\n"
}

fn known_by(operation: &Operation) -> String {
    let ways = operation.credentials.iter().map(|credential| match credential {
        Credential::Bearer => "`Authorization: Bearer` with a token",
        Credential::Cookie => "the cookie `neptun-session`",
        Credential::SessionHeader => "the header `x-neptun-session-session`",
        Credential::KeyInQuery => "`?api_key=`",
        Credential::KeyInHeader => "the header `X-API-Key`",
        Credential::Basic => "`Authorization: Basic` with an empty name and the share's password",
    });
    let ways = either(ways.map(str::to_owned));
    match (ways.as_str(), operation.is_open) {
        ("", _) => "Nothing; anybody may ask.".to_owned(),
        (ways, true) => format!("{ways}; or nothing."),
        (ways, false) => format!("{ways}."),
    }
}

fn parameters(described: &Value) -> String {
    let parameters = described["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parameters.is_empty() {
        return String::new();
    }
    let told = parameters.iter().map(|parameter| {
        let text = |member: &str| parameter[member].as_str().unwrap_or_default();
        let about = match text("description") {
            "" => format!("In the {}.", text("in")),
            about => format!("In the {}. {about}", text("in")),
        };
        row(text("name"), parameter["required"] == true, &parameter["schema"], &about)
    });
    format!("<h5>Parameters</h5>\n{}", rows(&told.collect::<String>()))
}

fn resolved<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next());
    name.and_then(|name| schemas.get(name)).unwrap_or(schema)
}

fn example(example: &HttpExample) -> String {
    let part = |title: &str, body: &Option<Value>| {
        let body = body.as_ref().map(|body| escaped(&laid_out(&body.to_string())));
        body.map(|body| format!("<div><b>{title}</b>\n<pre>{body}</pre></div>\n")).unwrap_or_default()
    };
    let received = format!("Receive {}", example.status);
    match part("Send", &example.sent) + &part(&received, &example.received) {
        parts if parts.is_empty() => parts,
        parts => format!("<div class=\"example\">\n{parts}</div>\n"),
    }
}

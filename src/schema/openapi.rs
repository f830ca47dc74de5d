//! This is where the HTTP API is described, as OpenAPI has it.

use serde_json::{Map, Value, json};

use super::components::Components;
use super::examples::{self, HttpExample};
use super::methods::{REFUSAL, answer, body, component_name};
use crate::http::routes::{Body, Content, Credential, Operation, Parameter, Product};
use crate::methods::METHODS;
use crate::wire::frame;

/// The version of OpenAPI that the document is of. 3.1.1 says the same more clearly, and generators of code do not all know it.
const VERSION: &str = "3.1.0";

/// What is told of the API as a whole.
const ABOUT: &str = "Every method of the WebSocket API as a request of its own; and the routes that the share API, the organisation \
                     API and AuthZEN publish, over the same lists. Every answer depends on who asks, so none is cached.";

/// The document of these routes.
pub fn document(operations: &[Operation]) -> Value {
    let mut components = Components::default();
    let refusal = components.written(frame::refusal_schema);
    components.name(REFUSAL, refusal);
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.verb] = described(&mut components, operation);
    }
    let tags: Vec<Value> =
        PRODUCTS.iter().map(|product| json!({"name": name(*product), "description": meaning(*product)})).collect();
    let mut document = json!({
        "openapi": VERSION,
        "info": {
            "title": "Guestlist",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Who may sign up to an app, open a shared chat, or belong to an organisation.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The gateway that serves this document."}],
        "tags": tags,
        "paths": paths,
        "components": {"securitySchemes": schemes()},
    });
    components.put_into(&mut document);
    document
}

fn described(components: &mut Components, operation: &Operation) -> Value {
    let example = examples::of_route(operation.verb, &operation.path);
    let method =
        METHODS.iter().find(|method| operation.product == Product::Methods && method.call.method == operation.id);
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [name(operation.product)],
        "responses": {},
    });
    if !operation.about.is_empty() {
        described["description"] = operation.about.clone().into();
    }
    let in_path = path_parameters(&operation.path);
    let others = operation.parameters.iter().map(|parameter| parameter_of(components, parameter));
    let parameters: Vec<Value> = in_path.into_iter().chain(others).collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    let anybody = operation.is_open.then(|| json!({}));
    let ways = operation.credentials.iter().map(|credential| json!({scheme(*credential): []}));
    described["security"] = anybody.into_iter().chain(ways).collect();
    if let Some(method) = method {
        let schema = body(components, method);
        let is_required = schema.get("required").is_some_and(|required| *required != json!([]));
        let schema = components.name(&component_name(method.call.method), schema);
        let example = examples::of(method.call.method).map(|example| bare(&example.sent));
        described["requestBody"] = json!({"required": is_required, "content": json_content(schema, example)});
    } else if let Some(body) = &operation.body {
        described["requestBody"] = request_body(components, *body, example);
    }
    for told in &operation.answers {
        let mut response = json!({"description": told.about});
        let is_good = told.status < 300;
        match told.content {
            Content::Empty => {}
            Content::Other(media_type) => response["content"] = json!({media_type: {"schema": {"type": "string"}}}),
            Content::Json(shape) => {
                let schema = components.written(shape).to_value();
                let example = example
                    .filter(|example| example.status == told.status)
                    .and_then(|example| example.received.clone());
                response["content"] = json_content(schema, example);
            }
            Content::Named(REFUSAL) => {
                response["content"] = json_content(json!({"$ref": format!("#/components/schemas/{REFUSAL}")}), None);
            }
            Content::Named(reply) => {
                let method = method.expect("only methods have answers by the names of those");
                let schema = answer(components, method);
                let schema = components.name(&component_name(reply), schema);
                let example = examples::of(method.call.method).map(|example| example.received.as_str());
                let example = example.map(|text| serde_json::from_str(text).expect("an example is JSON"));
                response["content"] = json_content(schema, example.filter(|_| is_good));
            }
        }
        described["responses"][told.status.to_string()] = response;
    }
    described.as_object_mut().expect("it is written as one").extend(operation.extensions.clone());
    described
}

/// An example without the name of its method, which is told by the path.
fn bare(sent: &str) -> Value {
    let mut body: Value = serde_json::from_str(sent).expect("an example is JSON");
    body.as_object_mut().expect("a message is an object").remove("method");
    body
}

fn json_content(schema: Value, example: Option<Value>) -> Value {
    let mut media = json!({"schema": schema});
    if let Some(example) = example {
        media["example"] = example;
    }
    json!({"application/json": media})
}

fn request_body(components: &mut Components, body: Body, example: Option<&HttpExample>) -> Value {
    let schema = components.read(body.shape).to_value();
    let mut content = json_content(schema, example.and_then(|example| example.sent.clone()));
    if body.is_form_too {
        // A form has texts alone, so that its fields are told by name and no more.
        content["application/x-www-form-urlencoded"] = json!({"schema": {"type": "object"}});
    }
    json!({"required": body.is_required, "content": content})
}

fn parameter_of(components: &mut Components, parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.about,
        "required": parameter.is_required,
        "schema": components.read(parameter.shape).to_value(),
    })
}

/// The parameters that a path has in braces, in its order: ids, and the uuids of shares.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    let one = |name: &str| {
        let id = json!({"type": "integer", "minimum": 1, "maximum": i32::MAX});
        let (about, schema) = match name {
            "uuid" => ("The share's public id.", json!({"type": "string", "format": "uuid"})),
            "user_id" => ("The user, whose chats these are.", id),
            "chat_id" => ("The chat, one of the user's.", id),
            "share_id" => ("The share, one of the chat's.", id),
            "entry_id" => ("The entry, one of the share's whitelist.", id),
            name => unreachable!("no path has a {name}"),
        };
        json!({"name": name, "in": "path", "description": about, "required": true, "schema": schema})
    };
    names.map(one).collect()
}

const PRODUCTS: &[Product] =
    &[Product::Methods, Product::Shares, Product::Organizations, Product::AuthZen, Product::Gateway];

fn name(product: Product) -> &'static str {
    match product {
        Product::Methods => "Methods",
        Product::Shares => "Share API",
        Product::Organizations => "Organisation API",
        Product::AuthZen => "AuthZEN",
        Product::Gateway => "Gateway",
    }
}

fn meaning(product: Product) -> &'static str {
    match product {
        Product::Methods => "The methods of the WebSocket API. A body is a message without its `method`.",
        Product::Shares => "Who may open a shared chat, as neptun has it.",
        Product::Organizations => "Who is a member of an organisation, as Sentius has it.",
        Product::AuthZen => "Whether somebody may in, as the AuthZEN Authorization API 1.0 has it.",
        Product::Gateway => "The gateway itself.",
    }
}

fn scheme(credential: Credential) -> &'static str {
    match credential {
        Credential::Bearer => "bearer",
        Credential::Cookie => "session",
        Credential::SessionHeader => "sessionHeader",
        Credential::KeyInQuery => "apiKeyInQuery",
        Credential::KeyInHeader => "apiKeyInHeader",
        Credential::Basic => "sharePassword",
    }
}

fn schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "Any token: a bot's, a user's session, or an api key."
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": "neptun-session",
            "description": "The session that a log-in begins."
        },
        "sessionHeader": {
            "type": "apiKey", "in": "header", "name": "x-neptun-session-session",
            "description": "As good as the cookie."
        },
        "apiKeyInQuery": {"type": "apiKey", "in": "query", "name": "api_key", "description": "As the organisation API publishes it."},
        "apiKeyInHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "Which logs do not keep."},
        "sharePassword": {
            "type": "http", "scheme": "basic",
            "description": "The password of a share, with an empty name."
        }
    })
}

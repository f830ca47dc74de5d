//! This is where the WebSocket API is described, as AsyncAPI has it.

use serde_json::{Map, Value, json};

use super::components::Components;
use super::examples;
use super::methods::{answer, capitalised, component_name, extensions, framed, message, told, told_codes};
use crate::config::ENDPOINT;
use crate::event;
use crate::methods::{METHODS, Noun};
use crate::session::TokenAuth;
use crate::traffic;
use crate::wire::error::Code;
use crate::wire::frame;

/// The one channel.
const CHANNEL: &str = "gateway";

/// The version of AsyncAPI that the document is of.
const VERSION: &str = "3.1.0";

/// What is told of the API as a whole.
pub const ABOUT: &str = "Bots and dashboards hold a WebSocket and send one JSON object a text frame: its `method`, the fields of that \
                     method, and a `reference`, which the answer echoes byte for byte. The first frame is `TOKEN_AUTH`. Answers come \
                     in the order of their messages; one that would be longer than 90,000 bytes comes as several frames, each with a \
                     part of the array. A refusal has `error` instead of a `method`. Members that a message has beside those of its \
                     method are passed over, so that clients of other versions work.";

/// The document.
pub fn document() -> Value {
    let mut components = Components::default();
    let mut parts = Parts::default();
    parts.sign_in(&mut components);
    parts.ping(&mut components);
    parts.refusal(&mut components);
    parts.push(&mut components);
    parts.show(&mut components);
    for method in METHODS {
        let tag = json!([{"name": method.noun.name()}]);
        let call = method.call;
        let [asked, answered] = [call.method, call.reply].map(component_name);
        let summary = capitalised(call.summary);
        let example = examples::of(call.method);
        let schema = message(&mut components, method);
        let schema = components.name(&asked, schema);
        parts.message(&asked, call.method, &summary, schema, example.map(|example| &*example.sent));
        // Two methods may be answered alike.
        if !parts.messages.contains_key(&answered) {
            let schema = answer(&mut components, method);
            let schema = components.name(&answered, schema);
            let asking = METHODS.iter().map(|method| method.call).filter(|other| other.reply == call.reply);
            let asking: Vec<String> = asking.map(|call| format!("`{}`", call.method)).collect();
            let answers = format!("Answers {}", asking.join(" and "));
            parts.message(&answered, call.reply, &answers, schema, example.map(|example| &*example.received));
        }
        let description = format!("{}\n\nIt may be refused with:\n\n{}", told(method), told_codes(method.codes()));
        let mut operation = json!({"summary": summary, "description": description, "tags": tag});
        operation.as_object_mut().expect("it is written as one").extend(extensions(method));
        parts.receives(call.method, operation, &asked, &[&answered, "Refusal"]);
    }
    let mut document = parts.into_document();
    components.put_into(&mut document);
    document
}

/// What the document is made of, beside its schemas.
#[derive(Default)]
struct Parts {
    messages: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Parts {
    fn message(&mut self, name: &str, wire_name: &str, summary: &str, payload: Value, example: Option<&str>) {
        let mut message = json!({
            "name": wire_name,
            "title": wire_name,
            "summary": format!("{summary}."),
            "contentType": "application/json",
            "correlationId": {"$ref": "#/components/correlationIds/reference"},
            "payload": payload,
        });
        let payload = example.map(|text| serde_json::from_str::<Value>(text).expect("an example is a frame"));
        if let Some(payload) = payload {
            message["examples"] = json!([{"name": name, "payload": payload}]);
        }
        self.messages.insert(name.to_owned(), message);
    }

    /// Adds what the gateway receives and how it answers.
    fn receives(&mut self, id: &str, mut operation: Value, message: &str, replies: &[&str]) {
        operation["action"] = "receive".into();
        operation["channel"] = json!({"$ref": format!("#/channels/{CHANNEL}")});
        operation["messages"] = json!([in_channel(message)]);
        let replies: Vec<Value> = replies.iter().map(|name| in_channel(name)).collect();
        operation["reply"] = json!({"channel": {"$ref": format!("#/channels/{CHANNEL}")}, "messages": replies});
        self.operations.insert(id.to_owned(), operation);
    }

    fn sign_in(&mut self, components: &mut Components) {
        let example = examples::of("TOKEN_AUTH");
        let mut schema = components.read(<TokenAuth as schemars::JsonSchema>::json_schema);
        framed(&mut schema, Some("TOKEN_AUTH"));
        let schema = components.name("TokenAuth", schema);
        let summary = "Signs in; it is the first frame";
        self.message("TokenAuth", "TOKEN_AUTH", summary, schema, example.map(|example| &*example.sent));
        let mut schema = components.written(frame::welcome_schema);
        framed(&mut schema, Some("TOKEN_AUTH_OK"));
        let schema = components.name("TokenAuthOk", schema);
        self.message(
            "TokenAuthOk",
            "TOKEN_AUTH_OK",
            "Says who has signed in",
            schema,
            example.map(|example| &*example.received),
        );
        let operation = json!({
            "summary": "Signs in",
            "description": "The token is a bot's, a user's session, or an api key. Where it is refused, a refusal comes, and the \
                            connection ends with 1008.",
            "tags": [{"name": "Connection"}],
        });
        self.receives("signIn", operation, "TokenAuth", &["TokenAuthOk", "Refusal"]);
    }

    fn ping(&mut self, components: &mut Components) {
        let mut schema = schemars::json_schema!({});
        framed(&mut schema, Some("PING"));
        let schema = components.name("Ping", schema);
        self.message("Ping", "PING", "Keeps the connection", schema, Some(r#"{"method":"PING"}"#));
        let only = schemars::json_schema!({
            "type": "object",
            "properties": {"method": {"type": "string", "const": "PONG"}},
            "required": ["method"],
            "additionalProperties": false
        });
        let schema = components.name("Pong", only);
        self.message("Pong", "PONG", "Answers `PING`", schema, Some(r#"{"method":"PONG"}"#));
        let operation = json!({"summary": "Keeps the connection", "tags": [{"name": "Connection"}]});
        self.receives("ping", operation, "Ping", &["Pong"]);
    }

    fn refusal(&mut self, components: &mut Components) {
        let schema = components.written(frame::refusal_schema);
        let schema = components.name("Refusal", schema);
        let example = r#"{"error":160017,"app_id":"90090684293000559","request":"addToWhitelist","message":"bot 7 lacks \"Signup Management\" in app 90090684293000559; an administrator grants it with setBot","reference":1}"#;
        self.message("Refusal", "error", "Says why a message was refused, and what to do", schema, Some(example));
        let operation = json!({
            "action": "send",
            "summary": "Refuses a frame that is no message of any method",
            "description": format!(
                "Also sent where the frame is no JSON object, or names no method. A refusal changes nothing, and only one of \
                 `TOKEN_AUTH` ends the connection.\n\n{}",
                told_codes(Code::ALL.iter().copied())
            ),
            "tags": [{"name": "Connection"}],
            "channel": {"$ref": format!("#/channels/{CHANNEL}")},
            "messages": [in_channel("Refusal")],
        });
        self.operations.insert("refuse".to_owned(), operation);
    }

    fn push(&mut self, components: &mut Components) {
        let schema = components.written(event::push_schema);
        let schema = components.name("EventMessage", schema);
        let example = r#"{"method":"eventMessage","event":"signup","app_id":"90090684293000559","change":"addToWhitelist","entries":["ann@example.com"],"by":"bot:90091784056528980","at":"2026-11-22T07:31:26.725Z","seq":17}"#;
        self.message("EventMessage", "eventMessage", "Tells a change that was made", schema, Some(example));
        let operation = json!({
            "action": "send",
            "summary": "Tells a change to whoever has subscribed to such",
            "description": "Sent once the change is durable, in the order of the changes. What is new comes together, every 50 ms at \
                            most, and less often the more have subscribed. The entries are those of the message that made the change: after it these stand, or stand no \
                            more, whatever stood before. One that would be longer than 90,000 bytes comes as several, of which all \
                            but the last have `more`. Where changes were missed that the journal has no more, `event` is `missed`.",
            "tags": [{"name": Noun::Events.name()}],
            "channel": {"$ref": format!("#/channels/{CHANNEL}")},
            "messages": [in_channel("EventMessage")],
        });
        self.operations.insert("tell".to_owned(), operation);
    }

    fn show(&mut self, components: &mut Components) {
        let schema = components.written(traffic::push_schema);
        let schema = components.name("TrafficMessage", schema);
        let example = r#"{"method":"trafficMessage","entries":[{"at":"2026-11-22T07:31:26.725Z","connection_id":3,"by":"bot:90091784056528980","kind":"in","method":"rotateBotToken","message":"{\"method\":\"rotateBotToken\",\"token\":\"•••\"}"}],"missed":0}"#;
        self.message("TrafficMessage", "trafficMessage", "Tells what passed", schema, Some(example));
        let operation = json!({
            "action": "send",
            "summary": "Tells an administrator who watches what passes",
            "description": "Sent every 100 ms at most, after `watchTraffic`. What passes faster than it is told is left out, and counted.",
            "tags": [{"name": Noun::Traffic.name()}],
            "channel": {"$ref": format!("#/channels/{CHANNEL}")},
            "messages": [in_channel("TrafficMessage")],
        });
        self.operations.insert("show".to_owned(), operation);
    }

    fn into_document(self) -> Value {
        let in_channel =
            self.messages.keys().map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")})));
        let nouns = Noun::ALL.iter().map(|noun| json!({"name": noun.name(), "description": noun.meaning()}));
        let connection = json!({"name": "Connection", "description": "Who is there, and for how long."});
        let tags: Vec<Value> = std::iter::once(connection).chain(nouns).collect();
        json!({
            "asyncapi": VERSION,
            "id": "urn:guestlist:gateway",
            "info": {
                "title": "Guestlist",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "license": {"name": "MIT"},
                "tags": tags,
            },
            "defaultContentType": "application/json",
            "servers": {
                "gateway": {
                    "host": "{host}",
                    "protocol": "ws",
                    "description": "A gateway; behind a proxy with TLS the protocol is `wss`.",
                    "variables": {"host": {"description": "Where it listens.", "default": "127.0.0.1:5020"}},
                    "security": [{"$ref": "#/components/securitySchemes/token"}],
                }
            },
            "channels": {
                CHANNEL: {
                    "address": ENDPOINT,
                    "title": "The gateway's WebSocket",
                    "servers": [{"$ref": "#/servers/gateway"}],
                    "messages": in_channel.collect::<Map<_, _>>(),
                    "bindings": {"ws": {"method": "GET"}},
                }
            },
            "operations": self.operations,
            "components": {
                "messages": self.messages,
                "correlationIds": {
                    "reference": {
                        "description": "An answer has the reference of its message.",
                        "location": "$message.payload#/reference"
                    }
                },
                "securitySchemes": {
                    "token": {
                        "type": "apiKey",
                        "in": "password",
                        "description": "Sent as the `token` of `TOKEN_AUTH`, which is the first frame."
                    }
                },
            },
        })
    }
}

fn in_channel(message: &str) -> Value {
    json!({"$ref": format!("#/channels/{CHANNEL}/messages/{message}")})
}

//! The documents of the API, held against what travels: every frame of every transcript, and messages that are wrong in all ways.

#[path = "documents/frames.rs"]
mod frames;
#[path = "documents/http.rs"]
mod http;
#[path = "documents/lines.rs"]
mod lines;
#[path = "documents/routes.rs"]
mod routes;
#[path = "documents/schemas.rs"]
mod schemas;
#[path = "documents/served.rs"]
mod served;
mod support;

use std::collections::HashSet;
use std::sync::LazyLock;

use guestlist::methods::{METHODS, Nature};
use guestlist::schema::{asyncapi, methods::component_name};
use jsonschema::Draft;
use serde_json::{Value, json};

use frames::{EXCHANGES, Outcome, PUSH};
use schemas::Schemas;

/// Messages that are refused with 400 though the document has nothing against them, by a part of the refusal, and why.
const ONLY_THE_GATEWAY_KNOWS: &[(&str, &str)] = &[
    ("page.token: ", "which tokens it gave, and for which search"),
    ("page.limit: is not that of the page before", "what the page before was"),
    ("subject.type: is not known", "over AuthZEN, what is not known is no fault of the request"),
    ("resource.type: is not known", "the same"),
    ("action.name: is nothing that is done", "the same"),
    ("subject.id: is empty", "the same"),
    ("token: must be `<bot id>", "a form that depends on the grants"),
    ("token: names another bot or app", "two members that contradict each other"),
    ("confirmPassword: is another password", "two members that contradict each other"),
    ("end_date: must be later than start_date", "two members that contradict each other"),
    ("org_id: is missing, and the caller", "what the token is bound to"),
    ("app_id: is missing, and the token", "what the token is bound to"),
    ("user_id: is missing; `share`", "whether the caller is a user"),
    ("events: is empty or missing", "two members of which one will do"),
    ("primary_email: is missing; a new user", "whether the user is new"),
    ("the pattern is not a regular expression", "which texts are regular expressions"),
    ("the pattern is too costly", "what it costs to match one"),
    (
        "invalid type: floating point `9.00",
        "JSON Schema takes a number without a fraction for whole, however it is written",
    ),
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(asyncapi::document);
static ASYNCAPI: LazyLock<Schemas> = LazyLock::new(|| Schemas::of(&DOCUMENT, Draft::Draft7));

/// The schema of the answer to a method.
fn reply_of(method: &str) -> String {
    match method {
        "TOKEN_AUTH" => "TokenAuthOk".to_owned(),
        "PING" => "Pong".to_owned(),
        PUSH => "EventMessage".to_owned(),
        _ => {
            let found = METHODS.iter().find(|known| known.call.method == method);
            component_name(found.unwrap_or_else(|| panic!("there is no method {method}")).call.reply)
        }
    }
}

#[test]
fn every_frame_received_is_as_the_document_has_it() {
    let mut faults = Vec::new();
    for exchange in EXCHANGES.iter() {
        for frame in &exchange.received {
            let name = if frame.get("error").is_some() { "Refusal".to_owned() } else { reply_of(&exchange.method) };
            let found = ASYNCAPI.faults(&name, frame);
            faults.extend(found.into_iter().map(|fault| format!("{} {name}: {fault}\n    {frame}", exchange.place)));
        }
    }
    assert_none("the document refuses these answers", &faults);
    assert!(EXCHANGES.len() > 1_000, "only {} messages were seen", EXCHANGES.len());
}

#[test]
fn every_message_that_was_accepted_is_as_the_document_has_it() {
    let asked = EXCHANGES.iter().filter(|exchange| exchange.method != PUSH);
    let accepted = asked.filter(|exchange| exchange.outcome() == Outcome::Accepted);
    let faults: Vec<String> = accepted
        .flat_map(|exchange| {
            let sent = exchange.sent.as_ref().expect("what is accepted is JSON");
            let found = ASYNCAPI.faults(&component_name(&exchange.method), sent);
            found.into_iter().map(move |fault| format!("{}: {fault}\n    {sent}", exchange.place))
        })
        .collect();
    assert_none("the document refuses these messages, which the gateway took", &faults);
}

#[test]
fn every_message_that_was_refused_for_its_form_is_refused_by_the_document() {
    let known = |method: &str| METHODS.iter().any(|known| known.call.method == method);
    let (mut missed, mut excused, mut tried) = (Vec::new(), HashSet::new(), 0);
    for exchange in EXCHANGES.iter().filter(|exchange| exchange.outcome() == Outcome::Refused(400)) {
        let Some(sent) = exchange.sent.as_ref().filter(|_| known(&exchange.method)) else { continue };
        tried += 1;
        let message = exchange.received[0]["message"].as_str().expect("a refusal says why");
        if ASYNCAPI.faults(&component_name(&exchange.method), sent).is_empty() {
            if let Some((part, _)) = ONLY_THE_GATEWAY_KNOWS.iter().find(|(part, _)| message.contains(part)) {
                excused.insert(*part);
                continue;
            }
            missed.push(format!("{}: {message}\n    {sent}", exchange.place));
        }
    }
    assert_none("the document has nothing against these messages, which the gateway refused", &missed);
    let stale: Vec<String> = ONLY_THE_GATEWAY_KNOWS
        .iter()
        .filter(|(part, _)| !excused.contains(part))
        .map(|(part, _)| (*part).to_owned())
        .collect();
    assert_none("these excuses are not needed", &stale);
    assert!(tried > 50, "only {tried} messages were tried");
}

#[test]
fn over_http_a_message_is_the_same_but_for_its_method() {
    let schemas = Schemas::of(&http::OPENAPI, Draft::Draft202012);
    let mut faults = Vec::new();
    let is_there =
        |method: &str| METHODS.iter().any(|known| known.call.method == method && known.nature != Nature::Wish);
    for exchange in EXCHANGES.iter().filter(|exchange| is_there(&exchange.method)) {
        let Some(mut sent) = exchange.sent.clone() else { continue };
        sent.as_object_mut().expect("a message is an object").remove("method");
        let name = component_name(&exchange.method);
        if exchange.outcome() == Outcome::Accepted {
            let found = schemas.faults(&name, &sent).into_iter();
            let found = found.chain(schemas.faults(&reply_of(&exchange.method), &exchange.received[0]));
            faults.extend(found.map(|fault| format!("{} {name}: {fault}", exchange.place)));
        } else if exchange.outcome() == Outcome::Refused(400) {
            let by_frame = ASYNCAPI.faults(&name, exchange.sent.as_ref().expect("it was just looked at")).is_empty();
            if by_frame != schemas.faults(&name, &sent).is_empty() {
                faults.push(format!("{} {name}: the two documents differ over {sent}", exchange.place));
            }
        }
    }
    assert_none("the document refuses these", &faults);
}

#[test]
fn every_refusal_has_a_code_that_the_document_names_for_its_method() {
    let faults: Vec<String> = EXCHANGES
        .iter()
        .filter_map(|exchange| {
            let Outcome::Refused(code) = exchange.outcome() else { return None };
            let operation = DOCUMENT["operations"].get(&exchange.method)?;
            let named = operation["x-errors"].as_array().expect("codes are listed");
            let is_named = named.iter().any(|named| named["code"] == code);
            (!is_named).then(|| format!("{}: {} is refused with {code}", exchange.place, exchange.method))
        })
        .collect();
    assert_none("the document does not know that", &faults);
}

#[test]
fn an_answer_with_a_member_less_or_more_or_of_another_type_is_refused() {
    let mut passed = Vec::new();
    for exchange in EXCHANGES.iter().filter(|exchange| exchange.outcome() == Outcome::Accepted) {
        let (name, frame) = (reply_of(&exchange.method), &exchange.received[0]);
        let mut mutants = vec![with(frame, "surplus", json!(1))];
        for (member, value) in frame.as_object().expect("a frame is an object") {
            if !["reference", "ref"].contains(&&**member) {
                mutants.push(with(frame, member, if value.is_array() { json!({}) } else { json!([]) }));
            }
        }
        let mutants = mutants.into_iter().filter(|mutant| ASYNCAPI.faults(&name, mutant).is_empty());
        passed.extend(mutants.map(|mutant| format!("{} {name}: {mutant}", exchange.place)));
        let mut bare = frame.clone();
        bare.as_object_mut().expect("a frame is an object").retain(|member, _| member == "reference");
        if ASYNCAPI.faults(&name, &bare).is_empty() {
            passed.push(format!("{} {name}: {bare}", exchange.place));
        }
    }
    assert_none("the document takes these answers, which no gateway gives", &passed);
}

#[test]
fn every_example_is_as_the_document_has_it_and_every_message_has_one() {
    let messages = DOCUMENT["components"]["messages"].as_object().expect("a document has messages");
    for (name, message) in messages {
        let examples = message["examples"].as_array().unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            let faults = ASYNCAPI.faults(name, &example["payload"]);
            assert!(faults.is_empty(), "{name}: {faults:?}\n{example:#}");
        }
    }
    // Two methods share an answer, and the pushes have messages of their own.
    assert_eq!(messages.len(), 2 * METHODS.len() + 6);
}

fn with(frame: &Value, member: &str, value: Value) -> Value {
    let mut frame = frame.clone();
    frame[member] = value;
    frame
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    let shown: String = found.iter().take(40).map(|item| format!("  {item}\n")).collect();
    assert!(found.is_empty(), "{what} ({}):\n{shown}", found.len());
}

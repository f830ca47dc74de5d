//! Every route that is no method: asked well and badly, and held against the document.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::assert_none;
use crate::http::{OPENAPI, faults, faults_of_answer, faults_of_request, operation};
use crate::support::http::{Http, ORG_KEY, OWNER, OWNER_PASSWORD, SHARE, SHARE_UUID, log_in};
use crate::support::{ADMIN, APP, gateway};

/// A request: its method and path, whether the demo owner sends it, and its body.
type Asked = (&'static str, String, bool, Option<Value>);

/// Requests to the share API, in an order that makes sense.
fn of_shares() -> Vec<(Asked, u16)> {
    let entries = format!("{SHARE}/whitelist-entries");
    let (chats, shares) = ("/api/users/1/chats".to_owned(), "/api/users/1/chats/124/shares".to_owned());
    let amy = json!({"emails": ["amy@example.com"]});
    let credentials = |password: &str| json!({"email": "zoe@example.com", "password": password});
    let own = |verb, path: &str, body| (verb, path.to_owned(), true, body);
    let open = |verb, path: &str, body| (verb, path.to_owned(), false, body);
    vec![
        (open("post", "/api/auth/sign-up", Some(credentials("Zoes-pass-1!"))), 200),
        (open("post", "/api/auth/sign-up", Some(credentials("Zoes-pass-1!"))), 409),
        (open("post", "/api/auth/sign-up", Some(credentials("short"))), 400),
        (open("post", "/api/auth/login", Some(credentials("Zoes-pass-1!"))), 200),
        (open("post", "/api/auth/login", Some(credentials("Zoes-pass-2!"))), 401),
        (open("post", "/api/auth/login", Some(json!({"email": 1}))), 400),
        (own("post", "/api/auth/login", Some(credentials("Zoes-pass-1!"))), 403),
        (own("head", "/api/auth/check", None), 204),
        (open("head", "/api/auth/check", None), 401),
        (own("get", "/api/_auth/session", None), 200),
        (open("get", "/api/_auth/session", None), 200),
        (own("post", &chats, Some(json!({"name": "Plans"}))), 200),
        (own("post", &chats, Some(json!({"name": 7}))), 400),
        (own("get", &chats, None), 200),
        (open("get", &chats, None), 401),
        (own("get", "/api/users/2/chats", None), 404),
        (own("get", "/api/users/x/chats", None), 400),
        (own("patch", "/api/users/1/chats/124", Some(json!({"name": "Other plans"}))), 200),
        (own("patch", "/api/users/1/chats/124", Some(json!({}))), 400),
        (own("get", &shares, None), 200),
        (own("post", &shares, Some(json!({"is_protected": true, "hashed_password": "Share-pass-1!"}))), 200),
        (own("post", &shares, Some(json!({}))), 409),
        (own("post", &shares, Some(json!({"is_shared": "yes"}))), 400),
        (own("get", &shares, None), 200),
        (own("patch", SHARE, Some(json!({"use_whitelist": true}))), 200),
        (own("patch", SHARE, Some(json!({"emails": []}))), 400),
        (own("post", &entries, Some(amy.clone())), 200),
        (own("post", &entries, Some(json!(["bob@example.com"]))), 200),
        (own("post", &entries, Some(json!({"emails": ["bob"]}))), 400),
        (own("get", &entries, None), 200),
        (own("get", &format!("{entries}?page_size=1"), None), 200),
        (own("delete", &entries, Some(amy)), 200),
        (own("delete", &entries, Some(json!({}))), 400),
        (own("delete", &format!("{entries}/999"), None), 404),
        (own("delete", &format!("{entries}/3"), None), 200),
        (own("get", &format!("/api/shared/chats/{SHARE_UUID}"), None), 200),
        (open("get", &format!("/api/shared/chats/{SHARE_UUID}"), None), 401),
        (open("get", "/api/shared/chats/x", None), 400),
        (open("get", "/api/shared/chats/00000000-0000-4000-8000-000000000000", None), 404),
        (own("delete", SHARE, None), 204),
        (own("delete", "/api/users/1/chats/124", None), 200),
        (own("delete", &chats, Some(json!({"chat_ids": [123]}))), 200),
        (own("delete", &chats, Some(json!({"chat_ids": ["x"]}))), 400),
        (own("post", "/api/auth/logout", None), 200),
    ]
}

/// Requests to the organisation API, to AuthZEN, and to the gateway itself.
fn of_others() -> Vec<(Asked, u16)> {
    let members = format!("/admin/whitelist?api_key={ORG_KEY}");
    let member = json!({"name": "Amy", "email": "amy@example.com", "permissions": ["can_read"],
        "start_date": "2025-01-01T00:00:00Z"});
    let open = |verb, path: &str, body| (verb, path.to_owned(), false, body);
    let (user, sign_up) = (json!({"type": "user", "id": "ann@example.com"}), json!({"name": "sign_up"}));
    let app = json!({"type": "app", "id": APP});
    let question = json!({"subject": user, "action": sign_up, "resource": app});
    let mut asked = vec![
        (open("post", &members, Some(member.clone())), 200),
        (open("post", &members, Some(json!({"name": "Amy"}))), 422),
        (
            open(
                "post",
                &members,
                Some(json!({"name": "Amy", "email": "amy", "permissions": ["can_read"],
            "start_date": "2025-01-01"})),
            ),
            422,
        ),
        (open("post", "/admin/whitelist", Some(member)), 401),
        (open("get", &members, None), 200),
        (open("get", &format!("{members}&page_size=0"), None), 422),
        (open("delete", &format!("{members}&email=amy%40example.com"), None), 204),
        (open("delete", &format!("{members}&email=amy%40example.com"), None), 404),
        (open("delete", &format!("{members}&email=admin%40example.com"), None), 409),
        (open("get", "/.well-known/authzen-configuration", None), 200),
        (open("get", "/livez", None), 200),
        (open("get", "/readyz", None), 200),
        (open("get", "/metrics", None), 200),
        (open("get", "/nandbox/api/", None), 426),
        (open("get", "/nandbox/api", None), 426),
        (open("get", "/ws", None), 426),
    ];
    let known = |kind: &str| json!({"type": kind});
    for (path, body) in [
        ("evaluation", question.clone()),
        ("evaluations", question.clone()),
        ("evaluations", json!({"subject": user, "action": sign_up, "evaluations": [{"resource": app}, {}]})),
        ("search/subject", json!({"subject": known("user"), "action": sign_up, "resource": app})),
        ("search/resource", json!({"subject": user, "action": sign_up, "resource": known("app")})),
        ("search/action", json!({"subject": user, "resource": app})),
    ] {
        asked.push((open("post", &format!("/access/v1/{path}"), Some(body.clone())), 200));
        asked.push((open("post", &format!("/access/v1/{path}"), Some(json!({"subject": "ann"}))), 400));
        let mut numbered = body;
        numbered[if path == "search/subject" { "resource" } else { "subject" }]["id"] = json!(7);
        asked.push((open("post", &format!("/access/v1/{path}"), Some(numbered)), 400));
    }
    asked
}

#[tokio::test]
async fn every_route_takes_and_answers_what_the_document_says() {
    let directory = TempDir::new().expect("there is room for a directory");
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let session = log_in(&http, OWNER, OWNER_PASSWORD).await;
    let (mut faults, mut asked) = (Vec::new(), BTreeSet::new());
    for ((verb, path, is_own, body), status) in of_shares().into_iter().chain(of_others()) {
        let method: Method = verb.to_ascii_uppercase().parse().expect("it is a method");
        let mut request = http.request(method, path.clone());
        if is_own {
            request = request.session(&session);
        } else if path.starts_with("/access") || path == "/metrics" {
            request = request.bearer(ADMIN);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await;
        let told = format!("{verb} {path} {}: {}", answer.code(), answer.text());
        assert_eq!(answer.code(), status, "{told}");
        let received: Option<Value> = serde_json::from_str(&answer.text()).ok();
        let text = (!answer.text().is_empty()).then(|| json!(answer.text()));
        let found = faults_of_answer(verb, &path, status, received.or(text).as_ref());
        faults.extend(found.into_iter().map(|fault| format!("{told}\n    {fault}")));
        if let Some(body) = body.filter(|_| status < 300 || [400, 422].contains(&status)) {
            let found = faults_of_request(verb, &path, &body);
            match (status < 300, found.is_empty()) {
                (true, false) => faults.push(format!("{told}\n    {found:?}")),
                (false, true) => faults.push(format!("{told}\n    the document has nothing against {body}")),
                _ => {}
            }
        }
        let (template, _) = operation(verb, &path).expect("it was just looked at");
        if status < 300 || status == 426 {
            asked.insert(format!("{verb} {template}"));
        }
    }
    gateway.stop().await;
    assert_none("what travelled is not what the document says", &faults);
    let described = OPENAPI["paths"].as_object().expect("a document has paths").iter();
    let described = described.flat_map(|(path, item)| {
        item.as_object().expect("a path has operations").iter().filter_map(move |(verb, operation)| {
            let is_elsewhere = operation["tags"] == json!(["Methods"]) || path.starts_with("/docs");
            (!is_elsewhere).then(|| format!("{verb} {path}"))
        })
    });
    let missing: Vec<String> = described.filter(|operation| !asked.contains(operation)).collect();
    assert_none("nobody asked for these", &missing);
}

#[test]
fn an_answer_that_is_changed_is_refused() {
    let good = json!({"shareWhitelistEntries": [], "page_number": 0, "eop": true});
    let path = format!("{SHARE}/whitelist-entries");
    assert_eq!(faults_of_answer("get", &path, 200, Some(&good)), Vec::<String>::new());
    for bad in
        [json!({}), json!([]), json!({"shareWhitelistEntries": [], "more": 1}), json!({"shareWhitelistEntries": [7]})]
    {
        assert!(!faults_of_answer("get", &path, 200, Some(&bad)).is_empty(), "{bad}");
    }
    assert!(!faults_of_answer("get", &path, 418, Some(&good)).is_empty());
    assert!(!faults_of_answer("get", "/nowhere", 200, None).is_empty());
}

/// Generators of code look the version up in a list, and treat what they do not find there as no OpenAPI at all.
#[test]
fn the_document_is_of_a_version_that_generators_know() {
    assert_eq!(OPENAPI["openapi"], "3.1.0");
}

#[test]
fn every_example_is_as_the_document_has_it_and_every_parameter_is_explained() {
    let (mut wrong, mut shown) = (Vec::new(), 0);
    for (path, item) in OPENAPI["paths"].as_object().expect("a document has paths") {
        for (verb, operation) in item.as_object().expect("a path has operations") {
            let responses = operation["responses"].as_object().into_iter().flatten().map(|(_, response)| response);
            for told in responses.chain(operation.get("requestBody")) {
                let Some(media) = told.pointer("/content/application~1json") else { continue };
                let Some(example) = media.get("example") else { continue };
                shown += 1;
                let found = faults(&media["schema"], example).into_iter();
                wrong.extend(found.map(|fault| format!("{verb} {path}: {fault}\n    {example}")));
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let bare = parameters.filter(|parameter| parameter["description"].as_str().is_none_or(str::is_empty));
            wrong.extend(bare.map(|parameter| format!("{verb} {path}: {} is not explained", parameter["name"])));
        }
    }
    assert_none("these are not as they should be", &wrong);
    assert!(shown > 100, "only {shown} examples are shown");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_refers_to_what_is_there() {
    let mut names = BTreeSet::new();
    for (path, item) in OPENAPI["paths"].as_object().expect("a document has paths") {
        for (verb, operation) in item.as_object().expect("a path has operations") {
            let name = operation["operationId"].as_str().expect("an operation has a name");
            assert!(names.insert(name.to_owned()), "{verb} {path}: {name} stands twice");
        }
    }
    let mut missing = Vec::new();
    references(&OPENAPI, &mut missing);
    assert_none("these are referred to, and are not there", &missing);
}

fn references(value: &Value, missing: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let place = members.get("$ref").and_then(Value::as_str);
            missing.extend(place.filter(|place| OPENAPI.pointer(&place[1..]).is_none()).map(str::to_owned));
            members.values().for_each(|value| references(value, missing));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, missing)),
        _ => {}
    }
}

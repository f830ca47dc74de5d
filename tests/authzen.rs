//! The AuthZEN Authorization API 1.0, fact by fact, by the levels that implementations are certified at: Basic, Batch and Search,
//! and here Discovery. The demo's app, share and organisation stand for the records of the standard's examples.

#[path = "authzen/basic.rs"]
mod basic;
#[path = "authzen/batch.rs"]
mod batch;
#[path = "authzen/search.rs"]
mod search;
mod support;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use serde_json::{Value, json};
use support::http::{Answer, Http};
use support::{ADMIN, APP, Client, options};
use tempfile::TempDir;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SUBJECTS: &str = "/access/v1/search/subject";
const RESOURCES: &str = "/access/v1/search/resource";
const ACTIONS: &str = "/access/v1/search/action";

/// How the gateway is reached from outside.
const PUBLIC_URL: &str = "https://lists.example.com";

#[tokio::test]
async fn tells_where_everything_is() {
    let pdp = Pdp::start().await;
    let answer = pdp.http.get("/.well-known/authzen-configuration").send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let at = |path: &str| format!("{PUBLIC_URL}{path}");
    let configuration = json!({
        "policy_decision_point": PUBLIC_URL,
        "access_evaluation_endpoint": at(EVALUATION),
        "access_evaluations_endpoint": at(EVALUATIONS),
        "search_subject_endpoint": at(SUBJECTS),
        "search_resource_endpoint": at(RESOURCES),
        "search_action_endpoint": at(ACTIONS),
    });
    assert_eq!(answer.json(), configuration);
    for endpoint in configuration.as_object().expect("it is one").values().filter_map(Value::as_str) {
        let path = endpoint.strip_prefix(PUBLIC_URL).filter(|path| !path.is_empty());
        if let Some(path) = path {
            pdp.http.post(path).json(&json!({})).send().await.expect(401);
        }
    }
}

/// A gateway with the demo data, on whose whitelist are ann, eve and bea, on whose blacklist is eve, and on whose share's is amy.
struct Pdp {
    gateway: Gateway,
    http: Http,
    _data: TempDir,
}

impl Pdp {
    async fn start() -> Self {
        let data = TempDir::new().expect("there is room for a directory");
        let options = Options { public_url: Some(PUBLIC_URL.to_owned()), ..options(data.path(), Limits::default()) };
        let gateway = Gateway::start(options).await.expect("the gateway starts");
        let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
        let names = ["ann@example.com", "eve@example.com", "bea@example.com"].map(str::to_owned);
        add(&mut admin, "addToWhitelist", &names).await;
        add(&mut admin, "addToBlacklist", &names[1..2]).await;
        let share = json!({"method": "addToShareWhitelist", "user_id": 1, "chat_id": 123, "share_id": 456,
            "emails": ["amy@example.com"]});
        assert_eq!(admin.call(share.to_string()).await["method"], "addToShareWhitelist_ack");
        Self { http: Http::of(&gateway), gateway, _data: data }
    }

    async fn ask(&self, path: &str, body: &Value) -> Answer {
        self.ask_as(ADMIN, path, body).await
    }

    async fn ask_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.http.post(path).bearer(token).json(body).send().await
    }
}

async fn add(admin: &mut Client, method: &str, signups: &[String]) {
    let message = json!({"method": method, "app_id": APP, "signups": signups, "reference": 1});
    let mut added = 0;
    admin.send(message.to_string()).await;
    // A long ack comes in several frames.
    while added < signups.len() {
        let ack = admin.json().await;
        added += ack["signups"].as_array().unwrap_or_else(|| panic!("{ack}")).len();
    }
}

fn app() -> Value {
    json!({"type": "app", "id": APP})
}

fn asked(subject: &str, action: &str, kind: &str, id: &str) -> Value {
    json!({"subject": {"type": "user", "id": subject}, "action": {"name": action}, "resource": {"type": kind, "id": id}})
}

fn sign_up(subject: &str) -> Value {
    asked(subject, "sign_up", "app", APP)
}

/// A body with a member set.
fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut body = body.clone();
    let mut place = &mut body;
    for step in path.split('.') {
        place = &mut place[step];
    }
    *place = value;
    body
}

/// A body without a member.
fn without(body: &Value, path: &str) -> Value {
    let mut body = body.clone();
    let (holder, name) = match path.rsplit_once('.') {
        Some((holder, name)) => (&mut body[holder], name),
        None => (&mut body, path),
    };
    holder.as_object_mut().expect("what holds a member is an object").remove(name);
    body
}

/// The decisions of a batch.
#[track_caller]
fn decisions(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.code(), 200, "{}", answer.text());
    let answer = answer.json();
    let evaluations = answer["evaluations"].as_array().unwrap_or_else(|| panic!("{answer} has no evaluations"));
    evaluations.iter().map(|decided| decided["decision"].as_bool().expect("a decision is a boolean")).collect()
}

/// A refusal of the request itself, with a text that names what is wrong.
#[track_caller]
fn check_400(answer: &Answer, named: &str) {
    assert_eq!(answer.code(), 400, "{named}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let told = answer.json();
    let named = named.rsplit('.').next().unwrap_or_default();
    assert!(told.as_str().is_some_and(|told| told.contains(named)), "{told} does not name {named}");
}

//! Search: for whom, for what and to do what the answer is yes.

use guestlist::config::SEARCH_EXAMINED_MAX;
use serde_json::{Value, json};

use super::{ACTIONS, EVALUATION, Pdp, RESOURCES, SUBJECTS, add, app, asked, check_400, sign_up, with, without};
use crate::support::http::SHARE_UUID;
use crate::support::{ADMIN, APP, Client};

#[tokio::test]
async fn finds_who_may() {
    let pdp = Pdp::start().await;
    let search = |action: &str, resource: Value| json!({"subject": {"type": "user"}, "action": {"name": action}, "resource": resource});
    for (search, found) in [
        (search("sign_up", app()), vec!["ann@example.com", "bea@example.com"]),
        (search("can_read", json!({"type": "chat_share", "id": SHARE_UUID})), vec!["1", "2"]),
        (search("can_delegate", json!({"type": "organization", "id": "acme"})), vec!["admin@example.com"]),
    ] {
        let found: Vec<Value> = found.iter().map(|id| json!({"type": "user", "id": id})).collect();
        let answer = pdp.ask(SUBJECTS, &search).await.expect(200);
        assert_eq!(answer.json()["results"], json!(found), "{search}");
        assert_eq!(answer.json()["page"], json!({"next_token": "", "count": found.len()}));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn finds_to_what() {
    let pdp = Pdp::start().await;
    let search = |subject: &str, action: &str, kind: &str| json!({"subject": {"type": "user", "id": subject}, "action": {"name": action}, "resource": {"type": kind}});
    for (subject, action, kind, id) in [
        ("ann@example.com", "sign_up", "app", APP),
        ("amy@example.com", "can_read", "chat_share", SHARE_UUID),
        ("admin@example.com", "can_use_api", "organization", "acme"),
    ] {
        let answer = pdp.ask(RESOURCES, &search(subject, action, kind)).await.expect(200).json();
        assert_eq!(answer["results"], json!([{"type": kind, "id": id}]), "{answer}");
        let answer = pdp.ask(RESOURCES, &search("nobody@example.com", action, kind)).await.expect(200).json();
        assert_eq!(answer["results"], json!([]), "{answer}");
    }
}

#[tokio::test]
async fn finds_what_may_be_done() {
    let pdp = Pdp::start().await;
    for (question, names) in [
        (asked("ann@example.com", "", "app", APP), &["sign_up"][..]),
        (asked("bob@example.com", "", "chat_share", SHARE_UUID), &[]),
        (
            asked("admin@example.com", "", "organization", "acme"),
            &["can_read", "can_use_api", "can_use_whitelist", "can_delegate"],
        ),
    ] {
        let names: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        for search in [without(&question, "action"), with(&question, "context", json!({"time": "noon"}))] {
            assert_eq!(pdp.ask(ACTIONS, &search).await.expect(200).json()["results"], json!(names), "{search}");
        }
    }
}

#[tokio::test]
async fn results_are_decisions_that_evaluate_to_true() {
    let pdp = Pdp::start().await;
    let search = json!({"subject": {"type": "user"}, "action": {"name": "sign_up"}, "resource": app()});
    let found = pdp.ask(SUBJECTS, &search).await.json();
    for subject in found["results"].as_array().expect("there are results") {
        let question = with(&search, "subject", subject.clone());
        assert_eq!(pdp.ask(EVALUATION, &question).await.json()["decision"], true, "{subject}");
    }
}

#[tokio::test]
async fn passes_over_the_id_of_what_it_looks_for() {
    let pdp = Pdp::start().await;
    let whole = sign_up("ann@example.com");
    for (path, one) in [(SUBJECTS, "subject.id"), (RESOURCES, "resource.id"), (ACTIONS, "action.name")] {
        let found = pdp.ask(path, &whole).await.expect(200).json();
        assert_eq!(pdp.ask(path, &without(&whole, one)).await.expect(200).json(), found, "{path}");
    }
}

#[tokio::test]
async fn for_what_is_not_known_finds_nothing() {
    let pdp = Pdp::start().await;
    let good = sign_up("ann@example.com");
    let nothing = json!({"page": {"next_token": "", "count": 0}, "results": []});
    for (path, search) in [
        (SUBJECTS, with(&good, "subject.type", json!("spaceship"))),
        (SUBJECTS, with(&good, "resource.type", json!("record"))),
        (SUBJECTS, with(&good, "resource.id", json!("404"))),
        (SUBJECTS, with(&good, "action.name", json!("dance"))),
        (SUBJECTS, asked("", "can_read", "chat_share", "550e8400-e29b-41d4-a716-446655440001")),
        (RESOURCES, with(&good, "subject.type", json!("spaceship"))),
        (RESOURCES, with(&good, "resource.type", json!("record"))),
        (RESOURCES, with(&good, "action.name", json!("dance"))),
        (RESOURCES, with(&good, "subject.id", json!("nonexistent-user"))),
        (ACTIONS, with(&good, "subject.id", json!("nonexistent-user"))),
        (ACTIONS, with(&good, "subject.type", json!("spaceship"))),
        (ACTIONS, with(&good, "resource.type", json!("record"))),
        (ACTIONS, with(&good, "resource.id", json!("record-1"))),
    ] {
        assert_eq!(pdp.ask(path, &search).await.expect(200).json(), nothing, "{path} {search}");
    }
}

#[tokio::test]
async fn names_what_is_missing_in_a_400() {
    let pdp = Pdp::start().await;
    for (path, needed) in [
        (SUBJECTS, &["subject", "subject.type", "action", "action.name", "resource", "resource.type", "resource.id"]),
        (RESOURCES, &["subject", "subject.type", "subject.id", "action", "action.name", "resource", "resource.type"]),
    ] {
        for member in needed {
            check_400(&pdp.ask(path, &without(&sign_up("ann@example.com"), member)).await, member);
        }
    }
    for member in ["subject", "subject.type", "subject.id", "resource", "resource.type", "resource.id"] {
        check_400(&pdp.ask(ACTIONS, &without(&sign_up("ann@example.com"), member)).await, member);
    }
}

#[tokio::test]
async fn pages_lead_through_all_results_once() {
    let pdp = Pdp::start().await;
    let search = |page: Value| json!({"subject": {"type": "user"}, "action": {"name": "sign_up"}, "resource": app(), "page": page});
    let whole = pdp.ask(SUBJECTS, &search(json!({}))).await.expect(200).json();
    let mut found = Vec::new();
    let mut page = pdp.ask(SUBJECTS, &search(json!({"limit": 1}))).await.expect(200).json();
    loop {
        let results = page["results"].as_array().expect("a page has results");
        assert!(results.len() <= 1 && page["page"]["count"] == results.len(), "{page}");
        found.extend(results.iter().cloned());
        let token = page["page"]["next_token"].as_str().expect("the token is a string").to_owned();
        if token.is_empty() {
            break;
        }
        // Without the limit, which is that of the first page.
        page = pdp.ask(SUBJECTS, &search(json!({"token": token}))).await.expect(200).json();
    }
    assert_eq!(json!(found), whole["results"]);
}

#[tokio::test]
async fn tokens_are_good_for_the_search_they_came_from() {
    let pdp = Pdp::start().await;
    let search =
        json!({"subject": {"type": "user"}, "action": {"name": "sign_up"}, "resource": app(), "page": {"limit": 1}});
    let first = pdp.ask(SUBJECTS, &search).await.expect(200).json();
    let next = with(&search, "page.token", first["page"]["next_token"].clone());
    pdp.ask(SUBJECTS, &next).await.expect(200);
    // What decides nothing may still not change, but in its spelling and order.
    let spelled = format!(" {}", next.to_string().replace(':', " : "));
    let request = pdp.http.post(SUBJECTS).bearer(ADMIN).header("content-type", "application/json");
    request.raw(spelled).send().await.expect(200);
    for (path, value) in [
        ("context", json!({"time": "noon"})),
        ("subject.properties", json!({"role": "admin"})),
        ("action.properties", json!({"soft": true})),
        ("resource.id", json!("404")),
        ("page.limit", json!(2)),
        ("page.token", json!("x")),
    ] {
        check_400(&pdp.ask(SUBJECTS, &with(&next, path, value)).await, "page.");
    }
    check_400(&pdp.ask(RESOURCES, &with(&next, "subject.id", json!("ann@example.com"))).await, "page.token");
}

#[tokio::test]
async fn looks_at_so_many_candidates_a_page() {
    let pdp = Pdp::start().await;
    let mut admin = Client::sign_in(&pdp.gateway.url(), ADMIN).await;
    // They stand behind ann, eve and bea, on both lists: candidates, of whom none may.
    let refused: Vec<String> = (0..SEARCH_EXAMINED_MAX).map(|n| format!("no-{n}@example.com")).collect();
    for method in ["addToWhitelist", "addToBlacklist"] {
        add(&mut admin, method, &refused).await;
    }
    add(&mut admin, "addToWhitelist", &["last@example.com".to_owned()]).await;
    let search = json!({"subject": {"type": "user"}, "action": {"name": "sign_up"}, "resource": app()});
    let first = pdp.ask(SUBJECTS, &search).await.expect(200).json();
    assert_eq!(first["page"]["count"], 2, "{first}");
    let next = with(&search, "page.token", first["page"]["next_token"].clone());
    let second = pdp.ask(SUBJECTS, &next).await.expect(200).json();
    let last = json!([{"type": "user", "id": "last@example.com"}]);
    assert_eq!((&second["results"], &second["page"]["next_token"]), (&last, &json!("")));
}

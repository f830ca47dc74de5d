//! `/admin/whitelist` over HTTP: who gets on and off an organisation's whitelist, and how each refusal looks.

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::http::{AMY, BOB, Http, ORG, ORG_KEY, OWNER, OWNER_PASSWORD, Request, log_in};
use support::stage::{Stage, number};
use support::{ADMIN, BARE_BOT, BOT, Client};
use tokio::sync::Barrier;

const ROUTE: &str = "/admin/whitelist";

/// Rounds of those who are at it at once.
const ROUNDS: usize = 25;

fn member(email: &str) -> Value {
    json!({"name": "Jane Doe", "email": email, "permissions": ["can_read", "can_use_api"],
        "start_date": "2025-03-05T11:34:30.258Z", "end_date": null})
}

/// The same with another member.
fn with(mut member: Value, name: &str, value: Value) -> Value {
    member[name] = value;
    member
}

/// The same without one.
fn without(mut member: Value, name: &str) -> Value {
    member.as_object_mut().expect("a member is an object").remove(name);
    member
}

fn add(http: &Http, key: &str, body: &Value) -> Request {
    http.post(format!("{ROUTE}?api_key={key}")).json(body)
}

fn remove(http: &Http, key: &str, email: &str) -> Request {
    http.delete(format!("{ROUTE}?email={}&api_key={key}", email.replace('@', "%40")))
}

/// What stands on the demo organisation's whitelist.
async fn listed(stage: &mut Stage) -> Vec<Value> {
    let page = stage.done(json!({"method": "getOrgWhitelist", "org_id": ORG})).await;
    page["members"].as_array().unwrap_or_else(|| panic!("no members in {page}")).clone()
}

/// Has an administrator add a member with a key, which is given back.
async fn member_with_key(stage: &mut Stage, org_id: &str, email: &str, permissions: &[&str]) -> String {
    let add = json!({"method": "addToOrgWhitelist", "org_id": org_id, "name": "Jane Doe", "email": email,
        "permissions": permissions, "start_date": "2024-01-01T00:00:00.000Z"});
    stage.done(add).await;
    let ack = stage.done(json!({"method": "setApiKey", "org_id": org_id, "email": email})).await;
    ack["api_key"].as_str().unwrap_or_else(|| panic!("no key in {ack}")).to_owned()
}

#[tokio::test]
async fn a_member_is_added_shown_and_removed() {
    let mut stage = Stage::new().await;
    let added = add(&stage.http, ORG_KEY, &member("jane@example.com")).send().await.expect(200);
    assert_eq!(added.header("content-type"), Some("application/json"));
    assert_eq!(added.header("cache-control"), Some("private, no-store"));
    let record = added.json();
    assert_eq!(
        without(without(without(record.clone(), "id"), "created_at"), "updated_at"),
        json!({"org_id": ORG, "name": "Jane Doe", "email": "jane@example.com", "permissions": ["can_read", "can_use_api"],
            "start_date": "2025-03-05T11:34:30.258Z", "end_date": null, "status": "active"})
    );
    assert_eq!(record["created_at"], record["updated_at"]);
    assert_eq!(listed(&mut stage).await.last(), Some(&without(record, "org_id")));
    let removed = remove(&stage.http, ORG_KEY, "Jane@example.com").send().await.expect(204);
    assert_eq!((removed.text(), removed.header("content-type")), (String::new(), None));
    assert_eq!(listed(&mut stage).await.len(), 1);
    let again = remove(&stage.http, ORG_KEY, "jane@example.com").send().await.expect(404);
    assert!(again.json()["detail"].is_string(), "{}", again.text());
}

#[tokio::test]
async fn an_address_that_stands_is_replaced_and_the_same_request_again_changes_nothing() {
    let stage = Stage::new().await;
    let first = add(&stage.http, ORG_KEY, &member("jane@example.com")).send().await.expect(200).json();
    let seq = stage.gateway.state().folded();
    let same = add(&stage.http, ORG_KEY, &member("JANE@example.com")).send().await.expect(200).json();
    assert_eq!((&same, stage.gateway.state().folded()), (&first, seq));
    let changed = with(member("jane@example.com"), "permissions", json!(["can_read"]));
    let changed = with(changed, "end_date", json!("2025-04-01T00:00:00+02:00"));
    let second = add(&stage.http, ORG_KEY, &changed).send().await.expect(200).json();
    assert_eq!((&second["id"], &second["created_at"]), (&first["id"], &first["created_at"]));
    assert_eq!(second["permissions"], json!(["can_read"]));
    assert_eq!((&second["end_date"], &second["status"]), (&json!("2025-03-31T22:00:00.000Z"), &json!("expired")));
}

#[tokio::test]
async fn if_none_match_makes_sure_that_nobody_is_replaced() {
    let stage = Stage::new().await;
    let only_new = |email| add(&stage.http, ORG_KEY, &member(email)).header("if-none-match", "*");
    only_new("jane@example.com").send().await.expect(200);
    let refused = only_new("Jane@example.com").send().await.expect(412);
    assert!(refused.json()["detail"].is_string(), "{}", refused.text());
    // Entries have no tags, so that any tag is another one.
    let tagged = add(&stage.http, ORG_KEY, &member("jane@example.com")).header("if-none-match", "\"1\"");
    tagged.send().await.expect(200);
}

#[tokio::test]
async fn a_key_may_come_in_the_query_or_in_either_header() {
    let stage = Stage::new().await;
    let list = || stage.http.get(ROUTE);
    let by_query = stage.http.get(format!("{ROUTE}?api_key={ORG_KEY}")).send().await.expect(200).json();
    for request in [list().bearer(ORG_KEY), list().header("x-api-key", ORG_KEY), list().bearer(BOT)] {
        assert_eq!(request.send().await.expect(200).json(), by_query);
    }
    let named = stage.http.get(format!("{ROUTE}?org_id={ORG}")).bearer(ADMIN).send().await.expect(200);
    assert_eq!(named.json(), by_query);
    let nowhere = stage.http.get(ROUTE).bearer(ADMIN).send().await.expect(422);
    assert_eq!(nowhere.json()["detail"][0]["loc"], json!(["query", "org_id"]));
}

#[tokio::test]
async fn who_has_no_key_that_is_known_is_told_so_without_a_word_of_the_key() {
    let stage = Stage::new().await;
    let secret = "not-a-key-of-anybody";
    let body = member("jane@example.com");
    for request in [
        stage.http.get(ROUTE),
        stage.http.get(format!("{ROUTE}?api_key={secret}")),
        stage.http.get(format!("{ROUTE}?api_key=")).bearer(ORG_KEY),
        stage.http.get(ROUTE).bearer(secret),
        stage.http.get(ROUTE).header("x-api-key", secret),
        stage.http.post(ROUTE).json(&body),
        add(&stage.http, secret, &body),
        stage.http.delete(format!("{ROUTE}?email=jane%40example.com")),
        remove(&stage.http, secret, "admin@example.com"),
    ] {
        let refused = request.send().await.expect(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        assert!(refused.json()["detail"].is_string() && !refused.text().contains(secret), "{}", refused.text());
    }
    // Nor is a good key quoted with what else is wrong.
    for path in
        [format!("{ROUTE}?api_key={ORG_KEY}&page_size=x"), format!("{ROUTE}?api_key={ORG_KEY}&org_id={ORG_KEY}!")]
    {
        let refused = stage.http.get(path).send().await.expect(422).text();
        assert!(!refused.contains(ORG_KEY), "{refused}");
    }
}

#[tokio::test]
async fn who_lacks_a_permission_is_told_which() {
    let mut stage = Stage::new().await;
    let reader = member_with_key(&mut stage, ORG, AMY, &["can_read", "can_use_api"]).await;
    let silent = member_with_key(&mut stage, ORG, BOB, &["can_read", "can_use_whitelist"]).await;
    let session = log_in(&stage.http, OWNER, OWNER_PASSWORD).await;
    let before = listed(&mut stage).await;
    for (token, missing) in [(&*reader, "can_use_whitelist"), (&silent, "can_use_api"), (BARE_BOT, "can_use_whitelist")]
    {
        let org = if token == BARE_BOT { format!("org_id={ORG}&") } else { String::new() };
        let body = with(member("jane@example.com"), "org_id", json!(ORG));
        for request in [
            stage.http.get(format!("{ROUTE}?{org}api_key={token}")),
            add(&stage.http, token, &body),
            stage.http.delete(format!("{ROUTE}?{org}email=admin%40example.com&api_key={token}")),
        ] {
            let refused = request.send().await.expect(403);
            let told = refused.json()["detail"].as_str().is_some_and(|detail| detail.contains(missing));
            assert!(told, "{}", refused.text());
        }
    }
    stage.http.get(format!("{ROUTE}?org_id={ORG}")).bearer(&session).send().await.expect(403);
    assert_eq!(listed(&mut stage).await, before);
}

#[tokio::test]
async fn nobody_grants_over_http_what_they_do_not_hold() {
    let mut stage = Stage::new().await;
    let all_but_one = ["can_read", "can_use_api", "can_use_whitelist"];
    let key = member_with_key(&mut stage, ORG, AMY, &all_but_one).await;
    let body = with(member("jane@example.com"), "permissions", json!(["can_read", "can_delegate"]));
    let refused = add(&stage.http, &key, &body).send().await.expect(403);
    assert!(refused.text().contains("can_delegate"), "{}", refused.text());
    add(&stage.http, &key, &with(body.clone(), "permissions", json!(all_but_one))).send().await.expect(200);
    add(&stage.http, ORG_KEY, &body).send().await.expect(200);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_listed_by_place() {
    let stage = Stage::new().await;
    let jane = || member("jane@example.com");
    for (body, loc) in [
        (with(jane(), "name", json!("")), json!(["body", "name"])),
        (with(jane(), "name", json!(["Jane"])), json!(["body", "name"])),
        (with(jane(), "email", json!("jane")), json!(["body", "email"])),
        (with(jane(), "email", json!(format!("{}@example.com", "j".repeat(250)))), json!(["body", "email"])),
        (with(jane(), "permissions", json!(["can_use_api"])), json!(["body", "permissions"])),
        (with(jane(), "permissions", json!([])), json!(["body", "permissions"])),
        (with(jane(), "permissions", json!(["can_read", "can_fly"])), json!(["body", "permissions", 1])),
        (with(jane(), "start_date", json!(null)), json!(["body", "start_date"])),
        (with(jane(), "start_date", json!("tomorrow")), json!(["body", "start_date"])),
        (with(jane(), "end_date", json!(17)), json!(["body", "end_date"])),
        (with(jane(), "end_date", json!("2025-03-05T11:34:30.258Z")), json!(["body", "end_date"])),
        (with(jane(), "org_id", json!("not an id")), json!(["body", "org_id"])),
        (json!([jane()]), json!(["body"])),
        (json!("jane@example.com"), json!(["body"])),
    ] {
        let refused = add(&stage.http, ORG_KEY, &body).send().await.expect(422).json();
        let faults = refused["detail"].as_array().unwrap_or_else(|| panic!("{body}: {refused}"));
        assert_eq!((faults.len(), &faults[0]["loc"]), (1, &loc), "{body}: {refused}");
        assert!(faults[0]["type"].is_string() && faults[0]["msg"].is_string(), "{body}: {refused}");
    }
    let refused = add(&stage.http, ORG_KEY, &json!({"name": "Jane"})).send().await.expect(422).json();
    let faults = refused["detail"].as_array().expect("they are listed");
    let missing: Vec<&Value> = faults.iter().map(|fault| &fault["loc"][1]).collect();
    assert_eq!(missing, ["email", "permissions", "start_date"], "{refused}");
    assert!(faults.iter().all(|fault| fault["type"] == "missing"), "{refused}");
    for text in ["", "{", "\u{0}", "{\"name\":\"Jane\"} and more"] {
        let raw = stage.http.post(format!("{ROUTE}?api_key={ORG_KEY}")).raw(text);
        let refused = raw.send().await.expect(422).json();
        assert_eq!(refused["detail"][0]["type"], "json_invalid", "{text}: {refused}");
    }
    let refused = stage.http.delete(format!("{ROUTE}?api_key={ORG_KEY}")).send().await.expect(422).json();
    assert_eq!(refused["detail"][0]["loc"], json!(["query", "email"]), "{refused}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let stage = Stage::new().await;
    let body = with(member("jane@example.com"), "comment", json!("x".repeat(2_000_001)));
    let refused = add(&stage.http, ORG_KEY, &body).send().await.expect(413);
    assert!(refused.json()["detail"].is_string(), "{}", refused.text());
    // What nobody asks for is passed over.
    let body = with(member("jane@example.com"), "comment", json!("x".repeat(1_000)));
    add(&stage.http, ORG_KEY, &body).send().await.expect(200);
}

#[tokio::test]
async fn a_method_that_the_path_does_not_take_is_refused_with_a_detail() {
    let stage = Stage::new().await;
    for method in [hyper::Method::PUT, hyper::Method::PATCH, hyper::Method::OPTIONS] {
        let refused = stage.http.request(method, format!("{ROUTE}?api_key={ORG_KEY}")).send().await.expect(405);
        assert_eq!(refused.header("allow"), Some("GET,HEAD,POST,DELETE"));
        assert!(refused.json()["detail"].is_string(), "{}", refused.text());
    }
}

#[tokio::test]
async fn the_list_goes_by_pages_and_by_cursor() {
    let mut stage = Stage::new().await;
    for n in 0..6 {
        add(&stage.http, ORG_KEY, &member(&format!("jane{n}@example.com"))).send().await.expect(200);
    }
    let all = listed(&mut stage).await;
    let page = |query: String| stage.http.get(format!("{ROUTE}?api_key={ORG_KEY}{query}"));
    let mut seen = Vec::new();
    for number in 0..4 {
        let page = page(format!("&page_size=2&page_number={number}")).send().await.expect(200).json();
        assert_eq!((&page["org_id"], &page["page_number"]), (&json!(ORG), &json!(number)));
        assert_eq!(page["eop"], json!(number == 3), "{page}");
        seen.extend(page["members"].as_array().expect("members are listed").clone());
    }
    assert_eq!(seen, all);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(format!("&page_size=3&cursor={cursor}")).send().await.expect(200).json();
        seen.extend(page["members"].as_array().expect("members are listed").clone());
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(seen, all);
    for (query, field) in [("&page_size=0", "page_size"), ("&cursor=x", "cursor"), ("&page_number=-1", "page_number")] {
        let refused = page(query.to_owned()).send().await.expect(422).json();
        assert_eq!(refused["detail"][0]["loc"], json!(["query", field]), "{refused}");
    }
}

#[tokio::test]
async fn the_last_who_may_keep_the_whitelist_stays() {
    let stage = Stage::new().await;
    let refused = remove(&stage.http, ORG_KEY, "admin@example.com").send().await.expect(409);
    assert!(refused.json()["detail"].is_string(), "{}", refused.text());
    add(&stage.http, ORG_KEY, &member("admin@example.com")).send().await.expect(409);
    let keeper = json!(["can_read", "can_use_api", "can_use_whitelist", "can_delegate"]);
    let ending = with(member("admin@example.com"), "permissions", keeper.clone());
    add(&stage.http, ORG_KEY, &with(ending, "end_date", json!("2999-01-01T00:00:00Z"))).send().await.expect(409);
    add(&stage.http, ORG_KEY, &with(member("jane@example.com"), "permissions", keeper)).send().await.expect(200);
    remove(&stage.http, ORG_KEY, "admin@example.com").send().await.expect(204);
    // The key went with its member.
    stage.http.get(format!("{ROUTE}?api_key={ORG_KEY}")).send().await.expect(401);
}

#[tokio::test]
async fn of_many_who_add_one_address_at_once_one_makes_the_entry() {
    let mut stage = Stage::new().await;
    for round in 0..ROUNDS {
        let email = format!("jane{round}@example.com");
        let requests = (0..4).map(|_| add(&stage.http, ORG_KEY, &member(&email)).header("if-none-match", "*"));
        let mut codes: Vec<u16> = at_once(requests.collect()).await;
        codes.sort_unstable();
        assert_eq!(codes, [200, 412, 412, 412], "round {round}");
    }
    assert_eq!(listed(&mut stage).await.len(), ROUNDS + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_administrators_who_remove_each_other_at_once_exactly_one_succeeds() {
    let mut stage = Stage::new().await;
    let keeper = ["can_read", "can_use_api", "can_use_whitelist"];
    for round in 0..ROUNDS {
        let org = format!("pair-{round}");
        stage.done(json!({"method": "setOrganization", "org_id": org})).await;
        let amys = member_with_key(&mut stage, &org, AMY, &keeper).await;
        let bobs = member_with_key(&mut stage, &org, BOB, &keeper).await;
        // One of them over HTTP, the other over HTTP or a WebSocket; by removal, or by taking the permission away.
        let (over_socket, by_downgrade) = (round % 2 == 1, round % 4 >= 2);
        let start = Arc::new(Barrier::new(2));
        let amy_removes_bob = {
            let (request, start) = (attack(&stage.http, &amys, BOB, by_downgrade), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                request.send().await.code()
            })
        };
        let bob_removes_amy = if over_socket {
            let mut socket = Client::sign_in(&stage.gateway.url(), &bobs).await;
            tokio::spawn(async move {
                start.wait().await;
                let answer = socket.call(json!({"method": "removeFromOrgWhitelist", "email": AMY}).to_string()).await;
                answer["error"]
                    .as_u64()
                    .map_or(204, |code| if code == 160_017 { 403 } else { code.try_into().unwrap_or(0) })
            })
        } else {
            let request = attack(&stage.http, &bobs, AMY, by_downgrade);
            tokio::spawn(async move {
                start.wait().await;
                request.send().await.code()
            })
        };
        let codes = [amy_removes_bob.await.expect("it is answered"), bob_removes_amy.await.expect("it is answered")];
        let succeeded = codes.iter().filter(|code| matches!(code, 200 | 204)).count();
        let refused = codes.iter().filter(|code| matches!(code, 401 | 403 | 409)).count();
        assert_eq!((succeeded, refused), (1, 1), "round {round}: {codes:?}");
        let left = stage.done(json!({"method": "getOrgWhitelist", "org_id": org})).await;
        let members = left["members"].as_array().expect("members are listed");
        let keeps =
            |member: &&Value| member["permissions"].as_array().is_some_and(|p| p.contains(&json!("can_use_whitelist")));
        assert_eq!(members.iter().filter(keeps).count(), 1, "round {round}: {left}");
        assert!(members.iter().all(|member| number(member, "id") > 0), "{left}");
    }
}

/// A request that takes from a member what makes an administrator of the organisation.
fn attack(http: &Http, key: &str, email: &str, by_downgrade: bool) -> Request {
    if by_downgrade { add(http, key, &member(email)) } else { remove(http, key, email) }
}

/// Sends requests at once, and gives their statuses.
async fn at_once(requests: Vec<Request>) -> Vec<u16> {
    let start = Arc::new(Barrier::new(requests.len()));
    let sent = requests.into_iter().map(|request| {
        let start = start.clone();
        async move {
            start.wait().await;
            request.send().await.code()
        }
    });
    futures::future::join_all(sent).await
}

//! Basic: one question, one decision, and what is true of every request.

use serde_json::json;

use super::{
    ACTIONS, EVALUATION, EVALUATIONS, Pdp, RESOURCES, SUBJECTS, app, asked, check_400, sign_up, with, without,
};
use crate::support::http::{ORG_KEY, OWNER, OWNER_PASSWORD, SHARE_UUID, log_in};
use crate::support::{ADMIN, BARE_BOT, BOT, Client};

#[tokio::test]
async fn a_question_is_answered_with_a_decision_and_what_decided() {
    let pdp = Pdp::start().await;
    for (subject, decision, reason) in [
        ("ann@example.com", true, "whitelisted"),
        ("eve@example.com", false, "blacklisted"),
        ("zoe@example.com", false, "not_whitelisted"),
    ] {
        let answer = pdp.ask(EVALUATION, &sign_up(subject)).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(
            (&answer.json()["decision"], &answer.json()["context"]["reason"]),
            (&json!(decision), &json!(reason))
        );
    }
}

#[tokio::test]
async fn every_kind_of_resource_can_be_asked_about() {
    let pdp = Pdp::start().await;
    for (question, decision) in [
        (asked("1", "can_read", "chat_share", SHARE_UUID), true),
        (asked("amy@example.com", "can_read", "chat_share", SHARE_UUID), true),
        (asked("bob@example.com", "can_read", "chat_share", SHARE_UUID), false),
        (asked("admin@example.com", "can_use_whitelist", "organization", "acme"), true),
        (asked("amy@example.com", "can_read", "organization", "acme"), false),
    ] {
        assert_eq!(pdp.ask(EVALUATION, &question).await.expect(200).json()["decision"], decision, "{question}");
    }
}

#[tokio::test]
async fn context_properties_and_unknown_members_change_nothing() {
    let pdp = Pdp::start().await;
    let plain = pdp.ask(EVALUATION, &sign_up("ann@example.com")).await.json();
    let mut more = sign_up("ann@example.com");
    more["context"] = json!({"time": "2025-06-27T18:03-07:00", "ip": "192.0.2.1"});
    for part in ["subject", "action", "resource"] {
        more[part]["properties"] = json!({"role": "manager", "nested": {"deep": [1]}});
        more[part]["future"] = json!(true);
    }
    more["foo"] = json!("bar");
    more["evaluations"] = json!("is nothing here");
    assert_eq!(pdp.ask(EVALUATION, &more).await.expect(200).json(), plain);
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer() {
    let pdp = Pdp::start().await;
    let first = pdp.ask(EVALUATION, &sign_up("ann@example.com")).await.json();
    for _ in 0..5 {
        assert_eq!(pdp.ask(EVALUATION, &sign_up("ann@example.com")).await.json(), first);
    }
}

#[tokio::test]
async fn what_is_missing_is_named_in_a_400() {
    let pdp = Pdp::start().await;
    for path in
        ["subject", "action", "resource", "subject.type", "subject.id", "action.name", "resource.type", "resource.id"]
    {
        check_400(&pdp.ask(EVALUATION, &without(&sign_up("ann@example.com"), path)).await, path);
        check_400(&pdp.ask(EVALUATIONS, &without(&sign_up("ann@example.com"), path)).await, path);
    }
}

#[tokio::test]
async fn what_is_of_another_type_is_named_in_a_400() {
    let pdp = Pdp::start().await;
    for (path, wrong) in [
        ("subject", json!("ann@example.com")),
        ("action", json!(["sign_up"])),
        ("resource", json!(1)),
        ("context", json!("noon")),
        ("subject.properties", json!([])),
        ("subject.type", json!(1)),
        ("action.name", json!(123)),
        // A WebSocket client may send an id as a number; the standard's ids are strings.
        ("subject.id", json!(16_136_147_500_u64)),
        ("resource.id", json!(90_090_684_293_000_559_u64)),
    ] {
        check_400(&pdp.ask(EVALUATION, &with(&sign_up("ann@example.com"), path, wrong)).await, path);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_a_400() {
    let pdp = Pdp::start().await;
    let good = sign_up("ann@example.com").to_string();
    let wrong: [&[u8]; 6] = [b"", b" ", b"{\"subject\":", b"[]", b"\"x\"", b"{\"x\":\"\xff\"}"];
    for path in [EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS] {
        for body in wrong {
            let request = pdp.http.post(path).bearer(ADMIN).header("content-type", "application/json");
            check_400(&request.raw(body.to_vec()).send().await, "");
        }
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let request = pdp.http.post(EVALUATION).bearer(ADMIN).header("content-type", content_type);
        check_400(&request.raw(good.clone()).send().await, "application/json");
    }
    check_400(&pdp.http.post(EVALUATION).bearer(ADMIN).raw(good.clone()).send().await, "application/json");
    let with_charset =
        pdp.http.post(EVALUATION).bearer(ADMIN).header("content-type", "Application/JSON; charset=utf-8");
    with_charset.raw(good).send().await.expect(200);
}

#[tokio::test]
async fn a_request_id_comes_back_with_every_answer() {
    let pdp = Pdp::start().await;
    let id = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716";
    let good = sign_up("ann@example.com");
    for (request, status) in [
        (pdp.http.post(EVALUATION).bearer(ADMIN).json(&good), 200),
        (pdp.http.post(SUBJECTS).bearer(ADMIN).json(&json!({})), 400),
        (pdp.http.post(EVALUATION).json(&good), 401),
        (pdp.http.post(EVALUATION).bearer(BARE_BOT).json(&good), 403),
        (pdp.http.get(EVALUATION).bearer(ADMIN), 405),
        (pdp.http.post(format!("{EVALUATION}/")).bearer(ADMIN).json(&good), 404),
        (pdp.http.get("/.well-known/authzen-configuration"), 200),
    ] {
        let answer = request.clone().header("X-Request-ID", id).send().await.expect(status);
        assert_eq!(answer.header("x-request-id"), Some(id), "{status}");
        assert!(status == 200 || answer.json().is_string(), "{}", answer.text());
        assert_eq!(request.send().await.expect(status).header("x-request-id"), None, "{status}");
    }
}

#[tokio::test]
async fn a_401_is_about_the_caller_and_says_how_to_sign_in() {
    let pdp = Pdp::start().await;
    for path in [EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS] {
        let anonymous = pdp.http.post(path).json(&sign_up("ann@example.com"));
        let stranger = pdp.http.post(path).bearer("7:0:nobody").json(&sign_up("ann@example.com"));
        // Who it is comes first: a stranger learns nothing about the request.
        let unread = pdp.http.post(path).raw("not json");
        for request in [anonymous, stranger, unread] {
            let answer = request.send().await.expect(401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{path}");
            assert!(answer.json().is_string(), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn tokens_of_bots_users_and_organisations_are_taken() {
    let pdp = Pdp::start().await;
    let session = log_in(&pdp.http, OWNER, OWNER_PASSWORD).await;
    for (token, question) in [
        (BOT, sign_up("ann@example.com")),
        (session.as_str(), asked("amy@example.com", "can_read", "chat_share", SHARE_UUID)),
        (ORG_KEY, asked("admin@example.com", "can_read", "organization", "acme")),
    ] {
        assert_eq!(pdp.ask_as(token, EVALUATION, &question).await.expect(200).json()["decision"], true, "{question}");
    }
}

#[tokio::test]
async fn who_may_not_ask_gets_a_403_and_no_decision() {
    let pdp = Pdp::start().await;
    for token in [BARE_BOT, ORG_KEY] {
        let answer = pdp.ask_as(token, EVALUATION, &sign_up("ann@example.com")).await.expect(403);
        assert!(answer.json().is_string(), "{}", answer.text());
        pdp.ask_as(
            token,
            SUBJECTS,
            &json!({"subject": {"type": "user"}, "action": {"name": "sign_up"}, "resource": app()}),
        )
        .await
        .expect(403);
    }
}

#[tokio::test]
async fn what_is_not_known_is_a_no_with_an_error_in_its_context() {
    let pdp = Pdp::start().await;
    let good = sign_up("ann@example.com");
    for (question, status, named) in [
        (with(&good, "subject.type", json!("spaceship")), 400, "subject.type"),
        (with(&good, "action.name", json!("dance")), 400, "action.name"),
        (with(&good, "resource.type", json!("record")), 400, "resource.type"),
        (with(&good, "resource.id", json!("record-1")), 400, "resource.id"),
        (with(&good, "subject.id", json!(" ")), 400, "subject.id"),
        (with(&good, "resource.id", json!("404")), 404, "404"),
        (asked("1", "can_read", "chat_share", "550e8400-e29b-41d4-a716-446655440001"), 404, "share"),
        (asked("a@example.com", "can_read", "organization", "nowhere"), 404, "nowhere"),
    ] {
        for path in [EVALUATION, EVALUATIONS] {
            let answer = pdp.ask(path, &question).await.expect(200).json();
            let error = &answer["context"]["error"];
            assert_eq!((&answer["decision"], &error["status"]), (&json!(false), &json!(status)), "{question}");
            assert!(error["message"].as_str().is_some_and(|message| message.contains(named)), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_foreign_looks_like_what_is_missing() {
    let pdp = Pdp::start().await;
    let mut admin = Client::sign_in(&pdp.gateway.url(), ADMIN).await;
    assert_eq!(admin.call(r#"{"method":"setOrganization","org_id":"other"}"#).await["org_id"], "other");
    let missing_share = "550e8400-e29b-41d4-a716-446655440001";
    for (foreign, missing) in [
        (asked("1", "can_read", "chat_share", SHARE_UUID), asked("1", "can_read", "chat_share", missing_share)),
        (asked("a@b.co", "can_read", "organization", "other"), asked("a@b.co", "can_read", "organization", "wrong")),
    ] {
        let foreign = pdp.ask_as(ORG_KEY, EVALUATION, &foreign).await.expect(200);
        let missing = pdp.ask_as(ORG_KEY, EVALUATION, &missing).await.expect(200);
        assert_eq!(foreign.text().replace("other", "wrong"), missing.text());
    }
}

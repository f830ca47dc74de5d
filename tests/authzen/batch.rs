//! Batch: several questions at once.

use guestlist::config::EVALUATIONS_PER_CALL_MAX;
use serde_json::{Value, json};

use super::{EVALUATION, EVALUATIONS, Pdp, app, asked, check_400, decisions, sign_up, with};
use crate::support::http::{ORG_KEY, SHARE_UUID};

#[tokio::test]
async fn questions_are_answered_in_their_order_with_the_defaults_beside_them() {
    let pdp = Pdp::start().await;
    let subjects = ["zoe@example.com", "ann@example.com", "eve@example.com", "bea@example.com"];
    let each: Vec<Value> = subjects.iter().map(|id| json!({"subject": {"type": "user", "id": id}})).collect();
    let batch =
        json!({"action": {"name": "sign_up"}, "resource": app(), "context": {"time": "noon"}, "evaluations": each});
    assert_eq!(decisions(&pdp.ask(EVALUATIONS, &batch).await), [false, true, false, true]);

    let whole = [sign_up("ann@example.com"), asked("3", "can_read", "chat_share", SHARE_UUID)];
    let answer = pdp.ask(EVALUATIONS, &json!({"evaluations": whole})).await;
    assert_eq!(decisions(&answer), [true, false]);
    assert_eq!(answer.json().get("decision"), None, "{}", answer.text());
}

#[tokio::test]
async fn what_a_question_says_replaces_the_default_whole() {
    let pdp = Pdp::start().await;
    let mut batch = sign_up("ann@example.com");
    batch["evaluations"] = json!([
        {},
        {"subject": {"type": "user", "id": "zoe@example.com"}, "context": {"time": "midnight"}},
        {"subject": {"id": "ann@example.com"}},
        {"resource": {"type": "app"}},
    ]);
    let answer = pdp.ask(EVALUATIONS, &batch).await;
    assert_eq!(decisions(&answer), [true, false, false, false]);
    for (index, missing) in [(2, "subject.type"), (3, "resource.id")] {
        let error = &answer.json()["evaluations"][index]["context"]["error"];
        assert_eq!((&error["status"], &error["message"]), (&json!(400), &json!(format!("{missing}: is missing"))));
    }
}

#[tokio::test]
async fn a_question_that_lacks_something_is_a_no_and_the_others_are_answered() {
    let pdp = Pdp::start().await;
    let batch = json!({
        "subject": {"type": "user", "id": "ann@example.com"},
        "action": {"name": "sign_up"},
        "evaluations": [{"resource": app()}, {}, {"resource": {"type": "record", "id": "1"}}, {"resource": app()}],
    });
    let answer = pdp.ask(EVALUATIONS, &batch).await;
    assert_eq!(decisions(&answer), [true, false, false, true]);
    assert_eq!(answer.json()["evaluations"][1]["context"]["error"]["status"], 400);
}

#[tokio::test]
async fn a_caller_who_may_not_ask_one_question_gets_the_others_answered() {
    let pdp = Pdp::start().await;
    let batch = json!({"evaluations": [sign_up("ann@example.com"), asked("1", "can_read", "chat_share", SHARE_UUID),
        asked("admin@example.com", "can_read", "organization", "acme")]});
    let answer = pdp.ask_as(ORG_KEY, EVALUATIONS, &batch).await;
    assert_eq!(decisions(&answer), [false, false, true]);
    let statuses = [0, 1].map(|index| answer.json()["evaluations"][index]["context"]["error"]["status"].clone());
    assert_eq!(statuses, [403, 404]);
}

#[tokio::test]
async fn the_semantic_says_when_enough_is_known() {
    let pdp = Pdp::start().await;
    let subjects = ["ann@example.com", "zoe@example.com", "bea@example.com"];
    let each: Vec<Value> = subjects.iter().map(|id| json!({"subject": {"type": "user", "id": id}})).collect();
    let mut batch = json!({"action": {"name": "sign_up"}, "resource": app(), "evaluations": each});
    for (semantic, answered) in [
        ("execute_all", &[true, false, true][..]),
        ("deny_on_first_deny", &[true, false]),
        ("permit_on_first_permit", &[true]),
    ] {
        batch["options"] = json!({"evaluations_semantic": semantic, "another_option": "omit"});
        assert_eq!(decisions(&pdp.ask(EVALUATIONS, &batch).await), answered, "{semantic}");
    }
    batch["options"] = json!({"evaluations_semantic": "sometimes"});
    check_400(&pdp.ask(EVALUATIONS, &batch).await, "options.evaluations_semantic");
}

#[tokio::test]
async fn without_questions_is_a_single_one() {
    let pdp = Pdp::start().await;
    let single = pdp.ask(EVALUATION, &sign_up("ann@example.com")).await.expect(200).text();
    let empty = with(&sign_up("ann@example.com"), "evaluations", json!([]));
    for body in [sign_up("ann@example.com"), empty] {
        assert_eq!(pdp.ask(EVALUATIONS, &body).await.expect(200).text(), single);
    }
    check_400(&pdp.ask(EVALUATIONS, &json!({"evaluations": []})).await, "subject");
}

#[tokio::test]
async fn questions_have_a_bound() {
    let pdp = Pdp::start().await;
    let mut batch = with(&sign_up("ann@example.com"), "evaluations", vec![json!({}); EVALUATIONS_PER_CALL_MAX].into());
    assert_eq!(decisions(&pdp.ask(EVALUATIONS, &batch).await), vec![true; EVALUATIONS_PER_CALL_MAX]);
    batch["evaluations"].as_array_mut().expect("it is one").push(json!({}));
    check_400(&pdp.ask(EVALUATIONS, &batch).await, "evaluations");
}

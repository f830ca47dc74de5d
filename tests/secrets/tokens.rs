//! Bots' tokens and members' keys: given, made, replaced, shown in all places, and refused.

use guestlist::config::ADMIN_TOKEN_CHARS_MAX;
use serde_json::{Value, json};

use crate::support::http::{ORG, ORG_KEY};
use crate::support::{ADMIN, BARE_BOT, BOT, Received};
use crate::witness::Witness;

/// Bots and administrators: tokens given, made, replaced and refused.
pub async fn tokens(witness: &mut Witness) {
    for (what, token) in [("administrator's token", ADMIN), ("bot's token", BOT), ("other bot's token", BARE_BOT)] {
        witness.keeps(what, token);
    }
    let mut admin = witness.signs_in(ADMIN).await;
    witness.signs_in(BARE_BOT).await;
    let made = witness.gets(&mut admin, json!({"method": "setBot", "bot_id": "501", "name": "Made"})).await;
    let first = witness.was_shown("made token", made["token"].as_str());
    witness.gets(&mut admin, json!({"method": "setBot", "bot_id": "501", "name": "Made again"})).await;
    let mut client = witness.signs_in(&first).await;
    let rotated = witness.gets(&mut admin, json!({"method": "rotateBotToken", "bot_id": "501"})).await;
    let second = witness.was_shown("rotated token", rotated["token"].as_str());
    while let Received::Text(text) = client.receive().await {
        witness.hears("the end of a connection".to_owned(), text, true);
    }
    witness.connects(json!({"method": "TOKEN_AUTH", "token": first})).await;
    let given = witness.keeps("given token", "501:0:GivenTokenForExamplesOnly00009");
    witness.gets(&mut admin, json!({"method": "setBot", "bot_id": "501", "token": given})).await;
    witness.connects(json!({"method": "TOKEN_AUTH", "token": second})).await;
    witness.signs_in(given).await;
    let own = witness.keeps("administrator's given token", "An-admins-own-token-0815");
    let grants = json!([{"permission": "admin"}]);
    witness.gets(&mut admin, json!({"method": "setBot", "bot_id": "502", "grants": grants, "token": own})).await;
    witness.gets(&mut admin, json!({"method": "getBots"})).await;
    // Taken by another bot; of the wrong form, bot and type; too long; where none belongs.
    witness.cannot(&mut admin, json!({"method": "setBot", "bot_id": "503", "grants": grants, "token": own})).await;
    let long = "LongToken-".repeat(ADMIN_TOKEN_CHARS_MAX / 5);
    let lost = "LostSecretOfSomebody-4711";
    for (what, token) in [
        ("token of another bot", "504:0:GivenTokenForExamplesOnly00010"),
        ("token of no form", lost),
        ("token with blanks", "Token with blanks \"and quotes\" 12"),
        ("short token", "Sh0rt-tok"),
        ("long token", &long),
    ] {
        witness.keeps(what, token);
        witness.cannot(&mut admin, json!({"method": "setBot", "bot_id": "503", "token": token})).await;
        witness.connects(json!({"method": "TOKEN_AUTH", "token": token})).await;
    }
    let number = witness.keeps("token that is a number", "771234567890123");
    let number: u64 = number.parse().expect("it is one");
    for token in [json!(number), json!([lost]), json!({"sha256": lost}), json!({"token": lost}), json!({lost: 1})] {
        witness.cannot(&mut admin, json!({"method": "setBot", "bot_id": "503", "token": token})).await;
        witness
            .cannot(&mut admin, json!({"method": "setBot", "bot_id": "503", "grants": grants, "token": token}))
            .await;
        witness.connects(json!({"method": "TOKEN_AUTH", "token": token})).await;
    }
    for message in [
        format!(r#"{{"method":"setBot","bot_id":"503","token":"{lost}"#),
        format!(r#"{{"method":"setBot","bot_id":"503","token":"{lost}",}}"#),
        format!(r#"{{"method":"setBot","bot_id":"503","token":"{lost}\x"}}"#),
        format!(r#"{{"method":"setBot","bot_id":"503","token":{lost}}}"#),
        lost.to_owned(),
    ] {
        witness.cannot(&mut admin, &message).await;
        witness.connects(&message).await;
    }
    witness.connects(json!({"method": "signIn", "token": lost})).await;
    witness.cannot(&mut admin, json!({"method": "TOKEN_AUTH", "token": lost})).await;
    witness.cannot(&mut admin, json!({"method": "rotateBotToken", "bot_id": "599", "token": lost})).await;
    let mut bare = witness.signs_in(BARE_BOT).await;
    witness.cannot(&mut bare, json!({"method": "setBot", "bot_id": "501", "token": given})).await;
    witness.cannot(&mut bare, json!({"method": "rotateBotToken", "bot_id": "501"})).await;
    witness.gets(&mut admin, json!({"method": "removeBot", "bot_id": "502"})).await;
}

/// Organisations, whose members have keys.
pub async fn keys(witness: &mut Witness) {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    witness.keeps("organisation's key", ORG_KEY);
    let set = |key: Value| json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "api_key": key});
    let made = json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com"});
    let made = witness.gets(&mut admin, made).await;
    let made = witness.was_shown("made key", made["api_key"].as_str());
    let given = witness.keeps("given key", "Given-key-of-a-member-7");
    witness.gets(&mut admin, set(json!(given))).await;
    witness.gets(&mut admin, json!({"method": "getApiKeys"})).await;
    let wrong = witness.keeps("wrong key", "Wr0ng-key-of-nobody");
    let body = json!({"name": "Jane Doe", "email": "jane@example.com", "permissions": ["can_read", "can_use_api"],
        "start_date": "2025-03-05T11:34:30.258Z", "end_date": null});
    for key in [ORG_KEY, &*made, given, wrong] {
        let requests = [
            http.post(format!("/admin/whitelist?api_key={key}")),
            http.post("/admin/whitelist").bearer(key),
            http.post("/admin/whitelist").header("x-api-key", key),
        ];
        for request in requests {
            let answer = witness.sends(request.clone().json(&body)).await;
            assert_eq!(answer.code(), if key == wrong { 401 } else { 200 }, "{}", answer.text());
            witness.is_refused(request.clone().json(&json!({"name": wrong, "email": wrong}))).await;
            witness.is_refused(request.raw(format!("{{\"name\":\"{wrong}\",\"permissions\":[\"{wrong}\"]"))).await;
        }
        witness.sends(http.get(format!("/admin/whitelist?api_key={key}"))).await;
        witness.sends(http.get(format!("/admin/whitelist?api_key={key}&api_key={wrong}"))).await;
        witness.sends(http.delete(format!("/admin/whitelist?email=jane%40example.com&api_key={key}"))).await;
        witness.sends(http.delete(format!("/admin/whitelist?email={wrong}&api_key={key}"))).await;
        witness.sends(http.get(format!("/admin/{key}?api_key={key}"))).await;
        witness.sends(http.post(format!("/admin/whitelist/?api_key={key}")).json(&body)).await;
        witness.sends(http.post("/api/getOrgWhitelist").bearer(key)).await;
        witness.sends(http.post(format!("/api/getOrgWhitelist?api_key={key}"))).await;
    }
    for (field, value) in [
        ("permissions", json!(["can_read", wrong])),
        ("permissions", json!(wrong)),
        ("start_date", json!(wrong)),
        ("end_date", json!([wrong])),
        ("email", json!(wrong)),
        ("email", json!({"key": wrong})),
        ("name", json!([wrong])),
    ] {
        let mut bad = body.clone();
        bad[field] = value;
        witness.is_refused(http.post("/admin/whitelist").bearer(given).json(&bad)).await;
        bad["method"] = json!("addToOrgWhitelist");
        bad["org_id"] = json!(ORG);
        witness.cannot(&mut admin, bad).await;
    }
    let long = witness.keeps("long key", &"L0ngKeyOf-".repeat(40)).to_owned();
    let short = witness.keeps("short key", "Sh0rt-key");
    let number = witness.keeps("key that is a number", "661234567890123");
    let number: u64 = number.parse().expect("it is one");
    for bad in [
        json!(long),
        json!(short),
        json!(number),
        json!([wrong]),
        json!({"sha256": wrong}),
        json!({wrong: wrong}),
        json!(format!("{wrong} with\ta tab")),
        // Taken: by another key, a bot, a user.
        json!(ORG_KEY),
        json!(ADMIN),
    ] {
        witness.cannot(&mut admin, set(bad.clone())).await;
        witness.is_refused(http.post("/api/setApiKey").bearer(ADMIN).json(&set(bad))).await;
    }
    let mut client = witness.signs_in(&made).await;
    witness.gets(&mut client, json!({"method": "getOrgWhitelist"})).await;
    witness.cannot(&mut client, json!({"method": "removeApiKey", "key_id": made})).await;
    witness.cannot(&mut client, set(json!(wrong))).await;
}

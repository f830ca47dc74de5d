//! Shares' passwords, and secrets in questions about them.

use serde_json::{Value, json};

use crate::support::http::{AMY, OWNER, OWNER_PASSWORD, SHARE, SHARE_UUID};
use crate::support::stage::OWNER_ID;
use crate::support::{ADMIN, BOT};
use crate::witness::Witness;

/// Shares, which have passwords.
pub async fn shares(witness: &mut Witness) {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    let owner = witness.logs_in(OWNER, OWNER_PASSWORD).await;
    let password = witness.keeps("share's password", "Share: \"pass\" wörd?");
    let wrong = witness.keeps("wrong share password", "Sh4re-guess-of-nobody");
    let set =
        |password: Value| json!({"method": "setShare", "user_id": OWNER_ID, "chat_id": 123, "password": password});
    witness.gets(&mut admin, set(json!(password))).await;
    let chat = witness.gets(&mut admin, json!({"method": "setChat", "user_id": OWNER_ID})).await;
    let path = format!("/api/users/1/chats/{}/shares", chat["chat_id"]);
    let body = json!({"is_protected": true, "hashed_password": password});
    assert_eq!(witness.sends(http.post(&path).session(&owner).json(&body)).await.code(), 200);
    witness.sends(http.patch(SHARE).session(&owner).json(&body)).await;
    witness.sends(http.get(&path).session(&owner)).await;
    witness.gets(&mut admin, json!({"method": "getShares", "user_id": OWNER_ID})).await;
    let shared = format!("/api/shared/chats/{SHARE_UUID}");
    for request in [
        http.get(&shared).basic("", password),
        http.get(&shared).basic("", wrong),
        http.get(&shared).basic(wrong, ""),
        http.get(&shared).basic("", password).session(&owner),
        http.get(&shared).bearer(wrong),
        http.get(&shared).header("authorization", format!("Basic {wrong}")),
        http.get(&shared).header("authorization", wrong),
        http.get(format!("{shared}?password={wrong}")),
    ] {
        witness.sends(request).await;
    }
    witness.misplaces(http.get(format!("/api/shared/chats/{wrong}"))).await;
    let long = witness.keeps("long share password", &"Sh4re-long".repeat(40)).to_owned();
    let number = witness.keeps("share password that is a number", "991234567890123");
    let number: u64 = number.parse().expect("it is one");
    for bad in [json!(number), json!([wrong]), json!({"argon2id": wrong}), json!({wrong: wrong}), json!(long)] {
        witness.cannot(&mut admin, set(bad.clone())).await;
        let body = json!({"is_protected": true, "hashed_password": bad});
        for request in [http.post(&path), http.patch(SHARE)] {
            witness.is_refused(request.clone().session(&owner).json(&body)).await;
            let cut = body.to_string();
            witness.is_refused(request.session(&owner).raw(cut[..cut.len() - 1].to_owned())).await;
        }
        witness.sends(http.post("/api/setShare").bearer(ADMIN).json(&set(bad))).await;
    }
    // Where email addresses, flags and ids belong.
    for body in
        [json!({"emails": [wrong]}), json!([wrong]), json!(wrong), json!({"is_shared": wrong}), json!({wrong: 1})]
    {
        witness.is_refused(http.post(format!("{SHARE}/whitelist-entries")).session(&owner).json(&body)).await;
    }
    let body = json!({"is_shared": wrong, "is_protected": [wrong]});
    witness.is_refused(http.patch(SHARE).session(&owner).json(&body)).await;
    let mut message = set(Value::Null);
    message["emails"] = json!([wrong]);
    witness.cannot(&mut admin, message).await;
}

/// Questions with secrets where people and resources belong: the answers may quote those, the log may not.
pub async fn questions(witness: &mut Witness) {
    let http = witness.http;
    let mut bot = witness.signs_in(BOT).await;
    let lost = witness.keeps("secret in a question", "LostSecretInAQuestion-0815");
    let user = json!({"type": "user", "id": AMY});
    for (subject, resource, action) in [
        (user.clone(), json!({"type": "app", "id": lost}), json!({"name": "sign_up"})),
        (user.clone(), json!({"type": "chat_share", "id": lost}), json!({"name": "can_read"})),
        (user.clone(), json!({"type": "organization", "id": lost}), json!({"name": "can_read"})),
        (json!({"type": "user", "id": [lost]}), user.clone(), json!({"name": {lost: lost}})),
        (json!(lost), json!([lost]), json!({lost: lost})),
    ] {
        let question = json!({"method": "checkAccess", "subject": subject, "action": action, "resource": resource});
        for path in ["/access/v1/evaluation", "/access/v1/evaluations", "/api/checkAccess"] {
            witness.misplaces(http.post(path).bearer(BOT).json(&question)).await;
            witness.is_refused(http.post(path).bearer(lost).json(&question)).await;
        }
        bot.call(question.to_string()).await;
    }
    for path in ["/.well-known/authzen-configuration", "/livez", "/readyz", "/", "/metrics"] {
        witness.sends(http.get(format!("{path}?token={lost}")).bearer(lost)).await;
    }
}

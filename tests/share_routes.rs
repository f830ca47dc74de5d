//! The routes of the share API over HTTP: what each answers, what it refuses, and in which order it looks.

mod support;

use std::collections::BTreeSet;

use futures::future::join_all;
use guestlist::config::Limits;
use serde_json::{Value, json};
use support::http::{AMY, Answer, BOB, OWNER, SHARE, SHARE_UUID};
use support::stage::{OWNER_ID, PASSWORD, Share, Stage, number};
use support::{ADMIN, BARE_BOT};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The whitelist of the demo share.
const ENTRIES: &str = "/api/users/1/chats/123/shares/456/whitelist-entries";

/// The shares of the demo chat.
const SHARES: &str = "/api/users/1/chats/123/shares";

/// What is not there and what is somebody else's is answered by this.
const NOT_FOUND: &str = "{\n  \"statusCode\": 404,\n  \"statusMessage\": \"Not Found.\",\n  \"message\": \"There is no such user, \
     chat, share or entry, or it is not yours.\",\n  \"stack\": []\n}";

fn failure(path: &str, status: u16, words: &str, message: &str) -> String {
    format!(r#"{{"error":true,"url":"{path}","statusCode":{status},"statusMessage":"{words}","message":"{message}"}}"#)
}

fn unauthorized(path: &str) -> String {
    failure(path, 401, "Server Error", "Unauthorized")
}

fn invalid(words: &str, issues: Value) -> Value {
    json!({"statusCode": 400, "statusMessage": words, "stack": [], "data": {"issues": issues, "name": "ZodError"}})
}

/// The time that an answer tells under a name, as it is written.
fn time<'a>(value: &'a Value, name: &str) -> &'a str {
    let time = value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"));
    assert!(time.len() == "2024-03-20T10:00:00.000Z".len() && time.ends_with('Z'), "{time}");
    time
}

/// Entries as they are sent, with ids, users and a time.
fn entries(share_id: u64, entries: &[(u64, u64, &str)]) -> String {
    let entry = |(id, user, at): &(u64, u64, &str)| {
        format!(
            r#"{{"id":{id},"created_at":"{at}","updated_at":"{at}","whitelisted_neptun_user_id":{user},"chat_conversation_share_id":{share_id}}}"#
        )
    };
    let entries: Vec<String> = entries.iter().map(entry).collect();
    format!(r#"{{"shareWhitelistEntries":[{}]}}"#, entries.join(","))
}

#[tokio::test]
async fn an_addition_is_answered_by_the_entries_it_names_and_the_owners_last() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let answer = stage.http.post(ENTRIES).session(&owner).json(&json!({"emails": [BOB, AMY]})).send().await.expect(200);
    let first = answer.json()["shareWhitelistEntries"].clone();
    let (at, own_at) = (time(&first[0], "created_at"), time(&first[2], "created_at"));
    let expected = entries(456, &[(2, 2, at), (3, 3, at), (1, 1, own_at)]);
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    for (body, names) in [
        (json!([AMY, BOB]), &[2, 3, 1][..]),
        (json!({"emails": ["AMY@example.com", AMY, OWNER]}), &[2, 1]),
        (json!(["nobody@example.com"]), &[1]),
        (json!([OWNER]), &[1]),
    ] {
        let again = stage.http.post(ENTRIES).session(&owner).json(&body).send().await.expect(200).json();
        let again = again["shareWhitelistEntries"].as_array().cloned().expect("success has entries");
        let users: Vec<u64> = again.iter().map(|entry| number(entry, "whitelisted_neptun_user_id")).collect();
        assert_eq!(users, names, "{body}");
        assert!(again.iter().all(|entry| first.as_array().is_some_and(|first| first.contains(entry))), "{body}");
    }
    // The published command, with another content type.
    let answer = stage.http.post(ENTRIES).session(&owner).raw(r#"{"emails":["amy@example.com"]}"#).send().await;
    assert_eq!(answer.expect(200).text(), entries(456, &[(2, 2, at), (1, 1, own_at)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_additions_at_once_are_told_of_the_same_entries() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let post = |_| stage.http.post(ENTRIES).session(&owner).json(&json!({"emails": [AMY, BOB]})).send();
    let answers: BTreeSet<(u16, String)> =
        join_all((0..50).map(post)).await.iter().map(|answer| (answer.code(), answer.text())).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let listed = stage.http.get(ENTRIES).session(&owner).send().await.expect(200).json();
    let users = listed["shareWhitelistEntries"].as_array().expect("success has entries").iter();
    assert_eq!(users.map(|entry| number(entry, "whitelisted_neptun_user_id")).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_request_is_refused_by_who_asks_then_the_path_then_whose_it_is_then_the_body() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let broken = "/api/users/abc/chats/0/shares/1.5/whitelist-entries";
    let answer = stage.http.post(broken).raw("{").send().await.expect(401);
    assert_eq!((answer.text(), answer.header("content-type")), (unauthorized(broken), Some("application/json")));
    let answer = stage.http.post(broken).session(&owner).raw("{").send().await.expect(400);
    let issues = json!([
        {"code": "invalid_type", "expected": "number", "received": "nan", "path": ["user_id"], "message": "Expected number, received nan"},
        {"code": "too_small", "minimum": 0, "type": "number", "inclusive": false, "exact": false, "path": ["chat_id"], "message": "Number must be greater than 0"},
        {"code": "invalid_type", "expected": "integer", "received": "float", "path": ["share_id"], "message": "Expected integer, received float"},
    ]);
    assert_eq!(answer.json(), invalid("Bad Request.", issues));
    for path in [
        "/api/users/2/chats/123/shares/456/whitelist-entries",
        "/api/users/9/chats/123/shares/456/whitelist-entries",
        "/api/users/1/chats/124/shares/456/whitelist-entries",
        "/api/users/1/chats/123/shares/457/whitelist-entries",
    ] {
        assert_eq!(stage.http.post(path).session(&owner).raw("{").send().await.expect(404).text(), NOT_FOUND, "{path}");
    }
    assert_eq!(stage.http.post(ENTRIES).session(&amy).raw("{").send().await.expect(404).text(), NOT_FOUND);
    let answer = stage.http.post(ENTRIES).session(&owner).raw("{").send().await.expect(400);
    assert_eq!(answer.text(), failure(ENTRIES, 400, "Bad Request", "Invalid JSON body"));
}

#[tokio::test]
async fn ids_in_paths_are_read_as_javascript_reads_numbers() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    for path in [
        "/api/users/1.0/chats/0x7B/shares",
        "/api/users/1e0/chats/+123/shares",
        "/api/users/%201/chats/0b1111011/shares",
    ] {
        let answer = stage.http.get(path).session(&owner).send().await.expect(200);
        assert_eq!(answer.json()["id"], json!(456), "{path}");
    }
    for (path, message) in [
        ("/api/users/1/chats/2147483648/shares", "Number must be less than or equal to 2147483647"),
        ("/api/users/1/chats/%20/shares", "Number must be greater than 0"),
        ("/api/users/1/chats/%ff/shares", "Expected number, received nan"),
        ("/api/users/-1/chats/123/shares", "Number must be greater than 0"),
    ] {
        let answer = stage.http.get(path).session(&owner).send().await.expect(400);
        assert_eq!(answer.json()["data"]["issues"][0]["message"], json!(message), "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_where_it_is() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let object = json!([{"code": "invalid_type", "expected": "array", "received": "object", "path": [], "message": "Expected array, received object"}]);
    let missing = json!([{"code": "invalid_type", "expected": "array", "received": "undefined", "path": [], "message": "Required"}]);
    let email =
        json!([{"code": "invalid_string", "validation": "email", "path": ["emails", 1], "message": "Invalid email"}]);
    let empty = json!([{"code": "too_small", "minimum": 1, "type": "array", "inclusive": true, "exact": false, "path": [], "message": "Array must contain at least 1 element(s)"}]);
    let many = json!([{"code": "too_big", "maximum": 1000, "type": "array", "inclusive": true, "exact": false, "path": ["emails"], "message": "Array must contain at most 1000 element(s)"}]);
    let crowd: Vec<String> = (0..1_001).map(|n| format!("guest{n}@example.com")).collect();
    for (body, issues) in [
        (json!({}).to_string(), object),
        (String::new(), missing),
        (json!({"emails": [AMY, "not an email"]}).to_string(), email),
        ("[]".to_owned(), empty),
        (json!({"emails": crowd}).to_string(), many),
    ] {
        for request in [stage.http.post(ENTRIES), stage.http.delete(ENTRIES)] {
            let answer = request.session(&owner).raw(body.clone()).send().await.expect(400);
            assert_eq!(answer.json(), invalid("Bad Request. Invalid body.", issues.clone()), "{body}");
        }
    }
    let flag = json!([{"code": "invalid_type", "expected": "boolean", "received": "string", "path": ["is_shared"], "message": "Expected boolean, received string"}]);
    for request in [stage.http.post(SHARES), stage.http.patch(SHARE)] {
        let answer = request.session(&owner).json(&json!({"is_shared": "yes"})).send().await.expect(400);
        assert_eq!(answer.json(), invalid("Bad Request. Invalid body.", flag.clone()));
    }
}

/// Sends a request as it is written, and returns the first line and the body of what comes back until the connection ends.
async fn raw(stage: &Stage, head: &str, body: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(stage.gateway.address()).await.expect("the gateway listens");
    stream.write_all(head.as_bytes()).await.expect("the gateway reads");
    stream.write_all(body).await.expect("the gateway reads on");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the gateway answers with text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[tokio::test]
async fn a_body_of_two_million_bytes_is_too_large_however_it_comes() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let too_large = failure(ENTRIES, 413, "Payload Too Large", "Payload Too Large");
    for length in [2_000_000, 3_000_000, 12_000_000] {
        let answer = stage.http.post(ENTRIES).session(&owner).raw(vec![b' '; length]).send().await.expect(413);
        assert_eq!(answer.text(), too_large, "{length}");
        let head = format!(
            "POST {ENTRIES} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: neptun-session={owner}\r\nTransfer-Encoding: \
             chunked\r\n\r\n"
        );
        let chunk = [b"186A0\r\n", &vec![b' '; 100_000][..], b"\r\n"].concat();
        let mut body = chunk.repeat(length / 100_000);
        body.extend(b"0\r\n\r\n");
        let (status, answer) = raw(&stage, &head, &body).await;
        assert_eq!((&*status, &answer), ("HTTP/1.1 413 Payload Too Large", &too_large), "{length}");
    }
    // What is refused unread is read out too.
    let answer = stage.http.post(ENTRIES).raw(vec![b' '; 1_999_999]).send().await.expect(401);
    assert_eq!(answer.text(), unauthorized(ENTRIES));
    let mut body = json!([AMY]).to_string();
    body.push_str(&" ".repeat(1_999_999 - body.len()));
    stage.http.post(ENTRIES).session(&owner).raw(body).send().await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_not_sent_as_http_has_it_is_no_large_one() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let head = format!(
        "POST {ENTRIES} HTTP/1.1\r\nHost: x\r\nCookie: neptun-session={owner}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let (status, _) = raw(&stage, &head, b"no size\r\n[]\r\n0\r\n\r\n").await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
}

#[tokio::test]
async fn a_client_that_waits_before_it_sends_its_body_is_told_at_once() {
    let stage = Stage::new().await;
    let head = format!("POST {ENTRIES} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
    let (status, answer) = raw(&stage, &head, b"").await;
    assert_eq!((&*status, answer), ("HTTP/1.1 401 Unauthorized", unauthorized(ENTRIES)));
}

#[tokio::test]
async fn a_whitelist_is_listed_by_pages() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    stage.http.post(ENTRIES).session(&owner).json(&json!([AMY, BOB])).send().await.expect(200);
    let page = async |query: &str| stage.http.get(format!("{ENTRIES}{query}")).session(&owner).send().await;
    let users = |answer: &Answer| {
        let answer = answer.json();
        let entries = answer["shareWhitelistEntries"].as_array().expect("success has entries").iter();
        let users: Vec<u64> = entries.map(|entry| number(entry, "whitelisted_neptun_user_id")).collect();
        (users, answer["page_number"].clone(), answer["eop"].clone(), answer["cursor"].clone())
    };
    let none = Value::Null;
    assert_eq!(users(&page("").await), (vec![1, 2, 3], json!(0), json!(true), none.clone()));
    assert_eq!(users(&page("?page_size=2").await), (vec![1, 2], json!(0), json!(false), none.clone()));
    assert_eq!(users(&page("?page_size=2&page_number=1").await), (vec![3], json!(1), json!(true), none.clone()));
    assert_eq!(users(&page("?page_size=2&cursor=").await), (vec![1, 2], none.clone(), json!(false), json!("2")));
    assert_eq!(users(&page("?page_size=2&cursor=2").await), (vec![3], none.clone(), json!(true), none));
    for query in ["?page_size=0", "?page_size=two", "?cursor=2&page_number=1", "?cursor=x"] {
        let answer = page(query).await.expect(400).json();
        assert_eq!(answer["statusMessage"], json!("Bad Request."), "{query}");
        let field = query.trim_start_matches('?').split('=').next().unwrap_or_default();
        let message = answer["data"]["issues"][0]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
}

#[tokio::test]
async fn users_are_taken_off_a_whitelist_by_their_addresses_or_by_their_entries() {
    let stage = Stage::new().await;
    let owner = stage.owner().await;
    let added = stage.http.post(ENTRIES).session(&owner).json(&json!([AMY, BOB])).send().await.expect(200).json();
    let at = time(&added["shareWhitelistEntries"][0], "created_at");
    let body = json!({"emails": ["Amy@Example.com", "nobody@example.com"]});
    let removed = stage.http.delete(ENTRIES).session(&owner).json(&body).send().await.expect(200);
    assert_eq!(removed.text(), entries(456, &[(2, 2, at)]));
    let nobody = stage.http.delete(ENTRIES).session(&owner).json(&body).send().await.expect(200);
    assert_eq!(nobody.text(), entries(456, &[]));
    let entry = |id: &str| stage.http.delete(format!("{ENTRIES}/{id}")).session(&owner);
    assert_eq!(entry("3").send().await.expect(200).text(), entries(456, &[(3, 3, at)]));
    assert_eq!(entry("3").send().await.expect(404).text(), NOT_FOUND);
    let issue = &entry("x").send().await.expect(400).json()["data"]["issues"][0];
    assert_eq!((&issue["path"], &issue["received"]), (&json!(["entry_id"]), &json!("nan")));
    // The owner stays.
    for request in [entry("1"), stage.http.delete(ENTRIES).session(&owner).json(&json!([OWNER]))] {
        let answer = request.send().await.expect(409).json();
        assert_eq!((&answer["statusMessage"], &answer["stack"]), (&json!("Conflict"), &json!([])));
    }
    for request in [stage.http.delete(ENTRIES), stage.http.delete(format!("{ENTRIES}/x"))] {
        request.send().await.expect(401);
    }
}

#[tokio::test]
async fn a_chat_is_shared_once() {
    let mut stage = Stage::new().await;
    let owner = stage.owner().await;
    let chat_id = stage.chat(OWNER_ID).await;
    let shares = format!("/api/users/1/chats/{chat_id}/shares");
    assert_eq!(stage.http.get(&shares).session(&owner).send().await.expect(200).text(), "null");
    let missing = stage.http.post(&shares).session(&owner).send().await.expect(400).json();
    let required = json!([{"code": "invalid_type", "expected": "object", "received": "undefined", "path": [], "message": "Required"}]);
    assert_eq!(missing, invalid("Bad Request. Invalid body.", required));
    let made = stage.http.post(&shares).session(&owner).json(&json!({"name": 7})).send().await.expect(200);
    let share = &made.json()["share"];
    let (uuid, at) = (share["share_uuid"].as_str().expect("a share has a uuid"), time(share, "created_at"));
    let expected = format!(
        r#"{{"share":{{"id":457,"is_shared":true,"share_uuid":"{uuid}","is_protected":false,"hashed_password":null,"created_at":"{at}","updated_at":"{at}","chat_conversation_id":{chat_id}}}}}"#
    );
    assert_eq!(made.text(), expected);
    let summary = format!(r#"{{"uuid":"{uuid}","id":457,"is_shared":true,"is_protected":false}}"#);
    assert_eq!(stage.http.get(&shares).session(&owner).send().await.expect(200).text(), summary);
    let second = stage.http.post(&shares).session(&owner).json(&json!({})).send().await.expect(409).json();
    assert_eq!((&second["statusMessage"], &second["statusCode"]), (&json!("Conflict"), &json!(409)));
    assert_eq!(stage.http.get(&shares).send().await.expect(401).text(), unauthorized(&shares));
}

#[tokio::test]
async fn a_share_is_changed_and_removed() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let patch = async |body: Value| stage.http.patch(SHARE).session(&owner).json(&body).send().await.expect(200).json();
    let share = patch(json!({"is_shared": false, "hashed_password": "Share: pass", "use_whitelist": false})).await;
    let changed = &share["share"];
    assert_eq!((&changed["is_shared"], &changed["is_protected"]), (&json!(false), &json!(true)));
    assert_eq!((&changed["hashed_password"], &changed["share_uuid"]), (&Value::Null, &json!(SHARE_UUID)));
    let open = || stage.http.get(format!("/api/shared/chats/{SHARE_UUID}")).basic("", "Share: pass");
    open().send().await.expect(404);
    assert_eq!(patch(json!({"is_shared": true})).await["share"]["is_shared"], json!(true));
    open().send().await.expect(200);
    patch(json!({"emails": [AMY], "use_whitelist": true, "hashed_password": null})).await;
    open().send().await.expect(401);
    open().session(&amy).send().await.expect(200);
    let same = patch(json!({})).await;
    assert_eq!(same["share"]["is_protected"], json!(true));
    assert_eq!(stage.http.patch(SHARE).send().await.expect(401).text(), unauthorized(SHARE));
    assert_eq!(stage.http.delete(SHARE).send().await.expect(401).text(), unauthorized(SHARE));
    assert_eq!(stage.http.delete(SHARE).session(&amy).send().await.expect(404).text(), NOT_FOUND);
    let removed = stage.http.delete(SHARE).session(&owner).send().await.expect(204);
    assert!(removed.body.is_empty());
    for request in [stage.http.delete(SHARE), stage.http.patch(SHARE).json(&json!({})), stage.http.get(ENTRIES)] {
        assert_eq!(request.session(&owner).send().await.expect(404).text(), NOT_FOUND);
    }
}

#[tokio::test]
async fn a_users_chats_are_made_listed_and_removed() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let hers = stage.chat(support::stage::AMY_ID).await;
    let chats = "/api/users/1/chats";
    let made = stage.http.post(chats).session(&owner).json(&json!({"name": "Plans", "model": "any"})).send().await;
    let made = made.expect(200);
    let (id, at) = (number(&made.json()["chat"], "id"), time(&made.json()["chat"], "created_at").to_owned());
    let chat = format!(r#"{{"id":{id},"neptun_user_id":1,"name":"Plans","created_at":"{at}","updated_at":"{at}"}}"#);
    assert_eq!(made.text(), format!(r#"{{"chat":{chat}}}"#));
    let rename = |name: Value| stage.http.patch(format!("{chats}/{id}")).session(&owner).json(&json!({"name": name}));
    let renamed = rename(json!("More plans")).send().await.expect(200).json();
    assert_eq!((&renamed["chat"]["name"], number(&renamed["chat"], "id")), (&json!("More plans"), id));
    let issue = &rename(json!("")).send().await.expect(400).json()["data"]["issues"][0];
    assert_eq!((&issue["code"], &issue["path"]), (&json!("too_small"), &json!(["name"])));
    assert_eq!(rename(json!("Plans")).send().await.expect(200).json()["chat"]["created_at"], json!(at));
    let unnamed = stage.http.post(chats).session(&owner).send().await.expect(200).json()["chat"].clone();
    assert_eq!(unnamed["name"], json!(""));
    let page = stage.http.get(format!("{chats}?page_size=1&page_number=1")).session(&owner).send().await.expect(200);
    let chat = chat.replace(
        &format!(r#""updated_at":"{at}""#),
        &format!(r#""updated_at":{}"#, page.json()["chats"][0]["updated_at"]),
    );
    assert_eq!(page.text(), format!(r#"{{"chats":[{chat}],"page_number":1,"eop":false}}"#));
    stage.http.post(chats).session(&owner).json(&json!({"name": 7})).send().await.expect(400);
    let delete = |ids: Value| stage.http.delete(chats).session(&owner).json(&json!({"chat_ids": ids}));
    assert_eq!(delete(json!([123, hers, 2_000_000])).send().await.expect(200).text(), "true");
    assert_eq!(delete(json!([123, hers])).send().await.expect(404).text(), NOT_FOUND);
    let listed = stage.http.get(chats).session(&owner).send().await.expect(200).json();
    let ids: Vec<u64> =
        listed["chats"].as_array().expect("success has chats").iter().map(|chat| number(chat, "id")).collect();
    assert_eq!(ids, [id, number(&unnamed, "id")]);
    let one = |id: u64| stage.http.delete(format!("{chats}/{id}")).session(&owner);
    assert_eq!(one(number(&unnamed, "id")).send().await.expect(200).text(), "true");
    for gone in [number(&unnamed, "id"), hers] {
        assert_eq!(one(gone).send().await.expect(404).text(), NOT_FOUND);
    }
    let hers_still = stage.http.get("/api/users/2/chats").session(&amy).send().await.expect(200).json();
    assert_eq!(number(&hers_still["chats"][0], "id"), hers);
    stage.http.get(format!("/api/shared/chats/{SHARE_UUID}")).session(&owner).send().await.expect(404);
    let issue = &delete(json!(["123"])).send().await.expect(400).json()["data"]["issues"][0];
    assert_eq!((&issue["path"], &issue["expected"]), (&json!(["chat_ids", 0]), &json!("number")));
    let chat = format!("{chats}/{id}");
    for (path, request) in [
        (chats, stage.http.get(chats)),
        (chats, stage.http.post(chats)),
        (chats, stage.http.delete(chats)),
        (&chat, stage.http.patch(&chat)),
        (&chat, stage.http.delete(&chat)),
    ] {
        assert_eq!(request.clone().send().await.expect(401).text(), unauthorized(path));
        assert_eq!(request.session(&amy).send().await.expect(404).text(), NOT_FOUND);
    }
}

#[tokio::test]
async fn a_bot_manages_the_shares_it_was_granted_and_no_others() {
    let mut stage = Stage::new().await;
    let ack = stage
        .done(json!({"method": "setBot", "bot_id": "7", "grants": [{"permission": "share_management", "user_id": 1}]}))
        .await;
    let token = ack["token"].as_str().expect("a new bot's token is shown").to_owned();
    for token in [&*token, ADMIN] {
        stage.http.post(ENTRIES).bearer(token).json(&json!([AMY])).send().await.expect(200);
        stage.http.post("/api/users/9/chats").bearer(ADMIN).send().await.expect(404);
    }
    let bare = stage.http.post(ENTRIES).bearer(BARE_BOT).json(&json!([AMY])).send().await.expect(403).json();
    assert_eq!((&bare["statusMessage"], &bare["stack"]), (&json!("Forbidden"), &json!([])));
    assert!(bare["message"].as_str().is_some_and(|message| message.contains("share_management")), "{bare}");
    // It is refused the same whether there is such a user or not.
    for path in ["/api/users/2/chats", "/api/users/9/chats"] {
        stage.http.get(path).bearer(&token).send().await.expect(403);
    }
    stage.http.post(ENTRIES).bearer("unknown").json(&json!([AMY])).send().await.expect(401);
}

/// A refusal to open a share.
fn closed(status: u16, words: &str, message: &str, info: [bool; 5]) -> String {
    let [exists, active, private, password, whitelist] = info;
    let info = format!(
        "\"shareExists\": {exists},\n      \"shareIsActive\": {active},\n      \"shareIsPrivate\": {private},\n      \
         \"shareHasPassword\": {password},\n      \"shareHasWhitelist\": {whitelist}\n    "
    );
    let head = format!("\"statusCode\": {status},\n  \"statusMessage\": \"{words}\",\n  \"message\": \"{message}\"");
    format!("{{\n  {head},\n  \"stack\": [],\n  \"data\": {{\n    \"shareInfo\": {{\n      {info}}}\n  }}\n}}")
}

#[tokio::test]
async fn a_shared_chat_opens_for_whom_it_is_meant_and_says_why_for_nobody_else() {
    let mut stage = Stage::new().await;
    let (owner, amy, bob) = (stage.owner().await, stage.amy().await, stage.bob().await);
    let settings = json!({"is_protected": true, "password": "Share: pass", "emails": [AMY]});
    let share = stage.share(OWNER_ID, settings).await;
    let (path, open) = (format!("/api/shared/chats/{}", share.uuid), share.open(&stage.http));
    let info = [true, true, true, true, true];
    let opened = r#"{"chatMessages":[],"shareInfo":{"shareExists":true,"shareIsActive":true,"shareIsPrivate":true,"shareHasPassword":true,"shareHasWhitelist":true}}"#;
    let password =
        closed(401, "Unauthorized (incorrect credentials)", "You are not authorized to view this chat.", info);
    let listed = closed(403, "Forbidden (not on whitelist)", "You are not on the whitelist.", info);
    for (request, code, text) in [
        (open.clone().session(&owner), 200, opened),
        (open.clone().session(&amy).basic("", "Share: pass"), 200, opened),
        (open.clone().session(&bob).basic("", "Share: pass"), 403, &*listed),
        (open.clone().basic("", "Share: pass"), 401, &*unauthorized(&path)),
        (open.clone().session(&amy), 401, &*password),
        (open.clone().session(&amy).basic("", "Share"), 401, &*password),
        (open.clone().session(&amy).basic("amy", "Share: pass"), 401, &*password),
        (open.clone().session(&amy).header("authorization", "Basic !"), 401, &*password),
        (open.clone(), 401, &*password),
    ] {
        let answer = request.send().await.expect(code);
        assert_eq!(answer.text(), text);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(answer.header("www-authenticate"), None, "browsers would ask");
    }
    stage.done(share.message_with("setShare", "is_shared", json!(false))).await;
    let inactive =
        closed(404, "Not Found (share not found)", "The share is not active.", [true, false, true, true, true]);
    let answer = open.clone().session(&amy).basic("", "Share: pass").send().await.expect(404);
    assert_eq!(answer.text(), inactive);
    open.session(&owner).send().await.expect(200);
}

#[tokio::test]
async fn a_share_that_is_not_there_or_not_named_is_told_apart() {
    let stage = Stage::new().await;
    let missing = stage.http.get("/api/shared/chats/550e8400-e29b-41d4-a716-446655440001").send().await.expect(404);
    let expected = closed(404, "Not Found (share not found)", "The share does not exist.", [false; 5]);
    assert_eq!(missing.text(), expected);
    for name in ["x", "550e8400e29b41d4a716446655440000", "%7B550e8400-e29b-41d4-a716-446655440000%7D", "%ff"] {
        let answer = stage.http.get(format!("/api/shared/chats/{name}")).send().await.expect(400).json();
        let issues =
            json!([{"code": "invalid_string", "validation": "uuid", "path": ["uuid"], "message": "Invalid uuid"}]);
        assert_eq!(answer, invalid("Bad Request.", issues), "{name}");
    }
    let upper = format!("/api/shared/chats/{}", SHARE_UUID.to_uppercase());
    assert_eq!(stage.http.get(&upper).send().await.expect(401).text(), unauthorized(&upper));
}

#[tokio::test]
async fn a_share_protected_by_nothing_is_closed_to_all_but_its_owner() {
    let mut stage = Stage::new().await;
    let (owner, amy) = (stage.owner().await, stage.amy().await);
    let share = stage.share(OWNER_ID, json!({"is_protected": true})).await;
    share.open(&stage.http).send().await.expect(401);
    let info = [true, true, true, false, false];
    let expected = closed(403, "Forbidden (not on whitelist)", "You are not on the whitelist.", info);
    assert_eq!(share.open(&stage.http).session(&amy).send().await.expect(403).text(), expected);
    share.open(&stage.http).session(&owner).send().await.expect(200);
}

#[tokio::test]
async fn passwords_are_tried_only_so_often() {
    let mut stage = Stage::with(Limits { guesses_burst: 2, ..Limits::default() }).await;
    let amy = stage.amy().await;
    let locked = json!({"is_protected": true, "password": PASSWORD});
    let (share, other) = (stage.share(OWNER_ID, locked.clone()).await, stage.share(OWNER_ID, locked).await);
    let try_it = async |share: &Share| share.open(&stage.http).basic("", "wrong").send().await.code();
    assert_eq!((try_it(&share).await, try_it(&share).await), (401, 401));
    let slowed = share.open(&stage.http).basic("", PASSWORD).send().await.expect(429).json();
    assert_eq!((&slowed["statusMessage"], &slowed["statusCode"]), (&json!("Too Many Requests"), &json!(429)));
    // Who does not guess is not slowed down, nor who guesses elsewhere, nor somebody else.
    share.open(&stage.http).send().await.expect(401);
    assert_eq!(try_it(&other).await, 401);
    share.open(&stage.http).session(&amy).basic("", PASSWORD).send().await.expect(200);
}

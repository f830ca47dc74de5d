//! No secret is told twice: whatever is done with tokens, keys, sessions and passwords, rightly or wrongly, none of them is in the
//! log at its most talkative, in the output, in the journal, in a snapshot, or in an answer but the one that shows a made secret
//! to whom it was made for.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use guestlist::config::{ADMIN_TOKEN_CHARS_MAX, ERROR_BYTES_MAX};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::http::{AMY, Answer, BOB, Http, ORG, ORG_KEY, OWNER, OWNER_PASSWORD, Request, SHARE, SHARE_UUID};
use support::process::Served;
use support::stage::{AMY_ID, BOB_ID, OWNER_ID, Stage};
use support::{ADMIN, BARE_BOT, BOT, Client, Received};
use tempfile::TempDir;

/// Characters of a secret that are as good as the whole: less may be a coincidence.
const TELLING_CHARS: usize = 8;

/// Everything that was heard, and every secret that was used.
struct Witness {
    url: String,
    http: Http,
    heard: Vec<Heard>,
    secrets: BTreeMap<String, Secret>,
}

/// One answer, and what it is the answer to.
struct Heard {
    to: String,
    text: String,
    is_refusal: bool,
}

/// A secret.
struct Secret {
    /// What it is for.
    what: &'static str,
    /// The one answer that may tell it.
    shown_in: Option<usize>,
}

impl Witness {
    fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: Http::at(url), heard: Vec::new(), secrets: BTreeMap::new() }
    }

    /// A secret that the test knows from the first.
    fn keeps<'a>(&mut self, what: &'static str, secret: &'a str) -> &'a str {
        self.secrets.entry(secret.to_owned()).or_insert(Secret { what, shown_in: None });
        secret
    }

    /// A secret that the last answer shows, this once.
    fn was_shown(&mut self, what: &'static str, secret: Option<&str>) -> String {
        let (index, heard) = self.heard.iter().enumerate().next_back().expect("something was heard");
        let secret = secret.unwrap_or_else(|| panic!("no {what} is in the answer to {}: {}", heard.to, heard.text));
        let known = self.secrets.insert(secret.to_owned(), Secret { what, shown_in: Some(index) });
        assert!(known.is_none(), "a {what} was made twice");
        secret.to_owned()
    }

    fn hears(&mut self, to: String, text: String, is_refusal: bool) {
        self.heard.push(Heard { to, text, is_refusal });
    }

    /// Sends a request with a secret in a place that answers may quote, such as the path; the log may not.
    async fn misplaces(&mut self, request: Request) {
        request.send().await;
    }

    async fn sends(&mut self, request: Request) -> Answer {
        let to = format!("{request:?}");
        let answer = request.send().await;
        let refused = answer.status.is_client_error() || answer.status.is_server_error();
        let head: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        let text = format!("{} {}\n{}\n\n{}", answer.code(), answer.reason, head.join("\n"), answer.text());
        self.hears(to, text, refused);
        answer
    }

    /// Sends a request that must be refused.
    async fn is_refused(&mut self, request: Request) {
        let (said, answer) = (format!("{request:?}"), self.sends(request).await);
        assert!(answer.status.is_client_error(), "{said} was answered by {} {}", answer.status, answer.text());
    }

    async fn calls(&mut self, client: &mut Client, message: impl ToString) -> Value {
        let message = message.to_string();
        client.send(message.clone()).await;
        let text = client.text().await;
        let answer: Value = serde_json::from_str(&text).expect("answers are JSON");
        self.hears(message, text, answer.get("error").is_some());
        answer
    }

    /// Makes a call that must go well.
    async fn gets(&mut self, client: &mut Client, message: Value) -> Value {
        let answer = self.calls(client, &message).await;
        assert!(answer.get("error").is_none(), "{message} was answered by {answer}");
        answer
    }

    /// Makes a call that must be refused.
    async fn cannot(&mut self, client: &mut Client, message: impl ToString) {
        let message = message.to_string();
        let answer = self.calls(client, &message).await;
        assert!(answer.get("error").is_some(), "{message} was answered by {answer}");
    }

    /// Opens a connection with a first frame, and hears it to its end if it is refused.
    async fn connects(&mut self, first: impl ToString) -> Client {
        let mut client = Client::connect(&self.url).await;
        let first = first.to_string();
        client.send(first.clone()).await;
        loop {
            match client.receive().await {
                Received::Text(text) if text.contains("TOKEN_AUTH_OK") => {
                    self.hears(first, text, false);
                    return client;
                }
                Received::Text(text) => self.hears(first.clone(), text, true),
                Received::Close(_, reason) => self.hears(first.clone(), reason, true),
                Received::Gone => return client,
            }
        }
    }

    async fn signs_in(&mut self, token: &str) -> Client {
        let client = self.connects(json!({"method": "TOKEN_AUTH", "token": token, "rem": true})).await;
        let heard = &self.heard[self.heard.len() - 1];
        assert!(!heard.is_refusal, "{}", heard.text);
        client
    }

    /// Logs in over HTTP and keeps the session.
    async fn logs_in(&mut self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let answer = self.sends(self.http.post("/api/auth/login").json(&body)).await;
        self.was_shown("session", answer.cookie("neptun-session").as_deref())
    }

    /// Every secret that is in a text which may have none, and where it is.
    fn told_in(&self, place: &str, text: &str) -> Vec<String> {
        let mut told = Vec::new();
        for (secret, Secret { what, .. }) in &self.secrets {
            if let Some(form) = forms(secret).into_iter().find(|form| text.contains(form)) {
                told.push(format!("the {what} {secret:?} is in {place}, as {form:?}"));
            }
        }
        told
    }

    /// Every answer that tells a secret and should not.
    fn told_in_answers(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (index, Heard { to, text, .. }) in self.heard.iter().enumerate() {
            for (secret, Secret { what, shown_in }) in &self.secrets {
                if *shown_in == Some(index) {
                    continue;
                }
                let mut forms = forms(secret).into_iter().chain(hashed_forms(secret));
                if let Some(form) = forms.find(|form| text.contains(form)) {
                    told.push(format!("the {what} {secret:?} is, as {form:?}, in the answer to {to}:\n{text}\n"));
                }
            }
            if text.contains("$argon2") {
                told.push(format!("a hash is in the answer to {to}:\n{text}\n"));
            }
        }
        told
    }
}

/// How a secret might be written: as it is, within JSON, within an address, in a header, and so on; or the beginning or end of it.
fn forms(secret: &str) -> Vec<String> {
    // The ids that a bot's token begins with are no secret.
    let tail = secret.rsplit(':').next().filter(|tail| tail.len() >= TELLING_CHARS).unwrap_or(secret);
    let chars: Vec<char> = tail.chars().collect();
    let mut forms = vec![tail.to_owned()];
    if chars.len() > 2 * TELLING_CHARS {
        forms.push(chars[..TELLING_CHARS + 4].iter().collect());
        forms.push(chars[chars.len() - TELLING_CHARS - 4..].iter().collect());
    }
    let quoted = serde_json::to_string(secret).expect("texts are JSON");
    forms.push(quoted[1..quoted.len() - 1].to_owned());
    forms.push(format!("{secret:?}").trim_matches('"').to_owned());
    forms.push(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    forms.push(BASE64_STANDARD.encode(format!(":{secret}")));
    forms.push(BASE64_STANDARD.encode(secret));
    forms
}

/// The hash of a secret, which is kept and is for nobody's eyes either.
fn hashed_forms(secret: &str) -> [String; 1] {
    [Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()]
}

/// All files of a data directory, as text.
fn files(data: &Path) -> Vec<(String, String)> {
    let entries = data.read_dir().expect("the data directory can be listed");
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("a listed file can be read")).into_owned();
    entries
        .map(|entry| entry.expect("the data directory can be listed").path())
        .map(|path| (path.display().to_string(), read(&path)))
        .collect()
}

/// Bots and administrators: tokens given, made, replaced and refused.
async fn tokens(witness: &mut Witness) {
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

/// Users: passwords, sign-ups, log-ins and sessions.
async fn users(witness: &mut Witness) {
    let http = witness.http;
    let mut admin = witness.signs_in(ADMIN).await;
    let mut bot = witness.signs_in(BOT).await;
    witness.keeps("owner's password", OWNER_PASSWORD);
    let amys = witness.keeps("Amy's password", "Amys \"quoted\" päss\\w0rd!");
    let bobs = witness.keeps("Bob's password", "Bobs+pass&word=1%");
    witness.gets(&mut admin, json!({"method": "setUser", "user_id": AMY_ID, "password": amys})).await;
    let body = json!({"user_id": BOB_ID, "password": bobs});
    assert_eq!(witness.sends(http.post("/api/setUser").bearer(ADMIN).json(&body)).await.code(), 200);
    witness.gets(&mut admin, json!({"method": "getUsers"})).await;

    let owner = witness.logs_in(OWNER, OWNER_PASSWORD).await;
    let amy = witness.logs_in(AMY, amys).await;
    let form = [("email", BOB), ("password", bobs)];
    let bob = witness.sends(http.post("/api/auth/login").form(&form)).await.cookie("neptun-session");
    let bob = witness.was_shown("session", bob.as_deref());
    let ack = witness.gets(&mut bot, json!({"method": "logIn", "email": AMY, "password": amys})).await;
    let by_message = witness.was_shown("session", ack["session"].as_str());
    let body = json!({"email": BOB, "password": bobs});
    let ack = witness.sends(http.post("/api/logIn").json(&body)).await.json();
    let by_rpc = witness.was_shown("session", ack["session"].as_str());

    // Log-ins and sign-ups that are refused; of a user of their own, for guessing is slowed down.
    let guessed = "guessed@example.com";
    let unknown = "nobody@example.com";
    witness.gets(&mut admin, json!({"method": "setUser", "primary_email": guessed, "password": amys})).await;
    let wrong = witness.keeps("wrong password", "Wr0ng-password!");
    let weak = witness.keeps("weak password", "weakpasswordofnobody");
    let long = witness.keeps("long password", &"L0ng-pass!".repeat(40)).to_owned();
    let number = witness.keeps("password that is a number", "881234567890123");
    let number: u64 = number.parse().expect("it is one");
    let bodies = [
        json!({"email": guessed, "password": wrong}),
        json!({"email": unknown, "password": wrong}),
        json!({"email": guessed, "password": weak}),
        json!({"email": guessed, "password": long}),
        json!({"email": guessed, "password": number}),
        json!({"email": guessed, "password": [wrong]}),
        json!({"email": guessed, "password": {"argon2id": wrong}}),
        json!({"email": guessed, "password": {wrong: wrong}}),
        json!({"email": wrong, "password": guessed}),
        json!({"email": [wrong], "password": {}}),
        json!({"email": {"password": wrong}}),
        json!([guessed, wrong]),
        json!(wrong),
    ];
    for body in &bodies {
        for path in ["/api/auth/login", "/api/auth/sign-up", "/api/logIn", "/api/signUp"] {
            // A sign-up with these would be a good one.
            if body["email"] == unknown && !path.ends_with("ogin") {
                continue;
            }
            witness.is_refused(http.post(path).json(body)).await;
            witness.is_refused(http.post(path).bearer(ADMIN).raw(body.to_string())).await;
            let cut = body.to_string();
            witness.is_refused(http.post(path).raw(cut[..cut.len() - 1].to_owned())).await;
        }
        let Value::Object(fields) = body else { continue };
        for method in ["logIn", "signUp", "setUser"] {
            let mut message = json!({"method": method, "user_id": 2_000_000});
            message.as_object_mut().expect("it is an object").extend(fields.clone());
            if message["email"] != unknown || method == "logIn" {
                witness.cannot(&mut admin, &message).await;
            }
        }
    }
    let unlike = json!({"email": "new@example.com", "password": amys, "confirmPassword": wrong});
    witness.is_refused(http.post("/api/auth/sign-up").json(&unlike)).await;
    witness.is_refused(http.post("/api/auth/login").header("content-type", "text/plain").raw(wrong)).await;
    witness.is_refused(http.post("/api/auth/login").form(&[("email", guessed), ("password", wrong)])).await;
    witness.is_refused(http.post("/api/auth/login").form(&[("email", wrong), (wrong, wrong)])).await;
    witness.is_refused(http.post("/api/auth/login").raw(vec![0xff, 0xfe, b'W', b'r'])).await;
    witness.is_refused(http.get(format!("/api/auth/login?email={guessed}&password={wrong}"))).await;
    for (method, email) in [("setUser", "primary_email"), ("signUp", "email"), ("logIn", "email")] {
        witness.cannot(&mut admin, json!({"method": method, email: wrong, "password": wrong})).await;
        witness.cannot(&mut bot, json!({"method": method, email: AMY, "password": [wrong]})).await;
    }
    let joined = witness.keeps("password of a sign-up", "J0ined-and-gone!");
    let body = json!({"email": "joined@example.com", "password": joined, "confirmPassword": joined});
    let session = witness.sends(http.post("/api/auth/sign-up").json(&body)).await.cookie("neptun-session");
    let session = witness.was_shown("session", session.as_deref());
    witness.is_refused(http.post("/api/auth/sign-up").json(&body)).await;
    witness.is_refused(http.post("/api/auth/login").session(&session).json(&body)).await;

    // Sessions in their places and out of them.
    for request in [http.get("/api/_auth/session"), http.head("/api/auth/check"), http.get("/api/users/1/chats")] {
        witness.sends(request.clone().session(&owner)).await;
        witness.sends(request.clone().header("x-neptun-session-session", &owner)).await;
        witness.sends(request.clone().bearer(&owner)).await;
        witness.sends(request.clone().session(wrong)).await;
        witness.sends(request.clone().header("cookie", format!("neptun-session=\"{wrong}; x"))).await;
        witness.sends(request.clone().bearer(wrong)).await;
        witness.sends(request.basic(wrong, wrong)).await;
    }
    for path in [
        format!("/api/users/{owner}/chats"),
        format!("/api/users/1/chats/{owner}/shares"),
        format!("/api/shared/chats/{owner}"),
        format!("/api/users/1/chats?session={owner}"),
        format!("/{owner}"),
        format!("/nandbox/api/?token={owner}"),
    ] {
        witness.misplaces(http.get(&path)).await;
        witness.misplaces(http.get(&path).session(&amy)).await;
    }
    let mut client = witness.signs_in(&amy).await;
    witness.gets(&mut client, json!({"method": "getChats", "user_id": AMY_ID})).await;
    witness.cannot(&mut client, json!({"method": "getChats", "user_id": amy})).await;
    witness.cannot(&mut client, json!({"method": "logOut"})).await;
    for session in [json!(wrong), json!([amy]), json!({"sha256": amy}), json!(number), Value::Null] {
        witness.calls(&mut bot, json!({"method": "logOut", "session": session})).await;
        witness.sends(http.post("/api/logOut").json(&json!({"session": session}))).await;
    }
    witness.gets(&mut bot, json!({"method": "logOut", "session": by_message})).await;
    witness.connects(json!({"method": "TOKEN_AUTH", "token": by_message})).await;
    assert_eq!(witness.sends(http.post("/api/logOut").json(&json!({"session": by_rpc}))).await.code(), 200);
    assert_eq!(witness.sends(http.post("/api/auth/logout").session(&bob)).await.code(), 200);
    witness.is_refused(http.get("/api/users/3/chats").session(&bob)).await;
    let changed = witness.keeps("Amy's new password", "Amys-changed-pass-9!");
    witness.gets(&mut admin, json!({"method": "setUser", "user_id": AMY_ID, "password": changed})).await;
    witness.is_refused(http.get("/api/users/2/chats").session(&amy)).await;
    witness.logs_in(AMY, changed).await;
}

/// Shares, which have passwords.
async fn shares(witness: &mut Witness) {
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

/// Organisations, whose members have keys.
async fn keys(witness: &mut Witness) {
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

/// Questions with secrets where people and resources belong: the answers may quote those, the log may not.
async fn questions(witness: &mut Witness) {
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

#[tokio::test]
async fn no_secret_is_told_but_once_by_whatever_is_done_with_it() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let served = Served::start(&data, &log, &["--demo", "--log", "trace", "--snapshot-every", "30"]);
    let mut witness = Witness::new(&served.url);
    tokens(&mut witness).await;
    users(&mut witness).await;
    shares(&mut witness).await;
    keys(&mut witness).await;
    questions(&mut witness).await;

    let mut told = witness.told_in_answers();
    let mut places = files(&data);
    let stopped = served.stop();
    assert_eq!(stopped.code, Some(0));
    places.extend(files(&data));
    assert!(places.iter().any(|(path, text)| path.contains("snapshot-") && text.contains("argon2id")));
    assert!(places.iter().any(|(path, text)| path.contains("journal-") && text.contains("argon2id")));
    assert!(stopped.stderr.contains("TRACE") || stopped.stderr.contains("DEBUG"), "the log says little");
    assert!(!stopped.stderr.contains("$argon2"), "a password's hash is in the log");
    places.push(("the log".to_owned(), stopped.stderr));
    places.push(("the output".to_owned(), stopped.stdout));
    for (place, text) in &places {
        told.extend(witness.told_in(place, text));
    }
    told.dedup();
    let (count, secrets, answers) = (told.len(), witness.secrets.len(), witness.heard.len());
    assert!(told.is_empty(), "{count} times one of {secrets} secrets was told:\n\n{}", told.join("\n"));
    // So that this would have found something.
    let refusals = witness.heard.iter().filter(|heard| heard.is_refusal).count();
    assert!(
        secrets > 40 && answers > 400 && refusals > 250,
        "{secrets} secrets, {answers} answers, {refusals} refusals"
    );
    let longest = witness.heard.iter().filter(|heard| heard.is_refusal).map(|heard| heard.text.len()).max();
    assert!(longest.is_some_and(|bytes| bytes < 20 * ERROR_BYTES_MAX), "a refusal has {longest:?} bytes");
}

#[tokio::test]
async fn the_hash_of_a_secret_is_as_good_as_any_wrong_secret() {
    let mut stage = Stage::new().await;
    stage.amy().await;
    let [admin, key] = [ADMIN, ORG_KEY].map(|secret| hashed_forms(secret)[0].clone());
    let mut files = files(stage.directory.path()).into_iter();
    let (_, journal) = files.find(|(path, _)| path.contains("journal-")).expect("there is a segment");
    assert!(journal.contains(&admin) && journal.contains(&key), "these are what is kept");
    let start = journal.find("$argon2id$").expect("there is a password");
    let password = journal[start..].split('"').next().expect("it ends with a quote");
    for token in [json!({"sha256": admin}), json!(admin), json!({"sha256": key}), json!(key)] {
        let mut client = Client::connect(&stage.gateway.url()).await;
        let answer = client.call(json!({"method": "TOKEN_AUTH", "token": token}).to_string()).await;
        assert!(matches!(answer["error"].as_u64(), Some(400 | 401)), "{token}: {answer}");
    }
    for token in [&admin, &key] {
        stage.http.post("/api/getApps").bearer(token).send().await.expect(401);
        stage.http.get(format!("/admin/whitelist?api_key={token}")).send().await.expect(401);
        stage.http.head("/api/auth/check").session(token).send().await.expect(401);
    }
    // Nobody sets a hash in place of a secret, and is let in by whatever was hashed to it.
    let (hash, grants) = (json!({"argon2id": password}), json!([{"permission": "admin"}]));
    for message in [
        json!({"method": "setBot", "bot_id": "7", "grants": grants, "token": {"sha256": key}}),
        json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "api_key": {"sha256": admin}}),
        json!({"method": "setUser", "user_id": BOB_ID, "password": hash}),
        json!({"method": "setShare", "user_id": OWNER_ID, "chat_id": 123, "password": hash}),
        json!({"method": "signUp", "email": "new@example.com", "password": hash}),
        json!({"method": "signUp", "email": "new@example.com", "password": OWNER_PASSWORD, "confirmPassword": hash}),
        json!({"method": "logIn", "email": OWNER, "password": hash}),
        json!({"method": "logIn", "email": OWNER, "password": password}),
        json!({"method": "logOut", "session": {"sha256": admin}}),
    ] {
        let answer = stage.admin.call(message.to_string()).await;
        assert!(matches!(answer["error"].as_u64(), Some(400 | 401)), "{message} was answered by {answer}");
    }
}

#[test]
fn a_secret_is_found_in_whatever_form_it_is_written() {
    let mut witness = Witness::new("ws://127.0.0.1:1/");
    witness.keeps("password", "a \"b\" ü c+d&e");
    witness.keeps("token", "501:0:GivenTokenForExamplesOnly00009");
    for text in [
        "{\"password\":\"a \\\"b\\\" ü c+d&e\"}",
        "error: a \"b\" ü c+d&e is wrong",
        "GET /?password=a+%22b%22+%C3%BC+c%2Bd%26e",
        "authorization: Basic OmEgImIiIMO8IGMrZCZl",
        "GivenTokenFor… is unknown",
        "501:0:GivenTokenForExamplesOnly00009",
    ] {
        assert_eq!(witness.told_in("a text", text).len(), 1, "{text}");
    }
    for text in ["bot 501:0 signed in", "a \"b\"", "GivenToken"] {
        assert!(witness.told_in("a text", text).is_empty(), "{text}");
    }
}

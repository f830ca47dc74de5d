//! The calls that the share API and the organisation API publish, run against a gateway with the demo data.
//!
//! `tests/calls/organization` and `tests/calls/share/whitelist_entries.*` hold them as published. What changes is done here,
//! and is the host and the credentials alone; what they take for granted (an import, a name, a browser's cookies) is put
//! around them. The remaining routes of the share API are called in the form its documents describe.
//!
//! `tests/calls/install` puts what they are written for into `target/calls`, or wherever `GUESTLIST_CALLS` says.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::process::{Served, ran};
use tempfile::TempDir;

/// What the demo data knows.
const API_KEY: &str = "demo-org-key";
const OWNER: &str = "owner@example.com";
const PASSWORD: &str = "Demo-pass-1!";

/// The hosts that the calls were published with.
const PUBLISHED_HOSTS: [&str; 2] = ["https://api.sentius.ai", "https://neptun-webui.vercel.app"];

#[test]
#[ignore = "needs curl; tests/run installs it"]
fn the_published_curl_calls_add_a_member_and_remove_it() {
    let gateway = Gateway::start();
    let added = gateway.curl(&published("organization/add.sh"));
    added.is(200);
    check_member(&added.json());
    let removed = gateway.curl(&published("organization/remove.sh"));
    removed.is(204);
    assert_eq!(removed.body, "");
    gateway.curl(&published("organization/remove.sh")).is(404);
}

#[test]
#[ignore = "needs requests; tests/run installs it"]
fn the_published_requests_calls_add_a_member_and_remove_it() {
    let gateway = Gateway::start();
    // The sample has JSON's null where Python says None.
    let said = gateway.python(&format!("null = None\n{}", published("organization/add.py")));
    let printed = said.replace('\'', "\"").replace("None", "null");
    check_member(&serde_json::from_str(&printed).expect("a Python dictionary of texts, numbers and None"));
    let said = gateway.python(&format!("{}\nprint(response.status_code)", published("organization/remove.py")));
    assert_eq!(said, "204\n");
}

#[test]
#[ignore = "needs curl; tests/run installs it"]
fn the_published_curl_call_lists_people_for_a_share() {
    let gateway = Gateway::start();
    let people = gateway.sign_up_the_published();
    let answer = gateway.curl(&published("share/whitelist_entries.sh"));
    answer.is(200);
    check_entries(&answer.json(), &people);
    let again = gateway.curl(&published("share/whitelist_entries.sh"));
    assert_eq!(again.json(), answer.json(), "the same call gives the same entries");
}

#[test]
#[ignore = "needs httpx and pydantic; tests/run installs them"]
fn the_published_httpx_call_lists_people_for_a_share() {
    let gateway = Gateway::start();
    let people = gateway.sign_up_the_published();
    // The sample imports everything but httpx, and does not say how to call it.
    let said = gateway.python(&format!(
        "import asyncio, httpx\n{}\n{}",
        published("share/whitelist_entries.py"),
        "emails = ['user1@example.com', 'user2@example.com']\n\
         answer = asyncio.run(create_whitelist_entries(1, 123, 456, emails, 'your-session-cookie'))\n\
         assert all(entry.created_at.tzinfo for entry in answer.shareWhitelistEntries), answer\n\
         print(answer.model_dump_json())"
    ));
    check_entries(&serde_json::from_str(&said).expect("pydantic prints JSON"), &people);
}

#[test]
#[ignore = "needs Node and TypeScript; tests/run installs them"]
fn the_published_fetch_call_lists_people_for_a_share() {
    let gateway = Gateway::start();
    let people = gateway.sign_up_the_published();
    let said = gateway.typescript(&[
        published("share/browser.ts"),
        published("share/whitelist_entries.ts"),
        "createWhitelistEntries(1, 123, 456, ['user1@example.com', 'user2@example.com'])\n\
         .then((answer) => console.log(JSON.stringify(answer)))"
            .to_owned(),
    ]);
    check_entries(&serde_json::from_str(&said).expect("it prints JSON"), &people);
}

#[test]
#[ignore = "needs curl; tests/run installs it"]
fn curl_uses_the_routes_of_the_share_api_as_documented() {
    let gateway = Gateway::start();
    let cookie = r#"-H "Cookie: neptun-session=your-session-cookie""#;
    let json = r#"-H "Content-Type: application/json""#;
    let host = PUBLISHED_HOSTS[1];
    let chats = format!(r#""{host}/api/users/your-user-id/chats""#);
    let one = |path: &str| format!(r#""{host}/api/users/your-user-id/chats/{path}""#);

    gateway.curl(&format!(r#"curl -I {cookie} "{host}/api/auth/check""#)).is_success();
    gateway.curl(&format!(r#"curl -I "{host}/api/auth/check""#)).is(401);
    let listed = gateway.curl(&format!("curl -X GET {cookie} {chats}")).json();
    assert_eq!(listed["chats"][0]["id"], 123, "{listed}");
    let made = gateway.curl(&format!(r#"curl -X POST {json} {cookie} -d '{{"model": "m", "name": "New"}}' {chats}"#));
    let chat = made.json()["chat"]["id"].clone();
    let renamed = format!(r#"curl -X PATCH {json} {cookie} -d '{{"name": "Newer"}}' {}"#, one(&chat.to_string()));
    assert_eq!(gateway.curl(&renamed).json()["chat"]["name"], "Newer");

    let found = gateway.curl(&format!("curl -X GET {cookie} {}", one("123/shares"))).json();
    assert_eq!(found["uuid"], "550e8400-e29b-41d4-a716-446655440000");
    let share = r#"{"is_shared": true, "is_protected": false}"#;
    let made = gateway.curl(&format!("curl -X POST {json} {cookie} -d '{share}' {}", one(&format!("{chat}/shares"))));
    made.is(200);
    let made = made.json();
    let uuid = made["share"]["share_uuid"].as_str().expect("a share has a uuid");
    let shown = gateway.curl(&format!(r#"curl -X GET "{host}/api/shared/chats/{uuid}""#));
    shown.is(200);
    assert_eq!(shown.json()["shareInfo"]["shareExists"], true);

    let for_the_listed = format!(r#"curl -X GET "{host}/api/shared/chats/550e8400-e29b-41d4-a716-446655440000""#);
    gateway.curl(&for_the_listed).is(401);
    gateway.curl(&format!("{for_the_listed} {cookie}")).is(200);

    let locked = r#"{"is_shared": true, "is_protected": true, "hashed_password": "Chat-pass-1!"}"#;
    let other = gateway.curl(&format!(r#"curl -X POST {json} {cookie} -d '{{"model": "m", "name": "Two"}}' {chats}"#));
    let other = other.json()["chat"]["id"].clone();
    let made = gateway.curl(&format!("curl -X POST {json} {cookie} -d '{locked}' {}", one(&format!("{other}/shares"))));
    let made = made.json();
    let uuid = made["share"]["share_uuid"].as_str().expect("a share has a uuid");
    let with_password = r#"-H "Authorization: Basic $(echo -n ':Chat-pass-1!' | base64)""#;
    gateway.curl(&format!(r#"curl -X GET "{host}/api/shared/chats/{uuid}""#)).is(401);
    gateway.curl(&format!(r#"curl -X GET "{host}/api/shared/chats/{uuid}" {with_password}"#)).is(200);

    let gone = gateway.curl(&format!(r#"curl -X DELETE {json} {cookie} -d '{{"chat_ids": [{chat}]}}' {chats}"#));
    assert_eq!(gone.json(), true);
    let gone = gateway.curl(&format!("curl -X DELETE {cookie} {}", one(&other.to_string())));
    assert_eq!(gone.json(), true);
    let left = gateway.curl(&format!(r#"curl -X POST {cookie} "{host}/api/auth/logout""#));
    assert_eq!(left.json(), true);
    gateway.curl(&format!(r#"curl -I {cookie} "{host}/api/auth/check""#)).is(401);
}

#[test]
#[ignore = "needs httpx; tests/run installs it"]
fn httpx_visits_the_share_api_as_documented() {
    assert_eq!(Gateway::start().python(&published("share/client.py")), "visited\n");
}

#[test]
#[ignore = "needs Node and TypeScript; tests/run installs them"]
fn fetch_visits_the_share_api_as_documented() {
    let mut gateway = Gateway::start();
    // A browser that nobody has logged in with yet.
    gateway.cookie.clear();
    assert_eq!(gateway.typescript(&[published("share/browser.ts"), published("share/client.ts")]), "visited\n");
}

/// The member that the published calls add.
fn check_member(member: &Value) {
    let sent = json!({
        "name": "Jane Doe",
        "email": "user@example.com",
        "permissions": ["can_read", "can_use_api", "can_delegate"],
        "start_date": "2025-03-05T11:34:30.258Z",
        "end_date": null,
    });
    for (name, value) in sent.as_object().expect("it is one") {
        assert_eq!(member[name], *value, "{name} of {member}");
    }
    assert_eq!(member["status"], "active", "{member}");
}

/// The entries that the published calls make: those of the people by rising ids, and the owner's last.
fn check_entries(answer: &Value, people: &[u64]) {
    let entries = answer["shareWhitelistEntries"].as_array().expect("the answer has entries");
    let users: Vec<u64> = entries.iter().filter_map(|entry| entry["whitelisted_neptun_user_id"].as_u64()).collect();
    assert_eq!(users, [people, &[1]].concat(), "{answer}");
    for entry in entries {
        assert_eq!(entry["chat_conversation_share_id"], 456, "{answer}");
        for name in ["created_at", "updated_at"] {
            let time = entry[name].as_str().unwrap_or_default();
            assert!(time.len() >= 20 && time.ends_with('Z'), "{name} is no UTC time: {answer}");
        }
    }
}

/// A call as published.
fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// A gateway with the demo data, in a directory of its own, and a session of the demo share's owner.
struct Gateway {
    _process: Served,
    home: TempDir,
    host: String,
    cookie: String,
}

impl Gateway {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        let process = Served::start(&home.path().join("data"), &home.path().join("log"), &["--demo"]);
        let authority = process.url.split('/').nth(2).expect("a URL has an authority");
        let host = format!("http://{authority}");
        // For curl, so that the calls themselves stay as they are: the answer's status on a line of its own.
        let settings = "silent\nshow-error\nwrite-out = \"\\n%{http_code}\"\n";
        fs::write(home.path().join(".curlrc"), settings).expect("the directory can be written");
        let mut gateway = Self { _process: process, home, host, cookie: String::new() };
        gateway.cookie = gateway.log_in();
        gateway
    }

    /// Logs in with curl, for the cookie.
    fn log_in(&self) -> String {
        let account = json!({"email": OWNER, "password": PASSWORD});
        let answer = self.curl(&format!(
            r#"curl -X POST --dump-header - -H "Content-Type: application/json" -d '{account}' "{}/api/auth/login""#,
            PUBLISHED_HOSTS[1]
        ));
        answer.is(200);
        let cookies = answer.body.lines().filter_map(|line| line.split_once(": "));
        let mut sessions =
            cookies.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).filter_map(|(_, cookie)| {
                cookie.strip_prefix("neptun-session=")?.split(';').next().filter(|value| !value.is_empty())
            });
        sessions.next().unwrap_or_else(|| panic!("there is no session in {}", answer.body)).to_owned()
    }

    /// Signs up those whom the published calls list, for their user ids.
    fn sign_up_the_published(&self) -> Vec<u64> {
        let sign_up = |email: &str| {
            let answer = self.curl(&format!(
                r#"curl -X POST {}/api/auth/sign-up -H "Content-Type: application/json" -d '{}'"#,
                PUBLISHED_HOSTS[1],
                json!({"email": email, "password": PASSWORD}),
            ));
            answer.is(200);
            answer.json()["user"]["id"].as_u64().expect("a user id is a number")
        };
        ["user1@example.com", "user2@example.com"].map(sign_up).to_vec()
    }

    /// A call with the published host and the published credentials changed for this gateway's, and nothing else.
    fn aimed(&self, call: &str) -> String {
        let mut aimed = call.to_owned();
        for (published, ours) in [
            (PUBLISHED_HOSTS[0], self.host.as_str()),
            (PUBLISHED_HOSTS[1], self.host.as_str()),
            ("<your_api_key>", API_KEY),
            ("your-session-cookie", self.cookie.as_str()),
            ("your-user-id", "1"),
            ("your-password", PASSWORD),
        ] {
            aimed = aimed.replace(published, ours);
        }
        aimed
    }

    fn curl(&self, call: &str) -> Answered {
        let said = self.said(Command::new("sh").arg("-c").arg(self.aimed(call)));
        let (body, status) = said.rsplit_once('\n').expect("curl writes the status on a line of its own");
        Answered { body: body.to_owned(), status: status.parse().expect("a status is a number") }
    }

    fn python(&self, script: &str) -> String {
        let path = self.home.path().join("call.py");
        fs::write(&path, self.aimed(script)).expect("the directory can be written");
        self.said(Command::new(installed("python/bin/python")).arg(path))
    }

    /// Compiles the parts, each with the checks its authors would have had, and runs them together.
    fn typescript(&self, parts: &[String]) -> String {
        let path = self.home.path().join("call.ts");
        fs::write(&path, self.aimed(&parts.join("\n"))).expect("the directory can be written");
        self.said(
            Command::new("node")
                .arg(installed("node/node_modules/typescript/bin/tsc"))
                .args(["--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"])
                .arg(&path),
        );
        self.said(Command::new("node").arg(path.with_extension("js")))
    }

    /// What a program that succeeds prints.
    fn said(&self, command: &mut Command) -> String {
        let ran = ran(command.env("CURL_HOME", self.home.path()));
        assert_eq!(ran.code, Some(0), "{command:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran.stdout
    }
}

/// What curl was answered.
struct Answered {
    body: String,
    status: u16,
}

impl Answered {
    #[track_caller]
    fn is(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    #[track_caller]
    fn is_success(&self) {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn installed(part: &str) -> PathBuf {
    let calls = std::env::var_os("GUESTLIST_CALLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/calls"), PathBuf::from);
    let path = calls.join(part);
    assert!(path.exists(), "{path:?} is missing: run tests/calls/install");
    path
}

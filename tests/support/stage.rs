//! This is where tests of shares and organisations get a gateway, and the people on it.

use guestlist::config::Limits;
use guestlist::gateway::Gateway;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{AMY, Answer, BOB, Http, OWNER, OWNER_PASSWORD, Request, log_in, set_password};
use super::{ADMIN, Client, Received, gateway_with};

/// The id of the demo owner.
pub const OWNER_ID: u32 = 1;
/// The id of the demo user Amy.
pub const AMY_ID: u32 = 2;
/// The id of the demo user Bob.
pub const BOB_ID: u32 = 3;

/// What Amy's and Bob's passwords are, once they have some.
pub const PASSWORD: &str = "Guest-pass-2!";

/// A gateway with the demo data, and an administrator who is connected to it.
pub struct Stage {
    /// The gateway.
    pub gateway: Gateway,
    /// Its HTTP side.
    pub http: Http,
    /// The administrator.
    pub admin: Client,
    /// Where it keeps what it knows.
    pub directory: TempDir,
}

/// A share, and the path to it.
#[derive(Clone, Debug)]
pub struct Share {
    /// The owner's id.
    pub user_id: u64,
    /// The chat's id.
    pub chat_id: u64,
    /// The share's id.
    pub share_id: u64,
    /// What it is opened by.
    pub uuid: String,
}

impl Stage {
    /// One with the usual limits.
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    /// One with limits of its own.
    pub async fn with(limits: Limits) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let gateway = gateway_with(directory.path(), limits).await;
        let admin = Client::sign_in(&gateway.url(), ADMIN).await;
        Self { http: Http::of(&gateway), gateway, admin, directory }
    }

    /// Has the administrator do something, which must go well.
    pub async fn done(&mut self, message: Value) -> Value {
        done(&mut self.admin, message).await
    }

    /// A session of the demo owner.
    pub async fn owner(&self) -> String {
        log_in(&self.http, OWNER, OWNER_PASSWORD).await
    }

    /// A session of Amy, who gets a password for it.
    pub async fn amy(&mut self) -> String {
        set_password(&mut self.admin, AMY_ID, PASSWORD).await;
        log_in(&self.http, AMY, PASSWORD).await
    }

    /// A session of Bob, who gets a password for it.
    pub async fn bob(&mut self) -> String {
        set_password(&mut self.admin, BOB_ID, PASSWORD).await;
        log_in(&self.http, BOB, PASSWORD).await
    }

    /// A new chat.
    pub async fn chat(&mut self, user_id: u32) -> u64 {
        number(&self.done(json!({"method": "setChat", "user_id": user_id})).await, "chat_id")
    }

    /// A share of a new chat, with these settings.
    pub async fn share(&mut self, user_id: u32, settings: Value) -> Share {
        let mut message = json!({"method": "setShare", "user_id": user_id, "chat_id": self.chat(user_id).await});
        let Value::Object(settings) = settings else { panic!("settings are an object, not {settings}") };
        message.as_object_mut().expect("a message is an object").extend(settings);
        Share::of(&self.done(message).await)
    }

    /// The ids of the users on a share's whitelist, in its order.
    pub async fn listed(&mut self, share: &Share) -> Vec<u64> {
        let page = self.done(share.message("getShareWhitelist")).await;
        let entries = page["shareWhitelistEntries"].as_array().unwrap_or_else(|| panic!("no entries in {page}"));
        entries.iter().map(|entry| number(entry, "whitelisted_neptun_user_id")).collect()
    }
}

impl Share {
    /// The one that a `setShare_ack` is about.
    pub fn of(ack: &Value) -> Self {
        let uuid = ack["share_uuid"].as_str().unwrap_or_else(|| panic!("no share_uuid in {ack}")).to_owned();
        let id = |name| number(ack, name);
        Self { user_id: id("user_id"), chat_id: id("chat_id"), share_id: id("share_id"), uuid }
    }

    /// Its path.
    pub fn path(&self) -> String {
        let Self { user_id, chat_id, share_id, .. } = self;
        format!("/api/users/{user_id}/chats/{chat_id}/shares/{share_id}")
    }

    /// The path of its whitelist.
    pub fn entries_path(&self) -> String {
        format!("{}/whitelist-entries", self.path())
    }

    /// A message about it.
    pub fn message(&self, method: &str) -> Value {
        let Self { user_id, chat_id, share_id, .. } = self;
        json!({"method": method, "user_id": user_id, "chat_id": chat_id, "share_id": share_id})
    }

    /// The same with one more field.
    pub fn message_with(&self, method: &str, field: &str, value: Value) -> Value {
        let mut message = self.message(method);
        message[field] = value;
        message
    }

    /// A request to open it.
    pub fn open(&self, http: &Http) -> Request {
        http.get(format!("/api/shared/chats/{}", self.uuid))
    }

    /// A request to open it, in a session or without one.
    pub fn open_in(&self, http: &Http, session: Option<&str>) -> Request {
        let request = self.open(http);
        session.iter().fold(request, |request, session| request.session(session))
    }

    /// Whether it opens, in a session or without one.
    pub async fn opens(&self, http: &Http, session: Option<&str>) -> bool {
        is_open(&self.open_in(http, session).send().await)
    }

    /// A question whether a user may open it.
    pub fn question(&self, subject: &str) -> Value {
        json!({"method": "checkAccess", "subject": {"type": "user", "id": subject}, "action": {"name": "can_read"},
            "resource": {"type": "chat_share", "id": self.uuid}})
    }
}

/// Whether the answer to a request to open a share is the chat; if not, it must be a refusal that shows nothing of it.
#[track_caller]
pub fn is_open(answer: &Answer) -> bool {
    let body = answer.json();
    match answer.code() {
        200 => {
            assert!(body["chatMessages"].is_array(), "{body}");
            true
        }
        401 | 403 | 404 => {
            assert!(!answer.text().contains("chatMessages"), "{body}");
            false
        }
        other => panic!("a share was answered with {other}: {body}"),
    }
}

/// Sends a message that must not be refused, and returns the ack.
pub async fn done(client: &mut Client, message: Value) -> Value {
    let ack = client.call(message.to_string()).await;
    assert!(ack.get("error").is_none() && ack.get("method").is_some(), "{message} was answered by {ack}");
    ack
}

/// The last two things that a connection hears whose token was revoked; nothing may come before them.
pub async fn check_sent_away(client: &mut Client, what: &str) {
    let refusal = client.receive().await;
    assert!(matches!(&refusal, Received::Text(text) if text.contains(r#""error":401"#)), "{what}: {refusal:?}");
    let close = Received::Close(1008, "the token is no longer valid".to_owned());
    assert_eq!(client.receive().await, close, "{what}");
}

/// A number in an answer.
#[track_caller]
pub fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {value}"))
}

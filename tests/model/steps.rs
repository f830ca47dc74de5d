//! What is done: messages about few people, apps and organisations, so that they meet; stops, crashes and starts.

use std::fmt;

use guestlist::disk::simulated::Rule;
use serde_json::{Value, json};

use crate::organizations::WINDOWS;
use crate::reference::{ADMIN, PERMISSIONS};

/// One step.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// Messages of one connection, sent at once.
    Send { by: u64, messages: Vec<Value> },
    /// A stop in good order, which makes a snapshot, and a start.
    Restart,
    /// An end without a word, and a start on what the disk holds.
    Crash,
    /// The same for want of power, and a start on what the disk makes of what was never synced.
    PowerLoss { rule: Rule, seed: u64 },
    /// As many changes as it takes for a snapshot to be made while the gateway runs.
    Snapshot,
}

/// What a step is made of: a throw each byte.
pub type Dice = [u64; 4];

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { by, messages } => {
                write!(f, "bot {by}:")?;
                messages.iter().try_for_each(|message| write!(f, " {message}"))
            }
            Self::Restart => f.write_str("restart"),
            Self::Crash => f.write_str("crash"),
            Self::PowerLoss { rule, seed } => write!(f, "power loss, {rule:?}, {seed}"),
            Self::Snapshot => f.write_str("snapshot"),
        }
    }
}

impl Step {
    /// The step that some throws come to.
    pub fn of(dice: &Dice) -> Self {
        let bytes = dice.map(u64::to_le_bytes);
        let mut throws = Throws(bytes.as_flattened().iter());
        match throws.below(64) {
            60 => {
                let rule = throws.one_of(&Rule::ALL);
                return Self::PowerLoss { rule, seed: dice[3] };
            }
            61 => return Self::Restart,
            62 => return Self::Crash,
            63 => return Self::Snapshot,
            _ => {}
        }
        let by = if throws.below(6) == 5 { 2 + u64::from(throws.below(2)) } else { ADMIN };
        let first = throws.message(by);
        let mut messages = vec![first];
        if throws.below(4) == 3 {
            messages.push(throws.message(by));
        }
        Self::Send { by, messages }
    }
}

/// Throws, one a byte; all zero when there are no more.
struct Throws<'a>(std::slice::Iter<'a, u8>);

impl Throws<'_> {
    fn below(&mut self, sides: u8) -> u8 {
        self.0.next().copied().unwrap_or_default() % sides
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.below(u8::try_from(choices.len()).expect("the choices are few")))]
    }

    fn message(&mut self, by: u64) -> Value {
        match self.below(16) {
            0..5 => self.of_people(),
            5..7 => self.of_patterns(),
            7 => self.of_access(),
            8 => self.of_apps(),
            9 => self.of_bots(),
            10 => self.of_users(),
            11..13 => self.of_shares(by),
            13 => self.of_organizations(),
            _ => self.of_members(),
        }
    }

    fn app(&mut self) -> &'static str {
        self.one_of(&["7", "7", "7", "8"])
    }

    fn org(&mut self) -> &'static str {
        self.one_of(&["acme", "acme", "zoo"])
    }

    fn list(&mut self) -> &'static str {
        self.one_of(&["Whitelist", "Whitelist", "Blacklist"])
    }

    /// A person in one of several spellings.
    fn person(&mut self) -> String {
        let name = self.one_of(&["amy@x.org", "bob@x.org", "cleo@y.org", "dora@y.org", "eli@x.org", "491701234567"]);
        match self.below(4) {
            0 => name.to_uppercase(),
            1 => format!(" {name}\t"),
            _ => name.to_owned(),
        }
    }

    /// An address in one of two spellings.
    fn email(&mut self) -> String {
        let name = self.one_of(&["amy@x.org", "bob@x.org", "cleo@y.org", "dora@y.org"]);
        if self.below(3) == 2 { name.to_uppercase() } else { name.to_owned() }
    }

    fn tags(&mut self) -> Value {
        self.one_of::<&[&str]>(&[&[], &["4"], &["4", "7"]]).into()
    }

    fn paged(&mut self, mut message: Value) -> Value {
        message["page_size"] = json!(1 + self.below(3));
        match self.below(3) {
            0 => message["page_number"] = json!(self.below(3)),
            1 => message["cursor"] = json!(""),
            _ => message["cursor"] = json!(self.below(9).to_string()),
        }
        message
    }

    fn of_people(&mut self) -> Value {
        let (list, app) = (self.list(), self.app());
        match self.below(8) {
            7 => self.paged(json!({"method": format!("get{list}Users"), "app_id": app})),
            5..7 => {
                let signups: Vec<String> = (0..self.below(3)).map(|_| self.person()).collect();
                json!({"method": format!("removeFrom{list}"), "app_id": app, "signups": signups})
            }
            _ => {
                let signups: Vec<Value> = (0..self.below(4))
                    .map(|_| match self.below(2) {
                        0 => json!(self.person()),
                        _ => json!({"signup_id": self.person(), "tags": self.tags()}),
                    })
                    .collect();
                json!({"method": format!("addTo{list}"), "app_id": app, "signups": signups})
            }
        }
    }

    fn of_patterns(&mut self) -> Value {
        let (list, app) = (self.list(), self.app());
        let texts = ["amy.*", ".*@x.org", "*@y.org", "BOB@x.org", "o"];
        match self.below(8) {
            7 => self.paged(json!({"method": format!("get{list}Patterns"), "app_id": app})),
            6 => {
                let bad = json!([{"pattern": "(", "operator": "regex"}]);
                json!({"method": format!("add{list}Patterns"), "app_id": app, "patterns": bad})
            }
            4..6 => {
                let names: Vec<&str> =
                    (0..1 + self.below(2)).map(|_| self.one_of(&["amy.*", "*@y.org", "o", "1", "2", "3"])).collect();
                json!({"method": format!("remove{list}Patterns"), "app_id": app, "patterns": names})
            }
            _ => {
                let mut patterns = Vec::new();
                for _ in 0..self.below(3) {
                    let text = self.one_of(&texts);
                    let operator = self.one_of(&["starts_with", "ends_with", "contains"]);
                    patterns.push(match self.below(4) {
                        0 => json!({"pattern": text, "operator": operator}),
                        1 => json!({"pattern": text, "tags": self.tags()}),
                        _ => json!(text),
                    });
                }
                json!({"method": format!("add{list}Patterns"), "app_id": app, "patterns": patterns})
            }
        }
    }

    fn of_access(&mut self) -> Value {
        let (resource, action) = match self.below(3) {
            0 => (json!({"type": "app", "id": self.app()}), "sign_up"),
            1 => (json!({"type": "chat_share", "id": self.uuid()}), "can_read"),
            _ => (json!({"type": "organization", "id": self.org()}), self.one_of(&PERMISSIONS)),
        };
        let subject = json!({"type": "user", "id": self.email()});
        json!({"method": "checkAccess", "subject": subject, "action": {"name": action}, "resource": resource})
    }

    fn of_apps(&mut self) -> Value {
        let app = self.app();
        match self.below(16) {
            0 => json!({"method": "removeApp", "app_id": app}),
            1 => self.paged(json!({"method": "getApps"})),
            2 => json!({"method": "setApp", "app_id": "0"}),
            3 => json!({"method": "setApp", "app_id": app, "app_builder": self.below(4) > 0}),
            4 => json!({"method": "setApp", "app_id": app, "use_whitelist": self.below(2) > 0, "tags": self.tags()}),
            5 => json!({"method": "setApp", "app_id": app, "use_blacklist": self.below(2) > 0}),
            _ => json!({"method": "setApp", "app_id": app, "name": self.one_of(&["Picnic", "Regatta"])}),
        }
    }

    fn of_bots(&mut self) -> Value {
        let bot = self.one_of(&["2", "3"]);
        match self.below(12) {
            0 => json!({"method": "removeBot", "bot_id": bot}),
            1 => json!({"method": "rotateBotToken", "bot_id": bot}),
            2 => self.paged(json!({"method": "getBots"})),
            3 => {
                json!({"method": "setBot", "bot_id": bot, "name": self.one_of(&["Door", "Gate"]), "apps": [self.app()]})
            }
            _ => {
                let grants: Vec<Value> = (0..self.below(4)).map(|_| self.grant()).collect();
                json!({"method": "setBot", "bot_id": bot, "grants": grants})
            }
        }
    }

    fn grant(&mut self) -> Value {
        match self.below(3) {
            0 => json!({"permission": "signup_management", "app_id": self.app()}),
            1 => json!({"permission": "share_management", "user_id": 1 + self.below(3)}),
            _ => json!({"permission": self.one_of(&PERMISSIONS), "org_id": self.org()}),
        }
    }

    fn of_users(&mut self) -> Value {
        let user = 1 + self.below(4);
        match self.below(12) {
            0 => json!({"method": "removeUser", "user_id": user}),
            1 => self.paged(json!({"method": "getUsers"})),
            2 => json!({"method": "setUser", "primary_email": self.email()}),
            3 => json!({"method": "setUser", "user_id": user}),
            _ => json!({"method": "setUser", "user_id": user, "primary_email": self.email()}),
        }
    }

    fn uuid(&mut self) -> String {
        format!("00000000-0000-4000-8000-00000000000{}", 1 + self.below(4))
    }

    fn emails(&mut self) -> Vec<String> {
        (0..1 + self.below(2)).map(|_| self.email()).collect()
    }

    fn of_shares(&mut self, by: u64) -> Value {
        let (user, number) = (self.one_of(&[1, 1, 1, 2, 3]), self.below(12));
        // Mostly each has its own.
        let chat = if number == 3 { 2 } else { user };
        let share = if number == 2 { 3 } else { chat };
        let about = |method: &str| json!({"method": method, "user_id": user, "chat_id": chat, "share_id": share});
        match self.below(16) {
            // Only administrators choose ids.
            0..4 if by == ADMIN => {
                let (uuid, flags) = (format!("00000000-0000-4000-8000-00000000000{chat}"), self.below(16));
                let mut message = about("setShare");
                message["share_uuid"] = json!(if flags == 15 { self.uuid() } else { uuid });
                match flags % 8 {
                    0 => message["is_shared"] = json!(self.below(3) > 0),
                    1 => message["is_protected"] = json!(self.below(3) > 0),
                    2 => message["use_whitelist"] = json!(self.below(3) > 0),
                    3 => message["create_only"] = json!(true),
                    4 => message["share_id"] = Value::Null,
                    _ => message["emails"] = json!(self.emails()),
                }
                message
            }
            4 if self.below(2) == 0 => about("removeShare"),
            4..9 => {
                let mut message = about("addToShareWhitelist");
                message["emails"] = json!(self.emails());
                message
            }
            9..11 => {
                let mut message = about("removeFromShareWhitelist");
                message["emails"] = json!(self.emails());
                if self.below(2) == 0 {
                    message["entry_ids"] = json!([1 + self.below(6)]);
                }
                message
            }
            11 => self.paged(about("getShareWhitelist")),
            12 => self.paged(json!({"method": "getShares", "user_id": user})),
            13 => self.paged(json!({"method": "getChats", "user_id": user})),
            14 if self.below(3) == 0 => {
                json!({"method": "removeChat", "user_id": user, "chat_ids": [chat, 1 + self.below(4), chat]})
            }
            _ if by == ADMIN => match self.below(3) {
                0 => json!({"method": "setChat", "user_id": user, "name": "plans"}),
                _ => json!({"method": "setChat", "user_id": user, "chat_id": chat}),
            },
            _ => json!({"method": "getChats", "user_id": user, "page_size": 9}),
        }
    }

    fn of_organizations(&mut self) -> Value {
        let org = self.org();
        match self.below(16) {
            0 => json!({"method": "removeOrganization", "org_id": org}),
            1 => json!({"method": "getOrganizations", "page_size": 1, "page_number": self.below(3)}),
            2 => self.paged(json!({"method": "getApiKeys"})),
            3 => json!({"method": "removeApiKey", "key_id": 1 + self.below(4)}),
            4 => json!({"method": "setOrganization", "org_id": org, "name": self.one_of(&["Acme", "Zoo"])}),
            5 => {
                let key = 1 + self.below(4);
                json!({"method": "setApiKey", "org_id": org, "email": self.email(), "key_id": key, "name": "ci"})
            }
            6..11 => json!({"method": "setApiKey", "org_id": org, "email": self.email()}),
            _ => json!({"method": "setOrganization", "org_id": org}),
        }
    }

    fn of_members(&mut self) -> Value {
        let org = self.org();
        match self.below(6) {
            0 => json!({"method": "removeFromOrgWhitelist", "org_id": org, "email": self.email()}),
            1 => self.paged(json!({"method": "getOrgWhitelist", "org_id": org})),
            _ => {
                let (start, end) = self.one_of(&WINDOWS);
                let permissions: &[&str] =
                    self.one_of(&[&["can_read"], &PERMISSIONS[..2], &["can_use_whitelist", "can_read"]]);
                let mut message = json!({
                    "method": "addToOrgWhitelist", "org_id": org, "email": self.email(), "permissions": permissions,
                    "name": self.one_of(&["Amy", "Bob"]), "start_date": start
                });
                if let Some(end) = end {
                    message["end_date"] = json!(end);
                }
                if self.below(5) == 4 {
                    message["create_only"] = json!(true);
                }
                message
            }
        }
    }
}

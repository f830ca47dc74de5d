//! The lists that clients keep in a world: how each is changed, asked for and read.
//!
//! Every client has entries of its own on each, told apart by slots. An entry has a version, where its list can show one, so
//! that what is read says which change it comes from.

use serde_json::{Value, json};

/// Entries of one client on one list.
pub const SLOTS: u32 = 4;

/// A list of people or things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    Whitelist,
    Blacklist,
    WhitelistPatterns,
    BlacklistPatterns,
    Share,
    Organization,
    Apps,
    Users,
    Bots,
    Keys,
    Chats,
}

/// Something that is done to entries of one client on one list: they are put there in a version, or removed.
#[derive(Clone, Debug)]
pub struct Change {
    pub list: List,
    pub slots: Vec<u32>,
    pub put: Option<u32>,
}

/// Whose an entry is.
#[derive(Debug, PartialEq, Eq)]
pub enum Whose {
    /// It was there when the world began.
    Seeded,
    /// A client's, in a slot and a version.
    Client { owner: u32, slot: u32, version: u32 },
    /// Nobody's.
    Nobody,
}

/// The app whose sign-up lists are kept.
const APP: &str = "7000";
/// The user whose chats and share are kept.
const USER: u32 = 1;
/// Where the ids of people begin whom a share may list.
const PEOPLE: u32 = 1_000;

impl List {
    pub const ALL: [Self; 11] = [
        Self::Whitelist,
        Self::Blacklist,
        Self::WhitelistPatterns,
        Self::BlacklistPatterns,
        Self::Share,
        Self::Organization,
        Self::Apps,
        Self::Users,
        Self::Bots,
        Self::Keys,
        Self::Chats,
    ];

    /// Whether one call may be about several entries.
    pub fn takes_many(self) -> bool {
        self <= Self::Share
    }

    /// Whether to remove what is not there is refused.
    pub fn refuses_absent(self) -> bool {
        self > Self::Share
    }

    /// The version that is shown of an entry.
    pub fn shown(self, version: u32) -> u32 {
        match self {
            Self::Blacklist | Self::WhitelistPatterns | Self::BlacklistPatterns | Self::Share => 0,
            _ => version,
        }
    }

    /// Where the ids of its entries begin.
    fn base(self) -> u32 {
        match self {
            Self::Share => PEOPLE,
            Self::Apps => 70_000,
            Self::Users => 5_000,
            Self::Bots => 80_000,
            Self::Keys => 9_000,
            _ => 3_000,
        }
    }

    /// The query for the whole list: its method and fields.
    pub fn query(self) -> (&'static str, Value) {
        match self {
            Self::Whitelist => ("getWhitelistUsers", json!({"app_id": APP, "page_size": 1_000})),
            Self::Blacklist => ("getBlacklistUsers", json!({"app_id": APP, "page_size": 1_000})),
            Self::WhitelistPatterns => ("getWhitelistPatterns", json!({"app_id": APP, "page_size": 1_000})),
            Self::BlacklistPatterns => ("getBlacklistPatterns", json!({"app_id": APP, "page_size": 1_000})),
            Self::Share => {
                ("getShareWhitelist", json!({"user_id": USER, "chat_id": 123, "share_id": 456, "page_size": 1_000}))
            }
            Self::Organization => ("getOrgWhitelist", json!({"org_id": "acme", "page_size": 1_000})),
            Self::Apps => ("getApps", json!({"page_size": 1_000})),
            Self::Users => ("getUsers", json!({"page_size": 1_000})),
            Self::Bots => ("getBots", json!({"page_size": 1_000})),
            Self::Keys => ("getApiKeys", json!({"page_size": 1_000})),
            Self::Chats => ("getChats", json!({"user_id": USER, "page_size": 1_000})),
        }
    }

    /// The entries of an answer to that query.
    pub fn entries(self, answer: &Value) -> Option<impl Iterator<Item = (Whose, &Value)>> {
        let array = match self {
            Self::Whitelist | Self::Blacklist => "signups",
            Self::WhitelistPatterns | Self::BlacklistPatterns => "data",
            Self::Share => "shareWhitelistEntries",
            Self::Organization => "members",
            Self::Apps => "apps",
            Self::Users => "users",
            Self::Bots => "bots",
            Self::Keys => "api_keys",
            Self::Chats => "chats",
        };
        Some(answer[array].as_array()?.iter().map(move |entry| (self.whose(entry), entry)))
    }

    fn whose(self, entry: &Value) -> Whose {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let found = match self {
            Self::Whitelist => named(&text("signup_id")).zip(entry["tags"][0].as_str().and_then(version)),
            Self::Blacklist => named(&text("signup_id")).map(|name| (name, 0)),
            Self::WhitelistPatterns | Self::BlacklistPatterns => named(&text("pattern")).map(|name| (name, 0)),
            Self::Organization => named(&text("email")).zip(version(&text("name"))),
            Self::Share => self.numbered(&entry["whitelisted_neptun_user_id"]).map(|name| (name, 0)),
            Self::Apps => self.numbered(&entry["app_id"]).zip(version(&text("name"))),
            Self::Users => self.numbered(&entry["user_id"]).zip(version(&text("primary_email"))),
            Self::Bots => self.numbered(&entry["bot_id"]).zip(version(&text("name"))),
            Self::Keys => self.numbered(&entry["key_id"]).zip(version(&text("name"))),
            Self::Chats => self.numbered(&entry["chat_id"]).zip(version(&text("name"))),
        };
        match found {
            Some(((owner, slot), version)) => Whose::Client { owner, slot, version },
            None if self.is_seeded(entry) => Whose::Seeded,
            None => Whose::Nobody,
        }
    }

    fn is_seeded(self, entry: &Value) -> bool {
        let name = |field: &str| entry[field].as_str().is_some_and(|name| name.starts_with("Seeded"));
        match self {
            Self::Share => entry["whitelisted_neptun_user_id"] == USER,
            Self::Users => entry["primary_email"].as_str().is_some_and(|email| email.ends_with("@people.example")),
            Self::Organization | Self::Apps | Self::Bots | Self::Keys | Self::Chats => name("name"),
            _ => false,
        }
    }

    fn numbered(self, id: &Value) -> Option<(u32, u32)> {
        let id = id.as_u64().or_else(|| id.as_str()?.parse().ok())?;
        let id = u32::try_from(id).ok()?.checked_sub(self.base())?;
        (id < 1_000).then_some((id / 100, id % 100))
    }

    fn id(self, owner: u32, slot: u32) -> u32 {
        self.base() + owner * 100 + slot
    }
}

/// The owner and the slot in a text such as `c2k3@sim.example`.
fn named(text: &str) -> Option<(u32, u32)> {
    let (owner, rest) = text.strip_prefix('c')?.split_once('k')?;
    let slot = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((owner.parse().ok()?, slot.parse().ok()?))
}

/// The version in a text such as `v17` or `v17-c2k3@users.example`.
fn version(text: &str) -> Option<u32> {
    text.strip_prefix('v')?.split('-').next()?.parse().ok()
}

impl Change {
    /// The message that asks a gateway for it: its method and fields.
    pub fn message(&self, owner: u32) -> (&'static str, Value) {
        let (list, slot) = (self.list, self.slots[0]);
        let id = list.id(owner, slot);
        let all = |name: &dyn Fn(u32) -> Value| self.slots.iter().map(|slot| name(*slot)).collect::<Vec<_>>();
        let email = |place: &str, slot: u32| format!("c{owner}k{slot}@{place}.example");
        // Most need not be compiled, which takes long where nothing is optimised.
        let is_compiled = |slot| (owner, slot) == (0, 0);
        let operator = |slot| if is_compiled(slot) { "regex" } else { "starts_with" };
        let pattern = |slot| json!({"pattern": format!("c{owner}k{slot}-nobody"), "operator": operator(slot)});
        let people = all(&|slot| json!(email("people", slot)));
        let share = json!({"user_id": USER, "chat_id": 123, "share_id": 456, "emails": people});
        let Some(version) = self.put else {
            let signups = all(&|slot| json!(email("sim", slot)));
            return match list {
                List::Whitelist => ("removeFromWhitelist", json!({"app_id": APP, "signups": signups})),
                List::Blacklist => ("removeFromBlacklist", json!({"app_id": APP, "signups": signups})),
                List::WhitelistPatterns => {
                    ("removeWhitelistPatterns", json!({"app_id": APP, "patterns": all(&pattern)}))
                }
                List::BlacklistPatterns => {
                    ("removeBlacklistPatterns", json!({"app_id": APP, "patterns": all(&pattern)}))
                }
                List::Share => ("removeFromShareWhitelist", share),
                List::Organization => {
                    ("removeFromOrgWhitelist", json!({"org_id": "acme", "email": email("members", slot)}))
                }
                List::Apps => ("removeApp", json!({"app_id": id.to_string()})),
                List::Users => ("removeUser", json!({"user_id": id})),
                List::Bots => ("removeBot", json!({"bot_id": id.to_string()})),
                List::Keys => ("removeApiKey", json!({"key_id": id})),
                List::Chats => ("removeChat", json!({"user_id": USER, "chat_id": id})),
            };
        };
        let name = format!("v{version}");
        let signups = all(&|slot| json!({"signup_id": email("sim", slot), "tags": [name]}));
        match list {
            List::Whitelist => ("addToWhitelist", json!({"app_id": APP, "signups": signups})),
            List::Blacklist => ("addToBlacklist", json!({"app_id": APP, "signups": signups})),
            List::WhitelistPatterns => ("addWhitelistPatterns", json!({"app_id": APP, "patterns": all(&pattern)})),
            List::BlacklistPatterns => ("addBlacklistPatterns", json!({"app_id": APP, "patterns": all(&pattern)})),
            List::Share => ("addToShareWhitelist", share),
            List::Organization => (
                "addToOrgWhitelist",
                json!({"org_id": "acme", "name": name, "email": email("members", slot), "permissions": ["can_read"],
                    "start_date": "2024-01-01T00:00:00Z"}),
            ),
            List::Apps => ("setApp", json!({"app_id": id.to_string(), "name": name})),
            List::Users => {
                let email = format!("{name}-{}", email("users", slot));
                ("setUser", json!({"user_id": id, "primary_email": email}))
            }
            List::Bots => ("setBot", json!({"bot_id": id.to_string(), "name": name})),
            List::Keys => {
                ("setApiKey", json!({"org_id": "acme", "email": "admin@seeded.example", "key_id": id, "name": name}))
            }
            List::Chats => ("setChat", json!({"user_id": USER, "chat_id": id, "name": name})),
        }
    }
}

/// The question whether one of a client's sign-ups is let in.
pub fn may_sign_up(owner: u32, slot: u32) -> (&'static str, Value) {
    let subject = json!({"type": "user", "id": format!("c{owner}k{slot}@sim.example")});
    let resource = json!({"type": "app", "id": APP});
    ("checkAccess", json!({"subject": subject, "action": {"name": "sign_up"}, "resource": resource}))
}

/// The token of a client.
pub fn token(owner: u32) -> String {
    format!("simulated-client-{owner}-token")
}

/// What the world begins with: who the clients are, and what their lists belong to.
pub fn seed(clients: u32) -> String {
    let mut messages = vec![
        json!({"method": "setApp", "app_id": APP, "name": "Seeded app", "use_whitelist": true, "use_blacklist": true}),
        json!({"method": "setUser", "user_id": USER, "primary_email": "owner@people.example"}),
        json!({"method": "setChat", "user_id": USER, "chat_id": 123, "name": "Seeded chat"}),
        json!({"method": "setShare", "user_id": USER, "chat_id": 123, "share_id": 456, "is_shared": true,
            "is_protected": true, "use_whitelist": true, "emails": []}),
        json!({"method": "setOrganization", "org_id": "acme", "name": "Seeded organisation"}),
        json!({"method": "addToOrgWhitelist", "org_id": "acme", "name": "Seeded admin", "email": "admin@seeded.example",
            "permissions": ["can_read", "can_use_api", "can_use_whitelist", "can_delegate"],
            "start_date": "2024-01-01T00:00:00.000Z"}),
    ];
    for owner in 0..clients {
        messages.push(json!({"method": "setBot", "bot_id": (owner + 1).to_string(), "name": "Seeded client",
            "grants": [{"permission": "admin"}], "token": token(owner)}));
        for slot in 0..SLOTS {
            let email = format!("c{owner}k{slot}@people.example");
            messages.push(json!({"method": "setUser", "user_id": List::Share.id(owner, slot), "primary_email": email}));
        }
    }
    messages.iter().map(|message| format!("{message}\n")).collect()
}

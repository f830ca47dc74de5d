//! The gateway as plainly as can be: ordered maps and vectors, searched from end to end, and nothing of the gateway's own code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value, json};

use crate::organizations::Organization;
use crate::shares::{Chat, Share, User};
use crate::signups::App;

/// The administrator, who stays; other bots come and go.
pub const ADMIN: u64 = 1;

/// What is answered, or the code of a refusal.
pub type Answer = Result<Value, u64>;

/// What a bot was granted: in the order in which grants are written, with the app or user, or the organisation.
pub type Grant = (u8, u64, String);

/// The grant that names an app.
pub const OF_APP: u8 = 1;
/// The grant that names a user.
pub const OF_USER: u8 = 2;
/// The first of the grants that name an organisation, one for each of its permissions.
pub const OF_ORG: u8 = 3;

/// What can be permitted in an organisation, in the order in which it is written.
pub const PERMISSIONS: [&str; 4] = ["can_read", "can_use_api", "can_use_whitelist", "can_delegate"];

#[derive(Clone, Default)]
pub struct Bot {
    name: String,
    apps: BTreeSet<u64>,
    grants: BTreeSet<Grant>,
}

#[derive(Clone, Default)]
pub struct Key {
    pub org: String,
    pub email: String,
    pub name: String,
}

/// The highest id that was ever given of a kind.
#[derive(Clone, Copy, Default)]
pub struct Last {
    pub user: u64,
    pub chat: u64,
    pub share: u64,
    pub entry: u64,
    pub member: u64,
    pub key: u64,
}

/// All that is known, and the answers to the last step.
#[derive(Clone, Default)]
pub struct Model {
    pub apps: BTreeMap<u64, App>,
    pub bots: BTreeMap<u64, Bot>,
    pub users: BTreeMap<u64, User>,
    pub chats: BTreeMap<u64, Chat>,
    pub shares: BTreeMap<u64, Share>,
    pub organizations: BTreeMap<String, Organization>,
    pub keys: BTreeMap<u64, Key>,
    pub last: Last,
    pub answers: Vec<Answer>,
}

/// Every case begins with the same, so the steps alone tell what went wrong.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}

impl Model {
    /// What a bot is answered to a message.
    pub fn call(&mut self, by: u64, message: &Value) -> Answer {
        let method = text(message, "method");
        let answer = if method == "checkAccess" {
            self.check_access(by, message)
        } else if method.contains("Share") || method.contains("Chat") {
            self.may_share(by, number(message, "user_id"))?;
            self.call_about_shares(method, message)
        } else if method.contains("OrgWhitelist") {
            let org = text(message, "org_id");
            self.may_in_organization(by, org, "can_use_whitelist")?;
            // Nobody grants what they do not hold.
            texts(message, "permissions").try_for_each(|held| self.may_in_organization(by, org, held))?;
            self.call_about_members(method, message)
        } else if method.contains("list") {
            let app = number(message, "app_id");
            self.may_sign_up(by, app)?;
            self.apps.get_mut(&app).ok_or(160_015_u64)?.call(app, method, message)
        } else {
            self.may_all(by)?;
            self.administer(method, message)
        };
        let name = if method.starts_with("get") || method == "checkAccess" { "Response" } else { "_ack" };
        answer.map(|mut answer| {
            answer["method"] = json!(format!("{method}{name}"));
            answer
        })
    }

    fn administer(&mut self, method: &str, message: &Value) -> Answer {
        match method {
            "setApp" | "removeApp" | "getApps" => self.call_about_apps(method, message),
            "setBot" | "rotateBotToken" | "removeBot" | "getBots" => self.call_about_bots(method, message),
            "setUser" | "removeUser" | "getUsers" => self.call_about_users(method, message),
            _ => self.call_about_organizations(method, message),
        }
    }

    /// Everything that can be asked for, page by page as large as they come, to be compared whole.
    pub fn inventory(&self) -> Vec<Value> {
        let mut asked: Vec<Value> = Vec::new();
        for method in ["getApps", "getBots", "getUsers", "getOrganizations", "getApiKeys"] {
            asked.push(json!({"method": method}));
        }
        for app in self.apps.iter().filter(|(_, app)| app.builder).map(|(id, _)| id.to_string()) {
            for method in ["getWhitelistUsers", "getBlacklistUsers", "getWhitelistPatterns", "getBlacklistPatterns"] {
                asked.push(json!({"method": method, "app_id": app}));
            }
        }
        for user in self.users.keys() {
            asked.push(json!({"method": "getChats", "user_id": user}));
            asked.push(json!({"method": "getShares", "user_id": user}));
        }
        for (id, share) in &self.shares {
            let (user, chat) = (share.user, share.chat);
            asked.push(json!({"method": "getShareWhitelist", "user_id": user, "chat_id": chat, "share_id": id}));
        }
        asked.extend(self.organizations.keys().map(|id| json!({"method": "getOrgWhitelist", "org_id": id})));
        asked.iter_mut().for_each(|message| message["page_size"] = json!(1_000));
        asked
    }

    fn may_all(&self, by: u64) -> Result<(), u64> {
        self.is_known(by)?;
        if by == ADMIN { Ok(()) } else { Err(160_017) }
    }

    fn is_known(&self, by: u64) -> Result<(), u64> {
        self.bots.get(&by).map(|_| ()).ok_or(401)
    }

    /// Whether a bot keeps the lists of an app.
    pub fn may_sign_up(&self, by: u64, app: u64) -> Result<(), u64> {
        let builder = self.apps.get(&app).ok_or(160_015_u64)?.builder;
        let bot = self.bots.get(&by).ok_or(401_u64)?;
        let granted = bot.grants.contains(&(OF_APP, app, String::new()));
        match () {
            () if by != ADMIN && !granted && !bot.apps.contains(&app) => Err(160_024),
            () if by != ADMIN && !granted => Err(160_017),
            () if !builder => Err(409),
            () => Ok(()),
        }
    }

    /// Whether a bot keeps the shares of a user.
    pub fn may_share(&self, by: u64, user: u64) -> Result<(), u64> {
        let bot = self.bots.get(&by).ok_or(401_u64)?;
        let granted = by == ADMIN || bot.grants.contains(&(OF_USER, user, String::new()));
        if granted { Ok(()) } else { Err(160_017) }
    }

    /// Whether a bot has a permission in an organisation.
    pub fn may_in_organization(&self, by: u64, org: &str, permission: &str) -> Result<(), u64> {
        let bot = self.bots.get(&by).ok_or(401_u64)?;
        let granted = by == ADMIN || bot.grants.contains(&(of_permission(permission), 0, org.to_owned()));
        if granted { Ok(()) } else { Err(160_017) }
    }

    fn check_access(&self, by: u64, message: &Value) -> Answer {
        self.is_known(by)?;
        let (subject, action) = (text(&message["subject"], "id"), text(&message["action"], "name"));
        let resource = &message["resource"];
        match text(resource, "type") {
            "app" => {
                let app = number(resource, "id");
                self.may_sign_up(by, app)?;
                Ok(self.apps[&app].decide(subject))
            }
            "chat_share" => {
                let share = self.shares.values().find(|share| share.uuid == text(resource, "id")).ok_or(404_u64)?;
                self.may_share(by, share.user).map_err(|_| 404_u64)?;
                Ok(share.decide(self.user_of(subject)))
            }
            _ => {
                let org = text(resource, "id");
                let named = |bot: &Bot| bot.grants.iter().any(|(_, _, of)| of == org);
                let lacking = if self.bots.get(&by).is_some_and(named) { 160_017_u64 } else { 404 };
                self.may_in_organization(by, org, "can_use_whitelist").map_err(|_| lacking)?;
                let organization = self.organizations.get(org).ok_or(404_u64)?;
                Ok(organization.decide(subject, action))
            }
        }
    }

    fn call_about_bots(&mut self, method: &str, message: &Value) -> Answer {
        if method == "getBots" {
            return Ok(page("bots", self.bots.iter().map(|(id, bot)| (*id, bot.record(*id))), message));
        }
        let id = number(message, "bot_id");
        match method {
            "setBot" => {
                let mut bot = self.bots.get(&id).cloned().unwrap_or_default();
                let given = |field: &str| message.get(field).and_then(Value::as_array);
                bot.name = message["name"].as_str().map_or(bot.name, str::to_owned);
                bot.apps = given("apps").map_or(bot.apps, |apps| apps.iter().map(as_number).collect());
                bot.grants = given("grants").map_or(bot.grants, |grants| grants.iter().map(grant).collect());
                let named = bot.grants.iter().filter(|(kind, ..)| *kind == OF_APP).map(|(_, app, _)| app);
                if named.chain(&bot.apps).any(|app| !self.apps.contains_key(app)) {
                    return Err(160_015);
                }
                let stands = |(kind, user, org): &Grant| match *kind {
                    OF_APP => true,
                    OF_USER => self.users.contains_key(user),
                    _ => self.organizations.contains_key(org),
                };
                if !bot.grants.iter().all(stands) {
                    return Err(404);
                }
                let record = bot.record(id);
                self.bots.insert(id, bot);
                Ok(record)
            }
            "rotateBotToken" => self.bots.get(&id).map(|_| json!({"bot_id": id.to_string()})).ok_or(404),
            _ => self.bots.remove(&id).map(|_| json!({"bot_id": id.to_string()})).ok_or(404),
        }
    }

    /// Takes from all bots what they were granted in something that is gone.
    pub fn revoke(&mut self, gone: impl Fn(&Grant) -> bool) {
        self.bots.values_mut().for_each(|bot| bot.grants.retain(|grant| !gone(grant)));
    }

    /// Takes all bots out of an app that is gone.
    pub fn leave(&mut self, app: u64) {
        self.revoke(|grant| grant.0 == OF_APP && grant.1 == app);
        self.bots.values_mut().for_each(|bot| bot.apps.retain(|other| *other != app));
    }
}

impl Bot {
    fn record(&self, id: u64) -> Value {
        let grants: Vec<Value> = if id == ADMIN { vec![json!({"permission": "admin"})] } else { Vec::new() };
        let grants: Vec<Value> = grants.into_iter().chain(self.grants.iter().map(written)).collect();
        let apps: Vec<String> = self.apps.iter().map(u64::to_string).collect();
        json!({"bot_id": id.to_string(), "name": self.name, "apps": apps, "grants": grants})
    }
}

fn of_permission(name: &str) -> u8 {
    let (kind, _) = (OF_ORG..).zip(PERMISSIONS).find(|(_, permission)| *permission == name).expect("it is one of them");
    kind
}

fn grant(grant: &Value) -> Grant {
    match text(grant, "permission") {
        "signup_management" => (OF_APP, number(grant, "app_id"), String::new()),
        "share_management" => (OF_USER, number(grant, "user_id"), String::new()),
        permission => (of_permission(permission), 0, text(grant, "org_id").to_owned()),
    }
}

fn written((kind, id, org): &Grant) -> Value {
    match *kind {
        OF_APP => json!({"permission": "signup_management", "app_id": id.to_string()}),
        OF_USER => json!({"permission": "share_management", "user_id": id}),
        _ => json!({"permission": PERMISSIONS[usize::from(kind - OF_ORG)], "org_id": org}),
    }
}

/// A text of a message; nothing where it is missing.
pub fn text<'a>(message: &'a Value, field: &str) -> &'a str {
    message[field].as_str().unwrap_or_default()
}

/// An id of a message, as a number or in digits; 0 where it is missing.
pub fn number(message: &Value, field: &str) -> u64 {
    as_number(&message[field])
}

pub fn as_number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// The texts of an array.
pub fn texts<'a>(message: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    message[field].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// How addresses and people compare.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A page of what is listed under rising keys, as a message asks for it.
pub fn page<K: ToString>(what: &str, all: impl Iterator<Item = (K, Value)>, message: &Value) -> Value {
    let all: Vec<(String, Value)> = all.map(|(key, item)| (key.to_string(), item)).collect();
    let size = usize::try_from(number(message, "page_size")).expect("pages are small");
    let mut answer = Map::new();
    let start = match message.get("cursor").and_then(Value::as_str) {
        Some(cursor) => {
            // By length first: of numbers the longer is the higher, and organisations are not walked by cursor.
            let order = |key: &str| (key.len(), key.to_owned());
            all.iter().take_while(|(key, _)| order(key) <= order(cursor)).count()
        }
        None => {
            let number = number(message, "page_number");
            answer.insert("page_number".to_owned(), json!(number));
            size * usize::try_from(number).expect("pages are few")
        }
    };
    let left = &all[start.min(all.len())..];
    let items: Vec<&Value> = left.iter().take(size).map(|(_, item)| item).collect();
    answer.insert("eop".to_owned(), json!(left.len() <= size));
    if left.len() > size && message.get("cursor").is_some() {
        answer.insert("cursor".to_owned(), json!(left[size - 1].0));
    }
    answer.insert(what.to_owned(), json!(items));
    Value::Object(answer)
}

//! The model's users, their chats, and who may open the shared ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::reference::{Answer, Model, OF_USER, as_number, folded, number, page, text, texts};

#[derive(Clone)]
pub struct User {
    email: String,
}

#[derive(Clone)]
pub struct Chat {
    user: u64,
    name: String,
}

#[derive(Clone)]
pub struct Share {
    pub uuid: String,
    pub chat: u64,
    pub user: u64,
    shared: bool,
    protected: bool,
    use_whitelist: bool,
    /// Entries and their users, oldest first.
    entries: Vec<(u64, u64)>,
}

impl Model {
    /// The user whom an id or an address names.
    pub fn user_of(&self, subject: &str) -> Option<u64> {
        let by_address =
            || self.users.iter().find(|(_, user)| folded(&user.email) == folded(subject)).map(|(id, _)| *id);
        subject.parse().ok().or_else(by_address)
    }

    pub fn call_about_users(&mut self, method: &str, message: &Value) -> Answer {
        if method == "getUsers" {
            return Ok(page("users", self.users.iter().map(|(id, user)| (*id, user.record(*id))), message));
        }
        let id = number(message, "user_id");
        if method == "removeUser" {
            self.users.remove(&id).ok_or(404_u64)?;
            let chats: Vec<u64> = self.chats_of(id).collect();
            chats.into_iter().for_each(|chat| self.remove_chat(chat));
            self.shares.values_mut().for_each(|share| share.entries.retain(|(_, user)| *user != id));
            self.revoke(|grant| grant.0 == OF_USER && grant.1 == id);
            return Ok(json!({"user_id": id}));
        }
        let email = message.get("primary_email").and_then(Value::as_str);
        let standing = self.users.get(&id);
        let email = match (email, standing) {
            (Some(email), _) => email.to_owned(),
            (None, Some(user)) => user.email.clone(),
            (None, None) => return Err(if id == 0 { 400 } else { 404 }),
        };
        let id = if id == 0 { self.last.user + 1 } else { id };
        if self.users.iter().any(|(other, user)| *other != id && folded(&user.email) == folded(&email)) {
            return Err(409);
        }
        self.last.user = self.last.user.max(id);
        let user = User { email };
        let record = user.record(id);
        self.users.insert(id, user);
        Ok(record)
    }

    pub fn call_about_shares(&mut self, method: &str, message: &Value) -> Answer {
        let (user, chat) = (number(message, "user_id"), number(message, "chat_id"));
        match method {
            "setChat" => return self.set_chat(user, message),
            "removeChat" => {
                let asked = message["chat_ids"].as_array().expect("the steps name chats");
                let mut removed = Vec::new();
                for id in asked.iter().map(as_number) {
                    if self.owns(user, id) {
                        self.remove_chat(id);
                        removed.push(id);
                    }
                }
                let answer = json!({"user_id": user, "chat_ids": removed});
                return if removed.is_empty() { Err(404) } else { Ok(answer) };
            }
            "getChats" => {
                self.users.get(&user).ok_or(404_u64)?;
                let own = self.chats.iter().filter(|(_, chat)| chat.user == user);
                let mut answer = page("chats", own.map(|(id, chat)| (*id, chat.record(*id))), message);
                answer["user_id"] = json!(user);
                return Ok(answer);
            }
            "getShares" => {
                self.users.get(&user).ok_or(404_u64)?;
                let own = self.shares.iter().filter(|(_, share)| share.user == user);
                let mut answer = page("shares", own.map(|(id, share)| (*id, share.record(*id))), message);
                answer["user_id"] = json!(user);
                return Ok(answer);
            }
            _ if !self.owns(user, chat) => return Err(404),
            "setShare" => return self.set_share(user, chat, message),
            _ => {}
        }
        let id = number(message, "share_id");
        let invited = self.invited(user, message);
        let named: Vec<u64> = texts(message, "emails").filter_map(|email| self.user_of(email)).collect();
        let last = &mut self.last.entry;
        let share = self.shares.get_mut(&id).filter(|share| share.chat == chat).ok_or(404_u64)?;
        match method {
            "removeShare" => {
                self.shares.remove(&id);
                Ok(json!({"user_id": user, "chat_id": chat, "share_id": id}))
            }
            "addToShareWhitelist" => {
                share.use_whitelist |= share.entries.is_empty() && !invited.is_empty();
                share.invite(&invited, last);
                let entry = |user: &u64| share.entries.iter().find(|(_, listed)| listed == user).copied();
                let entries: Vec<Value> = invited.iter().filter_map(entry).map(|entry| written(id, entry)).collect();
                Ok(json!({"shareWhitelistEntries": entries}))
            }
            "removeFromShareWhitelist" => {
                let ids: Vec<u64> = message["entry_ids"].as_array().into_iter().flatten().map(as_number).collect();
                let meant = |(entry, user): &(u64, u64)| ids.contains(entry) || named.contains(user);
                let removed: Vec<(u64, u64)> = share.entries.iter().copied().filter(meant).collect();
                if removed.iter().any(|(_, user)| *user == share.user) {
                    return Err(409);
                }
                share.entries.retain(|entry| !removed.contains(entry));
                let entries: Vec<Value> = removed.into_iter().map(|entry| written(id, entry)).collect();
                Ok(json!({"shareWhitelistEntries": entries}))
            }
            _ => {
                let entries = share.entries.iter().map(|entry| (entry.0, written(id, *entry)));
                Ok(page("shareWhitelistEntries", entries, message))
            }
        }
    }

    fn owns(&self, user: u64, chat: u64) -> bool {
        self.chats.get(&chat).is_some_and(|chat| chat.user == user)
    }

    fn chats_of(&self, user: u64) -> impl Iterator<Item = u64> {
        self.chats.iter().filter(move |(_, chat)| chat.user == user).map(|(id, _)| *id)
    }

    fn remove_chat(&mut self, chat: u64) {
        self.chats.remove(&chat);
        self.shares.retain(|_, share| share.chat != chat);
    }

    /// The users whom a message names, rising, and the owner behind them; nobody where it names no addresses at all.
    fn invited(&self, owner: u64, message: &Value) -> Vec<u64> {
        if message.get("emails").is_none() {
            return Vec::new();
        }
        let users: BTreeSet<u64> = texts(message, "emails").filter_map(|email| self.user_of(email)).collect();
        users.into_iter().filter(|user| *user != owner).chain([owner]).collect()
    }

    fn set_chat(&mut self, user: u64, message: &Value) -> Answer {
        self.users.get(&user).ok_or(404_u64)?;
        let id = number(message, "chat_id");
        let id = if id == 0 { self.last.chat + 1 } else { id };
        if self.chats.get(&id).is_some_and(|chat| chat.user != user) {
            return Err(409);
        }
        self.last.chat = self.last.chat.max(id);
        let chat = self.chats.entry(id).or_insert(Chat { user, name: String::new() });
        chat.name = message["name"].as_str().map_or(std::mem::take(&mut chat.name), str::to_owned);
        Ok(chat.record(id))
    }

    fn set_share(&mut self, user: u64, chat: u64, message: &Value) -> Answer {
        let asked = number(message, "share_id");
        let uuid = text(message, "share_uuid").to_owned();
        let standing = self.shares.iter().find(|(_, share)| share.chat == chat).map(|(id, share)| (*id, share.clone()));
        let (id, mut share) = match standing {
            Some(_) if message["create_only"] == json!(true) => return Err(409),
            Some((id, _)) if asked != 0 && asked != id => return Err(404),
            Some((_, share)) if uuid != share.uuid => return Err(409),
            Some(standing) => standing,
            None if self.shares.contains_key(&asked) => return Err(409),
            None if self.shares.values().any(|share| share.uuid == uuid) => return Err(409),
            None => {
                let id = if asked == 0 { self.last.share + 1 } else { asked };
                let (shared, protected, use_whitelist) = (true, false, false);
                (id, Share { uuid, chat, user, shared, protected, use_whitelist, entries: Vec::new() })
            }
        };
        let invited = self.invited(user, message);
        let begins = share.entries.is_empty() && !invited.is_empty();
        share.shared = message["is_shared"].as_bool().unwrap_or(share.shared);
        share.protected = message["is_protected"].as_bool().unwrap_or(share.protected);
        share.use_whitelist = message["use_whitelist"].as_bool().unwrap_or(share.use_whitelist || begins);
        share.invite(&invited, &mut self.last.entry);
        self.last.share = self.last.share.max(id);
        let record = share.record(id);
        self.shares.insert(id, share);
        Ok(record)
    }
}

impl User {
    fn record(&self, id: u64) -> Value {
        json!({"user_id": id, "primary_email": self.email, "has_password": false})
    }
}

impl Chat {
    fn record(&self, id: u64) -> Value {
        json!({"chat_id": id, "user_id": self.user, "name": self.name})
    }
}

impl Share {
    fn record(&self, id: u64) -> Value {
        json!({
            "share_id": id, "share_uuid": self.uuid, "user_id": self.user, "chat_id": self.chat, "has_password": false,
            "is_shared": self.shared, "is_protected": self.protected, "use_whitelist": self.use_whitelist,
            "entries": self.entries.len()
        })
    }

    fn invite(&mut self, users: &[u64], last: &mut u64) {
        for user in users {
            if !self.entries.iter().any(|(_, listed)| listed == user) {
                *last += 1;
                self.entries.push((*last, *user));
            }
        }
    }

    /// Whether somebody may open it.
    pub fn decide(&self, user: Option<u64>) -> Value {
        let entry = self.entries.iter().find(|(_, listed)| Some(*listed) == user);
        let mut context = match (self.shared, self.use_whitelist, entry) {
            _ if user == Some(self.user) => json!({"reason": "owner", "owner": self.user}),
            (false, ..) => json!({"reason": "not_shared"}),
            (true, true, Some((id, user))) => json!({"reason": "whitelisted", "entry": {"id": id, "user_id": user}}),
            (true, true, None) => json!({"reason": "not_whitelisted"}),
            (true, false, _) if self.protected => json!({"reason": "protected"}),
            (true, false, _) => json!({"reason": "public"}),
        };
        let decision = ["owner", "whitelisted", "public"].iter().any(|reason| context["reason"] == *reason);
        json!({"decision": decision, "context": context.take()})
    }
}

fn written(share: u64, (id, user): (u64, u64)) -> Value {
    json!({"id": id, "whitelisted_neptun_user_id": user, "chat_conversation_share_id": share})
}

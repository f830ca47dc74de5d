//! The model's organisations: their members, from when to when, and the members' keys.

use serde_json::{Value, json};

use crate::reference::{Answer, Key, Model, OF_ORG, PERMISSIONS, folded, number, page, text, texts};

/// Windows as the steps use them: long past and for good, long over, far off, and long past till far off.
pub const WINDOWS: [(&str, Option<&str>); 4] = [
    ("2020-01-01T00:00:00.000Z", None),
    ("2020-01-01T00:00:00.000Z", Some("2021-01-01T00:00:00.000Z")),
    ("2999-01-01T00:00:00.000Z", None),
    ("2020-01-01T00:00:00.000Z", Some("2999-01-01T00:00:00.000Z")),
];

/// Keys that a member may have.
const KEYS_MAX: usize = 20;

#[derive(Clone, PartialEq)]
struct Member {
    id: u64,
    name: String,
    email: String,
    permissions: Vec<String>,
    start: String,
    end: Option<String>,
}

#[derive(Clone, Default)]
pub struct Organization {
    name: String,
    members: Vec<Member>,
}

impl Model {
    pub fn call_about_organizations(&mut self, method: &str, message: &Value) -> Answer {
        let org = text(message, "org_id").to_owned();
        match method {
            "getOrganizations" => {
                let all = self.organizations.iter().map(|(id, organization)| (id, organization.record(id)));
                Ok(page("organizations", all, message))
            }
            "setOrganization" => {
                let organization = self.organizations.entry(org.clone()).or_default();
                let name = message["name"].as_str().map(str::to_owned);
                organization.name = name.unwrap_or_else(|| organization.name.clone());
                Ok(organization.record(&org))
            }
            "removeOrganization" => {
                self.organizations.remove(&org).ok_or(404_u64)?;
                self.keys.retain(|_, key| key.org != org);
                self.revoke(|grant| grant.0 >= OF_ORG && grant.2 == org);
                Ok(json!({"org_id": org}))
            }
            "getApiKeys" => Ok(page("api_keys", self.keys.iter().map(|(id, key)| (*id, key.record(*id))), message)),
            "removeApiKey" => {
                let id = number(message, "key_id");
                self.keys.remove(&id).map(|_| json!({"key_id": id})).ok_or(404)
            }
            _ => self.set_key(org, message),
        }
    }

    fn set_key(&mut self, org: String, message: &Value) -> Answer {
        let organization = self.organizations.get(&org).ok_or(404_u64)?;
        let email = organization.member(text(message, "email")).ok_or(404_u64)?.email.clone();
        let asked = number(message, "key_id");
        let standing = self.keys.get(&asked);
        if standing.is_some_and(|key| key.org != org || folded(&key.email) != folded(&email)) {
            return Err(409);
        }
        let of_member = |key: &&Key| key.org == org && folded(&key.email) == folded(&email);
        if standing.is_none() && self.keys.values().filter(of_member).count() >= KEYS_MAX {
            return Err(413);
        }
        let name = message["name"].as_str().map(str::to_owned);
        let name = name.or(standing.map(|key| key.name.clone())).unwrap_or_default();
        let id = if asked == 0 { self.last.key + 1 } else { asked };
        self.last.key = self.last.key.max(id);
        let key = Key { org, email, name };
        let record = key.record(id);
        self.keys.insert(id, key);
        Ok(record)
    }

    pub fn call_about_members(&mut self, method: &str, message: &Value) -> Answer {
        let org = text(message, "org_id");
        let organization = self.organizations.get_mut(org).ok_or(404_u64)?;
        let email = text(message, "email");
        let at = organization.members.iter().position(|member| folded(&member.email) == folded(email));
        match method {
            "getOrgWhitelist" => {
                let members = organization.members.iter().map(|member| (member.id, member.record()));
                let mut answer = page("members", members, message);
                answer["org_id"] = json!(org);
                Ok(answer)
            }
            "addToOrgWhitelist" => {
                let mut member = Member::new(message);
                if let Some(at) = at {
                    let standing = &organization.members[at];
                    (member.id, member.email) = (standing.id, standing.email.clone());
                    if message["create_only"] == json!(true) {
                        return Err(409);
                    }
                    if *standing != member && organization.would_lose_its_last(at, Some(&member)) {
                        return Err(409);
                    }
                    organization.members[at] = member.clone();
                } else {
                    self.last.member += 1;
                    member.id = self.last.member;
                    organization.members.push(member.clone());
                }
                Ok(member.told(org))
            }
            _ => {
                let at = at.ok_or(404_u64)?;
                if organization.would_lose_its_last(at, None) {
                    return Err(409);
                }
                let member = organization.members.remove(at);
                self.keys.retain(|_, key| key.org != org || folded(&key.email) != folded(&member.email));
                Ok(member.told(org))
            }
        }
    }
}

impl Organization {
    fn record(&self, id: &str) -> Value {
        json!({"org_id": id, "name": self.name, "members": self.members.len()})
    }

    fn member(&self, email: &str) -> Option<&Member> {
        self.members.iter().find(|member| folded(&member.email) == folded(email))
    }

    /// Whether nobody would be left who keeps the whitelist for good.
    fn would_lose_its_last(&self, at: usize, after: Option<&Member>) -> bool {
        let others = self.members.iter().enumerate().filter(|(other, _)| *other != at);
        self.members[at].keeps_for_good()
            && !after.is_some_and(Member::keeps_for_good)
            && !others.into_iter().any(|(_, other)| other.keeps_for_good())
    }

    /// Whether somebody has a permission.
    pub fn decide(&self, email: &str, permission: &str) -> Value {
        let Some(member) = self.member(email) else {
            return json!({"decision": false, "context": {"reason": "not_a_member"}});
        };
        let holds = member.permissions.iter().any(|held| held == permission);
        let (reason, expires) = match member.status() {
            "scheduled" => ("scheduled", Some(&member.start)),
            "expired" => ("expired", None),
            _ if holds => ("member", member.end.as_ref()),
            _ => ("permission_missing", None),
        };
        let mut context = json!({"reason": reason, "entry": {"id": member.id, "email": member.email}});
        if let Some(expires) = expires {
            context["expires_at"] = json!(expires);
        }
        json!({"decision": reason == "member", "context": context})
    }
}

impl Member {
    fn new(message: &Value) -> Self {
        let given: Vec<&str> = texts(message, "permissions").collect();
        let permissions = PERMISSIONS.into_iter().filter(|permission| given.contains(permission));
        Self {
            id: 0,
            name: text(message, "name").to_owned(),
            email: text(message, "email").to_owned(),
            permissions: permissions.map(str::to_owned).collect(),
            start: text(message, "start_date").to_owned(),
            end: message["end_date"].as_str().map(str::to_owned),
        }
    }

    /// As the tests run between 2021 and 2999.
    fn status(&self) -> &'static str {
        match (&*self.start, self.end.as_deref()) {
            (start, _) if start.starts_with("2999") => "scheduled",
            (_, Some(end)) if end.starts_with("2021") => "expired",
            _ => "active",
        }
    }

    fn keeps_for_good(&self) -> bool {
        let keeps = self.permissions.iter().any(|permission| permission == "can_use_whitelist");
        keeps && self.end.is_none() && self.status() == "active"
    }

    fn record(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "email": self.email, "permissions": self.permissions,
            "start_date": self.start, "end_date": self.end, "status": self.status()
        })
    }

    fn told(&self, org: &str) -> Value {
        let mut told = self.record();
        told["org_id"] = json!(org);
        told
    }
}

impl Key {
    fn record(&self, id: u64) -> Value {
        json!({"key_id": id, "org_id": self.org, "email": self.email, "name": self.name})
    }
}

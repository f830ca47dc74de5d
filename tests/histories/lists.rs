//! This is where the lists of all three products are asked alike.

use serde_json::{Value, json};

use super::list::{Asked, Came, Listed, Name};
use crate::support::Client;

/// Names that may be on a list: few, so that clients meet.
pub const NAMES: Name = 4;

/// A list that a gateway keeps.
#[derive(Clone, Debug)]
pub enum List {
    /// Of people who may sign up to an app.
    Signups { app_id: u64 },
    /// Of people who may open a share.
    Share { id: u64 },
    /// Of an organisation's members.
    Organization { org_id: String },
}

fn email(name: Name) -> String {
    format!("name{name}@example.com")
}

fn name_of(email: &Value) -> Name {
    let digit = email.as_str().and_then(|email| email.strip_prefix("name")?.strip_suffix("@example.com"));
    digit.and_then(|digit| digit.parse().ok()).unwrap_or_else(|| panic!("{email} is none of the tests' names"))
}

/// The user of a name; user 1 owns all shares.
fn user(name: Name) -> u64 {
    u64::from(name) + 100
}

/// Has a gateway know the users that lists name.
pub async fn set_users(client: &mut Client) {
    for name in 0..NAMES {
        let set = json!({"method": "setUser", "user_id": user(name), "primary_email": email(name)});
        accepted(client.call(set).await);
    }
}

fn accepted(ack: Value) {
    assert!(ack.get("error").is_none(), "{ack}");
}

impl List {
    /// Has an administrator make the `n`-th list, one kind after the other.
    pub async fn make(client: &mut Client, n: u64) -> Self {
        let id = n + 1_000;
        match n % 3 {
            0 => {
                accepted(
                    client.call(json!({"method": "setApp", "app_id": id, "app_builder": true, "name": "x"})).await,
                );
                Self::Signups { app_id: id }
            }
            1 => {
                accepted(client.call(json!({"method": "setChat", "user_id": 1, "chat_id": id, "name": "x"})).await);
                let set = json!({"method": "setShare", "user_id": 1, "chat_id": id, "share_id": id, "emails": []});
                accepted(client.call(set).await);
                Self::Share { id }
            }
            _ => {
                let org_id = format!("org{id}");
                accepted(client.call(json!({"method": "setOrganization", "org_id": org_id, "name": "x"})).await);
                Self::Organization { org_id }
            }
        }
    }

    /// Whether its entries have numbers of its own.
    pub fn is_numbered(&self) -> bool {
        matches!(self, Self::Signups { .. })
    }

    /// The message that asks something of it.
    pub fn message(&self, asked: Asked) -> Value {
        match (self, asked) {
            (Self::Signups { app_id }, Asked::Add(name)) => {
                json!({"method": "addToWhitelist", "app_id": app_id, "signups": [email(name)]})
            }
            (Self::Signups { app_id }, Asked::Remove(name)) => {
                json!({"method": "removeFromWhitelist", "app_id": app_id, "signups": [email(name)]})
            }
            (Self::Signups { app_id }, Asked::Read) => json!({"method": "getWhitelistUsers", "app_id": app_id}),
            (Self::Share { id }, asked) => {
                let mut message = json!({"user_id": 1, "chat_id": id, "share_id": id});
                let (method, name) = match asked {
                    Asked::Add(name) => ("addToShareWhitelist", Some(name)),
                    Asked::Remove(name) => ("removeFromShareWhitelist", Some(name)),
                    Asked::Read => ("getShareWhitelist", None),
                };
                message["method"] = method.into();
                if let Some(name) = name {
                    message["emails"] = json!([email(name)]);
                }
                message
            }
            (Self::Organization { org_id }, Asked::Add(name)) => json!({
                "method": "addToOrgWhitelist", "org_id": org_id, "name": "x", "email": email(name), "permissions": ["can_read"],
                "start_date": "2024-01-01T00:00:00.000Z",
            }),
            (Self::Organization { org_id }, Asked::Remove(name)) => {
                json!({"method": "removeFromOrgWhitelist", "org_id": org_id, "email": email(name)})
            }
            (Self::Organization { org_id }, Asked::Read) => json!({"method": "getOrgWhitelist", "org_id": org_id}),
        }
    }

    /// What an answer tells.
    pub fn came(&self, asked: Asked, answer: &Value) -> Came {
        let listed = self.listed(answer);
        match asked {
            Asked::Add(name) => {
                let own = listed.iter().find(|listed| listed.name == name);
                Came::Stands(own.unwrap_or_else(|| panic!("{name} is not in {answer}")).number)
            }
            Asked::Remove(_) if answer["error"] == 404 && !self.is_numbered() => Came::Removed(false),
            Asked::Remove(name) => Came::Removed(listed.iter().any(|listed| listed.name == name)),
            Asked::Read => {
                assert_eq!(answer["eop"], true, "the lists of tests are short: {answer}");
                Came::Read(listed)
            }
        }
    }

    fn listed(&self, answer: &Value) -> Vec<Listed> {
        let array = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
        match self {
            Self::Signups { .. } => array("signups").iter().map(signup).collect(),
            Self::Share { .. } => {
                let users = array("shareWhitelistEntries").into_iter();
                let users = users.map(|entry| entry["whitelisted_neptun_user_id"].as_u64().expect("a user has an id"));
                users.filter_map(|id| (0..NAMES).find(|name| user(*name) == id)).map(unnumbered).collect()
            }
            Self::Organization { .. } => match answer["email"].is_string() {
                true => vec![unnumbered(name_of(&answer["email"]))],
                false => array("members").iter().map(|member| unnumbered(name_of(&member["email"]))).collect(),
            },
        }
    }
}

fn unnumbered(name: Name) -> Listed {
    Listed { name, number: 0 }
}

/// A record of a sign-up list; what was removed is an id alone.
fn signup(record: &Value) -> Listed {
    if record.is_string() {
        return unnumbered(name_of(record));
    }
    let number = record["id"].as_str().and_then(|id| id.parse().ok()).expect("a record has a number");
    Listed { name: name_of(&record["signup_id"]), number }
}

//! This is where histories are made up: changes on lists, and of the directory beside them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{APPS, ORGANIZATIONS, OWNERS};

/// Who may be on lists.
const PEOPLE: [&str; 5] = ["amy@x.org", "ben@x.org", "bob@x.org", "cleo@x.org", "nobody@x.org"];

/// A change on a list.
pub fn on_lists() -> impl Strategy<Value = Value> {
    prop_oneof![4 => on_apps(), 3 => on_shares(), 3 => on_organizations()]
}

fn on_apps() -> impl Strategy<Value = Value> {
    let methods = select(vec!["addToWhitelist", "removeFromWhitelist", "addToBlacklist", "removeFromBlacklist"]);
    let tags = select(vec!["4", "7"]);
    let signups =
        (methods, select(APPS.to_vec()), select(PEOPLE.to_vec()), tags).prop_map(|(method, app, who, tag)| {
            let signup = if method == "addToWhitelist" { json!({"signup_id": who, "tags": [tag]}) } else { json!(who) };
            json!({"method": method, "app_id": app, "signups": [signup]})
        });
    let methods = select(vec!["addWhitelistPatterns", "removeWhitelistPatterns", "addBlacklistPatterns"]);
    let texts = select(vec!["x.org", "amy", "nobody"]);
    let patterns = (methods, select(APPS.to_vec()), texts).prop_map(|(method, app, text)| {
        let added = json!({"pattern": text, "operator": "contains"});
        let pattern = if method.starts_with("add") { added } else { json!(text) };
        json!({"method": method, "app_id": app, "patterns": [pattern]})
    });
    prop_oneof![3 => signups, 1 => patterns]
}

/// Chats and shares with ids that administrators choose, for each owner others.
fn on_shares() -> impl Strategy<Value = Value> {
    (0..6_u8, select(OWNERS.to_vec()), select(PEOPLE.to_vec())).prop_map(|(which, user, email)| {
        let (chat, share) = (10 + user, 20 + user);
        let uuid = format!("00000000-0000-4000-8000-0000000000{share}");
        let mut message = match which {
            0 | 1 => json!({"method": "addToShareWhitelist", "share_id": share, "emails": [email]}),
            2 => json!({"method": "removeFromShareWhitelist", "share_id": share, "emails": [email]}),
            3 => json!({"method": "setShare", "share_id": share, "share_uuid": uuid, "emails": [email]}),
            4 => json!({"method": "removeShare", "share_id": share}),
            _ => json!({"method": "setChat", "name": email}),
        };
        message["user_id"] = json!(user);
        message["chat_id"] = json!(chat);
        message
    })
}

fn on_organizations() -> impl Strategy<Value = Value> {
    let permissions = select(vec![vec!["can_read"], vec!["can_read", "can_use_whitelist"]]);
    (0..3_u8, select(ORGANIZATIONS.to_vec()), select(PEOPLE.to_vec()), permissions).prop_map(
        |(which, org, email, permissions)| match which {
            0 => json!({"method": "removeFromOrgWhitelist", "org_id": org, "email": email}),
            _ => json!({"method": "addToOrgWhitelist", "org_id": org, "email": email, "name": "Somebody",
                "permissions": permissions, "start_date": "2025-01-01T00:00:00.000Z"}),
        },
    )
}

/// A change of the directory on which no list depends.
pub fn beside_lists() -> impl Strategy<Value = Value> {
    (0..4_u8, select(APPS.to_vec()), select(ORGANIZATIONS.to_vec()), any::<bool>(), 50..54_u32).prop_map(
        |(which, app, org, is_on, user)| match which {
            0 => json!({"method": "setApp", "app_id": app, "use_blacklist": is_on}),
            1 => json!({"method": "setOrganization", "org_id": org, "name": format!("named {is_on}")}),
            2 => json!({"method": "setUser", "user_id": user, "primary_email": format!("new-{user}-{is_on}@x.org")}),
            _ => json!({"method": "setBot", "bot_id": "3", "name": format!("named {is_on}"),
                "token": "3:0:TokenOfABotBesideTheLists00001"}),
        },
    )
}

/// A change of the directory on which lists do depend: what they are about is removed or made anew, rights and addresses move.
pub fn under_lists() -> impl Strategy<Value = Value> {
    (0..9_u8, select(APPS.to_vec()), select(ORGANIZATIONS.to_vec()), 1..=4_u32, select(PEOPLE.to_vec())).prop_map(
        |(which, app, org, user, email)| match which {
            0 => json!({"method": "removeApp", "app_id": app}),
            1 => json!({"method": "setApp", "app_id": app}),
            2 => json!({"method": "setApp", "app_id": app, "app_builder": user > 1}),
            3 => json!({"method": "removeUser", "user_id": user}),
            4 => json!({"method": "setUser", "user_id": user, "primary_email": email}),
            5 => json!({"method": "setUser", "user_id": user, "primary_email": format!("{user}-of-old@x.org")}),
            6 => json!({"method": "removeOrganization", "org_id": org}),
            7 => json!({"method": "setOrganization", "org_id": org}),
            _ => json!({"method": "setApiKey", "org_id": org, "email": email,
                "api_key": format!("a-key-of-{org}-number-{user}")}),
        },
    )
}

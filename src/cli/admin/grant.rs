//! How a grant is written on a command line: `admin`, `signup_management:APP`, `can_read:ORGANISATION`.

use std::str::FromStr;

use guestlist::state::bot::Grant;
use serde::Deserialize;
use serde_json::{Value, json};

/// A grant as it is written; `signup_management` alone is one in each app that is given.
#[derive(Clone, Debug)]
pub enum Written {
    /// In something that is named, or everywhere.
    Whole(Grant),
    /// In each app.
    InEachApp,
}

impl FromStr for Written {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (permission, of) = match text.split_once(':') {
            None if text == "signup_management" => return Ok(Self::InEachApp),
            None => (text, None),
            Some((permission, of)) => (permission, Some(of)),
        };
        let mut grant = json!({"permission": permission});
        match (place(permission), of) {
            (Some(place), Some(of)) => grant[place] = json!(of),
            (Some(_), None) => return Err(format!("write {permission}:ID, for it is about one of several")),
            (None, Some(_)) if permission == "admin" => return Err("admin is about everything; write no id".to_owned()),
            (None, _) => {}
        }
        Grant::deserialize(grant).map(Self::Whole).map_err(|error| error.to_string())
    }
}

/// What a permission is in, where it is in something.
fn place(permission: &str) -> Option<&'static str> {
    match permission {
        "signup_management" => Some("app_id"),
        "share_management" => Some("user_id"),
        "can_read" | "can_use_api" | "can_use_whitelist" | "can_delegate" => Some("org_id"),
        _ => None,
    }
}

/// The grants as a message has them.
pub fn granted(written: &[Written], apps: &[String]) -> Result<Vec<Value>, String> {
    let mut grants = Vec::new();
    for grant in written {
        match grant {
            Written::Whole(grant) => grants.push(json!(grant)),
            Written::InEachApp if apps.is_empty() => {
                return Err(
                    "signup_management is granted in an app; name it with --app, or write signup_management:ID"
                        .to_owned(),
                );
            }
            Written::InEachApp => {
                grants.extend(apps.iter().map(|app_id| json!({"permission": "signup_management", "app_id": app_id})))
            }
        }
    }
    Ok(grants)
}

/// A grant as it could be written.
pub fn shown(grant: &Value) -> String {
    let permission = grant["permission"].as_str().unwrap_or_default();
    match place(permission).map(|place| &grant[place]) {
        Some(Value::String(of)) => format!("{permission}:{of}"),
        Some(of) => format!("{permission}:{of}"),
        None => permission.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_written() {
        for text in ["admin", "signup_management:7", "share_management:1", "can_read:acme", "can_delegate:acme"] {
            let written: Written = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let grants = granted(&[written], &[]).expect("it is whole");
            assert_eq!(grants.iter().map(shown).collect::<Vec<_>>(), [text]);
        }
        let apps = ["7".to_owned(), "8".to_owned()];
        let grants = granted(&[Written::InEachApp], &apps).expect("there are apps");
        assert_eq!(grants.iter().map(shown).collect::<Vec<_>>(), ["signup_management:7", "signup_management:8"]);
    }

    #[test]
    fn what_is_no_grant_is_refused_with_what_would_be() {
        for (text, said) in [
            ("owner", "expected one of `admin`"),
            ("admin:7", "write no id"),
            ("can_read", "write can_read:ID"),
            ("signup_management:x", ""),
        ] {
            let refused = text.parse::<Written>().expect_err(text);
            assert!(refused.contains(said), "{refused}");
        }
        assert!(granted(&[Written::InEachApp], &[]).is_err_and(|said| said.contains("--app")));
    }
}

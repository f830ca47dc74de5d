//! What every frame must be for the six published SDKs to take it: one wrong type makes a Java bot drop its connection and a
//! Node bot exit. The rules were found by trying each SDK, field by field.

use serde_json::{Map, Value};

/// Keys whose value is an id wherever they stand: a string of digits, for a number would be rounded by JavaScript.
const IDS: &[&str] = &["id", "ID", "app_id", "chat_id", "bot_id", "bound_app_id", "cursor"];

/// The same of users and what is theirs: a number, as the API that they come from has it, and small enough for every language.
const SERIAL_IDS: &[&str] =
    &["user_id", "share_id", "whitelisted_neptun_user_id", "chat_conversation_share_id", "key_id"];

/// Replies in which `id` and `chat_id` are such numbers as well. No SDK knows these methods, nor those of organisations.
const OF_USERS: &[&str] = &[
    "setUser_ack",
    "removeUser_ack",
    "getUsersResponse",
    "setChat_ack",
    "removeChat_ack",
    "getChatsResponse",
    "setShare_ack",
    "removeShare_ack",
    "getSharesResponse",
    "addToShareWhitelist_ack",
    "removeFromShareWhitelist_ack",
    "getShareWhitelistResponse",
    "signUp_ack",
    "logIn_ack",
    "logOut_ack",
];

/// Replies in which a cursor may be a sign-up id. No SDK knows these methods.
const OF_SEARCHES: &[&str] = &["searchWhitelistResponse", "searchBlacklistResponse"];

/// Replies in which `id` is such a number, `end_date` may be null, and a cursor may be an organisation's name.
const OF_ORGANIZATIONS: &[&str] = &[
    "setOrganization_ack",
    "removeOrganization_ack",
    "getOrganizationsResponse",
    "addToOrgWhitelist_ack",
    "removeFromOrgWhitelist_ack",
    "getOrgWhitelistResponse",
    "setApiKey_ack",
    "removeApiKey_ack",
    "getApiKeysResponse",
];

/// Replies in which `id` is that of an entry or pattern, of a member or of a share's entry, or any text that names a subject or
/// a resource, as the standard has it. No SDK knows these methods either.
const OF_DECISIONS: &[&str] =
    &["checkAccessResponse", "searchSubjectsResponse", "searchResourcesResponse", "searchActionsResponse"];

/// Keys that may be null, at the top of a frame: two as the real service sends them, and the reference of a sign-up's ack.
const NULLABLE: &[&str] = &["email", "recordIndex", "reference"];

/// The members of an entry on the list of a share, in alphabetical order.
const SHARE_ENTRY: [&str; 5] =
    ["chat_conversation_share_id", "created_at", "id", "updated_at", "whitelisted_neptun_user_id"];

/// What a reply is about, which says how its ids look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Apps,
    Users,
    Organizations,
    Decisions,
    Searches,
}

impl Of {
    fn method(reply: &str) -> Self {
        if OF_USERS.contains(&reply) {
            Self::Users
        } else if OF_ORGANIZATIONS.contains(&reply) {
            Self::Organizations
        } else if OF_SEARCHES.contains(&reply) {
            Self::Searches
        } else if OF_DECISIONS.contains(&reply) {
            Self::Decisions
        } else {
            Self::Apps
        }
    }

    /// Whether a member may be null: the end of a window that never closes is, as the organisation API has it.
    fn has_null(self, key: &str) -> bool {
        self == Self::Organizations && key == "end_date"
    }
}

/// Replies that have an `ack`.
const ABOUT_EVENTS: [&str; 2] = ["eventResponse", "listEventSubscriptionsResponse"];

/// What the array of a kind of reply holds.
enum Items {
    ShareEntries,
    Objects { key: &'static str, text: &'static str },
    Strings { key: &'static str },
}

/// Says what is wrong with a frame that the gateway sent.
pub fn check(frame: &Value) -> Result<(), String> {
    let Value::Object(frame) = frame else { return Err("is no object".to_owned()) };
    let method = frame.get("method").and_then(Value::as_str).unwrap_or_default();
    // What was changed looks as it does in the answer to whoever changed it.
    let change = frame.get("change").and_then(Value::as_str).map(|change| format!("{change}_ack"));
    let of = Of::method(change.as_deref().filter(|_| method == "eventMessage").unwrap_or(method));
    for (key, value) in frame {
        if value.is_null() && !NULLABLE.contains(&key.as_str()) && !of.has_null(key) {
            return Err(format!("{key} is null"));
        }
        if !value.is_null() {
            member(key, value, of).map_err(|fault| format!("{key}{fault}"))?;
        }
    }
    match frame.get("method") {
        None => refusal(frame),
        Some(Value::String(method)) => reply(method, frame),
        Some(_) => Err("method is no string".to_owned()),
    }
}

fn refusal(frame: &Map<String, Value>) -> Result<(), String> {
    let error = frame.get("error").is_some_and(Value::is_u64);
    let told = frame.get("message").and_then(Value::as_str).is_some_and(|message| !message.is_empty());
    let about = frame.get("request").is_none_or(Value::is_string);
    let echoed = frame.get("reference").is_none_or(|reference| !reference.is_null());
    if error && told && about && echoed {
        return Ok(());
    }
    Err("a refusal has an integer error, a message, perhaps the request's name, and no null reference".to_owned())
}

/// What is said of subscriptions: SDKs look at `ack` alone, and at `error` where that is false.
fn about_events(frame: &Map<String, Value>) -> Result<(), String> {
    match (frame.get("ack"), frame.contains_key("error")) {
        (Some(Value::Bool(true)), false) => Ok(()),
        (Some(Value::Bool(false)), true) => refusal(frame),
        _ => Err("ack is no boolean, or does not go with error".to_owned()),
    }
}

fn reply(method: &str, frame: &Map<String, Value>) -> Result<(), String> {
    if ABOUT_EVENTS.contains(&method) {
        return about_events(frame);
    }
    if frame.contains_key("error") {
        // With `signups` or `data` beside it, it would look like an empty success.
        return Err("a reply has no error".to_owned());
    }
    if method == "PONG" && frame.len() > 1 {
        return Err("a PONG is nothing but its method".to_owned());
    }
    if method == "TOKEN_AUTH_OK" {
        return welcome(frame);
    }
    let null_reference = frame.get("reference").is_some_and(Value::is_null);
    let Some(items) = items(method) else {
        return if null_reference { Err("reference is null".to_owned()) } else { Ok(()) };
    };
    let of_people = matches!(items, Items::Strings { .. } | Items::Objects { key: "signups", .. });
    if null_reference && !of_people {
        return Err("reference is null, at which the Python SDK fails".to_owned());
    }
    if !matches!(items, Items::ShareEntries) && !frame.contains_key("app_id") {
        return Err("app_id is missing".to_owned());
    }
    array(frame, &items)
}

/// What the replies of a method hold, by its name on the wire.
fn items(method: &str) -> Option<Items> {
    if Of::method(method) == Of::Organizations {
        return None;
    }
    if method.contains("ShareWhitelist") {
        return Some(Items::ShareEntries);
    }
    if method.starts_with("removeFrom") {
        return Some(Items::Strings { key: "signups" });
    }
    if method.contains("Patterns") {
        return Some(Items::Objects { key: "data", text: "pattern" });
    }
    let people = method.starts_with("addTo") || method.ends_with("listUsersResponse");
    people.then_some(Items::Objects { key: "signups", text: "signup_id" })
}

fn array(frame: &Map<String, Value>, items: &Items) -> Result<(), String> {
    let key = match items {
        Items::Objects { key, .. } | Items::Strings { key } => *key,
        Items::ShareEntries => "shareWhitelistEntries",
    };
    let Some(Value::Array(array)) = frame.get(key) else { return Err(format!("{key} is missing or no array")) };
    for (index, item) in array.iter().enumerate() {
        let good = match items {
            Items::Strings { .. } => item.is_string(),
            Items::ShareEntries => item.as_object().is_some_and(|entry| entry.keys().eq(SHARE_ENTRY)),
            Items::Objects { text, .. } => {
                item.get("id").is_some_and(Value::is_string) && item.get(text).is_some_and(Value::is_string)
            }
        };
        if !good {
            return Err(match items {
                Items::Strings { .. } => format!("{key}[{index}] is no string"),
                Items::ShareEntries => format!("{key}[{index}] has not just the members of an entry"),
                Items::Objects { text, .. } => format!("{key}[{index}] is no object with the strings id and {text}"),
            });
        }
    }
    Ok(())
}

/// The first answer: every SDK reads `ID` and `name`, none a token.
fn welcome(frame: &Map<String, Value>) -> Result<(), String> {
    let name = frame.get("name").is_some_and(Value::is_string);
    let date = frame.get("date").is_some_and(Value::is_u64);
    let ids = frame.contains_key("ID") && frame.get("ID") == frame.get("id");
    let secret = frame.contains_key("token");
    if name && date && ids && !secret { Ok(()) } else { Err("TOKEN_AUTH_OK lacks a field or has a token".to_owned()) }
}

/// A member's value and all there is in it, null excluded; the fault begins with the path from here.
fn member(key: &str, value: &Value, of: Of) -> Result<(), String> {
    let good = match key {
        _ if SERIAL_IDS.contains(&key) => is_serial_id(value),
        "id" if of == Of::Decisions => is_serial_id(value) || value.as_str().is_some_and(|id| !id.is_empty()),
        "id" | "chat_id" if !matches!(of, Of::Apps | Of::Searches) => is_serial_id(value),
        "cursor" if matches!(of, Of::Organizations | Of::Searches) => value.is_string(),
        "permissions" => value.as_array().is_some_and(|names| names.first() == Some(&"can_read".into())),
        "status" if of == Of::Organizations => ["scheduled", "active", "expired"].iter().any(|status| value == status),
        "chat_ids" => value.as_array().is_some_and(|ids| ids.iter().all(is_serial_id)),
        "at" | "created_at" | "updated_at" | "expires_at" | "loggedInAt" | "start_date" | "end_date" => {
            value.as_str().is_some_and(is_moment)
        }
        _ if IDS.contains(&key) => value.as_str().is_some_and(is_digits),
        "eop" => value.is_boolean(),
        "page_number" => value.is_u64(),
        "tags" => value.as_array().is_some_and(|tags| tags.iter().all(Value::is_string)),
        "method" | "request" | "message" | "name" | "signup_id" | "pattern" | "example" | "operator" => {
            // The pattern that decided is an object of a pattern's members.
            value.is_string() || (key == "pattern" && value.is_object())
        }
        _ => true,
    };
    if !good {
        return Err(format!(" is {value}"));
    }
    match value {
        Value::Object(members) => within(members, of),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| match item {
            Value::Object(members) => within(members, of).map_err(|fault| format!("[{index}]{fault}")),
            Value::Null => Err(format!("[{index}] is null")),
            _ => Ok(()),
        }),
        _ => Ok(()),
    }
}

fn within(members: &Map<String, Value>, of: Of) -> Result<(), String> {
    members.iter().try_for_each(|(key, value)| {
        if value.is_null() {
            return if of.has_null(key) { Ok(()) } else { Err(format!(".{key} is null")) };
        }
        member(key, value, of).map_err(|fault| format!(".{key}{fault}"))
    })
}

fn is_serial_id(value: &Value) -> bool {
    value.as_u64().is_some_and(|id| (1..=2_147_483_647).contains(&id))
}

/// Such as `2024-03-20T10:00:00.000Z`, which every language reads.
fn is_moment(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = |(byte, form): (u8, u8)| if form == b'd' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn the_shapes_that_every_sdk_takes_pass() {
    for frame in [
        r#"{"method":"PONG"}"#,
        r#"{"method":"addToBlacklist_ack","app_id":"1","signups":[{"signup_id":"n@e.com","id":"506"}],"reference":null}"#,
        r#"{"method":"addToWhitelist_ack","app_id":"1","reference":1,"signups":[{"signup_id":"1","id":"2","tags":["4"]}]}"#,
        r#"{"method":"removeFromWhitelist_ack","app_id":"1","reference":"1","signups":["n@e.com"]}"#,
        r#"{"method":"getBlacklistUsersResponse","app_id":"1","signups":[],"page_number":0,"eop":true}"#,
        r#"{"method":"addWhitelistPatterns_ack","app_id":"1","chat_id":"1","data":[{"pattern":"x","id":"5","example":"x"}]}"#,
        r#"{"method":"addBlacklistPatterns_ack","app_id":"1","chat_id":"1","data":[],"recordIndex":null}"#,
        r#"{"error":160017,"app_id":"1","request":"addToWhitelist","message":"no","reference":"1"}"#,
        r#"{"method":"addToOrgWhitelist_ack","org_id":"acme","id":1,"permissions":["can_read"],"end_date":null,"status":"active"}"#,
        r#"{"method":"getOrganizationsResponse","organizations":[{"org_id":"acme","members":1}],"eop":false,"cursor":"acme"}"#,
        r#"{"method":"searchWhitelistResponse","app_id":"1","signups":[{"id":"1","signup_id":"b"}],"matched":9,"eop":false,"cursor":"b"}"#,
        r#"{"method":"getOrgWhitelistResponse","org_id":"acme","members":[{"id":1,"end_date":null}],"page_number":0,"eop":true}"#,
        r#"{"method":"checkAccessResponse","decision":true,"context":{"reason":"member","entry":{"id":1,"email":"a@b.co"}}}"#,
        r#"{"method":"searchSubjectsResponse","page":{"next_token":""},"results":[{"type":"user","id":"a@b.co"}]}"#,
        r#"{"method":"setChat_ack","chat_id":1,"user_id":2,"name":"","created_at":"2024-03-20T10:00:00.000Z"}"#,
        r#"{"method":"addToShareWhitelist_ack","shareWhitelistEntries":[{"id":1,"created_at":"2024-03-20T10:00:00.000Z",
            "updated_at":"2024-03-20T10:00:00.000Z","whitelisted_neptun_user_id":2,"chat_conversation_share_id":3}]}"#,
    ] {
        assert_eq!(judge(frame), Ok(()), "{frame}");
    }
}

#[test]
fn what_breaks_an_sdk_is_found() {
    for (frame, fault) in [
        (r#"["PONG"]"#, "is no object"),
        (r#"{"method":1}"#, "method is 1"),
        (r#"{"method":"PONG","reference":1}"#, "a PONG is nothing but its method"),
        (r#"{"method":"addToWhitelist_ack","app_id":"1","signups":["a"]}"#, "signups[0] is no object"),
        (r#"{"method":"addToWhitelist_ack","app_id":"1"}"#, "signups is missing"),
        (r#"{"method":"addToWhitelist_ack","app_id":"1","signups":null}"#, "signups is null"),
        (r#"{"method":"addToWhitelist_ack","signups":[]}"#, "app_id is missing"),
        (r#"{"method":"addToWhitelist_ack","app_id":1,"signups":[]}"#, "app_id is 1"),
        (r#"{"method":"addToWhitelist_ack","app_id":"1","signups":[{"id":5,"signup_id":"a"}]}"#, "signups[0].id is 5"),
        (
            r#"{"method":"addToWhitelist_ack","app_id":"1","signups":[{"id":"5","signup_id":1}]}"#,
            "signups[0].signup_id is 1",
        ),
        (
            r#"{"method":"addToWhitelist_ack","app_id":"1","signups":[{"id":"5","signup_id":"a","tags":[4]}]}"#,
            "signups[0].tags is",
        ),
        (
            r#"{"method":"removeFromBlacklist_ack","app_id":"1","signups":[{"id":"5","signup_id":"a"}]}"#,
            "signups[0] is no string",
        ),
        (r#"{"method":"getWhitelistUsersResponse","app_id":"1","signups":[],"eop":"true"}"#, "eop is \"true\""),
        (r#"{"method":"addWhitelistPatterns_ack","app_id":"1","data":[],"reference":null}"#, "reference is null"),
        (r#"{"method":"addWhitelistPatterns_ack","app_id":"1","chat_id":null,"data":[]}"#, "chat_id is null"),
        (r#"{"method":"removeWhitelistPatterns_ack","app_id":"1","data":["x"]}"#, "data[0] is no object"),
        (r#"{"method":"addWhitelistPatterns_ack","app_id":"1","patterns":[]}"#, "data is missing"),
        (r#"{"method":"addToWhitelist_ack","app_id":"1","signups":[],"error":400}"#, "a reply has no error"),
        (r#"{"method":"eventResponse","events":["signup"],"ack":1}"#, "ack is no boolean"),
        (r#"{"method":"eventResponse","ack":true,"error":400,"message":"no"}"#, "ack is no boolean"),
        (r#"{"method":"listEventSubscriptionsResponse","events":[]}"#, "ack is no boolean"),
        (r#"{"method":"eventResponse","ack":false,"error":"400","message":"no"}"#, "a refusal has an integer"),
        (r#"{"method":"setChat_ack","chat_id":"1","user_id":2}"#, "chat_id is \"1\""),
        (r#"{"method":"setChat_ack","chat_id":1,"user_id":2147483648}"#, "user_id is 2147483648"),
        (r#"{"method":"removeChat_ack","user_id":1,"chat_ids":["1"]}"#, "chat_ids is"),
        (r#"{"method":"logIn_ack","user":{"id":1},"expires_at":"2024-03-20T10:00:00Z"}"#, "expires_at is"),
        (
            r#"{"method":"getShareWhitelistResponse","shareWhitelistEntries":[{"id":1}]}"#,
            "shareWhitelistEntries[0] has",
        ),
        (r#"{"method":"removeFromShareWhitelist_ack"}"#, "shareWhitelistEntries is missing"),
        (r#"{"method":"addToOrgWhitelist_ack","id":"1"}"#, "id is \"1\""),
        (r#"{"method":"addToOrgWhitelist_ack","permissions":["can_use_api"]}"#, "permissions is "),
        (r#"{"method":"getOrgWhitelistResponse","members":[{"email":null}]}"#, "members[0].email is null"),
        (r#"{"method":"getOrgWhitelistResponse","members":[{"end_date":"2025-01-01"}]}"#, "members[0].end_date is "),
        (r#"{"method":"searchSubjectsResponse","results":[{"id":""}]}"#, "results[0].id is"),
        (r#"{"method":"setShare_ack","end_date":null}"#, "end_date is null"),
        (r#"{"error":"400","message":"x"}"#, "a refusal has an integer error"),
        (r#"{"error":400}"#, "a refusal has an integer error"),
    ] {
        let found = judge(frame).expect_err("the frame is broken");
        assert!(found.starts_with(fault), "{frame}\n  expected {fault}\n       got {found}");
    }
}

#[cfg(test)]
fn judge(frame: &str) -> Result<(), String> {
    check(&serde_json::from_str(frame).expect("the frame is JSON"))
}

//! What every frame must be for the six published SDKs to take it: one wrong type makes a Java bot drop its connection and a
//! Node bot exit. The rules were found by trying each SDK, field by field.

use serde_json::{Map, Value};

/// Keys whose value is an id wherever they stand: a string of digits, for a number would be rounded by JavaScript.
const IDS: &[&str] = &["id", "ID", "app_id", "chat_id", "bot_id", "bound_app_id", "cursor"];

/// Keys that may be null, at the top of a frame: two as the real service sends them, and the reference of a sign-up's ack.
const NULLABLE: &[&str] = &["email", "recordIndex", "reference"];

/// What the array of a kind of reply holds.
enum Items {
    Objects { key: &'static str, text: &'static str },
    Strings { key: &'static str },
}

/// Says what is wrong with a frame that the gateway sent.
pub fn check(frame: &Value) -> Result<(), String> {
    let Value::Object(frame) = frame else { return Err("is no object".to_owned()) };
    for (key, value) in frame {
        if value.is_null() && !NULLABLE.contains(&key.as_str()) {
            return Err(format!("{key} is null"));
        }
        if !value.is_null() {
            member(key, value).map_err(|fault| format!("{key}{fault}"))?;
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

fn reply(method: &str, frame: &Map<String, Value>) -> Result<(), String> {
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
    if !frame.contains_key("app_id") {
        return Err("app_id is missing".to_owned());
    }
    array(frame, &items)
}

/// What the replies of a method hold, by its name on the wire.
fn items(method: &str) -> Option<Items> {
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
    let (Items::Objects { key, .. } | Items::Strings { key }) = items;
    let Some(Value::Array(array)) = frame.get(*key) else { return Err(format!("{key} is missing or no array")) };
    for (index, item) in array.iter().enumerate() {
        let good = match items {
            Items::Strings { .. } => item.is_string(),
            Items::Objects { text, .. } => {
                item.get("id").is_some_and(Value::is_string) && item.get(text).is_some_and(Value::is_string)
            }
        };
        if !good {
            return Err(match items {
                Items::Strings { .. } => format!("{key}[{index}] is no string"),
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
fn member(key: &str, value: &Value) -> Result<(), String> {
    let good = match key {
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
        Value::Object(members) => within(members),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| match item {
            Value::Object(members) => within(members).map_err(|fault| format!("[{index}]{fault}")),
            Value::Null => Err(format!("[{index}] is null")),
            _ => Ok(()),
        }),
        _ => Ok(()),
    }
}

fn within(members: &Map<String, Value>) -> Result<(), String> {
    members.iter().try_for_each(|(key, value)| {
        if value.is_null() {
            return Err(format!(".{key} is null"));
        }
        member(key, value).map_err(|fault| format!(".{key}{fault}"))
    })
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

//! This is where bodies sent to the share API are read, and all that is wrong with them is found.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::issues::{Issue, Step};
use super::numbers::id;
use crate::config::{CHATS_PER_USER_MAX, EMAILS_PER_CALL_MAX, PASSWORD_CHARS_MAX};
use crate::state::email::{EMAIL_BYTES_MAX, is_email};

/// Characters of the shortest email address.
const EMAIL_CHARS_MIN: usize = 5;

/// A body that should be JSON and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson;

/// What is said of a share. Members that are not given stay as they are, or as they are by default.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ShareBody {
    /// Whether others may open it at all.
    pub is_shared: Option<bool>,
    /// Whether that takes more than its address.
    pub is_protected: Option<bool>,
    /// The password in clear, despite the wire's name for it; `Some(None)` removes it.
    pub password: Option<Option<String>>,
    /// Who is put on its whitelist with it.
    pub emails: Option<Vec<Box<str>>>,
    /// Whether its whitelist decides.
    pub use_whitelist: Option<bool>,
}

/// Reads a body by its content type: forms as objects of strings, `text/…` as one string, and all else as JSON.
///
/// A body without any bytes is none.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Option<Value>, NotJson> {
    if body.is_empty() {
        return Ok(None);
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "application/x-www-form-urlencoded" {
        return Ok(Some(Value::Object(form(body))));
    }
    if media_type.starts_with("text/") {
        return Ok(Some(Value::String(String::from_utf8_lossy(body).into_owned())));
    }
    serde_json::from_slice(body).map(Some).map_err(|_| NotJson)
}

/// A form's fields; one that is given several times is an array.
fn form(body: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::String(value.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    fields
}

/// Reads a list of email addresses: `{"emails": […]}`, as the share API documents it, or the bare array that its own pages send.
pub fn emails(body: Option<&Value>) -> Result<Vec<Box<str>>, Vec<Issue>> {
    let mut issues = Vec::new();
    let (list, path) = match body.and_then(|body| body.get("emails")) {
        Some(list) => (Some(list), vec![Step::Name("emails")]),
        None => (body, Vec::new()),
    };
    let emails = email_list(list, &path, &mut issues);
    if issues.is_empty() { Ok(emails) } else { Err(issues) }
}

/// Reads what is said of a share.
pub fn share(body: Option<&Value>) -> Result<ShareBody, Vec<Issue>> {
    let object = object(body)?;
    let mut issues = Vec::new();
    let read = ShareBody {
        is_shared: flag(object, "is_shared", &mut issues),
        is_protected: flag(object, "is_protected", &mut issues),
        password: share_password(object, &mut issues),
        emails: object.get("emails").map(|list| email_list(Some(list), &[Step::Name("emails")], &mut issues)),
        use_whitelist: flag(object, "use_whitelist", &mut issues),
    };
    if issues.is_empty() { Ok(read) } else { Err(issues) }
}

/// Reads the ids of chats: `{"chat_ids": […]}`.
pub fn chat_ids<T: TryFrom<u64>>(body: Option<&Value>) -> Result<Vec<T>, Vec<Issue>> {
    let path = || vec![Step::Name("chat_ids")];
    let found = object(body)?.get("chat_ids");
    let Some(Value::Array(items)) = found else {
        return Err(vec![Issue::unexpected("array", found, path())]);
    };
    bound(items.len(), CHATS_PER_USER_MAX, &path()).map_err(|issue| vec![issue])?;
    let mut issues = Vec::new();
    let mut ids = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = [Step::Name("chat_ids"), Step::Index(index)];
        match item.as_f64().map(|number| id(number, &path)) {
            Some(Ok(id)) => ids.push(id),
            Some(Err(wrong)) => issues.extend(wrong),
            None => issues.push(Issue::unexpected("number", Some(item), path.to_vec())),
        }
    }
    if issues.is_empty() { Ok(ids) } else { Err(issues) }
}

/// Reads the name of a new chat, where one is given; no body at all is as good as `{}`.
pub fn chat_name(body: Option<&Value>) -> Result<Option<Box<str>>, Vec<Issue>> {
    let Some(body) = body else { return Ok(None) };
    if object(Some(body))?.contains_key("name") { new_chat_name(Some(body)).map(Some) } else { Ok(None) }
}

/// Reads another name for a chat.
pub fn new_chat_name(body: Option<&Value>) -> Result<Box<str>, Vec<Issue>> {
    let mut issues = Vec::new();
    let name = text(object(body)?, "name", &mut issues);
    if name.is_some_and(str::is_empty) {
        issues.push(Issue::too_short(1, vec![Step::Name("name")]));
    }
    name.map(Box::from).filter(|_| issues.is_empty()).ok_or(issues)
}

/// The body, where it is an object.
pub fn object(body: Option<&Value>) -> Result<&Map<String, Value>, Vec<Issue>> {
    match body {
        Some(Value::Object(object)) => Ok(object),
        other => Err(vec![Issue::unexpected("object", other, Vec::new())]),
    }
}

fn email_list(list: Option<&Value>, path: &[Step], issues: &mut Vec<Issue>) -> Vec<Box<str>> {
    let Some(Value::Array(items)) = list else {
        issues.push(Issue::unexpected("array", list, path.to_vec()));
        return Vec::new();
    };
    if let Err(issue) = bound(items.len(), EMAILS_PER_CALL_MAX, path) {
        issues.push(issue);
        return Vec::new();
    }
    let mut emails = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path: Vec<Step> = path.iter().copied().chain([Step::Index(index)]).collect();
        match item {
            Value::String(email) => {
                issues.extend(bad_email(email, &path));
                emails.push(email.as_str().into());
            }
            other => issues.push(Issue::unexpected("string", Some(other), path)),
        }
    }
    emails
}

/// Items of a long list that is refused are not looked at: their issues would be longer than the list.
fn bound(length: usize, maximum: usize, path: &[Step]) -> Result<(), Issue> {
    match length {
        0 => Err(Issue::too_few(1, path.to_vec())),
        length if length > maximum => Err(Issue::too_many(maximum as u64, path.to_vec())),
        _ => Ok(()),
    }
}

/// What is wrong with an email address.
pub fn bad_email(email: &str, path: &[Step]) -> Vec<Issue> {
    let mut issues = Vec::new();
    let length = email.chars().count();
    if length < EMAIL_CHARS_MIN {
        issues.push(Issue::too_short(EMAIL_CHARS_MIN as u64, path.to_vec()));
    }
    if length > EMAIL_BYTES_MAX {
        issues.push(Issue::too_long(EMAIL_BYTES_MAX as u64, path.to_vec()));
    } else if !is_email(email) {
        issues.push(Issue::no_email(path.to_vec()));
    }
    issues
}

fn flag(object: &Map<String, Value>, name: &'static str, issues: &mut Vec<Issue>) -> Option<bool> {
    let found = object.get(name)?;
    if !found.is_boolean() {
        issues.push(Issue::unexpected("boolean", Some(found), vec![Step::Name(name)]));
    }
    found.as_bool()
}

/// A member that must be there, and be a string.
pub fn text<'a>(object: &'a Map<String, Value>, name: &'static str, issues: &mut Vec<Issue>) -> Option<&'a str> {
    let found = object.get(name);
    let text = found.and_then(Value::as_str);
    if text.is_none() {
        issues.push(Issue::unexpected("string", found, vec![Step::Name(name)]));
    }
    text
}

/// A share's password: a blank one is none, as in the share API.
fn share_password(object: &Map<String, Value>, issues: &mut Vec<Issue>) -> Option<Option<String>> {
    const NAME: &str = "hashed_password";
    match object.get(NAME)? {
        Value::Null => return Some(None),
        Value::String(password) if password.chars().count() > PASSWORD_CHARS_MAX => {
            issues.push(Issue::too_long(PASSWORD_CHARS_MAX as u64, vec![Step::Name(NAME)]));
        }
        Value::String(password) => return Some(Some(password.clone()).filter(|text| !text.trim().is_empty())),
        other => issues.push(Issue::unexpected("string", Some(other), vec![Step::Name(NAME)])),
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The issues as they are sent.
    fn sent<T>(read: Result<T, Vec<Issue>>) -> String {
        let issues = read.err().expect("the body is refused");
        serde_json::to_string(&issues).expect("issues encode")
    }

    #[test]
    fn emails_come_in_an_object_or_as_a_bare_array() {
        let list = json!(["amy@example.com", "Bob@Example.com"]);
        for body in [list.clone(), json!({"emails": list, "more": 1})] {
            let emails = emails(Some(&body)).expect("both forms are lists");
            assert_eq!(emails, ["amy@example.com".into(), "Bob@Example.com".into()]);
        }
    }

    #[test]
    fn what_is_wrong_with_a_list_of_emails_is_told_as_the_catalogue_has_it() {
        let issues = |body| sent(emails(Some(&body)));
        assert_eq!(
            issues(json!({})),
            r#"[{"code":"invalid_type","expected":"array","received":"object","path":[],"message":"Expected array, received object"}]"#
        );
        assert_eq!(
            sent(emails(None)),
            r#"[{"code":"invalid_type","expected":"array","received":"undefined","path":[],"message":"Required"}]"#
        );
        assert_eq!(
            issues(json!([])),
            r#"[{"code":"too_small","minimum":1,"type":"array","inclusive":true,"exact":false,"path":[],"message":"Array must contain at least 1 element(s)"}]"#
        );
        assert_eq!(
            issues(json!(["amy@example.com", 7])),
            r#"[{"code":"invalid_type","expected":"string","received":"number","path":[1],"message":"Expected string, received number"}]"#
        );
        assert_eq!(
            issues(json!(["a@b"])),
            concat!(
                r#"[{"code":"too_small","minimum":5,"type":"string","inclusive":true,"exact":false,"path":[0],"message":"String must contain at least 5 character(s)"},"#,
                r#"{"code":"invalid_string","validation":"email","path":[0],"message":"Invalid email"}]"#
            )
        );
        assert_eq!(
            issues(json!(["not an email"])),
            r#"[{"code":"invalid_string","validation":"email","path":[0],"message":"Invalid email"}]"#
        );
        let long = format!("{}@example.com", "x".repeat(EMAIL_BYTES_MAX));
        assert_eq!(
            issues(json!([long])),
            r#"[{"code":"too_big","maximum":256,"type":"string","inclusive":true,"exact":false,"path":[0],"message":"String must contain at most 256 character(s)"}]"#
        );
        assert_eq!(
            issues(json!(vec![0; EMAILS_PER_CALL_MAX + 1])),
            r#"[{"code":"too_big","maximum":1000,"type":"array","inclusive":true,"exact":false,"path":[],"message":"Array must contain at most 1000 element(s)"}]"#
        );
    }

    #[test]
    fn in_an_object_the_path_begins_with_emails() {
        assert_eq!(
            sent(emails(Some(&json!({"emails": null})))),
            r#"[{"code":"invalid_type","expected":"array","received":"null","path":["emails"],"message":"Expected array, received null"}]"#
        );
        assert_eq!(
            sent(emails(Some(&json!({"emails": ["amy@example.com", "nobody"]})))),
            r#"[{"code":"invalid_string","validation":"email","path":["emails",1],"message":"Invalid email"}]"#
        );
    }

    #[test]
    fn a_share_is_read_without_members_that_are_not_known() {
        let nothing = share(Some(&json!({"name": 7}))).map_err(sent_issues);
        assert!(nothing == Ok(ShareBody::default()));
        let all = json!({"is_shared": false, "is_protected": true, "hashed_password": " p ", "emails": ["amy@example.com"], "use_whitelist": true});
        let expected = ShareBody {
            is_shared: Some(false),
            is_protected: Some(true),
            password: Some(Some(" p ".to_owned())),
            emails: Some(vec!["amy@example.com".into()]),
            use_whitelist: Some(true),
        };
        assert!(share(Some(&all)).map_err(sent_issues) == Ok(expected));
        for none in [json!({"hashed_password": null}), json!({"hashed_password": " \t"})] {
            assert!(share(Some(&none)).is_ok_and(|share| share.password == Some(None)));
        }
    }

    fn sent_issues(issues: Vec<Issue>) -> String {
        sent::<()>(Err(issues))
    }

    #[test]
    fn what_is_wrong_with_a_share_is_told_all_at_once() {
        assert_eq!(
            sent(share(None)),
            r#"[{"code":"invalid_type","expected":"object","received":"undefined","path":[],"message":"Required"}]"#
        );
        assert_eq!(
            sent(share(Some(&json!([])))),
            r#"[{"code":"invalid_type","expected":"object","received":"array","path":[],"message":"Expected object, received array"}]"#
        );
        assert_eq!(
            sent(share(Some(&json!({"is_shared": "yes"})))),
            r#"[{"code":"invalid_type","expected":"boolean","received":"string","path":["is_shared"],"message":"Expected boolean, received string"}]"#
        );
        assert_eq!(
            sent(share(Some(&json!({"is_protected": null, "hashed_password": 1, "emails": []})))),
            concat!(
                r#"[{"code":"invalid_type","expected":"boolean","received":"null","path":["is_protected"],"message":"Expected boolean, received null"},"#,
                r#"{"code":"invalid_type","expected":"string","received":"number","path":["hashed_password"],"message":"Expected string, received number"},"#,
                r#"{"code":"too_small","minimum":1,"type":"array","inclusive":true,"exact":false,"path":["emails"],"message":"Array must contain at least 1 element(s)"}]"#
            )
        );
        assert_eq!(
            sent(share(Some(&json!({"hashed_password": "x".repeat(PASSWORD_CHARS_MAX + 1)})))),
            r#"[{"code":"too_big","maximum":256,"type":"string","inclusive":true,"exact":false,"path":["hashed_password"],"message":"String must contain at most 256 character(s)"}]"#
        );
    }

    #[test]
    fn chats_are_named_by_their_ids() {
        let ids: Vec<u64> = chat_ids(Some(&json!({"chat_ids": [3, 5.0]}))).expect("these are ids");
        assert_eq!(ids, [3, 5]);
        assert_eq!(
            sent(chat_ids::<u64>(Some(&json!({"chat_ids": ["3", 0]})))),
            concat!(
                r#"[{"code":"invalid_type","expected":"number","received":"string","path":["chat_ids",0],"message":"Expected number, received string"},"#,
                r#"{"code":"too_small","minimum":0,"type":"number","inclusive":false,"exact":false,"path":["chat_ids",1],"message":"Number must be greater than 0"}]"#
            )
        );
        assert!(chat_name(None) == Ok(None));
        assert!(chat_name(Some(&json!({"name": "Plans"}))) == Ok(Some("Plans".into())));
        assert_eq!(
            sent(chat_name(Some(&json!({"name": true})))),
            r#"[{"code":"invalid_type","expected":"string","received":"boolean","path":["name"],"message":"Expected string, received boolean"}]"#
        );
        assert_eq!(
            sent(new_chat_name(Some(&json!({})))),
            r#"[{"code":"invalid_type","expected":"string","received":"undefined","path":["name"],"message":"Required"}]"#
        );
        assert_eq!(
            sent(new_chat_name(Some(&json!({"name": ""})))),
            r#"[{"code":"too_small","minimum":1,"type":"string","inclusive":true,"exact":false,"path":["name"],"message":"String must contain at least 1 character(s)"}]"#
        );
    }

    #[test]
    fn a_body_is_read_by_its_content_type() {
        let body = |content_type: &'static str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().expect("it is a header's value"));
            read(&headers, body.as_bytes())
        };
        let json = Ok(Some(json!({"a": 1})));
        assert_eq!(body("application/json; charset=utf-8", "{\"a\":1}"), json);
        assert_eq!(body("application/octet-stream", "{\"a\":1}"), json);
        assert_eq!(read(&HeaderMap::new(), b"{\"a\":1}"), json);
        assert_eq!(body("application/json", "{\"a\":1"), Err(NotJson));
        assert_eq!(body("application/json", ""), Ok(None));
        assert_eq!(body("Text/Plain", "{}"), Ok(Some(json!("{}"))));
        let form = body("application/x-www-form-urlencoded", "email=a%2Bb%40c.co&x=1&x=2&x=3");
        assert_eq!(form, Ok(Some(json!({"email": "a+b@c.co", "x": ["1", "2", "3"]}))));
    }
}

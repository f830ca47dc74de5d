//! HTTP as lines of a recording: requests with what matters of their headers, and answers.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::super::exchange::Way;
use super::super::json::quoted;
use super::names::{Kind, Names};
use super::redact::{self, Clock, Redacted};
use super::{Rules, secrets};

/// Headers of requests that say something about the connection or the program that sends them, and nothing to the gateway.
const UNTOLD: &[HeaderName] = &[
    header::HOST,
    header::USER_AGENT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
    header::VIA,
    header::DATE,
    header::CACHE_CONTROL,
    header::PRAGMA,
];

/// Headers of answers that are expected again.
const EXPECTED: &[HeaderName] =
    &[header::ALLOW, header::CONTENT_TYPE, header::LOCATION, header::SET_COOKIE, header::WWW_AUTHENTICATE];

/// A request as it passed.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer as it passed.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The value of a `request` line; else why there is none.
pub(super) fn request(
    request: &Request,
    clock: Clock,
    rules: &Rules,
    names: &mut Names,
) -> Result<Redacted, &'static str> {
    let mut line = Redacted::default();
    let path = path(&request.path, rules, names, &mut line);
    if names.holds_secret(&path) || names.holds_secret(&decoded(&path)) {
        return Err("its path holds a secret where no name can stand for it");
    }
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers.iter().filter(|(name, _)| !UNTOLD.contains(name)) {
        let value = value.to_str().map_err(|_| "a header of it is no text")?;
        let value = sent_header(name, &literal(value), rules, names, &mut line);
        headers.entry(name.as_str()).or_default().push(value);
    }
    let body = body(&request.body, Way::Sent, clock, rules, names, &mut line);
    let body = body.ok_or("its body may hold a secret where no name can stand for it, or is no text")?;
    let method = quoted(&request.method);
    line.text = format!(r#"{{"method":{method},"path":{}{}{body}}}"#, text(&path), headers_text(&headers));
    Ok(line)
}

/// The value of a `response` line. Of a body that cannot be expected, nothing is said but that there is one.
pub(super) fn response(response: &Response, clock: Clock, rules: &Rules, names: &mut Names) -> Redacted {
    let mut line = Redacted::default();
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in EXPECTED {
        let value = response.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = value.and_then(|value| expected_header(name, &literal(value), rules, names, &mut line)) {
            headers.insert(name.as_str(), vec![value]);
        }
    }
    let body = body(&response.body, Way::Received, clock, rules, names, &mut line);
    let body = body.unwrap_or_else(|| r#","body":"<any>""#.to_owned());
    line.text = format!(r#"{{"status":{}{}{body}}}"#, response.status, headers_text(&headers));
    line
}

fn headers_text(headers: &BTreeMap<&str, Vec<String>>) -> String {
    if headers.is_empty() {
        return String::new();
    }
    let headers = headers.iter().map(|(name, lines)| {
        let texts: Vec<_> = lines.iter().map(|line| text(line)).collect();
        let value = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(",")) };
        format!("{}:{value}", quoted(name))
    });
    format!(r#","headers":{{{}}}"#, headers.collect::<Vec<_>>().join(","))
}

/// Stands for a `<` that is none of a placeholder, until the text is JSON. Neither paths nor headers have control characters.
const LESS: char = '\u{1}';

/// A text in which nothing is a placeholder yet.
fn literal(text: &str) -> String {
    text.replace('<', &LESS.to_string())
}

/// A text with placeholders as JSON.
fn text(text: &str) -> String {
    quoted(text).replace("\\u0001", "\\u003c")
}

/// A body as `body` or `body_text`; `None` where it can be neither.
fn body(
    bytes: &Bytes,
    way: Way,
    clock: Clock,
    rules: &Rules,
    names: &mut Names,
    line: &mut Redacted,
) -> Option<String> {
    if bytes.is_empty() {
        return Some(String::new());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let shows = |text: &str, names: &Names| !rules.keep_secrets && redact::may_hold_secret(text, names);
    let as_text = || format!(r#","body_text":{}"#, quoted(text));
    match redact::json(text, way, clock, rules, names) {
        Ok(redacted) if rules.exact && !redacted.hides && !redacted.has_names && !shows(text, names) => Some(as_text()),
        Ok(redacted) => {
            line.hides |= redacted.hides;
            let needs = redacted.needs.into_iter().filter(|name| !line.needs.contains(name)).collect::<Vec<_>>();
            line.needs.extend(needs);
            line.binds.extend(redacted.binds);
            Some(format!(r#","body":{}"#, redacted.text.trim()))
        }
        Err(_) if !shows(text, names) => Some(as_text()),
        Err(_) => {
            redact::learn_within(text, names);
            None
        }
    }
}

/// A path and its query, with names for secrets and for ids that the gateway made.
fn path(path: &str, rules: &Rules, names: &mut Names, line: &mut Redacted) -> String {
    let path = literal(path);
    let (before, query) = path.split_once('?').map_or((path.as_str(), None), |(before, query)| (before, Some(query)));
    let segments: Vec<_> = before.split('/').map(|part| sent_part(None, part, rules, names, line)).collect();
    let mut text = segments.join("/");
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => {
                let stem = secrets::stem(&decoded(name), None);
                let value = sent_part(stem, value, rules, names, line);
                // The list's own words are no secrets, even if one is somebody's password.
                let name = if stem.is_some() { name.to_owned() } else { sent_part(None, name, rules, names, line) };
                format!("{name}={value}")
            }
            None => sent_part(None, pair, rules, names, line),
        });
        text = format!("{text}?{}", pairs.collect::<Vec<_>>().join("&"));
    }
    text
}

/// A part of something sent: itself, or the name that stands for it.
fn sent_part(stem: Option<&'static str>, part: &str, rules: &Rules, names: &mut Names, line: &mut Redacted) -> String {
    let plain = decoded(part);
    if let Some(stem) = stem.filter(|_| !rules.keep_secrets && !part.is_empty()) {
        names.keep_secret(stem, &quoted(&plain), &plain);
        if part != plain {
            // A name stands for the very bytes, and these are others than where it is not encoded.
            names.keep_secret(stem, &quoted(part), part);
        }
    }
    let tells = !rules.keep_secrets && secrets::is_within(&plain);
    if tells {
        redact::learn_within(&plain, names);
    }
    if !names.is_secret(&quoted(part))
        && (tells || names.is_secret(&quoted(&plain)) || names.holds_secret(part) || names.holds_secret(&plain))
    {
        names.keep_secret("secret", &quoted(part), part);
    }
    if names.is_secret(&quoted(part)) {
        line.hides = true;
        return format!("<{}>", redact::given(&quoted(part), names, line));
    }
    if names.is_id(part) {
        if let (name, true) = names.name(Kind::Id, part) {
            return format!("<{name}>");
        }
    } else {
        redact::ids_in(part).for_each(|id| names.give(id));
    }
    part.to_owned()
}

/// What a part of a query says once its escapes are read.
fn decoded(part: &str) -> String {
    if !part.contains(['%', '+']) {
        return part.to_owned();
    }
    // Separators in it are part of it.
    let whole = part.replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(whole.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

fn sent_header(name: &HeaderName, value: &str, rules: &Rules, names: &mut Names, line: &mut Redacted) -> String {
    if rules.keep_secrets {
        return value.to_owned();
    }
    if name == header::COOKIE {
        let pairs = value.split(';').map(|pair| match pair.trim().split_once('=') {
            Some((name, value)) => {
                let stem = secrets::stem(name, None).unwrap_or("cookie");
                format!("{name}={}", sent_part(Some(stem), value, rules, names, line))
            }
            None => sent_part(Some("cookie"), pair.trim(), rules, names, line),
        });
        return pairs.collect::<Vec<_>>().join("; ");
    }
    if name == header::AUTHORIZATION {
        let Some((scheme, rest)) = value.split_once(' ') else {
            return sent_part(Some("credentials"), value, rules, names, line);
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return format!("{scheme} {}", sent_whole("token", rest, names, line));
        }
        if let Some(password) = BASE64_STANDARD.decode(rest.trim()).ok().and_then(password) {
            // It may come back in a message.
            names.keep_secret("password", &quoted(&password), &password);
        }
        return format!("{scheme} {}", sent_whole("credentials", rest, names, line));
    }
    match secrets::stem(name.as_str(), None) {
        Some(stem) => sent_whole(stem, value, names, line),
        None if names.holds_secret(value) || names.is_secret(&quoted(value)) || secrets::is_within(value) => {
            // Where one came from, for example, with its query.
            redact::learn_within(value, names);
            sent_whole("secret", value, names, line)
        }
        None => value.to_owned(),
    }
}

/// A header's value, or what follows its scheme, as a secret.
fn sent_whole(stem: &'static str, value: &str, names: &mut Names, line: &mut Redacted) -> String {
    if value.is_empty() {
        return String::new();
    }
    names.keep_secret(stem, &quoted(value), value);
    line.hides = true;
    format!("<{}>", redact::given(&quoted(value), names, line))
}

/// The password of decoded Basic credentials.
fn password(credentials: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(credentials).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned()).filter(|password| !password.is_empty())
}

/// What is expected of a header; `None` where nothing can be.
fn expected_header(
    name: &HeaderName,
    value: &str,
    rules: &Rules,
    names: &mut Names,
    line: &mut Redacted,
) -> Option<String> {
    if name == header::SET_COOKIE {
        return Some(set_cookie(value, rules, names, line));
    }
    if !rules.keep_secrets
        && (names.holds_secret(value) || names.is_secret(&quoted(value)) || secrets::is_within(value))
    {
        return None;
    }
    let mut text = value.to_owned();
    if !rules.exact {
        for id in redact::ids_in(value).filter(|id| !names.is_given(id)).collect::<Vec<_>>() {
            names.keep_id(id);
            text = text.replace(id, &bound_in(Kind::Id, "uuid", id, names, line));
        }
    }
    Some(text)
}

fn set_cookie(value: &str, rules: &Rules, names: &mut Names, line: &mut Redacted) -> String {
    let mut parts = value.split(';').map(str::trim);
    let pair = parts.next().unwrap_or_default();
    let (name, secret) = pair.split_once('=').unwrap_or((pair, ""));
    let secret = if secret.is_empty() || rules.keep_secrets {
        secret.to_owned()
    } else {
        names.keep_secret(secrets::stem(name, None).unwrap_or("cookie"), &quoted(secret), secret);
        line.hides = true;
        bound_in(Kind::Secret, "string", &quoted(secret), names, line)
    };
    let attributes = parts.map(|part| match part.split_once('=') {
        Some((name, _)) if name.eq_ignore_ascii_case("expires") => format!("{name}=<string>"),
        _ => part.to_owned(),
    });
    std::iter::once(format!("{name}={secret}")).chain(attributes).collect::<Vec<_>>().join("; ")
}

/// A known value within a text that is expected: its name, with its kind where this is the first time.
fn bound_in(kind: Kind, word: &str, text: &str, names: &mut Names, line: &mut Redacted) -> String {
    let (name, is_bound) = names.name(kind, text);
    let key = (kind, text.to_owned());
    if is_bound || line.binds.contains(&key) {
        return format!("<{name}>");
    }
    line.binds.push(key);
    format!("<{word} as {name}>")
}

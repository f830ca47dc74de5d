//! Reads the lines of HTTP requests and responses.

use std::collections::BTreeSet;

use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Uri};
use serde_json::value::RawValue;

use super::super::json::{Json, Layer, Member};
use super::super::pattern::Pattern;
use super::super::placeholder::{Kind, Placeholder};
use super::super::reader::{FrameReader, Refusal};
use super::super::text::TextTemplate;
use super::{ExpectedBody, ExpectedHeader, RequestBody, RequestTemplate, ResponsePattern};

/// Headers that follow from the body, which is sent whole.
const HEADERS_OF_THE_BODY: [HeaderName; 2] = [CONTENT_LENGTH, TRANSFER_ENCODING];

/// Reads a request.
pub fn request<'line>(reader: &mut FrameReader<'line, '_>, raw: &'line RawValue) -> Result<RequestTemplate, Refusal> {
    let (mut method, mut path, mut headers, mut body) = (None, None, Vec::new(), RequestBody::Empty);
    for Member { key, name, value } in members(reader, raw, "method, path, headers, and body or body_text")? {
        match name.as_str() {
            "method" => method = Some(self::method(reader, value)?),
            "path" => path = Some(self::path(reader, value)?),
            "headers" => {
                for (name, raw) in self::headers(reader, value)? {
                    for line in lines(reader, raw)? {
                        headers.push((name.clone(), header_value(reader, line)?));
                    }
                }
            }
            "body" => body = RequestBody::Json(reader.template(value)?),
            "body_text" => body = RequestBody::Text(reader.string(&name, value)?),
            _ => return Err(unknown(reader, key, &name)),
        }
    }
    Ok(RequestTemplate {
        method: method.ok_or_else(|| reader.refuse(raw, "a request without method; add \"method\":\"GET\""))?,
        path: path.ok_or_else(|| reader.refuse(raw, "a request without path; add \"path\":\"/\""))?,
        headers,
        body,
    })
}

/// Reads the response to a request.
pub fn response<'line>(reader: &mut FrameReader<'line, '_>, raw: &'line RawValue) -> Result<ResponsePattern, Refusal> {
    let (mut names, mut body, mut parts) = (Vec::new(), ExpectedBody::Json, Vec::new());
    for Member { key, name, value } in members(reader, raw, "status, headers, and body or body_text")? {
        let part = match name.as_str() {
            "status" => {
                let wrong = "`status` takes the status of an answer, from 200 to 999";
                let status: u16 = reader.typed(value, wrong)?;
                if !(200..=999).contains(&status) {
                    return Err(reader.refuse(value, wrong));
                }
                Pattern::Leaf(Json::Number(status.to_string()))
            }
            "headers" => {
                let mut patterns = Vec::new();
                for (name, raw) in headers(reader, value)? {
                    let is_array = raw.get().starts_with('[');
                    let lines =
                        lines(reader, raw)?.into_iter().map(|line| reader.text_pattern(line).map(Pattern::from));
                    let mut lines = lines.collect::<Result<Vec<_>, _>>()?;
                    let pattern = if is_array { Pattern::Array(lines) } else { lines.remove(0) };
                    names.push(ExpectedHeader { name: name.clone(), is_array });
                    patterns.push((name, pattern));
                }
                if names.is_empty() {
                    continue;
                }
                Pattern::Object(patterns)
            }
            "body" => {
                let pattern = reader.pattern(value)?;
                if matches!(pattern, Pattern::Placeholder(Placeholder::Kind(Kind::Any, _))) {
                    body = ExpectedBody::Any;
                }
                pattern
            }
            "body_text" => {
                body = ExpectedBody::Text;
                Pattern::Leaf(Json::String(reader.string(&name, value)?))
            }
            _ => return Err(unknown(reader, key, &name)),
        };
        parts.push((name, part));
    }
    if !parts.iter().any(|(name, _)| name == "status") {
        return Err(reader.refuse(raw, "a response without status; add \"status\":200"));
    }
    Ok(ResponsePattern { pattern: Pattern::Object(parts), headers: names, body })
}

/// The members of a request or response, each of which stands once.
fn members<'line>(
    reader: &FrameReader<'line, '_>,
    raw: &'line RawValue,
    known: &str,
) -> Result<Vec<Member<'line>>, Refusal> {
    let Layer::Object(members) = reader.open(raw)? else {
        return Err(reader.refuse(raw, format!("an object is needed here, of {known}")));
    };
    let (mut seen, mut body) = (BTreeSet::new(), false);
    for Member { key, name, .. } in &members {
        let is_body = name == "body" || name == "body_text";
        if !seen.insert(name) {
            return Err(reader.refuse(key, format!("`{name}` stands twice; keep one")));
        }
        if is_body && std::mem::replace(&mut body, true) {
            return Err(reader.refuse(key, "there is a body already; keep `body` or `body_text`"));
        }
    }
    Ok(members)
}

fn unknown(reader: &FrameReader<'_, '_>, key: &RawValue, name: &str) -> Refusal {
    reader.refuse(key, format!("`{name}` is unknown here; there is `headers`, and `body` or `body_text`"))
}

fn method(reader: &FrameReader<'_, '_>, value: &RawValue) -> Result<String, Refusal> {
    let method: String = reader.string("method", value)?;
    let is_method = Method::from_bytes(method.as_bytes()).is_ok_and(|method| method != Method::CONNECT);
    if is_method && !method.contains(|char: char| char.is_ascii_lowercase()) {
        return Ok(method);
    }
    Err(reader.refuse(value, "not the method of a request; write one such as GET or POST"))
}

fn path<'line>(reader: &mut FrameReader<'line, '_>, value: &'line RawValue) -> Result<TextTemplate, Refusal> {
    let path = reader.text_template(value)?;
    let filled = path.with("x");
    let begins_well = filled.starts_with('/') || path.begins_with_value();
    if begins_well && !filled.contains('#') && format!("/{filled}").parse::<Uri>().is_ok() {
        return Ok(path);
    }
    let message = "not a path; it begins with `/`, may have a query, and what is not allowed there is written as %20";
    Err(reader.refuse(value, message))
}

/// The headers by their names; each has one value or several.
fn headers<'line>(
    reader: &FrameReader<'line, '_>,
    raw: &'line RawValue,
) -> Result<Vec<(String, &'line RawValue)>, Refusal> {
    let Layer::Object(members) = reader.open(raw)? else {
        return Err(reader.refuse(raw, "`headers` takes an object of names and values"));
    };
    let mut seen = BTreeSet::new();
    let mut headers = Vec::with_capacity(members.len());
    for Member { key, name, value } in members {
        let is_lower_case = !name.contains(|char: char| char.is_ascii_uppercase());
        let header = HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| is_lower_case);
        let header = header.ok_or_else(|| reader.refuse(key, "not the name of a header in lower case"))?;
        if HEADERS_OF_THE_BODY.contains(&header) {
            return Err(reader.refuse(key, format!("`{name}` follows from the body; leave it out")));
        }
        if !seen.insert(name.clone()) {
            return Err(reader.refuse(key, format!("`{name}` stands twice; give it an array of values")));
        }
        headers.push((name, value));
    }
    Ok(headers)
}

/// The values of a header, as they stand in the transcript.
fn lines<'line>(reader: &FrameReader<'line, '_>, raw: &'line RawValue) -> Result<Vec<&'line RawValue>, Refusal> {
    match reader.open(raw)? {
        Layer::String(_) => Ok(vec![raw]),
        Layer::Array(items) if !items.is_empty() && items.iter().all(|item| item.get().starts_with('"')) => Ok(items),
        _ => Err(reader.refuse(raw, "the value of a header is a string, or an array of them")),
    }
}

fn header_value<'line>(reader: &mut FrameReader<'line, '_>, raw: &'line RawValue) -> Result<TextTemplate, Refusal> {
    let value = reader.text_template(raw)?;
    match HeaderValue::from_str(&value.with("x")) {
        Ok(_) => Ok(value),
        Err(_) => Err(reader.refuse(raw, "this cannot stand in a header; leave line ends and control characters out")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::bindings::Bindings;
    use super::super::super::{Action, Transcript};
    use super::*;

    #[track_caller]
    fn refused(line: &str, column: usize, message: &str) {
        let error = Transcript::parse("x", line).expect_err("the line is refused").to_string();
        let expected = format!("x:1:{column}: {message}");
        assert!(error.starts_with(&expected), "\n     got {error}\nexpected {expected}");
    }

    fn action(line: &str) -> Action {
        let transcript = Transcript::parse("x", line).expect("the line is well formed");
        let step = transcript.steps().expect("a text can be read").last().expect("there is a line");
        step.expect("the line is well formed").action
    }

    #[test]
    fn a_request_is_filled_where_names_stand() {
        let bound = r#"{"secret":"key"}
{"secret":"n"}
{"request":{"method":"PATCH","path":"/a/<n>?k=<key>&t=(Any)","headers":{"x-key":"Bearer <key>","x":["1","<n>"]},"body":{ "n":"<n>" }}}"#;
        let Action::Request(request) = action(bound) else { panic!("the line is a request") };
        assert_eq!(request.names().collect::<Vec<_>>(), ["n", "key", "key", "n", "n"]);
        let mut bindings = Bindings::default();
        bindings.insert("key", Json::String("a b/c%2Fd".to_owned()));
        bindings.insert("n", Json::Number("17".to_owned()));
        let filled = request.fill(&bindings);
        assert_eq!(filled.path, "/a/17?k=a%20b/c%2Fd&t=(Any)");
        let headers: Vec<_> = filled.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, [("x-key", "Bearer a b/c%2Fd"), ("x", "1"), ("x", "17")]);
        assert_eq!(filled.body, r#"{ "n":17 }"#);
    }

    #[test]
    fn a_path_that_is_a_value_is_taken_as_it_is() {
        let Action::Request(request) =
            action("{\"secret\":\"to\"}\n{\"request\":{\"method\":\"GET\",\"path\":\"<to>?a=<to>\"}}")
        else {
            panic!("the line is a request")
        };
        let mut bindings = Bindings::default();
        bindings.insert("to", Json::String("/a/b".to_owned()));
        assert_eq!(request.fill(&bindings).path, "/a/b?a=/a/b");
    }

    #[test]
    fn a_request_that_cannot_be_sent_is_refused() {
        refused(r#"{"request":{"path":"/"}}"#, 12, "a request without method");
        refused(r#"{"request":{"method":"GET"}}"#, 12, "a request without path");
        refused(r#"{"request":"GET /"}"#, 12, "an object is needed here");
        refused(r#"{"request":{"method":"get","path":"/"}}"#, 22, "not the method of a request");
        for path in ["livez", "", "/a b", "http://h/", "/a#b"] {
            refused(&format!(r#"{{"request":{{"method":"GET","path":"{path}"}}}}"#), 35, "not a path");
        }
        refused(r#"{"request":{"method":"GET","path":"/<any>"}}"#, 37, "<any> can be expected, not sent");
        refused(r#"{"request":{"method":"GET","path":"/<id>"}}"#, 37, "no value is bound to `id` before this");
        let with = |headers: &str| format!(r#"{{"request":{{"method":"GET","path":"/","headers":{headers}}}}}"#);
        refused(&with(r#"{"X":"1"}"#), 50, "not the name of a header in lower case");
        refused(&with(r#"{"content-length":"1"}"#), 50, "`content-length` follows from the body");
        refused(&with(r#"{"x":1}"#), 54, "the value of a header is a string");
        refused(&with(r#"{"x":"a\n"}"#), 54, "this cannot stand in a header");
        refused(&with(r#"{"x":"1","x":"2"}"#), 58, "`x` stands twice; give it an array");
        let twice = r#"{"request":{"method":"GET","path":"/","body":1,"body_text":"1"}}"#;
        refused(twice, 48, "there is a body already");
        refused(r#"{"request":{"method":"GET","path":"/","query":{}}}"#, 39, "`query` is unknown here");
    }

    #[test]
    fn a_response_that_cannot_come_is_refused() {
        let after = |response: &str| {
            let text = format!("{{\"request\":{{\"method\":\"GET\",\"path\":\"/\"}}}}\n{{\"response\":{response}}}");
            let error = Transcript::parse("x", text).expect_err("the line is refused").to_string();
            error.strip_prefix("x:2:").expect("it is the second line").to_owned()
        };
        assert!(after("{}").starts_with("13: a response without status"));
        assert!(after(r#"{"status":101}"#).starts_with("23: `status` takes the status of an answer"));
        assert!(after(r#"{"status":"200"}"#).starts_with("23: `status` takes the status of an answer"));
        assert!(
            after(r#"{"status":200,"headers":{"x":"<any><any>"}}"#).starts_with("48: two placeholders side by side")
        );
        assert!(
            after(r#"{"status":200,"headers":{"x":"a<any as any>"}}"#).starts_with("44: `any` is the name of a kind")
        );
        assert!(after(r#"{"status":200,"body":{"a":"<b>"}}"#).starts_with("39: no value is bound to `b`"));
    }

    #[test]
    fn a_connection_is_for_http_or_for_frames() {
        let refusal = |lines: &[&str]| Transcript::parse("x", lines.join("\n")).expect_err("refused").to_string();
        let get = r#"{"request":{"method":"GET","path":"/"}}"#;
        let ok = r#"{"response":{"status":200}}"#;
        assert!(refusal(&[get, get]).starts_with("x:2:1: the request before it on `main` has no response"));
        assert!(refusal(&[ok]).starts_with("x:1:1: no request on `main` waits for a response"));
        assert!(refusal(&[get, ok, ok]).starts_with("x:3:1: no request on `main` waits for a response"));
        assert!(refusal(&[get, r#"{"send":{}}"#]).starts_with("x:2:1: connection `main` is for HTTP"));
        assert!(refusal(&[get, ok, r#"{"close":1000}"#]).starts_with("x:3:1: connection `main` is for HTTP"));
        assert!(refusal(&[r#"{"send":{}}"#, get]).starts_with("x:2:1: connection `main` is for frames"));
        let ended = r#"{"close":1006}"#;
        assert!(refusal(&[get, ended, get]).starts_with("x:3:1: connection `main` ended at line 2"));
        let two = r#"{"send":{},"on":"b"}"#;
        assert!(Transcript::parse("x", [get, two, r#"{"note":""}"#, ok, get, ended].join("\n")).is_ok());
    }
}

//! The HTTP lines of a transcript: a request that is sent, and the response that is expected.
//!
//! A response is compared as if it were a frame, `{"status":…,"headers":{…},"body":…}`, of the headers that are listed.

pub(super) mod connection;
mod play;
pub(super) mod read;

use super::bindings::Bindings;
use super::exchange;
use super::json::Json;
use super::pattern::{Pattern, Template};
use super::text::TextTemplate;

/// An HTTP request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTemplate {
    /// Its method.
    pub method: String,
    /// Its path, and its query.
    pub path: TextTemplate,
    /// Its headers, in order; a name may come more than once.
    pub headers: Vec<(String, TextTemplate)>,
    /// Its body.
    pub body: RequestBody,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// None.
    Empty,
    /// JSON, as it stands in the transcript.
    Json(Template),
    /// Any other text.
    Text(String),
}

/// What a response must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponsePattern {
    /// The response as if it were a frame, of `status`, `headers` and `body` or `body_text`.
    pub pattern: Pattern,
    headers: Vec<ExpectedHeader>,
    body: ExpectedBody,
}

/// A header that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExpectedHeader {
    name: String,
    /// Whether all lines of the name are compared, and not the first alone.
    is_array: bool,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedBody {
    Json,
    Text,
    /// As JSON, and as text if it is none.
    Any,
}

impl RequestTemplate {
    /// The names whose values it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let body = match &self.body {
            RequestBody::Json(template) => Some(template.names()),
            RequestBody::Empty | RequestBody::Text(_) => None,
        };
        let headers = self.headers.iter().flat_map(|(_, value)| value.names());
        self.path.names().chain(headers).chain(body.into_iter().flatten())
    }

    /// The first name in it that has no value yet.
    pub(super) fn unbound(&self, bindings: &Bindings) -> Option<&str> {
        self.names().find(|name| bindings.get(name).is_none())
    }

    /// The request, with every value in its place.
    pub fn fill(&self, bindings: &Bindings) -> exchange::Request {
        let header = |(name, value): &(String, TextTemplate)| (name.clone(), value.fill(bindings, |value| value));
        exchange::Request {
            method: self.method.clone(),
            path: self.path.fill(bindings, |value| escaped(&value)),
            headers: self.headers.iter().map(header).collect(),
            body: match &self.body {
                RequestBody::Empty => String::new(),
                RequestBody::Json(template) => template.fill(bindings),
                RequestBody::Text(text) => text.clone(),
            },
        }
    }
}

impl ResponsePattern {
    /// A response as the pattern sees it.
    pub fn view(&self, response: &exchange::Response) -> Json {
        let mut members = vec![("status".to_owned(), Json::Number(response.status.to_string()))];
        if !self.headers.is_empty() {
            let headers = self.headers.iter().filter_map(|header| Some((header.name.clone(), header.of(response)?)));
            members.push(("headers".to_owned(), Json::Object(headers.collect())));
        }
        members.extend(self.body(&response.body));
        Json::Object(members.into_iter().collect())
    }

    fn body(&self, bytes: &[u8]) -> Option<(String, Json)> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let name = if self.body == ExpectedBody::Any { "body" } else { "body_hex" };
            return Some((name.to_owned(), Json::String(hex)));
        };
        let string = || Json::String(text.to_owned());
        Some(match self.body {
            ExpectedBody::Text => ("body_text".to_owned(), string()),
            _ if text.is_empty() => return None,
            ExpectedBody::Any => ("body".to_owned(), Json::parse(text).unwrap_or_else(|_| string())),
            ExpectedBody::Json => match Json::parse(text) {
                Ok(json) => ("body".to_owned(), json),
                Err(_) => ("body_text".to_owned(), string()),
            },
        })
    }
}

impl ExpectedHeader {
    fn of(&self, response: &exchange::Response) -> Option<Json> {
        let mut lines = response.values(&self.name).map(|value| Json::String(value.to_owned())).peekable();
        lines.peek()?;
        if self.is_array { Some(Json::Array(lines.collect())) } else { lines.next() }
    }
}

/// A value as it stands in a path or a query: what may stand there stands as it is, separators and escapes included.
fn escaped(value: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    let escape = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(escape).collect()
}

//! This is where tests speak HTTP, and prepare the people who do.
//!
//! Every request has a connection of its own, so any number of them can be under way at once. A path is sent as it is given:
//! a test that wants something escaped escapes it. Nothing is followed, kept or retried.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::stream;
use guestlist::gateway::Gateway;
use guestlist::testing::demo;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Client;

/// The cookie that holds a session.
pub const SESSION: &str = "neptun-session";
/// The demo owner, user 1.
pub const OWNER: &str = demo::OWNER;
/// The demo owner's password.
pub const OWNER_PASSWORD: &str = demo::OWNER_PASSWORD;
/// A demo user without a password, user 2.
pub const AMY: &str = demo::AMY;
/// A demo user without a password, user 3.
pub const BOB: &str = demo::BOB;
/// The demo organisation.
pub const ORG: &str = demo::ORG;
/// The demo organisation's key.
pub const ORG_KEY: &str = demo::ORG_KEY;
/// The demo share's public id.
pub const SHARE_UUID: &str = demo::SHARE_UUID;
/// The path of the demo share of user 1, chat 123.
pub const SHARE: &str = demo::SHARE;

/// More than any answer may take, so that one that is missing fails its test.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any answer has.
const BODY_BYTES_MAX: usize = 64 << 20;

/// How much of a body is sent at a time where it is sent in pieces.
const CHUNK_BYTES: usize = 16 << 10;

/// A gateway's HTTP side.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    address: SocketAddr,
}

impl Http {
    /// The one at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// The one of a gateway of this process.
    pub fn of(gateway: &Gateway) -> Self {
        Self::new(gateway.address())
    }

    /// The one of the gateway where bots connect to this URL, such as `Served::url`.
    pub fn at(url: &str) -> Self {
        let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
        Self::new(address.unwrap_or_else(|| panic!("`{url}` has no address")))
    }

    /// A GET, to be sent.
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request(Method::GET, path)
    }

    /// A HEAD, to be sent.
    pub fn head(&self, path: impl Into<String>) -> Request {
        self.request(Method::HEAD, path)
    }

    /// A POST, to be sent.
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request(Method::POST, path)
    }

    /// A PATCH, to be sent.
    pub fn patch(&self, path: impl Into<String>) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A DELETE, to be sent.
    pub fn delete(&self, path: impl Into<String>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Any request, to be sent.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        let headers = HeaderMap::new();
        let (path, body) = (path.into(), Bytes::new());
        Request { address: self.address, method, path, headers, body, chunked: false }
    }
}

/// A request that is not sent yet.
#[derive(Clone, Debug)]
#[must_use = "it is sent by `send`"]
pub struct Request {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    chunked: bool,
}

impl Request {
    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        let name: HeaderName = name.parse().expect("tests name headers well");
        self.headers.append(name, header_value(value));
        self
    }

    /// With one more cookie.
    pub fn cookie(self, name: &str, value: impl Display) -> Self {
        self.header(COOKIE.as_str(), format!("{name}={value}"))
    }

    /// With the cookie of a session.
    pub fn session(self, token: &str) -> Self {
        self.cookie(SESSION, token)
    }

    /// With a token of any kind as `Authorization: Bearer`.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// With a name, which may be empty, and a password as `Authorization: Basic`.
    pub fn basic(self, name: &str, password: &str) -> Self {
        let credentials = BASE64_STANDARD.encode(format!("{name}:{password}"));
        self.header(AUTHORIZATION.as_str(), format!("Basic {credentials}"))
    }

    /// With a body of JSON, and the header that says so.
    pub fn json(self, body: &Value) -> Self {
        self.typed("application/json").raw(body.to_string())
    }

    /// With the fields of a form as body, and the header that says so.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.typed("application/x-www-form-urlencoded").raw(body)
    }

    /// With any bytes as body, and no header about them.
    pub fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With any bytes as body, sent in pieces, so that its length is not told beforehand.
    pub fn chunked(self, body: impl Into<Bytes>) -> Self {
        Self { chunked: true, ..self.raw(body) }
    }

    /// Sends it and waits for the whole answer.
    pub async fn send(self) -> Answer {
        let said = format!("{} {}", self.method, self.path);
        let answer = tokio::time::timeout(PATIENCE, self.exchange()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{said} was not answered within {PATIENCE:?}"));
        answer.unwrap_or_else(|error| panic!("{said}: {error}"))
    }

    /// Sends it once, to somebody who may not be there.
    pub async fn exchange(self) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let body = if self.chunked {
            let pieces: Vec<_> = self.body.chunks(CHUNK_BYTES).map(|piece| self.body.slice_ref(piece)).collect();
            Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
        } else {
            Body::from(self.body)
        };
        let mut request = hyper::Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse()?;
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(HOST, header_value(self.address));
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let reason = parts.extensions.get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
        let reason = reason.or(parts.status.canonical_reason().map(str::as_bytes)).unwrap_or_default();
        let reason = String::from_utf8_lossy(reason).into_owned();
        let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await?;
        Ok(Answer { status: parts.status, reason, headers: parts.headers, body })
    }

    fn typed(mut self, content_type: &'static str) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The words beside the status.
    pub reason: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The status as a number.
    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The same answer, of which the status is this.
    #[track_caller]
    pub fn expect(self, code: u16) -> Self {
        assert_eq!(self.code(), code, "{}", self.text());
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, the first of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the answer sets a cookie to; empty where it takes the cookie away.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = set.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }

    /// The session that the answer begins.
    #[track_caller]
    pub fn session(&self) -> String {
        let session = self.cookie(SESSION).filter(|session| !session.is_empty());
        session.unwrap_or_else(|| panic!("no session begins with {} {}", self.status, self.text()))
    }
}

/// Logs in and returns the session.
pub async fn log_in(http: &Http, email: &str, password: &str) -> String {
    let body = json!({"email": email, "password": password});
    http.post("/api/auth/login").json(&body).send().await.expect(200).session()
}

/// Signs up and returns the session, in which the new user is logged in.
pub async fn sign_up(http: &Http, email: &str, password: &str) -> String {
    let body = json!({"email": email, "password": password, "confirmPassword": password});
    http.post("/api/auth/sign-up").json(&body).send().await.expect(200).session()
}

/// Has an administrator give a user a password, so that the user can log in; ends the user's sessions.
pub async fn set_password(admin: &mut Client, user_id: u32, password: &str) {
    let ack = admin.call(json!({"method": "setUser", "user_id": user_id, "password": password}).to_string()).await;
    assert_eq!((&ack["user_id"], &ack["has_password"]), (&json!(user_id), &json!(true)), "{ack}");
}

/// Has an administrator make a user, without a password, and returns the user's id.
pub async fn make_user(admin: &mut Client, email: &str) -> u32 {
    let ack = admin.call(json!({"method": "setUser", "primary_email": email}).to_string()).await;
    let id = ack["user_id"].as_u64().and_then(|id| id.try_into().ok());
    id.unwrap_or_else(|| panic!("no user was made: {ack}"))
}

fn header_value(value: impl Display) -> HeaderValue {
    value.to_string().parse().expect("tests put into headers what fits there")
}

//! This is where the share API's two forms of refusal are written: the one its handlers make, and the one of what fails around
//! them.
//!
//! The order of the members is the share API's, down to the blanks: some of its clients were written against texts.

use std::borrow::Cow;
use std::num::NonZeroU32;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::issues::Issue;
use crate::http::answer::slowing;
use crate::http::status;
use crate::wire::error::Error;

/// A refusal by a handler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ShareRefusal")]
pub struct Refusal {
    #[serde(serialize_with = "number")]
    #[schemars(with = "u16")]
    status_code: StatusCode,
    status_message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'static, str>>,
    /// Where programs print their stack; it is sent empty.
    stack: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    #[serde(skip)]
    retry_after_ms: Option<NonZeroU32>,
}

/// What a handler's refusal has to say beyond its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "ShareRefusalData")]
enum Data {
    Issues {
        issues: Vec<Issue>,
        name: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Share {
        share_info: ShareInfo,
    },
}

/// What anybody may know of a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShareInfo {
    /// Whether there is one.
    pub share_exists: bool,
    /// Whether others than the owner may open it at all.
    pub share_is_active: bool,
    /// Whether that takes more than its address.
    pub share_is_private: bool,
    /// Whether it takes a password.
    pub share_has_password: bool,
    /// Whether its whitelist decides.
    pub share_has_whitelist: bool,
}

impl Refusal {
    /// A refusal with a status and the words for it.
    pub fn new(status_code: StatusCode, status_message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status_code,
            status_message: status_message.into(),
            message: None,
            stack: [],
            data: None,
            retry_after_ms: None,
        }
    }

    /// A method's refusal.
    pub fn of(error: Error) -> Self {
        let status = status(error.code);
        let refusal = Self::new(status, status.canonical_reason().unwrap_or_default()).saying(error.message);
        Self { retry_after_ms: error.retry_after_ms, ..refusal }
    }

    /// What is not there, in the one text that is also for what is somebody else's.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found.")
            .saying("There is no such user, chat, share or entry, or it is not yours.")
    }

    /// A path or a query in which something is wrong.
    pub fn invalid_path(issues: Vec<Issue>) -> Self {
        Self::invalid("Bad Request.", issues)
    }

    /// A body in which something is wrong.
    pub fn invalid_body(issues: Vec<Issue>) -> Self {
        Self::invalid("Bad Request. Invalid body.", issues)
    }

    /// A request in which something is wrong.
    pub fn invalid(status_message: &'static str, issues: Vec<Issue>) -> Self {
        let data = Data::Issues { issues, name: "ZodError" };
        Self { data: Some(data), ..Self::new(StatusCode::BAD_REQUEST, status_message) }
    }

    /// The same refusal, with a sentence for the person who reads it.
    pub fn saying(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// The same refusal, with what may be known of the share.
    pub fn with_share_info(self, share_info: ShareInfo) -> Self {
        Self { data: Some(Data::Share { share_info }), ..self }
    }
}

/// Either of the two.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename = "ShareProblem", untagged)]
pub enum Problem {
    /// A handler refuses.
    Refusal(Refusal),
    /// Something failed around it.
    Failure(Failure),
}

/// Something that failed around the handlers: nobody is signed in, a body cannot be read, or the gateway cannot write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ShareFailure")]
pub struct Failure {
    error: bool,
    /// The path asked for, without its query, which may hold a token.
    url: String,
    #[serde(serialize_with = "number")]
    #[schemars(with = "u16")]
    status_code: StatusCode,
    status_message: &'static str,
    message: Cow<'static, str>,
}

impl Failure {
    /// A failure with a status, the words for it, and a sentence.
    pub fn new(
        path: &str,
        status_code: StatusCode,
        status_message: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { error: true, url: path.to_owned(), status_code, status_message, message: message.into() }
    }

    /// Nobody is signed in. The words are the share API's own.
    pub fn unauthorized(path: &str) -> Self {
        Self::new(path, StatusCode::UNAUTHORIZED, "Server Error", "Unauthorized")
    }

    /// The body should be JSON and is not.
    pub fn not_json(path: &str) -> Self {
        Self::new(path, StatusCode::BAD_REQUEST, "Bad Request", "Invalid JSON body")
    }

    /// The body is too long.
    pub fn too_large(path: &str) -> Self {
        Self::new(path, StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large", "Payload Too Large")
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Refusal(refusal) => refusal.into_response(),
            Self::Failure(failure) => failure.into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::to_string_pretty(&self).expect("a refusal is nothing but strings, numbers and flags");
        let response = (self.status_code, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        slowing(response, self.retry_after_ms)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).expect("a failure is nothing but strings and numbers");
        (self.status_code, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn sent(response: impl IntoResponse) -> (StatusCode, String) {
        let response = response.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.expect("the body is at hand");
        (status, String::from_utf8(body.to_vec()).expect("the body is text"))
    }

    #[tokio::test]
    async fn a_handlers_refusal_is_written_over_lines() {
        let issues = vec![Issue::expected("array", "object", Vec::new())];
        let (status, body) = sent(Refusal::invalid_body(issues)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let expected = r#"{
  "statusCode": 400,
  "statusMessage": "Bad Request. Invalid body.",
  "stack": [],
  "data": {
    "issues": [
      {
        "code": "invalid_type",
        "expected": "array",
        "received": "object",
        "path": [],
        "message": "Expected array, received object"
      }
    ],
    "name": "ZodError"
  }
}"#;
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_refusal_without_data_has_none() {
        let (status, body) = sent(Refusal::new(StatusCode::NOT_FOUND, "Not Found.")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body, "{\n  \"statusCode\": 404,\n  \"statusMessage\": \"Not Found.\",\n  \"stack\": []\n}");
    }

    #[tokio::test]
    async fn a_refusal_to_open_a_share_says_what_may_be_known_of_it() {
        let share_info = ShareInfo { share_exists: true, share_has_whitelist: true, ..ShareInfo::default() };
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "Forbidden (not on whitelist)")
            .saying("You are not on the whitelist.")
            .with_share_info(share_info);
        let expected = r#"{
  "statusCode": 403,
  "statusMessage": "Forbidden (not on whitelist)",
  "message": "You are not on the whitelist.",
  "stack": [],
  "data": {
    "shareInfo": {
      "shareExists": true,
      "shareIsActive": false,
      "shareIsPrivate": false,
      "shareHasPassword": false,
      "shareHasWhitelist": true
    }
  }
}"#;
        assert_eq!(sent(refusal).await, (StatusCode::FORBIDDEN, expected.to_owned()));
    }

    #[tokio::test]
    async fn a_failure_is_written_on_one_line() {
        for (failure, status, expected) in [
            (
                Failure::unauthorized("/api/users/1/chats"),
                401,
                r#"{"error":true,"url":"/api/users/1/chats","statusCode":401,"statusMessage":"Server Error","message":"Unauthorized"}"#,
            ),
            (
                Failure::not_json("/api/auth/login"),
                400,
                r#"{"error":true,"url":"/api/auth/login","statusCode":400,"statusMessage":"Bad Request","message":"Invalid JSON body"}"#,
            ),
            (
                Failure::too_large("/api/auth/login"),
                413,
                r#"{"error":true,"url":"/api/auth/login","statusCode":413,"statusMessage":"Payload Too Large","message":"Payload Too Large"}"#,
            ),
        ] {
            let (sent_status, body) = sent(failure).await;
            assert_eq!((sent_status.as_u16(), &*body), (status, expected));
        }
    }
}

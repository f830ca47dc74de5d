//! This is where users sign up, log in and out, and ask who they are.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::cookie;
use super::credentials::{Credentials, credentials};
use super::problem::{Failure, Problem, Refusal};
use super::request::Asked;
use crate::access::Caller;
use crate::config::SESSION_MS;
use crate::http::answer::json;
use crate::methods::{LogIn, LogOut, Method, SignUp};
use crate::state::id::UserId;
use crate::state::moment::Moment;
use crate::state::token::TokenHash;
use crate::wire::error::Code;

/// Who is signed in, as the share API tells it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    user: User,
    logged_in_at: Moment,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionUser")]
struct User {
    id: UserId,
    primary_email: Box<str>,
}

/// Who is signed in, if anybody.
pub fn perhaps_session(generator: &mut SchemaGenerator) -> Schema {
    let nobody = json_schema!({"type": "object", "properties": {}, "additionalProperties": false});
    json_schema!({"anyOf": [generator.subschema_for::<Session>(), nobody]})
}

/// `POST /api/auth/login`
pub async fn log_in(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Credentials { email, password } = newcomer(&asked, body).await?;
    let signed_in = asked.try_change::<LogIn>(json!({"email": email, "password": password})).await;
    signed_in.map(|reply| begin(&asked, reply)).map_err(|error| Refusal::of(error).into())
}

/// `POST /api/auth/sign-up`
pub async fn sign_up(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Credentials { email, password } = newcomer(&asked, body).await?;
    let signed_in = asked.try_change::<SignUp>(json!({"email": email, "password": password})).await;
    signed_in.map(|reply| begin(&asked, reply)).map_err(|error| Refusal::of(error).into())
}

/// `POST /api/auth/logout`: the token is void from now on, wherever it was copied to.
pub async fn log_out(asked: Asked) -> Result<Response, Problem> {
    let ended = match asked.token.as_ref().filter(|_| user(&asked).is_some()) {
        None => false,
        Some(token) => match asked.try_change::<LogOut>(json!({"session": token})).await {
            Ok(_) => true,
            Err(error) if error.code == Code::NotAuthenticated => false,
            Err(error) => return Err(asked.refused(error)),
        },
    };
    Ok(with_cookie(json(StatusCode::OK, &ended), cookie::forget(is_secure(&asked))))
}

/// `HEAD /api/auth/check`
pub async fn check(asked: Asked) -> Result<StatusCode, Problem> {
    user(&asked).map(|_| StatusCode::NO_CONTENT).ok_or_else(|| asked.fails(Failure::unauthorized))
}

/// `GET /api/_auth/session`: an empty object where nobody is signed in.
pub async fn session(asked: Asked) -> Response {
    match signed_in(&asked) {
        Some(session) => json(StatusCode::OK, &session),
        None => json(StatusCode::OK, &json!({})),
    }
}

/// What a newcomer says of themselves; who is signed in is none.
async fn newcomer(asked: &Asked, body: Body) -> Result<Credentials, Problem> {
    let body = asked.read(body).await?;
    if user(asked).is_some() {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "Forbidden");
        return Err(refusal.saying("You are logged in already; log out first.").into());
    }
    credentials(body.as_ref()).map_err(|issues| Refusal::invalid("Bad Request", issues).into())
}

fn user(asked: &Asked) -> Option<UserId> {
    match asked.visitor.caller {
        Caller::User(user_id) => Some(user_id),
        _ => None,
    }
}

fn signed_in(asked: &Asked) -> Option<Session> {
    let (user_id, token) = (user(asked)?, asked.token.as_deref()?);
    let state = &asked.shared.state;
    let logged_in_at = state.session(&TokenHash::of(token))?.created_at;
    let primary_email = state.user(user_id)?.primary_email.clone();
    Some(Session { id: Some(session_id(token)), user: User { id: user_id, primary_email }, logged_in_at })
}

/// A name for a session, out of which its token cannot be found, and which is not what the token is looked up by.
fn session_id(token: &str) -> Uuid {
    let digest = Sha256::new().chain_update(b"session id\0").chain_update(token).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The answer to who has just signed in.
fn begin(asked: &Asked, reply: <LogIn as Method>::Reply) -> Response {
    let user = User { id: reply.user.id, primary_email: reply.user.primary_email };
    let response = json(StatusCode::OK, &Session { id: None, user, logged_in_at: reply.logged_in_at });
    let Some(token) = reply.session else { return response };
    with_cookie(response, cookie::keep(&token, Duration::from_millis(SESSION_MS), is_secure(asked)))
}

/// Whether browsers reach the gateway over TLS only.
fn is_secure(asked: &Asked) -> bool {
    asked.shared.public_url.starts_with("https://")
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

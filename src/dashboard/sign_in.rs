//! This is where somebody signs in to the page, by a link or a token, and out of it again.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Session;
use crate::access::{About, Caller, Permission, UNKNOWN, authorise};
use crate::config::SESSION_MS;
use crate::http::answer::{challenging, json, slowing};
use crate::http::credentials::Visitor;
use crate::http::origin::Origins;
use crate::http::{Peer, body, status};
use crate::shared::Shared;
use crate::state::id::BotId;
use crate::state::moment::Moment;
use crate::state::token::TokenHash;
use crate::throttle::Origin;
use crate::wire::error::{Code, Error};

/// How somebody signs in.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Proof {
    /// With the secret of a set-up link.
    Setup(String),
    /// With a bot's token.
    Token(String),
}

/// Who is signed in.
#[derive(Serialize)]
struct SignedIn {
    bot_id: BotId,
    name: String,
    is_admin: bool,
    ends_at: Moment,
}

/// A link that was made.
#[derive(Serialize)]
struct Link {
    url: String,
    ends_at: Moment,
}

/// `GET /dashboard/session`
pub async fn tell(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    answered(Session::of(&shared, &headers).and_then(|session| signed_in(&shared, &session)).ok_or_else(nobody))
}

/// `POST /dashboard/session`
pub async fn begin(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !Origins::of(&parts.extensions).trust(&parts.headers) {
        return refused(&elsewhere());
    }
    let session = match proven(&shared, Peer::of(&parts.extensions), body).await {
        Ok(session) => session,
        Err(error) => return refused(&error),
    };
    let cookie = session.keep(&shared.cookie_key, Duration::from_millis(SESSION_MS), is_secure(&shared));
    let told = signed_in(&shared, &session).ok_or_else(nobody);
    ([(header::SET_COOKIE, cookie)], answered(told)).into_response()
}

/// `DELETE /dashboard/session`
pub async fn end(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !Origins::of(request.extensions()).trust(request.headers()) {
        return refused(&elsewhere());
    }
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, Session::forget(is_secure(&shared)))]).into_response()
}

/// `POST /dashboard/links`: a set-up link for the administrator whose token comes as `Authorization: Bearer`.
pub async fn make_link(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answered(link(&shared, Peer::of(request.extensions()), request.headers()).await)
}

async fn link(shared: &Shared, peer: Peer, headers: &HeaderMap) -> Result<Link, Error> {
    let visitor = Visitor::of_bearer(shared, peer, headers).await?.unwrap_or(Visitor::anyone(peer));
    authorise(visitor.sender(shared).view, Permission::Admin, &About::Gateway)?;
    let Caller::Bot(bot_id) = visitor.caller else { return Err(nobody()) };
    let (secret, ends_at) = shared.links.make(bot_id, &shared.random, shared.clock.now_ms());
    Ok(Link { url: super::link(shared, &secret), ends_at })
}

/// Whom a body lets in, if it does. Whoever tries secrets is slowed down.
async fn proven(shared: &Shared, Peer(address): Peer, body: Body) -> Result<Session, Error> {
    let bytes = body::read(body, &shared.limits).await?;
    let proof = serde_json::from_slice(&bytes);
    let proof = proof.map_err(|_| Error::new(Code::Malformed, "send {\"token\":\"…\"} or {\"setup\":\"…\"}"))?;
    shared.admit_guess(Origin::Address(address), "dashboard")?;
    let now_ms = shared.clock.now_ms();
    let now = Moment::of_ms(now_ms);
    let bot_id = match proof {
        Proof::Setup(secret) => shared.links.take(&secret, now).ok_or_else(|| {
            let message = "the link was used, or is older than half an hour; `guestlist admin link` makes a new one";
            Error::new(Code::NotAuthenticated, message)
        })?,
        Proof::Token(token) => {
            let token = TokenHash::of(&token);
            shared.look_for(&token, address).await?;
            let Caller::Bot(bot_id) = shared.identify(&token, address, UNKNOWN)?.caller else {
                let message = "the token is none of a bot's; an administrator has those";
                return Err(Error::new(Code::NotAuthenticated, message));
            };
            bot_id
        }
    };
    Session::begin(&shared.state, bot_id, now_ms).ok_or_else(nobody)
}

fn signed_in(shared: &Shared, session: &Session) -> Option<SignedIn> {
    let bot = shared.state.bot(session.bot_id)?;
    let (name, is_admin) = (bot.name.clone(), bot.is_admin());
    Some(SignedIn { bot_id: session.bot_id, name, is_admin, ends_at: session.ends_at })
}

/// Whether browsers reach the gateway over TLS only.
fn is_secure(shared: &Shared) -> bool {
    shared.public_url.starts_with("https://")
}

fn nobody() -> Error {
    Error::new(Code::NotAuthenticated, "nobody is signed in; use a set-up link or a token")
}

fn elsewhere() -> Error {
    Error::new(Code::PermissionMissing, "this was sent by a page of another host")
}

fn answered<T: Serialize>(answer: Result<T, Error>) -> Response {
    let mut response = match answer {
        Ok(body) => json(StatusCode::OK, &body),
        Err(error) => return refused(&error),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    response
}

fn refused(error: &Error) -> Response {
    let answer = json(status(error.code), &serde_json::json!({"error": error.code.number(), "message": error.message}));
    slowing(challenging(answer), error.retry_after_ms)
}

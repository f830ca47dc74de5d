//! This is where the share API is answered: its paths, its bodies and its refusals, over the same methods that bots use.
//!
//! Requests are refused in the order that its clients know: who asks (401), the ids of the path (400), whose they are (404), the
//! body (400), and then what the method has to say.

mod auth;
mod bodies;
mod chats;
mod cookie;
mod credentials;
mod elsewhere;
mod issues;
mod numbers;
mod problem;
mod request;
mod shared_chat;
mod shares;
mod whitelist;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{delete, get, head, patch, post};

use crate::shared::Shared;

/// Every route of the share API.
pub fn routes() -> Router<Arc<Shared>> {
    const CHATS: &str = "/api/users/{user_id}/chats";
    const CHAT: &str = "/api/users/{user_id}/chats/{chat_id}";
    const SHARES: &str = "/api/users/{user_id}/chats/{chat_id}/shares";
    const SHARE: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}";
    const ENTRIES: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries";
    const ENTRY: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries/{entry_id}";
    Router::new()
        .route("/api/auth/login", post(auth::log_in))
        .route("/api/auth/sign-up", post(auth::sign_up))
        .route("/api/auth/logout", post(auth::log_out))
        .route("/api/auth/check", head(auth::check))
        .route("/api/_auth/session", get(auth::session))
        .route(CHATS, get(chats::list).post(chats::create).delete(chats::remove))
        .route(CHAT, patch(chats::rename).delete(chats::remove_one))
        .route(SHARES, get(shares::of_chat).post(shares::create))
        .route(SHARE, patch(shares::change).delete(shares::remove))
        .route(ENTRIES, get(whitelist::list).post(whitelist::add).delete(whitelist::remove))
        .route(ENTRY, delete(whitelist::remove_entry))
        .route("/api/shared/chats/{uuid}", get(shared_chat::open))
        .method_not_allowed_fallback(request::wrong_method)
        .layer(middleware::from_fn(elsewhere::refuse))
}

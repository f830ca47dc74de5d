//! This is where people look after a gateway in a browser: the page, who is signed in to it, and its socket.
//!
//! The page speaks the methods that bots speak, over a WebSocket of its own, which differs in one thing: a cookie signs it in. So it is
//! opened for pages of the gateway's own origin alone, or of one that was named.

mod key;
mod link;
mod page;
mod session;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::administrator::ADMINISTRATOR;
use crate::shared::Shared;
use crate::state::id::BotId;
pub use key::CookieKey;
pub use link::Links;
pub use session::Session;

/// The part of a page's address behind which a set-up link has its secret: browsers keep that to themselves.
const SETUP: &str = "/#setup=";

/// Whether a path is one of the page's own.
pub fn is_of(path: &str) -> bool {
    path == "/" || path.starts_with("/dashboard/")
}

/// The paths of the page. They are its own, and no part of the API.
pub fn routes(router: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    page::routes(router)
        .route("/dashboard/session", get(sign_in::tell).post(sign_in::begin).delete(sign_in::end))
        .route("/dashboard/links", post(sign_in::make_link))
}

/// A set-up link for the first administrator there is, if there is one.
pub fn first_link(shared: &Shared) -> Option<String> {
    let is_admin = |id: &BotId| shared.state.bot(*id).is_some_and(|bot| bot.is_admin());
    let administrator = Some(ADMINISTRATOR).filter(is_admin);
    let bot_id = administrator.or_else(|| shared.state.bot_ids().into_iter().find(is_admin))?;
    let (secret, _) = shared.links.make(bot_id, &shared.random, shared.clock.now_ms());
    Some(link(shared, &secret))
}

fn link(shared: &Shared, secret: &str) -> String {
    format!("{}{SETUP}{secret}", shared.public_url)
}

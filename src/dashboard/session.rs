//! This is where it is known who is signed in to the page: a cookie says so, which only the gateway can write.
//!
//! Nothing is kept of a session but in that cookie. It ends by itself, and with the token that its bot had when it began.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, CookieJar, SameSite, time};
use sha2::{Digest, Sha256};

use super::CookieKey;
use crate::access::{Caller, Identity};
use crate::config::SESSION_MS;
use crate::shared::Shared;
use crate::state::State;
use crate::state::id::BotId;
use crate::state::moment::Moment;
use crate::state::token::TokenHash;

/// The cookie's name.
const NAME: &str = "guestlist-session";

/// The paths that browsers send it to, and no others.
const PATH: &str = "/dashboard";

/// Somebody who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The bot as which.
    pub bot_id: BotId,
    /// The token that the bot has.
    pub token: TokenHash,
    /// When it ends by itself.
    pub ends_at: Moment,
}

impl Session {
    /// One that begins now, unless there is no such bot.
    pub fn begin(state: &State, bot_id: BotId, now_ms: u64) -> Option<Self> {
        let token = state.bot(bot_id)?.token;
        Some(Self { bot_id, token, ends_at: Moment::of_ms(now_ms + SESSION_MS) })
    }

    /// The one that a request's cookie shows.
    pub fn of(shared: &Shared, headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut jar = CookieJar::new();
        for cookie in lines.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == NAME) {
            jar.add_original(cookie.into_owned());
        }
        let signed = jar.signed(shared.cookie_key.key()).get(NAME)?;
        Self::read(signed.value(), &shared.state, Moment::of_ms(shared.clock.now_ms()))
    }

    fn read(value: &str, state: &State, now: Moment) -> Option<Self> {
        let mut parts = value.split('.');
        let (bot_id, ends_at) =
            (parts.next()?.parse().ok().map(BotId)?, parts.next()?.parse().ok().map(Moment::of_ms)?);
        let token = state.bot(bot_id)?.token;
        let stands = parts.next()? == mark(&token) && now < ends_at;
        stands.then_some(Self { bot_id, token, ends_at })
    }

    /// The header that has a browser keep it.
    pub fn keep(&self, key: &CookieKey, lasting: Duration, secure: bool) -> HeaderValue {
        let value = format!("{}.{}.{}", self.bot_id, self.ends_at.ms(), mark(&self.token));
        let mut jar = CookieJar::new();
        jar.signed_mut(key.key()).add((NAME, value));
        let signed = jar.get(NAME).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
        written(signed, time::Duration::seconds(i64::try_from(lasting.as_secs()).unwrap_or(i64::MAX)), secure)
    }

    /// The header that has a browser forget it.
    pub fn forget(secure: bool) -> HeaderValue {
        written(String::new(), time::Duration::ZERO, secure)
    }

    /// Who that is, to the methods.
    pub fn identity(&self, state: &State) -> Option<Identity> {
        let bound_app = state.bot(self.bot_id)?.bound_app_id;
        Some(Identity { caller: Caller::Bot(self.bot_id), bound_app, expires_at: Some(self.ends_at) })
    }
}

/// What tells one token of a bot from the next, and tells nothing of it.
fn mark(token: &TokenHash) -> String {
    let hash = Sha256::new().chain_update(b"dashboard\0").chain_update(token.bytes()).finalize();
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(value: String, max_age: time::Duration, secure: bool) -> HeaderValue {
    let cookie = Cookie::build((NAME, value)).path(PATH).http_only(true).same_site(SameSite::Strict);
    let cookie = cookie.secure(secure).max_age(max_age).build();
    HeaderValue::from_str(&cookie.to_string()).expect("it is made of digits, letters and the signs of base64")
}

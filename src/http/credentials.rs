//! This is where it is found out who sends a request.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use super::Peer;
use crate::access::{self, Caller, Identity, Sender, UNKNOWN};
use crate::shared::Shared;
use crate::state::id::AppId;
use crate::state::token::TokenHash;
use crate::throttle::Origin;
use crate::wire::error::{Code, Error};

/// Who sends a request, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Who it is.
    pub caller: Caller,
    /// Where from.
    pub address: IpAddr,
    /// The app that the token is bound to.
    pub bound_app: Option<AppId>,
    /// The token, where there is one.
    token: Option<TokenHash>,
}

impl Visitor {
    /// Somebody without a token.
    pub fn anyone(Peer(address): Peer) -> Self {
        Self { caller: Caller::Anyone, address, bound_app: None, token: None }
    }

    /// The one whom a token stands for: a bot, a user by a session, or a member of an organisation by an api key.
    pub async fn of_token(shared: &Shared, peer: Peer, token: &str) -> Option<Self> {
        let token = TokenHash::of(token);
        // Where it is not found out in time whether another gateway knows it, it is as good as unknown.
        shared.look_for(&token, peer.0).await.ok();
        let identity = access::identify(&shared.state, &token, shared.view(Caller::Anyone).now())?;
        let Identity { caller, bound_app, .. } = identity;
        Some(Self { caller, address: peer.0, bound_app, token: Some(token) })
    }

    /// The same, where a token that is not known is refused, and counts against the address.
    pub async fn proven(
        shared: &Shared,
        Peer(address): Peer,
        token: &str,
        unknown: &'static str,
    ) -> Result<Self, Error> {
        let token = TokenHash::of(token);
        shared.look_for(&token, address).await?;
        let Identity { caller, bound_app, .. } = shared.identify(&token, address, unknown)?;
        Ok(Self { caller, address, bound_app, token: Some(token) })
    }

    /// The one whose token comes as `Authorization: Bearer`; nobody where none does.
    pub async fn of_bearer(shared: &Shared, peer: Peer, headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let Some(token) = bearer(headers) else { return Ok(None) };
        Self::proven(shared, peer, token, UNKNOWN).await.map(Some)
    }

    /// Refuses one whose token has become void while the body was awaited, or a password hashed.
    pub fn still_stands(&self, shared: &Shared) -> Result<(), Error> {
        let Some(token) = &self.token else { return Ok(()) };
        let identity = access::identify(&shared.state, token, shared.view(self.caller).now());
        let stands = identity.is_some_and(|identity| identity.caller == self.caller);
        let void =
            || Error::new(Code::NotAuthenticated, "the token is no longer valid; sign in again, or ask for a new one");
        if stands { Ok(()) } else { Err(void()) }
    }

    /// Counts a request of those that the visitor may send.
    pub fn take_credit(&self, shared: &Shared) -> Result<(), Error> {
        let drawn = shared.rates.draw_one(self.caller, self.address);
        drawn.map_err(|wait| Error::slow_down(wait, "there were too many requests"))
    }

    /// What is told of the visitor to a method.
    pub fn sender<'a>(&self, shared: &'a Shared) -> Sender<'a> {
        Sender { view: shared.view(self.caller), bound_app: self.bound_app }
    }

    /// Whose attempts at what is shared with them count together.
    pub fn origin(&self) -> Origin {
        match self.caller {
            Caller::Anyone => Origin::Address(self.address),
            caller => Origin::Caller(caller),
        }
    }
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

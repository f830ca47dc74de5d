//! This is where it is found out who sends a request.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use super::Peer;
use crate::access::{self, Caller, Identity, Sender};
use crate::engine::now_ms;
use crate::shared::Shared;
use crate::state::id::AppId;
use crate::state::moment::Moment;
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
    pub fn of_token(shared: &Shared, peer: Peer, token: &str) -> Option<Self> {
        let token = TokenHash::of(token);
        let identity = identify(shared, &token)?;
        Some(Self { caller: identity.caller, address: peer.0, bound_app: identity.bound_app, token: Some(token) })
    }

    /// Refuses a visitor whose token was ended after it was seen first: a body may take long to come, and a password to check.
    pub fn check_still_known(&self, shared: &Shared) -> Result<(), Error> {
        let is_known = self.token.is_none_or(|token| identify(shared, &token).is_some());
        if is_known { Ok(()) } else { Err(Error::new(Code::NotAuthenticated, "the token is no longer valid")) }
    }

    /// What is told of the visitor to a method.
    pub fn sender<'a>(&self, shared: &'a Shared) -> Sender<'a> {
        Sender { view: shared.view(self.caller), bound_app: self.bound_app }
    }

    /// Whose attempts at guessing count together.
    pub fn origin(&self) -> Origin {
        match self.caller {
            Caller::Anyone => Origin::Address(self.address),
            caller => Origin::Caller(caller),
        }
    }
}

fn identify(shared: &Shared, token: &TokenHash) -> Option<Identity> {
    access::identify(&shared.state, token, Moment::of_ms(now_ms()))
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

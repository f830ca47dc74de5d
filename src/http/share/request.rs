//! This is where a request to the share API is taken in, so that its refusals come in the order its clients know: who it is, then
//! the path, then whose it is, then the body.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value};

use super::bodies::NotJson;
use super::issues::Issue;
use super::problem::{Failure, Problem, Refusal};
use super::{bodies, cookie, numbers};
use crate::access::{About, Caller, Permission, authorise};
use crate::http::credentials::{Visitor, bearer};
use crate::http::{OTHER_METHODS, Peer, body, run};
use crate::methods::{Ask, Listed, Method, owned};
use crate::shared::Shared;
use crate::state::id::{ChatId, EntryId, ShareId, UserId};
use crate::wire::error::{Code, Error};

/// The header that is as good as the cookie.
pub const SESSION_HEADER: &str = "x-neptun-session-session";

/// A share, as paths name it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The owner.
    pub user_id: UserId,
    /// The chat that is shared.
    pub chat_id: ChatId,
    /// The share.
    pub share_id: ShareId,
}

/// A request, of which nothing was refused yet. It holds secrets, and is not for showing.
pub struct Asked {
    /// What every connection has at hand.
    pub shared: Arc<Shared>,
    /// Who sends it; somebody with a token that is not known, or is void, is anyone.
    pub visitor: Visitor,
    /// The token that says so.
    pub token: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    uri: Uri,
    parameters: HashMap<String, String>,
}

impl FromRequestParts<Arc<Shared>> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Infallible> {
        // What is no text is no id either, and is refused as such.
        let parameters = Path::from_request_parts(parts, shared).await.map(|Path(all)| all).unwrap_or_default();
        let peer = Peer::of(&parts.extensions);
        let (mut visitor, mut token) = (Visitor::anyone(peer), None);
        for carried in tokens(&parts.headers) {
            if let Some(known) = Visitor::of_token(shared, peer, &carried).await {
                (visitor, token) = (known, Some(carried));
                break;
            }
        }
        Ok(Self {
            shared: shared.clone(),
            visitor,
            token,
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            parameters,
        })
    }
}

/// The tokens that a request carries: a session's in its cookie or header, and one of any kind as `Authorization: Bearer`. A
/// browser may go on sending a cookie that is void by now.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let header = headers.get(SESSION_HEADER).and_then(|token| token.to_str().ok());
    [cookie::session(headers), header.map(str::to_owned), bearer(headers).map(str::to_owned)].into_iter().flatten()
}

impl Asked {
    /// The user of the path, whose shares the caller may manage.
    pub fn user(&self) -> Result<UserId, Problem> {
        let user_id = self.ids(|issues| self.id("user_id", issues))?;
        self.own_user(user_id)?;
        Ok(user_id)
    }

    /// The user of the path, and the chat, which is the user's.
    pub fn chat(&self) -> Result<(UserId, ChatId), Problem> {
        let (user_id, chat_id) = self.ids(|issues| {
            let ids = (self.id("user_id", issues), self.id("chat_id", issues));
            Some((ids.0?, ids.1?))
        })?;
        self.own_user(user_id)?;
        owned::chat(&self.shared.state, user_id, chat_id).map_err(|error| self.refused(error))?;
        Ok((user_id, chat_id))
    }

    /// The share of the path, which is that of a chat of the user's.
    pub fn share(&self) -> Result<Place, Problem> {
        let place = self.ids(|issues| self.place(issues))?;
        self.own_share(place)?;
        Ok(place)
    }

    /// The same, and the entry that the path names, which may not be there.
    pub fn entry(&self) -> Result<(Place, EntryId), Problem> {
        let (place, entry_id) = self.ids(|issues| {
            let ids = (self.place(issues), self.id("entry_id", issues));
            Some((ids.0?, ids.1?))
        })?;
        self.own_share(place)?;
        Ok((place, entry_id))
    }

    /// The body, read by its content type; `None` where there is none.
    pub async fn read(&self, body: Body) -> Result<Option<Value>, Problem> {
        let max = self.shared.limits.body_bytes_max;
        match body::read(body, &self.shared.limits).await {
            // In the share API, a body of just so many bytes is too large.
            Ok(bytes) if bytes.len() >= max => Err(self.fails(Failure::too_large)),
            Ok(bytes) => bodies::read(&self.headers, &bytes).map_err(|NotJson| self.fails(Failure::not_json)),
            Err(error) if error.code == Code::TooLarge => Err(self.fails(Failure::too_large)),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// What the query says of pages: fields as the methods that list have them.
    pub fn page(&self) -> Map<String, Value> {
        const FIELDS: [&str; 3] = ["page_size", "page_number", "cursor"];
        let query = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        let known = query.filter(|(name, _)| FIELDS.contains(&name.as_ref()));
        known.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
    }

    /// A parameter of the path.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("\u{fffd}", String::as_str)
    }

    /// Makes the change that a WebSocket message of these fields would make, or gives the method's own refusal.
    pub async fn try_change<M: Listed>(&self, fields: Value) -> Result<<M as Method>::Reply, Error> {
        run::change(&self.shared, &self.visitor, method::<M>(fields)?).await
    }

    /// Makes the change that a WebSocket message of these fields would make.
    pub async fn change<M: Listed>(&self, fields: Value) -> Result<<M as Method>::Reply, Problem> {
        self.try_change::<M>(fields).await.map_err(|error| self.refused(error))
    }

    /// Answers as a WebSocket message of these fields would be answered.
    pub fn query<M: Ask>(&self, fields: Value) -> Result<<M as Method>::Reply, Problem> {
        let method = method::<M>(fields).map_err(|error| self.refused(error))?;
        run::query(&self.shared, &self.visitor, method).map_err(|error| self.refused(error))
    }

    /// A method's refusal, in the words of the share API.
    pub fn refused(&self, error: Error) -> Problem {
        match error.code {
            Code::NotAuthenticated => self.fails(Failure::unauthorized),
            Code::NotFound => Refusal::not_found().into(),
            Code::Malformed => Refusal::invalid_path(vec![Issue::custom(&error.message, Vec::new())]).into(),
            _ => Refusal::of(error).into(),
        }
    }

    /// A failure of this request.
    pub fn fails(&self, failure: impl FnOnce(&str) -> Failure) -> Problem {
        failure(self.uri.path()).into()
    }

    /// Reads ids of the path once it is clear who asks; all that is wrong with them is told at once.
    fn ids<T>(&self, read: impl FnOnce(&mut Vec<Issue>) -> Option<T>) -> Result<T, Problem> {
        if self.visitor.caller == Caller::Anyone {
            return Err(self.fails(Failure::unauthorized));
        }
        let mut issues = Vec::new();
        read(&mut issues).ok_or_else(|| Refusal::invalid_path(issues).into())
    }

    fn place(&self, issues: &mut Vec<Issue>) -> Option<Place> {
        let ids = (self.id("user_id", issues), self.id("chat_id", issues), self.id("share_id", issues));
        Some(Place { user_id: ids.0?, chat_id: ids.1?, share_id: ids.2? })
    }

    fn id<T: TryFrom<u64>>(&self, name: &'static str, issues: &mut Vec<Issue>) -> Option<T> {
        numbers::path_id(name, self.parameter(name)).map_err(|wrong| issues.extend(wrong)).ok()
    }

    fn own_user(&self, user_id: UserId) -> Result<(), Problem> {
        let view = self.shared.view(self.visitor.caller);
        let allowed = authorise(view, Permission::ShareManagement, &About::User(user_id));
        let known = || view.state.user(user_id).map(|_| ()).ok_or_else(|| Error::unknown_user(user_id));
        allowed.and_then(|()| known()).map_err(|error| self.refused(error))
    }

    fn own_share(&self, Place { user_id, chat_id, share_id }: Place) -> Result<(), Problem> {
        self.own_user(user_id)?;
        let share = owned::share(&self.shared.state, user_id, chat_id, share_id);
        share.map(|_| ()).map_err(|error| self.refused(error))
    }
}

/// The answer to a method that a path does not take.
pub async fn wrong_method(uri: Uri) -> Failure {
    Failure::new(uri.path(), StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", OTHER_METHODS)
}

fn method<M: Method>(fields: Value) -> Result<M, Error> {
    serde_path_to_error::deserialize(fields).map_err(|error| Error::field(error.path(), error.inner()))
}

//! `POST /api/{method}`: any method of the list, for those who cannot hold a socket.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::answer::{challenging, written};
use super::credentials::Visitor;
use super::{OTHER_METHODS, Peer, body, run, status};
use crate::methods::Command;
use crate::shared::Shared;
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame;

/// The one route.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/{method}", post(call)).method_not_allowed_fallback(wrong_method)
}

async fn call(State(shared): State<Arc<Shared>>, Path(method): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let peer = Peer::of(&parts.extensions);
    let text = match body::read(body, &shared.limits).await {
        Ok(bytes) if bytes.is_empty() => Ok(Utf8Bytes::from_static("{}")),
        Ok(bytes) => Utf8Bytes::try_from(bytes).map_err(|_| Error::new(Code::Malformed, "the body is not UTF-8")),
        Err(error) => Err(error),
    };
    let mut reference = Reference::default();
    let answered = match text {
        Ok(text) => answer(&shared, peer, &parts.headers, &method, &text, &mut reference).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(frame) => framed(StatusCode::OK, frame),
        Err(error) => framed(status(error.code), frame::refusal(&error, Some(&method), &reference, false)),
    }
}

async fn answer(
    shared: &Arc<Shared>,
    peer: Peer,
    headers: &HeaderMap,
    method: &str,
    text: &Utf8Bytes,
    reference: &mut Reference,
) -> Result<Utf8Bytes, Error> {
    let visitor = Visitor::of_bearer(shared, peer, headers)?.unwrap_or(Visitor::anyone(peer));
    *reference = envelope::reference(text)?;
    let mut frames = Vec::with_capacity(1);
    match Command::read(method, text)? {
        Command::Query(mut query) => {
            let sender = visitor.sender(shared);
            query.admit(sender)?;
            // There is nobody here who could not read it in one piece.
            query.answer(sender.view, reference, usize::MAX, &mut frames)?;
        }
        Command::Change(change) => {
            run::submit(shared, &visitor, change).await?.encode(reference, usize::MAX, &mut frames);
        }
    }
    Ok(frames.pop().expect("an answer that may be of any size is one frame"))
}

async fn wrong_method() -> Response {
    let error = Error::new(Code::UnknownMethod, OTHER_METHODS);
    framed(StatusCode::METHOD_NOT_ALLOWED, frame::refusal(&error, None, &Reference::default(), false))
}

fn framed(status: StatusCode, frame: Utf8Bytes) -> Response {
    challenging(written(status, Bytes::from(frame)))
}

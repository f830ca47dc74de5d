//! `POST /api/{method}`: any method of the list, for those who cannot hold a socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::answer::{challenging, slowing, written};
use super::credentials::Visitor;
use super::routes::{Content, Credential, Operation, Product, Routes};
use super::{OTHER_METHODS, Peer, body, run, status};
use crate::access::Permission;
use crate::counts::Asked;
use crate::methods::{Call, Command, Description, METHODS, Nature};
use crate::schema::methods::{REFUSAL, capitalised, extensions, told, told_codes};
use crate::shared::Shared;
use crate::traffic::Frame;
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{self, Called};

/// The one route, which stands for all methods.
pub fn routes() -> Routes {
    // What is about a connection needs one.
    let here = METHODS.iter().filter(|method| method.nature != Nature::Wish);
    let each = here.map(|method| (format!("/api/{}", method.call.method), said(method)));
    Routes::default()
        .post_to_each("/api/{method}", call, each)
        .with(|router| router.method_not_allowed_fallback(wrong_method))
}

fn said(method: &Description) -> Operation {
    let Call { method: name, reply, summary, .. } = method.call;
    let by_status = method.codes().fold(BTreeMap::<u16, Vec<Code>>::new(), |mut all, code| {
        all.entry(status(code).as_u16()).or_default().push(code);
        all
    });
    let said = Operation::new(Product::Methods, name, capitalised(summary))
        .saying(told(method))
        .by(&[Credential::Bearer])
        .answering(200, format!("`{reply}`"), Content::Named(reply));
    let said = Operation { is_open: method.needs == Permission::Anyone, extensions: extensions(method), ..said };
    by_status.into_iter().fold(said, |said, (status, codes)| {
        said.answering(status, told_codes(codes.into_iter()), Content::Named(REFUSAL))
    })
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
    shared.counts.requests.note(Asked::of(&method), &answered);
    match answered {
        Ok(frame) => framed(StatusCode::OK, frame),
        Err(error) => {
            let refused =
                framed(status(error.code), frame::refusal(&error, Some(&method), &reference, Called::Nothing));
            slowing(refused, error.retry_after_ms)
        }
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
    let visitor = Visitor::of_bearer(shared, peer, headers).await?.unwrap_or(Visitor::anyone(peer));
    *reference = envelope::reference(text)?;
    let answered = dispatch(shared, &visitor, method, text, reference).await;
    run::show(shared, &visitor, method, answered.as_ref(), |frame| Frame::of(frame));
    answered
}

async fn dispatch(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    method: &str,
    text: &Utf8Bytes,
    reference: &Reference,
) -> Result<Utf8Bytes, Error> {
    let mut frames = Vec::with_capacity(1);
    match Command::read(method, text)? {
        Command::Query(mut query) => {
            visitor.take_credit(shared)?;
            shared.refuse_if_stale()?;
            let sender = visitor.sender(shared);
            query.admit(sender)?;
            // There is nobody here who could not read it in one piece.
            query.answer(sender.view, &shared.counts.decisions, reference, usize::MAX, &mut frames)?;
        }
        Command::Change(change) => {
            run::make(shared, visitor, change).await?.encode(reference, usize::MAX, &mut frames);
        }
        Command::Wish(_) => {
            let message = format!("`{method}` is about connections; send it over a WebSocket");
            return Err(Error::new(Code::Conflict, message));
        }
    }
    Ok(frames.pop().expect("an answer that may be of any size is one frame"))
}

async fn wrong_method() -> Response {
    let error = Error::new(Code::UnknownMethod, OTHER_METHODS);
    framed(StatusCode::METHOD_NOT_ALLOWED, frame::refusal(&error, None, &Reference::default(), Called::Nothing))
}

fn framed(status: StatusCode, frame: Utf8Bytes) -> Response {
    challenging(written(status, Bytes::from(frame)))
}

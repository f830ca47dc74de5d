//! HTTP requests and their answers on their way into a recording: read whole, within bounds, and passed on as they are.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::Line;
use super::http;
use super::scribe::Passed;
use crate::config::{RECORDED_BODY_BYTES_MAX, RECORDED_BODY_WAIT};

/// Passes a request on to whoever answers it, and its answer back, and records both.
pub async fn exchange<E>(
    line: &Arc<Line>,
    request: Request<Body>,
    answer: impl AsyncFnOnce(Request<Body>) -> Result<Response<Body>, E>,
) -> Result<Response<Body>, E> {
    let (parts, body) = request.into_parts();
    let read = read(body).await;
    let bytes = read.whole().map_or(0, Bytes::len);
    let passed = match read.whole() {
        Some(body) => Passed::Request(Box::new(http::Request {
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string),
            headers: parts.headers.clone(),
            body: body.clone(),
        })),
        None => Passed::NoRequest("a request is left out, and its answer: its body is too long or broke off"),
    };
    // A recording that has ended does not keep anybody from being answered.
    line.recorder.put(line.on, bytes, passed).await.ok();
    let mut pending = Pending { line: Some(line) };
    let response = answer(Request::from_parts(parts, read.into_body())).await?;
    pending.line = None;
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS || is_endless(&parts.headers) {
        let why = "the answer to the request before is not kept: it goes on and on";
        line.recorder.put(line.on, 0, Passed::NoResponse(why)).await.ok();
        return Ok(Response::from_parts(parts, body));
    }
    let read = self::read(body).await;
    let bytes = read.whole().map_or(0, Bytes::len);
    let passed = match read.whole() {
        Some(body) => Passed::Response(Box::new(http::Response {
            status: parts.status.as_u16(),
            headers: parts.headers.clone(),
            body: body.clone(),
        })),
        None => Passed::NoResponse("the answer to the request before is not kept: it is too long or broke off"),
    };
    line.recorder.put(line.on, bytes, passed).await.ok();
    Ok(Response::from_parts(parts, read.into_body()))
}

/// Whether an answer is a stream of events, which has no end to wait for.
fn is_endless(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.is_some_and(|media| media.starts_with("text/event-stream"))
}

/// A request that was passed on and is not answered yet; who gives it up is noted.
struct Pending<'l> {
    line: Option<&'l Arc<Line>>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.line {
            line.recorder.try_put(line.on, 0, Passed::NoResponse("the request before was not answered")).ok();
        }
    }
}

/// A body, as far as it was read.
enum Read {
    Whole(Bytes),
    /// It is longer than is kept, takes too long, or broke off.
    Part(Bytes, Option<Result<Bytes, axum::Error>>, Body),
}

async fn read(mut body: Body) -> Read {
    let mut whole = BytesMut::new();
    match timeout(RECORDED_BODY_WAIT, gather(&mut body, &mut whole)).await {
        Ok(None) => Read::Whole(whole.freeze()),
        Ok(next) => Read::Part(whole.freeze(), next, body),
        Err(_) => Read::Part(whole.freeze(), None, body),
    }
}

/// Reads a body to its end, or to the piece that is too much or is none.
async fn gather(body: &mut Body, whole: &mut BytesMut) -> Option<Result<Bytes, axum::Error>> {
    loop {
        let frame = match body.frame().await? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        // Trailers are passed on by nobody here, and none of the routes has any.
        let Ok(bytes) = frame.into_data() else { continue };
        if whole.len() + bytes.len() > RECORDED_BODY_BYTES_MAX {
            return Some(Ok(bytes));
        }
        whole.extend_from_slice(&bytes);
    }
}

impl Read {
    fn whole(&self) -> Option<&Bytes> {
        match self {
            Read::Whole(bytes) => Some(bytes),
            Read::Part(..) => None,
        }
    }

    fn into_body(self) -> Body {
        match self {
            Read::Whole(bytes) => Body::from(bytes),
            Read::Part(read, next, rest) => Body::new(Resumed { read: Some(read), next, rest }),
        }
    }
}

/// A body of which a part was read already.
struct Resumed {
    read: Option<Bytes>,
    next: Option<Result<Bytes, axum::Error>>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(read) = self.read.take().filter(|read| !read.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(next.map(Frame::data)));
        }
        Pin::new(&mut self.rest).poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

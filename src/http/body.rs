//! This is where a request's body is read, within bounds of size and time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use crate::config::{BODY_REST_BYTES_MAX, BODY_REST_WAIT, Limits};
use crate::wire::error::{Code, Error};

/// The body as bytes.
pub async fn read(body: Body, limits: &Limits) -> Result<Bytes, Error> {
    let max = limits.body_bytes_max;
    match timeout(limits.body_wait, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // What breaks off is answered to nobody; what cannot be read at all, such as a chunk without a size, is.
        Ok(Err(error)) if is_unreadable(&error) => {
            Err(Error::new(Code::Malformed, "the body is not sent as HTTP has it; send it again, whole"))
        }
        Ok(Err(_)) => {
            Err(Error::new(Code::TooLarge, format!("the body has more than {max} bytes; send several requests")))
        }
        Err(_) => Err(Error::new(Code::Malformed, "the body did not come in time; send it again, faster")),
    }
}

/// Answers once the body was read to its end, be it refused unread: the connection of a client that still sends would be reset,
/// and the answer lost.
pub async fn read_out(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let waits =
        parts.headers.get(header::EXPECT).is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let body = Lent(Arc::new(Mutex::new(Loan { body, is_begun: false })));
    let response = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
    // A client that waits to be told to go on has sent nothing yet, and takes the answer as its being told not to.
    let is_awaited = waits && !body.loan().is_begun;
    if !is_awaited && !body.is_end_stream() {
        // Who sends on and on loses the answer after all.
        timeout(BODY_REST_WAIT, discard(Body::new(body))).await.ok();
    }
    response
}

/// Whether the connection is at fault, and not the size.
fn is_unreadable(error: &axum::Error) -> bool {
    let first: &dyn std::error::Error = error;
    std::iter::successors(Some(first), |error| error.source()).any(|error| error.is::<hyper::Error>())
}

async fn discard(body: Body) {
    let (mut chunks, mut left) = (body.into_data_stream(), BODY_REST_BYTES_MAX);
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// A body that comes back from the handler it was lent to. The two never read at once.
#[derive(Clone)]
struct Lent(Arc<Mutex<Loan>>);

struct Loan {
    body: Body,
    is_begun: bool,
}

impl Lent {
    fn loan(&self) -> MutexGuard<'_, Loan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut loan = self.loan();
        loan.is_begun = true;
        Pin::new(&mut loan.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.loan().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.loan().body.size_hint()
    }
}

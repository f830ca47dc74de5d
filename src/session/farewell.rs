//! This is where a connection is ended in good order, so that the client learns why.

use futures::StreamExt;
use futures::stream::FusedStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;

use crate::counts::Rejected;
use crate::shared::Shared;
use crate::wire::close::Close;

/// How many frames of the largest size are thrown away at most: the one that was too large, and some sent after it.
const DRAINED_FRAMES_MAX: usize = 4;

/// Sends the close and waits, within bounds, for the client's own; then the connection is ended from this side, for the Python
/// SDK never does it.
pub async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>, close: Close, shared: &Shared) {
    let limits = &shared.limits;
    shared.closes.add(close);
    if let Some(why) = rejected(close) {
        shared.counts.rejected.add(why);
    }
    let said = timeout(limits.close_wait, async {
        // A stream that has failed ends without saying so again.
        let broken = socket.is_terminated();
        if socket.close(Some(close.into())).await.is_ok() && (broken || !answered(&mut socket).await) {
            drain(socket.get_mut(), DRAINED_FRAMES_MAX * limits.frame_bytes_hard_max).await.ok();
        }
    });
    // A client that does not answer in time is left to the system.
    let _ = said.await;
    tracing::debug!(code = close.code(), reason = close.reason(), "a connection was closed");
}

/// What was wrong with the frame that a close is about, if it is about one.
fn rejected(close: Close) -> Option<Rejected> {
    match close {
        Close::Protocol => Some(Rejected::Protocol),
        Close::NotUtf8 => Some(Rejected::NotUtf8),
        Close::TooBig => Some(Rejected::TooBig),
        _ => None,
    }
}

/// Ends a connection that the client has closed, and whose close is answered. What it sent after its own would have the system
/// drop the answer on its way, so that is read, within bounds.
pub async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>, shared: &Shared) {
    let limits = &shared.limits;
    let ended = timeout(limits.close_wait, drain(socket.get_mut(), DRAINED_FRAMES_MAX * limits.frame_bytes_hard_max));
    // A client that goes on for longer is cut off, and one that is cut off already needs nothing.
    ended.await.ok();
}

/// Whether the client's own close came; not after it broke the protocol, for then nothing it sends can be understood.
async fn answered<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> bool {
    while let Some(message) = socket.next().await {
        if message.is_err() {
            return false;
        }
    }
    true
}

/// Throws away what the client still sends: ending a connection over unread bytes would make the system drop the close on its
/// way.
async fn drain<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes_max: usize) -> std::io::Result<()> {
    stream.shutdown().await?;
    // On the heap: an array would make the task of every connection so much larger, from its first moment.
    let mut scratch = vec![0; 4_096];
    let mut read = 0;
    while read < bytes_max {
        match stream.read(&mut scratch).await? {
            0 => break,
            bytes => read += bytes,
        }
    }
    Ok(())
}

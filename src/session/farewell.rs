//! This is where a connection is ended in good order, so that the client learns why.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;

use crate::config::Limits;
use crate::wire::close::Close;

/// Sends the close and waits, within bounds, for the client to leave.
///
/// What the client still sends is read and thrown away: ending the connection over unread bytes would make the system drop
/// the close on its way.
pub async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>, close: Close, limits: &Limits) {
    let said = timeout(limits.close_wait, async {
        socket.close(Some(close.into())).await.ok();
        let stream = socket.get_mut();
        stream.shutdown().await?;
        let mut scratch = [0; 4_096];
        let mut read = 0;
        while read < limits.frame_bytes_hard_max {
            match stream.read(&mut scratch).await? {
                0 => break,
                bytes => read += bytes,
            }
        }
        Ok::<(), std::io::Error>(())
    });
    // A client that does not leave in time, or is gone already, is left to the system.
    let _ = said.await;
    tracing::debug!(code = close.code(), reason = close.reason(), "a connection was closed");
}

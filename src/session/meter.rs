//! This is where bytes are counted for as long as nobody knows who sends them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of which only so many bytes can be read, until that is lifted.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    /// Bytes that may still be read; `None` once lifted.
    left: Option<usize>,
}

impl<S> Metered<S> {
    /// A stream that fails once `bytes` were read.
    pub fn new(stream: S, bytes: usize) -> Self {
        Self { stream, left: Some(bytes) }
    }

    /// Lets everything through from now on.
    pub fn lift(&mut self) {
        self.left = None;
    }

    /// Whether it failed because too much was sent.
    pub fn is_spent(&self) -> bool {
        self.left == Some(0)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(read);
            if *left == 0 {
                return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! A client's end of a connection, which breaks after so many bytes: in the middle of a frame, most likely.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A stream that takes so many bytes and then is broken.
#[derive(Debug)]
pub struct Line {
    stream: DuplexStream,
    /// Bytes that may still be sent; `None` where it does not break.
    left: Option<usize>,
}

impl Line {
    /// A stream that breaks after so many bytes, if it does.
    pub fn new(stream: DuplexStream, left: Option<usize>) -> Self {
        Self { stream, left }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let part = self.left.unwrap_or(usize::MAX).min(bytes.len());
        if part == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..part]);
        if let (Poll::Ready(Ok(written)), Some(left)) = (&written, &mut self.left) {
            *left -= written;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

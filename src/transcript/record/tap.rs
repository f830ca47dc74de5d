//! One direction of a connection, listened to: bytes in, frames to the recording.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::exchange::Way;
use super::frames::{Decoder, Found};
use super::scribe::Passed;
use super::{Ended, Line, Recorder};

/// Listens to one direction of a WebSocket connection.
#[derive(Debug)]
pub struct Tap {
    line: Arc<Line>,
    way: Way,
    decoder: Decoder,
    has_ended: bool,
}

impl Tap {
    /// Listens to one direction of a connection.
    pub fn new(line: Arc<Line>, way: Way) -> Self {
        Tap { line, way, decoder: Decoder::default(), has_ended: false }
    }

    /// Takes bytes that pass. Call it before they are passed on, so that nothing they cause is recorded before them.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        for found in self.found(bytes) {
            self.line.recorder.put(self.line.on, found.bytes(), Passed::Frame(self.way, found)).await?;
        }
        Ok(())
    }

    /// The same where nothing may wait.
    pub fn try_take(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let found = self.found(bytes);
        found.into_iter().try_for_each(|found| {
            self.line.recorder.try_put(self.line.on, found.bytes(), Passed::Frame(self.way, found))
        })
    }

    /// Notes that nothing more passes this way.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.line.recorder.end(self.line.on, self.way);
        }
    }

    fn found(&mut self, bytes: &[u8]) -> Vec<Found> {
        let mut all = Vec::new();
        self.decoder.take(bytes, |found| all.push(found));
        all
    }
}

/// A gateway's side of a WebSocket connection, listened to where its gateway records.
#[derive(Debug)]
pub struct Tapped<S> {
    stream: S,
    taps: Option<Box<Taps>>,
}

#[derive(Debug)]
struct Taps {
    read: Tap,
    written: Tap,
}

impl<S> Tapped<S> {
    /// Listens to a stream, of which `read` was read already.
    pub fn new(stream: S, read: &[u8], recorder: Option<&Recorder>) -> Self {
        let taps = recorder.map(|recorder| {
            let line = recorder.line();
            Box::new(Taps { read: Tap::new(line.clone(), Way::Sent), written: Tap::new(line, Way::Received) })
        });
        let mut tapped = Tapped { stream, taps };
        tapped.listen(|taps| taps.read.try_take(read));
        tapped
    }

    /// A recording that has ended is not told anything more.
    fn listen(&mut self, tell: impl FnOnce(&mut Taps) -> Result<(), Ended>) {
        if let Some(taps) = &mut self.taps
            && tell(taps).is_err()
        {
            self.taps = None;
        }
    }
}

impl<S> Drop for Tapped<S> {
    fn drop(&mut self) {
        // Whoever drops the connection ends it for both, and it is the gateway that does.
        self.listen(|taps| {
            taps.written.end();
            Ok(())
        });
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let bytes = &buffer.filled()[before..];
        let is_end = read.is_err() || (bytes.is_empty() && buffer.remaining() > 0);
        self.listen(|taps| {
            if is_end {
                taps.read.end();
            }
            taps.read.try_take(bytes)
        });
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.listen(|taps| taps.written.try_take(&bytes[..written]));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Found {
    fn bytes(&self) -> usize {
        match self {
            Found::Text(bytes) | Found::Binary(bytes) => bytes.len(),
            Found::Close(..) | Found::TooLong | Found::Unreadable => 0,
        }
    }
}

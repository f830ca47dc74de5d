//! This is where connections come from: a listener of the machine's, or one that a simulation hands streams to.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// A port of the machine's.
    Tcp(TcpListener),
    /// What a [`Network`] connects to.
    Simulated(mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>),
}

/// A connection, from this side.
#[derive(Debug)]
pub enum Stream {
    /// Over the machine's network.
    Tcp(TcpStream),
    /// Within a simulation.
    Simulated(DuplexStream),
}

/// A network in memory: whoever has it can connect to its one listener, and nobody else.
#[derive(Clone, Debug)]
pub struct Network(mpsc::UnboundedSender<(DuplexStream, SocketAddr)>);

impl Network {
    /// A network and its listener.
    pub fn new() -> (Self, Listener) {
        let (dials, listener) = mpsc::unbounded_channel();
        (Self(dials), Listener::Simulated(listener))
    }

    /// Connects from an address. Each direction holds so many bytes that were written and not read. An error when nobody
    /// listens any more; one that is never accepted stands and says nothing, as in a backlog.
    pub fn connect(&self, from: SocketAddr, bytes: usize) -> io::Result<DuplexStream> {
        let (near, far) = duplex(bytes);
        self.0.send((far, from)).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near)
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl Listener {
    /// Waits for the next connection; may be given up and called again.
    pub async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| (Stream::Tcp(stream), peer)),
            Self::Simulated(dials) => match dials.recv().await {
                Some((stream, peer)) => Ok((Stream::Simulated(stream), peer)),
                // Nobody can connect any more, and so nobody does.
                None => std::future::pending().await,
            },
        }
    }

    /// Where it listens; nowhere, in a simulation.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Simulated(_) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        }
    }
}

impl Stream {
    /// Has what is written leave at once. Answers are written whole; waiting to fill packets would only delay them.
    pub fn leave_at_once(&self) {
        if let Self::Tcp(stream) = self {
            stream.set_nodelay(true).ok();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Simulated(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Simulated(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Simulated(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Simulated(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Simulated(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

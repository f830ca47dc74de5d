//! This is where connections come from: a listener of the machine's, or one that a simulation hands streams to.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, copy, duplex, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

#[cfg(feature = "acme")]
use crate::tls::acme;

/// What accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// A port of the machine's.
    Tcp(TcpListener),
    /// The same, where all is encrypted.
    Tls(TcpListener, Arc<ServerConfig>),
    /// What a [`Network`] connects to.
    Simulated(mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>),
}

/// A connection, from this side.
#[derive(Debug)]
pub enum Stream {
    /// Over the machine's network.
    Tcp(TcpStream),
    /// The same, encrypted. On the heap, for it is many times as large.
    Tls(Box<TlsStream<TcpStream>>),
    /// Within a simulation.
    Simulated(DuplexStream),
}

/// A connection that was accepted, and may have to be encrypted before it can be used.
pub struct Arrival {
    stream: Stream,
    tls: Option<TlsAcceptor>,
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
    /// Encrypts what comes in over the machine's network; within a simulation nobody listens in.
    pub fn encrypted(self, config: Arc<ServerConfig>) -> Self {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => Self::Tls(listener, config),
            simulated @ Self::Simulated(_) => simulated,
        }
    }

    /// Waits for the next connection; may be given up and called again.
    pub async fn accept(&mut self) -> io::Result<(Arrival, SocketAddr)> {
        let (stream, peer, tls) = match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                (Stream::Tcp(stream), peer, None)
            }
            Self::Tls(listener, tls) => {
                let (stream, peer) = listener.accept().await?;
                (Stream::Tcp(stream), peer, Some(TlsAcceptor::from(tls.clone())))
            }
            Self::Simulated(dials) => match dials.recv().await {
                Some((stream, peer)) => (Stream::Simulated(stream), peer, None),
                // Nobody can connect any more, and so nobody does.
                None => std::future::pending().await,
            },
        };
        Ok((Arrival { stream, tls }, peer))
    }

    /// Bounds what the system takes of each connection to come before the network has taken it.
    pub fn bound_unsent(&self, bytes: u32) -> io::Result<()> {
        match self {
            // Whatever it accepts has what it has.
            Self::Tcp(listener) | Self::Tls(listener, _) => SockRef::from(listener).set_tcp_notsent_lowat(bytes),
            Self::Simulated(_) => Ok(()),
        }
    }

    /// Where it listens; nowhere, in a simulation.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => listener.local_addr(),
            Self::Simulated(_) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        }
    }
}

impl Arrival {
    /// The connection, once both sides agree how it is encrypted. That takes as long as the client lets it.
    pub async fn opened(self) -> io::Result<Stream> {
        let Stream::Tcp(mut stream) = self.stream else { return Ok(self.stream) };
        // Has what is written leave at once. Answers are written whole; waiting to fill packets would only delay them.
        stream.set_nodelay(true).ok();
        let Some(tls) = self.tls else { return Ok(Stream::Tcp(stream)) };
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            stream.write_all(UNENCRYPTED).await?;
            stream.shutdown().await?;
            // Ending a connection over unread bytes would make the system drop the answer on its way.
            copy(&mut stream.take(UNREAD_BYTES_MAX), &mut sink()).await?;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what came is HTTP, not encrypted"));
        }
        let stream = tls.accept(stream).await?;
        #[cfg(feature = "acme")]
        if stream.get_ref().1.alpn_protocol() == Some(acme::PROTOCOL) {
            // It has seen what it came for; nothing else may be said to it.
            return Err(io::Error::other("it was an authority that validates a name"));
        }
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Bytes of an unencrypted request that are read and thrown away.
const UNREAD_BYTES_MAX: u64 = 64 << 10;

/// What is said to those who begin an unencrypted request where all is encrypted.
const UNENCRYPTED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n\
    this port is encrypted: connect with wss:// or https://\n";

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Simulated(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
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
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Simulated(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Simulated(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Simulated(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

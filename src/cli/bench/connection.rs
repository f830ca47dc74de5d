//! One connection: made, signed in, and then bytes in both directions.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use guestlist::tls::TrustError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, http::Uri};
use tokio_tungstenite::{Connector, MaybeTlsStream, client_async_tls_with_config};

use super::super::connector;
use super::super::talk::Access;
use super::answers::{Answers, Heard, Unframed, is_refusal};
use super::frames::{Opcode, push_frame};

/// More than a server that is there needs for a handshake and a sign-in.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Connections made side by side: not more than a listener's backlog holds.
const CONNECTING_MAX: usize = 64;

/// Where to connect, and as whom.
pub struct Target {
    url: String,
    address: SocketAddr,
    token: String,
    tls: Option<Connector>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("{0} is no address of a gateway: {1}")]
    Url(String, String),
    #[error("{0} was not reached: {1}")]
    Unreached(String, #[source] Box<tungstenite::Error>),
    #[error("the gateway refused the token: {0}")]
    NotIn(String),
    #[error("the gateway ended the connection before the token was accepted: {0}")]
    Ended(#[from] Lost),
    #[error("{0} did not answer within {seconds} s", seconds = CONNECT_WAIT.as_secs())]
    Silent(String),
}

/// Why a connection is no more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("the gateway closed the connection{0}")]
    Closed(String),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Unframed(#[from] Unframed),
}

impl Target {
    /// Finds out where a URL leads; with `wss://`, authorities in a file are trusted too.
    pub async fn find(Access { url, token, ca }: &Access) -> Result<Self, ConnectError> {
        let tls = connector(url, ca.as_deref())?;
        let unusable = |why: String| ConnectError::Url(url.clone(), why);
        let request = url.into_client_request().map_err(|error| unusable(error.to_string()))?;
        let (host, port) = host_and_port(request.uri())
            .ok_or_else(|| unusable("write one such as ws://127.0.0.1:5020/".to_owned()))?;
        let unreached = |error: io::Error| ConnectError::Unreached(url.clone(), Box::new(error.into()));
        let found = tokio::net::lookup_host((host, port)).await.map_err(unreached)?.next();
        let address = found.ok_or_else(|| unusable(format!("{host} has no address")))?;
        Ok(Self { url: url.clone(), address, token: token.clone(), tls })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes so many connections, and tells of each.
    pub async fn connect_all(&self, number: usize, told: impl Fn()) -> Result<Vec<Connection>, ConnectError> {
        let buffer = RefCell::new(vec![0; 4_096]);
        let connecting = stream::iter(0..number).map(|_| self.connect(&buffer)).buffer_unordered(CONNECTING_MAX);
        connecting.inspect_ok(|_| told()).try_collect().await
    }

    async fn connect(&self, buffer: &RefCell<Vec<u8>>) -> Result<Connection, ConnectError> {
        let signed_in = timeout(CONNECT_WAIT, self.signed_in(buffer)).await;
        signed_in.map_err(|_| ConnectError::Silent(self.url.clone()))?
    }

    async fn signed_in(&self, buffer: &RefCell<Vec<u8>>) -> Result<Connection, ConnectError> {
        let unreached = |error| ConnectError::Unreached(self.url.clone(), Box::new(error));
        let stream = TcpStream::connect(self.address).await.map_err(|error| unreached(error.into()))?;
        stream.set_nodelay(true).map_err(|error| unreached(error.into()))?;
        // Nothing but the handshake is read through it.
        let config = WebSocketConfig::default().read_buffer_size(1_024);
        let connecting = client_async_tls_with_config(&self.url, stream, Some(config), self.tls.clone());
        let (socket, _) = connecting.await.map_err(unreached)?;
        // A server says nothing before it has heard a token, so nothing that was read is left behind.
        let mut connection = Connection::new(socket.into_inner());
        let sign_in = serde_json::json!({ "method": "TOKEN_AUTH", "token": self.token, "reference": 1 });
        push_frame(&mut connection.out, Opcode::Text, sign_in.to_string().as_bytes());
        let mut welcome: Option<(bool, String)> = None;
        while welcome.is_none() {
            let told = |message: &[u8]| {
                let text = String::from_utf8_lossy(message).into_owned();
                welcome.get_or_insert((!is_refusal(message) && text.contains("\"TOKEN_AUTH_OK\""), text));
            };
            let turned = connection.turn(buffer, told).await;
            // A refusal and the end come together, and the refusal says more.
            if welcome.is_none() {
                turned?;
            }
        }
        connection.out = Vec::new();
        match welcome {
            Some((false, text)) => Err(ConnectError::NotIn(text)),
            _ => Ok(connection),
        }
    }
}

fn host_and_port(uri: &Uri) -> Option<(&str, u16)> {
    let usual = match uri.scheme_str()? {
        "ws" => 80,
        "wss" => 443,
        _ => return None,
    };
    Some((uri.host()?.trim_matches(['[', ']']), uri.port_u16().unwrap_or(usual)))
}

/// A connection that has signed in.
#[derive(Debug)]
pub struct Connection {
    stream: MaybeTlsStream<TcpStream>,
    answers: Answers,
    /// Frames to be sent; those before `sent` are.
    pub out: Vec<u8>,
    sent: usize,
    is_flushed: bool,
}

impl Connection {
    fn new(stream: MaybeTlsStream<TcpStream>) -> Self {
        Self { stream, answers: Answers::default(), out: Vec::new(), sent: 0, is_flushed: true }
    }

    /// Sends what is to be sent until something comes, tells the messages of that, and says how many bytes it was. May be
    /// given up and called again. The buffer is borrowed only while bytes are taken, so that many connections may share it.
    pub async fn turn(&mut self, buffer: &RefCell<Vec<u8>>, mut told: impl FnMut(&[u8])) -> Result<usize, Lost> {
        poll_fn(|context| {
            // First what goes out: the answers to it may then be among what comes in.
            if let Poll::Ready(Err(error)) = self.poll_send(context) {
                return Poll::Ready(Err(error.into()));
            }
            let mut buffer = buffer.borrow_mut();
            let mut read = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            Poll::Ready(self.hear(read.filled(), &mut told))
        })
        .await
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.out[self.sent..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
            self.is_flushed = false;
        }
        self.out.clear();
        self.sent = 0;
        if !self.is_flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn hear(&mut self, bytes: &[u8], mut told: impl FnMut(&[u8])) -> Result<usize, Lost> {
        if bytes.is_empty() {
            return Err(Lost::Closed(String::new()));
        }
        let Self { answers, out, .. } = self;
        let mut close = None;
        answers.feed(bytes, |heard| match heard {
            Heard::Message(message) => told(message),
            Heard::Ping(payload) => push_frame(out, Opcode::Pong, payload),
            Heard::Close(payload) => close = Some(Lost::Closed(why(payload))),
        })?;
        close.map_or(Ok(bytes.len()), Err)
    }
}

/// What a close frame says, to be read after "closed".
fn why(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            format!(" with {}: {}", u16::from_be_bytes(*code), String::from_utf8_lossy(reason))
        }
        None => String::new(),
    }
}

//! The HTTP connections of a replay. No wait on them is longer than a frame is waited for.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{Error, UrlError};

use super::super::exchange::{self, CODE_NO_FRAME, Close};
use super::super::failure::Fault;
use crate::config::TRANSCRIPT_BODY_BYTES_MAX;

/// Those that are open, by name.
pub struct Connections {
    url: String,
    wait: Duration,
    open: BTreeMap<String, Connection>,
}

/// One that requests go out on, one after the other.
struct Connection {
    sender: SendRequest<Body>,
    /// Reads and writes it.
    driver: AbortHandle,
    /// The answer to the last request, until it is taken.
    answer: Option<JoinHandle<Result<exchange::Response, Failed>>>,
}

/// Why there is no answer.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Connections {
    /// None yet; they will go to the host of this URL, be it one for WebSockets.
    pub fn new(url: &str, wait: Duration) -> Self {
        Self { url: url.to_owned(), wait, open: BTreeMap::new() }
    }

    /// Sends a request on a connection, which is opened if it is not, or not any more.
    pub async fn send(&mut self, on: &str, request: &exchange::Request) -> Result<(), Fault> {
        let url = &self.url;
        let sent = timeout(self.wait, async {
            let request = built(url, request)?;
            let stands = match self.open.get_mut(on) {
                Some(connection) => connection.sender.ready().await.is_ok(),
                None => false,
            };
            if !stands {
                let connect = |source| Fault::Connect { url: url.clone(), source: Box::new(source) };
                let connection = Connection::open(url).await.map_err(connect)?;
                self.open.insert(on.to_owned(), connection);
            }
            self.open.get_mut(on).expect("it has just been opened").send(request);
            Ok(())
        });
        let late = || Fault::Connect { url: url.clone(), source: Box::new(Error::Io(io::ErrorKind::TimedOut.into())) };
        sent.await.unwrap_or_else(|_| Err(late()))
    }

    /// The answer to the request before.
    pub async fn receive(&mut self, on: &str) -> Result<exchange::Response, Fault> {
        let answer = self.open.get_mut(on).and_then(|connection| connection.answer.take());
        let answer = answer.expect("a transcript with a response to no request is refused");
        let abort = answer.abort_handle();
        let Ok(answer) = timeout(self.wait, answer).await else {
            abort.abort();
            return Err(Fault::Missing { wait: self.wait, instead: None });
        };
        answer.map_err(|error| Fault::Http(error.into()))?.map_err(|error| {
            if is_end(&error) {
                return Fault::Closed(Close { code: CODE_NO_FRAME, reason: String::new() });
            }
            Fault::Http(error)
        })
    }

    /// Whether there is one of the name.
    pub fn has(&self, on: &str) -> bool {
        self.open.contains_key(on)
    }

    /// Drops one.
    pub async fn close(&mut self, on: &str) {
        if let Some(connection) = self.open.remove(on) {
            connection.leave(self.wait).await;
        }
    }

    /// Drops all of them.
    pub async fn finish(&mut self) {
        for connection in std::mem::take(&mut self.open).into_values() {
            connection.leave(self.wait).await;
        }
    }
}

impl Connection {
    async fn open(url: &str) -> Result<Self, Error> {
        let uri: Uri = url.parse()?;
        if !matches!(uri.scheme_str(), Some("ws" | "http")) {
            return Err(Error::Url(UrlError::UnsupportedUrlScheme));
        }
        let host = uri.host().ok_or(Error::Url(UrlError::NoHostName))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Its end is seen by the next request on it.
        let driver = tokio::spawn(async { drop(connection.await) }).abort_handle();
        Ok(Self { sender, driver, answer: None })
    }

    fn send(&mut self, request: Request<Body>) {
        let answer = self.sender.send_request(request);
        self.answer = Some(tokio::spawn(async { whole(answer.await?).await }));
    }

    /// Waits for an answer that no line expects, so that what was asked is done, and drops the connection.
    async fn leave(self, wait: Duration) {
        if let Some(answer) = self.answer {
            timeout(wait, answer).await.ok();
        }
        self.driver.abort();
    }
}

/// The request as it is sent, to the host of the URL if it names none.
fn built(url: &str, request: &exchange::Request) -> Result<Request<Body>, Fault> {
    let failed = |error: hyper::http::Error| Fault::Http(error.into());
    let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| Fault::Http(error.into()))?;
    let mut built = Request::builder().method(request.method.as_str()).uri(request.path.as_str());
    if let Some(authority) = uri.authority()
        && !request.headers.iter().any(|(name, _)| name == HOST.as_str())
    {
        built = built.header(HOST, authority.as_str());
    }
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    built.body(Body::from(request.body.clone())).map_err(failed)
}

async fn whole(response: Response<hyper::body::Incoming>) -> Result<exchange::Response, Failed> {
    let (parts, body) = response.into_parts();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = parts.headers.iter().map(header).collect();
    let body = to_bytes(Body::new(body), TRANSCRIPT_BODY_BYTES_MAX).await?.to_vec();
    Ok(exchange::Response { status: parts.status.as_u16(), headers, body })
}

/// Whether the error only says that the connection is over.
fn is_end(error: &Failed) -> bool {
    let first: &(dyn std::error::Error + 'static) = error.as_ref();
    std::iter::successors(Some(first), |error| error.source()).any(|error| {
        let of_http = error.downcast_ref::<hyper::Error>();
        let of_io = error.downcast_ref::<io::Error>();
        of_http.is_some_and(|error| error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            || of_io.is_some_and(|error| {
                use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            })
    })
}

//! Stands between clients and a gateway, passes everything through, and records it.
//!
//! After its HTTP head a WebSocket connection is passed byte for byte: the frames in it are only read along. So odd frames,
//! pings, closes and cuts reach the other side as they are.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::MaybeTlsStream;

use super::super::exchange::Way;
use super::{Line, Recorder, Tap, Upstream, exchange};
use crate::config::HALF_OPEN_WAIT;

/// Bytes that are read and passed on at once.
const PIECE_BYTES: usize = 16 << 10;

/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Told of what happens to connections, for people.
pub type Tell = fn(&str);

type ToGateway = client::SendRequest<Body>;
type ToGatewayStream = MaybeTlsStream<TcpStream>;

/// One client's connection.
struct Client {
    upstream: Arc<Upstream>,
    recorder: Recorder,
    tell: Tell,
    peer: SocketAddr,
    /// The recording's connection for plain requests, from the first on.
    requests: OnceLock<Arc<Line>>,
    /// The connection to the gateway, once there is one.
    gateway: Mutex<Option<ToGateway>>,
}

/// Passes connections through, for as long as it is not dropped.
pub async fn serve(listener: TcpListener, upstream: Upstream, recorder: Recorder, tell: Tell) {
    let upstream = Arc::new(upstream);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                stream.set_nodelay(true).ok();
                let (upstream, recorder) = (upstream.clone(), recorder.clone());
                let (requests, gateway) = (OnceLock::new(), Mutex::new(None));
                let client = Arc::new(Client { upstream, recorder, tell, peer, requests, gateway });
                tokio::spawn(client.serve(stream));
            }
            Err(error) => {
                tell(&format!("a connection could not be accepted: {error}"));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Client {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let client = self.clone();
        let service = service_fn(move |request| {
            let client = client.clone();
            async move { Ok::<_, Infallible>(client.answer(request).await) }
        });
        let connection = server::Builder::new()
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        if let Err(error) = connection.await {
            tracing::debug!(peer = %self.peer, %error, "an HTTP connection ended early");
        }
    }

    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Body> {
        let host =
            HeaderValue::from_str(self.upstream.authority()).expect("what was parsed as an authority is a header");
        request.headers_mut().insert(header::HOST, host);
        let answered = if is_upgrade(request.headers()) {
            self.upgrade(request).await
        } else {
            let line = self.requests.get_or_init(|| {
                let line = self.recorder.line();
                (self.tell)(&format!("c{}: HTTP from {}", line.number(), self.peer));
                line
            });
            exchange(line, request.map(Body::new), async |request| self.pass(request).await).await
        };
        answered.unwrap_or_else(|error| {
            (self.tell)(&format!("{}: the gateway cannot be reached: {error}", self.peer));
            let text = format!("guestlist record: the gateway at {} cannot be reached\n", self.upstream.authority());
            let mut response = Response::new(Body::from(text));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
    }

    /// Sends a request over the connection to the gateway, which is made where there is none.
    async fn pass(&self, request: Request<Body>) -> io::Result<Response<Body>> {
        let mut gateway = self.gateway.lock().await;
        let mut sender = match gateway.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let mut request = request;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(io::Error::other)?;
        sender.ready().await.map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        *gateway = Some(sender);
        Ok(response.map(Body::new))
    }

    async fn connect(&self) -> io::Result<ToGateway> {
        let stream = TokioIo::new(self.upstream.connect().await?);
        let handshake = client::Builder::new().preserve_header_case(true).handshake(stream).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }

    /// Passes the request for a WebSocket on, and joins the two sides where the gateway agrees.
    async fn upgrade(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let line = self.recorder.line();
        let number = line.number();
        let mut request = request.map(Body::new);
        *request.uri_mut() = Uri::from(self.upstream.path().clone());
        // The frames stay readable without it, and no gateway may insist on it.
        request.headers_mut().remove(header::SEC_WEBSOCKET_EXTENSIONS);
        let client = hyper::upgrade::on(&mut request);
        let mut response = self.pass(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            (self.tell)(&format!("c{number}: WebSocket from {} is refused with {status}", self.peer));
            return Ok(response);
        }
        (self.tell)(&format!("c{number}: WebSocket from {}", self.peer));
        let gateway = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            match join(client, gateway).await {
                Ok((client, gateway)) => tunnel(client, gateway, line).await,
                Err(error) => tracing::debug!(%error, "an upgrade failed"),
            }
        });
        Ok(response)
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket"))
}

/// One side of a tunnel, and what was read from it already.
struct Side<S> {
    stream: S,
    read: Bytes,
}

async fn join(client: OnUpgrade, gateway: OnUpgrade) -> Result<(Side<TcpStream>, Side<ToGatewayStream>), hyper::Error> {
    let (client, gateway) = tokio::try_join!(client, gateway)?;
    Ok((raw(client), raw(gateway)))
}

fn raw<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(upgraded: Upgraded) -> Side<S> {
    let parts = upgraded.downcast::<TokioIo<S>>().expect("every connection was made of this type");
    Side { stream: parts.io.into_inner(), read: parts.read_buf }
}

/// One side was cut off, not ended.
struct CutOff;

/// Passes bytes both ways until both have ended, each in its own way, or one was cut off, as the other is then.
async fn tunnel(mut client: Side<TcpStream>, mut gateway: Side<ToGatewayStream>, line: Arc<Line>) {
    let mut sent = Tap::new(line.clone(), Way::Sent);
    let mut received = Tap::new(line, Way::Received);
    let outcome = {
        let (from_client, to_client) = client.stream.split();
        let (from_gateway, to_gateway) = tokio::io::split(&mut gateway.stream);
        let up = pass(client.read, from_client, to_gateway, &mut sent);
        let down = pass(gateway.read, from_gateway, to_client, &mut received);
        tokio::pin!(up, down);
        let both = async {
            tokio::select! {
                ended = &mut up => {
                    ended?;
                    timeout(HALF_OPEN_WAIT, &mut down).await.unwrap_or(Err(CutOff))
                }
                ended = &mut down => {
                    ended?;
                    timeout(HALF_OPEN_WAIT, &mut up).await.unwrap_or(Err(CutOff))
                }
            }
        };
        both.await
    };
    if outcome.is_err() {
        client.stream.set_zero_linger().ok();
        let gateway = match &gateway.stream {
            MaybeTlsStream::Rustls(stream) => Some(stream.get_ref().0),
            MaybeTlsStream::Plain(stream) => Some(stream),
            _ => None,
        };
        gateway.map(TcpStream::set_zero_linger);
    }
}

/// Passes bytes one way. They are recorded before they are passed on, so that nothing is recorded before what caused it.
async fn pass(
    read: Bytes,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    tap: &mut Tap,
) -> Result<(), CutOff> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes: &[u8] = &read;
    loop {
        // A recording that takes nothing more is about to end this program, and its connections.
        if tap.take(bytes).await.is_err() {
            break;
        }
        // Why it cannot be written the other way will tell.
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return Ok(());
        }
        match from.read(&mut piece).await {
            Ok(0) => break,
            // An encrypted stream that ends without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Ok(length) => bytes = &piece[..length],
            Err(_) => {
                tap.end();
                return Err(CutOff);
            }
        }
    }
    tap.end();
    to.shutdown().await.ok();
    Ok(())
}

//! This is where connections come in: one listener, whose HTTP requests become WebSockets or are answered as such.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hyper::server::conn::http1;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::http::{self, Peer};
use crate::patient::Patient;
use crate::session::{self, Metered};
use crate::shared::Shared;
use crate::transcript::record::{Line, Recorder, Tapped, exchange};

/// Where bots connect.
pub const ENDPOINT: &str = "/nandbox/api/";

/// What the gateway calls itself.
const SERVER: HeaderValue = HeaderValue::from_static(concat!("guestlist/", env!("CARGO_PKG_VERSION")));

/// Where the requests of a connection are recorded, from the first on.
#[derive(Clone)]
struct Requests(Recorder, Arc<OnceLock<Arc<Line>>>);

/// A connection's right to be served, held until its WebSocket ends.
type Permit = Arc<OwnedSemaphorePermit>;

/// Accepts connections until told to stop.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(shared.limits.connections_max));
    let routes = routes(shared.clone());
    loop {
        let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (routes, shared) = (routes.clone(), shared.clone());
                tokio::spawn(serve(stream, peer, routes, shared, Arc::new(permit)));
            }
            Err(error) => {
                // Out of descriptors, most likely: those who are served go on, and the others wait in the backlog.
                tracing::warn!(%error, "a connection could not be accepted; accepting pauses");
                tokio::time::sleep(shared.limits.accept_pause).await;
            }
        }
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route(ENDPOINT, any(websocket))
        .route(ENDPOINT.trim_end_matches('/'), any(websocket))
        .route("/ws", any(websocket))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(http::routes())
        .fallback(|| async {
            (StatusCode::NOT_FOUND, format!("nothing is here; bots connect to {ENDPOINT} by WebSocket\n"))
        });
    let routes = match shared.recorder {
        Some(_) => routes.layer(middleware::from_fn(recorded)),
        None => routes,
    };
    routes.layer(map_response(named)).with_state(shared)
}

/// Records a request and its answer; a WebSocket is recorded by itself.
async fn recorded(request: Request, next: Next) -> Response {
    match request.extensions().get::<Requests>().cloned() {
        Some(Requests(recorder, line)) if !request.headers().contains_key(header::UPGRADE) => {
            let line = line.get_or_init(|| recorder.line());
            let answer = async |request| Ok(next.run(request).await);
            exchange(line, request, answer).await.unwrap_or_else(|never: Infallible| match never {})
        }
        _ => next.run(request).await,
    }
}

/// Says who answers: a client may rely on more than the protocols promise, such as answers in the order of requests.
async fn named(mut response: Response) -> Response {
    response.headers_mut().insert(header::SERVER, SERVER);
    response
}

async fn serve(stream: TcpStream, peer: SocketAddr, routes: Router, shared: Arc<Shared>, permit: Permit) {
    // Answers are written whole; waiting to fill packets would only delay them.
    stream.set_nodelay(true).ok();
    let requests = shared.recorder.clone().map(|recorder| Requests(recorder, Arc::default()));
    let service = tower_service(routes, peer, permit, requests);
    let stream = Patient::new(stream, shared.limits.write_wait);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.handshake_wait)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "an HTTP connection ended early");
    }
}

/// The routes for one connection; each request carries the client's address, and the connection's permit, for a WebSocket to keep.
fn tower_service(
    routes: Router,
    peer: SocketAddr,
    permit: Permit,
    requests: Option<Requests>,
) -> impl hyper::service::Service<
    Request<hyper::body::Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    let routes = TowerToHyperService::new(routes);
    hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(permit.clone());
        request.extensions_mut().insert(Peer(peer.ip()));
        if let Some(requests) = &requests {
            request.extensions_mut().insert(requests.clone());
        }
        hyper::service::Service::call(&routes, request)
    })
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.engine.is_writable() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "storage is not writable; restart the gateway once its disk is well\n")
            .into_response()
    }
}

async fn websocket(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    let switching = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            let headers = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
            let text = format!("{error}; connect to this address by WebSocket\n");
            return (StatusCode::UPGRADE_REQUIRED, headers, text).into_response();
        }
    };
    let permit = request.extensions_mut().remove::<Permit>();
    let Peer(address) = Peer::of(request.extensions());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        converse(upgrade, address, shared).await;
        drop(permit);
    });
    switching
}

async fn converse(upgrade: OnUpgrade, address: IpAddr, shared: Arc<Shared>) {
    let Ok(upgraded) = upgrade.await.inspect_err(|error| tracing::debug!(%error, "an upgrade failed")) else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(shared.limits.read_buffer_bytes)
        .max_message_size(Some(shared.limits.frame_bytes_hard_max))
        .max_frame_size(Some(shared.limits.frame_bytes_hard_max));
    let (stream, read) = raw_stream(upgraded);
    let stream = Tapped::new(stream, &read, shared.recorder.as_ref());
    let stream = Metered::new(stream, shared.limits.sign_in_bytes_max);
    let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
    session::serve(socket, address, shared).await;
}

/// The connection itself, without the layers of HTTP around it, and what was read of it already.
fn raw_stream(upgraded: Upgraded) -> (TcpStream, Vec<u8>) {
    let parts = upgraded.downcast::<TokioIo<Patient<TcpStream>>>().expect("every connection was accepted as TCP");
    (parts.io.into_inner().into_inner(), parts.read_buf.to_vec())
}

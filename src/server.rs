//! This is where connections come in: one listener, whose HTTP requests become WebSockets or are answered as such.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next, map_response};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::config::ENDPOINT;
use crate::crowd::{Crowd, Place};
use crate::dashboard::{self, Session};
use crate::http::origin::Origins;
use crate::http::routes::{Content, Operation, Product, Routes};
use crate::http::{self, Peer, docs, operations};
use crate::network::{Arrival, Listener, Stream};
use crate::patient::Patient;
use crate::session::{self, Known, Metered};
use crate::shared::Shared;
use crate::throttle::network;
use crate::transcript::record::{Line, Recorder, Tapped, exchange};

/// What the gateway calls itself.
const SERVER: HeaderValue = HeaderValue::from_static(concat!("guestlist/", env!("CARGO_PKG_VERSION")));

/// Where the requests of a connection are recorded, from the first on.
#[derive(Clone)]
struct Requests(Recorder, Arc<OnceLock<Arc<Line>>>);

/// A connection's right to be served, held until its WebSocket ends.
type Permit = Arc<(OwnedSemaphorePermit, Place<IpAddr>)>;

/// Accepts connections of clients until told to stop.
pub async fn accept(listener: impl Into<Listener>, shared: watch::Receiver<Arc<Shared>>, stop: watch::Receiver<bool>) {
    let max = shared.borrow().limits.connections_max;
    accept_for(router, max, listener.into(), shared, stop).await;
}

/// Accepts connections of whoever keeps the gateway running, until told to stop.
pub async fn accept_admin(
    listener: impl Into<Listener>,
    shared: watch::Receiver<Arc<Shared>>,
    stop: watch::Receiver<bool>,
) {
    let routes = |shared| operations::open_routes().layer(map_response(named)).with_state(shared);
    let max = shared.borrow().limits.admin_connections_max;
    accept_for(routes, max, listener.into(), shared, stop).await;
}

async fn accept_for(
    routes_of: impl Fn(Arc<Shared>) -> Router,
    connections_max: usize,
    mut listener: Listener,
    mut changes: watch::Receiver<Arc<Shared>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut shared = changes.borrow_and_update().clone();
    let mut routes = routes_of(shared.clone());
    bound(&listener, &shared);
    let permits = Arc::new(Semaphore::new(connections_max));
    let addresses = Crowd::default();
    let mut is_paused = false;
    loop {
        let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            biased;
            // First, so that however many come, it stops.
            _ = stop.changed() => return,
            Ok(()) = changes.changed() => {
                shared = changes.borrow_and_update().clone();
                routes = routes_of(shared.clone());
                bound(&listener, &shared);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((arrival, peer)) => {
                if std::mem::take(&mut is_paused) {
                    tracing::info!("connections are accepted again");
                }
                let (routes, shared) = (routes.clone(), shared.clone());
                let place = addresses.enter(network(peer.ip()), shared.limits.connections_per_address_max);
                match place {
                    Some(place) => drop(tokio::spawn(serve(arrival, peer, routes, shared, Arc::new((permit, place))))),
                    // Whoever floods the gateway must not flood its log too.
                    None => tracing::debug!(%peer, "a connection was ended, for there are too many from its address"),
                }
                // However many come at once, those who are here have their turns between them.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                // Out of descriptors, most likely: those who are served go on, and the others wait in the backlog.
                if !std::mem::replace(&mut is_paused, true) {
                    tracing::warn!(%error, "a connection could not be accepted; accepting pauses");
                }
                tokio::time::sleep(shared.limits.accept_pause).await;
            }
        }
    }
}

/// Bounds what the system holds of the connections to come.
fn bound(listener: &Listener, shared: &Shared) {
    if let Err(error) = listener.bound_unsent(shared.limits.unsent_bytes_max) {
        tracing::warn!(%error, "the system may hold megabytes for each client that does not read");
    }
}

/// Every route there is.
pub fn routes() -> Routes {
    let text = Content::Other("text/plain");
    let socket = |id: &str, path: &str| {
        Operation::new(Product::Gateway, id, "Opens a WebSocket")
            .saying(format!(
                "What is sent over it is described in `/docs/asyncapi.json`. `{path}` is one of three paths to it."
            ))
            .answering(101, "It is open; send `TOKEN_AUTH` first.", Content::Empty)
            .answering(426, "This is no request for a WebSocket.", text)
    };
    let bare = ENDPOINT.trim_end_matches('/');
    Routes::default()
        .any(ENDPOINT, websocket, socket("connect", ENDPOINT))
        .any(bare, websocket, socket("connectWithoutSlash", bare))
        .any("/ws", websocket, socket("connectShortly", "/ws"))
        .merge(operations::routes())
        .merge(docs::routes(operations))
        .merge(http::routes())
        .with(|router| {
            let router = dashboard::routes(router).route("/dashboard/socket", axum::routing::any(page_socket));
            router.fallback(|| async {
                (StatusCode::NOT_FOUND, format!("nothing is here; bots connect to {ENDPOINT} by WebSocket\n"))
            })
        })
}

/// What is said of all routes.
pub fn operations() -> Vec<Operation> {
    routes().into_operations()
}

fn router(shared: Arc<Shared>) -> Router {
    let routes = routes().into_router();
    #[cfg(feature = "otlp")]
    let routes = routes.layer(middleware::from_fn(crate::traces::request));
    let routes = match shared.recorder {
        Some(_) => routes.layer(middleware::from_fn(recorded)),
        None => routes,
    };
    routes.layer(map_response(named)).with_state(shared)
}

/// Records a request and its answer; a WebSocket is recorded by itself.
async fn recorded(request: Request, next: Next) -> Response {
    match request.extensions().get::<Requests>().cloned() {
        Some(Requests(recorder, line))
            if !request.headers().contains_key(header::UPGRADE) && !dashboard::is_of(request.uri().path()) =>
        {
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

async fn serve(arrival: Arrival, peer: SocketAddr, routes: Router, shared: Arc<Shared>, permit: Permit) {
    let opened = timeout(shared.limits.handshake_wait, arrival.opened()).await;
    let stream = match opened.unwrap_or_else(|late| Err(late.into())) {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%peer, %error, "a connection was not encrypted"),
    };
    let requests = shared.recorder.clone().map(|recorder| Requests(recorder, Arc::default()));
    let service = tower_service(routes, peer, permit, shared.origins.clone(), requests);
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
    origins: Origins,
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
        request.extensions_mut().insert(origins.clone());
        if let Some(requests) = &requests {
            request.extensions_mut().insert(requests.clone());
        }
        hyper::service::Service::call(&routes, request)
    })
}

async fn websocket(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    switch(shared, request, None)
}

/// The page's socket, which its cookie signs in: for that page alone, for a cookie comes along whichever page opens it.
async fn page_socket(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let headers = request.headers();
    if !headers.contains_key(header::ORIGIN) || !Origins::of(request.extensions()).trust(headers) {
        return (StatusCode::FORBIDDEN, "this is for the gateway's own page; bots connect elsewhere\n").into_response();
    }
    match Session::of(&shared, headers) {
        Some(Session { token, ends_at, .. }) => switch(shared, request, Some(Known { token, ends_at })),
        None => (StatusCode::UNAUTHORIZED, "nobody is signed in; open the page and sign in\n").into_response(),
    }
}

fn switch(shared: Arc<Shared>, mut request: Request, known: Option<Known>) -> Response {
    let opened = is_clear(request.headers());
    let opened =
        opened.and_then(|()| create_response_with_body(&request, Body::empty).map_err(|error| error.to_string()));
    let switching = match opened {
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
        converse(upgrade, address, shared, known).await;
        drop(permit);
    });
    switching
}

/// Whether a request for a WebSocket says once which host and which key it has. The library asks for neither.
fn is_clear(headers: &HeaderMap) -> Result<(), String> {
    match [header::HOST, header::SEC_WEBSOCKET_KEY].into_iter().find(|name| headers.get_all(name).iter().count() > 1) {
        Some(name) => Err(format!("the header `{name}` comes more than once")),
        None if !headers.contains_key(header::HOST) => Err("the header `host` is missing".to_owned()),
        None => Ok(()),
    }
}

async fn converse(upgrade: OnUpgrade, address: IpAddr, shared: Arc<Shared>, known: Option<Known>) {
    let Ok(upgraded) = upgrade.await.inspect_err(|error| tracing::debug!(%error, "an upgrade failed")) else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(shared.limits.read_buffer_bytes)
        .max_message_size(Some(shared.limits.frame_bytes_hard_max))
        .max_frame_size(Some(shared.limits.frame_bytes_hard_max));
    let (stream, read) = raw_stream(upgraded);
    // What came in by a cookie cannot be replayed.
    let recorder = shared.recorder.as_ref().filter(|_| known.is_none());
    let stream = Tapped::new(stream, &read, recorder);
    let stream = Metered::new(stream, shared.limits.sign_in_bytes_max);
    let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
    session::serve(socket, address, shared, known).await;
}

/// The connection itself, without the layers of HTTP around it, and what was read of it already.
fn raw_stream(upgraded: Upgraded) -> (Stream, Vec<u8>) {
    let parts =
        upgraded.downcast::<TokioIo<Patient<Stream>>>().expect("every connection was accepted as such a stream");
    (parts.io.into_inner().into_inner(), parts.read_buf.to_vec())
}

//! This is where several gateways look like one: a proxy that sends each frame and each request to another gateway than the last.
//!
//! What a client sends goes on when the answer to what was sent before has come. A question waits until all gateways have folded
//! what any of them has, for each answers from what it knows; a change does not. So a conversation means the same as with one gateway, if
//! the gateways have one state between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use guestlist::config::ENDPOINT;
use guestlist::gateway::Gateway;
use guestlist::state::State;
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::header::UPGRADE;
use hyper::http::request::Parts;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::conversation::{Conversation, Socket};

/// Above anything a gateway needs to fold what another has acknowledged.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at what the gateways have folded: nothing tells of it.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// More than any body of a transcript has.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What goes wrong between the proxy and a gateway.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// An address at which several gateways are to be one.
pub struct Spread {
    listener: TcpListener,
    address: SocketAddr,
}

impl Spread {
    /// One that nobody is served at yet: gateways want to be told how they are reached.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        Self { listener, address }
    }

    /// Where bots connect.
    pub fn url(&self) -> String {
        format!("ws://{}{ENDPOINT}", self.address)
    }

    /// How the gateways are reached from outside.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves clients, each by all these gateways.
    pub fn over(self, gateways: &[Gateway]) -> Serving {
        let gateways: Vec<_> = gateways.iter().map(|gateway| (gateway.address(), gateway.state().clone())).collect();
        let asked = gateways.iter().map(|_| AtomicUsize::new(0)).collect();
        let members = Arc::new(Members { gateways, turn: AtomicUsize::new(0), asked, faults: Mutex::default() });
        let accepting = tokio::spawn(accept(self.listener, members.clone())).abort_handle();
        Serving { members, accepting }
    }
}

/// The proxy while it serves. Dropped, it takes no more connections.
pub struct Serving {
    members: Arc<Members>,
    accepting: AbortHandle,
}

impl Serving {
    /// Waits until all gateways have folded what any has.
    pub async fn level(&self) -> Result<(), Failed> {
        self.members.level().await
    }

    /// How often each gateway was asked by itself.
    pub fn asked(&self) -> Vec<usize> {
        self.members.asked.iter().map(|asked| asked.load(Ordering::Relaxed)).collect()
    }

    /// What went wrong beside what clients were told.
    pub fn faults(&self) -> Vec<String> {
        self.members.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The gateways, and whose turn it is.
pub struct Members {
    gateways: Vec<(SocketAddr, Arc<State>)>,
    turn: AtomicUsize,
    /// How often each was asked by itself.
    asked: Vec<AtomicUsize>,
    faults: Mutex<Vec<String>>,
}

impl Members {
    fn len(&self) -> usize {
        self.gateways.len()
    }

    /// The gateway after the last one, which is asked now.
    pub fn next(&self) -> usize {
        self.ask(self.turn.load(Ordering::Relaxed) % self.len())
    }

    /// The first gateway, which is asked now as if its turn had come.
    pub fn first(&self) -> usize {
        self.ask(0)
    }

    fn ask(&self, gateway: usize) -> usize {
        self.turn.store(gateway + 1, Ordering::Relaxed);
        self.asked[gateway].fetch_add(1, Ordering::Relaxed);
        gateway
    }

    /// Waits until all gateways have folded what any has.
    pub async fn level(&self) -> Result<(), Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let folded: Vec<u64> = self.gateways.iter().map(|(_, state)| state.folded()).collect();
            if folded.iter().min() == folded.iter().max() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("after {PATIENCE:?} the gateways have folded {folded:?} entries").into());
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    fn note_fault(&self, fault: &Failed) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault.to_string());
    }
}

async fn accept(listener: TcpListener, members: Arc<Members>) {
    loop {
        let (stream, _) = listener.accept().await.expect("the test may have descriptors enough");
        let members = members.clone();
        let service = service_fn(move |request| answer(members.clone(), request));
        let connection = server::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        // How it ends is the client's to tell.
        tokio::spawn(async { drop(connection.await) });
    }
}

/// Answers a request with what the next gateway answers; one for a WebSocket, with what they all do.
async fn answer(members: Arc<Members>, request: Request<Incoming>) -> Result<Response<Body>, Failed> {
    let answered = match request.headers().contains_key(UPGRADE) {
        true => open(&members, request).await,
        false => pass_on(&members, request).await,
    };
    // The client sees no more than that its connection ends.
    answered.inspect_err(|error| members.note_fault(error))
}

async fn pass_on(members: &Members, request: Request<Incoming>) -> Result<Response<Body>, Failed> {
    let (head, body) = request.into_parts();
    let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await?;
    members.level().await?;
    let (address, _) = &members.gateways[members.next()];
    let (head, body) = forward(*address, &head, Body::from(body)).await?.into_parts();
    Ok(Response::from_parts(head, Body::from(to_bytes(Body::new(body), BODY_BYTES_MAX).await?)))
}

/// Opens a WebSocket to each gateway. They are asked with the client's own key, so that the first's answer is good for the client.
async fn open(members: &Arc<Members>, mut request: Request<Incoming>) -> Result<Response<Body>, Failed> {
    let client = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let (mut answers, mut opened) = (Vec::new(), Vec::new());
    for (address, _) in &members.gateways {
        let mut answer = forward(*address, &head, Body::empty()).await?;
        opened.push(hyper::upgrade::on(&mut answer));
        answers.push(answer);
    }
    let statuses: Vec<StatusCode> = answers.iter().map(Response::status).collect();
    if statuses.iter().any(|status| *status != statuses[0]) {
        return Err(format!("a WebSocket was opened with {statuses:?}").into());
    }
    if statuses[0] == StatusCode::SWITCHING_PROTOCOLS {
        tokio::spawn(converse(members.clone(), client, opened));
    }
    Ok(answers.swap_remove(0).map(Body::new))
}

async fn forward(address: SocketAddr, head: &Parts, body: Body) -> Result<Response<Incoming>, Failed> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::builder().method(&head.method).uri(&head.uri).body(body)?;
    request.headers_mut().clone_from(&head.headers);
    Ok(sender.send_request(request).await?)
}

async fn converse(members: Arc<Members>, client: OnUpgrade, opened: Vec<OnUpgrade>) {
    let conversation = async {
        let client = socket(client, Role::Server).await?;
        let mut gateways = Vec::new();
        for upgrade in opened {
            gateways.push(socket(upgrade, Role::Client).await?);
        }
        Conversation::new(members.clone(), client, gateways).run().await
    };
    if let Err(error) = conversation.await {
        members.note_fault(&error);
    }
}

async fn socket(upgrade: OnUpgrade, role: Role) -> Result<Socket, Failed> {
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgrade.await?), role, None).await)
}

//! This is where HTTP requests are answered by all routes, without a socket, on the demo's data.
//!
//! The bytes are a request as it travels, without the version of HTTP: `POST /api/getApps`, headers line by line, an empty line,
//! the body. Every request meets the same gateway, in a world of its own.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::Response;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde::de::IgnoredAny;

use crate::config::Limits;
use crate::engine::Engine;
use crate::fold::fold;
use crate::health::Health;
use crate::http::Peer;
use crate::http::origin::Origins;
use crate::hub::Hub;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Entry, checked};
use crate::seed::{self, Seed};
use crate::server;
use crate::shared::Shared;
use crate::state::Writer;
use crate::state::digest::Settled;
use crate::world::World;

/// When everything happens, in milliseconds since 1970.
const NOW_MS: u64 = 1_800_000_000_000;

/// The demo's data as they are journaled: a password takes long to hash.
static DEMO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    runtime().block_on(async {
        let (shared, journal) = gateway(Writer::default());
        seed::apply(Seed::demo(), &shared).await.expect("the demo's data are well formed");
        journal.lines()
    })
});

/// All routes, without what makes them a gateway's.
static ROUTES: LazyLock<Router<Arc<Shared>>> = LazyLock::new(|| server::routes().into_router());

/// Every operation that is documented: its method, the steps of its path, and the statuses of its answers.
static DOCUMENTED: LazyLock<Vec<Documented>> = LazyLock::new(|| {
    let documented = |operation: crate::http::routes::Operation| Documented {
        verb: operation.verb.to_uppercase(),
        steps: operation.path.split('/').map(str::to_owned).collect(),
        statuses: operation.answers.iter().map(|answer| answer.status).collect(),
    };
    server::operations().into_iter().map(documented).collect()
});

struct Documented {
    verb: String,
    steps: Vec<String>,
    statuses: BTreeSet<u16>,
}

impl Documented {
    fn is_of(&self, method: &Method, path: &str) -> bool {
        let is_step = |(step, given): (&String, &str)| step == given || (step.starts_with('{') && !given.is_empty());
        self.verb == method.as_str()
            && self.steps.len() == path.split('/').count()
            && self.steps.iter().zip(path.split('/')).all(is_step)
    }
}

/// Answers a request.
pub(super) fn run(bytes: &[u8]) {
    let Some(request) = request(bytes) else { return };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut writer = Writer::default();
    fold_all(&mut writer, &DEMO);
    let before = writer.settle();
    let (status, after, lines) = runtime().block_on(async {
        let (shared, journal) = gateway(writer);
        let routes = TowerToHyperService::new(ROUTES.clone().with_state(shared.clone()));
        let response = routes.call(request).await.unwrap_or_else(|never| match never {});
        let status = is_well_formed(response).await;
        (status, shared.state.digest(), journal.lines())
    });
    assert!(status.as_u16() < 500 && status != StatusCode::SWITCHING_PROTOCOLS, "{status}");
    if let Some(documented) = DOCUMENTED.iter().find(|documented| documented.is_of(&method, &path)) {
        assert!(documented.statuses.contains(&status.as_u16()), "{method} {path} answers {status}, undocumented");
    }
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
    if is_read || status.is_client_error() {
        assert_eq!((lines.len(), after.digest), (0, before.digest), "{status}, and something was changed");
    }
    is_replayed(&lines, after);
}

/// What was journaled comes to the same state.
fn is_replayed(lines: &[u8], live: Settled) {
    let mut writer = Writer::default();
    fold_all(&mut writer, &DEMO);
    fold_all(&mut writer, lines);
    let replayed = writer.settle();
    assert_eq!((replayed.seq, replayed.digest), (live.seq, live.digest));
}

fn fold_all(writer: &mut Writer, lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let entry = checked(line).and_then(Entry::parse).expect("a gateway wrote it");
        // What was refused live is refused again.
        let _ = fold(writer, entry, &mut Vec::new());
    }
}

/// The request in the bytes, where there is one that a connection could carry.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((bytes, &b""[..]), |end| (&bytes[..end], &bytes[end + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, uri) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let uri: Uri = uri.parse().ok().filter(|uri: &Uri| uri.path().starts_with('/'))?;
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = method.parse().ok()?;
    *request.uri_mut() = uri;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    request.extensions_mut().insert(Origins::default());
    // A socket is for `frames`.
    request.headers_mut().remove(header::UPGRADE);
    Some(request)
}

/// The status of an answer, which is what it says it is.
async fn is_well_formed(response: Response) -> StatusCode {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("an answer is in memory");
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if content_type.starts_with("application/json") && !body.is_empty() {
        let read = serde_json::from_slice::<IgnoredAny>(&body);
        assert!(read.is_ok(), "{read:?}: {}", String::from_utf8_lossy(&body));
    }
    if content_type.starts_with("text/") {
        assert!(std::str::from_utf8(&body).is_ok(), "{content_type} that is no UTF-8");
    }
    parts.status
}

/// A gateway without a listener.
fn gateway(writer: Writer) -> (Arc<Shared>, MemoryJournal) {
    let (world, _strings) = World::simulated(0, NOW_MS);
    let (journal, hub, limits) = (MemoryJournal::default(), Arc::new(Hub::default()), Limits::default());
    let state = writer.state().clone();
    let health = Arc::new(Health::default());
    let (engine, handle) = Engine::new(writer, Box::new(journal.clone()), hub.clone(), limits.clone(), None, health);
    // It ends with the runtime.
    drop(engine.dated_by(world.clock.clone()).spawn_on(world.threads).expect("a task is no thread"));
    (Arc::new(Shared::new(state, handle, hub, limits).in_world(&world)), journal)
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("the system gives a runtime")
}

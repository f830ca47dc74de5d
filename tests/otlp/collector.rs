//! This is where a collector of traces listens that keeps what it is sent.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A collector on a port of its own.
pub struct Collector {
    /// Its address, as a gateway is told it.
    pub endpoint: String,
    refuses: Arc<AtomicBool>,
    arriving: mpsc::UnboundedReceiver<Value>,
    said: Vec<Value>,
}

/// What a gateway tells of a stretch of time.
#[derive(Debug)]
pub struct Span {
    /// What it was.
    pub name: String,
    /// When it began and ended, in nanoseconds.
    pub began: u64,
    pub ended: u64,
    /// Whether it says that it failed.
    pub failed: bool,
    attributes: BTreeMap<String, Value>,
}

impl Span {
    fn read(span: &Value) -> Self {
        let time = |key: &str| span[key].as_str().and_then(|time| time.parse().ok()).expect("a span has its times");
        let mut attributes = BTreeMap::new();
        for attribute in span["attributes"].as_array().into_iter().flatten() {
            let key = attribute["key"].as_str().expect("an attribute has a name").to_owned();
            let before = attributes.insert(key, plain(&attribute["value"]));
            assert_eq!(before, None, "something is said twice: {span}");
        }
        let name = span["name"].as_str().expect("a span has a name").to_owned();
        let (began, ended) = (time("startTimeUnixNano"), time("endTimeUnixNano"));
        Self { name, began, ended, failed: span["status"]["code"] == 2, attributes }
    }

    /// What it says of something; null where that is nothing.
    pub fn of(&self, key: &str) -> &Value {
        self.attributes.get(key).unwrap_or(&Value::Null)
    }
}

/// A value without its type, of which an integer is written as a text.
fn plain(value: &Value) -> Value {
    match value["intValue"].as_str() {
        Some(number) => number.parse::<i64>().expect("an integer is one").into(),
        None => value["stringValue"].clone(),
    }
}

impl Collector {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("it has an address"));
        let (arrived, arriving) = mpsc::unbounded_channel();
        let refuses = Arc::new(AtomicBool::new(false));
        let is_refusing = refuses.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(serve(line, arrived.clone(), is_refusing.clone()));
            }
        });
        Self { endpoint, refuses, arriving, said: Vec::new() }
    }

    /// Has it refuse what comes, or take it again.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Release);
    }

    /// All that it was sent; complete once the gateway has stopped.
    pub fn said(&mut self) -> String {
        while let Ok(body) = self.arriving.try_recv() {
            self.said.push(body);
        }
        serde_json::to_string(&self.said).expect("JSON can be written")
    }

    /// The same, span by span.
    pub fn spans(&mut self) -> Vec<Span> {
        self.said();
        let spans = self.said.iter().flat_map(|body| {
            let resources = body["resourceSpans"].as_array().cloned().unwrap_or_default();
            let scopes = resources.into_iter().filter_map(|resource| resource["scopeSpans"].as_array().cloned());
            scopes.flatten().filter_map(|scope| scope["spans"].as_array().cloned()).flatten().collect::<Vec<_>>()
        });
        spans.map(|span| Span::read(&span)).collect()
    }
}

async fn serve(line: TcpStream, arrived: mpsc::UnboundedSender<Value>, refuses: Arc<AtomicBool>) {
    let take = service_fn(|request: Request<Incoming>| {
        let (arrived, refuses) = (arrived.clone(), refuses.load(Ordering::Acquire));
        async move {
            let is_traces = request.method() == Method::POST && request.uri().path() == "/v1/traces";
            let is_json = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
            let body = request.into_body().collect().await.expect("a body comes to its end").to_bytes();
            let status = match (is_traces && is_json, refuses) {
                (false, _) => StatusCode::NOT_FOUND,
                (true, true) => StatusCode::SERVICE_UNAVAILABLE,
                (true, false) => {
                    arrived.send(serde_json::from_slice(&body).expect("it is sent JSON")).ok();
                    StatusCode::OK
                }
            };
            let answer = Response::builder().status(status).body(Full::new(Bytes::from_static(b"{}")));
            Ok::<_, Infallible>(answer.expect("a plain answer"))
        }
    });
    http1::Builder::new().serve_connection(TokioIo::new(line), take).await.ok();
}

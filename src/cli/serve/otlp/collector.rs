//! This is where traces are posted: a connection each time, for that is once in some seconds. The log says once that the collector does
//! not take them, and once that it does again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;

/// How long a collector may take over a batch of traces.
const WAIT: Duration = Duration::from_secs(10);

/// Bytes of the longest answer that is read: a line or two.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A way to a collector.
#[derive(Debug)]
pub struct Collector {
    runtime: Handle,
    trust: Option<Arc<ClientConfig>>,
    is_failing: AtomicBool,
}

impl Collector {
    /// One over sockets of a runtime; encrypted, if it is said whom to trust.
    pub fn new(runtime: Handle, trust: Option<Arc<ClientConfig>>) -> Self {
        Self { runtime, trust, is_failing: AtomicBool::new(false) }
    }

    fn note(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let why = match answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        match (why, self.is_failing.load(Ordering::Relaxed)) {
            (Some(error), false) => {
                tracing::warn!(error, "traces are not taken by the collector of --otlp-endpoint, and are lost");
                self.is_failing.store(true, Ordering::Relaxed);
            }
            (None, true) => {
                tracing::info!("traces are taken by the collector again");
                self.is_failing.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let trust = self.trust.clone();
        // Whoever asks is a thread of the exporter's own, which drives neither sockets nor clocks.
        let posted = self.runtime.spawn(async { timeout(WAIT, post(request, trust)).await });
        let answer = match posted.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        self.note(&answer);
        answer
    }
}

async fn post(request: Request<Bytes>, trust: Option<Arc<ClientConfig>>) -> Result<Response<Bytes>, HttpError> {
    let host = request.uri().host().ok_or("the address has no host")?.to_owned();
    // An IPv6 address is in brackets there.
    let name = host.trim_matches(['[', ']']);
    let port = request.uri().port_u16().unwrap_or(if trust.is_some() { 443 } else { 80 });
    let line = TcpStream::connect((name, port)).await?;
    match trust {
        Some(trust) => {
            let name = name.to_owned().try_into()?;
            exchange(TlsConnector::from(trust).connect(name, line).await?, request).await
        }
        None => exchange(line, request).await,
    }
}

async fn exchange<L>(line: L, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError>
where
    L: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let authority = request.uri().authority().ok_or("the address has no host")?;
    let host = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().insert(HOST, host);
    let path = request.uri().path_and_query().ok_or("the address has no path")?.as_str().parse()?;
    *request.uri_mut() = path;
    let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

//! This is where the authority is asked: one request a connection, within a time, and no more of an answer than is meant to come.
//!
//! The library's own client is not used: it brings a second store of trusted certificates, HTTP/2 and no time limit.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long an answer may take. Let's Encrypt's take a second or two.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Bytes of an answer. A chain of certificates has some thousand.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What a failure to get an answer is, to the library.
type Fault = Box<dyn StdError + Send + Sync>;

/// Connects to authorities.
#[derive(Clone)]
pub struct Https(TlsConnector);

impl Https {
    /// To those who show a certificate that is trusted.
    pub fn new(trusted: Arc<ClientConfig>) -> Self {
        Self(TlsConnector::from(trusted))
    }
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let connector = self.0.clone();
        Box::pin(async move {
            let url = request.uri().clone();
            let answer = timeout(ANSWER_WAIT, answer(connector, request)).await;
            let answer = answer.unwrap_or_else(|late| Err(late.into()));
            answer.map_err(|error| Error::Other(format!("{url}: {error}").into()))
        })
    }
}

async fn answer(connector: TlsConnector, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Fault> {
    let url = std::mem::take(request.uri_mut());
    let authority = url.authority().filter(|_| url.scheme_str() == Some("https"));
    let authority = authority.ok_or("an authority has an address that begins with https://")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((&*host, authority.port_u16().unwrap_or(443))).await?;
    let stream = connector.connect(ServerName::try_from(host)?, stream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(async { drop(connection.await) });
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    *request.uri_mut() = Uri::from(url.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
    let method = request.method().clone();
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
    // What is wrong with a request that changes something is told in a form that the library reads. All else it would try to
    // read as what it asked for, and complain of JSON.
    let is_told = method == Method::POST
        && parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if !parts.status.is_success() && !is_told {
        return Err(format!("it answered {}", parts.status).into());
    }
    Ok(Response::from_parts(parts, Full::new(body)).into())
}

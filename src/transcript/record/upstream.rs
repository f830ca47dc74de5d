//! The gateway behind a recording: its address, and connections to it, encrypted or not.

use std::io;
use std::path::Path;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::MaybeTlsStream;

use crate::tls::{TrustError, trusting};

/// A gateway to connect to.
#[derive(Clone)]
pub struct Upstream {
    host: String,
    port: u16,
    authority: String,
    path: PathAndQuery,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why nothing can be connected to.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It is no address of a WebSocket.
    #[error("{0} is no address of a gateway; write one like ws://127.0.0.1:5020/nandbox/api/ or wss://HOST/PATH")]
    Url(String),
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Upstream {
    /// The gateway at a `ws://` or `wss://` address. With `wss`, the system's root certificates are trusted and those in `ca`.
    pub fn new(url: &str, ca: Option<&Path>) -> Result<Upstream, UpstreamError> {
        // What stands before an `@` may be a password.
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let told = match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://…@{host}"),
            None => url.to_owned(),
        };
        let refused = || UpstreamError::Url(told.clone());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(refused)?;
        let (is_encrypted, port) = match uri.scheme_str() {
            Some("ws") => (false, 80),
            Some("wss") => (true, 443),
            _ => return Err(refused()),
        };
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let tls = if is_encrypted {
            let name = ServerName::try_from(host.clone()).map_err(|_| refused())?;
            Some((TlsConnector::from(trusting(ca)?), name))
        } else {
            None
        };
        let port = authority.port_u16().unwrap_or(port);
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Upstream { host, port, authority: authority.to_string(), path, tls })
    }

    /// What a request's `Host` is there.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Where bots connect there.
    pub fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// A connection.
    pub async fn connect(&self) -> io::Result<MaybeTlsStream<TcpStream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // What passes was packed by those who sent it.
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => MaybeTlsStream::Plain(stream),
            Some((connector, name)) => MaybeTlsStream::Rustls(connector.connect(name.clone(), stream).await?),
        })
    }
}

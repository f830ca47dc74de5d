//! How a subcommand asks a gateway something over HTTP.

use std::io::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use guestlist::tls::{TrustError, trusting};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use super::talk::URL_DEFAULT;

/// Bytes of an answer that are read; what is asked here is answered in a line.
const ANSWER_BYTES_MAX: u64 = 16 << 10;

/// Where a gateway is.
#[derive(Debug, Args)]
pub struct Site {
    /// Where the gateway listens; the path makes no difference
    #[arg(long, env = "GUESTLIST_URL", default_value = URL_DEFAULT)]
    url: String,
    /// Certificates of authorities to trust beside the system's, for wss://; PEM
    #[arg(long, env = "GUESTLIST_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 3)]
    wait: u64,
}

/// What is asked.
#[derive(Debug)]
pub struct Question<'q> {
    verb: &'static str,
    path: &'static str,
    token: Option<&'q str>,
}

impl<'q> Question<'q> {
    /// Something that anybody may ask.
    pub fn get(path: &'static str) -> Self {
        Self { verb: "GET", path, token: None }
    }

    /// Something that is done for whoever has a token.
    pub fn post(path: &'static str, token: &'q str) -> Self {
        Self { verb: "POST", path, token: Some(token) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("{0} is not an address such as {URL_DEFAULT}")]
    Url(String),
    #[error("a token is text of printable characters without spaces")]
    Token,
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("{0} was not reached: {1}")]
    Connect(String, #[source] Error),
    #[error("no answer came within {0} s; wait longer with --wait")]
    Silent(u64),
}

/// What can be asked over: TCP, or TLS over it.
trait Line: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

impl Site {
    /// The status, and what the gateway says.
    pub async fn ask(&self, question: &Question<'_>) -> Result<(u16, String), SiteError> {
        if question.token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(SiteError::Token);
        }
        let uri: Uri = self.url.parse().map_err(|_| SiteError::Url(self.url.clone()))?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(SiteError::Url(self.url.clone()));
        };
        let encrypted = match scheme {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(SiteError::Url(self.url.clone())),
        };
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let connect = |error| SiteError::Connect(self.url.clone(), error);
        let asked = async {
            let host = host.trim_matches(['[', ']']);
            let line = TcpStream::connect((host, port)).await.map_err(connect)?;
            let mut line: Box<dyn Line> =
                if encrypted { Box::new(self.encrypted(host, line).await?) } else { Box::new(line) };
            exchange(&mut line, question, uri.authority().map_or(host, |authority| authority.as_str()))
                .await
                .map_err(connect)
        };
        timeout(Duration::from_secs(self.wait), asked).await.map_err(|_| SiteError::Silent(self.wait))?
    }

    async fn encrypted(&self, host: &str, line: TcpStream) -> Result<impl Line + use<>, SiteError> {
        let name = host.to_owned().try_into().map_err(|_| SiteError::Url(self.url.clone()))?;
        let connector = TlsConnector::from(trusting(self.ca.as_deref())?);
        connector.connect(name, line).await.map_err(|error| SiteError::Connect(self.url.clone(), error))
    }
}

/// Asks, and reads the answer.
async fn exchange(
    line: &mut (impl Line + ?Sized),
    question: &Question<'_>,
    host: &str,
) -> Result<(u16, String), Error> {
    let Question { verb, path, token } = question;
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let ask =
        format!("{verb} {path} HTTP/1.1\r\nHost: {host}\r\n{token}Content-Length: 0\r\nConnection: close\r\n\r\n");
    line.write_all(ask.as_bytes()).await?;
    let mut answer = BufReader::new(line).take(ANSWER_BYTES_MAX);
    let mut status = String::new();
    answer.read_line(&mut status).await?;
    let code = status.split(' ').nth(1).filter(|_| status.starts_with("HTTP/1.1 ")).and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| Error::other("it is no gateway that answered"))?;
    let mut rest = String::new();
    // A line that is cut off without a farewell has said all the same what there is to know.
    answer.read_to_string(&mut rest).await.ok();
    Ok((code, rest.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()))
}

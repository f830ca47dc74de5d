//! `guestlist health`: asks a gateway whether it is ready, for whatever restarts or routes by that.

use std::io::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use guestlist::tls::{TrustError, trusting};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use super::talk::URL_DEFAULT;

/// Bytes of an answer that are read; the gateway says in a line what is wrong.
const ANSWER_BYTES_MAX: u64 = 16 << 10;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Health {
    /// Where the gateway listens; whichever path it has, /readyz is asked
    #[arg(long, env = "GUESTLIST_URL", default_value = URL_DEFAULT)]
    url: String,
    /// Certificates of authorities to trust beside the system's, for wss://; PEM
    #[arg(long, env = "GUESTLIST_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 3)]
    wait: u64,
}

const EXAMPLES: &str = "\
Prints what the gateway says of itself. Exit code 0 where it takes changes, 1 where it does not or is not there.

Example:
  guestlist health --url ws://127.0.0.1:5020/nandbox/api/";

#[derive(Debug, thiserror::Error)]
enum HealthError {
    #[error("{0} is not an address such as {URL_DEFAULT}")]
    Url(String),
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

impl Health {
    pub fn run(self) -> ExitCode {
        let asked = super::runtime().map(|runtime| runtime.block_on(self.ask()));
        match asked {
            Ok(Ok((200, said))) => {
                println!("{}", said.trim_end());
                ExitCode::SUCCESS
            }
            Ok(Ok((status, said))) => {
                eprintln!("guestlist: the gateway is not ready ({status}): {}", said.trim_end());
                ExitCode::FAILURE
            }
            // Not 2: Docker keeps that for itself.
            Ok(Err(error)) => {
                eprintln!("guestlist: {error}");
                ExitCode::FAILURE
            }
            Err(error) => super::failed(error),
        }
    }

    /// The status, and what the gateway says.
    async fn ask(&self) -> Result<(u16, String), HealthError> {
        let uri: Uri = self.url.parse().map_err(|_| HealthError::Url(self.url.clone()))?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(HealthError::Url(self.url.clone()));
        };
        let encrypted = match scheme {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(HealthError::Url(self.url.clone())),
        };
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let connect = |error| HealthError::Connect(self.url.clone(), error);
        let asked = async {
            let host = host.trim_matches(['[', ']']);
            let line = TcpStream::connect((host, port)).await.map_err(connect)?;
            let mut line: Box<dyn Line> =
                if encrypted { Box::new(self.encrypted(host, line).await?) } else { Box::new(line) };
            exchange(&mut line, uri.authority().map_or(host, |authority| authority.as_str())).await.map_err(connect)
        };
        timeout(Duration::from_secs(self.wait), asked).await.map_err(|_| HealthError::Silent(self.wait))?
    }

    async fn encrypted(&self, host: &str, line: TcpStream) -> Result<impl Line + use<>, HealthError> {
        let name = host.to_owned().try_into().map_err(|_| HealthError::Url(self.url.clone()))?;
        let connector = TlsConnector::from(trusting(self.ca.as_deref())?);
        connector.connect(name, line).await.map_err(|error| HealthError::Connect(self.url.clone(), error))
    }
}

/// Asks, and reads the answer.
async fn exchange(line: &mut (impl Line + ?Sized), host: &str) -> Result<(u16, String), Error> {
    let ask = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
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

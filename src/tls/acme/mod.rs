//! This is where certificates are ordered from an authority such as Let's Encrypt, and renewed (ACME, RFC 8555).
//!
//! That the gateway has the names it wants certified it proves on the port it listens on (TLS-ALPN-01, RFC 8737): the authority
//! connects, and is shown a certificate made for that. No second port, no web server and no key of a DNS zone are needed for it;
//! the authority connects to port 443, so the gateway must be what answers there.

mod certificate;
mod https;
mod kept;
mod order;
mod ordered;
mod shown;

use std::io;
use std::path::PathBuf;

pub use ordered::Ordered;

/// What an authority speaks when it connects to see whether a name is the gateway's.
pub const PROTOCOL: &[u8] = b"acme-tls/1";

/// Where Let's Encrypt begins.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// What is to be certified, and by whom.
#[derive(Clone, Debug)]
pub struct Acme {
    /// The address at which the authority says what it offers.
    pub directory: String,
    /// The names of hosts, one at least.
    pub names: Vec<String>,
    /// Whom the authority may write to, such as `mailto:somebody@example.com`.
    pub contact: Option<String>,
    /// Where account and certificate are kept.
    pub kept_in: PathBuf,
}

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The authority says no.
    #[error("{0} refused: {1}")]
    Refused(String, String),
    /// It does not answer, or not what it should.
    #[error("{0} could not be asked: {1}")]
    Unanswered(String, String),
    /// It did not find the gateway, or not the gateway's proof, where a name leads to.
    #[error("{0} was not validated; the authority must reach this gateway on port 443 of that name: {1}")]
    NotValidated(String, String),
    /// It wants other proofs.
    #[error("the authority validates {0} by other means than TLS-ALPN-01, which is all that is known here")]
    NoChallenge(String),
    /// The order did not come to an end.
    #[error("the order was given up after {0} s")]
    Late(u64),
    /// What came is of no use.
    #[error("the certificate that came cannot be shown: {0}")]
    Unusable(String),
    /// A key or a request could not be made.
    #[error("a key or a certificate request could not be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// What is kept cannot be.
    #[error("{0} cannot be read or written: {1}")]
    Kept(PathBuf, #[source] io::Error),
}

//! This is where the gateway's certificate is read: at a start, when it is told to, and when its files have changed.
//!
//! Connections that are open keep the certificate they began with. Files that cannot be used, such as half of a new pair while
//! the other half is still being copied, change nothing: what was read last goes on being shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Where a certificate comes from: two files in PEM form.
#[derive(Clone, Debug)]
pub struct Source {
    /// The certificate, and after it those that lead to the authority.
    pub cert: PathBuf,
    /// The private key of the first.
    pub key: PathBuf,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// There is no certificate in it.
    #[error("{0} holds no certificate in PEM form{1}")]
    NoCertificate(PathBuf, String),
    /// There is no key in it.
    #[error("{0} holds no private key in PEM form: {1}")]
    NoKey(PathBuf, String),
    /// The two are no pair, or of a kind that nobody speaks.
    #[error("the certificate in {0} and the key in {1} cannot be used together: {2}")]
    NoPair(PathBuf, PathBuf, String),
}

/// The certificate that is shown to whoever connects.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    shown: RwLock<Shown>,
    /// What was wrong when it was last looked, so that it is said once.
    problem: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Shown {
    /// Of what the two files held.
    hash: [u8; 32],
    pair: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads a certificate for the first time.
    pub fn open(source: Source) -> Result<Self, CertificateError> {
        let files = Files::read(&source)?;
        let shown = Shown { hash: files.hash(), pair: Arc::new(files.pair(&source)?) };
        Ok(Self { source, shown: RwLock::new(shown), problem: Mutex::default() })
    }

    /// Reads the files again; says whether they hold another certificate, which is shown from now on.
    pub fn renew(&self) -> Result<bool, CertificateError> {
        let files = Files::read(&self.source)?;
        let hash = files.hash();
        if self.shown.read().unwrap_or_else(PoisonError::into_inner).hash == hash {
            return Ok(false);
        }
        let pair = Arc::new(files.pair(&self.source)?);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Shown { hash, pair };
        Ok(true)
    }

    /// The same, with a word in the log where something is new.
    pub async fn look(self: &Arc<Self>) {
        let this = self.clone();
        let renewed = spawn_blocking(move || this.renew()).await.expect("reading files does not panic");
        let problem = match renewed {
            Ok(is_new) => {
                if is_new {
                    tracing::info!(certificate = %self.source.cert.display(), "a new certificate is shown");
                }
                None
            }
            Err(error) => Some(error.to_string()),
        };
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = problem.as_ref().filter(|_| *known != problem) {
            tracing::warn!(%error, "the certificate was not renewed; the one before is shown on");
        }
        *known = problem;
    }

    /// Looks at the files every now and then, until it is told to stop.
    pub async fn watch(self: Arc<Self>, interval: Duration, mut stop: watch::Receiver<bool>) {
        while tokio::time::timeout(interval, stop.changed()).await.is_err() {
            self.look().await;
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().unwrap_or_else(PoisonError::into_inner).pair.clone())
    }
}

/// What the two files hold.
struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(source: &Source) -> Result<Self, CertificateError> {
        let read = |path: &Path| fs::read(path).map_err(|error| CertificateError::Io(path.to_owned(), error));
        Ok(Self { cert: read(&source.cert)?, key: read(&source.key)? })
    }

    fn hash(&self) -> [u8; 32] {
        let hash = Sha256::new().chain_update(Sha256::digest(&self.cert)).chain_update(Sha256::digest(&self.key));
        hash.finalize().into()
    }

    fn pair(&self, Source { cert, key }: &Source) -> Result<CertifiedKey, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.map_err(|error| CertificateError::NoCertificate(cert.clone(), format!(": {error}")))?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate(cert.clone(), String::new()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key);
        let private = private.map_err(|error| CertificateError::NoKey(key.clone(), error.to_string()))?;
        CertifiedKey::from_der(chain, private, &ring::default_provider())
            .map_err(|error| CertificateError::NoPair(cert.clone(), key.clone(), error.to_string()))
    }
}

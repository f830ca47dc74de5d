//! Whom a client of this program trusts: the authorities that the system knows, and others that it is told of.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The certificates to trust cannot be read.
    #[error("{0}: cannot read certificates: {1}")]
    Certificates(String, String),
    /// The system has no certificates to trust.
    #[error("the system has no root certificates; name a file of some with --ca")]
    NoRoots,
}

/// How to connect to whoever is certified by an authority of the system's, or by one in `ca`, a file in PEM form.
pub fn trusting(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        let failed = |error: String| TrustError::Certificates(path.display().to_string(), error);
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(failed("it has none in PEM form".to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(TrustError::NoRoots);
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("the provider knows the protocol's versions");
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

//! This is where it is known of a certificate when it has to be renewed.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What is shown.
    pub pair: Arc<CertifiedKey>,
    /// When the next one is to be ordered, in seconds since 1970.
    due_s: i64,
}

impl Certificate {
    /// Reads the two from one text in PEM form: the key, and then the certificates up to the authority's.
    pub fn read(pem: &[u8]) -> Result<Self, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|error| error.to_string())?;
        let first = chain.first().ok_or("it holds no certificate")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(|error| error.to_string())?;
        let validity = parsed.validity();
        let (begins_s, ends_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        // A third of its time is left then, as Let's Encrypt advises, in which a renewal may fail many times.
        let due_s = begins_s + (ends_s - begins_s) / 3 * 2;
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
        let pair = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| error.to_string())?;
        Ok(Self { pair: Arc::new(pair), due_s })
    }

    /// How long it may still be shown before the next one is to be ordered.
    pub fn until_due(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(self.due_s.try_into().unwrap_or(0)).saturating_sub(now)
    }
}

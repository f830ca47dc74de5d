//! This is where whoever connects is shown a certificate: clients the one that was ordered, the authority its proof.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use super::{OrderError, PROTOCOL};

/// What is shown.
#[derive(Debug, Default)]
pub struct Shown {
    certificate: RwLock<Option<Certificate>>,
    /// The proofs of names, while an order is under way.
    proofs: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Shown {
    /// What clients are shown, if there is something yet.
    pub fn certificate(&self) -> Option<Certificate> {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows it to clients from now on.
    pub fn show(&self, certificate: Certificate) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// Shows the authority that a name is the gateway's: a certificate with the digest of what only the account's key can say.
    pub fn prove(&self, name: &str, digest: &[u8]) -> Result<(), OrderError> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate()?;
        let chain = vec![params.self_signed(&key)?.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let key = ring::default_provider().key_provider.load_private_key(key).expect("the key was made just now");
        // Put together unchecked: what checks pairs does not know the extension, which must not be ignored.
        let pair = Arc::new(CertifiedKey::new(chain, key));
        self.proofs.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase(), pair);
        Ok(())
    }

    /// Shows no proof any more.
    pub fn prove_nothing(&self) {
        self.proofs.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Nobody but an authority speaks this alone, and it must never be shown anything but a proof.
        let is_authority = hello.alpn().is_some_and(|mut protocols| protocols.all(|protocol| protocol == PROTOCOL));
        if is_authority {
            let name = hello.server_name()?.to_ascii_lowercase();
            return self.proofs.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        }
        self.certificate().map(|certificate| certificate.pair)
    }
}

//! This is where the tests get certificates.

use std::fs;
use std::path::{Path, PathBuf};

use guestlist::tls::Source;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority that nobody knows, in a file, and who certifies that this is `localhost`.
pub struct Authority {
    /// Its certificate.
    pub file: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM form.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// A new one, whose certificate is written into a directory.
    pub fn new(directory: &Path) -> Self {
        let mut params = CertificateParams::new([]).expect("no names are fine names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("it certifies itself");
        let file = directory.join("ca.pem");
        fs::write(&file, issuer.pem()).expect("the file can be written");
        Self { file, issuer }
    }

    /// A new certificate.
    pub fn certify(&self) -> Pair {
        let (params, key) = (CertificateParams::new(["localhost".to_owned()]).expect("a fine name"), key());
        let cert = params.signed_by(&key, &self.issuer).expect("it certifies others").pem();
        Pair { cert, key: key.serialize_pem() }
    }

    /// What a request asks for, in PEM form: a certificate that is new, or one that is valid and should have been renewed.
    #[cfg(feature = "acme")]
    pub fn sign(&self, request: &[u8], is_old: bool) -> Result<String, rcgen::Error> {
        let mut request = rcgen::CertificateSigningRequestParams::from_der(&request.into())?;
        if is_old {
            request.params.not_before = rcgen::date_time_ymd(1971, 1, 1);
            request.params.not_after = rcgen::date_time_ymd(2049, 1, 1);
        }
        Ok(request.signed_by(&self.issuer)?.pem())
    }
}

impl Pair {
    /// Writes it into the files of a directory, in which there may be another.
    pub fn write(&self, directory: &Path) -> Source {
        let source = Source { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
        fs::write(&source.cert, &self.cert).expect("the file can be written");
        fs::write(&source.key, &self.key).expect("the file can be written");
        source
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("keys can be made")
}

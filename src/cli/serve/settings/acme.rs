//! What `serve` can be told of a certificate that is ordered.

use std::path::Path;

use guestlist::tls::acme::{Acme, LETS_ENCRYPT};
use tokio_rustls::rustls::pki_types::DnsName;

use super::Settings;

/// The directory within that of the data where account and certificate are kept.
const KEPT_IN: &str = "acme";

/// Why no certificate can be ordered.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    #[error("--acme orders a certificate, and --tls-cert or --tls names another; choose one")]
    TwoCertificates,
    #[error("--acme-contact belongs to --acme, which names the hosts to certify; give both")]
    NoHost,
    #[error("--acme {0}: this is no name of a host that can be certified; write one such as lists.example.com")]
    Host(String),
    #[error("--acme-contact {0}: write mailto: and an address")]
    Contact(String),
    #[error("--acme-directory {0}: write an address that begins with https://")]
    Directory(String),
}

impl Settings {
    /// What is to be certified, if something is.
    pub(super) fn acme(&self, data: &Path) -> Result<Option<Acme>, AcmeError> {
        if self.acme.is_empty() {
            return if self.acme_contact.is_some() { Err(AcmeError::NoHost) } else { Ok(None) };
        }
        if self.tls_cert.is_some() || self.tls_key.is_some() || self.tls.is_some() {
            return Err(AcmeError::TwoCertificates);
        }
        // Addresses are no names, and names with a `*` are validated by DNS only.
        let is_name = |name: &str| DnsName::try_from(name).is_ok() && name.parse::<std::net::IpAddr>().is_err();
        if let Some(name) = self.acme.iter().find(|name| !is_name(name)) {
            return Err(AcmeError::Host(name.clone()));
        }
        if let Some(contact) = self.acme_contact.as_ref().filter(|contact| !contact.starts_with("mailto:")) {
            return Err(AcmeError::Contact(contact.clone()));
        }
        let directory = self.acme_directory.clone().unwrap_or_else(|| LETS_ENCRYPT.to_owned());
        if !directory.starts_with("https://") {
            return Err(AcmeError::Directory(directory));
        }
        let (names, contact) = (self.acme.clone(), self.acme_contact.clone());
        Ok(Some(Acme { directory, names, contact, kept_in: data.join(KEPT_IN) }))
    }
}

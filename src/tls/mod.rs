//! This is where connections are encrypted: what the gateway shows to those who connect, and whom it trusts where it connects.

#[cfg(feature = "acme")]
pub mod acme;
mod certificates;
mod encryption;
mod self_signed;
mod trust;

pub use certificates::{CertificateError, Certificates, Source};
pub use encryption::Encryption;
pub use self_signed::self_signed;
pub use trust::{TrustError, trusting};

//! This is where it is known how connections are encrypted: with a certificate from files, or with one that is ordered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::ResolvesServerCert;

use super::Certificates;
#[cfg(feature = "acme")]
use super::acme::{self, Ordered};

/// Where the certificate comes from that is shown.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// Two files, which somebody else renews.
    Files(Arc<Certificates>),
    /// An authority, which is asked for one and, in time, for the next.
    #[cfg(feature = "acme")]
    Ordered(Arc<Ordered>),
}

impl Encryption {
    /// How to greet clients, now and after a renewal.
    pub fn config(&self) -> Arc<ServerConfig> {
        match self {
            Self::Files(certificates) => greeting(certificates.clone(), &[HTTP]),
            #[cfg(feature = "acme")]
            Self::Ordered(ordered) => greeting(ordered.shown(), &[HTTP, acme::PROTOCOL]),
        }
    }

    /// Sees whether there is something to renew, now.
    pub async fn look(&self) {
        match self {
            Self::Files(certificates) => certificates.look().await,
            #[cfg(feature = "acme")]
            Self::Ordered(ordered) => ordered.look(),
        }
    }

    /// Does so by itself until it is told to stop; files are looked at once an interval.
    pub async fn watch(self, interval: Duration, stop: watch::Receiver<bool>) {
        match self {
            Self::Files(certificates) => certificates.watch(interval, stop).await,
            #[cfg(feature = "acme")]
            Self::Ordered(ordered) => ordered.watch(stop).await,
        }
    }
}

/// What is spoken over connections of clients.
const HTTP: &[u8] = b"http/1.1";

fn greeting(certificates: Arc<dyn ResolvesServerCert>, protocols: &[&[u8]]) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider knows the protocol's versions");
    let mut config = config.with_no_client_auth().with_cert_resolver(certificates);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

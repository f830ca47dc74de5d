//! This is where the tests put a certificate of their own in front of a gateway.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// An authority that nobody knows, in a file, and what it certifies: that this is `localhost`.
pub struct Authority {
    /// Its certificate.
    pub file: PathBuf,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// A new one, whose certificate is written into a directory.
    pub fn new(directory: &Path) -> Self {
        let key = || KeyPair::generate().expect("keys can be made");
        let mut params = CertificateParams::new([]).expect("no names are fine names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key()).expect("it certifies itself");
        let (params, leaf) = (CertificateParams::new(["localhost".to_owned()]).expect("a fine name"), key());
        let certificate = params.signed_by(&leaf, &authority).expect("it certifies others");
        let file = directory.join("ca.pem");
        std::fs::write(&file, authority.pem()).expect("the file can be written");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("the provider knows them");
        let key = PrivateKeyDer::try_from(leaf.serialize_der()).expect("it was just made");
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
        Self { file, config: Arc::new(config.expect("the key fits")) }
    }

    /// Takes encrypted connections for a gateway: the port on `localhost`.
    pub async fn before(&self, gateway: std::net::SocketAddr) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let acceptor = TlsAcceptor::from(self.config.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let mut gateway = TcpStream::connect(gateway).await.expect("the gateway listens");
                    tokio::io::copy_bidirectional(&mut client, &mut gateway).await.ok();
                });
            }
        });
        port
    }
}

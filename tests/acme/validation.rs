//! How the authority looks whether a name leads to who ordered a certificate for it: TLS-ALPN-01 (RFC 8737, section 3).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// How the extension begins that holds the proof: its name (1.3.6.1.5.5.7.1.31), that it is critical, and 32 bytes in a string
/// in a string.
const EXTENSION: [u8; 17] =
    [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01, 0x01, 0xff, 0x04, 0x22, 0x04, 0x20];

/// Whether whoever is at the address shows the digest for the name.
pub async fn validated(address: SocketAddr, name: &str, digest: &[u8]) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider knows them").dangerous();
    let mut config = config.with_custom_certificate_verifier(Arc::new(Whoever)).with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let sni = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(sni, stream).await.map_err(|error| error.to_string())?;
    let (_, tls) = stream.get_ref();
    if tls.alpn_protocol() != Some(b"acme-tls/1") {
        return Err("it does not speak acme-tls/1".to_owned());
    }
    let [certificate] = tls.peer_certificates().unwrap_or_default() else {
        return Err("not one certificate".to_owned());
    };
    let has = |bytes: &[u8]| certificate.windows(bytes.len()).any(|window| window == bytes);
    if !has(&[&EXTENSION[..], digest].concat()) {
        return Err("the certificate does not prove it".to_owned());
    }
    if has(name.as_bytes()) { Ok(()) } else { Err("the certificate is for another name".to_owned()) }
}

/// Takes whatever is shown: it is the extension that counts.
#[derive(Debug)]
struct Whoever;

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

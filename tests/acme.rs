//! A certificate is ordered from an authority, proved on the very port, kept and renewed.
#![cfg(feature = "acme")]

mod support;

#[path = "acme/server.rs"]
mod server;
#[path = "acme/validation.rs"]
mod validation;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use server::Server;
use support::authority::Authority;
use support::home::Home;
use support::process::{Served, guestlist, run};
use support::{BOT, Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::{Connector, client_async_tls_with_config};

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What says that an order came to an end.
const RENEWED: &str = "a new certificate is shown";

/// A directory, and an authority that nobody knows but those who are told.
struct Stage {
    home: Home,
    authority: Arc<Authority>,
    server: Server,
}

impl Stage {
    async fn new() -> Self {
        let home = Home::new();
        let authority = Arc::new(Authority::new(&home.path("")));
        let server = Server::start(authority.clone()).await;
        Self { home, authority, server }
    }

    /// A gateway that trusts the authority, and that every name leads to.
    fn serve(&self) -> (Served, SocketAddr) {
        let (served, address) = self.serve_nowhere();
        self.server.resolve(address);
        (served, address)
    }

    /// One that no name leads to yet.
    fn serve_nowhere(&self) -> (Served, SocketAddr) {
        let mut command = guestlist(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", &self.home.text("data")]);
        command.args(["--acme", "localhost,lists.example.com", "--acme-contact", "mailto:lists@example.com"]);
        command.args(["--acme-directory", &self.server.directory]).env("SSL_CERT_FILE", &self.authority.file);
        let served = Served::start_command(&mut command, &self.home.path("log"));
        let address = served.url.strip_prefix("wss://").and_then(|rest| rest.split('/').next());
        let address = address.and_then(|address| address.parse().ok()).expect("it says where it listens");
        (served, address)
    }

    /// How a client connects that trusts this authority and no other.
    fn trusting(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority.file).expect("it is one")).expect("it can be trusted");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("the provider knows them");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// A bot that signed in.
    async fn bot(&self, address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let url = format!("wss://localhost:{}/nandbox/api/", address.port());
        let tls = Some(Connector::Rustls(self.trusting()));
        let mut bot = Client(client_async_tls_with_config(url, stream, None, tls).await.expect("it is trusted").0);
        let welcome = bot.call(json!({"method": "TOKEN_AUTH", "token": BOT, "rem": true})).await;
        assert_eq!(welcome["method"], "TOKEN_AUTH_OK", "{welcome}");
        bot
    }

    /// The certificate that is shown to who asks for a host.
    async fn shown(&self, address: SocketAddr, host: &'static str) -> Vec<u8> {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let name = ServerName::try_from(host).expect("a fine name");
        let stream = TlsConnector::from(self.trusting()).connect(name, stream).await.expect("it is trusted");
        stream.get_ref().1.peer_certificates().expect("it is shown")[0].to_vec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_ordered_and_shown_and_after_a_restart_the_same_one() {
    let stage = Stage::new().await;
    let (served, address) = stage.serve();
    served.must_log(RENEWED);
    let mut bot = stage.bot(address).await;
    assert_eq!(bot.call(json!({"method": "PING"})).await["method"], "PONG");
    let first = stage.shown(address, "localhost").await;
    assert_eq!(first, stage.shown(address, "lists.example.com").await);
    served.stop();

    let (served, address) = stage.serve();
    assert_eq!(stage.shown(address, "localhost").await, first);
    stage.bot(address).await;
    served.hang_up();
    served.must_log("the settings were read again");
    assert_eq!(stage.shown(address, "localhost").await, first);
    let log = served.stop().stderr;
    assert_eq!(stage.server.counts(), (1, 1), "{log}");
    assert_eq!(log.matches("until it is there nobody can connect").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_its_owners_alone() {
    let stage = Stage::new().await;
    let (served, _) = stage.serve();
    served.must_log(RENEWED);
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let directory = stage.home.path("data").join("acme");
    assert_eq!(mode(&directory), 0o700);
    let files = fs::read_dir(&directory).expect("it can be read").map(|entry| entry.expect("it can be read").path());
    let mut names = Vec::new();
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        names.push(file.file_name().expect("files have names").to_string_lossy().into_owned());
    }
    names.sort();
    assert!(
        matches!(&*names, [account, certificate] if account.starts_with("account-") && certificate.starts_with("certificate-"))
    );
    let log = served.stop().stderr;
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_logged_in_the_authoritys_words_and_the_gateway_listens_on() {
    let stage = Stage::new().await;
    stage.server.refuse(true);
    let (served, address) = stage.serve();
    served.must_log("no certificate could be had, so nobody can connect");
    let log = stage.home.log();
    let said = format!("{} refused: we do not certify localhost, lists.example.com", stage.server.directory);
    assert!(log.contains(&said), "{log}");
    let mut plain = TcpStream::connect(address).await.expect("it listens");
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it is read");
    let mut answer = String::new();
    timeout(PATIENCE, plain.read_to_string(&mut answer)).await.expect("it ends").expect("it is text");
    assert!(answer.contains("this port is encrypted"), "{answer}");
    // Whoever has set right what was wrong need not wait.
    stage.server.refuse(false);
    served.hang_up();
    served.must_log(RENEWED);
    stage.bot(address).await;
    assert_eq!(stage.server.counts(), (1, 1));
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_elsewhere_is_named_in_the_log() {
    let stage = Stage::new().await;
    let (served, address) = stage.serve_nowhere();
    // It leads to the authority itself, which has no proof of it.
    let elsewhere = stage.server.directory.trim_start_matches("https://localhost:").trim_end_matches("/directory");
    stage.server.resolve(SocketAddr::new(address.ip(), elsewhere.parse().expect("it is a port")));
    served.must_log("no certificate could be had");
    let log = stage.home.log();
    assert!(log.contains("localhost was not validated; the authority must reach this gateway on port 443"), "{log}");
    assert!(log.contains("it does not speak acme-tls/1"), "{log}");
    // And with no order under way there is nothing to prove.
    let refused = validation::validated(address, "localhost", &[0; 32]).await.expect_err("nothing is shown");
    assert!(refused.contains("AccessDenied"), "{refused}");
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_by_itself_and_until_then_the_one_before_is_shown() {
    let stage = Stage::new().await;
    stage.server.certify_old(true);
    let (served, address) = stage.serve();
    served.must_log(RENEWED);
    let old = stage.shown(address, "localhost").await;
    let mut bot = stage.bot(address).await;
    stage.server.refuse(true);
    served.hang_up();
    served.must_log("the certificate was not renewed; the one before is shown on");
    assert_eq!(stage.shown(address, "localhost").await, old);
    assert_eq!(bot.call(json!({"method": "PING"})).await["method"], "PONG");
    drop(bot);
    served.stop();

    stage.server.refuse(false);
    stage.server.certify_old(false);
    let (served, address) = stage.serve();
    let renewed = async { while stage.shown(address, "localhost").await == old {} };
    timeout(PATIENCE, renewed).await.expect("it is renewed, though nobody said so");
    assert_eq!(stage.server.counts(), (1, 2), "{}", served.stop().stderr);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let home = Home::new();
    let data = home.text("data");
    for (flags, said) in [
        (&["--acme", "lists.example.com", "--tls-cert", "a.pem", "--tls-key", "a.key"][..], "choose one"),
        (&["--acme", "lists.example.com", "--tls", "self-signed"], "choose one"),
        (&["--acme-contact", "mailto:lists@example.com"], "give both"),
        (&["--acme", "*.example.com"], "--acme *.example.com: this is no name of a host"),
        (&["--acme", "192.0.2.1"], "--acme 192.0.2.1: this is no name of a host"),
        (&["--acme", "lists.example.com", "--acme-contact", "lists@example.com"], "write mailto: and an address"),
        (&["--acme", "lists.example.com", "--acme-directory", "http://localhost"], "begins with https://"),
    ] {
        let refused = run(&[&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", &data], flags].concat());
        assert!(refused.code == Some(2) && refused.stderr.contains(said), "{refused:?}");
        assert!(!home.path("data").exists(), "{flags:?}");
    }
}

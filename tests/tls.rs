//! Connections are encrypted; the certificate is renewed while they last.

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use guestlist::tls::{Source, trusting};
use serde_json::{Value, json};
use support::authority::Authority;
use support::process::{Served, run};
use support::{ADMIN, BOT, Client, options};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_tungstenite::{Connector, client_async_tls_with_config};

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn encrypted(data: &Path, source: Source, limits: Limits) -> Options {
    Options { tls: Some(source), ..options(data, limits) }
}

async fn client(address: SocketAddr, ca: &Path) -> Client {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let tls = Connector::Rustls(trusting(Some(ca)).expect("the authority can be read"));
    let url = format!("wss://localhost:{}/nandbox/api/", address.port());
    let connected = client_async_tls_with_config(url, stream, None, Some(tls)).await;
    let mut client = Client(connected.expect("it is trusted").0);
    let welcome = client.call(json!({"method": "TOKEN_AUTH", "token": BOT, "rem": true})).await;
    assert_eq!(welcome["method"], "TOKEN_AUTH_OK", "{welcome}");
    client
}

/// The certificate that is shown.
async fn shown(address: SocketAddr, ca: &Path) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let connector = TlsConnector::from(trusting(Some(ca)).expect("the authority can be read"));
    let name = ServerName::try_from("localhost").expect("a fine name");
    let stream = connector.connect(name, stream).await.expect("it is trusted");
    let chain = stream.get_ref().1.peer_certificates().expect("it is shown");
    chain[0].to_vec()
}

async fn must_answer(client: &mut Client) {
    assert_eq!(client.call(json!({"method": "PING"})).await["method"], "PONG");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_works_encrypted_as_it_does_in_clear() {
    let (home, data) = (home(), home());
    let authority = Authority::new(home.path());
    let source = authority.certify().write(home.path());
    let gateway = Gateway::start(encrypted(data.path(), source, Limits::default())).await.expect("it starts");
    assert!(gateway.url().starts_with("wss://"), "{}", gateway.url());
    let mut bot = client(gateway.address(), &authority.file).await;
    // More than a record of the protocol holds, in both directions, and many at once.
    let signups: Vec<String> = (0..1_000).map(|number| format!("{number}@encrypted.example")).collect();
    for _ in 0..10 {
        bot.send(json!({"method": "addToWhitelist", "app_id": support::APP, "signups": signups})).await;
    }
    for _ in 0..10 {
        let added = bot.json().await;
        assert_eq!(added["method"], "addToWhitelist_ack", "{added}");
    }
    drop(bot);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_by_itself_and_nobody_is_cut_off() {
    let (home, data) = (home(), home());
    let authority = Authority::new(home.path());
    let source = authority.certify().write(home.path());
    let limits = Limits { certificate_look_interval: Duration::from_millis(20), ..Limits::default() };
    let gateway = Gateway::start(encrypted(data.path(), source, limits)).await.expect("it starts");
    let mut bot = client(gateway.address(), &authority.file).await;
    let before = shown(gateway.address(), &authority.file).await;
    assert_eq!(before, shown(gateway.address(), &authority.file).await);
    authority.certify().write(home.path());
    let renewed = async {
        while shown(gateway.address(), &authority.file).await == before {
            must_answer(&mut bot).await;
        }
    };
    timeout(PATIENCE, renewed).await.expect("the new one is shown");
    must_answer(&mut bot).await;
    drop(bot);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_renewals_good_bad_and_half_written_drop_no_socket() {
    let (home, data) = (home(), home());
    let authority = Authority::new(home.path());
    let pairs = [authority.certify(), authority.certify()];
    let source = pairs[0].write(home.path());
    let limits = Limits { certificate_look_interval: Duration::from_secs(3_600), ..Limits::default() };
    let gateway = Gateway::start(encrypted(data.path(), source.clone(), limits)).await.expect("it starts");
    let mut bot = client(gateway.address(), &authority.file).await;
    let half = |text: &str| text[..text.len() / 2].to_owned();
    for round in 0..1_000 {
        let (pair, other) = (&pairs[round / 4 % 2], &pairs[(round / 4 + 1) % 2]);
        match round % 4 {
            0 => drop(pair.write(home.path())),
            1 => fs::write(&source.cert, half(&pair.cert)).expect("the file can be written"),
            2 => fs::write(&source.key, "no key").expect("the file can be written"),
            _ => {
                pair.write(home.path());
                fs::write(&source.key, &other.key).expect("the file can be written");
            }
        }
        gateway.renew().await;
        must_answer(&mut bot).await;
        // Whatever the files hold, who connects is greeted with the last pair that was one. Every seventh: each kind comes to be.
        if round % 7 == 0 {
            let expected = CertificateDer::from_pem_slice(pair.cert.as_bytes()).expect("it is one");
            assert_eq!(shown(gateway.address(), &authority.file).await, expected.as_ref(), "round {round}");
        }
    }
    must_answer(&mut bot).await;
    drop(bot);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_clear_is_told_and_who_says_nothing_is_gone_in_time() {
    let (home, data) = (home(), home());
    let authority = Authority::new(home.path());
    let source = authority.certify().write(home.path());
    let limits = Limits { handshake_wait: Duration::from_millis(200), ..Limits::default() };
    let gateway = Gateway::start(encrypted(data.path(), source, limits)).await.expect("it starts");
    let mut plain = TcpStream::connect(gateway.address()).await.expect("it listens");
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it is read");
    let mut answer = String::new();
    timeout(PATIENCE, plain.read_to_string(&mut answer)).await.expect("it ends").expect("it is text");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("wss://"), "{answer}");

    for begun in [&b""[..], b"\x16\x03\x01\x02"] {
        let mut silent = TcpStream::connect(gateway.address()).await.expect("it listens");
        silent.write_all(begun).await.expect("it is read");
        let mut rest = Vec::new();
        timeout(PATIENCE, silent.read_to_end(&mut rest)).await.expect("it is ended").ok();
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_certificate_are_named_and_nothing_is_written() {
    let home = home();
    let authority = Authority::new(home.path());
    let data = home.path().join("data");
    let other = authority.certify();
    for (what, spoil) in [
        ("holds no certificate", Box::new(|source: &Source| fs::write(&source.cert, "")) as Box<dyn Fn(&Source) -> _>),
        ("holds no private key", Box::new(|source: &Source| fs::write(&source.key, "nothing"))),
        ("cannot be used together", Box::new(|source: &Source| fs::write(&source.key, &other.key))),
        ("cannot be read", Box::new(|source: &Source| fs::remove_file(&source.cert))),
    ] {
        let source = authority.certify().write(home.path());
        spoil(&source).expect("files can be written");
        let refused = Gateway::start(encrypted(&data, source, Limits::default())).await.expect_err("it cannot start");
        assert!(refused.to_string().contains(what), "{refused}");
        assert!(!data.exists(), "{what}");
    }
}

fn call(served: &Served, ca: &str) -> (Option<i32>, String) {
    let url = served.url.replace("127.0.0.1", "localhost");
    let ran = run(&["call", "--url", &url, "--token", ADMIN, "--ca", ca, r#"{"method":"getApps"}"#]);
    (ran.code, ran.stdout + &ran.stderr)
}

#[test]
fn a_certificate_of_its_own_is_made_once_and_can_be_trusted() {
    let home = home();
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let ca = data.join("self-signed.pem");
    let text = ca.to_str().expect("paths of tests are text");
    let mut certificates = Vec::new();
    for _ in 0..2 {
        let served = Served::start(&data, &log, &["--demo", "--tls", "self-signed"]);
        assert!(served.url.starts_with("wss://127.0.0.1:"), "{}", served.url);
        let (code, said) = call(&served, text);
        assert_eq!(code, Some(0), "{said}");
        let apps: Value = serde_json::from_str(&said).expect("one frame");
        assert_eq!(apps["apps"].as_array().map(Vec::len), Some(1), "{said}");
        let untrusted = run(&["call", "--url", &served.url, "--token", ADMIN, r#"{"method":"getApps"}"#]);
        assert_eq!(untrusted.code, Some(2), "{untrusted:?}");
        served.stop();
        certificates.push(fs::read(&ca).expect("it is kept"));
    }
    assert_eq!(certificates[0], certificates[1]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(data.join("self-signed.key")).expect("it is kept").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_hang_up_has_the_certificate_read_again() {
    let home = home();
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let authority = Authority::new(home.path());
    let source = authority.certify().write(home.path());
    let text = |path: &Path| path.to_str().expect("paths of tests are text").to_owned();
    let (cert, key, ca) = (text(&source.cert), text(&source.key), text(&authority.file));
    let served = Served::start(&data, &log, &["--demo", "--tls-cert", &cert, "--tls-key", &key]);
    assert_eq!(call(&served, &ca).0, Some(0));
    fs::write(&source.key, "half").expect("the file can be written");
    served.hang_up();
    served.must_log("the certificate was not renewed");
    assert_eq!(call(&served, &ca).0, Some(0));
    authority.certify().write(home.path());
    served.hang_up();
    served.must_log("a new certificate is shown");
    assert_eq!(call(&served, &ca).0, Some(0));
    served.stop();
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let home = home();
    let data = home.path().join("data");
    let data = data.to_str().expect("paths of tests are text");
    for (flags, said) in [
        (&["--tls-cert", "a.pem"][..], "give both --tls-cert and --tls-key"),
        (&["--tls-key", "a.key"], "give both --tls-cert and --tls-key"),
        (&["--tls", "self-signed", "--tls-cert", "a.pem", "--tls-key", "a.key"], "choose one"),
        (&["--tls-cert", "no-such.pem", "--tls-key", "a.key"], "no-such.pem cannot be read"),
    ] {
        let refused = run(&[&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", data], flags].concat());
        assert!(refused.code == Some(2) && refused.stderr.contains(said), "{refused:?}");
    }
}

/// Kept so that a test cannot pass by trusting everybody.
#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_not_trusted() {
    let (home, elsewhere, data) = (home(), home(), home());
    let source = Authority::new(home.path()).certify().write(home.path());
    let gateway = Gateway::start(encrypted(data.path(), source, Limits::default())).await.expect("it starts");
    let stream = TcpStream::connect(gateway.address()).await.expect("it listens");
    let trusted = trusting(Some(&Authority::new(elsewhere.path()).file)).expect("it can be read");
    let name = ServerName::try_from("localhost").expect("a fine name");
    let refused = TlsConnector::from(Arc::clone(&trusted)).connect(name, stream).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("invalid peer certificate")));
    gateway.stop().await;
}

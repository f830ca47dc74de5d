//! An etcd that wants to know who comes, by a certificate and by a password: whoever has both is let in, and whoever lacks one is told.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use guestlist::config::SNAPSHOT_EVERY_DEFAULT;
use guestlist::gateway::{EtcdStore, Gateway, Options, Store};
use guestlist::journal::etcd::{Location, LocationError, Papers};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use super::hosts::Host;
use super::wait::blocking_until;
use crate::support::{APP, BOT, Client};

/// Above anything that etcd needs to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// An etcd that takes nobody without a certificate; killed when dropped.
struct Guarded {
    child: Child,
    endpoint: String,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("a process can be killed");
    }
}

/// Makes an authority, and a certificate of it for each side.
fn certify(home: &Path) {
    let authority_key = KeyPair::generate().expect("a key can be made");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names are good names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).expect("it can sign itself");
    fs::write(home.join("ca.pem"), certificate.pem()).expect("the directory can be written");
    let issuer = Issuer::new(authority, authority_key);
    for name in ["server", "client"] {
        let key = KeyPair::generate().expect("a key can be made");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("the names are good");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &issuer).expect("the authority signs");
        fs::write(home.join(format!("{name}.pem")), certificate.pem()).expect("the directory can be written");
        fs::write(home.join(format!("{name}.key")), key.serialize_pem()).expect("the directory can be written");
    }
}

fn start(home: &Path) -> Guarded {
    let [client, peer] = Host::loopback().free_ports();
    let (endpoint, peer) = (format!("https://{client}"), format!("http://{peer}"));
    let mut command = Command::new("etcd");
    command.current_dir(home).args([
        "--name",
        "one",
        "--data-dir",
        "data",
        "--initial-cluster",
        &format!("one={peer}"),
    ]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--listen-client-urls", &endpoint, "--advertise-client-urls", &endpoint]);
    command.args(["--cert-file", "server.pem", "--key-file", "server.key"]);
    command.args(["--client-cert-auth", "--trusted-ca-file", "ca.pem", "--logger", "zap", "--log-outputs", "stderr"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let guarded =
        Guarded { child: child.expect("etcd runs; Debian has it as `etcd-server`"), endpoint: client.to_string() };
    let is_well = || ctl(home, &guarded.endpoint, &["endpoint", "health"]).then_some(());
    blocking_until(PATIENCE, is_well, || "etcd does not answer".to_owned());
    guarded
}

/// Asks etcd with the certificate of the client; says whether it was well.
fn ctl(home: &Path, endpoint: &str, what: &[&str]) -> bool {
    let mut command = Command::new("etcdctl");
    command.current_dir(home).env("ETCDCTL_API", "3").args(["--endpoints", &format!("https://{endpoint}")]);
    command.args(["--cacert", "ca.pem", "--cert", "client.pem", "--key", "client.key"]).args(what);
    let output = command.output().expect("etcdctl runs; Debian has it as `etcd-client`");
    output.status.success()
}

/// The one who has all papers, and those who lack some.
pub async fn etcd_is_shown_who_comes() {
    let home = TempDir::new().expect("a temporary directory");
    certify(home.path());
    let etcd = start(home.path());
    for what in [
        "user add root:root-password",
        "user grant-role root root",
        "role add lists",
        "role grant-permission lists readwrite --prefix=true /lists/",
        "user add gateway:gateway-password",
        "user grant-role gateway lists",
        "auth enable",
    ] {
        assert!(ctl(home.path(), &etcd.endpoint, &what.split(' ').collect::<Vec<_>>()), "{what}");
    }
    let file = |name: &str| Some(home.path().join(name));
    fs::write(home.path().join("password"), "gateway-password\n").expect("the directory can be written");
    fs::write(home.path().join("wrong"), "another\n").expect("the directory can be written");
    let papers = |password: &str| Papers {
        ca: file("ca.pem"),
        cert: file("client.pem"),
        key: file("client.key"),
        user: Some("gateway".to_owned()),
        password: file(password),
    };
    let options = |prefix: &str, papers: &Papers| {
        let location: Location = format!("etcds://{}/{prefix}", etcd.endpoint).parse().expect("it is a location");
        let location = location.with(papers).expect("the files are there");
        let (path, name) = (home.path().join("copy"), "a".to_owned());
        let store = EtcdStore { path, snapshot_every: SNAPSHOT_EVERY_DEFAULT, location, name };
        Options { store: Store::Etcd(store), ..Options::demo() }
    };

    for (prefix, papers, why) in [
        ("lists", papers("wrong"), "authentication failed"),
        ("others", papers("password"), "permission denied"),
        ("lists", Papers { user: None, password: None, ..papers("password") }, "permission denied"),
    ] {
        let refused = Gateway::start(options(prefix, &papers)).await.expect_err("it is refused").to_string();
        assert!(refused.contains(why) && !refused.contains("another\n"), "{refused}");
    }

    let gateway = Gateway::start(options("lists", &papers("password"))).await.expect("it starts");
    let mut bot = Client::sign_in(&gateway.url(), BOT).await;
    let ack = bot.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": ["one@example.com"]})).await;
    assert_eq!(ack["method"], "addToWhitelist_ack", "{ack}");
    drop(bot);
    gateway.stop().await;

    let plain: Location = "etcd://127.0.0.1:1/lists".parse().expect("it is a location");
    assert!(matches!(plain.clone().with(&papers("password")), Err(LocationError::NotEncrypted)));
    let half = Papers { user: Some("gateway".to_owned()), ..Papers::default() };
    assert!(matches!(plain.with(&half), Err(LocationError::Half(..))));
}

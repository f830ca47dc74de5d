//! An authority that speaks ACME (RFC 8555), as far as one order needs it, and validates by TLS-ALPN-01 (RFC 8737).
//!
//! It does not check signatures; whatever else a request must have, it insists on: a nonce that was given and not used, the
//! address it was sent to, the account's key or its name.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::support::authority::Authority;
use super::validation::validated;

/// More than any request here has.
const BYTES_MAX: usize = 1 << 16;

/// The authority's server.
pub struct Server {
    /// Where it says what it offers.
    pub directory: String,
    known: Arc<Known>,
}

struct Known {
    authority: Arc<Authority>,
    /// Its own address.
    url: String,
    /// Where names lead to, once that is known: who validates waits for it.
    gateway: watch::Sender<Option<SocketAddr>>,
    register: Mutex<Register>,
}

#[derive(Default)]
struct Register {
    refuses: bool,
    certifies_old: bool,
    accounts: usize,
    nonces: HashSet<String>,
    given: u64,
    thumbprint: String,
    orders: Vec<Order>,
}

struct Order {
    names: Vec<Name>,
    certificate: Option<String>,
}

struct Name {
    name: String,
    status: &'static str,
    error: Option<String>,
}

/// A request's two parts.
struct Signed {
    protected: Value,
    payload: Value,
}

/// An answer: its status, what else is in its head, and what it says.
type Answer = (u16, Option<(&'static str, String)>, Body);

impl Server {
    /// Listens on a port of its own, with a certificate of the authority's.
    pub async fn start(authority: Arc<Authority>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let url = format!("https://localhost:{port}");
        let acceptor = acceptor(&authority);
        let (gateway, register) = (watch::channel(None).0, Mutex::default());
        let known = Arc::new(Known { authority, url: url.clone(), gateway, register });
        let router = Router::new().fallback(answer).with_state(known.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { directory: format!("{url}/directory"), known }
    }

    /// Says where every name leads to.
    pub fn resolve(&self, gateway: SocketAddr) {
        self.known.gateway.send_replace(Some(gateway));
    }

    /// Whether orders are refused from now on.
    pub fn refuse(&self, refuses: bool) {
        self.known.with(|register| register.refuses = refuses);
    }

    /// Whether certificates are such that they should have been renewed already.
    pub fn certify_old(&self, certifies_old: bool) {
        self.known.with(|register| register.certifies_old = certifies_old);
    }

    /// How many accounts were made, and how many certificates.
    pub fn counts(&self) -> (usize, usize) {
        self.known.with(|register| {
            let certified = register.orders.iter().filter(|order| order.certificate.is_some());
            (register.accounts, certified.count())
        })
    }
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let pair = authority.certify();
    let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).expect("it is one");
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("it is one");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider knows them").with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![cert], key).expect("they are a pair")))
}

async fn answer(State(known): State<Arc<Known>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = to_bytes(body, BYTES_MAX).await.expect("requests are small");
    let answer = match parts.method {
        Method::POST => known.signed(&path, &body).and_then(|signed| known.posted(&path, &signed)),
        _ if path == "/directory" => Ok(known.directory()),
        _ => Ok((200, None, Body::empty())),
    };
    let (status, header, body) = answer.unwrap_or_else(|(kind, detail)| {
        let problem = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
        (403, Some(("content-type", "application/problem+json".to_owned())), Body::from(problem.to_string()))
    });
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("it is a status"));
    response = response.header("replay-nonce", known.nonce());
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    response.body(body).expect("headers are fine")
}

fn decoded(value: &Value) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(value.as_str()?).ok()
}

impl Known {
    fn with<T>(&self, what: impl FnOnce(&mut Register) -> T) -> T {
        what(&mut self.register.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn nonce(&self) -> String {
        self.with(|register| {
            register.given += 1;
            let nonce = format!("nonce-{}", register.given);
            register.nonces.insert(nonce.clone());
            nonce
        })
    }

    fn directory(&self) -> Answer {
        let at = |path| format!("{}/{path}", self.url);
        let text = json!({"newNonce": at("nonce"), "newAccount": at("account"), "newOrder": at("order")});
        (200, None, Body::from(text.to_string()))
    }

    /// What was signed, if it has the shape that it must have.
    fn signed(&self, path: &str, body: &[u8]) -> Result<Signed, (&'static str, String)> {
        let bad = |what: &str| ("malformed", what.to_owned());
        let body: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
        let protected = decoded(&body["protected"]).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let protected = protected.ok_or_else(|| bad("protected"))?;
        let nonce = protected["nonce"].as_str().ok_or_else(|| bad("nonce"))?;
        if !self.with(|register| register.nonces.remove(nonce)) {
            return Err(("badNonce", nonce.to_owned()));
        }
        let whose = if path == "/account" { "jwk" } else { "kid" };
        let is_fine = protected["alg"] == "ES256"
            && protected["url"] == format!("{}{path}", self.url)
            && !protected[whose].is_null()
            && decoded(&body["signature"]).is_some_and(|signature| signature.len() == 64);
        let payload = decoded(&body["payload"]).filter(|_| is_fine).ok_or_else(|| bad("a part of the request"))?;
        Ok(Signed { protected, payload: serde_json::from_slice(&payload).unwrap_or_default() })
    }

    fn posted(self: &Arc<Self>, path: &str, signed: &Signed) -> Result<Answer, (&'static str, String)> {
        let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok()).unwrap_or_default();
        let (order, name) = (number(1), number(2));
        let json = |value: Value| Ok((200, None, Body::from(value.to_string())));
        match (words[0], words.len()) {
            ("account", 1) => Ok(self.new_account(signed)),
            ("order", 1) => self.new_order(&signed.payload),
            ("order", _) => json(self.order(order)),
            ("authorization", _) => json(self.authorization(order, name)),
            ("challenge", _) => {
                tokio::spawn(self.clone().validate(order, name));
                json(self.authorization(order, name)["challenges"][0].clone())
            }
            ("finalize", _) => {
                let csr = decoded(&signed.payload["csr"]).unwrap_or_default();
                self.certify(order, &csr).map_err(|error| ("badCSR", error.to_string()))?;
                json(self.order(order))
            }
            ("certificate", _) => {
                let pem = self.with(|register| register.orders[order].certificate.clone());
                let kind = ("content-type", "application/pem-certificate-chain".to_owned());
                Ok((200, Some(kind), Body::from(pem.unwrap_or_default())))
            }
            _ => Err(("malformed", format!("nothing is at {path}"))),
        }
    }

    fn new_account(&self, signed: &Signed) -> Answer {
        assert_eq!(signed.payload["contact"], json!(["mailto:lists@example.com"]));
        assert_eq!(signed.payload["termsOfServiceAgreed"], true);
        let key = &signed.protected["jwk"];
        // RFC 7638: these members, in this order, without a space.
        let key = format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, key["crv"], key["kty"], key["x"], key["y"]);
        self.with(|register| {
            register.accounts += 1;
            register.thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(key));
        });
        (201, Some(("location", format!("{}/account/1", self.url))), Body::from(r#"{"status":"valid"}"#))
    }

    fn new_order(&self, payload: &Value) -> Result<Answer, (&'static str, String)> {
        let names = payload["identifiers"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(|name| name["value"].as_str()).map(str::to_owned).collect();
        if self.with(|register| register.refuses) {
            return Err(("rejectedIdentifier", format!("we do not certify {}", names.join(", "))));
        }
        let names = names.into_iter().map(|name| Name { name, status: "pending", error: None }).collect();
        let number = self.with(|register| {
            register.orders.push(Order { names, certificate: None });
            register.orders.len() - 1
        });
        let location = ("location", format!("{}/order/{number}", self.url));
        Ok((201, Some(location), Body::from(self.order(number).to_string())))
    }

    fn order(&self, number: usize) -> Value {
        self.with(|register| {
            let Order { names, certificate } = &register.orders[number];
            let status = match () {
                () if certificate.is_some() => "valid",
                () if names.iter().any(|name| name.status == "invalid") => "invalid",
                () if names.iter().all(|name| name.status == "valid") => "ready",
                () => "pending",
            };
            let at = |what: &str| format!("{}/{what}/{number}", self.url);
            let authorizations: Vec<_> =
                (0..names.len()).map(|name| format!("{}/{name}", at("authorization"))).collect();
            let certificate = certificate.as_ref().map(|_| at("certificate"));
            json!({
                "status": status,
                "authorizations": authorizations,
                "finalize": at("finalize"),
                "certificate": certificate,
            })
        })
    }

    fn authorization(&self, order: usize, number: usize) -> Value {
        self.with(|register| {
            let Name { name, status, error } = &register.orders[order].names[number];
            let problem =
                error.as_ref().map(|detail| json!({"type": "urn:ietf:params:acme:error:tls", "detail": detail}));
            let challenge = json!({
                "type": "tls-alpn-01",
                "url": format!("{}/challenge/{order}/{number}", self.url),
                "token": token(order, number),
                "status": status,
                "error": problem,
            });
            json!({"status": status, "identifier": {"type": "dns", "value": name}, "challenges": [challenge]})
        })
    }

    /// Looks whether the name leads to who ordered, once it is known where it leads.
    async fn validate(self: Arc<Self>, order: usize, number: usize) {
        let mut gateway = self.gateway.subscribe();
        let address = gateway.wait_for(Option::is_some).await.ok().and_then(|address| *address);
        let Some(address) = address else { return };
        let (name, thumbprint) = self.with(|register| {
            let name = register.orders[order].names[number].name.clone();
            (name, register.thumbprint.clone())
        });
        let digest = Sha256::digest(format!("{}.{thumbprint}", token(order, number)));
        let looked = validated(address, &name, &digest).await;
        self.with(|register| {
            let name = &mut register.orders[order].names[number];
            name.status = if looked.is_ok() { "valid" } else { "invalid" };
            name.error = looked.err();
        });
    }

    fn certify(&self, order: usize, csr: &[u8]) -> Result<(), rcgen::Error> {
        assert_eq!(self.order(order)["status"], "ready", "a request comes once all names are validated");
        let pem = self.authority.sign(csr, self.with(|register| register.certifies_old))?;
        self.with(|register| register.orders[order].certificate = Some(pem));
        Ok(())
    }
}

fn token(order: usize, number: usize) -> String {
    format!("token-{order}-{number}")
}

//! What `serve` can be told: by flags, in the environment, and in a file.

#[cfg(feature = "acme")]
mod acme;
#[cfg(feature = "cluster")]
mod etcd;

use std::env::{self, VarError};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use guestlist::administrator::{AdministratorError, AdministratorToken};
use guestlist::config::{JOURNAL_KEEP_BYTES_DEFAULT, Limits, NamedError, SNAPSHOT_EVERY_DEFAULT};
use guestlist::gateway::{Options, Store};
use guestlist::http::origin::WebOrigin;
use guestlist::journal::file::Durability;
use guestlist::seed::{Seed, SeedError};
use guestlist::shared::Changeable;
use guestlist::tls::{Source, self_signed};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(feature = "otlp")]
use super::otlp::Endpoint;

/// Where the gateway listens, where nothing else is said.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5020);

/// Where changes are kept, where nothing else is said.
const DATA_DEFAULT: &str = "./guestlist-data";

/// Over how long a time connections are ended at a stop, where nothing else is said: the limit's own default, as it is written.
const DRAIN_WINDOW_DEFAULT: &str = "1ms";

/// The settings that set a limit, and that limit. Where the limit is given a value as well, that one counts.
pub const LIMITS_TOO: &[(&str, &str)] = &[
    ("journal_keep", "journal_keep_bytes"),
    ("drain_window", "drain_window"),
    #[cfg(feature = "cluster")]
    ("stale_max", "stale_max"),
];

/// The variable that is the administrator's token itself. No flag is: everybody on a machine can read the flags of its programs.
const ADMIN_TOKEN: &str = "GUESTLIST_ADMIN_TOKEN";

/// One struct for the flags, the environment and the file, so that none can lack what another has.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:5020]
    #[arg(long, env = "GUESTLIST_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address at which metrics and health are told to whoever can reach it, such as 127.0.0.1:5021 [default: none]
    #[arg(long, env = "GUESTLIST_ADMIN_LISTEN", value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// Directory for the journal and its snapshots; made if missing [default: ./guestlist-data]
    #[arg(long, env = "GUESTLIST_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The etcd that several gateways share their journal in, such as etcd://host1:2379,host2:2379/guestlist; --data holds a copy [default: none]
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_JOURNAL", value_name = "URL")]
    journal: Option<String>,
    /// What this gateway is called among those that share the journal [default: the host's name, and the port]
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_GATEWAY_NAME", value_name = "NAME")]
    gateway_name: Option<String>,
    /// How old the view of that journal may be for decisions to be made from it [default: 5s]
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_STALE_MAX", value_name = "TIME")]
    stale_max: Option<String>,
    /// The certificate of the authority that etcd's certificates are of, else the system's are trusted; PEM, for etcds://
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_ETCD_CA", value_name = "FILE")]
    etcd_ca: Option<PathBuf>,
    /// The certificate that shows etcd who this gateway is; PEM
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_ETCD_CERT", value_name = "FILE")]
    etcd_cert: Option<PathBuf>,
    /// The key to it; PEM
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_ETCD_KEY", value_name = "FILE")]
    etcd_key: Option<PathBuf>,
    /// The user that this gateway is in etcd
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_ETCD_USER", value_name = "NAME")]
    etcd_user: Option<String>,
    /// The file with that user's password
    #[cfg(feature = "cluster")]
    #[arg(long, env = "GUESTLIST_ETCD_PASSWORD_FILE", value_name = "FILE")]
    etcd_password_file: Option<PathBuf>,
    /// File with the administrator's token, which is seen to at every start; or GUESTLIST_ADMIN_TOKEN in the environment is the token
    #[arg(long, env = "GUESTLIST_ADMIN_TOKEN_FILE", value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// Directory messages (setApp, setBot, ...), one a line, that an empty data directory begins with
    #[arg(long, env = "GUESTLIST_SEED", value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Begin with the demo data, whose tokens everybody knows; loopback addresses only
    #[arg(long, env = "GUESTLIST_DEMO", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    demo: Option<bool>,
    /// What an ack promises [default: sync]
    #[arg(long, env = "GUESTLIST_DURABILITY", value_enum)]
    durability: Option<Durability>,
    /// Journal entries between two snapshots, at least; more where more is kept [default: 500000]
    #[arg(long, env = "GUESTLIST_SNAPSHOT_EVERY", value_name = "ENTRIES", value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_every: Option<u64>,
    /// Bytes of journal kept as an audit log beyond what a start could need [default: 268435456]
    #[arg(long, env = "GUESTLIST_JOURNAL_KEEP", value_name = "BYTES")]
    journal_keep: Option<u64>,
    /// Over how long a time connections are ended at a stop, such as 10s, so that clients do not all come back at once [default: 1ms]
    #[arg(long, env = "GUESTLIST_DRAIN_WINDOW", value_name = "TIME")]
    drain_window: Option<String>,
    /// Add "method":"error" to refusals, so that bots see them in their catch-all callback
    #[arg(long, env = "GUESTLIST_ERROR_METHOD", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    error_method: Option<bool>,
    /// How the gateway is reached from outside, such as https://lists.example.com behind a proxy [default: http:// or https://, and the address]
    #[arg(long, env = "GUESTLIST_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Origins of other hosts, such as https://app.example.com, whose pages may send requests with a user's cookie
    #[arg(long, env = "GUESTLIST_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<WebOrigin>,
    /// Whether everybody may sign up as a user; else only administrators make users [default: true]
    #[arg(long, env = "GUESTLIST_SIGN_UP", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    sign_up: Option<bool>,
    /// The certificate to encrypt connections with, and after it those that lead to its authority; PEM, read again when it changes
    #[arg(long, env = "GUESTLIST_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key; PEM
    #[arg(long, env = "GUESTLIST_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Encrypt connections without a certificate of yours
    #[arg(long, env = "GUESTLIST_TLS", value_enum)]
    tls: Option<Tls>,
    /// Encrypt connections with a certificate for these host names, ordered from an authority whose terms you agree to; port 443
    #[cfg(feature = "acme")]
    #[arg(long, env = "GUESTLIST_ACME", value_name = "HOST", value_delimiter = ',')]
    acme: Vec<String>,
    /// Whom the authority may write to, such as mailto:somebody@example.com
    #[cfg(feature = "acme")]
    #[arg(long, env = "GUESTLIST_ACME_CONTACT", value_name = "URL")]
    acme_contact: Option<String>,
    /// The authority, by its ACME directory [default: https://acme-v02.api.letsencrypt.org/directory]
    #[cfg(feature = "acme")]
    #[arg(long, env = "GUESTLIST_ACME_DIRECTORY", value_name = "URL")]
    acme_directory: Option<String>,
    /// Directory for recordings of what reaches the gateway, without secrets: a transcript each start
    #[arg(long, env = "GUESTLIST_RECORD", value_name = "DIR")]
    record: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, or a filter by module [default: info]
    #[arg(long, env = "GUESTLIST_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How it is logged [default: pretty]
    #[arg(long, env = "GUESTLIST_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,
    /// The collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318 [default: none]
    #[cfg(feature = "otlp")]
    #[arg(long, env = "GUESTLIST_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<Endpoint>,
    /// A limit other than its default; `guestlist config` lists them. In the file: [limit], and NAME = VALUE
    #[arg(long, env = "GUESTLIST_LIMIT", value_name = "NAME=VALUE", value_delimiter = ',')]
    #[serde(deserialize_with = "limits", skip_serializing)]
    limit: Vec<Limit>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people
    #[default]
    Pretty,
    /// A JSON object a line
    Json,
}

/// A limit that was given a value.
#[derive(Clone, Debug)]
pub struct Limit {
    pub name: String,
    value: String,
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as connections_max=500")?;
        Ok(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
    }
}

/// Reads limits as a file has them: a table of numbers and of times.
fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Limit>, D::Error> {
    let table = toml::Table::deserialize(deserializer)?;
    let limits = table.into_iter().map(|(name, value)| match value {
        toml::Value::String(value) => Ok(Limit { name, value }),
        toml::Value::Integer(value) => Ok(Limit { name, value: value.to_string() }),
        _ => Err(D::Error::custom(format_args!("the limit `{name}` must be a number or a time in quotes"))),
    });
    limits.collect()
}

/// Where a certificate comes from that nobody gave.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// One for development, made at the first start and kept in the data directory
    SelfSigned,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{0} cannot be read: {1}")]
    Config(PathBuf, #[source] std::io::Error),
    #[error("{0}: {1}")]
    Toml(PathBuf, #[source] Box<toml::de::Error>),
    #[error("{0}: snapshot_every must be at least 1")]
    SnapshotEvery(PathBuf),
    #[error(
        "the demo's tokens are known to everybody, so --demo listens on loopback only, not on {0}; use --seed instead"
    )]
    DemoNotLoopback(SocketAddr),
    #[error("--demo and --seed exclude each other; choose one")]
    TwoSeeds,
    #[error("a certificate and its key go together; give both --tls-cert and --tls-key")]
    HalfCertificate,
    #[error("--tls self-signed makes a certificate, and --tls-cert names another; choose one")]
    TwoCertificates,
    #[cfg(feature = "acme")]
    #[error(transparent)]
    Acme(#[from] acme::AcmeError),
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Etcd(#[from] etcd::EtcdError),
    #[error("no certificate can be kept in {0}: {1}; choose another directory with --data")]
    SelfSigned(PathBuf, #[source] std::io::Error),
    #[error("{ADMIN_TOKEN} and --admin-token-file each give the administrator's token; choose one")]
    TwoAdminTokens,
    #[error("{ADMIN_TOKEN} is not a text")]
    AdminTokenNotText,
    #[error(transparent)]
    AdminToken(#[from] AdministratorError),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error(transparent)]
    Limit(#[from] NamedError),
}

impl Settings {
    /// These settings, and where they are silent those of `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            admin_listen: self.admin_listen.or(other.admin_listen),
            data: self.data.or(other.data),
            #[cfg(feature = "cluster")]
            journal: self.journal.or(other.journal),
            #[cfg(feature = "cluster")]
            gateway_name: self.gateway_name.or(other.gateway_name),
            #[cfg(feature = "cluster")]
            stale_max: self.stale_max.or(other.stale_max),
            #[cfg(feature = "cluster")]
            etcd_ca: self.etcd_ca.or(other.etcd_ca),
            #[cfg(feature = "cluster")]
            etcd_cert: self.etcd_cert.or(other.etcd_cert),
            #[cfg(feature = "cluster")]
            etcd_key: self.etcd_key.or(other.etcd_key),
            #[cfg(feature = "cluster")]
            etcd_user: self.etcd_user.or(other.etcd_user),
            #[cfg(feature = "cluster")]
            etcd_password_file: self.etcd_password_file.or(other.etcd_password_file),
            admin_token_file: self.admin_token_file.or(other.admin_token_file),
            seed: self.seed.or(other.seed),
            demo: self.demo.or(other.demo),
            durability: self.durability.or(other.durability),
            snapshot_every: self.snapshot_every.or(other.snapshot_every),
            journal_keep: self.journal_keep.or(other.journal_keep),
            drain_window: self.drain_window.or(other.drain_window),
            error_method: self.error_method.or(other.error_method),
            public_url: self.public_url.or(other.public_url),
            allow_origin: if self.allow_origin.is_empty() { other.allow_origin } else { self.allow_origin },
            sign_up: self.sign_up.or(other.sign_up),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            tls: self.tls.or(other.tls),
            #[cfg(feature = "acme")]
            acme: if self.acme.is_empty() { other.acme } else { self.acme },
            #[cfg(feature = "acme")]
            acme_contact: self.acme_contact.or(other.acme_contact),
            #[cfg(feature = "acme")]
            acme_directory: self.acme_directory.or(other.acme_directory),
            record: self.record.or(other.record),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            #[cfg(feature = "otlp")]
            otlp_endpoint: self.otlp_endpoint.or(other.otlp_endpoint),
            // The later of two counts.
            limit: [other.limit, self.limit].concat(),
        }
    }

    /// What a file says.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|error| SettingsError::Config(path.to_owned(), error))?;
        let settings: Self =
            toml::from_str(&text).map_err(|error| SettingsError::Toml(path.to_owned(), Box::new(error)))?;
        if settings.snapshot_every == Some(0) {
            return Err(SettingsError::SnapshotEvery(path.to_owned()));
        }
        Ok(settings)
    }

    /// What is so where nothing is said. Whatever is not here has no default.
    pub fn defaults() -> Self {
        Self {
            listen: Some(LISTEN_DEFAULT),
            data: Some(DATA_DEFAULT.into()),
            demo: Some(false),
            durability: Some(Durability::default()),
            snapshot_every: Some(SNAPSHOT_EVERY_DEFAULT),
            journal_keep: Some(JOURNAL_KEEP_BYTES_DEFAULT),
            drain_window: Some(DRAIN_WINDOW_DEFAULT.to_owned()),
            error_method: Some(false),
            sign_up: Some(true),
            #[cfg(feature = "acme")]
            acme_directory: Some(guestlist::tls::acme::LETS_ENCRYPT.to_owned()),
            log: Some("info".to_owned()),
            log_format: Some(LogFormat::default()),
            ..Self::default()
        }
    }

    /// What is logged, and how.
    pub fn logging(&self) -> (&str, LogFormat) {
        (self.log.as_deref().unwrap_or("info"), self.log_format.unwrap_or_default())
    }

    /// Where traces are sent, if anywhere.
    #[cfg(feature = "otlp")]
    pub fn otlp_endpoint(&self) -> Option<&Endpoint> {
        self.otlp_endpoint.as_ref()
    }

    /// The limits that were given values; of two of one name the later counts.
    pub fn given_limits(&self) -> &[Limit] {
        &self.limit
    }

    /// All limits.
    pub fn limits(&self) -> Result<Limits, SettingsError> {
        let mut limits = Limits::default();
        // What `LIMITS_TOO` lists.
        if let Some(window) = &self.drain_window {
            limits.set("drain_window", window)?;
        }
        #[cfg(feature = "cluster")]
        if let Some(stale_max) = &self.stale_max {
            limits.set("stale_max", stale_max)?;
        }
        limits.journal_keep_bytes = self.journal_keep.unwrap_or(limits.journal_keep_bytes);
        self.limit.iter().try_for_each(|Limit { name, value }| limits.set(name, value))?;
        limits.check()?;
        Ok(limits)
    }

    /// What of them may change while a gateway runs.
    pub fn changeable(&self) -> Result<Changeable, SettingsError> {
        Ok(Changeable {
            limits: self.limits()?,
            error_method: self.error_method.unwrap_or(false),
            open_sign_up: self.sign_up.unwrap_or(true),
            allowed_origins: self.allow_origin.clone(),
        })
    }

    /// The names of those that differ from what they were and take a restart.
    pub fn fixed(&self, before: &Self) -> Vec<String> {
        const CHANGEABLE: [&str; 4] = ["error_method", "sign_up", "allow_origin", "drain_window"];
        let table = |settings| toml::Table::try_from(settings).expect("settings are what a file can say");
        let (now, before) = (table(self), table(before));
        let names = now.keys().chain(before.keys().filter(|name| !now.contains_key(*name)));
        let fixed = names.filter(|name| now.get(*name) != before.get(*name) && !CHANGEABLE.contains(&name.as_str()));
        fixed.cloned().collect()
    }

    /// The administrator's token, where one was given.
    pub fn administrator(&self) -> Result<Option<AdministratorToken>, SettingsError> {
        match (env::var(ADMIN_TOKEN), &self.admin_token_file) {
            (Err(VarError::NotPresent), None) => Ok(None),
            (Err(VarError::NotPresent), Some(path)) => Ok(Some(AdministratorToken::read(path)?)),
            (Err(VarError::NotUnicode(_)), _) => Err(SettingsError::AdminTokenNotText),
            (Ok(token), None) => Ok(Some(AdministratorToken::new(ADMIN_TOKEN, token)?)),
            (Ok(_), Some(_)) => Err(SettingsError::TwoAdminTokens),
        }
    }

    /// How a gateway runs by them.
    pub fn options(self) -> Result<Options, SettingsError> {
        let Changeable { limits, error_method, open_sign_up, allowed_origins } = self.changeable()?;
        let listen = self.listen.unwrap_or(LISTEN_DEFAULT);
        let demo = self.demo.unwrap_or(false);
        if demo && !listen.ip().is_loopback() {
            return Err(SettingsError::DemoNotLoopback(listen));
        }
        let administrator = self.administrator()?;
        let seed = match (demo, &self.seed) {
            (true, Some(_)) => return Err(SettingsError::TwoSeeds),
            (true, None) => Seed::demo(),
            (false, Some(path)) => Seed::read(path)?,
            (false, None) if administrator.is_some() => Seed::nothing(),
            (false, None) => Seed::administrator(),
        };
        let path = self.data.clone().unwrap_or_else(|| DATA_DEFAULT.into());
        #[cfg(feature = "acme")]
        let acme = self.acme(&path)?;
        #[cfg(feature = "cluster")]
        let etcd = self.etcd(path.clone(), listen, self.snapshot_every.unwrap_or(SNAPSHOT_EVERY_DEFAULT))?;
        let tls = match (self.tls_cert, self.tls_key, self.tls) {
            (Some(cert), Some(key), None) => Some(Source { cert, key }),
            (None, None, Some(Tls::SelfSigned)) => {
                let made = self_signed(&path, listen.ip());
                Some(made.map_err(|error| SettingsError::SelfSigned(path.clone(), error))?)
            }
            (None, None, None) => None,
            (_, _, Some(_)) => return Err(SettingsError::TwoCertificates),
            _ => return Err(SettingsError::HalfCertificate),
        };
        let store = Store::Directory {
            path,
            durability: self.durability.unwrap_or_default(),
            snapshot_every: self.snapshot_every.unwrap_or(SNAPSHOT_EVERY_DEFAULT),
        };
        #[cfg(feature = "cluster")]
        let store = etcd.map_or(store, Store::Etcd);
        let (admin_listen, public_url, record) = (self.admin_listen, self.public_url, self.record);
        Ok(Options {
            listen,
            admin_listen,
            store,
            seed,
            limits,
            error_method,
            public_url,
            allowed_origins,
            open_sign_up,
            record,
            tls,
            #[cfg(feature = "acme")]
            acme,
            administrator,
        })
    }
}

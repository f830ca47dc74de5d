//! This is where it is said which etcd a journal is in, and how that is reached.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

use crate::config::{ETCD_CONNECT_WAIT, ETCD_PING_INTERVAL};

/// Where nothing else is said.
const PREFIX_DEFAULT: &str = "/guestlist";

/// Which etcd a journal is in, and under which keys: `etcd://host1:2379,host2:2379/prefix`, or `etcds://` for an encrypted one.
#[derive(Clone)]
pub struct Location {
    hosts: Vec<String>,
    prefix: String,
    is_encrypted: bool,
    tls: Box<TlsOptions>,
    user: Option<(String, String)>,
}

/// Why a location is none.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It is no such URL.
    #[error("`{0}` names no journal; write etcd://host1:2379,host2:2379/prefix, or etcds:// for an encrypted one")]
    Form(String),
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, #[source] io::Error),
    /// Certificates are given for what is not encrypted.
    #[error("certificates are for an encrypted etcd; write etcds:// for etcd://")]
    NotEncrypted,
    /// One of two that go together.
    #[error("{0} and {1} go together; give both")]
    Half(&'static str, &'static str),
}

/// Files that show etcd who a gateway is, and a gateway who etcd is.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// The certificate of the authority that etcd's are of, else those of the system.
    pub ca: Option<PathBuf>,
    /// The gateway's certificate.
    pub cert: Option<PathBuf>,
    /// The key to it.
    pub key: Option<PathBuf>,
    /// The user's name.
    pub user: Option<String>,
    /// The file with the user's password.
    pub password: Option<PathBuf>,
}

impl Location {
    /// The same with what etcd wants to be shown.
    pub fn with(mut self, papers: &Papers) -> Result<Self, LocationError> {
        let read = |path: &Path| fs::read(path).map_err(|error| LocationError::File(path.to_owned(), error));
        if !self.is_encrypted && (papers.ca.is_some() || papers.cert.is_some() || papers.key.is_some()) {
            return Err(LocationError::NotEncrypted);
        }
        if let Some(ca) = &papers.ca {
            self.tls = Box::new(TlsOptions::new().ca_certificate(Certificate::from_pem(read(ca)?)));
        }
        match (&papers.cert, &papers.key) {
            (Some(cert), Some(key)) => {
                let identity = Identity::from_pem(read(cert)?, read(key)?);
                self.tls = Box::new(self.tls.identity(identity));
            }
            (None, None) => {}
            _ => return Err(LocationError::Half("the certificate for etcd", "its key")),
        }
        match (&papers.user, &papers.password) {
            (Some(user), Some(path)) => {
                let password = String::from_utf8_lossy(&read(path)?).trim_end_matches(['\r', '\n']).to_owned();
                self.user = Some((user.clone(), password));
            }
            (None, None) => {}
            _ => return Err(LocationError::Half("the user of etcd", "the file with the password")),
        }
        Ok(self)
    }

    /// What all its keys begin with, without a slash at the end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The address of each member.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = String> {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        self.hosts.iter().map(move |host| format!("{scheme}://{host}"))
    }

    pub(super) fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::new()
            .with_connect_timeout(ETCD_CONNECT_WAIT)
            .with_keep_alive(ETCD_PING_INTERVAL, ETCD_PING_INTERVAL)
            .with_require_leader(true);
        let options = if self.is_encrypted { options.with_tls(*self.tls.clone()) } else { options };
        match &self.user {
            Some((user, password)) => options.with_user(user, password).with_auto_token_refresh(true),
            None => options,
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let wrong = || LocationError::Form(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_encrypted = match scheme {
            "etcd" => false,
            "etcds" => true,
            _ => return Err(wrong()),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let hosts: Vec<String> = hosts.split(',').map(str::to_owned).collect();
        let is_host = |host: &String| {
            host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok())
        };
        let path = path.trim_end_matches('/');
        if !hosts.iter().all(is_host) || path.contains(['?', '#']) {
            return Err(wrong());
        }
        let prefix = if path.is_empty() { PREFIX_DEFAULT.to_owned() } else { format!("/{path}") };
        let tls = Box::new(TlsOptions::new().with_native_roots());
        Ok(Self { hosts, prefix, is_encrypted, tls, user: None })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "etcds" } else { "etcd" };
        write!(f, "{scheme}://{}{}", self.hosts.join(","), self.prefix)
    }
}

/// Without the password.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_and_shown() {
        let shown = |text: &str| text.parse::<Location>().map(|location| location.to_string()).ok();
        assert_eq!(shown("etcd://a:1,b:2/x/y/").as_deref(), Some("etcd://a:1,b:2/x/y"));
        assert_eq!(shown("etcds://a:1").as_deref(), Some("etcds://a:1/guestlist"));
        for wrong in ["", "a:1", "http://a:1", "etcd://", "etcd://a", "etcd://a:1,/x", "etcd://a:1/x?y"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }
}

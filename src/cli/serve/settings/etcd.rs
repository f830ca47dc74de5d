//! What `serve` can be told of a journal that several gateways share.

use std::net::SocketAddr;
use std::path::PathBuf;

use guestlist::gateway::EtcdStore;
use guestlist::journal::etcd::{Location, LocationError, Papers};

use super::Settings;

/// Why no journal can be shared.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    #[error("--journal {0}")]
    Location(#[from] LocationError),
    #[error("--{0} is for a journal in etcd; give --journal too, or leave it out")]
    NoJournal(&'static str),
}

impl Settings {
    /// The journal that is shared, if one is.
    pub(super) fn etcd(
        &self,
        path: PathBuf,
        listen: SocketAddr,
        snapshot_every: u64,
    ) -> Result<Option<EtcdStore>, EtcdError> {
        let papers = Papers {
            ca: self.etcd_ca.clone(),
            cert: self.etcd_cert.clone(),
            key: self.etcd_key.clone(),
            user: self.etcd_user.clone(),
            password: self.etcd_password_file.clone(),
        };
        let Some(url) = &self.journal else {
            let given = [
                ("gateway-name", self.gateway_name.is_some()),
                ("etcd-ca", papers.ca.is_some()),
                ("etcd-cert", papers.cert.is_some()),
                ("etcd-key", papers.key.is_some()),
                ("etcd-user", papers.user.is_some()),
                ("etcd-password-file", papers.password.is_some()),
            ];
            return match given.into_iter().find(|(_, is_given)| *is_given) {
                Some((name, _)) => Err(EtcdError::NoJournal(name)),
                None => Ok(None),
            };
        };
        let location = url.parse::<Location>()?.with(&papers)?;
        let name = self.gateway_name.clone().unwrap_or_else(|| name(listen));
        Ok(Some(EtcdStore { path, snapshot_every, location, name }))
    }
}

/// What a gateway is called where nothing is said: its host, and where it listens there.
fn name(listen: SocketAddr) -> String {
    let host = rustix::system::uname();
    format!("{}:{}", host.nodename().to_string_lossy(), listen.port())
}

//! This is where a gateway is put together, started and stopped: store, engine, hub and listener.

mod error;
#[cfg(feature = "cluster")]
mod joining;
mod options;
mod sharing;
mod start;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::administrator::{self, AdministratorError, AdministratorToken};
use crate::cluster::Lost;
use crate::config::ENDPOINT;
use crate::dashboard;
use crate::engine::EngineHandle;
use crate::health::Health;
use crate::journal::directory::DataDir;
use crate::journal::shared::Membership;
use crate::methods::NewToken;
use crate::shared::{Changeable, Shared};
use crate::state::State;
use crate::tls::Encryption;
use crate::transcript::record::Own;
use crate::wire::close::Close;
use crate::world::Running;
pub use error::StartError;
#[cfg(feature = "cluster")]
pub use joining::JoinError;
#[cfg(feature = "cluster")]
pub use options::EtcdStore;
pub use options::{Options, Store};
pub use store::{Opened, open};

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// What it began with.
    shared: Arc<Shared>,
    /// What those who come now have at hand.
    current: watch::Sender<Arc<Shared>>,
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    new_tokens: Vec<NewToken>,
    began_empty: bool,
    stop: watch::Sender<bool>,
    engine: Running,
    recording: Option<Own>,
    encryption: Option<Encryption>,
    directory: Option<DataDir>,
    membership: Option<Box<dyn Membership>>,
}

impl Gateway {
    /// Changes what may change while it runs, for all who connect from now on. Nobody's connection ends by it. Gives the limits that
    /// stay as they are until the next start, if they are to be others.
    pub fn change(&self, changeable: Changeable) -> Vec<String> {
        let fixed = self.shared.limits.fixed(&changeable.limits).into_iter().map(str::to_owned).collect();
        self.current.send_replace(Arc::new(self.shared.changed(changeable)));
        fixed
    }

    /// Sees at once whether there is another certificate, if there is one. Nobody's connection ends by it.
    pub async fn renew(&self) {
        if let Some(encryption) = &self.encryption {
            encryption.look().await;
        }
    }

    /// Makes sure that the administrator has this token, and says whether anything had to be changed for it.
    pub async fn set_administrator(&self, token: &AdministratorToken) -> Result<bool, AdministratorError> {
        if !self.address.ip().is_loopback() && token.is_known() {
            return Err(AdministratorError::Known);
        }
        administrator::set(token, &self.shared).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells how it does, if it was given an address for that.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// A link that signs one browser in as the first administrator, once, within half an hour.
    pub fn setup_link(&self) -> Option<String> {
        dashboard::first_link(&self.shared)
    }

    /// Where bots connect.
    pub fn url(&self) -> String {
        let scheme = if self.encryption.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}{ENDPOINT}", self.address)
    }

    /// What is known.
    pub fn state(&self) -> &Arc<State> {
        &self.shared.state
    }

    /// How its storage is.
    pub fn health(&self) -> &Health {
        self.shared.engine.health()
    }

    /// Whether the store was empty when it started.
    pub fn began_empty(&self) -> bool {
        self.began_empty
    }

    /// Tokens that were made at this start, to be shown once.
    pub fn take_new_tokens(&mut self) -> Vec<NewToken> {
        std::mem::take(&mut self.new_tokens)
    }

    /// Stops in good order: answers what is under way, closes connections so that bots come back, flushes, makes a snapshot.
    pub async fn stop(self) {
        // First: that it stops is no part of what it could be asked again.
        if let Some(recording) = self.recording {
            recording.stop().await;
        }
        // Not ready any more, which a proxy in front can be told as long as connections are accepted.
        self.shared.engine.health().note_stopping();
        let limits = self.current.borrow().limits.clone();
        self.shared.hub.close_all_within(Close::Stopping, limits.drain_window).await;
        self.stop.send_replace(true);
        let patience = limits.close_wait * 2 + Duration::from_secs(1);
        if timeout(patience, self.shared.hub.emptied()).await.is_err() {
            tracing::warn!(connections = self.shared.hub.len(), "some connections did not end in time");
        }
        stop_engine(&self.shared.engine, self.engine).await;
        if let Some(membership) = self.membership {
            membership.leave().await;
            let differs = self.shared.engine.health().differing() > 0;
            if let Some(directory) = self.directory.filter(|_| differs)
                && let Err(error) = directory.set_aside()
            {
                tracing::error!(%error, "the copy of the journal, which is wrong, could not be set aside; remove it");
            }
        }
    }

    /// Waits until it has to begin anew, from what it shares with others, and tells why: it must be stopped, and started again. Never
    /// where it shares nothing.
    pub async fn lost(&self) -> Lost {
        match &self.shared.cluster {
            Some(cluster) => cluster.lost().await,
            None => std::future::pending().await,
        }
    }
}

async fn stop_engine(handle: &EngineHandle, engine: Running) {
    handle.stop().await;
    if !engine.ended().await {
        tracing::error!("the engine panicked; the next start replays the journal");
    }
}

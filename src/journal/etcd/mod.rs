//! This is where a journal is kept in etcd, for several gateways to share.
//!
//! A batch is one put under a key of its own, and the order is that of etcd's revisions. Each gateway folds what its watch delivers,
//! its own batches among it, and answers only then. There is no leader, and gateways do not speak with each other.
//!
//! A put carries two conditions: that the batch is not there yet, so that it can be tried again until that is known; and that the
//! gateway is still registered as it was, so that a try which is under way somewhere comes to nothing once the gateway was taken for
//! gone, and others may have removed what it did not fold. The same keeps a try from being carried out late behind a removal.

mod appender;
mod base;
mod batches;
mod keeper;
mod keys;
mod link;
mod location;
mod others;
mod prober;
mod registration;
mod seats;
mod watcher;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cluster::{Cluster, Lost};
use crate::config::{DELIVERIES_MAX, OFFERS_MAX};
use crate::disk::Disk;
use crate::health::Health;
use crate::hub::Hub;
use crate::journal::shared::{Checkpoint, Membership, Progress, SharedJournal, Way};
use appender::Appender;
pub use base::{Base, BaseError, Manifest, fetch, part, store};
pub use batches::Batches;
use keeper::{Keeper, Known};
pub use keys::Keys;
pub use link::{CallError, Link};
pub use location::{Location, LocationError, Papers};
use others::Others;
use prober::Prober;
use registration::{Registrar, Registration, leave};
use seats::Seated;
use watcher::{Delivering, Ended, Watcher};

/// How long telling the others that a gateway leaves may take.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// What a gateway has of a journal in etcd before it takes part.
pub struct EtcdWay {
    /// The way to etcd.
    pub link: Arc<Link>,
    /// The keys there.
    pub keys: Keys,
    /// What people call the gateway.
    pub name: String,
    /// The revision as of which its state was built from what is in etcd.
    pub built: u64,
    /// Its copy of the journal.
    pub disk: Arc<dyn Disk>,
    /// The key that sessions of the page are signed with, on all gateways.
    pub cookie_key: String,
}

/// A gateway that takes part in a journal in etcd.
#[derive(Debug)]
struct Member {
    link: Arc<Link>,
    registration: watch::Receiver<Option<Registration>>,
    tasks: JoinSet<()>,
}

impl Way for EtcdWay {
    fn cookie_key(&self) -> &str {
        &self.cookie_key
    }

    fn join(
        self: Box<Self>,
        begun: Checkpoint,
        health: Arc<Health>,
        hub: Arc<Hub>,
        cluster: Arc<Cluster>,
    ) -> (SharedJournal, Box<dyn Membership>) {
        let Self { link, keys, name, built, disk, cookie_key: _ } = *self;
        // Another one at each start, so that no number of a batch is ever used again.
        let gateway = Uuid::new_v4().simple().to_string();
        let (offers, offered) = mpsc::channel(OFFERS_MAX);
        let (deliveries, delivered) = mpsc::channel(DELIVERIES_MAX);
        let (registered, registration) = watch::channel(None);
        let (known, heard) = watch::channel(Known::default());
        let progress = Arc::new(Progress::new(begun));
        let delivering = Arc::new(Delivering::default());
        let mut tasks = JoinSet::new();
        let appender = Appender {
            link: link.clone(),
            keys: keys.clone(),
            gateway: gateway.clone(),
            registration: registration.clone(),
            offers: offered,
            deliveries: deliveries.clone(),
            delivered: delivering.clone(),
            trimmed: 0,
            is_refused: false,
        };
        tasks.spawn(appender.run());
        let watcher = Watcher {
            link: link.clone(),
            keys: keys.clone(),
            gateway: gateway.clone(),
            deliveries,
            delivered: delivering.clone(),
        };
        let lost = cluster.clone();
        tasks.spawn(async move {
            if let ended @ Ended::Trimmed { .. } = watcher.run(begun.revision).await {
                lost.note_lost(Lost::Behind(ended.to_string()));
            }
        });
        let prober = Prober {
            link: link.clone(),
            keys: keys.clone(),
            progress: progress.clone(),
            delivered: delivering,
            health: health.clone(),
        };
        tasks.spawn(prober.run());
        let keeper =
            Keeper { link: link.clone(), keys: keys.clone(), disk, known: heard, brought: 0, history: VecDeque::new() };
        tasks.spawn(keeper.run());
        let registrar = Registrar {
            link: link.clone(),
            keys,
            gateway,
            name,
            built,
            progress: progress.clone(),
            hub,
            health,
            cluster,
            registration: registered,
            known,
            others: Others::default(),
            seats: Seated::default(),
        };
        tasks.spawn(registrar.run());
        let journal = SharedJournal { offers, deliveries: delivered, progress };
        (journal, Box::new(Member { link, registration, tasks }))
    }
}

impl Membership for Member {
    fn leave(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            self.tasks.shutdown().await;
            let registration = *self.registration.borrow();
            leave(&self.link, registration, LEAVE_WAIT).await;
        }
        .boxed()
    }
}

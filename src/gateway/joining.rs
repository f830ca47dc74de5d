//! This is where a store is opened that is a copy of a journal in etcd: what lies in the directory is gone on with where that can be
//! done, and else set aside, for what is in etcd to be brought there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use uuid::Uuid;

use super::store::{Opened, go_on};
use super::{EtcdStore, StartError};
use crate::config::{ETCD_RETRY_PAUSE, ETCD_START_WAIT, Limits};
use crate::dashboard::CookieKey;
use crate::disk::Disk;
use crate::health::Health;
use crate::journal::directory::{self, COPY, DataDir};
use crate::journal::etcd::{Base, BaseError, CallError, EtcdWay, Keys, Link, fetch};
use crate::journal::file::Durability;
use crate::journal::read::ReadError;
use crate::recovery::{self, Recovered};
use crate::state::Reached;
use crate::world::Threads;

/// Why a copy of a journal cannot be gone on with, nor begun.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// etcd.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The directory.
    #[error("{0} cannot be used: {1}; make it writable, or choose another directory with --data")]
    Io(PathBuf, #[source] io::Error),
    /// It is a store of its own.
    #[error(
        "{0} holds a journal of its own, which is not in etcd; bring it there with `guestlist migrate`, or choose another \
         directory with --data"
    )]
    OwnStore(PathBuf),
    /// It is a copy of another journal.
    #[error(
        "{path} holds a copy of journal {copied}, and the one in etcd is {found}; name the right one with --journal, or choose \
         another directory with --data"
    )]
    OtherJournal {
        /// The directory.
        path: PathBuf,
        /// The journal that it holds a copy of.
        copied: Uuid,
        /// The one in etcd.
        found: Uuid,
    },
    /// It has more than etcd.
    #[error(
        "{path} has the journal up to revision {copied}, and etcd only up to {head}: was etcd restored from a backup? To go on from \
         what etcd has, keep a copy of the directory, and choose another with --data"
    )]
    Ahead {
        /// The directory.
        path: PathBuf,
        /// The revision that the copy has reached.
        copied: u64,
        /// The one that etcd has.
        head: u64,
    },
}

/// Of which journal a directory holds a copy.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Copied {
    journal: Uuid,
    /// The revision as of which it was built from what is in etcd.
    built: u64,
}

impl Copied {
    fn read(path: &Path) -> Result<Option<Self>, JoinError> {
        match fs::read(path.join(COPY)) {
            Ok(text) => {
                let copied = serde_json::from_slice(&text).map_err(io::Error::from);
                copied.map(Some).map_err(|error| JoinError::Io(path.join(COPY), error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JoinError::Io(path.join(COPY), error)),
        }
    }

    fn write(self, path: &Path) -> Result<(), JoinError> {
        let (file, aside) = (path.join(COPY), path.join(format!("{COPY}.new")));
        let text = serde_json::to_vec(&self).expect("a copy has texts for names");
        let written = fs::write(&aside, text).and_then(|()| fs::File::open(&aside)?.sync_all());
        written.and_then(|()| fs::rename(&aside, &file)).map_err(|error| JoinError::Io(file, error))
    }
}

/// Opens a copy of a journal in etcd, and the way there.
pub async fn open(
    store: EtcdStore,
    limits: &Limits,
    health: &Arc<Health>,
    threads: Threads,
) -> Result<Opened, StartError> {
    let EtcdStore { path, snapshot_every, location, name } = store;
    let keys = Keys::new(location.prefix());
    let link = Arc::new(Link::new(location));
    let mut base = reach(&link, &keys).await?;
    let directory = DataDir::open(&path)?;
    let disk: Arc<dyn Disk> = Arc::new(directory.disk());
    let copied = Copied::read(&path)?;
    match copied {
        Some(copied) if copied.journal != base.id => {
            return Err(JoinError::OtherJournal { path, copied: copied.journal, found: base.id }.into());
        }
        None if !is_empty(&*disk).map_err(|error| JoinError::Io(path.clone(), error))? => {
            return Err(JoinError::OwnStore(path).into());
        }
        _ => {}
    }
    let standing = standing(&directory, &*disk, &base)?;
    let (recovered, built) = match (standing, copied) {
        (Some(recovered), Some(copied)) => (recovered, copied.built),
        _ => {
            // Before anything is in it: whoever is killed on the way must not leave what looks like a store of its own.
            Copied { journal: base.id, built: base.as_of }.write(&path)?;
            base = bring(&link, &keys, base, &*disk).await?;
            (recovery::recover(&*disk)?, base.as_of)
        }
    };
    Copied { journal: base.id, built }.write(&path)?;
    let opened = go_on(disk.clone(), recovered, Durability::Relaxed, snapshot_every, limits, health, threads)?;
    directory.settle()?;
    health.begin_sharing(limits.cut_off_after);
    let way = EtcdWay { link, keys, name, built, disk, cookie_key: base.cookie_key };
    Ok(Opened { directory: Some(directory), way: Some(Box::new(way)), ..opened })
}

/// What is in etcd, as soon as that is reached.
async fn reach(link: &Link, keys: &Keys) -> Result<Base, JoinError> {
    let since = Instant::now();
    let mut was_told = false;
    loop {
        match Base::read(link, keys, &CookieKey::passing().shown()).await {
            Err(BaseError::Call(error @ CallError::Unknown(..))) if since.elapsed() < ETCD_START_WAIT => {
                if !was_told {
                    tracing::warn!(%error, "etcd is not reached yet; it is tried for {} s", ETCD_START_WAIT.as_secs());
                    was_told = true;
                }
                sleep(ETCD_RETRY_PAUSE).await;
            }
            read => return Ok(read?),
        }
    }
}

/// Brings the newest snapshot from etcd, if there is one, and gives what there was in etcd then.
async fn bring(link: &Link, keys: &Keys, mut base: Base, disk: &dyn Disk) -> Result<Base, JoinError> {
    let since = Instant::now();
    while let Some(snapshot) = &base.snapshot {
        tracing::info!(seq = snapshot.seq, bytes = snapshot.bytes, "the newest snapshot is brought from etcd");
        match fetch(link, snapshot, base.as_of, disk).await {
            Ok(()) => break,
            // A newer one came, and this is forgotten; or etcd is not reached just now.
            Err(BaseError::Gone | BaseError::Call(_)) if since.elapsed() < ETCD_START_WAIT => {
                sleep(ETCD_RETRY_PAUSE).await;
                base = reach(link, keys).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(base)
}

/// What the directory holds, where that can be gone on with; else it is set aside.
fn standing(directory: &DataDir, disk: &dyn Disk, base: &Base) -> Result<Option<Recovered>, StartError> {
    let why = match recovery::recover(disk) {
        Ok(recovered) => {
            let reached = recovered.writer.reached().unwrap_or(Reached { revision: 0, seq: 0 });
            if reached.revision > base.head.max(base.snapshot.as_ref().map_or(0, |snapshot| snapshot.revision)) {
                let (copied, head) = (reached.revision, base.head);
                return Err(JoinError::Ahead { path: directory.path().to_owned(), copied, head }.into());
            }
            let is_behind = match reached.revision {
                0 => base.snapshot.is_some() || base.trimmed > 0,
                revision => revision < base.trimmed,
            };
            if recovered.writer.state().folded() == 0 && is_behind {
                return Ok(None);
            }
            // A copy begins with its snapshot or with the first batch, and both tell their revision.
            if !is_behind && (reached.revision > 0 || recovered.writer.state().folded() == 0) {
                return Ok(Some(recovered));
            }
            "batches behind it were removed from etcd, as a snapshot has them".to_owned()
        }
        Err(error @ ReadError::Io(..)) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    tracing::warn!(why, "the copy of the journal is set aside, and what is in etcd is brought in its place");
    directory.set_aside().map_err(|error| JoinError::Io(directory.path().to_owned(), error))?;
    Ok(None)
}

/// Whether a disk holds no entry and no snapshot.
fn is_empty(disk: &dyn Disk) -> io::Result<bool> {
    let files = directory::files(disk)?;
    Ok(files.segments.is_empty() && files.snapshots.is_empty())
}

//! This is where a store is opened: what it holds, and the journal it goes on in.

use std::sync::Arc;

use super::{StartError, Store};
use crate::config::Limits;
use crate::disk::Disk;
use crate::health::Health;
use crate::journal::Journal;
use crate::journal::directory::DataDir;
use crate::journal::file::{Durability, FileJournal};
use crate::journal::shared::Way;
use crate::recovery::{self, Recovered, Torn};
use crate::retention::Retention;
use crate::snapshots::Snapshots;
use crate::state::Writer;
use crate::world::Threads;

/// A store, opened: the state it holds and the journal it goes on in.
pub struct Opened {
    /// The state, and the right to change it.
    pub writer: Writer,
    /// Where changes are journaled.
    pub journal: Box<dyn Journal>,
    /// What makes snapshots, where there is a disk.
    pub snapshots: Option<Snapshots>,
    /// Where the journal can be read back from, where there is a disk.
    pub disk: Option<Arc<dyn Disk>>,
    /// Changes that were refused when their turn came.
    pub refused: Vec<u64>,
    /// The directory, which is locked for as long as this is there.
    pub directory: Option<DataDir>,
    /// The way to the journal that this is a copy of, if it is one.
    pub way: Option<Box<dyn Way>>,
}

/// Opens what a store holds.
pub fn open(store: Store, limits: &Limits, health: &Arc<Health>, threads: Threads) -> Result<Opened, StartError> {
    match store {
        Store::Memory(journal) => {
            let journal = Box::new(journal);
            let (writer, refused) = (Writer::default(), Vec::new());
            Ok(Opened { writer, journal, snapshots: None, disk: None, refused, directory: None, way: None })
        }
        #[cfg(feature = "cluster")]
        Store::Etcd(_) => unreachable!("a journal in etcd is opened by `joining`"),
        Store::Directory { path, durability, snapshot_every } => {
            let directory = DataDir::open_own(&path)?;
            let opened = open_disk(Arc::new(directory.disk()), durability, snapshot_every, limits, health, threads)?;
            directory.settle()?;
            Ok(Opened { directory: Some(directory), ..opened })
        }
        Store::Disk { disk, durability, snapshot_every } => {
            open_disk(disk, durability, snapshot_every, limits, health, threads)
        }
    }
}

fn open_disk(
    disk: Arc<dyn Disk>,
    durability: Durability,
    snapshot_every: u64,
    limits: &Limits,
    health: &Arc<Health>,
    threads: Threads,
) -> Result<Opened, StartError> {
    let recovered = recovery::recover(&*disk)?;
    go_on(disk, recovered, durability, snapshot_every, limits, health, threads)
}

/// Goes on with what a disk was found to hold.
pub(super) fn go_on(
    disk: Arc<dyn Disk>,
    recovered: Recovered,
    durability: Durability,
    snapshot_every: u64,
    limits: &Limits,
    health: &Arc<Health>,
    threads: Threads,
) -> Result<Opened, StartError> {
    if let Some(torn) = &recovered.torn {
        let Torn { segment, offset, bytes } = torn;
        if disk.is_copy() {
            tracing::warn!(
                segment,
                offset,
                bytes,
                "the end of the journal, which was written while it was copied, is cut off"
            );
        } else {
            tracing::warn!(segment, offset, bytes, "the end of the journal, which was never acknowledged, is cut off");
        }
    }
    let journal = FileJournal::go_on(disk.clone(), &recovered.tail, durability);
    let journal = Box::new(journal.map_err(StartError::Journal)?.ahead(limits.journal_ahead_bytes_max));
    let retention = Retention { journal_keep_bytes: limits.journal_keep_bytes, removal_wait: limits.removal_wait };
    let snapshots = Snapshots::new(
        disk.clone(),
        health.clone(),
        snapshot_every,
        recovered.snapshot_seq,
        recovered.snapshot_records,
    );
    let snapshots = snapshots.keeping(retention).on(threads).map_err(StartError::Thread)?;
    tracing::info!(
        entries = recovered.entries,
        snapshot = recovered.snapshot_seq,
        directory = %disk.path().display(),
        "the state was recovered"
    );
    let Recovered { writer, refused, .. } = recovered;
    Ok(Opened { writer, journal, snapshots: Some(snapshots), disk: Some(disk), refused, directory: None, way: None })
}

//! This is where it is known how storage is: what the engine and the thread that makes snapshots found out, for whoever asks.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Whether changes are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Storage {
    /// They are.
    Writable,
    /// Not before the disk has space again.
    Full,
    /// Not before a restart: nobody knows what the disk has.
    Failed,
}

/// How storage is.
#[derive(Debug, Default)]
pub struct Health {
    storage: AtomicU8,
    differing: AtomicU64,
}

impl Health {
    /// Whether changes are accepted.
    pub fn storage(&self) -> Storage {
        match self.storage.load(Ordering::Acquire) {
            0 => Storage::Writable,
            1 => Storage::Full,
            _ => Storage::Failed,
        }
    }

    /// Notes whether changes are accepted; once storage has failed it stays so.
    pub fn note_storage(&self, storage: Storage) {
        self.storage
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
                (before != Storage::Failed as u8).then_some(storage as u8)
            })
            .ok();
    }

    /// How often what lies on disk folded to another state than the one in memory.
    pub fn differing(&self) -> u64 {
        self.differing.load(Ordering::Acquire)
    }

    /// Notes that it did.
    pub fn note_differing(&self) {
        self.differing.fetch_add(1, Ordering::AcqRel);
    }
}

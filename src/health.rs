//! This is where it is known how storage is: what the engine and the thread that makes snapshots found out, for whoever asks.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::counts::{Count, Spread};
use crate::freshness::Freshness;

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
    /// Not before the journal that is shared with other gateways is reached again.
    CutOff,
}

impl Storage {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Writable, Self::Full, Self::Failed, Self::CutOff];

    /// Its name, in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writable => "writable",
            Self::Full => "full",
            Self::Failed => "failed",
            Self::CutOff => "cut_off",
        }
    }
}

/// What the engine did, batch by batch.
#[derive(Clone, Debug)]
pub struct Batches {
    /// Changes in each.
    pub changes: Spread,
    /// Seconds that the journal took over each, its flush among them.
    pub seconds: Spread,
    /// Seconds that changes waited before the engine took them up.
    pub waits: Spread,
}

impl Default for Batches {
    fn default() -> Self {
        // Up to 4,096 changes.
        Self { changes: Spread::doubling(1.0, 13), seconds: Spread::of_seconds(), waits: Spread::of_seconds() }
    }
}

/// How storage is, and what it has done since the start.
#[derive(Debug, Default)]
pub struct Health {
    storage: AtomicU8,
    /// Why changes are refused.
    why: Mutex<String>,
    differing: AtomicU64,
    is_stopping: AtomicBool,
    segment_bytes: AtomicU64,
    snapshot_bytes: AtomicU64,
    snapshot_records: AtomicU64,
    /// As of when the state is known.
    pub freshness: Arc<Freshness>,
    /// How old that may be before changes are refused, in milliseconds.
    cut_off_after_ms: AtomicU64,
    gateways: AtomicU64,
    /// How often storage became full.
    pub full_episodes: Count,
    /// New segments that could not be begun; the old one went on.
    pub not_rotated: Count,
    /// Calls after which nobody knew what the disk had.
    pub broken: Count,
    /// Snapshots that were made.
    pub snapshots_made: Count,
    /// Snapshots that could not be made.
    pub snapshots_failed: Count,
    /// Batches that were journaled.
    pub batches: Batches,
    /// Bytes of them.
    pub bytes: Count,
    /// How often the journal was flushed.
    pub flushes: Count,
}

impl Health {
    /// Whether changes are accepted.
    pub fn storage(&self) -> Storage {
        match self.storage.load(Ordering::Acquire) {
            0 if self.is_cut_off() => Storage::CutOff,
            0 => Storage::Writable,
            1 => Storage::Full,
            _ => Storage::Failed,
        }
    }

    /// From here on the journal is shared, and changes are refused where it was not reached for so long.
    pub fn begin_sharing(&self, cut_off_after: Duration) {
        let cut_off_after = u64::try_from(cut_off_after.as_millis()).unwrap_or(u64::MAX);
        self.cut_off_after_ms.store(cut_off_after, Ordering::Release);
        self.freshness.begin();
    }

    fn is_cut_off(&self) -> bool {
        self.freshness.is_older_than(Duration::from_millis(self.cut_off_after_ms.load(Ordering::Acquire)))
    }

    /// Notes that changes are accepted again; once storage has failed they never are.
    pub fn note_writable(&self) {
        self.note(Storage::Writable, String::new());
    }

    /// Notes that there is no space for changes, and what said so.
    pub fn note_full(&self, why: impl ToString) {
        self.full_episodes.add(1);
        self.note(Storage::Full, why.to_string());
    }

    /// Notes that nobody knows what the disk has, and why. It stays so; the first reason does too.
    pub fn note_failed(&self, why: impl ToString) {
        self.note(Storage::Failed, why.to_string());
    }

    fn note(&self, storage: Storage, why: String) {
        // The reason first and under its lock, so that whoever sees the state finds the reason for it.
        let mut reason = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if self.storage() != Storage::Failed {
            *reason = why;
            self.storage.store(storage as u8, Ordering::Release);
        }
    }

    /// How often what lies on disk folded to another state than the one in memory.
    pub fn differing(&self) -> u64 {
        self.differing.load(Ordering::Acquire)
    }

    /// Notes that it did.
    pub fn note_differing(&self) {
        self.differing.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that the gateway is about to end.
    pub fn note_stopping(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// How many gateways share the journal, this one among them; 0 where it is not shared.
    pub fn gateways(&self) -> u64 {
        self.gateways.load(Ordering::Relaxed)
    }

    /// Notes how many do.
    pub fn note_gateways(&self, gateways: usize) {
        self.gateways.store(u64::try_from(gateways).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes of the journal's newest segment.
    pub fn segment_bytes(&self) -> u64 {
        self.segment_bytes.load(Ordering::Relaxed)
    }

    /// Notes how large it is.
    pub fn note_segment(&self, bytes: u64) {
        self.segment_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Bytes and records of the newest snapshot that was made since the start; 0 before the first.
    pub fn snapshot_size(&self) -> (u64, u64) {
        (self.snapshot_bytes.load(Ordering::Relaxed), self.snapshot_records.load(Ordering::Relaxed))
    }

    /// Notes that a snapshot was made, and how large it is.
    pub fn note_snapshot(&self, bytes: u64, records: u64) {
        self.snapshots_made.add(1);
        self.snapshot_bytes.store(bytes, Ordering::Relaxed);
        self.snapshot_records.store(records, Ordering::Relaxed);
    }

    /// What must be well for the gateway to be ready: each by name, and where it is not, a line that says what to do.
    pub fn checks(&self) -> Vec<(&'static str, Option<String>)> {
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = match self.storage() {
            Storage::Writable | Storage::CutOff => None,
            Storage::Full => Some(format!(
                "storage is full: {why}; changes are refused until there is space, and taken again by themselves then"
            )),
            Storage::Failed => Some(format!(
                "storage has failed: {why}; changes are refused until a restart: see to the disk, then restart the gateway"
            )),
        };
        let differs = (self.differing() > 0).then(|| {
            "what lies on disk folded to another state than the one in memory; keep a copy of the data directory and report this"
                .to_owned()
        });
        let stops = self.is_stopping.load(Ordering::Acquire).then(|| "the gateway is stopping".to_owned());
        let cut_off = self.freshness.age().map(|age| {
            self.is_cut_off().then(|| {
                let since = if age == Duration::MAX { "yet".to_owned() } else { format!("for {:.1} s", age.as_secs_f64()) };
                format!(
                    "the shared journal was not reached {since}: changes are refused, and taken again by themselves once it is; \
                     see to etcd, and to the network between"
                )
            })
        });
        let own = [("storage", refused), ("snapshots", differs), ("running", stops)];
        own.into_iter().chain(cut_off.map(|problem| ("journal", problem))).collect()
    }

    /// What keeps the gateway from being ready; nothing where all is well.
    pub fn problems(&self) -> Vec<String> {
        self.checks().into_iter().filter_map(|(_, problem)| problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_for_good_and_its_first_reason_stays() {
        let health = Health::default();
        assert!(health.problems().is_empty());
        health.note_full("no space");
        assert_eq!(health.storage(), Storage::Full);
        assert!(health.problems()[0].starts_with("storage is full: no space;"));
        health.note_writable();
        assert!(health.problems().is_empty());
        health.note_failed("first");
        health.note_failed("second");
        health.note_full("third");
        health.note_writable();
        assert_eq!(health.storage(), Storage::Failed);
        assert!(health.problems()[0].starts_with("storage has failed: first;"));
        health.note_differing();
        assert_eq!(health.problems().len(), 2);
    }
}

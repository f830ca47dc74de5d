//! This is where the engine minds the journal: it flushes, begins new segments, and knows what to do when any of it fails.
//!
//! Storage is writable; or full, until a try to go on works; or failed, until a restart.

use tokio::time::Instant;

use super::Engine;
use crate::health::Storage;
use crate::journal::Failure;
use crate::state::digest::Digest;

impl Engine {
    /// When the engine must be awake though nobody orders anything.
    pub(super) fn due_at(&self) -> Option<Instant> {
        [self.flush_at, self.resume_at].into_iter().flatten().min()
    }

    /// Does what is due by now: a flush, or a try to go on writing.
    pub(super) fn do_what_is_due(&mut self) {
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush();
        }
        if self.resume_at.is_some_and(|at| at <= now) {
            self.try_to_resume();
        }
    }

    /// Makes durable what is not yet.
    pub(super) fn flush(&mut self) {
        self.flush_at = None;
        if self.has_failed() || !self.journal.owes_flush() {
            return;
        }
        self.health.flushes.add(1);
        if let Err(error) = self.journal.flush() {
            self.fail("the journal could not be flushed", &error);
        }
    }

    /// Begins a new segment when a snapshot is due, which is made of those before, or when the one in use is large. Where that
    /// fails, the old one goes on and nothing is lost.
    pub(super) fn rotate_if_due(&mut self, next_seq: u64) {
        if self.snapshots.as_ref().is_some_and(|snapshots| snapshots.is_due(next_seq)) {
            self.rotate(next_seq, Engine::seal);
        }
        if self.journal.segment_bytes() >= self.rotate_bytes {
            self.rotate(next_seq, |engine, seq, digest| engine.journal.rotate(seq, digest));
        }
        self.health.note_segment(self.journal.segment_bytes());
    }

    fn seal(&mut self, next_seq: u64, digest: Digest) -> Result<(), Failure> {
        let Self { snapshots, journal, .. } = self;
        snapshots.as_mut().map_or(Ok(()), |snapshots| snapshots.seal(next_seq, digest, journal.as_mut()))
    }

    fn rotate(&mut self, next_seq: u64, begin: impl FnOnce(&mut Self, u64, Digest) -> Result<(), Failure>) {
        self.flush();
        if self.has_failed() {
            return;
        }
        let digest = self.digest();
        let begun = begin(self, next_seq, digest);
        // After a failure too: it is tried again once as much was written again.
        self.rotate_bytes = self.journal.segment_bytes() + self.limits.segment_bytes_max;
        match begun {
            Ok(()) => self.rotate_bytes = self.limits.segment_bytes_max,
            Err(Failure::Unchanged(error)) => {
                self.health.not_rotated.add(1);
                tracing::warn!(%error, "no new segment could be begun; the old one goes on, and another try comes later");
            }
            Err(error @ Failure::Broken(_)) => self.fail("a new segment could not be begun", &error),
        }
    }

    /// Accepts nothing until there is space.
    pub(super) fn fill(&mut self, error: &Failure) {
        self.health.note_full(error);
        self.resume_at = Some(Instant::now() + self.limits.resume_interval);
        tracing::error!(%error, "storage is full: changes are refused until there is space; reading goes on");
    }

    /// Goes on in a new segment, if there is room for one.
    fn try_to_resume(&mut self) {
        self.resume_at = None;
        self.flush();
        if self.has_failed() {
            return;
        }
        let next_seq = self.writer.state().folded() + 1;
        match self.journal.rotate_with_room(next_seq, self.digest(), self.limits.resume_room_bytes) {
            Ok(()) => {
                self.rotate_bytes = self.limits.segment_bytes_max;
                self.health.note_writable();
                self.health.note_segment(self.journal.segment_bytes());
                tracing::info!(next_seq, "storage has space again: changes are accepted");
            }
            Err(Failure::Unchanged(_)) => self.resume_at = Some(Instant::now() + self.limits.resume_interval),
            Err(error @ Failure::Broken(_)) => self.fail("a new segment could not be begun", &error),
        }
    }

    /// Accepts nothing more: after a failed flush nobody knows what the disk holds, until a restart has read it.
    pub(super) fn fail(&mut self, what: &str, error: &Failure) {
        self.health.broken.add(1);
        self.health.note_failed(format_args!("{what}: {error}"));
        tracing::error!(%error, "{what}: no more changes are accepted until a restart; reading goes on");
    }

    pub(super) fn has_failed(&self) -> bool {
        self.health.storage() == Storage::Failed
    }

    /// The digest of the live state.
    pub(super) fn digest(&self) -> Digest {
        self.writer.state().digest().digest
    }
}

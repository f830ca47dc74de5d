//! This is where changes are read back from the journal, for those who come again and want to know what they missed.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::feed::Refused;
use super::{Announcement, Made};
use crate::config::{CATCHING_UP_MAX, TOLD_BYTES_AT_ONCE};
use crate::disk::Disk;
use crate::journal::directory::{self, Numbered};
use crate::journal::read::{Entries, ReadError};

/// Parts that may lie ready for one who catches up.
const PARTS_MAX: usize = 2;

/// A part of what somebody missed.
#[derive(Debug)]
pub enum Part {
    /// What is told of the changes up to one.
    Told {
        /// In the order of the changes.
        told: Vec<Announcement>,
        /// The last change that was read.
        last: u64,
    },
    /// The journal does not have them any more, or cannot be read.
    Missed,
}

/// Where changes are read back from.
#[derive(Clone, Debug)]
pub struct Archive {
    disk: Arc<dyn Disk>,
    /// Each who catches up keeps a thread and a buffer; more of them wait.
    places: Arc<Semaphore>,
    refused: Arc<Refused>,
}

impl Archive {
    /// The journal on a disk, of which some changes were refused.
    pub fn new(disk: Arc<dyn Disk>, refused: Arc<Refused>) -> Self {
        Self { disk, places: Arc::new(Semaphore::new(CATCHING_UP_MAX)), refused }
    }

    /// Whether the journal still has the change after one.
    pub fn has(&self, after: u64) -> bool {
        self.segments(after).is_some()
    }

    /// Reads the changes after one up to another, on another thread, as fast as they are taken.
    pub fn read(&self, after: u64, until: u64) -> mpsc::Receiver<Part> {
        let (parts, receiver) = mpsc::channel(PARTS_MAX);
        let archive = self.clone();
        tokio::spawn(async move {
            let place = archive.places.clone().acquire_owned().await;
            let reading = tokio::task::spawn_blocking(move || {
                let read = archive.send(after, until, &parts);
                if let Err(error) = read {
                    tracing::warn!(%error, "the journal cannot be read back; a subscriber is told to read the lists again");
                    parts.blocking_send(Part::Missed).ok();
                }
                drop(place);
            });
            reading.await.ok();
        });
        receiver
    }

    /// The segments from the one that has the change after one, if there is one.
    fn segments(&self, after: u64) -> Option<Vec<Numbered>> {
        let mut segments = directory::files(&*self.disk).ok()?.segments;
        let first = segments.iter().rposition(|segment| segment.seq <= after + 1)?;
        Some(segments.split_off(first))
    }

    fn send(&self, after: u64, until: u64, parts: &mpsc::Sender<Part>) -> Result<(), ReadError> {
        let Some(segments) = self.segments(after) else {
            parts.blocking_send(Part::Missed).ok();
            return Ok(());
        };
        let (mut told, mut bytes, mut last) = (Vec::new(), 0, after);
        for (index, segment) in segments.iter().enumerate() {
            let end = segments.get(index + 1).map_or(until + 1, |next| next.seq.min(until + 1));
            let mut entries = Entries::open(&*self.disk, segment)?;
            while entries.place.seq < end {
                let of = |made: Made<'_>| {
                    let is_told = made.seq > last && !self.refused.has(made.seq);
                    is_told.then(|| Announcement::of(made)).flatten()
                };
                let Some(announcement) = entries.next_made(of)? else { break };
                last = last.max(entries.place.seq - 1);
                bytes += announcement.as_ref().map_or(0, Announcement::bytes);
                told.extend(announcement);
                if bytes >= TOLD_BYTES_AT_ONCE {
                    let part = Part::Told { told: std::mem::take(&mut told), last };
                    bytes = 0;
                    if parts.blocking_send(part).is_err() {
                        // Whoever asked is gone.
                        return Ok(());
                    }
                }
            }
        }
        // A file that ends early has lost what was to come.
        let rest = if last >= until { Part::Told { told, last } } else { Part::Missed };
        parts.blocking_send(rest).ok();
        Ok(())
    }
}

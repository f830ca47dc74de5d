//! This is where submissions become batches of a shared journal, and batches submissions again.

use std::iter;

use tokio::sync::oneshot;

use super::submission::Job;
use super::{Journaled, Submission};
use crate::config::{OFFER_ALONE_BYTES_MAX, OFFER_BYTES_MAX};
use crate::fold::Outcome;
use crate::journal::Stamp;
use crate::journal::shared::{OFFERED_HEAD_BYTES, read_offered, write_offered};
use crate::methods::Change;

/// Reads the changes of a batch that another gateway offered, or this one before, but for the first of them.
pub(super) fn read(lines: &[u8], skipped: u64) -> Result<Vec<Journaled>, String> {
    let mut batch: Vec<Journaled> = Vec::new();
    for (number, entry) in (0..).zip(read_offered(lines)) {
        let entry = entry.map_err(|what| format!("has a line that {what}"))?;
        if number < skipped {
            continue;
        }
        let change = entry.change()?;
        let is_next = |last: &Journaled| last.at_ms == entry.at_ms && last.submission.caller == entry.by;
        if !batch.last().is_some_and(is_next) {
            batch.push(Journaled { submission: Submission::new(entry.by), at_ms: entry.at_ms, done: None });
        }
        if let Some(last) = batch.last_mut() {
            last.submission.push_written(change, entry.message);
        }
    }
    Ok(batch)
}

/// Divides what one caller submitted where it does not fit into one batch; the outcomes come together all the same.
pub(super) fn divided(job: Job) -> Vec<Job> {
    if job.submission.offered_bytes() <= OFFER_BYTES_MAX || job.submission.is_first {
        return vec![job];
    }
    let Job { submission, since, done } = job;
    let (parts, waiting): (Vec<Job>, Vec<oneshot::Receiver<Vec<Outcome>>>) = submission
        .divided(OFFER_BYTES_MAX)
        .into_iter()
        .map(|submission| {
            let (done, outcomes) = oneshot::channel();
            (Job { submission, since, done }, outcomes)
        })
        .unzip();
    tokio::spawn(async move {
        let mut all = Vec::new();
        for outcomes in waiting {
            // Where the engine ended, nothing comes of the rest.
            let Ok(outcomes) = outcomes.await else { break };
            all.extend(outcomes);
        }
        let _ = done.send(all);
    });
    parts
}

impl Submission {
    /// Bytes of its lines as they are offered, at most.
    pub(super) fn offered_bytes(&self) -> usize {
        self.text.len() + self.len() * OFFERED_HEAD_BYTES
    }

    pub(super) fn fits(&self) -> bool {
        self.offered_bytes() <= OFFER_ALONE_BYTES_MAX
    }

    /// Its messages, as they are journaled.
    pub(super) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let starts = iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    pub(super) fn write_offered(&self, lines: &mut Vec<u8>, at_ms: u64) {
        let stamp = Stamp::new(at_ms, self.caller);
        self.messages().for_each(|message| write_offered(lines, &stamp, message));
    }

    /// Adds a change, with the message as it is journaled.
    fn push_written(&mut self, change: Change, message: &str) {
        self.text.extend_from_slice(message.as_bytes());
        self.ends.push(self.text.len());
        self.changes.push(change);
    }

    /// Parts of so many bytes each, or of one change.
    fn divided(self, bytes_max: usize) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let messages: Vec<String> =
            self.messages().map(|message| String::from_utf8_lossy(message).into_owned()).collect();
        for (change, message) in self.changes.into_iter().zip(messages) {
            let fits = |part: &Self| part.offered_bytes() + message.len() + OFFERED_HEAD_BYTES <= bytes_max;
            if !parts.last().is_some_and(fits) {
                parts.push(Self::new(self.caller));
            }
            if let Some(part) = parts.last_mut() {
                part.push_written(change, &message);
            }
        }
        parts
    }
}

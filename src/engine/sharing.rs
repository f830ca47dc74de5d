//! This is where the engine keeps its journal together with other gateways: it offers one batch after the other, folds what is
//! delivered, whoever offered it, and answers once its own batch came back.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::time::sleep_until;

use super::offered::{divided, read};
use super::refusal::{self, refuse, refuse_all};
use super::submission::{Job, Order};
use super::{Engine, Journaled};
use crate::cluster::cut_off;
use crate::config::OFFER_BYTES_MAX;
use crate::health::Storage;
use crate::journal::shared::{Checkpoint, Delivered, Delivery, Offer, Refused, SharedJournal};
use crate::journal::{Failure, Stamp, write_copy};

/// A journal that is shared, and what this gateway has to do with it just now.
pub(super) struct Sharing {
    journal: SharedJournal,
    /// How many batches were offered.
    offers: u64,
    offered: Option<Offered>,
    /// What is offered behind it.
    waiting: VecDeque<Job>,
    /// Whether nothing more is accepted.
    is_stopping: bool,
    /// What was delivered while the copy had no room.
    held: Option<Delivered>,
    /// Entries of the first batch that the copy had already, when the process ended on the way.
    skipped: u64,
}

/// A batch that was offered.
struct Offered {
    number: u64,
    jobs: Vec<Job>,
    at_ms: u64,
    since: Instant,
    until: Instant,
    /// Where it was not taken.
    refused: Option<Refused>,
}

/// What the engine is woken by.
enum Woken {
    Ordered(Option<Order>),
    Delivered(Option<Delivery>),
    Due,
}

impl Sharing {
    pub(super) fn new(journal: SharedJournal) -> Self {
        Self { journal, offers: 0, offered: None, waiting: VecDeque::new(), is_stopping: false, held: None, skipped: 0 }
    }

    /// Whether nothing is under way.
    fn is_idle(&self) -> bool {
        self.offered.is_none() && self.waiting.is_empty()
    }

    /// Takes as many of those that wait as go into one batch.
    fn next_batch(&mut self) -> Vec<Job> {
        let mut bytes = 0;
        let mut batch = Vec::new();
        while let Some(job) = self.waiting.pop_front_if(|job| {
            bytes += job.submission.offered_bytes();
            batch.is_empty() || bytes <= OFFER_BYTES_MAX && !job.submission.is_first
        }) {
            let is_first = job.submission.is_first;
            batch.push(job);
            if is_first {
                break;
            }
        }
        batch
    }

    /// Takes the batch that is under way, if it has this number.
    fn take_offered(&mut self, number: Option<u64>) -> Option<Offered> {
        self.offered.take_if(|offered| Some(offered.number) == number)
    }
}

impl Engine {
    pub(super) async fn run_shared(&mut self, mut sharing: Sharing) {
        let reached = self.writer.reached().map_or(0, |reached| reached.seq);
        sharing.skipped = self.writer.state().folded() - reached;
        loop {
            let given_up_at = sharing.offered.as_ref().map(|offered| offered.until.into());
            let due = [self.due_at(), given_up_at].into_iter().flatten().min();
            let may_fold = sharing.held.is_none() && !self.has_failed();
            let woken = tokio::select! {
                delivery = sharing.journal.deliveries.recv(), if may_fold => Woken::Delivered(delivery),
                order = self.orders.recv(), if sharing.is_idle() && !sharing.is_stopping => Woken::Ordered(order),
                () = wait_until(due) => Woken::Due,
            };
            match woken {
                Woken::Ordered(Some(Order::Commit(job))) => {
                    let (batch, stop) = self.gather(job);
                    sharing.waiting.extend(batch.into_iter().flat_map(divided));
                    sharing.is_stopping = stop;
                }
                Woken::Ordered(Some(Order::Stop) | None) => sharing.is_stopping = true,
                Woken::Delivered(Some(Delivery::Batch(delivered))) => self.take(delivered, &mut sharing),
                Woken::Delivered(Some(Delivery::Refused(refused))) => {
                    if let Some(offered) = sharing.offered.as_mut().filter(|offered| offered.number == refused.number) {
                        offered.refused = Some(refused);
                    }
                }
                Woken::Delivered(None) => self.end("what is journaled is not delivered any more"),
                Woken::Due => {}
            }
            self.do_what_is_due();
            if self.health.storage() != Storage::Full
                && let Some(held) = sharing.held.take()
            {
                self.take(held, &mut sharing);
            }
            self.settle_offered(&mut sharing);
            while sharing.offered.is_none() && !sharing.waiting.is_empty() {
                let batch = sharing.next_batch();
                self.offer(batch, &mut sharing);
            }
            if sharing.is_stopping && sharing.is_idle() {
                return;
            }
        }
    }

    /// Offers a batch, or refuses it.
    fn offer(&mut self, batch: Vec<Job>, sharing: &mut Sharing) {
        let storage = self.health.storage();
        if storage != Storage::Writable {
            return refuse(batch, &refusal::of(storage));
        }
        let (batch, too_large): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.submission.fits());
        refuse(too_large, &refusal::too_large());
        if batch.is_empty() {
            return;
        }
        let (at_ms, since) = (self.clock.now_ms(), Instant::now());
        let mut lines = Vec::new();
        for job in &batch {
            self.health.batches.waits.add(since.duration_since(job.since).as_secs_f64());
            job.submission.write_offered(&mut lines, at_ms);
        }
        sharing.offers += 1;
        let (number, until) = (sharing.offers, since + self.limits.append_wait);
        let is_first = batch.iter().any(|job| job.submission.is_first);
        let offer = Offer { number, is_first, lines, until };
        match sharing.journal.offers.try_send(offer) {
            Ok(()) => sharing.offered = Some(Offered { number, jobs: batch, at_ms, since, until, refused: None }),
            // Those before it were given up, and are not done with yet.
            Err(_) => refuse(batch, &cut_off()),
        }
    }

    /// Folds a batch that was delivered, and answers those who wait for it.
    fn take(&mut self, delivered: Delivered, sharing: &mut Sharing) {
        let offered = sharing.take_offered(delivered.own);
        let since = offered.as_ref().map(|offered| offered.since);
        let mut batch: Vec<Journaled> = match offered {
            Some(Offered { jobs, at_ms, .. }) => {
                let journaled = |Job { submission, done, .. }| Journaled { submission, at_ms, done: Some(done) };
                jobs.into_iter().map(journaled).collect()
            }
            None => match read(&delivered.lines, sharing.skipped) {
                Ok(batch) => batch,
                Err(what) => {
                    return self.end(&format!(
                        "the batch of revision {} {what}; where a newer gateway wrote it, update this one",
                        delivered.revision
                    ));
                }
            },
        };
        // No entry is of an earlier moment than one before it, whatever the clocks of gateways are.
        let earliest_ms = self.writer.state().at_ms();
        batch.iter_mut().fold(earliest_ms, |earliest_ms, journaled| {
            journaled.at_ms = journaled.at_ms.max(earliest_ms);
            journaled.at_ms
        });
        match self.copy(&batch, delivered.revision) {
            Ok(()) => {}
            Err(Failure::Unchanged(error)) => {
                self.fill(&Failure::Unchanged(error));
                // It is made later, and those who wait for it are told that nobody knows when.
                for Journaled { submission, done, .. } in batch {
                    done.into_iter().for_each(|done| refuse_all(&submission, done, &refusal::unknown()));
                }
                sharing.held = Some(Delivered { own: None, ..delivered });
                return;
            }
            Err(error @ Failure::Broken(_)) => return self.fail("the copy of a batch could not be written", &error),
        }
        sharing.skipped = 0;
        self.fold(batch, Some(delivered.revision));
        let settled = self.writer.state().digest();
        let checkpoint = Checkpoint { revision: delivered.revision, seq: settled.seq, digest: Some(settled.digest) };
        sharing.journal.progress.note(checkpoint);
        if let Some(since) = since {
            self.health.batches.seconds.add(since.elapsed().as_secs_f64());
            // It was appended after that, behind all that was there before.
            self.health.freshness.note(since);
        }
    }

    /// Appends a batch to this gateway's copy of the journal.
    fn copy(&mut self, batch: &[Journaled], revision: u64) -> Result<(), Failure> {
        let first_seq = self.writer.state().folded() + 1;
        if !self.journal.owes_flush() {
            self.flushed = first_seq - 1;
        }
        self.lines.clear();
        let changes: usize = batch.iter().map(|journaled| journaled.submission.len()).sum();
        let last_seq = first_seq + u64::try_from(changes).expect("a length fits into 64 bits") - 1;
        let mut seq = first_seq;
        for Journaled { submission, at_ms, .. } in batch {
            let stamp = Stamp::new(*at_ms, submission.caller);
            for message in submission.messages() {
                let revision = (seq == last_seq).then_some(revision);
                write_copy(&mut self.lines, seq, self.flushed, revision, &stamp, message);
                seq += 1;
            }
        }
        self.journal.append(&self.lines)?;
        let bytes = u64::try_from(self.lines.len()).expect("a length fits into 64 bits");
        self.lines.shrink_to(self.limits.batch_bytes_max);
        self.health.batches.changes.add(f64::from(u32::try_from(changes).unwrap_or(u32::MAX)));
        self.health.bytes.add(bytes);
        if self.journal.owes_flush() {
            let flush_at = tokio::time::Instant::now() + self.limits.relaxed_flush_interval;
            self.flush_at.get_or_insert(flush_at);
        }
        Ok(())
    }

    /// Answers those whose batch was not taken, or of which nobody knows in time whether it was.
    fn settle_offered(&mut self, sharing: &mut Sharing) {
        let revision = sharing.journal.progress.latest().revision;
        let is_refused =
            |offered: &mut Offered| offered.refused.as_ref().is_some_and(|refused| refused.after <= revision);
        if let Some(Offered { jobs, refused: Some(refused), .. }) = sharing.offered.take_if(is_refused) {
            return refuse(jobs, &refusal::not_taken(refused.why));
        }
        let has_failed = self.has_failed();
        let is_late = |offered: &mut Offered| has_failed || offered.until <= Instant::now();
        if let Some(Offered { jobs, .. }) = sharing.offered.take_if(is_late) {
            refuse(jobs, &refusal::unknown());
        }
    }

    /// Accepts nothing more, and folds nothing more.
    fn end(&mut self, why: &str) {
        self.health.note_failed(why);
        tracing::error!(
            "{why}: no more changes are accepted until a restart; reading goes on until the view is too old"
        );
    }
}

async fn wait_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

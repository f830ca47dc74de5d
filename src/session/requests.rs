//! This is where a frame is taken up: answered, refused, handed over as a change, or put aside until it can be decided.

use std::time::Duration;

use futures::FutureExt;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::Session;
use super::pipeline::{Parked, Progress};
use crate::access::Sender;
use crate::aside::aside;
use crate::config::FRAME_OUT_BYTES_MAX;
use crate::counts::{Asked, Rejected};
use crate::event;
use crate::methods::{Change, Command, Here, Query, Verdict, Wish};
use crate::throttle::Origin;
use crate::traffic::{Frame, Lately, What};
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{self, Called};

impl<S> Session<S> {
    /// Takes up a frame.
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Text(text) if text.len() > self.shared.limits.heavy_frame_bytes => aside(|| self.text(&text)),
            Message::Text(text) => self.text(&text),
            Message::Binary(_) => {
                let error = Error::new(Code::Malformed, "binary frames are not taken; send JSON in text frames");
                self.reject(Rejected::Binary, &error, &Reference::default());
            }
            Message::Ping(_) => self.owes_pong = true,
            // A close is answered inside the socket, and ends the stream.
            Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
        }
    }

    /// Encodes answers to changes that were made or refused, as many as the outbox takes, and goes on with what waited for them.
    pub(super) fn settle(&mut self) {
        let mut before = self.outbox.len();
        while self.outbox_bytes < self.shared.limits.outbox_bytes_max
            && self.pipeline.settle_next(
                Called::error(self.shared.error_method),
                &self.shared.counts.requests,
                &mut self.outbox,
            )
        {
            self.count_outbox(before);
            before = self.outbox.len();
        }
        match self.pipeline.unpark() {
            Some(parked) if parked.bytes > self.shared.limits.heavy_frame_bytes => aside(|| self.decide(parked)),
            Some(parked) => self.decide(parked),
            None => {}
        }
    }

    /// Refuses a message, in its turn.
    pub(super) fn refuse(&mut self, error: &Error, asked: Asked<'_>, reference: &Reference) {
        self.shared.counts.requests.add_refused(asked, error.code);
        let called = match asked {
            Asked::Method(which) if which.call().acks => Called::Answer(which.call().reply),
            _ => Called::error(self.shared.error_method),
        };
        self.answer(frame::refusal(error, asked.name(), reference, called));
    }

    /// Refuses a frame that is no request.
    fn reject(&mut self, why: Rejected, error: &Error, reference: &Reference) {
        self.shared.counts.rejected.add(why);
        self.refuse(error, Asked::Unknown(None), reference);
    }

    fn text(&mut self, text: &Utf8Bytes) {
        self.show(|| What::In(Frame::of(text)));
        if let Err(wait) = self.take_credit() {
            return self.slow_down(text, wait);
        }
        let max = self.shared.limits.frame_bytes_max;
        if text.len() <= max
            && let Some((command, reference)) = Command::open(text)
        {
            self.last_reference = reference.as_number().or(self.last_reference);
            return self.decide(Parked { command, reference, bytes: text.len() });
        }
        let envelope = match envelope::open(text) {
            Ok(envelope) => envelope,
            Err((error, reference)) => return self.reject(Rejected::Malformed, &error, &reference),
        };
        let (method, reference) = (&*envelope.method, envelope.reference);
        self.last_reference = reference.as_number().or(self.last_reference);
        let command = match method {
            "PING" => {
                self.shared.counts.requests.add(Asked::Ping);
                return self.answer(frame::pong());
            }
            "TOKEN_AUTH" => Err(Error::new(Code::Conflict, "this connection is signed in already; open another one")),
            _ if text.len() > max => {
                self.shared.counts.rejected.add(Rejected::TooLarge);
                let message = format!("the message has {} bytes, at most {max} are taken; send several", text.len());
                Err(Error::new(Code::TooLarge, message))
            }
            _ => Command::read(method, text),
        };
        match command {
            Ok(command) => self.decide(Parked { command, reference, bytes: text.len() }),
            Err(error) => self.refuse(&error, Asked::of(method), &reference),
        }
    }

    /// Counts a request of those that may be sent.
    fn take_credit(&mut self) -> Result<(), Duration> {
        if self.credit == 0 {
            self.credit = self.shared.rates.draw(self.identity.caller, self.address)?;
        }
        self.credit -= 1;
        Ok(())
    }

    /// Refuses a message unread but for what its refusal echoes.
    fn slow_down(&mut self, text: &Utf8Bytes, wait: Duration) {
        self.shared.counts.rejected.add(Rejected::TooMany);
        let error = Error::slow_down(wait, "there were too many requests");
        match envelope::open(text) {
            Ok(envelope) => self.refuse(&error, Asked::of(&envelope.method), &envelope.reference),
            Err((_, reference)) => self.refuse(&error, Asked::Unknown(None), &reference),
        }
    }

    /// Answers a command from the state, or hands it over as a change; where changes before it are still on their way and could
    /// alter the answer, it is put aside until they are made.
    fn decide(&mut self, parked: Parked) {
        let Parked { command, reference, bytes } = parked;
        match command {
            Command::Query(query) => self.ask(query, reference, bytes),
            Command::Change(change) => self.alter(change, reference, bytes, false),
            Command::Wish(wish) => self.attend(wish, reference, bytes),
        }
    }

    fn ask(&mut self, mut query: Query, reference: Reference, bytes: usize) {
        if !self.pipeline.is_clear() {
            return self.pipeline.park(Parked { command: Command::Query(query), reference, bytes });
        }
        let (view, before) = (self.shared.view(self.identity.caller), self.outbox.len());
        let admitted = query.admit(Sender { view, bound_app: self.identity.bound_app });
        let (outbox, counts, asked) = (&mut self.outbox, &self.shared.counts, Asked::Method(query.which()));
        let answer = |()| query.answer(view, &counts.decisions, &reference, FRAME_OUT_BYTES_MAX, outbox);
        match admitted.and_then(answer) {
            Ok(()) => {
                counts.requests.add(asked);
                self.count_outbox(before);
            }
            Err(error) => self.refuse(&error, asked, &reference),
        }
    }

    fn attend(&mut self, mut wish: Wish, reference: Reference, bytes: usize) {
        // What it says comes after the answers to what was sent before, as its events come after those changes.
        if !self.pipeline.is_clear() {
            return self.pipeline.park(Parked { command: Command::Wish(wish), reference, bytes });
        }
        let (view, before) = (self.shared.view(self.identity.caller), self.outbox.len());
        let admitted = wish.admit(Sender { view, bound_app: self.identity.bound_app });
        let here = Here {
            view,
            hub: &self.shared.hub,
            counts: &self.shared.counts,
            traffic: &self.shared.traffic,
            connection: self.seat.id(),
            subscriptions: &mut self.subscriptions,
            watch: &mut self.watch,
        };
        let attend = |()| wish.attend(here, &reference, FRAME_OUT_BYTES_MAX, &mut self.outbox);
        let asked = Asked::Method(wish.which());
        match admitted.and_then(attend) {
            Ok(()) => {
                self.shared.counts.requests.add(asked);
                self.count_outbox(before);
            }
            Err(error) => self.refuse(&error, asked, &reference),
        }
    }

    /// Pushes what the client has subscribed to.
    pub(super) fn push(&mut self, progress: event::Progress) {
        let (view, before) = (self.shared.view(self.identity.caller), self.outbox.len());
        self.subscriptions.take(progress, view, &mut self.outbox);
        let pushed = u64::try_from(self.outbox.len() - before).expect("a length fits into 64 bits");
        self.shared.counts.pushed.add(pushed);
        self.count_outbox(before);
    }

    /// Pushes what passed, to an administrator who watches; one who is that no more watches no more.
    pub(super) fn push_traffic(&mut self, lately: &Lately) {
        if !self.shared.view(self.identity.caller).is_admin() {
            self.watch = None;
            return;
        }
        let before = self.outbox.len();
        self.outbox.push(lately.frame());
        self.count_outbox(before);
    }

    /// Tells those who watch what passed over this connection, but for what passes over those of their own.
    pub(super) fn show(&self, what: impl FnOnce() -> What) {
        if self.shared.traffic.is_watched() && self.watch.is_none() {
            let at_ms = self.shared.clock.now_ms();
            self.shared.traffic.tell(at_ms, Some(self.seat.id()), self.identity.caller, what());
        }
    }

    /// Hands a change over, or answers it; `is_sure` where what this gateway knows is what all know.
    fn alter(&mut self, mut change: Change, reference: Reference, bytes: usize, is_sure: bool) {
        if change.is_alone() && !self.pipeline.is_clear() {
            return self.pipeline.park(Parked { command: Command::Change(change), reference, bytes });
        }
        let view = self.shared.view(self.identity.caller);
        let admitted = self.shared.admit(&mut change, Sender { view, bound_app: self.identity.bound_app });
        let checked = admitted.and_then(|()| change.check(view));
        if let Some(cluster) = self.shared.doubt(&checked).filter(|_| !is_sure && self.pipeline.is_clear()) {
            let known = async move { cluster.refresh().await };
            return self.pipeline.doubt(known.boxed(), Parked { command: Command::Change(change), reference, bytes });
        }
        match checked {
            Ok(Verdict::Proceed) if change.is_heavy() => {
                let (caller, which) = (view.caller, change.which());
                let work = self.shared.clone().prepare(caller, Origin::of(caller, self.address), change);
                self.pipeline.prepare(work.boxed(), which, reference, bytes);
            }
            Ok(Verdict::Proceed) => match change.prepare(view, &self.shared.random) {
                Ok(()) => self.pipeline.gather(change, reference, bytes),
                Err(error) => self.refuse(&error, Asked::Method(change.which()), &reference),
            },
            _ if !self.pipeline.is_clear() => {
                self.pipeline.park(Parked { command: Command::Change(change), reference, bytes });
            }
            Ok(Verdict::Unchanged(answer)) => {
                let before = self.outbox.len();
                self.shared.counts.requests.add(Asked::Method(change.which()));
                answer.encode(&reference, FRAME_OUT_BYTES_MAX, &mut self.outbox);
                self.count_outbox(before);
            }
            Err(error) => self.refuse(&error, Asked::Method(change.which()), &reference),
        }
    }

    /// Goes on with what the pipeline came to.
    pub(super) fn take_progress(&mut self, progress: Progress) {
        match progress {
            Progress::Outcomes(outcomes) => {
                let waited = self.pipeline.take_outcomes(outcomes);
                self.shared.counts.waits.add(waited.as_secs_f64());
            }
            Progress::Known(known) => self.settle_doubt(known),
            Progress::Prepared(prepared) => {
                if let Some((error, which, reference)) = self.pipeline.take_prepared(prepared) {
                    self.refuse(&error, Asked::Method(which), &reference);
                }
            }
        }
        self.settle();
    }

    /// Decides on a change that was in doubt.
    fn settle_doubt(&mut self, known: Result<(), Error>) {
        let Some(Parked { command: Command::Change(change), reference, bytes }) = self.pipeline.take_doubted() else {
            return;
        };
        match known {
            Ok(()) => self.alter(change, reference, bytes, true),
            Err(error) => self.refuse(&error, Asked::Method(change.which()), &reference),
        }
    }

    fn answer(&mut self, frame: Utf8Bytes) {
        if let Some(frame) = self.pipeline.after_what_waits(frame) {
            self.outbox_bytes += frame.len();
            self.outbox.push(frame);
        }
    }

    fn count_outbox(&mut self, from: usize) {
        self.outbox_bytes += self.outbox[from..].iter().map(|frame| frame.len()).sum::<usize>();
    }
}

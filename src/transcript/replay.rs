//! Plays a transcript against a gateway, over real connections: reads its lines, and sends; `settle` receives.
//!
//! Frames that are expected are not waited for at once. They are pending until something must not be done before they came:
//! so frames can be sent ahead, and a frame that is not as expected can be held against those expected after it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, select};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::bindings::Bindings;
use super::came::{Came, Context};
use super::connection::Connection;
use super::exchange::{CODE_NO_FRAME, Close, Frame, Summary, Way};
use super::failure::{Fault, ReplayError};
use super::http::connection::Connections;
use super::options::{Mode, ReplayOptions};
use super::watch::Watch;
use super::{Action, Step, Steps, Transcript};
use crate::config::{TRANSCRIPT_AHEAD_DEFAULT, TRANSCRIPT_EXPECTED_MAX, TRANSCRIPT_FED_MAX};

/// Replays a transcript against the gateway at a `ws://` address.
///
/// After the last line every open connection must be quiet, unless frames may come in between: a gateway that sent a frame more
/// than the transcript expects fails. Then the connections are closed with 1000.
pub async fn replay<W: Watch>(
    transcript: &Transcript,
    url: &str,
    options: &ReplayOptions,
    watch: &mut W,
) -> Result<Summary, Box<ReplayError>> {
    let failed = |error| {
        let nowhere = Line::nowhere();
        Box::new(ReplayError::new(transcript.name(), &nowhere.step, None, Fault::Transcript(error), Summary::default()))
    };
    let mut replay = Replay {
        name: transcript.name(),
        steps: transcript.steps().map_err(failed)?,
        url,
        options,
        watch,
        open: HashMap::new(),
        http: Connections::new(url, options.frame_wait),
        opened: 0,
        fed: None,
        pending: VecDeque::new(),
        recent: VecDeque::new(),
        bindings: Bindings::default(),
        summary: Summary::default(),
        note: None,
        started: Instant::now(),
    };
    replay.run().await?;
    Ok(replay.summary)
}

/// A replay under way. What it keeps is bounded, but for the names that are bound and the connections that are open.
pub(super) struct Replay<'t, W> {
    name: &'t str,
    pub(super) steps: Steps<'t>,
    url: &'t str,
    pub(super) options: &'t ReplayOptions,
    pub(super) watch: &'t mut W,
    pub(super) open: HashMap<String, Open>,
    pub(super) http: Connections,
    /// How many connections were opened so far.
    opened: usize,
    /// The one connection that has frames which are not sent off yet.
    fed: Option<String>,
    /// The lines that expect frames and wait for them, of all connections, in their order.
    pub(super) pending: VecDeque<Line>,
    /// The last lines whose frames came.
    pub(super) recent: VecDeque<Arc<Step>>,
    pub(super) bindings: Bindings,
    pub(super) summary: Summary,
    note: Option<Arc<str>>,
    started: Instant,
}

/// A line, and the last note before it.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) step: Arc<Step>,
    note: Option<Arc<str>>,
}

/// An open connection.
pub(super) struct Open {
    pub(super) connection: Connection,
    /// The number of connections opened before it.
    number: usize,
    last: Line,
    /// How many of its lines are pending.
    pub(super) pending: usize,
    /// How many frames were handed over since they were last sent off for their number.
    fed: usize,
    /// Whether a frame came that a line expects.
    pub(super) answered: bool,
    /// Frames sent less frames expected: the answers that are still to be expected.
    unanswered: usize,
    /// Whether more is expected than was asked for. What comes unasked may come before or after later answers, so nothing
    /// is sent ahead of it.
    has_pushes: bool,
    /// Frames that no line expected so far, and the line that was waited for.
    pub(super) others: VecDeque<(usize, Came)>,
}

impl Line {
    fn nowhere() -> Line {
        let action = Action::Note(String::new());
        let step = Step { line: 0, text: String::new(), on: String::new(), at_ms: None, action, literal: None };
        Line { step: Arc::new(step), note: None }
    }
}

impl<W: Watch> Replay<'_, W> {
    async fn run(&mut self) -> Result<(), Box<ReplayError>> {
        let mut last = Line::nowhere();
        while let Some(step) = self.steps.next() {
            let step = match step {
                Ok(step) => Arc::new(step),
                Err(error) => {
                    self.settle().await?;
                    return Err(self.failed(&last, error.into()));
                }
            };
            self.watch.step(&step);
            last = Line { step, note: self.note.clone() };
            self.play(&last).await?;
        }
        self.settle().await?;
        self.finish().await
    }

    /// Plays one line: what it expects is pending afterwards, all else is done.
    ///
    /// This is where lines part by the kind of their connection too: what is no frame of a WebSocket is played elsewhere, when
    /// everything expected before it has come.
    async fn play(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        match &line.step.action {
            Action::Note(text) => {
                self.note = Some(text.as_str().into());
                Ok(())
            }
            Action::Secret(name) => self.bind_secret(line, name).await,
            Action::Send(_) | Action::SendText(_) | Action::SendTextBytes(_) | Action::SendBinary(_) => {
                self.send(line).await
            }
            Action::Expect(_) | Action::ExpectText(_) | Action::ExpectClose(_) => self.expect(line).await,
            Action::Request(template) => self.request(line, template).await,
            Action::Response(_) => self.response(line).await,
            Action::Close(CODE_NO_FRAME) if self.http.has(&line.step.on) => self.end_http(line).await,
            Action::Close(code) => self.close(line, *code).await,
        }
    }

    async fn bind_secret(&mut self, line: &Line, name: &str) -> Result<(), Box<ReplayError>> {
        if let Some(value) = self.options.given.get(name) {
            self.bindings.insert(name, value.clone());
            return Ok(());
        }
        self.settle().await?;
        Err(self.failed(line, Fault::Secret(name.to_owned())))
    }

    async fn expect(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        let open = self.turn_to(line).await?;
        open.has_pushes = open.has_pushes || open.unanswered == 0;
        open.unanswered = open.unanswered.saturating_sub(1);
        open.pending += 1;
        self.pending.push_back(line.clone());
        while self.pending.len() > TRANSCRIPT_EXPECTED_MAX {
            self.settle_one().await?;
        }
        Ok(())
    }

    async fn send(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        self.turn_to(line).await?;
        self.settle_others(line).await?;
        self.make_room(line).await?;
        self.keep_time(line).await;
        let (frame, message) = self.filled(line).await?;
        let fed_max = if self.options.speed.is_some() { 1 } else { TRANSCRIPT_FED_MAX };
        let open = self.opened(line);
        let mut sent = open.connection.feed(message).await;
        open.fed += 1;
        if sent.is_ok() && open.fed >= fed_max {
            open.fed = 0;
            sent = open.connection.flush().await;
        }
        if let Err(fault) = sent {
            // What came before may tell why.
            self.settle().await?;
            let fault = self.opened(line).connection.unsent(fault).await;
            return Err(self.failed(line, fault));
        }
        self.opened(line).unanswered += 1;
        self.fed = Some(line.step.on.clone());
        self.travelled(&line.step, Way::Sent, &frame);
        Ok(())
    }

    async fn close(&mut self, line: &Line, code: u16) -> Result<(), Box<ReplayError>> {
        self.turn_to(line).await?;
        self.settle().await?;
        self.keep_time(line).await;
        let mut open = self.open.remove(&line.step.on).expect("a connection is open from its first line on");
        self.fed = None;
        if let Some((_, came)) = open.others.pop_front()
            && self.options.mode == Mode::AnyOrder
        {
            return Err(self.failed(line, Fault::Extra { actual: came.frame, before: false }));
        }
        self.travelled(&line.step, Way::Sent, &Frame::Close(Close { code, reason: String::new() }));
        // Without a close frame there is none to wait for.
        let closed = match (code, self.options.mode) {
            (CODE_NO_FRAME, _) => open.connection.flush().await,
            (_, Mode::Ordered) => open.connection.close_past_frames(code).await,
            _ => open.connection.close(code).await,
        };
        closed.map_err(|fault| self.failed(line, fault))
    }

    /// The connection of a line; its first line opens it.
    async fn turn_to(&mut self, line: &Line) -> Result<&mut Open, Box<ReplayError>> {
        let on = &line.step.on;
        self.turn_from_others(on).await;
        if !self.open.contains_key(on) {
            self.settle().await?;
            let connection = Connection::open(self.url, self.options.frame_wait).await;
            let connection = connection.map_err(|fault| self.failed(line, fault))?;
            let open = Open {
                connection,
                number: self.opened,
                last: line.clone(),
                pending: 0,
                fed: 0,
                answered: false,
                unanswered: 0,
                has_pushes: false,
                others: VecDeque::new(),
            };
            self.opened += 1;
            self.open.insert(on.clone(), open);
        }
        let open = self.opened(line);
        open.last = line.clone();
        Ok(open)
    }

    /// What is sent over one connection must be under way before another is used.
    pub(super) async fn turn_from_others(&mut self, on: &str) {
        if let Some(fed) = self.fed.take_if(|fed| fed != on)
            && let Some(open) = self.open.get_mut(&fed)
        {
            // If it cannot be sent, that is told by the next line that waits there.
            open.connection.flush().await.ok();
        }
    }

    /// Waits for what is expected on other connections: the order across connections is the transcript's.
    async fn settle_others(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        while self.pending.len() > self.opened(line).pending {
            self.settle_one().await?;
        }
        Ok(())
    }

    /// Waits until one more frame may be under way.
    async fn make_room(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        let open = &self.open[&line.step.on];
        let ahead = match self.options.ahead {
            _ if self.options.speed.is_some() || open.has_pushes || !open.answered => 1,
            Some(ahead) => ahead.max(1),
            None if open.connection.is_ours && open.connection.authenticated => TRANSCRIPT_AHEAD_DEFAULT,
            None => 1,
        };
        while self.pending.len() >= ahead {
            self.settle_one().await?;
        }
        if self.pending.is_empty() {
            let open = self.opened(line);
            (open.unanswered, open.has_pushes) = (0, false);
        }
        Ok(())
    }

    /// Waits until it is time for a line. Meanwhile connections are kept alive.
    pub(super) async fn keep_time(&mut self, line: &Line) {
        let Some(due) = self.due(line) else { return };
        let idle = join_all(self.open.values_mut().map(|open| open.connection.idle()));
        select(std::pin::pin!(sleep_until(due)), idle).await;
    }

    /// When it is time for a line, if it says so and that matters. A time that no clock reaches is none.
    fn due(&self, line: &Line) -> Option<Instant> {
        let at = Duration::from_millis(line.step.at_ms?).as_secs_f64() / self.options.speed?;
        self.started.checked_add(Duration::try_from_secs_f64(at).ok()?)
    }

    /// The frame to send; it waits for the names in it.
    async fn filled(&mut self, line: &Line) -> Result<(Frame, Message), Box<ReplayError>> {
        let text = match &line.step.action {
            Action::Send(template) => {
                while let Some(name) = template.unbound(&self.bindings) {
                    if self.pending.is_empty() {
                        return Err(self.failed(line, Fault::Unbound(name.to_owned())));
                    }
                    self.settle_one().await?;
                }
                template.fill(&self.bindings)
            }
            Action::SendTextBytes(bytes) => {
                let shown = Frame::Text(String::from_utf8_lossy(bytes).into_owned());
                let is_final = true;
                let frame = RawFrame::message(bytes.clone(), OpCode::Data(Data::Text), is_final);
                return Ok((shown, Message::Frame(frame)));
            }
            Action::SendBinary(bytes) => return Ok((Frame::Binary(bytes.clone()), Message::binary(bytes.clone()))),
            Action::SendText(text) => text.clone(),
            _ => unreachable!("only lines that send are filled"),
        };
        Ok((Frame::Text(text.clone()), Message::text(text)))
    }

    /// All connections are asked before any is left: that a client leaves may be news to another.
    async fn finish(&mut self) -> Result<(), Box<ReplayError>> {
        let mut open: Vec<Open> = self.open.drain().map(|(_, open)| open).collect();
        open.sort_unstable_by_key(|open| open.number);
        for open in &mut open {
            while let Err(fault) = self.must_be_quiet(open).await {
                let is_extra = matches!(fault, Fault::Extra { .. });
                if !is_extra || !self.watch.forgives(&open.last.step, &fault) {
                    return Err(self.failed(&open.last, fault));
                }
            }
        }
        self.http.finish().await;
        for open in open {
            open.connection.leave().await;
        }
        Ok(())
    }

    async fn must_be_quiet(&self, open: &mut Open) -> Result<(), Fault> {
        if self.options.mode == Mode::Ordered {
            return Ok(());
        }
        match open.others.pop_front() {
            Some((_, came)) => Err(Fault::Extra { actual: came.frame, before: false }),
            None => open.connection.must_be_quiet().await,
        }
    }

    /// Waits for everything that is expected.
    pub(super) async fn settle(&mut self) -> Result<(), Box<ReplayError>> {
        while !self.pending.is_empty() {
            self.settle_one().await?;
        }
        Ok(())
    }

    /// Until when the frame of a line is waited for.
    pub(super) fn deadline(&self, line: &Line) -> Instant {
        let now = Instant::now();
        now.max(self.due(line).unwrap_or(now)) + self.options.frame_wait
    }

    /// The connection of a line that was turned to.
    pub(super) fn opened(&mut self, line: &Line) -> &mut Open {
        self.open.get_mut(&line.step.on).expect("a connection is open from its first line on")
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context { bindings: &self.bindings, ignore: &self.options.ignore }
    }

    pub(super) fn travelled(&mut self, step: &Step, way: Way, frame: &Frame) {
        self.watch.exchanged(step, way, frame);
        match (way, frame) {
            (_, Frame::Close(_)) => {}
            (Way::Sent, _) => self.summary.sent += 1,
            (Way::Received, _) => self.summary.received += 1,
        }
    }

    pub(super) fn failed(&self, line: &Line, fault: Fault) -> Box<ReplayError> {
        Box::new(ReplayError::new(self.name, &line.step, line.note.as_deref(), fault, self.summary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_may_move_between_threads() {
        fn moves(_: impl Future + Send) {}
        let transcript = Transcript::parse("t", "").expect("an empty transcript is one");
        moves(replay(&transcript, "ws://127.0.0.1:9", &ReplayOptions::default(), &mut ()));
    }
}

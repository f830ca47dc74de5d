//! Plays a transcript against a gateway: its lines strictly in order, over real connections.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::bindings::Bindings;
use super::connection::Connection;
use super::exchange::{Close, Exchanged, Frame, Replayed, Way};
use super::failure::{Fault, ReplayError};
use super::json::{Json, quoted};
use super::matching::{Difference, DifferenceKind, compare};
use super::pattern::Pattern;
use super::{Action, ExpectedClose, Step, Transcript};

/// How to replay.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// How long to wait, at most, for a connection, for each frame to come and for each to be taken.
    pub frame_wait: Duration,
}

/// Five seconds a frame: long for a gateway that answers at all, short for a person who waits for one that does not.
impl Default for ReplayOptions {
    fn default() -> Self {
        ReplayOptions { frame_wait: Duration::from_secs(5) }
    }
}

/// Replays a transcript against the gateway at a `ws://` address.
///
/// After the last line every open connection must be quiet: a gateway that sent a frame more than the transcript
/// expects fails. Then the connections are closed with 1000.
pub async fn replay(transcript: &Transcript, url: &str, options: &ReplayOptions) -> Result<Replayed, Box<ReplayError>> {
    let mut replay = Replay {
        url,
        wait: options.frame_wait,
        open: Vec::new(),
        bindings: Bindings::default(),
        replayed: Replayed::default(),
    };
    let mut note = None;
    for step in transcript.steps() {
        if let Err(fault) = replay.step(step).await {
            return Err(Box::new(ReplayError::new(transcript.name(), step, note, fault, replay.replayed)));
        }
        if let Action::Note(text) = &step.action {
            note = Some(text.as_str());
        }
    }
    match replay.finish().await {
        Ok(()) => Ok(replay.replayed),
        Err((step, fault)) => Err(Box::new(ReplayError::new(transcript.name(), step, None, fault, replay.replayed))),
    }
}

struct Replay<'t> {
    url: &'t str,
    wait: Duration,
    /// In the order they were opened.
    open: Vec<Open<'t>>,
    bindings: Bindings,
    replayed: Replayed,
}

struct Open<'t> {
    connection: Connection,
    last: &'t Step,
}

impl<'t> Replay<'t> {
    async fn step(&mut self, step: &'t Step) -> Result<(), Fault> {
        match &step.action {
            Action::Note(_) => Ok(()),
            Action::Send(template) => {
                let text = template.fill(&self.bindings);
                self.send(step, Frame::Text(text.clone()), Message::text(text)).await
            }
            Action::SendText(text) => self.send(step, Frame::Text(text.clone()), Message::text(text)).await,
            Action::SendTextBytes(bytes) => {
                let shown = Frame::Text(String::from_utf8_lossy(bytes).into_owned());
                let is_final = true;
                let frame = RawFrame::message(bytes.clone(), OpCode::Data(Data::Text), is_final);
                self.send(step, shown, Message::Frame(frame)).await
            }
            Action::SendBinary(bytes) => {
                self.send(step, Frame::Binary(bytes.clone()), Message::binary(bytes.clone())).await
            }
            Action::Expect(pattern) => {
                let frame = self.receive(step).await?.ok_or(Fault::Missing { wait: self.wait })?;
                judge(pattern, frame, &mut self.bindings)
            }
            Action::ExpectText(text) => {
                let frame = self.receive(step).await?.ok_or(Fault::Missing { wait: self.wait })?;
                judge_text(text, frame)
            }
            Action::ExpectClose(expected) => {
                let frame = self.receive(step).await?.ok_or(Fault::StillOpen { wait: self.wait })?;
                self.forget(step);
                match frame {
                    Frame::Close(close) if expected.accepts(&close) => Ok(()),
                    Frame::Close(close) => Err(Fault::OtherClose(close)),
                    actual => Err(Fault::NotClosed { actual }),
                }
            }
            Action::Close(code) => {
                self.record(step, Way::Sent, Frame::Close(Close { code: *code, reason: String::new() }));
                self.connection(step).await?.close(*code).await?;
                self.forget(step);
                Ok(())
            }
        }
    }

    async fn send(&mut self, step: &'t Step, frame: Frame, message: Message) -> Result<(), Fault> {
        self.connection(step).await?.send(message).await?;
        self.record(step, Way::Sent, frame);
        Ok(())
    }

    async fn receive(&mut self, step: &'t Step) -> Result<Option<Frame>, Fault> {
        let frame = self.connection(step).await?.receive().await?;
        if let Some(frame) = &frame {
            self.record(step, Way::Received, frame.clone());
        }
        Ok(frame)
    }

    /// The connection of a step; its first step opens it.
    async fn connection(&mut self, step: &'t Step) -> Result<&mut Connection, Fault> {
        let index = match self.open.iter().position(|open| open.last.on == step.on) {
            Some(index) => index,
            None => {
                let connection = Connection::open(self.url, self.wait).await?;
                self.open.push(Open { connection, last: step });
                self.open.len() - 1
            }
        };
        let open = &mut self.open[index];
        open.last = step;
        Ok(&mut open.connection)
    }

    fn forget(&mut self, step: &Step) {
        self.open.retain(|open| open.last.on != step.on);
    }

    fn record(&mut self, step: &Step, way: Way, frame: Frame) {
        self.replayed.frames.push(Exchanged { line: step.line, on: step.on.clone(), way, frame });
    }

    /// All are asked before any leaves: that one leaves may be news to another.
    async fn finish(&mut self) -> Result<(), (&'t Step, Fault)> {
        for open in &mut self.open {
            open.connection.must_be_quiet().await.map_err(|fault| (open.last, fault))?;
        }
        for open in self.open.drain(..) {
            open.connection.leave().await;
        }
        Ok(())
    }
}

impl ExpectedClose {
    fn accepts(&self, close: &Close) -> bool {
        self.code == close.code && self.reason.as_ref().is_none_or(|reason| *reason == close.reason)
    }
}

fn judge(expected: &Pattern, frame: Frame, bindings: &mut Bindings) -> Result<(), Fault> {
    let differences = match &frame {
        Frame::Close(close) => return Err(Fault::Closed(close.clone())),
        Frame::Binary(_) => unlike(expected.to_string(), "a binary frame", &frame),
        Frame::Text(text) => match Json::parse(text) {
            Err(error) => unlike(expected.to_string(), "a text that cannot be compared", &error),
            Ok(actual) => match compare(expected, &actual, bindings) {
                Ok(()) => return Ok(()),
                Err(differences) => differences,
            },
        },
    };
    Err(Fault::Mismatch { actual: frame, differences })
}

fn judge_text(expected: &str, frame: Frame) -> Result<(), Fault> {
    let differences = match &frame {
        Frame::Text(text) if text == expected => return Ok(()),
        Frame::Text(text) => {
            let kind = DifferenceKind::Different { expected: quoted(expected), actual: quoted(text) };
            vec![Difference { path: "$".to_owned(), kind }]
        }
        Frame::Close(close) => return Err(Fault::Closed(close.clone())),
        Frame::Binary(_) => unlike(quoted(expected), "a binary frame", &frame),
    };
    Err(Fault::Mismatch { actual: frame, differences })
}

/// The one difference of a frame that has no parts to compare.
fn unlike(expected: String, actual_type: &'static str, actual: &impl ToString) -> Vec<Difference> {
    let kind = DifferenceKind::WrongType { expected, actual_type, actual: actual.to_string() };
    vec![Difference { path: "$".to_owned(), kind }]
}

//! Plays a transcript against a gateway: its lines strictly in order, over real connections.

use std::sync::Arc;

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::bindings::Bindings;
use super::connection::{CODE_NO_FRAME, Connection};
use super::exchange::{Close, Frame, Summary, Watch, Way};
use super::failure::{Fault, ReplayError};
use super::http::connection::Connections;
use super::json::{Json, quoted};
use super::matching::{Difference, DifferenceKind, compare};
use super::options::ReplayOptions;
use super::pattern::Pattern;
use super::{Action, ExpectedClose, Step, Transcript};

/// Replays a transcript against the gateway at a `ws://` address.
///
/// After the last line every open connection must be quiet: a gateway that sent a frame more than the transcript
/// expects fails. Then the connections are closed with 1000.
pub async fn replay<W: Watch>(
    transcript: &Transcript,
    url: &str,
    options: &ReplayOptions,
    watch: &mut W,
) -> Result<Summary, Box<ReplayError>> {
    let mut replay = Replay {
        url,
        options,
        open: Vec::new(),
        http: Connections::new(url, options.frame_wait),
        bindings: Bindings::default(),
        summary: Summary::default(),
        watch,
    };
    let mut note = None;
    let mut last = Arc::new(Step {
        line: 0,
        text: String::new(),
        on: String::new(),
        at_ms: None,
        action: Action::Note(String::new()),
    });
    let failed = |step: &Step, note: Option<&str>, fault, summary| {
        Box::new(ReplayError::new(transcript.name(), step, note, fault, summary))
    };
    let steps = transcript.steps().map_err(|error| failed(&last, None, error.into(), Summary::default()))?;
    for step in steps {
        let step = match step {
            Ok(step) => Arc::new(step),
            Err(error) => return Err(failed(&last, None, error.into(), replay.summary)),
        };
        replay.watch.step(&step);
        if let Err(fault) = replay.step(&step).await {
            return Err(failed(&step, note.as_deref(), fault, replay.summary));
        }
        if let Action::Note(text) = &step.action {
            note = Some(text.clone());
        }
        last = step;
    }
    match replay.finish().await {
        Ok(()) => Ok(replay.summary),
        Err((step, fault)) => Err(failed(&step, None, fault, replay.summary)),
    }
}

struct Replay<'t, W> {
    url: &'t str,
    options: &'t ReplayOptions,
    /// In the order they were opened.
    open: Vec<Open>,
    http: Connections,
    bindings: Bindings,
    summary: Summary,
    watch: &'t mut W,
}

struct Open {
    connection: Connection,
    last: Arc<Step>,
}

impl<W: Watch> Replay<'_, W> {
    async fn step(&mut self, step: &Arc<Step>) -> Result<(), Fault> {
        match &step.action {
            Action::Note(_) => Ok(()),
            Action::Secret(name) => {
                let value = self.options.given.get(name).ok_or_else(|| Fault::Secret(name.clone()))?;
                self.bindings.insert(name.clone(), value.clone());
                Ok(())
            }
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
                let frame = self.receive(step).await?.ok_or(Fault::Missing { wait: self.options.frame_wait })?;
                judge(pattern, frame, &mut self.bindings)
            }
            Action::ExpectText(text) => {
                let frame = self.receive(step).await?.ok_or(Fault::Missing { wait: self.options.frame_wait })?;
                judge_text(text, frame)
            }
            Action::ExpectClose(expected) => {
                let frame = self.receive(step).await?.ok_or(Fault::StillOpen { wait: self.options.frame_wait })?;
                self.forget(step);
                match frame {
                    Frame::Close(close) if expected.accepts(&close) => Ok(()),
                    Frame::Close(close) => Err(Fault::OtherClose(close)),
                    actual => Err(Fault::NotClosed { actual }),
                }
            }
            Action::Request(template) => {
                let request = template.fill(&self.bindings);
                self.http.send(&step.on, &request).await?;
                self.record(step, Way::Sent, Frame::Request(request));
                Ok(())
            }
            Action::Response(expected) => {
                let response = self.http.receive(&step.on).await?;
                self.record(step, Way::Received, Frame::Response(response.clone()));
                expected.judge(response, &mut self.bindings)
            }
            Action::Close(CODE_NO_FRAME) if self.http.close(&step.on).await => Ok(()),
            Action::Close(code) => {
                self.record(step, Way::Sent, Frame::Close(Close { code: *code, reason: String::new() }));
                let connection = self.connection(step).await?;
                // Without a close frame there is none to wait for.
                if *code != CODE_NO_FRAME {
                    connection.close(*code).await?;
                }
                self.forget(step);
                Ok(())
            }
        }
    }

    async fn send(&mut self, step: &Arc<Step>, frame: Frame, message: Message) -> Result<(), Fault> {
        self.connection(step).await?.send(message).await?;
        self.record(step, Way::Sent, frame);
        Ok(())
    }

    async fn receive(&mut self, step: &Arc<Step>) -> Result<Option<Frame>, Fault> {
        let frame = self.connection(step).await?.receive().await?;
        if let Some(frame) = &frame {
            self.record(step, Way::Received, frame.clone());
        }
        Ok(frame)
    }

    /// The connection of a step; its first step opens it.
    async fn connection(&mut self, step: &Arc<Step>) -> Result<&mut Connection, Fault> {
        let index = match self.open.iter().position(|open| open.last.on == step.on) {
            Some(index) => index,
            None => {
                let connection = Connection::open(self.url, self.options.frame_wait).await?;
                self.open.push(Open { connection, last: step.clone() });
                self.open.len() - 1
            }
        };
        let open = &mut self.open[index];
        open.last = step.clone();
        Ok(&mut open.connection)
    }

    fn forget(&mut self, step: &Step) {
        self.open.retain(|open| open.last.on != step.on);
    }

    fn record(&mut self, step: &Step, way: Way, frame: Frame) {
        self.watch.exchanged(step, way, &frame);
        match (way, frame) {
            (_, Frame::Close(_)) => {}
            (Way::Sent, _) => self.summary.sent += 1,
            (Way::Received, _) => self.summary.received += 1,
        }
    }

    /// All are asked before any leaves: that one leaves may be news to another.
    async fn finish(&mut self) -> Result<(), (Arc<Step>, Fault)> {
        for open in &mut self.open {
            open.connection.must_be_quiet().await.map_err(|fault| (open.last.clone(), fault))?;
        }
        self.http.finish().await;
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
        Frame::Binary(_) | Frame::Request(_) | Frame::Response(_) => {
            unlike(expected.to_string(), "a binary frame", &frame)
        }
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
        Frame::Binary(_) | Frame::Request(_) | Frame::Response(_) => unlike(quoted(expected), "a binary frame", &frame),
    };
    Err(Fault::Mismatch { actual: frame, differences })
}

/// The one difference of a frame that has no parts to compare.
fn unlike(expected: String, actual_type: &'static str, actual: &impl ToString) -> Vec<Difference> {
    let kind = DifferenceKind::WrongType { expected, actual_type, actual: actual.to_string() };
    vec![Difference { path: "$".to_owned(), kind }]
}

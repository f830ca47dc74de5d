//! Writes the lines of a recording: what passed on all connections, one step a line, in the order in which it passed.

use std::collections::HashMap;
use std::fmt::Write;

use super::super::exchange::Way;
use super::super::json::quoted;
use super::frames::Found;
use super::http::{self, Request, Response};
use super::names::Names;
use super::redact::{self, Clock, Redacted, Unfit};
use super::{Rules, Summary};
use crate::config::RECORDED_FRAME_BYTES_MAX;

/// What passed on one connection.
#[derive(Debug)]
pub(super) enum Passed {
    /// A message or a close.
    Frame(Way, Found),
    /// One side sends nothing more.
    Ended(Way),
    /// Nothing passes any more, either way.
    Over,
    /// A request, whole.
    Request(Box<Request>),
    /// Its answer, whole.
    Response(Box<Response>),
    /// A request that is not kept, nor is its answer.
    NoRequest(&'static str),
    /// A request that was not answered, or whose answer was not kept.
    NoResponse(&'static str),
}

/// When something passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Milliseconds since the recording began.
    pub(super) at_ms: u64,
    /// Milliseconds since 1970, by the clock on the wall.
    pub(super) now_ms: i64,
}

impl Moment {
    fn clock(self) -> Clock {
        Clock { began_ms: self.now_ms.saturating_sub_unsigned(self.at_ms), now_ms: self.now_ms }
    }
}

/// Too many values were to be remembered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// What is known of all connections, and of the values that passed on them.
#[derive(Debug)]
pub(super) struct Scribe {
    rules: Rules,
    names: Names,
    open: HashMap<u64, Open>,
    pub(super) summary: Summary,
}

/// A connection that has not ended.
#[derive(Debug, Default)]
struct Open {
    /// The close by which the client ended it. Answers may still come, and a transcript has them before the close.
    closing: Option<u16>,
    /// Whether the line that ends it is written.
    is_ended: bool,
    /// Whether the request that waits for its answer was left out, and its answer must be, too.
    skips: bool,
}

/// The lines of one thing that passed.
struct Lines<'s> {
    out: &'s mut String,
    on: u64,
    at_ms: u64,
}

impl Scribe {
    pub(super) fn new(rules: Rules) -> Self {
        Scribe { rules, names: Names::default(), open: HashMap::new(), summary: Summary::default() }
    }

    /// Appends the lines of what passed.
    pub(super) fn write(&mut self, on: u64, moment: Moment, passed: Passed, out: &mut String) -> Result<(), TooMany> {
        if self.names.are_too_many() {
            return Err(TooMany);
        }
        let mut lines = Lines { out, on, at_ms: moment.at_ms };
        if let Passed::Over = passed {
            let closing = self.open.remove(&on).filter(|open| !open.is_ended).and_then(|open| open.closing);
            closing.iter().for_each(|code| lines.step("close", &code.to_string()));
            return Ok(());
        }
        let open = self.open.entry(on).or_insert_with(|| {
            self.summary.connections += 1;
            Open::default()
        });
        match passed {
            Passed::Over => unreachable!("it was handled above"),
            Passed::Ended(Way::Sent) => open.closing = open.closing.or(Some(1006)),
            Passed::Ended(Way::Received) => self.end(Found::Close(Some(1006), String::new()), &mut lines),
            Passed::Frame(Way::Received, close @ Found::Close(..)) => self.end(close, &mut lines),
            Passed::Frame(Way::Sent, Found::Close(code, _)) => {
                if open.closing.is_none() && !open.is_ended {
                    open.closing = Some(closing(code, &mut lines));
                }
            }
            Passed::Frame(way, found) => self.message(way, found, moment.clock(), &mut lines),
            Passed::Request(request) => self.request(&request, moment.clock(), &mut lines),
            Passed::Response(response) => self.response(&response, moment.clock(), &mut lines),
            Passed::NoRequest(why) => {
                open.skips = true;
                lines.note(why);
            }
            Passed::NoResponse(why) => {
                if !std::mem::take(&mut open.skips) {
                    lines.note(why);
                }
            }
        }
        Ok(())
    }

    /// The gateway's side of a connection has ended.
    fn end(&mut self, close: Found, lines: &mut Lines<'_>) {
        let Found::Close(code, reason) = close else { return };
        let open = self.open.get_mut(&lines.on).expect("whatever passes is of an open connection");
        if std::mem::replace(&mut open.is_ended, true) {
            return;
        }
        match open.closing {
            Some(code) => lines.step("close", &code.to_string()),
            None => {
                let code = code.unwrap_or(1005);
                let tells =
                    !reason.is_empty() && (self.rules.keep_secrets || !redact::may_hold_secret(&reason, &self.names));
                match (is_code(code), tells) {
                    (false, _) => {
                        lines.note(&format!("the gateway closed with {code}, which a transcript cannot expect"));
                    }
                    (true, false) => lines.step("expect_close", &code.to_string()),
                    (true, true) => {
                        lines.step("expect_close", &format!(r#"{{"code":{code},"reason":{}}}"#, quoted(&reason)));
                    }
                }
            }
        }
    }

    fn message(&mut self, way: Way, found: Found, clock: Clock, lines: &mut Lines<'_>) {
        let open = &self.open[&lines.on];
        let who = if way == Way::Sent { "the client" } else { "the gateway" };
        if open.is_ended || (way == Way::Sent && open.closing.is_some()) {
            return lines.note(&format!("{who} sent a frame after the connection was closed"));
        }
        let counter = if way == Way::Sent { &mut self.summary.sent } else { &mut self.summary.received };
        *counter += 1;
        let bytes = match found {
            Found::Text(bytes) => bytes,
            Found::Binary(bytes) if way == Way::Sent => return self.bytes("send_binary", &bytes, lines),
            Found::Binary(bytes) => {
                let bytes = bytes.len();
                return lines.note(&format!("a binary frame of {bytes} bytes came, which a transcript cannot expect"));
            }
            Found::TooLong => {
                return lines.note(&format!("{who} sent a frame of more than {RECORDED_FRAME_BYTES_MAX} bytes"));
            }
            Found::Unreadable => {
                return lines.note(&format!("what {who} sends from here on is not WebSocket; it passes unread"));
            }
            Found::Close(..) => return,
        };
        match String::from_utf8(bytes) {
            Ok(text) => self.text(way, &text, clock, lines),
            Err(error) if way == Way::Sent => self.bytes("send_text_hex", error.as_bytes(), lines),
            Err(_) => lines.note("a text frame came that is not UTF-8, which a transcript cannot expect"),
        }
    }

    fn text(&mut self, way: Way, text: &str, clock: Clock, lines: &mut Lines<'_>) {
        let (word, word_text) = match way {
            Way::Sent => ("send", "send_text"),
            Way::Received => ("expect", "expect_text"),
        };
        match redact::json(text, way, clock, &self.rules, &mut self.names) {
            Ok(redacted) if text.trim_start().starts_with('{') => {
                // As JSON on one line, a frame of several lines would not be sent byte for byte.
                let is_spread =
                    way == Way::Sent && (redacted.text.trim() != redacted.text || text.contains(['\n', '\r']));
                let has_names = redacted.has_names || redacted.hides;
                if (self.rules.exact || is_spread) && !has_names {
                    lines.step(word_text, &quoted(text));
                } else {
                    self.redacted(word, &redacted, lines);
                }
            }
            Ok(redacted) if !redacted.hides => lines.step(word_text, &quoted(text)),
            Err(Unfit::NotJson | Unfit::Repeats) if self.may_be_shown(text) => lines.step(word_text, &quoted(text)),
            Ok(_) | Err(_) => {
                if way == Way::Sent {
                    redact::learn_within(text, &mut self.names);
                }
                self.summary.left_out += 1;
                let who = if way == Way::Sent { "the client" } else { "the gateway" };
                lines.note(&format!(
                    "a frame of {} bytes from {who} is left out: it may hold a secret where no name can stand for it",
                    text.len()
                ));
            }
        }
    }

    fn bytes(&mut self, word: &str, bytes: &[u8], lines: &mut Lines<'_>) {
        if !self.may_be_shown(&String::from_utf8_lossy(bytes)) {
            self.summary.left_out += 1;
            return lines.note(&format!("a frame of {} bytes is left out: it may hold a secret", bytes.len()));
        }
        let mut hex = String::with_capacity(bytes.len() * 2);
        bytes.iter().for_each(|byte| write!(hex, "{byte:02x}").expect("writing to a text does not fail"));
        lines.step(word, &quoted(&hex));
    }

    fn request(&mut self, request: &Request, clock: Clock, lines: &mut Lines<'_>) {
        let written = http::request(request, clock, &self.rules, &mut self.names);
        self.open.get_mut(&lines.on).expect("it was opened above").skips = written.is_err();
        match written {
            Ok(redacted) => {
                self.summary.sent += 1;
                self.redacted("request", &redacted, lines);
            }
            Err(why) => {
                self.summary.left_out += 1;
                lines.note(&format!("a request is left out, and its answer: {why}"));
            }
        }
    }

    fn response(&mut self, response: &Response, clock: Clock, lines: &mut Lines<'_>) {
        let open = self.open.get_mut(&lines.on).expect("it was opened above");
        if std::mem::take(&mut open.skips) {
            return;
        }
        self.summary.received += 1;
        let redacted = http::response(response, clock, &self.rules, &mut self.names);
        self.redacted("response", &redacted, lines);
    }

    /// The line itself, after those of the secrets that must be given for it.
    fn redacted(&mut self, word: &str, redacted: &Redacted, lines: &mut Lines<'_>) {
        for name in &redacted.needs {
            lines.step("secret", &quoted(name));
            self.summary.secrets.push(name.clone());
        }
        lines.step(word, redacted.text.trim());
        for (kind, text) in &redacted.binds {
            self.names.bound(*kind, text);
        }
    }

    fn may_be_shown(&self, text: &str) -> bool {
        self.rules.keep_secrets || !redact::may_hold_secret(text, &self.names)
    }
}

impl Lines<'_> {
    fn step(&mut self, word: &str, value: &str) {
        let Lines { on, at_ms, .. } = self;
        writeln!(self.out, r#"{{"at_ms":{at_ms},"on":"c{on}","{word}":{value}}}"#)
            .expect("writing to a text does not fail");
    }

    fn note(&mut self, text: &str) {
        self.step("note", &quoted(text));
    }
}

/// The code of a close that a transcript's client can make of the one that came.
fn closing(code: Option<u16>, lines: &mut Lines<'_>) -> u16 {
    match code {
        None => 1005,
        Some(code) if is_code(code) => code,
        Some(code) => {
            lines.note(&format!("the client closed with {code}, which a transcript cannot; it has 1005 instead"));
            1005
        }
    }
}

/// Whether it is a code that a transcript takes.
fn is_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1005..=1014 | 3000..=4999)
}

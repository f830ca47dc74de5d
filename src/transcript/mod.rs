//! Transcripts: conversations with a gateway, written down, to be replayed against another.
//!
//! A transcript is a file of JSON Lines, one step a line, pleasant to write by hand:
//!
//! | line | meaning |
//! |---|---|
//! | `{"note":"free text"}` | a comment; a failure quotes the last one |
//! | `{"send":{…}}` | the client sends this frame, byte for byte as it stands |
//! | `{"send_text":"not json"}` | … a text frame of exactly this text |
//! | `{"send_text_hex":"c3 28"}` | … a text frame of these bytes, which need not be UTF-8 |
//! | `{"send_binary":"c3 28"}` | … a binary frame of these bytes |
//! | `{"expect":{…}}` | the next frame from the gateway is this one, compared whole by JSON value |
//! | `{"expect_text":"…"}` | … exactly this text |
//! | `{"expect_close":1008}`, `{"expect_close":{"code":1008,"reason":"…"}}` | the gateway closes |
//! | `{"close":1000}` | the client closes, and no frame is left on the way |
//! | `{"request":{"method":"GET","path":"/livez"}}` | the client sends this HTTP request |
//! | `{"response":{"status":200,"body_text":"ok\n"}}` | the answer to it is this one |
//! | `{"secret":"token_1"}` | the name stands for a secret that was left out; it is given to the replay from outside |
//!
//! Any line may say `"on":"name"`: which connection, `main` if it does not. A connection opens at its first line and
//! ends for good with `close` or `expect_close`. Two more codes than the protocol sends are known: 1005, a close frame
//! without a code, and 1006, a connection that ended without a close frame. Any line may also say `"at_ms":1234`, when it
//! happened after the beginning; only a replay that is asked to keep the time looks at it.
//!
//! A string of a frame that is wholly a placeholder stands for a value. Expected, `<any>`, `<string>`, `<number>`,
//! `<integer>`, `<boolean>`, `<digits>` (a string of decimal digits), `<uuid>` and `<time>` (RFC 3339) accept any value of
//! the kind; `<digits as id>` binds the value to a name too, or requires the value the name has already. `<id>` is then
//! that value: expected, it must come again; sent, it is put in its place. To mean the text `<any>` itself, write
//! `"\u003cany>"`. In an expected frame numbers are compared by their text (`1.50` is not `1.5`), and no key may stand
//! twice.
//!
//! A request has a `method`, a `path` with its query and, where it has any, `headers`, by their names in lower case, and
//! a `body`, which is JSON and compared as frames are, or a `body_text`, which is every other text. An answer has a
//! `status`, and the same of `headers` and body: other headers than those may be there, but no body where none is
//! expected, and any where `"body":"<any>"` is. Nothing is sent that does not stand there, but for the host and the
//! body's length. A header on several lines has an array of values; expected, a string is its first line. Paths and the
//! values of headers may have placeholders within a text, such as `"/chats/<id>?name=<name>"` or
//! `"neptun-session=<string as session>; Path=/"`; what cannot stand in a path is escaped when it is put there. Requests
//! go to the host of the gateway, each on the connection that its line names. A connection is for HTTP or for frames, and
//! the answer is the next line of it after the request; it ends, if it is to, with `{"close":1006}`, and opens again by
//! itself where the gateway ended it between two requests.
//!
//! A transcript may be longer than memory: it is checked whole before it is used, and then read again, step by step.
//!
//! The files are in the order they are used: [`Steps`] reads lines, `pattern` the frames in them, `http` the requests and
//! responses, `text` the texts with placeholders in those; [`replay::replay`] sends, and [`options::Mode`] says which frames may
//! come. `settle` receives: it holds what came against the lines that expect it with [`matching::compare`], but for what
//! [`ignore::Ignore`] leaves out, and tells by `order` what is wrong with a frame that no line expected.
//! [`failure::ReplayError`] tells people about it, [`watch::Watch`] whoever looks on.

pub mod bindings;
pub mod bless;
mod came;
mod connection;
pub mod exchange;
pub mod failure;
pub mod http;
pub mod ignore;
pub mod json;
mod line;
mod masked;
pub mod matching;
pub mod mock;
mod nearest;
pub mod options;
mod order;
pub mod pattern;
pub mod placeholder;
mod quick;
mod reader;
pub mod record;
pub mod replay;
mod secrets;
mod settle;
mod steps;
pub mod text;
pub mod watch;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use self::http::{RequestTemplate, ResponsePattern};
pub use self::masked::masked;
use self::pattern::{Pattern, Template};
pub use self::steps::Steps;

/// A conversation, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    name: String,
    source: Source,
    lines: usize,
}

/// Where the lines of a transcript are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Text(String),
    File(PathBuf),
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// The connection it is about.
    pub on: String,
    /// When it happened, in milliseconds since the beginning, where the line says so.
    pub at_ms: Option<u64>,
    /// What happens.
    pub action: Action,
    /// Where in the text the frame stands that is expected, unless it has placeholders.
    literal: Option<Range<usize>>,
}

impl Step {
    /// The text that needs no comparing: a frame of this very text is the one expected.
    fn literal(&self) -> Option<&str> {
        self.literal.clone().map(|range| &self.text[range])
    }
}

/// What a step does or waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing; it tells the reader something.
    Note(String),
    /// The client sends a JSON frame.
    Send(Template),
    /// The client sends a text frame of exactly this text.
    SendText(String),
    /// The client sends a text frame of these bytes, UTF-8 or not.
    SendTextBytes(Vec<u8>),
    /// The client sends a binary frame.
    SendBinary(Vec<u8>),
    /// The next frame is this one, by value.
    Expect(Pattern),
    /// The next frame is exactly this text.
    ExpectText(String),
    /// The gateway closes the connection.
    ExpectClose(ExpectedClose),
    /// The client closes the connection with this code; 1005 is a close frame without one, 1006 no close frame at all.
    Close(u16),
    /// The client sends an HTTP request.
    Request(RequestTemplate),
    /// The answer to the request before it on the connection is this one.
    Response(ResponsePattern),
    /// Nothing; a name stands for a secret from here on.
    Secret(String),
}

/// A close that is expected from the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedClose {
    /// The close code.
    pub code: u16,
    /// The reason, compared exactly; every reason will do if there is none.
    pub reason: Option<String>,
}

/// Why a transcript cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The file cannot be read.
    #[error("{file}: cannot read the transcript: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of it is wrong.
    #[error("{file}:{line}:{column}: {message}")]
    Refused {
        /// The transcript's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong, and what to write instead.
        message: String,
    },
}

impl Transcript {
    /// Checks the transcript in a file.
    ///
    /// Whatever can be known without a gateway is checked here: after this, only the gateway can be at fault, or whoever
    /// writes to the file meanwhile.
    pub fn read(path: impl AsRef<Path>) -> Result<Transcript, TranscriptError> {
        let path = path.as_ref();
        Transcript { name: path.display().to_string(), source: Source::File(path.to_owned()), lines: 0 }.checked()
    }

    /// Checks a transcript given as text; the name stands in every message about it.
    pub fn parse(name: impl Into<String>, text: impl Into<String>) -> Result<Transcript, TranscriptError> {
        Transcript { name: name.into(), source: Source::Text(text.into()), lines: 0 }.checked()
    }

    /// The file, or whatever the transcript was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of its last step's line.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// The steps, in order.
    pub fn steps(&self) -> Result<Steps<'_>, TranscriptError> {
        match &self.source {
            Source::Text(text) => Ok(Steps::of_text(&self.name, text)),
            Source::File(path) => Steps::of_file(&self.name, path),
        }
    }

    fn checked(mut self) -> Result<Transcript, TranscriptError> {
        self.lines = self.steps()?.try_fold(0, |_, step| step.map(|step| step.line))?;
        Ok(self)
    }
}

impl Action {
    /// The key of the line.
    fn key(&self) -> &'static str {
        match self {
            Action::Note(_) => "note",
            Action::Send(_) => "send",
            Action::SendText(_) => "send_text",
            Action::SendTextBytes(_) => "send_text_hex",
            Action::SendBinary(_) => "send_binary",
            Action::Expect(_) => "expect",
            Action::ExpectText(_) => "expect_text",
            Action::ExpectClose(_) => "expect_close",
            Action::Close(_) => "close",
            Action::Request(_) => "request",
            Action::Response(_) => "response",
            Action::Secret(_) => "secret",
        }
    }
}

impl fmt::Display for ExpectedClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "close {}, reason {reason:?}", self.code),
            None => write!(f, "close {}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Transcript::parse("x.jsonl", text).expect_err("the transcript is refused").to_string()
    }

    #[test]
    fn steps_know_their_line_and_connection() {
        let text = "{\"note\":\"hello\"}\r\n\n  {\"send\":{\"a\":1},\"on\":\"bob\"}\n{\"expect_text\":\"x\"}\n";
        let transcript = Transcript::parse("x.jsonl", text).expect("well formed");
        let steps: Result<Vec<_>, _> = transcript.steps().expect("a text can be read").collect();
        let steps = steps.expect("well formed");
        let seen: Vec<_> = steps.iter().map(|step| (step.line, step.on.as_str())).collect();
        assert_eq!(seen, [(1, "main"), (3, "bob"), (4, "main")]);
        assert_eq!(steps[1].text, r#"{"send":{"a":1},"on":"bob"}"#);
    }

    #[test]
    fn a_name_must_be_bound_on_a_line_before_or_earlier_in_the_frame() {
        let bound = r#"{"expect":{"a":"<any as a>","b":["<a>"]}}"#;
        assert!(Transcript::parse("x.jsonl", format!("{bound}\n{{\"send\":{{\"a\":\"<a>\"}}}}")).is_ok());
        assert_eq!(
            refusal("{\"note\":\"first\"}\n{\"send\":{\"a\":\"<id>\"}}"),
            "x.jsonl:2:14: no value is bound to `id` before this; expect \"<any as id>\" first, \
             or write \"\\u003cid>\" for the text itself"
        );
        assert!(refusal(r#"{"expect":{"b":["<a>"],"a":"<any as a>"}}"#).starts_with("x.jsonl:1:17: no value is bound"));
    }

    #[test]
    fn a_connection_that_ended_is_not_used_again() {
        assert_eq!(
            refusal("{\"close\":1000}\n{\"send\":{},\"on\":\"b\"}\n{\"send\":{}}"),
            "x.jsonl:3:1: connection `main` ended at line 1; name another one, such as \"on\":\"main_again\""
        );
        let text = "{\"expect_close\":1008,\"on\":\"b\"}\n{\"expect_text\":\"\",\"on\":\"b\"}";
        assert!(refusal(text).starts_with("x.jsonl:2:24: connection `b` ended at line 1"));
    }

    #[test]
    fn columns_count_characters() {
        assert!(refusal(r#"{"note":"é","zzz":1}"#).starts_with("x.jsonl:1:13: unknown key `zzz`"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Transcript::read("no/such.jsonl").expect_err("there is no such file");
        assert!(error.to_string().starts_with("no/such.jsonl: cannot read the transcript: "));
    }
}

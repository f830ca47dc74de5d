//! What travelled during a replay, in order: callers read from it which methods and codes were exercised.

use std::fmt;

use super::json::Json;

/// How much travelled in a replay, closes not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// The frames sent.
    pub sent: usize,
    /// The frames received that lines expect.
    pub received: usize,
    /// The frames received that no line expects, and that were passed over.
    pub passed_over: usize,
}

/// Everything that travelled; the frames of the check for extra frames are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The frames of all connections, in the order the transcript handled them.
    pub frames: Vec<Exchanged>,
}

/// One frame that travelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The line of the transcript it belongs to.
    pub line: usize,
    /// The connection.
    pub on: String,
    /// From whom to whom.
    pub way: Way,
    /// The frame.
    pub frame: Frame,
}

/// From whom to whom a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the gateway.
    Sent,
    /// From the gateway to the client.
    Received,
}

/// One frame, as far as a transcript distinguishes frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text frame; bytes sent in it that are not UTF-8 are shown replaced.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// The end of the connection.
    Close(Close),
    /// An HTTP request.
    Request(Request),
    /// The answer to one.
    Response(Response),
}

/// An HTTP request that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method, such as `GET`.
    pub method: String,
    /// Its path, and its query.
    pub path: String,
    /// Its headers, by names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body; empty if there was none.
    pub body: String,
}

/// An HTTP response that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, by names in lower case, one for each line; bytes that are not UTF-8 are shown replaced.
    pub headers: Vec<(String, String)>,
    /// Its body; empty if there was none.
    pub body: Vec<u8>,
}

/// A close frame without a code; RFC 6455 sets this one and the next aside for what a close frame cannot say.
pub(super) const CODE_ABSENT: u16 = 1005;
/// The end of a connection without a close frame.
pub(super) const CODE_NO_FRAME: u16 = 1006;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The close code; 1005 for a close frame without one, 1006 if there was no close frame.
    pub code: u16,
    /// The reason; empty if none was given.
    pub reason: String,
}

impl Replayed {
    /// How many frames were sent, closes not counted.
    pub fn sent(&self) -> usize {
        self.count(Way::Sent)
    }

    /// How many frames were received, closes not counted.
    pub fn received(&self) -> usize {
        self.count(Way::Received)
    }

    fn count(&self, way: Way) -> usize {
        self.frames.iter().filter(|frame| frame.way == way && !matches!(frame.frame, Frame::Close(_))).count()
    }
}

impl Response {
    /// The values of a header, by its name in lower case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Frame {
    /// The frame's `method`, if it has one.
    pub fn method(&self) -> Option<String> {
        self.member("method").as_ref().and_then(Json::as_str).map(str::to_owned)
    }

    /// The frame's `error`, if it is an integer.
    pub fn error(&self) -> Option<i64> {
        match self.member("error")? {
            Json::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The code, if this is a close.
    pub fn close_code(&self) -> Option<u16> {
        match self {
            Frame::Close(close) => Some(close.code),
            _ => None,
        }
    }

    fn member(&self, key: &str) -> Option<Json> {
        match self {
            Frame::Text(text) => Json::parse(text).ok()?.get(key).cloned(),
            _ => None,
        }
    }
}

/// For people: on one line, and without control characters a terminal would obey.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Text(text) => write_tame(f, text),
            Frame::Binary(bytes) => {
                f.write_str("binary frame:")?;
                bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
            Frame::Close(close) => close.fmt(f),
            Frame::Request(request) => write_tame(f, &request.to_string()),
            Frame::Response(response) => write_tame(f, &response.to_string()),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { method, path, headers, body } = self;
        write!(f, "{method} {path}")?;
        headers.iter().try_for_each(|(name, value)| write!(f, " {name}: {value}"))?;
        if body.is_empty() { Ok(()) } else { write!(f, " {body}") }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, " {name}: {value}"))?;
        if self.body.is_empty() { Ok(()) } else { write!(f, " {}", String::from_utf8_lossy(&self.body)) }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "close {}", self.code)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ", reason {:?}", self.reason) }
    }
}

/// Control characters, and the two that no XML may hold, are escaped.
pub(super) fn write_tame(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    text.chars().try_for_each(|char| {
        if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') {
            write!(f, "{}", char.escape_default())
        } else {
            write!(f, "{char}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_tells_its_method_and_its_error() {
        let text = |text: &str| Frame::Text(text.to_owned());
        assert_eq!(text(r#"{"method":"PONG"}"#).method().as_deref(), Some("PONG"));
        assert_eq!(text(r#"{"error":160017,"method":1}"#).error(), Some(160_017));
        assert_eq!(text(r#"{"error":160017,"method":1}"#).method(), None);
        assert_eq!(text("not json").method(), None);
        assert_eq!(Frame::Close(Close { code: 1008, reason: String::new() }).close_code(), Some(1008));
    }

    #[test]
    fn a_frame_is_shown_without_control_characters() {
        assert_eq!(Frame::Text("\u{1b}[31mé\n".to_owned()).to_string(), "\\u{1b}[31mé\\n");
        assert_eq!(Frame::Binary(vec![0xc3, 0x28]).to_string(), "binary frame: c3 28");
    }
}

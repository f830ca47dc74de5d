//! What was recorded, sorted by connection: what the client sends, and what follows each.

use std::collections::BTreeMap;

use super::super::bindings::Bindings;
use super::super::exchange::Frame;
use super::super::json::Json;
use super::super::matching::compare;
use super::super::pattern::Pattern;
use super::super::placeholder::{Kind, Placeholder};
use super::super::{Action, ExpectedClose, Step, Transcript, TranscriptError};
use super::answer::{Answer, answered};
use super::heard::{Asked, Heard, REFERENCES, References, without_references};

/// Transcripts, made ready to answer from.
#[derive(Debug, Default)]
pub struct Script {
    pub(super) files: Vec<File>,
    pub(super) connections: Vec<Recorded>,
}

/// What a file tells apart from its connections.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    /// Which kind of value a name stands for, where a frame says so.
    pub(super) kinds: BTreeMap<String, Kind>,
    /// The line of the first request over HTTP, which no mock answers.
    requests_from: Option<usize>,
}

/// One connection of a file.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The file's index.
    pub(super) file: usize,
    on: String,
    /// What came before the first frame that was sent.
    pub(super) opening: Vec<Follows>,
    pub(super) sends: Vec<Sent>,
}

/// A frame that the client sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) line: usize,
    what: What,
    pub(super) asked: Asked,
    at_ms: Option<u64>,
    pub(super) follows: Vec<Follows>,
}

#[derive(Debug)]
enum What {
    /// An object, its references aside.
    Object(Pattern),
    /// Exactly this frame.
    Exactly(Frame),
}

/// Something that came after a frame was sent.
#[derive(Debug)]
pub(super) struct Follows {
    pub(super) what: Given,
    /// Whether it came by itself, and not as an answer.
    pub(super) is_push: bool,
    /// How long after the sent frame, as recorded.
    pub(super) after_ms: u64,
}

/// What the mock gives.
#[derive(Debug)]
pub(super) enum Given {
    Answer(Answer),
    Close(ExpectedClose),
}

impl Script {
    /// Reads transcripts; their order is that in which clients find their connection. Requests over HTTP are passed over;
    /// [`Script::requests`] says where they begin.
    pub fn read(transcripts: &[Transcript]) -> Result<Script, TranscriptError> {
        let mut script = Script::default();
        for transcript in transcripts {
            script.files.push(File { name: transcript.name().to_owned(), kinds: BTreeMap::new(), requests_from: None });
            let mut reading = Reading { script: &mut script, connections: BTreeMap::new() };
            for step in transcript.steps()? {
                reading.step(step?);
            }
        }
        // One that sent nothing cannot be told from another.
        script.connections.retain(|connection| !connection.sends.is_empty());
        Ok(script)
    }

    /// How many connections can be played.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The files that have requests over HTTP, each with the line of the first.
    pub fn requests(&self) -> impl Iterator<Item = (&str, usize)> {
        self.files.iter().filter_map(|file| Some((file.name.as_str(), file.requests_from?)))
    }
}

impl Recorded {
    /// For people: the file and the name of the connection.
    pub(super) fn described(&self, script: &Script) -> String {
        format!("{} ({})", script.files[self.file].name, self.on)
    }
}

impl Sent {
    /// Whether a client's frame is this one, and if not, where it differs. Names are bound.
    pub(super) fn compare(&self, heard: &Heard, bindings: &mut Bindings) -> Result<(), Vec<String>> {
        let whole = || vec!["$".to_owned()];
        match &self.what {
            What::Exactly(frame) if *frame == heard.frame => Ok(()),
            What::Exactly(_) => Err(whole()),
            What::Object(pattern) => {
                let json = heard.json.as_ref().ok_or_else(whole)?;
                compare(pattern, json, bindings)
                    .map_err(|differences| differences.into_iter().map(|difference| difference.path).collect())
            }
        }
    }
}

/// A file being read.
struct Reading<'s> {
    script: &'s mut Script,
    connections: BTreeMap<String, Open>,
}

/// A connection being read.
struct Open {
    index: usize,
    /// Frames that have no answer yet.
    unanswered: Vec<usize>,
    /// Which frame the last line follows, or is.
    last: Option<usize>,
}

impl Reading<'_> {
    fn step(&mut self, step: Step) {
        let Step { line, on, at_ms, action, .. } = step;
        match action {
            Action::Send(template) => match template.pattern() {
                Some(pattern) => {
                    let references = References::of(template.text());
                    self.sent(&on, Sent::object(line, at_ms, pattern, references));
                }
                None => self.sent(&on, Sent::exactly(line, at_ms, Frame::Text(template.text().to_owned()))),
            },
            Action::SendText(text) => self.sent(&on, Sent::text(line, at_ms, text)),
            Action::SendTextBytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => self.sent(&on, Sent::text(line, at_ms, text)),
                // Which bytes they are cannot be seen: a text is either text or the end of the connection.
                Err(error) => self.sent(&on, Sent::exactly(line, at_ms, not_utf8(error.as_bytes()))),
            },
            Action::SendBinary(bytes) => self.sent(&on, Sent::exactly(line, at_ms, Frame::Binary(bytes))),
            Action::Expect(pattern) => {
                self.learn_kinds(&pattern);
                let head = Json::parse(&pattern.to_string()).ok();
                self.answer(&on, at_ms, head.as_ref(), |request| Answer::of_pattern(pattern, request));
            }
            Action::ExpectText(text) => {
                let head = Json::parse(&text).ok();
                self.answer(&on, at_ms, head.as_ref(), |request| Answer::of_text(&text, request));
            }
            Action::ExpectClose(close) => {
                let last = self.open(&on).last;
                self.follows(&on, last, at_ms, Given::Close(close), true);
            }
            Action::Request(_) => {
                let file = self.script.files.last_mut().expect("a file is being read");
                file.requests_from.get_or_insert(line);
            }
            _ => {}
        }
    }

    fn open(&mut self, on: &str) -> &mut Open {
        let script = &mut *self.script;
        self.connections.entry(on.to_owned()).or_insert_with(|| {
            let file = script.files.len() - 1;
            let recorded = Recorded { file, on: on.to_owned(), opening: Vec::new(), sends: Vec::new() };
            script.connections.push(recorded);
            Open { index: script.connections.len() - 1, unanswered: Vec::new(), last: None }
        })
    }

    fn sent(&mut self, on: &str, sent: Sent) {
        let index = self.open(on).index;
        let sends = &mut self.script.connections[index].sends;
        sends.push(sent);
        let new = sends.len() - 1;
        let open = self.open(on);
        open.unanswered.push(new);
        open.last = Some(new);
    }

    fn answer(
        &mut self,
        on: &str,
        at_ms: Option<u64>,
        head: Option<&Json>,
        answer: impl FnOnce(Option<&Asked>) -> Answer,
    ) {
        let open = self.open(on);
        let (index, last) = (open.index, open.last);
        let unanswered = open.unanswered.clone();
        let sends = &self.script.connections[index].sends;
        let request = answered(head, unanswered.iter().map(|request| (*request, &sends[*request].asked)));
        let answer = answer(request.map(|request| &sends[request].asked));
        let open = self.open(on);
        open.unanswered.retain(|unanswered| Some(*unanswered) != request);
        open.last = request.or(last);
        self.follows(on, request.or(last), at_ms, Given::Answer(answer), request.is_none());
    }

    fn follows(&mut self, on: &str, after: Option<usize>, at_ms: Option<u64>, what: Given, is_push: bool) {
        let index = self.open(on).index;
        let recorded = &mut self.script.connections[index];
        let (sent_ms, list) = match after {
            Some(after) => {
                let sent = &mut recorded.sends[after];
                (sent.at_ms, &mut sent.follows)
            }
            None => (at_ms, &mut recorded.opening),
        };
        let after_ms = at_ms.zip(sent_ms).map(|(at_ms, sent_ms)| at_ms.saturating_sub(sent_ms));
        // Without a time, right after what came before it.
        let after_ms = after_ms.or(list.last().map(|before| before.after_ms)).unwrap_or_default();
        list.push(Follows { what, is_push, after_ms });
    }

    fn learn_kinds(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Placeholder(Placeholder::Kind(kind, Some(name))) => {
                let file = self.script.files.last_mut().expect("a file is being read");
                file.kinds.entry(name.clone()).or_insert(*kind);
            }
            Pattern::Placeholder(_) | Pattern::Leaf(_) | Pattern::Text(_) => {}
            Pattern::Array(items) => items.iter().for_each(|item| self.learn_kinds(item)),
            Pattern::Object(members) => members.iter().for_each(|(_, value)| self.learn_kinds(value)),
        }
    }
}

impl Sent {
    fn object(line: usize, at_ms: Option<u64>, pattern: Pattern, references: References) -> Self {
        let Pattern::Object(mut members) = pattern else { unreachable!("a frame that is sent is an object") };
        members.retain(|(name, _)| !REFERENCES.contains(&name.as_str()));
        let method = members.iter().find_map(|(name, value)| match value {
            Pattern::Leaf(value) if name == "method" => value.as_str().map(str::to_owned),
            _ => None,
        });
        let what = What::Object(Pattern::Object(members));
        Sent { line, what, asked: Asked { method, references }, at_ms, follows: Vec::new() }
    }

    fn text(line: usize, at_ms: Option<u64>, text: String) -> Self {
        match Json::parse(&text) {
            Ok(json @ Json::Object(_)) => {
                Self::object(line, at_ms, literal(without_references(json)), References::of(&text))
            }
            _ => Self::exactly(line, at_ms, Frame::Text(text)),
        }
    }

    fn exactly(line: usize, at_ms: Option<u64>, frame: Frame) -> Self {
        let heard = Heard::new(frame);
        let (method, references) = (heard.method().map(str::to_owned), heard.references);
        let asked = Asked { method, references };
        Sent { line, what: What::Exactly(heard.frame), asked, at_ms, follows: Vec::new() }
    }
}

/// What stands for a text frame that is not UTF-8.
pub(super) fn not_utf8(bytes: &[u8]) -> Frame {
    debug_assert!(std::str::from_utf8(bytes).is_err() || bytes.is_empty(), "this is a text");
    Frame::Text(char::REPLACEMENT_CHARACTER.to_string())
}

fn literal(json: Json) -> Pattern {
    match json {
        Json::Array(items) => Pattern::Array(items.into_iter().map(literal).collect()),
        Json::Object(members) => {
            Pattern::Object(members.into_iter().map(|(name, value)| (name, literal(value))).collect())
        }
        leaf => Pattern::Leaf(leaf),
    }
}

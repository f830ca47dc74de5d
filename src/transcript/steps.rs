//! The steps of a transcript, read one by one, and what the lines so far mean for the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::exchange::CODE_NO_FRAME;
use super::line::{self, Line};
use super::reader::Refusal;
use super::{Action, Step, TranscriptError};
use crate::config::TRANSCRIPT_LINE_BYTES_MAX;

/// Reads the steps of a transcript; ends after the first line that is refused.
pub struct Steps<'t> {
    name: &'t str,
    lines: Lines<'t>,
    line: usize,
    checks: Checks,
    over: bool,
}

enum Lines<'t> {
    Text(std::str::Lines<'t>),
    File(BufReader<File>),
}

impl<'t> Steps<'t> {
    pub(super) fn of_text(name: &'t str, text: &'t str) -> Self {
        Self::new(name, Lines::Text(text.lines()))
    }

    pub(super) fn of_file(name: &'t str, path: &Path) -> Result<Self, TranscriptError> {
        match File::open(path) {
            Ok(file) => Ok(Self::new(name, Lines::File(BufReader::new(file)))),
            Err(source) => Err(TranscriptError::Unreadable { file: name.to_owned(), source }),
        }
    }

    fn new(name: &'t str, lines: Lines<'t>) -> Self {
        Self { name, lines, line: 0, checks: Checks::default(), over: false }
    }

    fn step(&mut self) -> Result<Option<Step>, TranscriptError> {
        loop {
            self.line += 1;
            let text = match self.lines.next() {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(text))) => text,
                Ok(Some(Err(Refused { before, at, message }))) => {
                    return Err(self.refused(&before, Refusal { at, message }));
                }
                Err(source) => return Err(TranscriptError::Unreadable { file: self.name.to_owned(), source }),
            };
            if !text.trim().is_empty() {
                let step = self.checks.step(self.line, &text);
                return step.map(Some).map_err(|refusal| self.refused(&text, refusal));
            }
        }
    }

    fn refused(&self, text: &str, Refusal { at, message }: Refusal) -> TranscriptError {
        TranscriptError::Refused { file: self.name.to_owned(), line: self.line, column: column(text, at), message }
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step().transpose();
        self.over = !matches!(step, Some(Ok(_)));
        step
    }
}

/// A line that is no text: what could be read of it, where that ends, and why.
struct Refused {
    before: String,
    at: usize,
    message: String,
}

impl Lines<'_> {
    fn next(&mut self) -> io::Result<Option<Result<String, Refused>>> {
        let reader = match self {
            Lines::Text(lines) => return Ok(lines.next().map(|line| Ok(line.to_owned()))),
            Lines::File(reader) => reader,
        };
        let mut bytes = Vec::new();
        let bytes_max = u64::try_from(TRANSCRIPT_LINE_BYTES_MAX).expect("a line fits into memory");
        if reader.take(bytes_max).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.len() == TRANSCRIPT_LINE_BYTES_MAX && !bytes.ends_with(b"\n") {
            let message = format!("the line has more than {TRANSCRIPT_LINE_BYTES_MAX} bytes; no frame needs as many");
            return Ok(Some(Err(Refused { before: String::new(), at: 0, message })));
        }
        let end = bytes.len() - bytes.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        bytes.truncate(end);
        Ok(Some(String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
            Refused { before, at, message: "not UTF-8; write other bytes with `send_text_hex` or `send_binary`".into() }
        })))
    }
}

/// What the lines so far mean for the next one.
#[derive(Default)]
struct Checks {
    names: BTreeSet<String>,
    /// Connections that have ended, and the line that ended them.
    ended: BTreeMap<String, usize>,
    /// Connections that are open, and what they are for.
    open: BTreeMap<String, For>,
}

/// What a connection is for, by its first line.
#[derive(Clone, Copy)]
enum For {
    Frames,
    /// Whether the last line of it is a request.
    Http {
        asked: bool,
    },
}

impl Checks {
    fn step(&mut self, line: usize, text: &str) -> Result<Step, Refusal> {
        let Line { on, on_at, at_ms, action, literal } = line::read(text, &mut self.names)?;
        if let Some(ended) = self.ended.get(&on)
            && !matches!(action, Action::Note(_) | Action::Secret(_))
        {
            let message =
                format!("connection `{on}` ended at line {ended}; name another one, such as \"on\":\"{on}_again\"");
            return Err(Refusal { at: on_at, message });
        }
        self.follows(&on, &action).map_err(|message| Refusal { at: on_at, message })?;
        if matches!(action, Action::Close(_) | Action::ExpectClose(_)) {
            self.ended.insert(on.clone(), line);
            self.open.remove(&on);
        }
        let indent = text.len() - text.trim_start().len();
        let literal = literal.map(|range| range.start - indent..range.end - indent);
        Ok(Step { line, text: text.trim().to_owned(), on, at_ms, action, literal })
    }

    /// Holds an action against what its connection is for, and where it stands.
    fn follows(&mut self, on: &str, action: &Action) -> Result<(), String> {
        let known = self.open.get(on).copied();
        let now = match (action, known) {
            (Action::Note(_) | Action::Secret(_), _) => return Ok(()),
            (Action::Request(_), None | Some(For::Http { asked: false })) => For::Http { asked: true },
            (Action::Response(_), Some(For::Http { asked: true })) => For::Http { asked: false },
            // An answer may be left behind.
            (Action::Close(CODE_NO_FRAME), Some(For::Http { .. })) => return Ok(()),
            (Action::Request(_) | Action::Response(_), Some(For::Frames)) => {
                return Err(format!("connection `{on}` is for frames; name another one, such as \"on\":\"{on}_http\""));
            }
            (Action::Request(_), Some(For::Http { asked: true })) => {
                return Err(format!("the request before it on `{on}` has no response; add it before this line"));
            }
            (Action::Response(_), None | Some(For::Http { asked: false })) => {
                return Err(format!("no request on `{on}` waits for a response; add it before this line"));
            }
            (_, Some(For::Http { .. })) => {
                return Err(format!(
                    "connection `{on}` is for HTTP, and has requests, responses and perhaps {{\"close\":1006}}; name \
                     another one, such as \"on\":\"{on}_frames\""
                ));
            }
            (_, None | Some(For::Frames)) => For::Frames,
        };
        if known.is_none() || !matches!(now, For::Frames) {
            self.open.insert(on.to_owned(), now);
        }
        Ok(())
    }
}

/// The column of a byte in a line, in characters, from 1.
fn column(text: &str, at: usize) -> usize {
    1 + text.char_indices().take_while(|(index, _)| *index < at).count()
}

#[cfg(test)]
mod tests {
    use super::super::Transcript;
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let path = directory.path().join("x.jsonl");
        std::fs::write(&path, bytes).expect("there is room for a file");
        let error = Transcript::read(&path).expect_err("the transcript is refused").to_string();
        error.strip_prefix(&path.display().to_string()).expect("the file is named").to_owned()
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(column("é<", 2), 2);
    }

    #[test]
    fn bytes_that_are_no_text_are_located() {
        assert_eq!(
            refusal(b"{\"note\":\"\"}\n{\"note\":\"\xc3\xa9 \xff\"}\n"),
            ":2:12: not UTF-8; write other bytes with `send_text_hex` or `send_binary`"
        );
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let endless = vec![b' '; TRANSCRIPT_LINE_BYTES_MAX + 1];
        assert!(refusal(&endless).starts_with(":1:1: the line has more than"));
    }

    #[test]
    fn a_file_that_ends_within_a_line_is_refused_there() {
        assert!(refusal(b"{\"note\":\"\"}\n{\"send\":{\"method\":\"PI").starts_with(":2:22: the line is cut short"));
    }

    #[test]
    fn reading_ends_with_the_first_line_that_is_refused() {
        let mut steps = Steps::of_text("x", "{\"note\":\"\"}\n?\n{\"note\":\"\"}");
        assert!(matches!(steps.next(), Some(Ok(_))));
        assert!(matches!(steps.next(), Some(Err(_))));
        assert!(steps.next().is_none());
    }
}

//! The one thread that writes a recording: whole lines, and at once when nothing more waits.

use std::fs::File;
use std::io::Write;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::scribe::Scribe;
use super::{Cut, Event, Rules, Summary};

/// Bytes of lines that are written together while more wait.
const WRITE_BYTES: usize = 64 << 10;

/// Writes events as lines until there are no more.
pub(super) fn write(
    events: UnboundedReceiver<Event>,
    file: File,
    rules: Rules,
    bytes_max: u64,
) -> (Summary, Result<(), Cut>) {
    let mut scribe = Scribe::new(rules);
    let mut output = Output { file, lines: String::new(), written: 0, bytes_max };
    let ended = lines(events, &mut scribe, &mut output);
    let ended = match output.flush() {
        Ok(()) => ended,
        Err(cut) => ended.and(Err(cut)),
    };
    (scribe.summary, ended)
}

fn lines(mut events: UnboundedReceiver<Event>, scribe: &mut Scribe, output: &mut Output) -> Result<(), Cut> {
    loop {
        let event = match events.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                output.flush()?;
                events.blocking_recv()
            }
        };
        match event {
            Some(Event::Passed { on, moment, passed, _room }) => {
                scribe.write(on, moment, passed, &mut output.lines).map_err(|_| Cut::TooMany)?;
                if output.lines.len() >= WRITE_BYTES {
                    output.flush()?;
                }
            }
            Some(Event::Behind) => return Err(Cut::Behind),
            Some(Event::Stop) | None => return Ok(()),
        }
    }
}

/// The file, and the lines that are not in it yet.
struct Output {
    file: File,
    lines: String,
    written: u64,
    bytes_max: u64,
}

impl Output {
    fn flush(&mut self) -> Result<(), Cut> {
        let lines = std::mem::take(&mut self.lines);
        let bytes = lines.len() as u64;
        if self.written + bytes > self.bytes_max {
            return Err(Cut::Full(self.bytes_max));
        }
        self.file.write_all(lines.as_bytes())?;
        self.written += bytes;
        // Its memory serves the next lines, unless a huge frame made it large.
        self.lines = lines;
        self.lines.clear();
        self.lines.shrink_to(2 * WRITE_BYTES);
        Ok(())
    }
}

//! Test Anything Protocol, version 14: a line a transcript, and for a failure a block of YAML.

use std::io::{self, Write};

use guestlist::transcript::failure::ReplayError;
use serde_json::Value;

use super::{Outcome, Report, told};

#[derive(Default)]
pub struct Tap {
    number: usize,
}

impl Report for Tap {
    fn begin(&mut self, out: &mut dyn Write, transcripts: usize) -> io::Result<()> {
        writeln!(out, "TAP version 14\n1..{transcripts}")
    }

    fn outcome(&mut self, out: &mut dyn Write, Outcome { name, took, result }: &Outcome) -> io::Result<()> {
        self.number += 1;
        let (number, name) = (self.number, escaped(name));
        match result {
            Ok(_) => writeln!(out, "ok {number} - {name}\n  ---\n  duration_ms: {}\n  ...", took.as_millis()),
            Err(error) => {
                writeln!(out, "not ok {number} - {name}\n  ---\n  duration_ms: {}", took.as_millis())?;
                diagnosis(out, error)?;
                writeln!(out, "  ...")
            }
        }
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

fn diagnosis(out: &mut dyn Write, error: &ReplayError) -> io::Result<()> {
    writeln!(out, "  message: {}", quoted(&error.fault.to_string()))?;
    writeln!(out, "  severity: fail\n  at:\n    file: {}\n    line: {}", quoted(&error.transcript), error.line)?;
    if let Some(expected) = &error.expected {
        writeln!(out, "  wanted: {}", quoted(expected))?;
    }
    if let Some(actual) = error.fault.actual() {
        writeln!(out, "  found: {}", quoted(&actual.to_string()))?;
    }
    writeln!(out, "  report: {}", quoted(&told(error)))
}

/// A string as YAML has it. It is that of JSON, but for characters that YAML takes for line breaks, or not at all.
fn quoted(text: &str) -> String {
    let is_escaped = |char: char| {
        char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let json = Value::from(text).to_string();
    let escape = |char: char| if is_escaped(char) { format!("\\u{:04x}", u32::from(char)) } else { char.to_string() };
    json.chars().map(escape).collect()
}

/// A `#` would begin a directive, and a line break the next line.
fn escaped(name: &str) -> String {
    let escape = |char: char| match char {
        '\\' | '#' => format!("\\{char}"),
        _ if char.is_control() => char.escape_default().to_string(),
        _ => char.to_string(),
    };
    name.chars().map(escape).collect()
}

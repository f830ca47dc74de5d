//! Test Anything Protocol, version 14: a line a transcript, and for a failure a block of YAML.

use std::io::{self, Write};

use guestlist::transcript::failure::ReplayError;
use serde_json::json;

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

/// JSON strings are YAML strings too, whatever is in them.
fn diagnosis(out: &mut dyn Write, error: &ReplayError) -> io::Result<()> {
    writeln!(out, "  message: {}", json!(error.fault.to_string()))?;
    writeln!(out, "  severity: fail\n  at:\n    file: {}\n    line: {}", json!(error.transcript), error.line)?;
    if let Some(expected) = &error.expected {
        writeln!(out, "  wanted: {}", json!(expected))?;
    }
    if let Some(actual) = error.fault.actual() {
        writeln!(out, "  found: {}", json!(actual.to_string()))?;
    }
    writeln!(out, "  report: {}", json!(told(error)))
}

/// A `#` would begin a directive.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('#', "\\#")
}

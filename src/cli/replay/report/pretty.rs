//! For people: a line a transcript, and everything about what was not as expected.

use std::io::{self, IsTerminal, Write};

use super::{Outcome, Report};

#[derive(Default)]
pub struct Pretty {
    all: usize,
    different: usize,
}

impl Report for Pretty {
    fn outcome(&mut self, out: &mut dyn Write, Outcome { name, took, result }: &Outcome) -> io::Result<()> {
        self.all += 1;
        match result {
            Ok(frames) => writeln!(out, "ok    {name}  ({frames} frames, {took:.1?})"),
            Err(error) => {
                self.different += 1;
                write!(out, "{}", error.report(io::stdout().is_terminal()))
            }
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Self { all, different } = self;
        let noun = if *all == 1 { "transcript" } else { "transcripts" };
        writeln!(out, "{all} {noun} replayed, {different} {}", if *different == 1 { "differs" } else { "differ" })
    }
}

//! How the outcome of replays is told: to people, or to the programs that gather the results of tests.

mod junit;
mod pretty;
mod tap;

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use guestlist::transcript::failure::ReplayError;

/// The forms that outcomes are told in.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Pretty,
    /// Test Anything Protocol, version 14
    Tap,
    /// The XML of JUnit, which most CI systems read
    Junit,
}

/// How the replay of one transcript went.
#[derive(Debug)]
pub struct Outcome {
    /// The transcript.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// Frames sent and received, or what was not as expected.
    pub result: Result<usize, Box<ReplayError>>,
}

/// Tells outcomes, one after the other.
pub trait Report {
    /// Before the first.
    fn begin(&mut self, _out: &mut dyn Write, _transcripts: usize) -> io::Result<()> {
        Ok(())
    }

    /// One of them.
    fn outcome(&mut self, out: &mut dyn Write, outcome: &Outcome) -> io::Result<()>;

    /// After the last.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

impl Format {
    /// Who tells outcomes so.
    pub fn report(self) -> Box<dyn Report> {
        match self {
            Self::Pretty => Box::new(pretty::Pretty::default()),
            Self::Tap => Box::new(tap::Tap::default()),
            Self::Junit => Box::new(junit::Junit::default()),
        }
    }
}

/// A failure told without colours, without the line break at its end.
fn told(error: &ReplayError) -> String {
    error.report(false).to_string().trim_end().to_owned()
}

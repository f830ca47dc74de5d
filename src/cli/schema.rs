//! `guestlist schema`: prints what the API looks like, for programs.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use guestlist::schema::{asyncapi, openapi};
use guestlist::server;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  guestlist schema asyncapi\n  guestlist schema openapi --out openapi.json")]
pub struct Schema {
    /// The WebSocket API as AsyncAPI 3.1 has it, or the HTTP API as OpenAPI 3.1 has it
    document: Document,
    /// The file to write, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    Asyncapi,
    Openapi,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be written: {1}")]
struct NotWritten(String, #[source] io::Error);

impl Schema {
    pub fn run(self) -> ExitCode {
        match self.write() {
            Ok(()) => ExitCode::SUCCESS,
            // A reader such as `head` that has seen enough is no failure.
            Err(NotWritten(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => super::failed(error),
        }
    }

    fn write(&self) -> Result<(), NotWritten> {
        let document = match self.document {
            Document::Asyncapi => asyncapi::document(),
            Document::Openapi => openapi::document(&server::operations()),
        };
        let text = format!("{document:#}\n");
        match &self.out {
            Some(file) => fs::write(file, text).map_err(|error| NotWritten(file.display().to_string(), error)),
            None => {
                let written = io::stdout().lock().write_all(text.as_bytes());
                written.map_err(|error| NotWritten("standard output".to_owned(), error))
            }
        }
    }
}

//! `guestlist mock`: answers from transcripts alone.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use guestlist::transcript::mock::{Mock as Counterpart, MockOptions, Script};
use guestlist::transcript::{Transcript, TranscriptError};
use tokio::signal::unix::{SignalKind, signal};

use super::replay::transcripts::{self, FilesError};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Mock {
    /// Transcripts, and directories of them; a client plays the first recorded connection that begins as it does.
    /// Requests over HTTP in them are passed over
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// Pass frames that no transcript has on to this server, instead of refusing them
    #[arg(long, value_name = "URL")]
    spy: Option<String>,
    /// Let what came by itself come when it did, so many times faster; else it comes at once
    #[arg(long, value_name = "TIMES", value_parser = speed)]
    speed: Option<f64>,
    /// End when the first client has gone
    #[arg(long)]
    once: bool,
}

const EXAMPLES: &str = "\
A client's frames are found among the recorded ones by value, its references aside, which come back in the answers. One that
no transcript has is refused and told, and makes the exit code 1 in the end; 2 means that the mock could not be had.

Examples:
  guestlist mock fixtures/signups/python_sdk.jsonl
  guestlist mock mine.jsonl --once --speed 10
  guestlist mock mine.jsonl --spy ws://127.0.0.1:5020/nandbox/api/";

#[derive(Debug, thiserror::Error)]
enum MockError {
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("no client sends anything over a WebSocket in these transcripts, so there is nothing to answer")]
    Empty,
    #[error("{0} cannot be listened on: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Mock {
    pub fn run(self) -> ExitCode {
        match self.mock() {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(error) => super::failed(error),
        }
    }

    /// How many frames were refused.
    fn mock(self) -> Result<usize, MockError> {
        let transcripts: Result<Vec<_>, _> = transcripts::files(&self.files)?.iter().map(Transcript::read).collect();
        let script = Script::read(&transcripts?)?;
        for (file, line) in script.requests() {
            eprintln!(
                "guestlist: {file}:{line}: only WebSockets are mocked; requests over HTTP, from here on, are passed over"
            );
        }
        if script.connections() == 0 {
            return Err(MockError::Empty);
        }
        super::runtime()?.block_on(self.serve(script))
    }

    async fn serve(self, script: Script) -> Result<usize, MockError> {
        // Before anything listens: a stop that comes early must not be missed.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let told = Box::new(|unknown: &_| eprintln!("guestlist: {unknown}"));
        let options = MockOptions { listen: self.listen, spy: self.spy, speed: self.speed, told };
        let mock = Counterpart::start(script, options).await.map_err(|error| MockError::Listen(self.listen, error))?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "mocking on {}", mock.url())?;
        stdout.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = mock.ended(1), if self.once => {}
        }
        let (clients, unknown) = mock.stop().await;
        eprintln!("guestlist: the mock has ended; clients: {clients}, refused frames: {unknown}");
        Ok(unknown)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    let speed = speed.filter(|speed| (0.001..=1_000_000.0).contains(speed));
    speed.ok_or_else(|| "write how many times faster, such as 1, 10 or 0.5".to_owned())
}

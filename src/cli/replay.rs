//! `guestlist replay`: runs transcripts and shows what differs.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options, StartError, Store};
use guestlist::journal::memory::MemoryJournal;
use guestlist::seed::Seed;
use guestlist::transcript::failure::{Fault, ReplayError};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use guestlist::transcript::{Transcript, TranscriptError};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Replay {
    /// Transcripts, or directories of them (*.jsonl)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run against this gateway instead of a fresh one with the demo data
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Seconds to wait for each frame
    #[arg(long, default_value_t = 5)]
    wait: u64,
}

const EXAMPLES: &str = "\
Each transcript runs against a fresh gateway in this process, in memory and with the demo data. Exit code 0 where every frame
was as expected, 1 where one was not, 2 where a transcript or gateway could not be had.

Examples:
  guestlist replay fixtures/signups
  guestlist replay --url ws://127.0.0.1:5020/nandbox/api/ mine.jsonl";

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    #[error("{0} cannot be read: {1}")]
    Directory(PathBuf, #[source] std::io::Error),
    #[error("{0} has no transcripts: no file ends in .jsonl")]
    Empty(PathBuf),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    NotReached(Box<ReplayError>),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Replay {
    pub fn run(self) -> ExitCode {
        match self.replay() {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(error) => super::failed(error),
        }
    }

    /// How many transcripts differed.
    fn replay(&self) -> Result<usize, Unusable> {
        let mut transcripts = Vec::new();
        for path in &self.files {
            for file in expand(path)? {
                transcripts.push(Transcript::read(&file)?);
            }
        }
        super::runtime()?.block_on(async {
            let mut different = 0;
            for transcript in &transcripts {
                different += usize::from(!self.one(transcript).await?);
            }
            println!("{} transcripts replayed, {different} differ", transcripts.len());
            Ok(different)
        })
    }

    async fn one(&self, transcript: &Transcript) -> Result<bool, Unusable> {
        let options = ReplayOptions { frame_wait: Duration::from_secs(self.wait), ..ReplayOptions::default() };
        let outcome = match &self.url {
            Some(url) => replay(transcript, url, &options, &mut ()).await,
            None => {
                let gateway = Gateway::start(fresh()).await?;
                let outcome = replay(transcript, &gateway.url(), &options, &mut ()).await;
                gateway.stop().await;
                outcome
            }
        };
        match outcome {
            Ok(summary) => {
                println!("ok    {}  ({} frames)", transcript.name(), summary.sent + summary.received);
                Ok(true)
            }
            Err(error) if matches!(error.fault, Fault::Connect { .. }) => Err(Unusable::NotReached(error)),
            Err(error) => {
                println!("{}", error.report(std::io::stdout().is_terminal()));
                Ok(false)
            }
        }
    }
}

fn fresh() -> Options {
    Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        store: Store::Memory(MemoryJournal::default()),
        seed: Seed::demo(),
        limits: Limits::default(),
        error_method: false,
        public_url: None,
        open_sign_up: true,
    }
}

fn expand(path: &Path) -> Result<Vec<PathBuf>, Unusable> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| Unusable::Directory(path.to_owned(), error);
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
    let mut files: Vec<PathBuf> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort_unstable();
    if files.is_empty() { Err(Unusable::Empty(path.to_owned())) } else { Ok(files) }
}

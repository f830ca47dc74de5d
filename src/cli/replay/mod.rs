//! `guestlist replay`: runs transcripts, and shows or accepts what differs.

mod given;
mod progress;
mod report;
pub mod transcripts;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use guestlist::gateway::{Gateway, Options, StartError};
use guestlist::transcript::bindings::Bindings;
use guestlist::transcript::bless::bless;
use guestlist::transcript::failure::{Fault, ReplayError};
use guestlist::transcript::ignore::Ignore;
use guestlist::transcript::options::{Mode, ReplayOptions};
use guestlist::transcript::replay::replay;
use guestlist::transcript::watch::Watch;
use guestlist::transcript::{Step, Transcript, TranscriptError};

use self::given::Given;
use self::progress::Progress;
use self::report::{Format, Outcome};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Replay {
    /// Transcripts, or directories in which and below which they are (*.jsonl)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run against this gateway instead of a fresh one with the demo data
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Which frames may come, and in which order, on each connection
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Parts of frames that may differ, such as $.date or $.signups[*].id; may be repeated
    #[arg(long, value_name = "JSON-PATH")]
    ignore: Vec<String>,
    /// A secret that a recording left out; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = given::read)]
    bind: Vec<Given>,
    /// A TOML file of such secrets
    #[arg(long, value_name = "FILE")]
    bind_file: Option<PathBuf>,
    /// Send at the times of the recording, so many times as fast; else as fast as can be
    #[arg(long, value_name = "FACTOR", conflicts_with = "ahead", value_parser = speed)]
    speed: Option<f64>,
    /// Frames to send before what is expected before them has come; 1 waits each time [default: 768 where a Guestlist answers, else 1]
    #[arg(long, value_name = "FRAMES", value_parser = frames)]
    ahead: Option<usize>,
    /// Seconds to wait for each frame
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=WAIT_SECONDS_MAX))]
    wait: u64,
    /// How the outcome is told
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Rewrite the transcripts, so that they expect what comes; placeholders stay where they fit
    #[arg(long, conflicts_with_all = ["mode", "ignore", "speed", "ahead", "format"])]
    bless: bool,
}

/// A day: whoever waits longer waits for something else, and clocks end somewhere.
const WAIT_SECONDS_MAX: u64 = 24 * 60 * 60;

const EXAMPLES: &str = "\
Each transcript runs against a fresh gateway in this process, in memory and with the demo data. Exit code 0 where every frame
was as expected, 1 where one was not, 2 where a transcript or gateway could not be had.

Examples:
  guestlist replay fixtures/signups
  guestlist replay --bind token_1=90091784056528980:0:DemoBotTokenForLocalUseOnly001 recorded.jsonl
  guestlist replay --url wss://lists.example.com/nandbox/api/ --ignore '$.date' recorded.jsonl
  guestlist replay --format junit fixtures > report.xml
  guestlist replay --bless mine.jsonl";

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    #[error(transparent)]
    Files(#[from] transcripts::FilesError),
    #[error("--ignore {0}: {1}; write a path such as $.date or $.signups[*].id")]
    Ignore(String, #[source] serde_json_path::ParseError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    NotPlayed(Box<ReplayError>),
    #[error("{0} cannot be rewritten: {1}")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Replay {
    pub fn run(self) -> ExitCode {
        let given = match given::bindings(&self.bind, self.bind_file.as_deref()) {
            Ok(given) => given,
            Err(error) => return super::failed(error),
        };
        match self.replay(&given) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => super::failed(given::masked(&error.to_string(), &given)),
        }
    }

    /// Whether all was as expected.
    fn replay(&self, given: &Bindings) -> Result<bool, Unusable> {
        let options = ReplayOptions {
            frame_wait: Duration::from_secs(self.wait),
            mode: self.mode,
            ignore: self.ignored()?,
            speed: self.speed,
            ahead: self.ahead,
            given: given.clone(),
        };
        let mut all = Vec::new();
        for path in transcripts::files(&self.files)? {
            all.push((Transcript::read(&path)?, path));
        }
        let runtime = super::runtime()?;
        if self.bless {
            runtime.block_on(self.bless_all(&all, &options))
        } else {
            runtime.block_on(self.replay_all(&all, &options))
        }
    }

    fn ignored(&self) -> Result<Ignore, Unusable> {
        let mut ignored = Ignore::default();
        for path in &self.ignore {
            ignored.add(path).map_err(|error| Unusable::Ignore(path.clone(), error))?;
        }
        Ok(ignored)
    }

    async fn replay_all(&self, all: &[(Transcript, PathBuf)], options: &ReplayOptions) -> Result<bool, Unusable> {
        let mut report = self.format.report();
        let out = |told: Vec<u8>| {
            let told = given::masked(&String::from_utf8_lossy(&told), &options.given);
            std::io::stdout().write_all(told.as_bytes())
        };
        let mut progress = Progress::new(all.iter().map(|(transcript, _)| transcript.lines()).sum());
        let mut as_expected = true;
        let mut told = Vec::new();
        report.begin(&mut told, all.len())?;
        out(told)?;
        for (transcript, _) in all {
            let target = Target::of(self.url.as_deref()).await?;
            progress.begin(transcript.name());
            let began = Instant::now();
            let result = replay(transcript, &target.url, options, &mut Bar(&mut progress)).await;
            let took = began.elapsed();
            target.leave().await;
            progress.end(transcript.lines());
            if let Err(error) = &result
                && could_not_be_tried(&error.fault)
            {
                return Err(Unusable::NotPlayed(result.expect_err("it was one just now")));
            }
            as_expected &= result.is_ok();
            let result = result.map(|summary| summary.sent + summary.received);
            let outcome = Outcome { name: transcript.name().to_owned(), took, result };
            let mut told = Vec::new();
            report.outcome(&mut told, &outcome)?;
            progress.aside(|| out(told))?;
        }
        progress.finish();
        let mut told = Vec::new();
        report.end(&mut told)?;
        out(told)?;
        Ok(as_expected)
    }

    async fn bless_all(&self, all: &[(Transcript, PathBuf)], options: &ReplayOptions) -> Result<bool, Unusable> {
        let mut out = std::io::stdout();
        for (transcript, path) in all {
            let unwritable = |error| Unusable::Write(path.clone(), error);
            let played = transcripts::version(path).map_err(unwritable)?;
            let target = Target::of(self.url.as_deref()).await?;
            let edits = bless(transcript, &target.url, options).await;
            target.leave().await;
            let edits = edits.map_err(Unusable::NotPlayed)?;
            if edits.is_empty() {
                writeln!(out, "same     {}", path.display())?;
                continue;
            }
            transcripts::rewrite(path, played, |text| edits.applied(text)).map_err(unwritable)?;
            let (changed, moved, added, removed) = (edits.changed(), edits.moved(), edits.added(), edits.removed());
            writeln!(
                out,
                "blessed  {}  ({changed} changed, {moved} moved, {added} added, {removed} removed)",
                path.display()
            )?;
        }
        Ok(true)
    }
}

/// The gateway that transcripts are played against.
struct Target {
    url: String,
    own: Option<Gateway>,
}

impl Target {
    async fn of(url: Option<&str>) -> Result<Self, StartError> {
        if let Some(url) = url {
            return Ok(Self { url: url.to_owned(), own: None });
        }
        let gateway = Gateway::start(Options::demo()).await?;
        Ok(Self { url: gateway.url(), own: Some(gateway) })
    }

    async fn leave(self) {
        if let Some(gateway) = self.own {
            gateway.stop().await;
        }
    }
}

/// Shows a replay on the bar.
struct Bar<'p>(&'p mut Progress);

impl Watch for Bar<'_> {
    fn step(&mut self, step: &Step) {
        self.0.step(step);
    }
}

/// Whether a fault tells nothing about the gateway's answers.
fn could_not_be_tried(fault: &Fault) -> bool {
    matches!(fault, Fault::Connect { .. } | Fault::Secret(_) | Fault::Transcript(_))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    speed
        .filter(|speed| speed.is_finite() && *speed > 0.0)
        .ok_or_else(|| "write a number above 0: 1 keeps the time of the recording, 10 is ten times as fast".to_owned())
}

fn frames(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|frames| *frames > 0).ok_or_else(|| "write a whole number from 1 on".to_owned())
}

//! `guestlist journal check`: says of every file whether it is whole, and what it all comes to.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::overview::{Before, Overview, Segment, Snapshot};
use super::verdict::Verdict;
use super::{JournalError, files};

/// A verdict on every file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The data directory
    dir: PathBuf,
    /// One JSON object in place of a line a file
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Nothing is changed, and a gateway may be running on the directory. Files that a start does not need are judged too.

Exit code 0 where all is whole; the end of the last segment may be torn, which is how a crash leaves it, and is said.
1 where something is damaged, 2 where something cannot be read.

Examples:
  guestlist journal check ./guestlist-data
  guestlist journal check ./guestlist-data --json | jq .end.digest";

#[derive(Serialize)]
struct Document<'a> {
    directory: &'a Path,
    /// `whole`, `torn`, `damaged` or `unreadable`.
    verdict: &'static str,
    #[serde(flatten)]
    overview: &'a Overview,
}

impl Check {
    pub fn run(self) -> Result<ExitCode, JournalError> {
        let overview = Overview::of(&self.dir, &files(&self.dir)?);
        let torn = overview.verdicts().any(|(_, verdict)| matches!(verdict, Verdict::Torn { .. }));
        let (verdict, code) = match (overview.is_unreadable(), overview.is_damaged()) {
            (true, _) => ("unreadable", 2),
            (false, true) => ("damaged", 1),
            (false, false) => (if torn { "torn" } else { "whole" }, 0),
        };
        let mut out = io::stdout().lock();
        if self.json {
            let document = Document { directory: &self.dir, verdict, overview: &overview };
            serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            tell(&mut out, &self.dir, &overview)?;
        }
        out.flush()?;
        for (file, verdict) in overview.verdicts().filter(|(_, verdict)| matches!(verdict, Verdict::Damaged { .. })) {
            eprintln!("guestlist: {} is {verdict}", self.dir.join(file).display());
        }
        if let Some(stop) = &overview.end.stop {
            eprintln!("guestlist: {}", stop.what);
        } else if code == 1 {
            let what = if overview.is_stopped_by_snapshot() {
                "a start refuses the newest snapshot, and comes to the same state without it; to put it aside"
            } else {
                "a start does not need what is damaged; to put it aside"
            };
            eprintln!("guestlist: {what}: guestlist journal repair {}", self.dir.display());
        }
        Ok(ExitCode::from(code))
    }
}

/// Prints a line a file, then what they come to.
pub fn tell(out: &mut impl Write, dir: &Path, overview: &Overview) -> io::Result<()> {
    for (index, snapshot) in overview.snapshots.iter().enumerate() {
        tell_snapshot(out, dir, snapshot, index + 1 == overview.snapshots.len())?;
    }
    for segment in &overview.segments {
        tell_segment(out, dir, segment)?;
    }
    match &overview.generation_before {
        None => {}
        Some(Before::TheSame) => {
            writeln!(out, "before    what is older than the newest snapshot comes to the same state")?
        }
        Some(Before::Another { digest }) => {
            writeln!(
                out,
                "before    what is older than the newest snapshot comes to another state, with the digest {digest}"
            )?;
        }
        Some(Before::Nothing { what }) => {
            writeln!(out, "before    the newest snapshot could not be made again from what is older: {what}")?;
        }
    }
    let end = &overview.end;
    match &end.digest {
        Some(digest) => {
            writeln!(out, "entries   the last is number {}", end.seq)?;
            writeln!(out, "digest    {digest}")
        }
        None => writeln!(
            out,
            "entries   whole up to number {}, and the last that is known of is number {}",
            end.seq, end.last_known_seq
        ),
    }
}

fn tell_snapshot(out: &mut impl Write, dir: &Path, snapshot: &Snapshot, is_newest: bool) -> io::Result<()> {
    let Snapshot { file, seq, bytes, verdict, .. } = snapshot;
    write!(out, "snapshot  {}  {verdict}; ", dir.join(file).display())?;
    if let (Some(records), Some(digest)) = (snapshot.records, snapshot.digest) {
        write!(out, "{records} records, digest {digest}, ")?;
    }
    let is_in_the_way = is_newest && matches!(verdict, Verdict::Damaged { .. });
    let note = if is_in_the_way { "; a start refuses it" } else { unneeded(snapshot.needed) };
    writeln!(out, "after entry {seq}, {bytes} bytes{note}")
}

fn tell_segment(out: &mut impl Write, dir: &Path, segment: &Segment) -> io::Result<()> {
    let Segment { file, first, bytes, ahead_bytes, verdict, .. } = segment;
    write!(out, "segment   {}  {verdict}; ", dir.join(file).display())?;
    match segment.last {
        Some(last) => write!(out, "entries {first} to {last}, ")?,
        None => write!(out, "no entry yet, ")?,
    }
    if let Some(format) = segment.format {
        write!(out, "format {format}, ")?;
    }
    if let Some(digest) = segment.digest {
        write!(out, "begun at digest {digest}, ")?;
    }
    write!(out, "{bytes} bytes")?;
    if *ahead_bytes > 0 {
        write!(out, ", and {ahead_bytes} ahead")?;
    }
    writeln!(out, "{}", unneeded(segment.needed))
}

fn unneeded(needed: bool) -> &'static str {
    if needed { "" } else { "; a start does not need it" }
}

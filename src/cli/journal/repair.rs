//! `guestlist journal repair`: makes a directory that a start refuses one that it takes, at a price that is named first.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use guestlist::disk::{Disk, RealDisk};
use guestlist::journal::directory::DataDir;
use jiff::Timestamp;

use super::overview::{Before, Overview};
use super::verdict::Verdict;
use super::{JournalError, files};

/// What is in the way of a start, taken out of it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Repair {
    /// The data directory
    dir: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Give up entries that were acknowledged, where there is no other way: all from the damage on
    #[arg(long)]
    lose_acknowledged: bool,
}

const EXAMPLES: &str = "\
What was being written when the power went, and was never acknowledged, is cut off. A damaged file that is not needed is put
aside: a snapshot that can be made again from the one before it, a segment that a snapshot holds. Where that is not enough,
it is said which entries would go, and nothing is done without --lose-acknowledged. Whatever is cut or put aside is kept in
DIR/repair-<time>. No gateway may run on the directory.

Exit code 0 where all is whole now, 1 where entries would be lost, 2 where something cannot be read or written.

Examples:
  guestlist journal repair ./guestlist-data --dry-run
  guestlist journal repair ./guestlist-data
  guestlist journal repair ./guestlist-data --lose-acknowledged";

/// What is to be done.
#[derive(Debug, Default)]
struct Plan {
    /// A segment and the byte after which it is cut off.
    cut: Option<(String, u64)>,
    /// Files that are put aside, in this order: at every moment what is left is as it was, or whole.
    aside: Vec<String>,
    /// The first and the last of the acknowledged entries that this loses.
    lost: Option<(u64, u64)>,
}

impl Plan {
    fn of(overview: &Overview) -> Self {
        let is_damaged = |verdict: &Verdict| matches!(verdict, Verdict::Damaged { .. });
        let mut plan = Self::default();
        let snapshots = overview.snapshots.iter();
        plan.aside.extend(snapshots.filter(|file| is_damaged(&file.verdict)).map(|file| file.file.clone()));
        let mut segments: Vec<&str> = Vec::new();
        let unneeded = overview.segments.iter().filter(|file| !file.needed && is_damaged(&file.verdict));
        segments.extend(unneeded.map(|file| file.file.as_str()));
        if matches!(overview.generation_before, Some(Before::Another { .. })) {
            // A start takes the newest snapshot; what does not lead to it only misleads.
            let older = overview.snapshots.iter().filter(|file| !file.needed);
            plan.aside.extend(older.map(|file| file.file.clone()));
            segments.extend(overview.segments.iter().filter(|file| !file.needed).map(|file| file.file.as_str()));
        }
        let end = &overview.end;
        if let Some(stop) = &end.stop {
            plan.cut = (stop.good_bytes > 0).then(|| (stop.file.clone(), stop.good_bytes));
            let from = overview.segments.iter().skip_while(|file| file.file != stop.file);
            segments.extend(from.skip(usize::from(plan.cut.is_some())).map(|file| file.file.as_str()));
        } else if let Some(last) = overview.segments.last()
            && let Verdict::Torn { offset, .. } = last.verdict
        {
            plan.cut = Some((last.file.clone(), offset));
        }
        // The last first: what goes on after a gap must not be left for a start to find.
        segments.sort_unstable();
        segments.dedup();
        plan.aside.extend(segments.into_iter().rev().map(str::to_owned));
        plan.aside.dedup();
        plan.lost = (end.seq < end.last_known_seq).then_some((end.seq + 1, end.last_known_seq));
        plan
    }

    fn is_empty(&self) -> bool {
        self.cut.is_none() && self.aside.is_empty()
    }

    fn tell(&self, dry_run: bool) {
        let (cut, put) = if dry_run { ("would be cut", "would be put") } else { ("is cut", "is put") };
        for file in &self.aside {
            println!("{file} {put} aside");
        }
        if let Some((file, offset)) = &self.cut {
            println!("{file} {cut} off after byte {offset}");
        }
        if let Some((first, last)) = self.lost {
            let (are, count) = (if dry_run { "would be" } else { "are" }, last - first + 1);
            println!("{count} acknowledged entries, {first} to {last}, {are} lost");
        }
    }
}

impl Repair {
    pub fn run(self) -> Result<ExitCode, JournalError> {
        // Before the lock, which would make a directory of any name.
        files(&self.dir)?;
        let _lock = DataDir::open(&self.dir)?;
        let overview = Overview::of(&self.dir, &files(&self.dir)?);
        if overview.is_unreadable() {
            let unread = |verdict: &Verdict| matches!(verdict, Verdict::Newer { .. } | Verdict::Unreadable { .. });
            for (file, verdict) in overview.verdicts().filter(|(_, verdict)| unread(verdict)) {
                eprintln!("guestlist: {} {verdict}; nothing was changed", self.dir.join(file).display());
            }
            return Ok(ExitCode::from(2));
        }
        let plan = Plan::of(&overview);
        if plan.is_empty() && plan.lost.is_none() {
            println!("all is whole up to entry {}; there is nothing to repair", overview.end.seq);
            return Ok(ExitCode::SUCCESS);
        }
        if let Some((first, last)) = plan.lost.filter(|_| !self.lose_acknowledged) {
            plan.tell(true);
            if let Some(stop) = &overview.end.stop {
                eprintln!("guestlist: {}", stop.what);
            }
            eprintln!(
                "guestlist: nothing was changed: {} acknowledged entries, {first} to {last}, would be lost. Restore the files \
                 from a copy, or give these entries up with --lose-acknowledged",
                last - first + 1
            );
            return Ok(ExitCode::FAILURE);
        }
        plan.tell(self.dry_run);
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        let kept = carry_out(&self.dir, &plan)?;
        println!("what was cut off or put aside is kept in {}", kept.display());
        self.look_again()
    }

    fn look_again(&self) -> Result<ExitCode, JournalError> {
        let files = match files(&self.dir) {
            Err(JournalError::Empty(_)) => {
                println!("no entry is left: a start begins anew");
                return Ok(ExitCode::SUCCESS);
            }
            files => files?,
        };
        let overview = Overview::of(&self.dir, &files);
        match overview.end.digest.filter(|_| !overview.is_damaged()) {
            Some(digest) => {
                println!("all is whole now, up to entry {}; digest {digest}", overview.end.seq);
                Ok(ExitCode::SUCCESS)
            }
            None => {
                let what = overview.end.stop.map_or_else(|| "a file is damaged".to_owned(), |stop| stop.what);
                eprintln!("guestlist: not all is whole yet: {what}");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// Keeps copies, durably, and only then changes something; says where they are.
fn carry_out(dir: &Path, plan: &Plan) -> Result<PathBuf, JournalError> {
    let kept = directory_for_copies(dir)?;
    let to = kept.clone();
    let done = |path: &Path, result: io::Result<()>| result.map_err(|error| JournalError::Put(path.to_owned(), error));
    if let Some((file, _)) = &plan.cut {
        let copy = to.join(file);
        done(&copy, fs::copy(dir.join(file), &copy).and_then(|_| File::open(&copy)?.sync_all()))?;
        done(&to, RealDisk::new(&to).sync())?;
    }
    for file in &plan.aside {
        done(&to.join(file), fs::rename(dir.join(file), to.join(file)))?;
        done(&to, RealDisk::new(&to).sync())?;
        done(dir, RealDisk::new(dir).sync())?;
    }
    if let Some((file, offset)) = &plan.cut {
        let path = dir.join(file);
        let cut = File::options().write(true).open(&path).and_then(|file| {
            file.set_len(*offset)?;
            file.sync_all()
        });
        done(&path, cut)?;
    }
    Ok(kept)
}

/// Makes a directory that is not there yet.
fn directory_for_copies(dir: &Path) -> Result<PathBuf, JournalError> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut count = 1;
    loop {
        let name = if count == 1 { format!("repair-{now}") } else { format!("repair-{now}-{count}") };
        let path = dir.join(name);
        match fs::create_dir(&path).and_then(|()| RealDisk::new(dir).sync()) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
            Err(error) => return Err(JournalError::Put(path, error)),
        }
    }
}

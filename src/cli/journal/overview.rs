//! What is found in a data directory: each file judged for itself, then what they come to together, as a start would have it.

use std::path::Path;

use guestlist::disk::{Disk, RealDisk};
use guestlist::journal::directory::{Files, Numbered};
use guestlist::journal::read::{self, ReadError};
use guestlist::recovery;
use guestlist::snapshot;
use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use serde::Serialize;

use super::verdict::Verdict;

/// All that was found.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// All snapshots.
    pub snapshots: Vec<Snapshot>,
    /// All segments.
    pub segments: Vec<Segment>,
    /// Whether the newest snapshot could be made again from what is older, where something older is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_before: Option<Before>,
    /// What a start comes to.
    pub end: End,
}

/// A snapshot.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub file: String,
    /// The entry after which it has the state.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
    /// How many records it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The digest of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether a start reads it, once what is damaged is out of its way.
    pub needed: bool,
    /// What it is like.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A segment.
#[derive(Debug, Serialize)]
pub struct Segment {
    /// Its name.
    pub file: String,
    /// The version of its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<u32>,
    /// The entry it begins with.
    pub first: u64,
    /// Its last good entry, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The last entry after what is bad.
    #[serde(skip)]
    pub last_after: Option<u64>,
    /// Its size, without the room at its end.
    pub bytes: u64,
    /// Room at its end for what is to be written next, if there is some.
    #[serde(skip_serializing_if = "is_zero")]
    pub ahead_bytes: u64,
    /// The digest of the state before it, as its header has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether a start reads it.
    pub needed: bool,
    /// What it is like.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether the newest snapshot could be made again.
#[derive(Debug, Serialize)]
#[serde(tag = "comes_to", rename_all = "snake_case")]
pub enum Before {
    /// The same state comes of what is older.
    TheSame,
    /// Another state does.
    Another {
        /// The digest of that.
        digest: Digest,
    },
    /// Something is missing or damaged.
    Nothing {
        /// What.
        what: String,
    },
}

/// What a start comes to.
#[derive(Debug, Serialize)]
pub struct End {
    /// The last entry up to which nothing is in the way.
    pub seq: u64,
    /// The digest of the state after it, if a start comes to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The last entry that is known to have been acknowledged, or may have been.
    pub last_known_seq: u64,
    /// What stops a start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

/// What stops a start.
#[derive(Debug, Serialize)]
pub struct Stop {
    /// The file.
    pub file: String,
    /// How much of it is good; nothing where it does not follow from the one before.
    pub good_bytes: u64,
    /// What a start says.
    pub what: String,
}

impl Overview {
    /// Judges everything in a directory, which a gateway may be writing to.
    pub fn of(dir: &Path, files: &Files) -> Self {
        let disk = RealDisk::new(dir);
        let mut snapshots: Vec<Snapshot> = files.snapshots.iter().map(|file| Snapshot::of(&disk, file)).collect();
        let newest = snapshots.iter_mut().rfind(|snapshot| snapshot.verdict == Verdict::Whole);
        let newest = newest.map(|newest| {
            newest.needed = true;
            newest.seq
        });
        let judged = files.segments.iter().enumerate().map(|(index, file)| {
            let needed = !files.is_covered(index, newest.unwrap_or(0));
            Segment::of(&disk, file, files.segments.get(index + 1), needed)
        });
        let segments: Vec<Segment> = judged.collect();
        let generation_before = newest.and_then(|newest| Before::of(&disk, files, &snapshots, newest));
        let end = End::of(&disk, files, &snapshots, &segments);
        Self { snapshots, segments, generation_before, end }
    }

    /// All verdicts, with their files.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        let snapshots = self.snapshots.iter().map(|file| (file.file.as_str(), &file.verdict));
        snapshots.chain(self.segments.iter().map(|file| (file.file.as_str(), &file.verdict)))
    }

    /// Whether a start refuses the newest snapshot, though it may not need it.
    pub fn is_stopped_by_snapshot(&self) -> bool {
        self.snapshots.last().is_some_and(|newest| matches!(newest.verdict, Verdict::Damaged { .. }))
    }

    /// Whether something is damaged, be it needed or not.
    pub fn is_damaged(&self) -> bool {
        let damaged = self.verdicts().any(|(_, verdict)| matches!(verdict, Verdict::Damaged { .. }));
        damaged || self.end.stop.is_some() || matches!(self.generation_before, Some(Before::Another { .. }))
    }

    /// Whether something cannot be judged.
    pub fn is_unreadable(&self) -> bool {
        self.verdicts().any(|(_, verdict)| matches!(verdict, Verdict::Newer { .. } | Verdict::Unreadable { .. }))
    }
}

impl Snapshot {
    fn of(disk: &RealDisk, file: &Numbered) -> Self {
        let mut writer = Writer::default();
        let (mut records, mut digest) = (None, None);
        let verdict = match snapshot::load(disk, file, &mut writer) {
            Ok(trailer) => {
                (records, digest) = (Some(trailer.records), Some(trailer.digest));
                let found = Digest::of(writer.state());
                let what = || format!("has records that make the digest {found}, and names {}", trailer.digest);
                if found == trailer.digest { Verdict::Whole } else { Verdict::Damaged { offset: 0, what: what() } }
            }
            Err(error) => Verdict::of(error),
        };
        let bytes = disk.bytes(&file.name).unwrap_or(0);
        Self { file: file.name.clone(), seq: file.seq, bytes, records, digest, needed: false, verdict }
    }
}

impl Segment {
    fn of(disk: &RealDisk, file: &Numbered, next: Option<&Numbered>, needed: bool) -> Self {
        let (name, first) = (file.name.clone(), file.seq);
        match read::survey(disk, file) {
            Ok(survey) => Self {
                file: name,
                format: survey.format,
                first,
                last: (survey.next_seq > first).then_some(survey.next_seq - 1),
                last_after: match survey.verdict {
                    read::Verdict::Damaged { last_after, .. } => last_after,
                    _ => None,
                },
                bytes: survey.bytes,
                ahead_bytes: survey.ahead_bytes,
                digest: survey.digest,
                needed,
                verdict: Verdict::of_segment(&survey, next),
            },
            Err(error) => Self {
                file: name,
                format: None,
                first,
                last: None,
                last_after: None,
                bytes: disk.bytes(&file.name).unwrap_or(0),
                ahead_bytes: 0,
                digest: None,
                needed,
                verdict: Verdict::of(error),
            },
        }
    }
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

impl Before {
    /// Folds from the whole snapshot before the newest, or from the first entry, to the newest.
    fn of(disk: &RealDisk, files: &Files, snapshots: &[Snapshot], newest: u64) -> Option<Self> {
        let live = snapshots.iter().find(|snapshot| snapshot.seq == newest)?.digest?;
        let older = snapshots.iter().rfind(|older| older.seq < newest && older.verdict == Verdict::Whole);
        let older_seq = older.map_or(0, |older| older.seq);
        let mut before = Files::default();
        before.segments.extend(files.segments.iter().filter(|segment| segment.seq <= newest).cloned());
        before
            .snapshots
            .extend(files.snapshots.iter().filter(|file| Some(file.seq) == older.map(|older| older.seq)).cloned());
        if older.is_none() && before.segments.first().is_none_or(|first| first.seq > 1) {
            return None;
        }
        Some(match recovery::fold_sealed(disk, &before, newest) {
            Ok(recovered) if recovered.writer.state().folded() == newest => {
                match Digest::of(recovered.writer.state()) {
                    digest if digest == live => Self::TheSame,
                    digest => Self::Another { digest },
                }
            }
            Ok(recovered) => {
                let missing = recovered.writer.state().folded().max(older_seq) + 1;
                Self::Nothing { what: format!("entries {missing} to {newest} are in no segment") }
            }
            Err(error) => Self::Nothing { what: error.to_string() },
        })
    }
}

impl End {
    /// Folds from the newest whole snapshot to the end, or to what stops a start.
    fn of(disk: &RealDisk, files: &Files, snapshots: &[Snapshot], segments: &[Segment]) -> Self {
        let known = snapshots.iter().map(|snapshot| snapshot.seq);
        // What a segment begins after is known too, though nothing of it be left.
        let of_segment =
            |segment: &Segment| segment.last_after.max(segment.last).unwrap_or(segment.first.saturating_sub(1));
        let last_known_seq = known.chain(segments.iter().map(of_segment)).max().unwrap_or(0);
        let newest = snapshots.iter().rfind(|snapshot| snapshot.needed).map_or(0, |newest| newest.seq);
        let mut start = Files { segments: files.segments.clone(), ..Files::default() };
        start.snapshots.extend(files.snapshots.iter().filter(|file| file.seq == newest).cloned());
        let error = match recovery::fold_files(disk, &start) {
            Ok(recovered) => {
                let state = recovered.writer.state();
                let seq = state.folded();
                // A snapshot may hold more than the journal goes to; and a gateway may have gone on meanwhile.
                let lost = snapshots.iter().any(|snapshot| snapshot.seq > seq);
                let last_known_seq = if lost { last_known_seq } else { seq };
                return Self { seq, digest: Some(Digest::of(state)), last_known_seq, stop: None };
            }
            Err(error) => error,
        };
        let what = error.to_string();
        let (path, good_bytes, seq) = match error {
            ReadError::Damaged { path, offset, seq, .. } => (path, offset, seq - 1),
            ReadError::Missing { path, expected, .. } => (path, 0, expected - 1),
            ReadError::Diverged { path, seq } => (path, 0, seq),
            ReadError::Newer { path, .. } | ReadError::Io(path, _) | ReadError::DamagedSnapshot { path, .. } => {
                (path, 0, newest)
            }
        };
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A line that is bad was an entry.
        let last_known_seq = last_known_seq.max(if good_bytes > 0 { seq + 1 } else { 0 });
        Self { seq, digest: None, last_known_seq, stop: Some(Stop { file, good_bytes, what }) }
    }
}

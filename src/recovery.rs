//! This is where a start finds its state: the newest snapshot, then every entry since, folded as they were the first time.

use std::ops::ControlFlow;

use crate::disk::Disk;
use crate::fold::fold;
use crate::journal::FORMAT;
use crate::journal::directory::{self, Files, Numbered, segment_name};
use crate::journal::file::{Span, Tail};
use crate::journal::read::{self, Entries, Place, ReadError, Survey, Verdict, ahead};
use crate::snapshot;
use crate::state::Writer;
use crate::state::digest::Digest;

/// What lay on disk, folded.
#[derive(Debug)]
pub struct Recovered {
    /// The state, and the right to change it.
    pub writer: Writer,
    /// The entry after which the newest snapshot was made; 0 without one.
    pub snapshot_seq: u64,
    /// Records in it.
    pub snapshot_records: u64,
    /// Entries folded since.
    pub entries: u64,
    /// Entries that were refused when their turn came: those of them, and of those before, the latest.
    pub refused: Vec<u64>,
    /// Where the journal goes on.
    pub tail: Tail,
    /// What the last segment ends with that is no entry, where it was torn.
    pub torn: Option<Torn>,
}

/// The torn end of a segment: of what was being written when the machine or the process died, and never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub segment: String,
    /// Where the torn end begins.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Folds all that lies on a disk.
pub fn recover(disk: &dyn Disk) -> Result<Recovered, ReadError> {
    let files = directory::files(disk).map_err(|error| ReadError::Io(disk.path().to_owned(), error))?;
    fold_files(disk, &files)
}

/// Folds files of a disk: the newest snapshot, then the segments from there on.
pub fn fold_files(disk: &dyn Disk, files: &Files) -> Result<Recovered, ReadError> {
    let mut fold = begin(disk, files)?;
    let last = match files.segments.last() {
        Some(last) => Some((last, surveyed(disk, last)?)),
        None => None,
    };
    if let Some((_, survey)) = &last {
        // What the snapshot holds need not be written again.
        fold.again_seq = survey.unproven.seq.max(fold.snapshot_seq + 1);
    }
    for (index, segment) in files.segments.iter().enumerate() {
        if files.is_covered(index, fold.snapshot_seq) {
            continue;
        }
        match (files.segments.get(index + 1), &last) {
            (Some(next), _) => fold.inner_segment(segment, next)?,
            // What the header of the last one says may never have been written.
            (None, Some((_, survey))) if survey.format.is_none() => fold.follows(segment)?,
            (None, _) => {
                let until_seq = last.as_ref().map_or(u64::MAX, |(_, survey)| survey.next_seq);
                fold.segment(segment, until_seq).map(drop)?;
            }
        }
    }
    Ok(fold.end(last))
}

/// Folds files of a disk up to an entry, with which the last of the segments was sealed: flushed, so that it cannot be torn.
pub fn fold_sealed(disk: &dyn Disk, files: &Files, seq: u64) -> Result<Recovered, ReadError> {
    let mut fold = begin(disk, files)?;
    for (index, segment) in files.segments.iter().enumerate() {
        if !files.is_covered(index, fold.snapshot_seq) {
            let until_seq = files.segments.get(index + 1).map_or(seq + 1, |next| next.seq);
            fold.segment(segment, until_seq).map(drop)?;
        }
    }
    Ok(fold.end(None))
}

/// Files being folded.
struct Folding<'a> {
    disk: &'a dyn Disk,
    writer: Writer,
    snapshot_seq: u64,
    snapshot_records: u64,
    entries: u64,
    refused: Vec<u64>,
    /// The first of the entries that are to be written again.
    again_seq: u64,
    /// The digest of the state before that.
    again_digest: Option<Digest>,
    /// Where that entry begins, in each segment that has it or ends just before it.
    again_at: Vec<(String, u64)>,
    /// Where segments end that run on past the beginning of the next.
    ends: Vec<(String, u64)>,
    /// Where segments end that have room after it, though they are sealed.
    roomy: Vec<(String, u64)>,
}

fn begin<'a>(disk: &'a dyn Disk, files: &Files) -> Result<Folding<'a>, ReadError> {
    let mut writer = Writer::default();
    let (mut snapshot_seq, mut snapshot_records, mut refused) = (0, 0, Vec::new());
    if let Some(newest) = files.snapshots.last() {
        let trailer = snapshot::load(disk, newest, &mut writer)?;
        (snapshot_records, refused) = (trailer.records, trailer.refused);
        snapshot_seq = newest.seq;
    }
    Ok(Folding {
        disk,
        writer,
        snapshot_seq,
        snapshot_records,
        entries: 0,
        refused,
        again_seq: u64::MAX,
        again_digest: None,
        again_at: Vec::new(),
        ends: Vec::new(),
        roomy: Vec::new(),
    })
}

/// A last segment, which may be torn but not damaged.
fn surveyed(disk: &dyn Disk, last: &Numbered) -> Result<Survey, ReadError> {
    let survey = read::survey(disk, last)?;
    let path = || disk.path().join(&last.name);
    match &survey.verdict {
        Verdict::Newer(format) => Err(ReadError::Newer { path: path(), format: *format }),
        Verdict::Damaged { what, .. } => Err(ReadError::Damaged {
            path: path(),
            offset: survey.good_bytes,
            seq: survey.next_seq,
            what: what.clone(),
        }),
        Verdict::Whole | Verdict::Torn { .. } => Ok(survey),
    }
}

impl Folding<'_> {
    /// Folds a segment that is not the last. It may run on past the beginning of the next: a start that did not come to its end
    /// had just begun to write the same entries again.
    fn inner_segment(&mut self, segment: &Numbered, next: &Numbered) -> Result<(), ReadError> {
        match self.segment(segment, u64::MAX) {
            Ok(place) => {
                self.ends.extend((place.seq > next.seq).then(|| (segment.name.clone(), place.offset)));
                Ok(())
            }
            Err(ReadError::Damaged { path, offset, seq, what }) if seq >= next.seq => {
                let is_torn = matches!(read::survey(self.disk, segment)?.verdict, Verdict::Torn { .. });
                if !is_torn && read::survey(self.disk, next)?.next_seq <= seq {
                    return Err(ReadError::Damaged { path, offset, seq, what });
                }
                self.ends.push((segment.name.clone(), offset));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Folds a segment up to an entry that is not wanted any more.
    fn segment(&mut self, segment: &Numbered, until_seq: u64) -> Result<Place, ReadError> {
        self.follows(segment)?;
        let expected = self.writer.state().folded() + 1;
        let mut entries = Entries::open(self.disk, segment)?;
        let digest = entries.header.as_ref().and_then(|header| header.digest);
        if segment.seq == expected && digest.is_some_and(|digest| digest != self.digest()) {
            let path = self.disk.path().join(&segment.name);
            return Err(ReadError::Diverged { path, seq: expected - 1 });
        }
        let (mut place, mut events) = (entries.place, Vec::new());
        let folded = ahead::each(self.disk, entries.until(until_seq), |read| {
            let (entry, next) = match read {
                Ok(read) => read,
                Err(error) => return ControlFlow::Break(error),
            };
            self.pass(segment, place);
            if entry.seq > self.writer.state().folded() {
                // A refusal was an outcome then, and is the same outcome now.
                let seq = entry.seq;
                if fold(&mut self.writer, entry, &mut events).is_err() {
                    self.refused.push(seq);
                }
                self.entries += 1;
                events.clear();
            }
            place = next;
            ControlFlow::Continue(())
        });
        self.pass(segment, place);
        if let ControlFlow::Break(error) = folded {
            return Err(error);
        }
        if entries.ahead_bytes() > 0 {
            self.roomy.push((segment.name.clone(), place.offset));
        }
        Ok(place)
    }

    /// Checks that no entry is missing before a segment.
    fn follows(&self, segment: &Numbered) -> Result<(), ReadError> {
        let (expected, found) = (self.writer.state().folded() + 1, segment.seq);
        if found <= expected {
            return Ok(());
        }
        Err(ReadError::Missing { path: self.disk.path().join(&segment.name), expected, found })
    }

    /// Notes where the entries begin that are to be written again.
    fn pass(&mut self, segment: &Numbered, place: Place) {
        if place.seq == self.again_seq {
            self.again_at.push((segment.name.clone(), place.offset));
            if self.writer.state().folded() + 1 == place.seq {
                self.again_digest = Some(self.digest());
            }
        }
    }

    fn digest(&mut self) -> Digest {
        self.writer.settle();
        self.writer.state().digest().digest
    }

    fn end(mut self, last: Option<(&Numbered, Survey)>) -> Recovered {
        let next_seq = self.writer.state().folded() + 1;
        let end_digest = self.digest();
        let digest = self.again_digest.filter(|_| self.again_seq <= next_seq);
        let mut tail = Tail { first_seq: next_seq, ..Tail::default() };
        let mut torn = None;
        if let Some((Numbered { name, .. }, survey)) = last {
            let (to, bytes) = (survey.good_bytes, survey.bytes - survey.good_bytes);
            torn = (bytes > 0).then(|| Torn { segment: name.clone(), offset: to, bytes });
            let from = self.again_at.iter().find(|(other, _)| other == name).map(|(_, offset)| *offset);
            match from {
                Some(from) if survey.next_seq == next_seq => {
                    tail.first_seq = self.again_seq;
                    tail.again = (from < to).then(|| Span { name: name.clone(), from, to });
                    tail.cuts = self.again_at;
                    tail.in_place = (survey.format == Some(FORMAT)).then(|| (name.clone(), to));
                }
                // The newest entries are in a segment before it, or in the snapshot.
                _ => tail.cuts = self.ends.into_iter().chain([(name.clone(), to)]).collect(),
            }
            let is_new = |(name, _): &(String, u64)| tail.cuts.iter().all(|(other, _)| other != name);
            let roomy: Vec<_> = self.roomy.into_iter().filter(is_new).collect();
            tail.cuts.extend(roomy);
            // A segment of the name of the new one is replaced by it.
            tail.cuts.retain(|(name, _)| *name != segment_name(tail.first_seq));
        }
        tail.digest = digest.unwrap_or(end_digest);
        let Self { writer, snapshot_seq, snapshot_records, entries, refused, .. } = self;
        Recovered { writer, snapshot_seq, snapshot_records, entries, refused, tail, torn }
    }
}

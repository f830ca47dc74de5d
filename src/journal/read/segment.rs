//! This is where a segment is read: once to find out how it is, once more to have its entries.

use std::path::PathBuf;

use super::one_bit::{flipped_ends, flipped_inside};
use super::{Line, Lines, ReadError};
use crate::disk::Disk;
use crate::event::Made;
use crate::journal::directory::Numbered;
use crate::journal::file::Header;
use crate::journal::{Entry, FORMAT, Head};
use crate::state::digest::Digest;

/// How a segment is, read to its end without folding it.
#[derive(Debug)]
pub struct Survey {
    /// The version of its format, where it has a header.
    pub format: Option<u32>,
    /// The digest that its header holds.
    pub digest: Option<Digest>,
    /// Its first entry, as its name says.
    pub first_seq: u64,
    /// The number after that of its last good entry.
    pub next_seq: u64,
    /// Bytes up to the end of its last good line.
    pub good_bytes: u64,
    /// Bytes of the file, without the zeros at its end.
    pub bytes: u64,
    /// Those: room that was made for what was to be written next.
    pub ahead_bytes: u64,
    /// The first of its last good entries, which none after them shows to be durable; where the next one would be, if all are.
    pub unproven: Place,
    /// When its first and its last good entry were journaled, in milliseconds since 1970.
    pub moments_ms: Option<(u64, u64)>,
    /// What to make of the rest.
    pub verdict: Verdict,
}

/// Where an entry is in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub seq: u64,
    /// Where its line begins.
    pub offset: u64,
}

/// What to make of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All its lines are good.
    Whole,
    /// From the end of the good lines on it was being written when the power or the process went, and nothing of it was ever
    /// acknowledged; or when it was copied, and nothing of it was before that. Only the last segment can be torn; any other was flushed, so that this is damage there.
    Torn {
        /// What is wrong with the first line that is not good.
        what: String,
    },
    /// The first line that is not good was good once.
    Damaged {
        /// What is wrong with it.
        what: String,
        /// How many good entries come after it.
        whole_after: u64,
        /// The number of the last of those.
        last_after: Option<u64>,
        /// Whether it has zeros, which no line that was written has.
        has_zeros: bool,
    },
    /// A later gateway wrote it.
    Newer(u32),
}

/// Reads a segment to its end, which a gateway may be writing to.
pub fn survey(disk: &dyn Disk, segment: &Numbered) -> Result<Survey, ReadError> {
    let mut survey = survey_once(disk, segment)?;
    // What is read first of a file is of an earlier moment than what is read last. Zeros between the two may have been written
    // over meanwhile, and are damage only where they stay.
    while matches!(survey.verdict, Verdict::Damaged { has_zeros: true, .. }) {
        let again = survey_once(disk, segment)?;
        if again.good_bytes <= survey.good_bytes {
            break;
        }
        survey = again;
    }
    Ok(survey)
}

fn survey_once(disk: &dyn Disk, segment: &Numbered) -> Result<Survey, ReadError> {
    let mut lines = Lines::open(disk, &segment.name)?;
    let mut survey = Survey::begin(segment.seq);
    let mut bad: Option<Bad> = None;
    while let Some(line) = lines.next_line().map_err(|error| ReadError::io(disk, &segment.name, error))? {
        survey.bytes = line.end;
        match &mut bad {
            None => bad = survey.take(line),
            Some(bad) => bad.take(line),
        }
        if matches!(survey.verdict, Verdict::Newer(_)) {
            return Ok(survey);
        }
    }
    survey.ahead_bytes = lines.ahead_bytes();
    if survey.is_of_format_1() {
        // Every entry shows all before it to be durable, and after a start so is the last.
        survey.unproven = Place { seq: survey.next_seq, offset: survey.good_bytes };
    }
    if let Some(bad) = bad {
        survey.verdict = bad.verdict(disk.is_copy());
    }
    Ok(survey)
}

/// The entries of a segment, in order.
pub struct Entries {
    path: PathBuf,
    lines: Lines,
    /// What the segment begins with; nothing where it is empty.
    pub header: Option<Header>,
    /// Where the next entry is, or would be.
    pub place: Place,
}

impl Entries {
    /// Opens a segment, and reads its header.
    pub fn open(disk: &dyn Disk, segment: &Numbered) -> Result<Self, ReadError> {
        let path = disk.path().join(&segment.name);
        let lines = Lines::open(disk, &segment.name)?;
        let place = Place { seq: segment.seq, offset: 0 };
        let mut entries = Self { path, lines, header: None, place };
        entries.header = entries.line(|json, seq| header(json, "journal", seq))?;
        match &entries.header {
            Some(header) if header.format > FORMAT => {
                Err(ReadError::Newer { path: entries.path, format: header.format })
            }
            _ => Ok(entries),
        }
    }

    /// The entries before one of a number, each with the place after it; nothing after an error.
    pub fn until(&mut self, seq: u64) -> impl Iterator<Item = Result<(Entry, Place), ReadError>> + Send {
        let mut has_failed = false;
        std::iter::from_fn(move || {
            if has_failed || self.place.seq >= seq {
                return None;
            }
            let entry = self.next_entry();
            has_failed = entry.is_err();
            Some(entry.transpose()?.map(|entry| (entry, self.place)))
        })
    }

    /// Zeros that the segment ends with, once all its entries were read.
    pub fn ahead_bytes(&self) -> u64 {
        self.lines.ahead_bytes()
    }

    /// The next entry, if there is one. After an error the segment is not to be read on.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let entry = self.line(|json, seq| {
            let entry = Entry::parse(json)?;
            numbered(entry.seq, seq).map(|()| entry)
        })?;
        self.place.seq += u64::from(entry.is_some());
        Ok(entry)
    }

    /// What is made of the next entry as it is written, unread but for its head, if there is one.
    pub fn next_made<T>(&mut self, make: impl FnOnce(Made<'_>) -> T) -> Result<Option<T>, ReadError> {
        let made = self.line(|json, seq| {
            let (Head { seq: found, at_ms, by, .. }, message) =
                Head::split(json).ok_or("is not in the form that gateways write")?;
            numbered(found, seq)?;
            Ok(make(Made { seq, at_ms, by, message }))
        })?;
        self.place.seq += u64::from(made.is_some());
        Ok(made)
    }

    fn line<T>(&mut self, read: impl FnOnce(&str, u64) -> Result<T, String>) -> Result<Option<T>, ReadError> {
        let Place { seq, offset } = self.place;
        let Some(line) = self.lines.next_line().map_err(|error| ReadError::Io(self.path.clone(), error))? else {
            return Ok(None);
        };
        match line.text().and_then(|json| read(json, seq)) {
            Ok(read) => {
                self.place.offset = line.end;
                Ok(Some(read))
            }
            Err(what) => Err(ReadError::Damaged { path: self.path.clone(), offset, seq, what }),
        }
    }
}

/// Checks a file's first line.
pub fn header(json: &str, kind: &str, seq: u64) -> Result<Header, String> {
    let header: Header = serde_json::from_str(json).map_err(|error| format!("is no header: {error}"))?;
    if header.guestlist != kind {
        return Err(format!("says the file is a {}, not a {kind}", header.guestlist));
    }
    if header.seq != seq {
        return Err(format!("has the number {}, the file's name {seq}", header.seq));
    }
    Ok(header)
}

fn numbered(found: u64, expected: u64) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("has the number {found} where {expected} must come")) }
}

impl Survey {
    fn begin(first_seq: u64) -> Self {
        Self {
            format: None,
            digest: None,
            first_seq,
            next_seq: first_seq,
            good_bytes: 0,
            bytes: 0,
            ahead_bytes: 0,
            unproven: Place { seq: first_seq, offset: 0 },
            moments_ms: None,
            verdict: Verdict::Whole,
        }
    }

    fn is_of_format_1(&self) -> bool {
        self.format == Some(1)
    }

    /// Takes the next line, and gives it back where it is bad.
    fn take(&mut self, line: Line<'_>) -> Option<Bad> {
        let text = match line.text() {
            Ok(text) => text,
            Err(what) => return Some(Bad::line(self, line, what)),
        };
        let taken =
            if line.offset == 0 { self.take_header(text, line.end) } else { self.take_entry(text, line.offset) };
        match taken {
            Ok(()) => {
                self.good_bytes = line.end;
                None
            }
            // Its checksum is right: it was written like this, so it is no tear.
            Err(what) => Some(Bad { is_damage: true, ..Bad::line(self, line, what) }),
        }
    }

    fn take_header(&mut self, text: &str, end: u64) -> Result<(), String> {
        let header = header(text, "journal", self.first_seq)?;
        (self.format, self.digest) = (Some(header.format), header.digest);
        self.unproven.offset = end;
        if header.format > FORMAT {
            self.verdict = Verdict::Newer(header.format);
        }
        Ok(())
    }

    fn take_entry(&mut self, text: &str, offset: u64) -> Result<(), String> {
        let head = Head::parse(text)?;
        numbered(head.seq, self.next_seq)?;
        if head.durable() + 1 == head.seq {
            self.unproven = Place { seq: head.seq, offset };
        }
        self.next_seq += 1;
        let first_ms = self.moments_ms.map_or(head.at_ms, |(first, _)| first);
        self.moments_ms = Some((first_ms, head.at_ms));
        Ok(())
    }
}

/// A line that is not good, and what came after it.
struct Bad {
    what: String,
    /// The entry it must hold; none where it must be the header.
    seq: Option<u64>,
    first_seq: u64,
    bytes: Vec<u8>,
    is_ended: bool,
    has_zeros: bool,
    is_first_after: bool,
    is_damage: bool,
    /// Whether a line after it shows it to be durable.
    is_proven: bool,
    whole_after: u64,
    last_after: Option<u64>,
}

impl Bad {
    fn line(survey: &Survey, line: Line<'_>, what: String) -> Self {
        let mut bad = Self {
            what,
            seq: (line.offset > 0).then_some(survey.next_seq),
            first_seq: survey.first_seq,
            bytes: line.bytes.to_vec(),
            is_ended: line.is_ended,
            has_zeros: line.bytes.contains(&0),
            is_first_after: true,
            is_damage: false,
            is_proven: false,
            whole_after: 0,
            last_after: None,
        };
        // A sector that was never written is all zeros, which no line has.
        let is_tear = !bad.is_ended || bad.has_zeros;
        let inside = bad.is_ended.then(|| flipped_inside(&bad.bytes)).flatten();
        bad.is_damage =
            !is_tear || inside.is_some_and(|json| bad.was(&json)) || flipped_ends(&bad.bytes).any(|json| bad.was(json));
        bad
    }

    /// Takes a line after it: a good one may tell that the bad one was good.
    fn take(&mut self, line: Line<'_>) {
        if self.is_first_after {
            self.is_first_after = false;
            // The line feed between the two may be what came into being.
            let joined = [&self.bytes, &b"\n"[..], line.bytes].concat();
            self.is_damage |= line.is_ended && flipped_inside(&joined).is_some_and(|json| self.was(&json));
            self.bytes = Vec::new();
        }
        let Ok(text) = line.text() else { return };
        match Head::parse(text) {
            Ok(head) => {
                self.whole_after += 1;
                self.last_after = Some(head.seq);
                // A header is durable before anything comes after it, and no number comes twice.
                self.is_damage |= self.seq.is_none_or(|seq| head.seq <= seq);
                self.is_proven |= self.seq.is_some_and(|seq| head.durable() >= seq);
            }
            Err(_) => self.is_damage = true,
        }
    }

    /// Whether a text is what must stand there.
    fn was(&self, json: &[u8]) -> bool {
        std::str::from_utf8(json).is_ok_and(|json| match self.seq {
            None => header(json, "journal", self.first_seq).is_ok(),
            Some(seq) => Head::parse(json).is_ok_and(|head| head.seq == seq),
        })
    }

    fn verdict(self, is_copy: bool) -> Verdict {
        let Self { what, is_damage, is_proven, whole_after, last_after, has_zeros, .. } = self;
        // In a copy it need not have been there yet when its place was read.
        if is_damage || (is_proven && !(is_copy && has_zeros)) {
            Verdict::Damaged { what, whole_after, last_after, has_zeros }
        } else {
            Verdict::Torn { what }
        }
    }
}

//! This is where the state is written down whole, so that a start need not replay every change there ever was.
//!
//! A snapshot is a fold done earlier. It is one record a line, as [`crate::state::record`] has them, each with its checksum,
//! between a header and a trailer.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{REFUSED_KEPT_MAX, SNAPSHOT_PART_BYTES};
use crate::disk::{Disk, DiskFile};
use crate::journal::directory::{Numbered, SNAPSHOT_ASIDE, snapshot_name};
use crate::journal::file::Header;
use crate::journal::read::{self, Lines, ReadError, ahead};
use crate::journal::{FORMAT, LINE_HEAD_BYTES, write_line};
use crate::state::digest::{Digest, RecordHash};
use crate::state::record::{Record, each_record};
use crate::state::restore::Restore;
use crate::state::written::RecordReader;
use crate::state::{Reached, Writer};

/// The last line of a snapshot; a file without it is not whole.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trailer {
    /// How many records came before it.
    pub records: u64,
    /// The digest of the state they make.
    pub digest: Digest,
    /// When its last entry was journaled.
    at_ms: u64,
    /// Entries that were refused when their turn came, the latest of them: nobody is told of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<u64>,
    /// Up to where the shared journal is in it, if that is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Bytes of the whole file, where it was just written.
    #[serde(skip)]
    pub bytes: u64,
}

/// What a trailer's text begins with, and that of no record.
const TRAILER: &str = r#"{"records":"#;

/// Writes a snapshot aside and syncs it, bit by bit: the disk gets it in small parts, so that a flush of the journal never has to
/// wait for a large one. After each part it may `rest`.
pub fn write(disk: &dyn Disk, seq: u64, writer: &Writer, refused: &[u64], rest: impl FnMut()) -> io::Result<Trailer> {
    let state = writer.state();
    let mut parts = Parts { file: disk.create(SNAPSHOT_ASIDE)?, part: Vec::new(), bytes: 0, rest };
    write_line(&mut parts.part, &Header { guestlist: "snapshot".to_owned(), format: FORMAT, seq, digest: None });
    let (mut digest, mut records) = (Digest::default(), 0);
    each_record(state, |record| {
        let start = parts.part.len() + LINE_HEAD_BYTES;
        write_line(&mut parts.part, &record);
        digest.add_hash(RecordHash::of_text(&parts.part[start..parts.part.len() - 1]));
        records += 1;
        if parts.part.len() < SNAPSHOT_PART_BYTES { Ok(()) } else { parts.sync() }
    })?;
    let refused = refused[refused.len().saturating_sub(REFUSED_KEPT_MAX)..].to_vec();
    // A segment is sealed behind a batch, never within one.
    let revision = writer.reached().filter(|reached| reached.seq == seq).map(|reached| reached.revision);
    let trailer = Trailer { records, digest, at_ms: state.at_ms(), refused, revision, bytes: 0 };
    write_line(&mut parts.part, &trailer);
    parts.sync()?;
    Ok(Trailer { bytes: parts.bytes, ..trailer })
}

/// Gives the snapshot that was written aside its name, durably: a file of a snapshot's name is always whole.
pub fn name(disk: &dyn Disk, seq: u64) -> io::Result<()> {
    disk.rename(SNAPSHOT_ASIDE, &snapshot_name(seq))?;
    disk.sync()
}

/// A file that is written and synced part after part.
struct Parts<R> {
    file: Box<dyn DiskFile>,
    part: Vec<u8>,
    /// How many were written.
    bytes: u64,
    rest: R,
}

impl<R: FnMut()> Parts<R> {
    fn sync(&mut self) -> io::Result<()> {
        self.file.write_all(&self.part)?;
        self.bytes += u64::try_from(self.part.len()).expect("a length fits into 64 bits");
        self.part.clear();
        self.file.sync()?;
        (self.rest)();
        Ok(())
    }
}

/// What a line of a snapshot holds.
enum Piece {
    Header,
    Record(Record<'static>, RecordHash),
    Trailer(Trailer),
}

/// The lines of a snapshot, each with where it begins and ends; none after an error.
struct Pieces {
    path: PathBuf,
    seq: u64,
    lines: Lines,
    reader: RecordReader,
    has_trailer: bool,
    has_failed: bool,
}

impl Iterator for Pieces {
    type Item = Result<(u64, u64, Piece), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let piece = self.read().transpose()?;
        self.has_failed = piece.is_err();
        Some(piece)
    }
}

impl Pieces {
    fn read(&mut self) -> Result<Option<(u64, u64, Piece)>, ReadError> {
        let line = self.lines.next_line().map_err(|error| ReadError::Io(self.path.clone(), error))?;
        let Some(line) = line else { return Ok(None) };
        let wrong = |what| ReadError::DamagedSnapshot { path: self.path.clone(), offset: line.offset, what };
        let json = line.text().map_err(wrong)?;
        let piece = if self.has_trailer {
            return Err(wrong("comes after the trailer".to_owned()));
        } else if line.offset == 0 {
            let format = read::header(json, "snapshot", self.seq).map_err(wrong)?.format;
            if format > FORMAT {
                return Err(ReadError::Newer { path: self.path.clone(), format });
            }
            Piece::Header
        } else if json.starts_with(TRAILER) {
            self.has_trailer = true;
            Piece::Trailer(serde_json::from_str(json).map_err(|error| wrong(format!("is no trailer: {error}")))?)
        } else {
            let record = self.reader.read(json).map_err(|error| wrong(format!("is no record: {error}")))?;
            Piece::Record(record, RecordHash::of_text(json.as_bytes()))
        };
        Ok(Some((line.offset, line.end, piece)))
    }
}

/// Puts together the state that a snapshot holds, and gives the last line of it.
pub fn load(disk: &dyn Disk, file: &Numbered, writer: &mut Writer) -> Result<Trailer, ReadError> {
    let path = disk.path().join(&file.name);
    let damaged = |offset, what| ReadError::DamagedSnapshot { path: path.clone(), offset, what };
    let lines = Lines::open(disk, &file.name)?;
    let mut pieces = Pieces {
        path: path.clone(),
        seq: file.seq,
        lines,
        reader: RecordReader::default(),
        has_trailer: false,
        has_failed: false,
    };
    let mut restore = Restore::new(writer);
    let (mut records, mut end) = (0, 0);
    let mut trailer: Option<(u64, Trailer)> = None;
    let taken = ahead::each(disk, &mut pieces, |read| {
        let take = |(offset, next, piece)| {
            end = next;
            match piece {
                Piece::Header => {}
                Piece::Trailer(last) => trailer = Some((offset, last)),
                Piece::Record(record, hash) => {
                    restore
                        .take_hashed(record, hash)
                        .map_err(|error| damaged(offset, format!("does not fit: {error}")))?;
                    records += 1;
                }
            }
            Ok(())
        };
        read.and_then(take).map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    if let ControlFlow::Break(error) = taken {
        return Err(error);
    }
    if pieces.lines.ahead_bytes() > 0 {
        return Err(damaged(end, "is all zeros".to_owned()));
    }
    let Some((offset, trailer)) = trailer else {
        return Err(damaged(end, "is missing: the file has no trailer".to_owned()));
    };
    if trailer.records != records {
        return Err(damaged(offset, format!("counts {} records, and {records} came", trailer.records)));
    }
    restore.finish(trailer.digest).map_err(|error| damaged(offset, format!("does not fit: {error}")))?;
    writer.note(file.seq, trailer.at_ms);
    if let Some(revision) = trailer.revision {
        writer.note_reached(Reached { revision, seq: file.seq });
    }
    Ok(trailer)
}

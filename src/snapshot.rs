//! This is where the state is written down whole, so that a start need not replay every change there ever was.
//!
//! A snapshot is a fold done earlier. It is one record a line, as [`crate::state::record`] has them, each with its checksum,
//! between a header and a trailer.

use std::io::{self, BufWriter, Write};

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::journal::directory::{Numbered, SNAPSHOT_ASIDE, snapshot_name};
use crate::journal::file::Header;
use crate::journal::read::{self, Lines, ReadError};
use crate::journal::{FORMAT, write_line};
use crate::state::digest::Digest;
use crate::state::record::{Record, each_record};
use crate::state::restore::Restore;
use crate::state::{State, Writer};

/// The last line of a snapshot; a file without it is not whole.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trailer {
    /// How many records came before it.
    pub records: u64,
    /// The digest of the state they make.
    pub digest: Digest,
    /// When its last entry was journaled.
    at_ms: u64,
}

/// Writes aside, flushes, renames, and flushes the directory: a file of a snapshot's name is always whole.
pub fn write(disk: &dyn Disk, seq: u64, state: &State) -> io::Result<Trailer> {
    let mut file = BufWriter::with_capacity(1 << 20, disk.create(SNAPSHOT_ASIDE)?);
    let mut line = Vec::new();
    write_line(&mut line, &Header { guestlist: "snapshot".to_owned(), format: FORMAT, seq, digest: None });
    file.write_all(&line)?;
    let (mut digest, mut records) = (Digest::default(), 0);
    each_record(state, |record| {
        line.clear();
        write_line(&mut line, &record);
        digest.add(&record);
        records += 1;
        file.write_all(&line)
    })?;
    line.clear();
    let trailer = Trailer { records, digest, at_ms: state.at_ms() };
    write_line(&mut line, &trailer);
    file.write_all(&line)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync()?;
    disk.rename(SNAPSHOT_ASIDE, &snapshot_name(seq))?;
    disk.sync()?;
    Ok(trailer)
}

/// Puts together the state that a snapshot holds, and says of how many records.
pub fn load(disk: &dyn Disk, file: &Numbered, writer: &mut Writer) -> Result<u64, ReadError> {
    let path = disk.path().join(&file.name);
    let bytes = read::file(disk, &file.name)?;
    let damaged = |offset: usize, what: String| {
        let offset = u64::try_from(offset).expect("a file's size fits into 64 bits");
        ReadError::DamagedSnapshot { path: path.clone(), offset, what }
    };
    let mut restore = Restore::new(writer);
    let mut records = 0;
    let mut lines = Lines::of(&bytes).peekable();
    while let Some(line) = lines.next() {
        let wrong = |what| damaged(line.offset, what);
        let json = line.text.map_err(wrong)?;
        if line.offset == 0 {
            let format = read::header(json, "snapshot", file.seq).map_err(wrong)?;
            if format > FORMAT {
                return Err(ReadError::Newer { path, format });
            }
        } else if lines.peek().is_some() {
            let record: Record<'_> =
                serde_json::from_str(json).map_err(|error| wrong(format!("is no record: {error}")))?;
            restore.take(record).map_err(|error| wrong(format!("does not fit: {error}")))?;
            records += 1;
        } else {
            let trailer: Trailer =
                serde_json::from_str(json).map_err(|error| wrong(format!("is no trailer: {error}")))?;
            if trailer.records != records {
                return Err(wrong(format!("counts {} records, and {records} came", trailer.records)));
            }
            restore.finish(trailer.digest).map_err(|error| wrong(format!("does not fit: {error}")))?;
            writer.note(file.seq, trailer.at_ms);
            return Ok(records);
        }
    }
    Err(damaged(bytes.len(), "is missing: the file has no trailer".to_owned()))
}

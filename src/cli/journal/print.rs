//! `guestlist journal print`: the journal as an audit log.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use guestlist::access::Caller;
use guestlist::disk::RealDisk;
use guestlist::journal::Entry;
use guestlist::journal::directory::Numbered;
use guestlist::journal::read::{self, Entries, ReadError, Verdict};
use guestlist::methods::Change;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{JournalError, files};

/// The journal's entries, or some of them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Print {
    /// The data directory
    dir: PathBuf,
    /// From this entry or moment on: a number, a date or a time, which are in UTC unless they say otherwise
    #[arg(long, value_name = "TIME|SEQ", value_parser = Bound::since)]
    since: Option<Bound>,
    /// Up to this entry or moment, and with it; a date means all of its day
    #[arg(long, value_name = "TIME|SEQ", value_parser = Bound::until)]
    until: Option<Bound>,
    /// Only what this caller did, such as bot:9009 or user:3; may be given more than once
    #[arg(long, value_name = "CALLER")]
    by: Vec<Caller>,
    /// Only this method; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = method)]
    method: Vec<String>,
    /// One JSON object a line, with seq, at, at_ms, by and do
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
It reads what is still there of the journal, oldest entry first, also while a gateway runs on the directory. What is damaged
ends it, with exit code 1; what cannot be read, with 2.

Examples:
  guestlist journal print ./guestlist-data | grep name@example.com
  guestlist journal print ./guestlist-data --since 2026-11-22T09:00 --until 2026-11-22T10:00
  guestlist journal print ./guestlist-data --by bot:90091784056528980 --method addToWhitelist --method removeFromWhitelist
  guestlist journal print ./guestlist-data --since 1200 --json | jq .do";

/// An end of what is printed.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Seq(u64),
    /// In milliseconds since 1970.
    Moment(u64),
}

impl Bound {
    fn since(text: &str) -> Result<Self, String> {
        Self::read(text, SignedDuration::ZERO)
    }

    fn until(text: &str) -> Result<Self, String> {
        Self::read(text, SignedDuration::from_hours(24) - SignedDuration::from_millis(1))
    }

    /// Reads a number or a moment; a date alone means the moment so long after its midnight.
    fn read(text: &str, into_day: SignedDuration) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Seq).map_err(|error| error.to_string());
        }
        let in_utc = |moment: DateTime| moment.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        let moment = if text.len() == "2026-11-22".len() {
            text.parse::<Date>().and_then(|date| in_utc(date.at(0, 0, 0, 0))?.checked_add(into_day))
        } else {
            text.parse::<Timestamp>().or_else(|_| text.parse::<DateTime>().and_then(in_utc))
        };
        let moment = moment.map_err(|_| "is no entry's number, no date (2026-11-22) and no time (2026-11-22T09:00)")?;
        u64::try_from(moment.as_millisecond()).map(Self::Moment).map_err(|_| "is before 1970".to_owned())
    }
}

fn method(name: &str) -> Result<String, String> {
    match Change::read(name, "{}") {
        Some(_) => Ok(name.to_owned()),
        None => Err("is no method that changes anything, so the journal cannot hold it".to_owned()),
    }
}

impl Print {
    pub fn run(self) -> Result<ExitCode, JournalError> {
        let (disk, files) = (RealDisk::new(&self.dir), files(&self.dir)?);
        let mut out =
            Out { print: &self, out: BufWriter::new(io::stdout().lock()), next_seq: None, message: Vec::new() };
        for (index, segment) in files.segments.iter().enumerate() {
            let next = files.segments.get(index + 1);
            if let (Some(next), Some(Bound::Seq(since))) = (next, self.since)
                && next.seq <= since
            {
                continue;
            }
            let read = match out.next_seq {
                Some(expected) if segment.seq > expected => {
                    let path = self.dir.join(&segment.name);
                    Err(ReadError::Missing { path, expected, found: segment.seq })
                }
                _ => Entries::open(&disk, segment),
            };
            match read.and_then(|entries| out.segment(entries)) {
                Ok(Some(result)) => {
                    result?;
                    break;
                }
                Ok(None) => {}
                Err(ReadError::Io(path, error)) if error.kind() == io::ErrorKind::NotFound => {
                    eprintln!("guestlist: {} was removed meanwhile: a running gateway made a snapshot", path.display());
                    out.next_seq = None;
                }
                Err(ReadError::Damaged { seq, .. }) if is_torn(&disk, segment, next, seq) => {}
                Err(error) => {
                    out.out.flush()?;
                    eprintln!("guestlist: {error}");
                    let unread = matches!(error, ReadError::Io(..) | ReadError::Newer { .. });
                    return Ok(ExitCode::from(if unread { 2 } else { 1 }));
                }
            }
        }
        out.out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    fn wants(&self, entry: &Entry) -> bool {
        let since = match self.since {
            None => true,
            Some(Bound::Seq(seq)) => entry.seq >= seq,
            Some(Bound::Moment(ms)) => entry.at_ms >= ms,
        };
        since
            && (self.by.is_empty() || self.by.contains(&entry.by))
            && (self.method.is_empty() || self.method.iter().any(|method| method == entry.change.which().call().method))
    }

    /// Whether nothing after an entry is asked for, so that it need not be read.
    fn ends_with(&self, entry: &Entry) -> bool {
        matches!(self.until, Some(Bound::Seq(seq)) if entry.seq == seq)
    }

    fn is_over(&self, entry: &Entry) -> bool {
        match self.until {
            None => false,
            Some(Bound::Seq(seq)) => entry.seq > seq,
            Some(Bound::Moment(ms)) => entry.at_ms > ms,
        }
    }
}

/// Whether what is bad from an entry on is only a torn end: of the last segment, which a running gateway may be writing just
/// now, or of one whose last entries the next one has again.
fn is_torn(disk: &RealDisk, segment: &Numbered, next: Option<&Numbered>, seq: u64) -> bool {
    match next {
        Some(next) => seq >= next.seq,
        None => read::survey(disk, segment).is_ok_and(|survey| !matches!(survey.verdict, Verdict::Damaged { .. })),
    }
}

/// Where entries go.
struct Out<'a, W: Write> {
    print: &'a Print,
    out: W,
    /// The number that comes next, once one has come.
    next_seq: Option<u64>,
    message: Vec<u8>,
}

impl<W: Write> Out<'_, W> {
    /// Prints the entries of a segment; gives how it ended, where there is no more to print.
    fn segment(&mut self, mut entries: Entries) -> Result<Option<io::Result<()>>, ReadError> {
        while let Some(entry) = entries.next_entry()? {
            match self.entry(&entry) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(Ok(()))),
                Err(error) => return Ok(Some(Err(error))),
            }
        }
        Ok(None)
    }

    /// Prints an entry if it is asked for, and says whether there may be more.
    fn entry(&mut self, entry: &Entry) -> io::Result<bool> {
        // A segment may run on past the first entry of the next.
        if self.next_seq.is_some_and(|next| entry.seq < next) {
            return Ok(true);
        }
        self.next_seq = Some(entry.seq + 1);
        if self.print.is_over(entry) {
            return Ok(false);
        }
        if !self.print.wants(entry) {
            return Ok(!self.print.ends_with(entry));
        }
        self.message.clear();
        entry.change.write(&mut self.message);
        let (seq, by, at_ms) = (entry.seq, entry.by, entry.at_ms);
        let (at, message) = (moment(at_ms), String::from_utf8_lossy(&self.message));
        if self.print.json {
            writeln!(self.out, r#"{{"seq":{seq},"at":"{at}","at_ms":{at_ms},"by":"{by}","do":{message}}}"#)?;
        } else {
            writeln!(self.out, "{at}  {seq:>8}  {by}  {message}")?;
        }
        Ok(!self.print.ends_with(entry))
    }
}

fn moment(at_ms: u64) -> String {
    let timestamp = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    timestamp.map_or_else(|| at_ms.to_string(), |timestamp| format!("{timestamp:.3}"))
}

//! This is where it is known how people stand in a file: as CSV, or a JSON object a line.
//!
//! CSV begins with a line of names: `signup_id`, and where there are tags `tags`, which has them with a semicolon between each two. A
//! column of another name is passed over, so that an export of another program can be used. Without a column `tags` nothing is said
//! of tags; in an empty cell it is said that there are none.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

use crate::methods::bound_signup;
use crate::state::signup_list::Tags;
use crate::wire::fields::Signup;

/// What stands between two tags.
const BETWEEN_TAGS: char = ';';

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines of signup_id,tags
    Csv,
    /// A JSON object a line
    Jsonl,
}

impl Format {
    /// What a file's name says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// What stands in a line.
pub struct Row {
    /// The line's number, from 1.
    pub line: u64,
    /// Who it is, or what is wrong with it.
    pub signup: Result<Signup, String>,
}

/// Why a file is none of people.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no CSV, or none can be written.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// No column says who they are.
    #[error(
        "its first line has no column `signup_id`, but {0}; begin the file with `signup_id` or `signup_id,tags`, or name the \
         form with --format"
    )]
    NoColumn(String),
    /// A tag that CSV would take for another, or for two, and whose it is.
    #[error(
        "the tag `{0}` of {1} has a semicolon, which stands between tags in CSV, or a space at an end, which is not read there; \
         write a .jsonl file"
    )]
    NotForCsv(String, String),
}

/// Reads a file, line by line.
pub fn read(file: impl Read, format: Format, mut take: impl FnMut(Row)) -> Result<(), RowsError> {
    match format {
        Format::Csv => read_csv(file, take),
        Format::Jsonl => {
            for (line, text) in (1..).zip(BufReader::new(file).lines()) {
                let text = text?;
                if !text.trim().is_empty() {
                    take(Row { line, signup: json_row(&text) });
                }
            }
            Ok(())
        }
    }
}

fn json_row(text: &str) -> Result<Signup, String> {
    let signup: Signup = serde_json::from_str(text).map_err(|error| error.to_string())?;
    checked(signup)
}

fn read_csv(file: impl Read, mut take: impl FnMut(Row)) -> Result<(), RowsError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let names = reader.headers()?.clone();
    let column = |wanted: &str| names.iter().position(|name| name.trim_start_matches('\u{feff}') == wanted);
    let Some(id) = column("signup_id") else {
        return Err(RowsError::NoColumn(names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")));
    };
    let tags = column("tags");
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                let signup = record.get(id).ok_or_else(|| "the line has no signup_id".to_owned());
                let tags = tags.map(|column| split(record.get(column).unwrap_or_default()));
                let signup = signup.and_then(|id| checked(Signup { signup_id: id.into(), tags }));
                take(Row { line, signup });
            }
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                take(Row { line, signup: Err("the line is not UTF-8".to_owned()) });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn split(tags: &str) -> Tags {
    tags.split(BETWEEN_TAGS).map(str::trim).filter(|tag| !tag.is_empty()).map(Into::into).collect()
}

fn checked(signup: Signup) -> Result<Signup, String> {
    bound_signup("signup_id", &signup).map(|()| signup).map_err(|error| error.message.into_owned())
}

/// Writes people into a file, line by line.
pub enum Writer<W: Write> {
    /// As CSV.
    Csv(Box<csv::Writer<W>>),
    /// As JSON lines.
    Jsonl(W),
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub fn new(file: W, format: Format) -> Result<Self, RowsError> {
        Ok(match format {
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(["signup_id", "tags"])?;
                Self::Csv(Box::new(writer))
            }
            Format::Jsonl => Self::Jsonl(file),
        })
    }

    /// Writes one of them.
    pub fn write(&mut self, signup: &Signup) -> Result<(), RowsError> {
        let tags = signup.tags.as_deref().unwrap_or_default();
        match self {
            Self::Csv(writer) => {
                if let Some(tag) = tags.iter().find(|tag| tag.contains(BETWEEN_TAGS) || tag.trim() != **tag) {
                    return Err(RowsError::NotForCsv(tag.to_string(), signup.signup_id.to_string()));
                }
                writer.write_record([signup.signup_id.as_str(), &tags.join(";")])?;
            }
            Self::Jsonl(file) => writeln!(file, "{}", json!({"signup_id": signup.signup_id, "tags": tags}))?,
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(self) -> Result<W, RowsError> {
        match self {
            Self::Csv(writer) => Ok(writer.into_inner().map_err(|error| error.into_error())?),
            Self::Jsonl(mut file) => {
                file.flush()?;
                Ok(file)
            }
        }
    }
}

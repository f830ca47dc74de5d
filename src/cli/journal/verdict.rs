//! What a file of a data directory is like.

use std::fmt;
use std::io;

use guestlist::journal::directory::Numbered;
use guestlist::journal::read::{self, ReadError};
use serde::Serialize;

/// What a file is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// As it was written.
    Whole,
    /// Its end was being written when the process or the machine ended, and was never acknowledged; else it is whole.
    Torn {
        /// Where that begins.
        offset: u64,
        /// How much it is.
        torn_bytes: u64,
    },
    /// Something of it is not as it was written.
    Damaged {
        /// Where the first bad line begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A later gateway wrote it.
    Newer {
        /// In which format.
        format: u32,
    },
    /// A running gateway removed it meanwhile.
    Removed,
    /// The operating system refuses.
    Unreadable {
        /// What it says.
        what: String,
    },
}

impl Verdict {
    /// What an error in reading says of the file.
    pub fn of(error: ReadError) -> Self {
        match error {
            ReadError::Io(_, error) if error.kind() == io::ErrorKind::NotFound => Self::Removed,
            ReadError::Io(_, error) => Self::Unreadable { what: error.to_string() },
            ReadError::Damaged { offset, what, .. } | ReadError::DamagedSnapshot { offset, what, .. } => {
                Self::Damaged { offset, what }
            }
            ReadError::Newer { format, .. } => Self::Newer { format },
            error @ (ReadError::Missing { .. } | ReadError::Diverged { .. }) => {
                Self::Damaged { offset: 0, what: error.to_string() }
            }
        }
    }

    /// What a segment's reading says of it. Only the last may have a torn end: all others were flushed. But where the next has
    /// its last entries again, they are not needed here.
    pub fn of_segment(survey: &read::Survey, next: Option<&Numbered>) -> Self {
        let offset = survey.good_bytes;
        let has_again = next.is_some_and(|next| survey.next_seq >= next.seq && offset > 0);
        match &survey.verdict {
            read::Verdict::Whole if survey.bytes == 0 && next.is_some() => {
                Self::Damaged { offset, what: "is missing: the file is empty".to_owned() }
            }
            read::Verdict::Whole => Self::Whole,
            read::Verdict::Torn { .. } if next.is_none() || has_again => {
                Self::Torn { offset, torn_bytes: survey.bytes - offset }
            }
            read::Verdict::Torn { what } | read::Verdict::Damaged { what, .. } => {
                Self::Damaged { offset, what: what.clone() }
            }
            read::Verdict::Newer(format) => Self::Newer { format: *format },
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Torn { offset, torn_bytes } => write!(
                f,
                "whole up to byte {offset}; the {torn_bytes} bytes after it were never acknowledged, a start cuts them off"
            ),
            Self::Damaged { offset, what } => write!(f, "damaged at byte {offset}: the line {what}"),
            Self::Newer { format } => write!(f, "has format {format}, which only a newer gateway can read"),
            Self::Removed => f.write_str("removed meanwhile, by a running gateway that no longer needs it"),
            Self::Unreadable { what } => write!(f, "cannot be read: {what}"),
        }
    }
}

//! This is where files of people are read, written in both forms, and read again.

use std::borrow::Cow;

use crate::rows::{Format, RowsError, Writer, read};
use crate::state::patterns::fold;
use crate::wire::fields::Signup;

const FORMATS: [Format; 2] = [Format::Csv, Format::Jsonl];

/// Reads a file as if it were of each form.
pub(super) fn run(bytes: &[u8]) {
    for format in FORMATS {
        let (mut people, mut last_line) = (Vec::new(), 0);
        let ended = read(bytes, format, |row| {
            // A carriage return alone ends a row of CSV, and no line.
            let is_after = row.line > last_line || (format == Format::Csv && row.line == last_line);
            assert!(is_after, "line {} comes after line {last_line}", row.line);
            last_line = row.line;
            people.extend(row.signup);
        });
        let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
        assert!(u64::try_from(lines).is_ok_and(|lines| last_line <= lines), "there is no line {last_line}");
        // What was read before an error is people all the same.
        drop(ended);
        FORMATS.iter().for_each(|other| written_again(&people, *other));
    }
}

/// What is written of people is read as the same people.
fn written_again(people: &[Signup], format: Format) {
    let mut writer = Writer::new(Vec::new(), format).expect("memory takes a head");
    let mut kept = Vec::new();
    for signup in people {
        match writer.write(signup) {
            Ok(()) => kept.push(signup),
            Err(RowsError::NotForCsv(tag, _)) => {
                assert!(format == Format::Csv && (tag.contains(';') || tag.trim() != tag), "{tag:?}");
            }
            Err(error) => panic!("{signup:?}: {error}"),
        }
    }
    let file = writer.finish().expect("memory takes a file");
    let mut again = Vec::new();
    let read = read(&*file, format, |row| again.push(row.signup.expect("what was written is well formed")));
    read.expect("what was written is a file");
    let kept: Vec<_> = kept.into_iter().map(said).collect();
    assert_eq!(again.iter().map(said).collect::<Vec<_>>(), kept, "{}", String::from_utf8_lossy(&file));
}

/// Who it is, and with what tags: a file that says nothing of tags, and one that says there are none, come to the same list.
fn said(signup: &Signup) -> (Cow<'_, str>, &[compact_str::CompactString]) {
    (fold(&signup.signup_id), signup.tags.as_deref().unwrap_or_default())
}

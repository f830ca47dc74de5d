//! The form in which changes are journaled: read back, it is the same change, whatever form the client sent.

use std::path::{Path, PathBuf};

use guestlist::access::{Caller, View};
use guestlist::journal::{Entry, Stamp, checked, write_entry};
use guestlist::methods::Change;
use guestlist::random::Random;
use guestlist::state::Writer;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Step<'a> {
    #[serde(borrow)]
    send: Option<&'a RawValue>,
}

fn transcripts(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().expect("fixtures can be listed") {
        let path = entry.expect("fixtures can be listed").path();
        if path.is_dir() {
            transcripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(path);
        }
    }
}

#[test]
fn every_change_of_the_transcripts_comes_back_out_of_the_journal_as_it_went_in() {
    let mut paths = Vec::new();
    transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut paths);
    let writer = Writer::default();
    let mut seen = 0;
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a transcript can be read");
        let frames = text.lines().filter_map(|line| serde_json::from_str::<Step<'_>>(line).ok()?.send);
        for frame in frames {
            let method = serde_json::from_str::<Value>(frame.get())
                .ok()
                .and_then(|frame| Some(frame["method"].as_str()?.to_owned()));
            let Some(Some(Ok(mut change))) = method.map(|method| Change::read(&method, frame.get())) else { continue };
            let view = View::new(writer.state(), Caller::Seed, 1);
            // What is refused here, such as a log-in with a wrong password, is not journaled.
            let Ok(()) = change.prepare(view, &Random::default()) else { continue };
            let (mut message, mut lines) = (Vec::new(), Vec::new());
            change.write(&mut message);
            write_entry(&mut lines, 1, 0, &Stamp::new(2, Caller::Seed), &message);
            lines.pop();
            let back =
                checked(&lines).and_then(Entry::parse).unwrap_or_else(|error| panic!("{}: {error}", frame.get()));
            let mut again = Vec::new();
            back.change.write(&mut again);
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&message), "{}", frame.get());
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen} changes were found");
}

//! Every transcript under `fixtures/`, replayed against a gateway of its own; and what they show when taken together.

#[path = "transcripts/routes.rs"]
mod routes;
#[path = "transcripts/rules.rs"]
mod rules;
mod support;

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use guestlist::disk::RealDisk;
use guestlist::fold::fold;
use guestlist::journal::{Entry, checked, directory};
use guestlist::methods::METHODS;
use guestlist::recovery::fold_files;
use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use guestlist::transcript::exchange::{Frame, Replayed, Way};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use guestlist::transcript::{Action, Transcript};
use guestlist::wire::close::Close;
use guestlist::wire::error::Code;
use hyper::Method;
use routes::{Call, NEVER_REFUSED, ROUTES};
use serde_json::Value;
use support::http::Http;

/// What is under `fixtures/` and is no transcript: the demo's seed, and golden data directories.
const NO_TRANSCRIPTS: &[&str] = &["demo.jsonl", "journal"];

/// Codes that no conversation brings about, and why.
const CODES_ABSENT: &[(Code, &str)] = &[
    (Code::SlowDown, "depends on how fast a machine checks passwords; tests/share_defects.rs"),
    (Code::NotWritable, "needs a disk that fails"),
    (Code::Unexpected, "needs a gateway that fails in a way nobody foresaw"),
];

/// Closes that no transcript brings about, and which test does.
const CLOSES_ABSENT: &[(Close, &str)] = &[
    (Close::Stopping, "tests/connection.rs"),
    (Close::Idle, "tests/connection.rs"),
    (Close::SlowReader, "tests/connection.rs"),
    (Close::Crowded, "tests/crowds.rs"),
    (Close::Held, "tests/crowds.rs"),
    (Close::Failed, "tests/strain.rs"),
    (Close::CutOff, "tests/cluster/cut_off.rs"),
    (Close::Protocol, "tests/connection.rs"),
    (Close::TooBig, "tests/bad_input.rs"),
];

/// Bytes of the longest frame that is promised; a Java bot ends its connection for good at 100,001.
const FRAME_BYTES_MAX: usize = 90_000;

/// How the replay of a transcript went.
#[derive(Default)]
struct Played {
    name: String,
    begins_with_note: bool,
    replayed: Replayed,
    failure: Option<String>,
}

/// All of them, replayed once for all tests here.
static PLAYED: LazyLock<Vec<Played>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads");
    runtime.block_on(async {
        let mut played = Vec::new();
        for path in transcripts(&root().join("fixtures")) {
            played.push(play(&path).await);
        }
        played
    })
});

#[test]
fn every_transcript_replays_and_its_journal_alone_folds_to_the_live_state() {
    let failures: Vec<&str> = PLAYED.iter().filter_map(|played| played.failure.as_deref()).collect();
    let (failed, all) = (failures.len(), PLAYED.len());
    assert!(failed == 0, "{failed} of {all} transcripts failed\n\n{}", failures.join("\n"));
    assert!(all > 0, "there are no transcripts");
}

#[test]
fn every_transcript_begins_by_saying_what_it_shows() {
    let without = PLAYED.iter().filter(|played| !played.begins_with_note);
    assert_none("no note on the first line", without.map(|played| &played.name));
}

#[test]
fn every_method_is_shown_accepted_and_refused() {
    let accepted = |reply: &str| received().any(|(_, frame)| frame.method().as_deref() == Some(reply));
    let refused = |method: &str| {
        received().any(|(_, frame)| frame.error().is_some() && request(frame).as_deref() == Some(method))
    };
    let calls = || METHODS.iter().map(|method| method.call);
    assert_none(
        "no transcript shows these accepted",
        calls().filter(|call| !accepted(call.reply)).map(|call| call.method),
    );
    assert_none(
        "no transcript shows these refused",
        calls().filter(|call| !refused(call.method)).map(|call| call.method),
    );
}

#[test]
fn every_route_is_shown_accepted_and_refused() {
    let (mut accepted, mut refused, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (played, call) in calls() {
        match call.route() {
            Some(route) if call.is_accepted() => accepted.push(route),
            Some(route) if call.is_refused() => refused.push(route),
            None if call.is_elsewhere() => {}
            _ => unknown.push(format!("{}:{}: {}", played.name, call.line, call.request)),
        }
    }
    let missing = ROUTES.iter().filter(|route| !accepted.contains(route));
    assert_none("no transcript shows these accepted", missing.map(|(method, path)| format!("{method} {path}")));
    catalogue(&ROUTES, NEVER_REFUSED, |route| refused.contains(&route));
    assert_none("answered, and by no route of the list", unknown.into_iter());
}

/// A path says which methods it takes to whoever tries another one.
#[tokio::test]
async fn the_list_of_routes_has_every_method_of_its_paths() {
    let data = tempfile::tempdir().expect("there is room for a directory");
    let gateway = support::gateway(data.path()).await;
    let http = Http::of(&gateway);
    for (_, path) in ROUTES.iter() {
        let purge = Method::from_bytes(b"PURGE").expect("it could be a method");
        let answer = http.request(purge, path.replace(['{', '}'], "")).send().await.expect(405);
        let allowed: BTreeSet<&str> = answer.header("allow").expect("405 says what is allowed").split(',').collect();
        let listed = ROUTES.iter().filter(|route| route.1 == *path).map(|route| route.0);
        // Where there is GET, there is HEAD.
        let listed: BTreeSet<&str> =
            listed.flat_map(|method| [method, if method == "GET" { "HEAD" } else { method }]).collect();
        assert_eq!(allowed, listed, "{path}");
    }
    gateway.stop().await;
}

#[test]
fn every_error_code_is_shown() {
    let shown = |code: Code| received().any(|(_, frame)| frame.error() == Some(code.number().into()));
    catalogue(Code::ALL, CODES_ABSENT, shown);
}

#[test]
fn every_close_is_shown() {
    let shown = |close: Close| {
        received().any(|(_, frame)| {
            matches!(frame, Frame::Close(seen) if seen.code == close.code() && seen.reason == close.reason())
        })
    };
    catalogue(Close::ALL, CLOSES_ABSENT, shown);
}

#[test]
fn every_frame_received_is_one_that_all_sdks_can_take() {
    let broken = received().filter_map(|(place, frame)| {
        let Frame::Text(text) = frame else { return None };
        let judged = match serde_json::from_str::<Value>(text) {
            _ if text.len() > FRAME_BYTES_MAX => Err(format!("has {} bytes", text.len())),
            Err(error) => Err(error.to_string()),
            Ok(frame) => rules::check(&frame),
        };
        judged.err().map(|fault| format!("{place}: {fault}\n    {text}"))
    });
    assert_none("these frames break an SDK", broken);
}

/// Replays one transcript on its own gateway and data directory, then folds what lies on disk: the journal alone while the
/// gateway runs, and what it leaves when it stops, a snapshot.
async fn play(path: &Path) -> Played {
    let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    let text = fs::read_to_string(path).expect("a listed file can be read");
    let transcript = match Transcript::parse(&name, text) {
        Ok(transcript) => transcript,
        Err(error) => return Played { name, failure: Some(format!("{error}\n")), ..Played::default() },
    };
    let first = transcript.steps().ok().and_then(|mut steps| steps.next()).and_then(Result::ok);
    let begins_with_note = first.is_some_and(|step| matches!(step.action, Action::Note(_)));

    let data = tempfile::tempdir().expect("there is room for a directory");
    let gateway = support::gateway(data.path()).await;
    let mut replayed = Replayed::default();
    let replay = replay(&transcript, &gateway.url(), &ReplayOptions::default(), &mut replayed).await;
    let live = Digest::of(gateway.state());
    let journal = folded(data.path(), false);
    let kept = gateway.state().digest().digest == live && is_counted_after_every_entry(data.path());
    gateway.stop().await;
    let snapshot = folded(data.path(), true);
    let failure = match replay {
        Ok(_) => {
            let same = journal == live && snapshot == live;
            let told = || format!("{name}: the state is {live}, the journal's {journal}, after the stop {snapshot}\n");
            let miscounted = || format!("{name}: the digest as it is kept is not that of the state\n");
            (!same).then(told).or_else(|| (!kept).then(miscounted))
        }
        // Changes may still have been under way.
        Err(error) => Some(error.report(false).to_string()),
    };
    Played { name, begins_with_note, replayed, failure }
}

fn folded(data: &Path, with_snapshot: bool) -> Digest {
    let disk = RealDisk::new(data);
    let files = directory::files(&disk).expect("the data directory can be listed");
    assert_eq!(!files.snapshots.is_empty(), with_snapshot, "a snapshot is made at the stop, and not before");
    Digest::of(fold_files(&disk, &files).expect("what the gateway wrote can be read").writer.state())
}

/// Folds a journal entry by entry, and counts the state anew after each.
fn is_counted_after_every_entry(data: &Path) -> bool {
    let first = fs::read(data.join(directory::segment_name(1))).expect("the journal begins with entry 1");
    let (mut writer, mut events) = (Writer::default(), Vec::new());
    // The gateway may have been killed, and then the segment ends with room ahead.
    let is_line = |line: &&[u8]| line.iter().any(|byte| *byte != 0);
    let lines = first.split(|byte| *byte == b'\n').skip(1).filter(is_line);
    lines.map(|line| checked(line).and_then(Entry::parse).expect("a line holds an entry")).all(|entry| {
        // A refusal is an outcome too.
        let _ = fold(&mut writer, entry, &mut events);
        writer.settle().digest == Digest::of(writer.state())
    })
}

/// The transcripts in a directory and those below it, in the order of their names.
fn transcripts(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().expect("the directory can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the directory can be listed").path()).collect();
    paths.retain(|path| !NO_TRANSCRIPTS.iter().any(|name| *path == root().join("fixtures").join(name)));
    paths.sort_unstable();
    let expand = |path: PathBuf| if path.is_dir() { transcripts(&path) } else { vec![path] };
    paths.into_iter().flat_map(expand).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every frame that a gateway sent, and where it was expected.
fn received() -> impl Iterator<Item = (String, &'static Frame)> {
    PLAYED.iter().flat_map(|played| {
        let frames = played.replayed.frames.iter().filter(|exchanged| exchanged.way == Way::Received);
        frames.map(|exchanged| (format!("{}:{}", played.name, exchanged.line), &exchanged.frame))
    })
}

/// Every request that was answered.
fn calls() -> impl Iterator<Item = (&'static Played, Call<'static>)> {
    PLAYED.iter().flat_map(|played| routes::calls(&played.replayed.frames).map(move |call| (played, call)))
}

/// Which method a refusal is about.
fn request(frame: &Frame) -> Option<String> {
    let Frame::Text(text) = frame else { return None };
    let frame: Value = serde_json::from_str(text).ok()?;
    Some(frame.get("request")?.as_str()?.to_owned())
}

/// Holds a catalogue against what is shown: all of it but for the exceptions, and none of those.
fn catalogue<T: Copy + PartialEq + Debug>(all: &[T], absent: &[(T, &str)], shown: impl Fn(T) -> bool) {
    let excused = |item: T| absent.iter().any(|(known, _)| *known == item);
    let missing = all.iter().filter(|item| !excused(**item) && !shown(**item));
    assert_none("no transcript shows", missing.map(|item| format!("{item:?}")));
    let stale = absent.iter().filter(|(item, _)| shown(*item));
    assert_none("listed as absent, and shown after all", stale.map(|(item, reason)| format!("{item:?} ({reason})")));
}

#[track_caller]
fn assert_none(what: &str, found: impl Iterator<Item = impl Display>) {
    let found: Vec<String> = found.map(|item| format!("  {item}\n")).collect();
    assert!(found.is_empty(), "{what}:\n{}", found.concat());
}

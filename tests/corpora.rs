//! What fuzzers found to be of use, and what went wrong once, read by every reader again: `fuzz/run` makes up more.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use guestlist::fuzzing::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The names of what is in a directory, without their extensions.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.expect("the directory can be read").path());
    paths.map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned()).collect()
}

/// Holds a reader against every file of its corpus.
fn read_all(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    let corpus = fuzz().join("corpora").join(name);
    let files = names(&corpus);
    assert!(!files.is_empty(), "the corpus of {name} is empty");
    let failed: Vec<_> = files
        .into_iter()
        .filter(|file| {
            let bytes = fs::read(corpus.join(file)).expect("the file can be read");
            catch_unwind(|| (target.run)(&bytes)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "of {}, see above: {failed:?}", corpus.display());
}

macro_rules! corpora {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            read_all(stringify!($name));
        })+

        #[test]
        fn every_target_has_a_corpus_a_fuzzer_and_a_test() {
            let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
            assert_eq!(names(&fuzz().join("corpora")), targets);
            assert_eq!(names(&fuzz().join("targets")), targets);
            assert_eq!(BTreeSet::from([$(stringify!($name).to_owned()),+]), targets);
            let fuzzers = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the fuzzers are described");
            for target in targets {
                let path = format!("path = \"targets/{target}.rs\"");
                assert!(fuzzers.contains(&path), "fuzz/Cargo.toml has no {path}");
                let fuzzer = fs::read_to_string(fuzz().join(format!("targets/{target}.rs"))).expect("it can be read");
                assert!(fuzzer.contains(&format!("run(\"{target}\", bytes)")), "{target}.rs runs another target");
            }
        }
    };
}

corpora! { frames patterns people requests segments transcripts }

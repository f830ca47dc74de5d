//! This is where it is said what must be true of any bytes at all: a function for each kind of reader, which panics where it is not.
//!
//! A fuzzer makes up the bytes (`fuzz/run`), and `tests/corpora.rs` keeps those that were of use. None of this is for users.

mod frames;
pub(crate) mod patterns;
mod people;
mod requests;
mod segments;
mod transcripts;

/// What holds a reader against bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its corpus, and of its file in `fuzz/targets`.
    pub name: &'static str,
    /// Reads the bytes.
    ///
    /// # Panics
    /// Where something is not as it must be.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "frames", run: frames::run },
    Target { name: "patterns", run: patterns::run },
    Target { name: "people", run: people::run },
    Target { name: "requests", run: requests::run },
    Target { name: "segments", run: segments::run },
    Target { name: "transcripts", run: transcripts::run },
];

/// Holds the reader of this name against bytes.
///
/// # Panics
/// Where something is not as it must be, or there is no reader of the name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    (target.run)(bytes);
}

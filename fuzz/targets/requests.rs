//! `guestlist::fuzzing` says what is held against what here.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| guestlist::fuzzing::run("requests", bytes));

//! The command line: parse, and call one file of `cli/`.

mod cli;

use std::process::ExitCode;

/// Allocating takes a good part of a message's time, and this allocator halves that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}

//! `guestlist man`: the manual pages, of the same text as `--help`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};

use clap::{Args, CommandFactory};

use super::Cli;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Man {
    /// Directory to write them to; made if missing
    #[arg(value_name = "DIR")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
One page for the program and one for each subcommand: guestlist.1, guestlist-serve.1, ...

Example:
  guestlist man /usr/local/share/man/man1";

impl Man {
    pub fn run(self) -> ExitCode {
        match self.write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => super::failed(format_args!("{} cannot hold the pages: {error}", self.out.display())),
        }
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.out)?;
        clap_mangen::generate_to(Cli::command(), &self.out)
    }
}

//! `guestlist completions`: what a shell needs to complete this program's arguments.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  guestlist completions bash > /etc/bash_completion.d/guestlist
  guestlist completions zsh > \"${fpath[1]}/_guestlist\"
  guestlist completions fish > ~/.config/fish/completions/guestlist.fish";

impl Completions {
    pub fn run(self) -> ExitCode {
        generate(self.shell, &mut Cli::command(), "guestlist", &mut std::io::stdout());
        ExitCode::SUCCESS
    }
}

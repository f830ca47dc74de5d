//! `guestlist health`: asks a gateway whether it is ready, for whatever restarts or routes by that.

use std::process::ExitCode;

use clap::Args;

use super::site::{Question, Site};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Health {
    #[command(flatten)]
    site: Site,
}

const EXAMPLES: &str = "\
Prints what the gateway says of itself. Exit code 0 where it takes changes, 1 where it does not or is not there.

Example:
  guestlist health --url ws://127.0.0.1:5020/nandbox/api/";

impl Health {
    pub fn run(self) -> ExitCode {
        let asked = super::runtime().map(|runtime| runtime.block_on(self.site.ask(&Question::get("/readyz"))));
        match asked {
            Ok(Ok((200, said))) => {
                println!("{}", said.trim_end());
                ExitCode::SUCCESS
            }
            Ok(Ok((status, said))) => {
                eprintln!("guestlist: the gateway is not ready ({status}): {}", said.trim_end());
                ExitCode::FAILURE
            }
            // Not 2: Docker keeps that for itself.
            Ok(Err(error)) => {
                eprintln!("guestlist: {error}");
                ExitCode::FAILURE
            }
            Err(error) => super::failed(error),
        }
    }
}

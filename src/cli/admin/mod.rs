//! `guestlist admin`: looks after the apps and the bots of a running gateway.

mod app;
mod ask;
mod bot;
mod grant;
mod link;
mod show;
mod token;

use std::io;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::ask::{AdminError, Admission};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Admin {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
The token is an administrator's. What a program would go on with, such as a new token, is printed alone; remarks go to stderr.
With --json the gateway's answers are printed as they came, one a line. Exit code 0 when it is done, 1 for a refusal, 2 where the
gateway was not reached or did not let us in.

Examples (against guestlist serve --demo, with GUESTLIST_TOKEN=demo-admin-token):
  guestlist admin app list
  guestlist admin app add 'Summer party' --use-whitelist true
  guestlist admin bot add doorkeeper --app 90090684293000559 --grant signup_management
  guestlist admin token 90091784056528980";

#[derive(Debug, Subcommand)]
enum Command {
    /// List, make, change and remove apps
    App(app::App),
    /// List, make, change and remove bots
    Bot(bot::Bot),
    /// Print a link that signs a browser in to the gateway's page, once, within half an hour
    Link(link::Link),
    /// Give a bot a new token, print it this once, and end the bot's connections
    Token(token::Token),
}

impl Admin {
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::App(app) => app.run(),
            Command::Bot(bot) => bot.run(),
            Command::Link(link) => link.run(),
            Command::Token(token) => token.run(),
        }
    }
}

/// What a command of this kind does once it is let in.
trait Errand {
    /// Whom it talks to, and in which form it answers.
    fn admission(&self) -> &Admission;

    /// Does it.
    async fn done(&self, ask: &mut ask::Ask) -> Result<(), AdminError>;
}

/// Runs a command to its end, and gives the exit code for how it went.
fn run(errand: &impl Errand) -> ExitCode {
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return super::failed(error),
    };
    let done = runtime.block_on(async {
        let mut ask = errand.admission().ask().await?;
        errand.done(&mut ask).await?;
        ask.end().await;
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` that has seen enough is no failure.
        Err(AdminError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) if error.is_refusal() => {
            eprintln!("guestlist: {error}");
            ExitCode::FAILURE
        }
        Err(error) => super::failed(error),
    }
}

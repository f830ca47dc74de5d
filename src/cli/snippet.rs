//! `guestlist snippet`: prints a bot that works, on one of the official SDKs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use guestlist::snippet::Language;
use guestlist::state::id::AppId;

use super::talk::URL_DEFAULT;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Snippet {
    /// The language it is in
    language: Language,
    /// Where the gateway listens
    #[arg(long, env = "GUESTLIST_URL", default_value = URL_DEFAULT)]
    url: String,
    /// The bot's token [default: the bot looks for GUESTLIST_TOKEN in its environment]
    #[arg(long, env = "GUESTLIST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The app whose whitelist it shows
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
}

const EXAMPLES: &str = "\
Example (against guestlist serve --demo):
  guestlist snippet python --token 90091784056528980:0:DemoBotTokenForLocalUseOnly001 --app 90090684293000559 > bot.py";

impl Snippet {
    pub fn run(self) -> ExitCode {
        // A reader that has seen enough is no failure.
        match io::stdout().write_all(self.text().as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => super::failed(error),
            _ => ExitCode::SUCCESS,
        }
    }

    fn text(&self) -> String {
        self.language.bot(&self.url, self.token.as_deref(), self.app)
    }
}

//! `guestlist snippet`: prints a bot that works, on one of the official SDKs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use guestlist::state::id::AppId;
use serde_json::json;

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

/// A language that has an official SDK.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// nandboxbotsapi
    Python,
    /// nandbox-bot-api
    Node,
    /// nandbox/java-sdk
    Java,
}

impl Language {
    /// The bot, with names for what is put in their place, quotes and all.
    fn bot(self) -> &'static str {
        match self {
            Self::Python => include_str!("bot.py"),
            Self::Node => include_str!("bot.js"),
            Self::Java => include_str!("Bot.java"),
        }
    }

    /// How it reads the token that it is not given.
    fn token_outside(self) -> &'static str {
        match self {
            Self::Python => r#"os.environ["GUESTLIST_TOKEN"]"#,
            Self::Node => "process.env.GUESTLIST_TOKEN",
            Self::Java => r#"System.getenv("GUESTLIST_TOKEN")"#,
        }
    }

    fn nothing(self) -> &'static str {
        match self {
            Self::Python => "None",
            Self::Node | Self::Java => "null",
        }
    }
}

impl Snippet {
    pub fn run(self) -> ExitCode {
        // A reader that has seen enough is no failure.
        match io::stdout().write_all(self.text().as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => super::failed(error),
            _ => ExitCode::SUCCESS,
        }
    }

    fn text(&self) -> String {
        let Self { language, url, token, app } = self;
        // A text of JSON is one of all three languages.
        let literal = |text: &str| json!(text).to_string();
        let token = token.as_deref().map_or_else(|| language.token_outside().to_owned(), literal);
        let app = app.map_or_else(|| language.nothing().to_owned(), |app| literal(&app.to_string()));
        let bot = language.bot().replace(r#""@URL@""#, &literal(url));
        bot.replace(r#""@TOKEN@""#, &token).replace(r#""@APP@""#, &app)
    }
}

//! This is where a bot begins: one on each official SDK, with names for its address, its token and its app.

use clap::ValueEnum;
use serde_json::json;

use crate::state::id::AppId;

/// A language that has an official SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// nandboxbotsapi
    Python,
    /// nandbox-bot-api
    Node,
    /// nandbox/java-sdk
    Java,
}

impl Language {
    /// The name of the file that a bot is in.
    pub fn file(self) -> &'static str {
        match self {
            Self::Python => "bot.py",
            Self::Node => "bot.js",
            Self::Java => "Bot.java",
        }
    }

    /// The bot, with `"@URL@"`, `"@TOKEN@"` and `"@APP@"` for what is put in their place, quotes and all.
    pub fn template(self) -> &'static str {
        match self {
            Self::Python => include_str!("bot.py"),
            Self::Node => include_str!("bot.js"),
            Self::Java => include_str!("Bot.java"),
        }
    }

    /// The bot, for an address. Where no token is given it looks for `GUESTLIST_TOKEN` in its environment; with an app it shows that
    /// one's whitelist.
    pub fn bot(self, url: &str, token: Option<&str>, app: Option<AppId>) -> String {
        // A text of JSON is one of all three languages.
        let literal = |text: &str| json!(text).to_string();
        let token = token.map_or_else(|| self.token_outside().to_owned(), literal);
        let app = app.map_or_else(|| self.nothing().to_owned(), |app| literal(&app.to_string()));
        let bot = self.template().replace(r#""@URL@""#, &literal(url));
        bot.replace(r#""@TOKEN@""#, &token).replace(r#""@APP@""#, &app)
    }

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

//! `guestlist admin token`: gives a bot a new token.

use std::process::ExitCode;

use clap::Args;
use guestlist::state::id::BotId;
use serde::Deserialize;
use serde_json::json;

use super::Errand;
use super::ask::{AdminError, Admission, Ask};

#[derive(Debug, Args)]
pub struct Token {
    /// The bot's id
    #[arg(value_name = "BOT_ID")]
    bot: BotId,
    #[command(flatten)]
    admission: Admission,
}

/// What says a token, this once.
#[derive(Deserialize)]
pub struct New {
    token: String,
}

impl New {
    /// The line that it is printed as.
    pub fn line(rows: &[Self]) -> String {
        rows.iter().map(|new| format!("{}\n", new.token)).collect()
    }
}

impl Token {
    pub fn run(self) -> ExitCode {
        super::run(&self)
    }
}

impl Errand for Token {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let rotated = ask.change(&json!({"method": "rotateBotToken", "bot_id": self.bot})).await?;
        ask.remark(format_args!("bot {} has a new token, shown this once; the one before lets nobody in", self.bot));
        ask.show(&rotated, New::line)
    }
}

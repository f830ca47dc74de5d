//! `guestlist admin link`: makes a link that signs a browser in.

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use crate::cli::site::{Question, Site};

#[derive(Debug, Args)]
pub struct Link {
    #[command(flatten)]
    site: Site,
    /// The administrator's token
    #[arg(long, env = "GUESTLIST_TOKEN", hide_env_values = true)]
    token: String,
    /// Print the gateway's answer as it came
    #[arg(long)]
    json: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    url: String,
    ends_at: String,
    message: String,
}

impl Link {
    pub fn run(self) -> ExitCode {
        let runtime = match crate::cli::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return crate::cli::failed(error),
        };
        let (status, text) = match runtime.block_on(self.site.ask(&Question::post("/dashboard/links", &self.token))) {
            Ok(answer) => answer,
            Err(error) => return crate::cli::failed(error),
        };
        let answer: Answer = serde_json::from_str(&text).unwrap_or_default();
        if status != 200 || answer.url.is_empty() {
            let why = if answer.message.is_empty() { text.trim_end() } else { &answer.message };
            eprintln!("guestlist: the gateway refused with {status}: {why}");
            return ExitCode::FAILURE;
        }
        if self.json {
            println!("{}", text.trim_end());
        } else {
            eprintln!("The link signs one browser in, once, until {}:", answer.ends_at);
            println!("{}", answer.url);
        }
        ExitCode::SUCCESS
    }
}

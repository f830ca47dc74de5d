//! `guestlist call`: sends one message and prints what comes back.

use std::process::ExitCode;

use clap::Args;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::talk::{Gateway, Head, TalkError};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Call {
    /// The message, a JSON object
    message: String,
    #[command(flatten)]
    gateway: Gateway,
}

const EXAMPLES: &str = "\
Prints every frame that answers the message, one a line. Exit code 0 for an answer, 1 for a refusal, 2 where the gateway was
not reached or did not let us in.

Example (against guestlist serve --demo):
  guestlist call --token 90091784056528980:0:DemoBotTokenForLocalUseOnly001 \\
    '{\"method\":\"addToWhitelist\",\"app_id\":\"90090684293000559\",\"signups\":[\"name@example.com\"]}'";

impl Call {
    pub fn run(self) -> ExitCode {
        let runtime = match super::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return super::failed(error),
        };
        match runtime.block_on(self.call()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => super::failed(error),
        }
    }

    /// Says whether the message was accepted.
    async fn call(&self) -> Result<bool, TalkError> {
        let mut talk = self.gateway.sign_in().await?;
        let mut accepted = true;
        let print = |frame: Utf8Bytes| {
            accepted &= Head::of(&frame).error.is_none();
            println!("{frame}");
        };
        talk.ask(&self.message, print).await?;
        talk.close().await;
        Ok(accepted)
    }
}

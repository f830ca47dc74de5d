//! `guestlist call`: sends one message and prints what comes back.

use std::process::ExitCode;

use clap::Args;

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
        talk.send(self.message.clone()).await?;
        // Answers come in order, so the answer to a PING marks the end of those before it, however many frames they took.
        talk.send(r#"{"method":"PING"}"#).await?;
        let mut accepted = true;
        let mut pongs = if Head::of(&self.message).is("PING") { 2 } else { 1 };
        loop {
            let frame = talk.receive().await?;
            let head = Head::of(&frame);
            pongs -= i32::from(head.is("PONG"));
            if pongs == 0 {
                talk.close().await;
                return Ok(accepted);
            }
            accepted &= head.error.is_none();
            println!("{frame}");
        }
    }
}

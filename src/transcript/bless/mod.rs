//! Finds what a transcript would have to expect, for whoever has looked at the differences and found them right.

mod edits;
pub(crate) mod rewrite;

pub use self::edits::Edits;
use super::failure::{Fault, ReplayError};
use super::options::ReplayOptions;
use super::replay::replay;
use super::watch::Watch;
use super::{Action, Step, Transcript};

/// Plays a transcript against the gateway at a `ws://` address, and tells how its expectations must be edited.
///
/// Placeholders stay where they accept what came. What is sent stays as it is; that a connection ends where the transcript
/// goes on, or goes on where it ends, is for people to judge, and an error.
pub async fn bless(transcript: &Transcript, url: &str, options: &ReplayOptions) -> Result<Edits, Box<ReplayError>> {
    let mut edits = Edits::default();
    // Sent ahead, an answer could be taken for that of an earlier line, and be put before what asks for it.
    let options = ReplayOptions { ahead: Some(1), ..options.clone() };
    replay(transcript, url, &options, &mut edits).await?;
    edits.hide(&options.given);
    Ok(edits)
}

/// Every fault that another line would not be is forgiven, and that line noted.
impl Watch for Edits {
    fn step(&mut self, step: &Step) {
        if let Action::Secret(name) = &step.action {
            self.secrets.push(name.clone());
        }
    }

    fn forgives(&mut self, step: &Step, fault: &Fault) -> bool {
        match fault {
            Fault::Changed { actual, differences } => self.change(step, actual, differences),
            // A request without its answer would be left.
            Fault::Missing { .. } if matches!(step.action, Action::Response(_)) => false,
            Fault::Missing { .. } => self.remove(step),
            Fault::Extra { actual, before: true } => self.add_before(step, actual),
            Fault::Extra { actual, before: false } => self.add_after(step, actual),
            Fault::Reordered { line, .. } => self.put_before(step, *line),
            Fault::NotClosed { actual } => self.add_before(step, actual),
            Fault::OtherClose(close) => self.change_close(step, close),
            _ => false,
        }
    }
}

//! This is where one entry of the journal becomes part of the state: the one function through which the state changes, live
//! and in recovery.

use crate::event::Event;
use crate::journal::Entry;
use crate::methods::{Answer, Turn};
use crate::state::{Reached, Writer};
use crate::wire::error::Error;

/// What became of a change.
pub type Outcome = Result<Answer, Error>;

/// Makes one journaled change, or refuses it, as it will be refused in every recovery.
pub fn fold(writer: &mut Writer, entry: Entry, events: &mut Vec<Event>) -> Outcome {
    let Entry { seq, at_ms, by, change, revision } = entry;
    let outcome = change.run(&mut Turn { writer, events, caller: by, at_ms });
    writer.note(seq, at_ms);
    if let Some(revision) = revision {
        writer.note_reached(Reached { revision, seq });
    }
    outcome
}

//! This is where changes are refused that the journal does not take: each text says what became of the change and what to do.

use super::submission::Job;
use crate::wire::error::{Code, Error};

/// The refusal of a change for which there is no space.
pub(super) fn full() -> Error {
    let message = "storage is full, and nothing of the change was made; reading still works, and changes are taken again by \
                   themselves once there is space: try again later, and tell an administrator";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change after the journal has failed.
pub(super) fn failed() -> Error {
    let message = "storage has failed, and the change was not made; reading still works, try again when an administrator has \
                   restarted the gateway";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change with which the journal or the engine failed: nobody knows how much of it the disk has.
pub fn perhaps_written() -> Error {
    let message = "the change could not be made durable: it is not made now, but may be there after a restart; reading still \
                   works, look again when an administrator has restarted the gateway";
    Error::new(Code::NotWritable, message)
}

/// Refuses every change of a batch.
pub(super) fn refuse(batch: Vec<Job>, error: &Error) {
    for Job { submission, done, .. } in batch {
        // A caller that is gone does not want to know.
        let _ = done.send(submission.changes.iter().map(|_| Err(error.clone())).collect());
    }
}

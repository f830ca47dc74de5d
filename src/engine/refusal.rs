//! This is where changes are refused that the journal does not take: each text says what became of the change and what to do.

use tokio::sync::oneshot;

use super::submission::{Job, Submission};
use crate::cluster::cut_off;
use crate::fold::Outcome;
use crate::health::Storage;
use crate::journal::shared::Why;
use crate::wire::error::{Code, Error};

/// The refusal of a change while storage is as it is.
pub(super) fn of(storage: Storage) -> Error {
    match storage {
        Storage::Full => full(),
        Storage::CutOff => cut_off(),
        Storage::Failed | Storage::Writable => failed(),
    }
}

/// The refusal of a change of which nobody could find out in time whether the shared journal has it.
pub(super) fn unknown() -> Error {
    let message = "it is unknown whether the change was made, for the gateway was cut off from its journal on the way: look whether it \
                   is there, and if not, send it again";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change that a shared journal did not take.
pub(super) fn not_taken(why: Why) -> Error {
    match why {
        Why::NotFirst => {
            let message =
                "another gateway began the journal at that moment, and the change was not made: send it again";
            Error::new(Code::NotWritable, message)
        }
        Why::NoRoom => {
            let message = "the shared journal has no room, and the change was not made; reading still works: tell an \
                           administrator, who sees to etcd's quota";
            Error::new(Code::NotWritable, message)
        }
        Why::NotAllowed => {
            let message = "the shared journal does not take the change, and it was not made; reading still works: tell an \
                           administrator, who finds in the gateway's log why";
            Error::new(Code::NotWritable, message)
        }
        Why::NotReached => cut_off(),
    }
}

/// The refusal of a change that does not fit into a shared journal.
pub(super) fn too_large() -> Error {
    let message =
        "the change is too large for a journal that several gateways share, and was not made: send it in parts";
    Error::new(Code::TooLarge, message)
}

/// The refusal of a change for which there is no space.
fn full() -> Error {
    let message = "storage is full, and nothing of the change was made; reading still works, and changes are taken again by \
                   themselves once there is space: try again later, and tell an administrator";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change after the journal has failed.
fn failed() -> Error {
    let message = "storage has failed, and the change was not made; reading still works, try again when an administrator has \
                   restarted the gateway";
    Error::new(Code::NotWritable, message)
}

/// The refusal of a change with which the journal or the engine failed: nobody knows how much of it the disk has.
pub fn perhaps_written() -> Error {
    let message = "it is unknown whether the change was made: it could not be made durable, and is not made now, but may be there \
                   after a restart; reading still works, look again when an administrator has restarted the gateway";
    Error::new(Code::NotWritable, message)
}

/// Refuses every change of a batch.
pub(super) fn refuse(batch: Vec<Job>, error: &Error) {
    for Job { submission, done, .. } in batch {
        refuse_all(&submission, done, error);
    }
}

/// Refuses every change of a submission.
pub(super) fn refuse_all(submission: &Submission, done: oneshot::Sender<Vec<Outcome>>, error: &Error) {
    // A caller that is gone does not want to know.
    let _ = done.send(submission.changes.iter().map(|_| Err(error.clone())).collect());
}

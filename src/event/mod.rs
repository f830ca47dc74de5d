//! This is where it is said what others must hear of: what ends connections comes out of a command's run, on every gateway that
//! folds it; what subscribers are told is the journal, entry by entry, as far as each may know it.

mod announcement;
mod archive;
mod feed;
mod subscriptions;
mod topic;

use crate::state::token::TokenHash;

pub use announcement::{Announcement, Made, push_schema};
pub use feed::{Batch, Feed};
pub use subscriptions::{Begun, Progress, Subscriptions};
pub use topic::{Kind, Topic};

/// Something that concerns connections other than the caller's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A token is void, replaced or gone with its bot: whoever came in with it has to go.
    TokenRevoked(TokenHash),
}

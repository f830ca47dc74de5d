//! This is where it is said what others must hear of: events come out of a command's run, on every gateway that folds it.

use crate::state::id::BotId;

/// Something that concerns connections other than the caller's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A bot's token is void, replaced or removed: whoever came in with it has to go.
    TokenRevoked(BotId),
}

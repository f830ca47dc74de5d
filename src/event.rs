//! This is where it is said what others must hear of: events come out of a command's run, on every gateway that folds it.

use crate::state::token::TokenHash;

/// Something that concerns connections other than the caller's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A token is void, replaced or gone with its bot: whoever came in with it has to go.
    TokenRevoked(TokenHash),
}

//! What a user could write instead of running Guestlist: the same messages, answered from memory alone, and lost at the end.
//!
//! The peers are as fast as their libraries allow: no permissions, no limits, no events, no folding of letters, and nothing on
//! disk. Whatever they leave out is in their favour.

pub mod handler;
pub mod lists;
pub mod server;

//! Guestlist: a gateway through which bots and dashboards keep guest lists.
pub mod state;

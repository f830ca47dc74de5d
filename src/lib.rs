//! Guestlist: a gateway through which bots and dashboards keep guest lists.
pub mod access;
pub mod config;
pub mod event;
pub mod state;
pub mod transcript;
pub mod wire;

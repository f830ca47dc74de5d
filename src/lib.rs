//! Guestlist: a gateway through which bots and dashboards keep guest lists.
pub mod access;
pub mod config;
pub mod engine;
pub mod event;
pub mod gateway;
pub mod hub;
pub mod journal;
pub mod methods;
pub mod recovery;
pub mod seed;
pub mod server;
pub mod session;
pub mod snapshot;
pub mod state;
pub mod transcript;
pub mod wire;

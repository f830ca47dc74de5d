//! This is where every integration test gets its gateway and its connections.
#![expect(dead_code, reason = "each test binary uses its own part of this")]

pub mod authority;
pub mod engine;
pub mod generations;
pub mod home;
pub mod http;
pub mod lists;
pub mod process;
pub mod stage;
pub mod standing;
pub mod written;

use std::path::Path;
use std::time::Duration;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::testing::{self, demo};
pub use guestlist::testing::{Client, Received};

/// The demo app.
pub const APP: &str = demo::APP;
/// The demo bot's token.
pub const BOT: &str = demo::BOT;
/// The token of the demo bot without permission.
pub const BARE_BOT: &str = demo::BARE_BOT;
/// The demo administrator's token.
pub const ADMIN: &str = demo::ADMIN;

/// A gateway with the demo data on a directory, on a free port.
pub async fn gateway(directory: &Path) -> Gateway {
    gateway_with(directory, limits()).await
}

/// The usual limits, but that a stop does not wait long for those whom a test has left connected.
pub fn limits() -> Limits {
    Limits { close_wait: Duration::from_secs(1), ..Limits::default() }
}

/// The same with limits of its own.
pub async fn gateway_with(directory: &Path, limits: Limits) -> Gateway {
    Gateway::start(options(directory, limits)).await.expect("the gateway starts")
}

/// How the tests' gateways run.
pub fn options(directory: &Path, limits: Limits) -> Options {
    Options { store: Store::directory(directory), limits, ..testing::Gateway::options() }
}

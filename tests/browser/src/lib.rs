//! What tests of the page need: a gateway, and a browser.
//!
//! The gateway is the binary that `GUESTLIST_BIN` names; Chromium and ChromeDriver are those of Debian. Screenshots go to
//! `target/screenshots`.

mod browser;
mod gateway;

pub use browser::Browser;
pub use gateway::{ADMIN, ANYWHERE, APP, BOT, Gateway, HOSTILE, directory};

//! A gateway for tests of bots and dashboards: in the test's own process, with the demo data, on a port of its own.
//!
//! ```
//! use guestlist::testing::{Client, Gateway, demo};
//! use serde_json::json;
//!
//! // The bot under test: it asks the gateway at `url` to let somebody sign up.
//! async fn invite(url: &str, signup: &str) -> String {
//!     let mut bot = Client::sign_in(url, demo::BOT).await;
//!     let message = json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": [signup], "reference": 7});
//!     let ack = bot.call(message).await;
//!     assert_eq!(ack["reference"], 7);
//!     ack["signups"][0]["signup_id"].as_str().expect("a sign-up has an id").to_owned()
//! }
//!
//! #[tokio::main(flavor = "current_thread")] // in a test: #[tokio::test]
//! async fn main() {
//!     let gateway = Gateway::start().await;
//!     assert_eq!(invite(&gateway.url(), "name@example.com").await, "name@example.com");
//!
//!     // Somebody else sees it too.
//!     let mut admin = Client::sign_in(&gateway.url(), demo::ADMIN).await;
//!     let page = admin.call(json!({"method": "getWhitelistUsers", "app_id": demo::APP})).await;
//!     assert_eq!(page["signups"][0]["signup_id"], "name@example.com");
//!     gateway.stop().await;
//! }
//! ```
//!
//! The gateway runs on a thread of its own, so a test needs no runtime to have one. A bot that blocks is tested in a plain
//! `#[test]`, by way of [`Gateway::start_blocking`]; the gateway ends when it is dropped:
//!
//! ```
//! use std::net::TcpStream;
//!
//! use guestlist::testing::Gateway;
//!
//! let gateway = Gateway::start_blocking();
//! assert!(TcpStream::connect(gateway.address()).is_ok());
//! ```
//!
//! A conversation that is written down is checked by [`Gateway::replay`]:
//!
//! ```
//! use guestlist::testing::Gateway;
//! use guestlist::transcript::Transcript;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let text = r#"
//!     {"send":{"method":"TOKEN_AUTH","token":"demo-admin-token"}}
//!     {"expect":{"method":"TOKEN_AUTH_OK","ID":"1","id":"1","name":"Demo administrator","date":"<number>","is_nandbox":0,"localId":"<number>","email":null}}
//!     {"send":{"method":"PING"}}
//!     {"expect":{"method":"PONG"}}
//! "#;
//! let transcript = Transcript::parse("ping.jsonl", text).expect("it is well formed");
//! Gateway::start().await.replay(&transcript).await;
//! # }
//! ```
//!
//! The other way round, [`crate::transcript::mock`] answers a bot from such a transcript, without a gateway.
//!
//! Everything here panics where it cannot do its work, for that is how a test fails.

mod client;
pub mod demo;
mod gateway;

pub use client::{Client, Received, Socket};
pub use gateway::Gateway;

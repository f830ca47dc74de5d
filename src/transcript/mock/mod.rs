//! A counterpart that answers from transcripts alone, for tests of clients.
//!
//! Every client plays one recorded connection: the first, in the order of the files, whose first sent frame is the client's
//! first; of several that begin alike, the next client plays the next. A frame is looked for among those recorded after the last one that was played, else among those before, which are
//! then answered again; else in the other connections that begin with the client's first frame. `reference` and `ref` are no
//! part of the comparison: the client's own come back, byte for byte, where the recorded ones did.
//!
//! What was expected between two sent frames follows the first of them, but that an answer belongs to the request it answers:
//! so it does not matter whether a client waits for each answer, as the recorded one may not have done. What answers nothing
//! is a push; it comes right after what was recorded before it, or with [`MockOptions::speed`] when it did.
//!
//! Placeholders in answers get values. A name in a sent frame, a secret's too, takes whatever the client has there.
//!
//! ```
//! use guestlist::testing::Client;
//! use guestlist::transcript::Transcript;
//! use guestlist::transcript::mock::{Mock, MockOptions, Script};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let text = r#"
//!     {"send":{"method":"setChat","name":"Rabbits"}}
//!     {"expect":{"method":"setChat_ack","chat_id":"<digits as id>"}}
//!     {"note":"This comes by itself."}
//!     {"expect":{"method":"eventMessage","chat_id":"<id>"}}
//! "#;
//! let transcript = Transcript::parse("chat.jsonl", text).expect("it is well formed");
//! let script = Script::read(&[transcript]).expect("a text can be read");
//! let mock = Mock::start(script, MockOptions::default()).await.expect("a port is free");
//!
//! let mut bot = Client::connect(&mock.url()).await;
//! let ack = bot.call(json!({"method": "setChat", "name": "Rabbits", "reference": 7})).await;
//! assert_eq!(ack, json!({"method": "setChat_ack", "chat_id": "1", "reference": 7}));
//! assert_eq!(bot.json().await, json!({"method": "eventMessage", "chat_id": "1"}));
//! assert_eq!(mock.stop().await, (1, 0), "one client, and no frame that was not recorded");
//! # }
//! ```
//!
//! The files are in the order they are used: [`Script`] reads transcripts, `answer` finds out what answers what, `player`
//! decides about a client's frames, `session` talks to it, `spy` asks somebody else, and [`Unknown`] tells of the rest.

mod answer;
mod heard;
mod player;
mod script;
mod session;
mod spy;
mod unknown;
mod values;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use self::script::Script;
pub use self::unknown::Unknown;
use self::values::Values;
use super::bindings::Bindings;
use crate::config::ENDPOINT;

/// How to mock.
pub struct MockOptions {
    /// Where it listens; port 0 means any free one.
    pub listen: SocketAddr,
    /// Which server gets the frames that no transcript has; without one they are refused, and told.
    pub spy: Option<String>,
    /// How many times faster than recorded pushes come; without it they come at once.
    pub speed: Option<f64>,
    /// Who is told of every frame that was refused.
    pub told: Box<dyn Fn(&Unknown) + Send + Sync>,
}

/// On a free port, at once, and nobody is told.
impl Default for MockOptions {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        MockOptions { listen, spy: None, speed: None, told: Box::new(|_| ()) }
    }
}

/// A running mock. Dropped, it stops.
pub struct Mock {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// What all clients share.
struct Shared {
    script: Script,
    options: MockOptions,
    values: Values,
    known: Mutex<Known>,
    clients: AtomicUsize,
    ended: watch::Sender<usize>,
    unknown: AtomicUsize,
}

/// What is known from the clients so far.
#[derive(Clone)]
struct Known {
    /// What names are bound to, file by file: what one connection binds another may ask for.
    bound: Vec<Bindings>,
    /// How many clients began to play each connection.
    played: Vec<usize>,
}

impl Mock {
    /// Starts one.
    pub async fn start(script: Script, options: MockOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let bound = vec![Bindings::default(); script.files.len()];
        let known = Mutex::new(Known { bound, played: vec![0; script.connections.len()] });
        let shared = Arc::new(Shared {
            script,
            options,
            values: Values::default(),
            known,
            clients: AtomicUsize::new(0),
            ended: watch::Sender::new(0),
            unknown: AtomicUsize::new(0),
        });
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(session::accept(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop })
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}{ENDPOINT}", self.address)
    }

    /// How many clients have come.
    pub fn clients(&self) -> usize {
        self.shared.clients.load(Ordering::Acquire)
    }

    /// How many frames were refused, because no transcript has them.
    pub fn unknown(&self) -> usize {
        self.shared.unknown.load(Ordering::Acquire)
    }

    /// Waits until so many clients have come and gone.
    pub async fn ended(&self, clients: usize) {
        let ended = self.shared.ended.subscribe().wait_for(|ended| *ended >= clients).await.map(|ended| *ended);
        ended.expect("the sender is in the same struct");
    }

    /// Closes all connections, and says how many clients had come, and how many of their frames were refused. Where a refusal
    /// is to fail a test, this is where it does.
    pub async fn stop(self) -> (usize, usize) {
        self.stop.send_replace(true);
        // Every session holds a receiver, and the listener another.
        self.stop.closed().await;
        (self.clients(), self.unknown())
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked has left whole values: there is one write at a time.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, unknown: &Unknown) {
        self.unknown.fetch_add(1, Ordering::AcqRel);
        (self.options.told)(unknown);
    }
}

//! This is where it is said what a gateway runs on: the machine, or a simulation, in which the same seed makes the same things
//! happen in the same order.

use std::io;
use std::net::SocketAddr;
use std::thread;

use tokio::net::TcpListener;
use tokio::task;

use crate::clock::{self, Clock};
use crate::network::{Listener, Network};
use crate::random::Random;

/// What a gateway runs on. It is the machine or it is simulated, and never some of both.
#[derive(Debug)]
pub struct World {
    /// What tells the time.
    pub(crate) clock: Clock,
    /// What secrets are drawn from.
    pub(crate) random: Random,
    /// Where what blocks is done.
    pub(crate) threads: Threads,
    listener: Option<Listener>,
}

/// Where what blocks is done: the engine's flushes, snapshots, the hashing of passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// On threads of its own, as it must be where connections are not to wait for it.
    #[default]
    Own,
    /// On the runtime's one thread, so that nothing depends on how threads take turns.
    None,
}

/// Something that was begun, to be waited for.
#[derive(Debug)]
pub enum Running {
    /// On a thread of its own.
    Thread(thread::JoinHandle<()>),
    /// As a task of the runtime.
    Task(task::JoinHandle<()>),
}

/// What a simulation holds in its hands of a simulated world.
#[derive(Clone, Debug)]
pub struct Strings {
    /// Sets the time.
    pub clock: clock::Simulated,
    /// Connects.
    pub network: Network,
}

impl World {
    /// The machine.
    pub fn machine() -> Self {
        Self { clock: Clock::Machine, random: Random::default(), threads: Threads::Own, listener: None }
    }

    /// The machine, with a listener that was there before, such as one that a supervisor holds open.
    pub fn machine_with(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self { listener: Some(Listener::Tcp(listener)), ..Self::machine() })
    }

    /// A world in which a seed draws the secrets, at a time in milliseconds since 1970. To be run on a runtime of one thread, whose
    /// clock is paused. It has no network but its own, so that no client can be given a secret that others can draw too.
    pub fn simulated(seed: u64, now_ms: u64) -> (Self, Strings) {
        let (network, listener) = Network::new();
        let clock = clock::Simulated::new(now_ms);
        let world = Self {
            clock: Clock::Simulated(clock.clone()),
            random: Random::seeded(seed),
            threads: Threads::None,
            listener: Some(listener),
        };
        (world, Strings { clock, network })
    }

    /// Its listener: on an address of the machine's, or the one it was given.
    pub(crate) async fn listen(&mut self, address: SocketAddr) -> io::Result<Listener> {
        match self.listener.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(address).await.map(Listener::Tcp),
        }
    }
}

impl Running {
    /// Waits for the end; says whether it was no panic.
    pub async fn ended(self) -> bool {
        match self {
            Self::Thread(thread) => matches!(task::spawn_blocking(move || thread.join()).await, Ok(Ok(()))),
            Self::Task(task) => task.await.is_ok(),
        }
    }
}

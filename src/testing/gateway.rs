//! A gateway that a test starts, on a thread and a runtime of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;

use crate::config::ENDPOINT;
use crate::config::Limits;
use crate::gateway::{self, Options, StartError};
use crate::state::State;
use crate::transcript::Transcript;
use crate::transcript::exchange::Replayed;
use crate::transcript::options::ReplayOptions;
use crate::transcript::replay::replay;

/// A client of the same test does not read, and so does not close its end, while the test waits for the stop.
const CLOSE_WAIT: Duration = Duration::from_millis(300);

/// A running gateway. Dropped, it ends at once, and whoever is connected is cut off; [`Gateway::stop`] ends it in good order.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    state: Arc<State>,
    /// Sent, it stops the gateway in good order; dropped, it ends it.
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What a gateway that has started tells.
type Started = Result<(SocketAddr, Arc<State>), StartError>;

impl Gateway {
    /// Starts one with [`Gateway::options`].
    pub async fn start() -> Self {
        Self::start_with(Self::options()).await
    }

    /// Starts one that runs as it is told, such as with short waits or `error_method`.
    pub async fn start_with(options: Options) -> Self {
        let (starting, started) = Starting::spawn(options);
        starting.finish(started.await)
    }

    /// [`Gateway::start`] for a test without a runtime. Inside one, it would panic.
    pub fn start_blocking() -> Self {
        let (starting, started) = Starting::spawn(Self::options());
        starting.finish(started.blocking_recv())
    }

    /// How tests' gateways run where nothing else is said: in memory, with the demo data, on a free port.
    pub fn options() -> Options {
        Options { limits: Limits { close_wait: CLOSE_WAIT, ..Limits::default() }, ..Options::demo() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where bots connect, such as `ws://127.0.0.1:40123/nandbox/api/`.
    pub fn url(&self) -> String {
        format!("ws://{}{ENDPOINT}", self.address)
    }

    /// Where HTTP routes begin, such as `http://127.0.0.1:40123`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it knows.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Replays a transcript, and fails with a report where something is not as it says; gives what travelled.
    pub async fn replay(&self, transcript: &Transcript) -> Replayed {
        let mut replayed = Replayed::default();
        match replay(transcript, &self.url(), &ReplayOptions::default(), &mut replayed).await {
            Ok(_) => replayed,
            Err(error) => panic!("{}", error.report(false)),
        }
    }

    /// Stops it in good order: what is under way is answered, and connections are closed so that bots come back.
    pub async fn stop(mut self) {
        // Neither can fail but by a panic over there, which has been printed by then.
        self.stop.take().map(|stop| stop.send(()));
        (&mut self.stopped).await.expect("a gateway stops without a panic");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.take();
        // Nothing is waited for there, so this takes no time; after it the port is free.
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// A gateway about to start.
struct Starting {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl Starting {
    fn spawn(options: Options) -> (Self, oneshot::Receiver<Started>) {
        let (start, started) = oneshot::channel();
        let (stop, told) = oneshot::channel();
        let (stopping, stopped) = oneshot::channel();
        let run = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("the system gives a runtime").block_on(serve(options, start, told));
            // Whoever dropped the gateway does not listen.
            stopping.send(()).ok();
        };
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(run).expect("the system gives a thread");
        (Self { stop, stopped, thread }, started)
    }

    fn finish(self, started: Result<Started, oneshot::error::RecvError>) -> Gateway {
        let started = started.expect("a gateway starts without a panic");
        let (address, state) = started.unwrap_or_else(|error| panic!("the gateway did not start: {error}"));
        let Self { stop, stopped, thread } = self;
        Gateway { address, state, stop: Some(stop), stopped, thread: Some(thread) }
    }
}

async fn serve(options: Options, start: oneshot::Sender<Started>, told: oneshot::Receiver<()>) {
    let gateway = match gateway::Gateway::start(options).await {
        Ok(gateway) => gateway,
        Err(error) => return start.send(Err(error)).unwrap_or_default(),
    };
    start.send(Ok((gateway.address(), gateway.state().clone()))).unwrap_or_default();
    if told.await.is_ok() {
        gateway.stop().await;
    }
}

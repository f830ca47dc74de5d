//! Recordings: transcripts made of what passes between clients and a gateway, without the secrets in it.
//!
//! ```text
//! bytes ─► frames ─► queue ─► scribe ─► file
//! tap      tap       recorder  writer    writer
//! ```
//!
//! A [`Recorder`] is what everybody who has something to record holds; each [`Line`] of it is one connection, and a [`Tap`] one
//! direction of a connection, which finds the frames in the bytes. Everything goes through one queue to one thread, the
//! writer: there a frame becomes a line, with names for secrets and for what cannot be the same twice. Nothing that
//! is secret leaves that thread. [`proxy`] records between a client and any gateway; a gateway can record itself.
//!
//! What is written is meant to be replayed against a fresh gateway that begins with what the recorded one began with.

mod exchange;
mod frames;
mod http;
mod leaves;
mod names;
mod own;
pub mod proxy;
mod redact;
mod scribe;
mod tap;
#[cfg(test)]
mod tests;
mod upstream;
mod writer;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json_path::JsonPath;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::scribe::{Moment, Passed};
use super::exchange::Way;
use super::secrets;
use crate::config::RECORDING_QUEUE_BYTES_MAX;
pub use exchange::exchange;
pub use own::Own;
pub use tap::{Tap, Tapped};
pub use upstream::{Upstream, UpstreamError};

/// How to write what passes.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Whether secrets are written as they are.
    pub keep_secrets: bool,
    /// Whether frames are written byte for byte, as far as they hold no secret; else what cannot be the same twice is left open.
    pub exact: bool,
    /// What nothing is expected of, in frames from the gateway.
    pub ignore: Vec<JsonPath>,
}

/// What a recording has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Connections on which something passed.
    pub connections: u64,
    /// Frames and requests from clients.
    pub sent: u64,
    /// Frames and answers from the gateway.
    pub received: u64,
    /// Frames and requests left out, because no name could stand for the secrets they may hold.
    pub left_out: u64,
    /// The secrets that a replay has to be given.
    pub secrets: Vec<String>,
}

/// Why a recording ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// The file cannot be written.
    #[error("the recording cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The file has become too long.
    #[error("the recording has reached {0} bytes, and ends")]
    Full(u64),
    /// Too many values are to be told apart.
    #[error("the recording has too many secrets, ids and times to tell apart, and ends")]
    TooMany,
    /// Nothing may wait for the file, and it was too slow.
    #[error("more passes than can be written, and the recording ends")]
    Behind,
}

/// What there is to record, from whichever connection.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    queue: mpsc::UnboundedSender<Event>,
    room: Arc<Semaphore>,
    /// Whether what passes waits for the recording.
    waits: bool,
    connections: AtomicU64,
}

/// A recording that is being made.
#[derive(Debug)]
pub struct Recording {
    recorder: Recorder,
    ended: oneshot::Receiver<(Summary, Result<(), Cut>)>,
}

/// One connection of a recording; it is over once nobody holds it.
#[derive(Debug)]
pub struct Line {
    recorder: Recorder,
    on: u64,
}

/// The recording takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

/// What the writer is told.
#[derive(Debug)]
enum Event {
    /// Something passed. What it keeps of the queue's room is given back once it is written.
    Passed { on: u64, moment: Moment, passed: Passed, _room: Option<OwnedSemaphorePermit> },
    /// Something was lost, because there was no room for it.
    Behind,
    /// Nothing more is to be written.
    Stop,
}

impl Recording {
    /// Begins a recording in a file, which ends by itself at `bytes_max`. With `waits` what passes waits for the file, so that
    /// nothing is lost; else the recording ends when the file is too slow.
    pub fn start(file: File, rules: Rules, bytes_max: Option<u64>, waits: bool) -> io::Result<Recording> {
        let (queue, events) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(RECORDING_QUEUE_BYTES_MAX));
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name("recording".to_owned()).spawn({
            let room = room.clone();
            move || {
                let outcome = writer::write(events, file, rules, bytes_max.unwrap_or(u64::MAX));
                // Nobody may go on waiting for room.
                room.close();
                done.send(outcome).ok();
            }
        })?;
        let connections = AtomicU64::new(0);
        let recorder = Recorder(Arc::new(Shared { began: Instant::now(), queue, room, waits, connections }));
        Ok(Recording { recorder, ended })
    }

    /// What there is to record goes there.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Ends the recording with what passed so far.
    pub async fn stop(&mut self) -> (Summary, Result<(), Cut>) {
        self.recorder.stop();
        self.ended().await
    }

    /// Returns when the recording has ended, by itself or because it was told to.
    pub async fn ended(&mut self) -> (Summary, Result<(), Cut>) {
        let gone = || (Summary::default(), Err(Cut::Io(io::Error::other("the thread that writes it has panicked"))));
        (&mut self.ended).await.unwrap_or_else(|_| gone())
    }
}

impl Recorder {
    /// A connection of its own in the recording.
    pub fn line(&self) -> Arc<Line> {
        let on = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Line { recorder: self.clone(), on })
    }

    /// Ends the recording with what passed so far; what passes from now on is not part of it.
    pub fn stop(&self) {
        self.send(Event::Stop).ok();
    }

    /// Records what passed, `bytes` long, once there is room for it.
    async fn put(&self, on: u64, bytes: usize, passed: Passed) -> Result<(), Ended> {
        if !self.0.waits {
            return self.try_put(on, bytes, passed);
        }
        let moment = self.now();
        let room = self.0.room.clone().acquire_many_owned(cost(bytes)).await.map_err(|_| Ended)?;
        self.send(Event::Passed { on, moment, passed, _room: Some(room) })
    }

    /// Records what passed; where there is no room, the recording ends.
    fn try_put(&self, on: u64, bytes: usize, passed: Passed) -> Result<(), Ended> {
        let moment = self.now();
        match self.0.room.clone().try_acquire_many_owned(cost(bytes)) {
            Ok(room) => self.send(Event::Passed { on, moment, passed, _room: Some(room) }),
            Err(_) => {
                self.0.room.close();
                self.send(Event::Behind).and(Err(Ended))
            }
        }
    }

    /// Records that nothing more passes one way. That is little, and waits for no room.
    fn end(&self, on: u64, way: Way) {
        let moment = self.now();
        self.send(Event::Passed { on, moment, passed: Passed::Ended(way), _room: None }).ok();
    }

    fn send(&self, event: Event) -> Result<(), Ended> {
        self.0.queue.send(event).map_err(|_| Ended)
    }

    fn now(&self) -> Moment {
        let ms = |since: std::time::Duration| u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { at_ms: ms(self.0.began.elapsed()), now_ms: ms(now).try_into().unwrap_or(i64::MAX) }
    }
}

impl Line {
    /// Which connection of the recording it is: 1 is `c1`.
    pub fn number(&self) -> u64 {
        self.on
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (on, moment) = (self.on, self.recorder.now());
        self.recorder.send(Event::Passed { on, moment, passed: Passed::Over, _room: None }).ok();
    }
}

impl Rules {
    /// The normalised paths of what is ignored in a frame.
    fn ignored(&self, text: &str) -> BTreeSet<String> {
        if self.ignore.is_empty() {
            return BTreeSet::new();
        }
        let Ok(value) = serde_json::from_str(text) else { return BTreeSet::new() };
        let located = self.ignore.iter().map(|path| path.query_located(&value));
        located.flat_map(|nodes| nodes.locations().map(ToString::to_string).collect::<Vec<_>>()).collect()
    }
}

/// What something costs of the queue's room: its bytes, and what it takes to keep them.
fn cost(bytes: usize) -> u32 {
    const KEEPING_BYTES: usize = 256;
    u32::try_from((bytes + KEEPING_BYTES).min(RECORDING_QUEUE_BYTES_MAX)).expect("the queue's room is less than 4 GiB")
}

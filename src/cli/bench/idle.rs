//! Connections that are only held, to see what they cost the server.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};
use tokio::time::{interval, sleep_until};

use super::connection::{Connection, Lost, Target};
use super::interrupt::Interrupt;
use super::process::Process;
use super::progress::Progress;
use super::report::{IdleReport, IdleServer};

const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Holds connections for a while, or until whoever looks on has had enough. Pings are answered.
pub async fn run(
    connections: Vec<Connection>,
    held_for: Duration,
    target: &Target,
    server: Option<Process>,
    rss_bytes_before: Option<u64>,
    progress: &Progress,
) -> io::Result<IdleReport> {
    let mut interrupt = Interrupt::new()?;
    let (number, begin) = (connections.len(), Instant::now());
    let until = begin + held_for;
    let mut looks = interval(LOOK_INTERVAL);
    let mut losses: Vec<Lost> = Vec::new();
    let buffer = Rc::new(RefCell::new(vec![0; 64 * 1_024]));
    let rss_bytes_after = LocalSet::new()
        .run_until(async {
            let mut held = JoinSet::new();
            for connection in connections {
                held.spawn_local(hold(connection, buffer.clone()));
            }
            loop {
                tokio::select! {
                    Some(lost) = held.join_next() => losses.extend(lost.ok()),
                    () = sleep_until(until.into()) => break,
                    () = interrupt.came() => break,
                    _ = looks.tick() => progress.held(number, until),
                }
            }
            // While they are still held.
            server.and_then(Process::rss_bytes)
        })
        .await;
    let growth = rss_bytes_after.zip(rss_bytes_before).map(|(after, before)| after as f64 - before as f64);
    Ok(IdleReport {
        url: target.url().to_owned(),
        connections: number,
        seconds: begin.elapsed().as_secs_f64(),
        connections_lost: losses.len() as u64,
        first_loss: losses.first().map(Lost::to_string),
        server: server.map(|server| IdleServer {
            pid: server.pid(),
            rss_bytes_before,
            rss_bytes_after,
            rss_bytes_per_socket: growth.map(|growth| growth / number as f64),
        }),
    })
}

async fn hold(mut connection: Connection, buffer: Rc<RefCell<Vec<u8>>>) -> Lost {
    loop {
        if let Err(lost) = connection.turn(&buffer, |_| {}).await {
            return lost;
        }
    }
}

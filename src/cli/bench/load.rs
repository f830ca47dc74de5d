//! A load from its first connection to its report.

use std::future;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval};

use super::connection::{Connection, Target};
use super::course::{Course, Plan};
use super::interrupt::Interrupt;
use super::lane::Lane;
use super::metronome::Metronome;
use super::process::Process;
use super::progress::Progress;
use super::report::{Client, Latency, Report, Server};

/// Where nothing at all is answered for so long, nothing more is waited for.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How often is looked whether it goes on.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The processor's time that both sides had used when counting began.
#[derive(Clone, Copy, Debug)]
struct Used {
    server: Option<Duration>,
    client: Option<Duration>,
}

impl Used {
    fn now(server: Option<Process>) -> Self {
        Self { server: server.and_then(Process::cpu), client: Process::own().cpu() }
    }
}

/// Makes load over connections, which are there, and tells what came of it.
pub async fn run(
    plan: Plan,
    connections: Vec<Connection>,
    target: &Target,
    server: Option<Process>,
    rss_bytes_before: Option<u64>,
    progress: &Progress,
) -> io::Result<Report> {
    let course = Rc::new(Course::begin(plan));
    let used = LocalSet::new().run_until(drive(&course, connections, server, progress)).await?;
    let now = Used::now(server);
    let rss_bytes_after = server.and_then(Process::rss_bytes);
    let tally = course.tally.borrow();
    let since = |before: Option<Duration>, now: Option<Duration>| Some(now?.saturating_sub(before?).as_secs_f64());
    let of_each = |seconds: f64| seconds * 1_000_000.0 / tally.answered.max(1) as f64;
    let (server_used, client_used) = (since(used.server, now.server), since(used.client, now.client));
    let seconds = tally.last_answer.duration_since(course.counted_from).as_secs_f64();
    Ok(Report {
        url: target.url().to_owned(),
        connections: course.plan.lanes,
        in_flight: course.plan.in_flight,
        mix: course.plan.mix.text().to_owned(),
        target_rate: course.plan.rate,
        seconds,
        messages: tally.answered,
        errors: tally.refused,
        first_error: tally.first_refusal.clone(),
        unanswered: tally.sent - tally.answered,
        unsent: tally.unsent,
        connections_lost: tally.lost,
        first_loss: tally.first_loss.clone(),
        rate: if seconds > 0.0 { tally.answered as f64 / seconds } else { 0.0 },
        latency_us: Latency {
            p50: tally.percentile_us(50.0),
            p99: tally.percentile_us(99.0),
            p999: tally.percentile_us(99.9),
            max: tally.percentile_us(100.0),
        },
        bytes_sent: tally.bytes_sent,
        bytes_received: tally.bytes_received,
        server: server.map(|server| Server {
            pid: server.pid(),
            cpu_us_per_message: server_used.map(of_each),
            cpu_seconds: server_used,
            rss_bytes_before,
            rss_bytes_after,
        }),
        client: Client { cpu_us_per_message: client_used.map(of_each) },
    })
}

/// Runs the lanes until all have ended, or nothing comes any more, or whoever looks on has had enough twice.
async fn drive(
    course: &Rc<Course>,
    connections: Vec<Connection>,
    server: Option<Process>,
    progress: &Progress,
) -> io::Result<Used> {
    let mut interrupt = Interrupt::new()?;
    let mut used = Used::now(server);
    let mut is_counting = course.plan.warm_up.is_zero();
    let mut lanes = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        lanes.spawn_local(Lane::new(number, course.clone(), connection).run());
    }
    let metronome = course.plan.rate.map(Metronome::new).transpose()?;
    let mut beats = std::pin::pin!(async {
        match metronome {
            Some(metronome) => metronome.run(course).await,
            None => future::pending().await,
        }
    });
    let mut has_beat = false;
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut heard = (0, Instant::now());
    let mut interrupts = 0;
    loop {
        tokio::select! {
            ended = lanes.join_next() => match ended {
                Some(ended) => ended.expect("a lane neither panics nor is aborted"),
                None => break,
            },
            () = &mut beats, if !has_beat => has_beat = true,
            () = tokio::time::sleep_until(course.counted_from.into()), if !is_counting => {
                used = Used::now(server);
                is_counting = true;
            }
            () = interrupt.came() => {
                course.stop();
                interrupts += 1;
                if interrupts > 1 {
                    break;
                }
            }
            _ = looks.tick() => {
                progress.under_way(course);
                let now_heard = course.tally.borrow().heard;
                if now_heard != heard.0 {
                    heard = (now_heard, Instant::now());
                }
                // An open loop may be silent because nothing is due.
                if heard.1.elapsed() > ANSWER_WAIT && course.has_under_way() {
                    break;
                }
            }
        }
    }
    Ok(used)
}

//! Whether those who behave notice those who do not: how long answers take beside 2,000 half-open connections and 2,000 that never
//! sign in, and beside 200 that ask and never read; when such peers are gone, and what they and 18,000 idle ones take in memory.
//! `cargo bench --bench bad_company`, on a machine that does nothing else; `-- unread` behind it measures that part alone.
//!
//! Runs with and without bad company take turns, so that what else the machine does falls on both. All sides run on one machine:
//! what the bad company itself costs the processor is in its figures.

mod load;
mod peers;
mod served;
mod table;

use std::time::Duration;

use guestlist::config::Limits;
use tokio::runtime::Builder;

use load::{Load, fill};
use peers::Peers;
use served::Served;
use table::{Table, median};

/// What is measured, each apart.
const PARTS: [&str; 4] = ["strangers", "handshakes", "unread", "idle"];
/// Pairs of runs, with strangers and without.
const STRANGER_ROUNDS: usize = 5;
/// Strangers of either kind.
const STRANGERS: usize = 2_000;
/// Pairs of runs, with those who never read and without.
const UNREAD_ROUNDS: usize = 3;
/// Those who never read, and those who work beside them.
const UNREAD: usize = 200;
/// Connections that are only held.
const IDLE: usize = 18_000;
/// What they may take, in all.
const IDLE_BYTES_MAX: u64 = 200_000_000;
/// How much longer answers may take, at the 99th percentile.
const RATIO_MAX: f64 = 1.2;
/// How late a peer may be gone: timers are coarse, and thousands of them end at once.
const LATENESS: Duration = Duration::from_secs(2);

fn main() {
    // Where the limit stays low, connecting says so.
    rlimit::increase_nofile_limit(u64::MAX).ok();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("there are threads");
    let mut table = Table::default();
    // Cargo adds a flag of its own.
    let named: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| !PARTS.contains(&name.as_str())) {
        eprintln!("there is no part `{unknown}`; there are {}", PARTS.join(", "));
        std::process::exit(2);
    }
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    runtime.block_on(async {
        for part in PARTS.into_iter().filter(|part| wanted(part)) {
            match part {
                "strangers" => strangers(false, &mut table).await,
                "handshakes" => strangers(true, &mut table).await,
                "unread" => unread(&mut table).await,
                _ => idle(&mut table).await,
            }
        }
    });
    table.print();
}

/// Those who do not come to the point: half-open ones, and where nothing is encrypted as many that never sign in.
async fn strangers(encrypted: bool, table: &mut Table) {
    let kind = if encrypted { "2,000 unfinished handshakes" } else { "2,000 half-open, 2,000 silent" };
    let limits = Limits::default();
    // A WebSocket is closed in good order, for which its client has a time too.
    let (half_open_wait, silent_wait) = (limits.handshake_wait, limits.auth_wait + limits.close_wait);
    let load = Load { connections: 50, duration: half_open_wait.max(silent_wait) + Duration::from_secs(4) };
    let served = Served::start(encrypted);
    let (mut ratios, mut half_open_ends, mut silent_ends) = (Vec::new(), Ends::default(), Ends::default());
    for round in 0..STRANGER_ROUNDS {
        let without = load.run(&served).await;
        let running = tokio::spawn(load.clone().start(&served));
        let (mut half_open, mut silent) = (Peers::default(), Peers::default());
        half_open.half_open(served.address(), STRANGERS, encrypted).await;
        if !encrypted {
            silent.silent(served.address(), STRANGERS).await;
        }
        let with = running.await.expect("it does not panic");
        half_open_ends.add(half_open.lives(half_open_wait + LATENESS).await);
        silent_ends.add(silent.lives(silent_wait + LATENESS).await);
        println!("{kind}, round {round}: p99 {without:.0} µs without, {with:.0} µs with them");
        ratios.push(with / without);
    }
    half_open_ends.tell(if encrypted { kind } else { "2,000 half-open" }, half_open_wait, table);
    if !encrypted {
        silent_ends.tell("2,000 silent", silent_wait, table);
    }
    compare(kind, &ratios, table);
}

/// When peers were gone.
#[derive(Default)]
struct Ends {
    latest: Duration,
    stayed: usize,
}

impl Ends {
    fn add(&mut self, lives: Vec<Option<Duration>>) {
        self.stayed += lives.iter().filter(|life| life.is_none()).count();
        self.latest = lives.into_iter().flatten().max().unwrap_or_default().max(self.latest);
    }

    fn tell(&self, kind: &str, deadline: Duration, table: &mut Table) {
        table.row(
            &format!("{kind}: all gone"),
            &format!("after {deadline:?}, {LATENESS:?} late at most"),
            &format!("the last after {:.2?}, {} stayed", self.latest, self.stayed),
            self.stayed == 0 && self.latest <= deadline + LATENESS,
        );
    }
}

/// Those who ask for page after page and read none.
async fn unread(table: &mut Table) {
    let kind = "200 that never read";
    let limits = Limits::default();
    let deadline = limits.write_wait + limits.close_wait;
    let load = Load { connections: UNREAD, duration: deadline + Duration::from_secs(3) };
    let served = Served::start(false);
    fill(&served).await;
    let (mut ratios, mut ends, mut growth) = (Vec::new(), Ends::default(), 0);
    for round in 0..UNREAD_ROUNDS {
        let without = load.run(&served).await;
        let before = served.rss_bytes();
        let watch = served.watch();
        let running = tokio::spawn(load.clone().start(&served));
        let mut peers = Peers::default();
        peers.never_reading(served.url(), UNREAD).await;
        let with = running.await.expect("it does not panic");
        ends.add(peers.lives(deadline + LATENESS).await);
        let grown = watch.peak_bytes().saturating_sub(before);
        growth = grown.max(growth);
        println!(
            "{kind}, round {round}: p99 {without:.0} µs without, {with:.0} µs with them, {} MB more",
            grown / 1_000_000
        );
        ratios.push(with / without);
    }
    // An outbox that is full, and as much again that is written to the socket and not taken.
    let bound = 2 * (UNREAD * limits.outbox_bytes_max) as u64;
    ends.tell(kind, deadline, table);
    table.row(
        &format!("{kind}: memory at its peak"),
        &format!("≤ {} MB more", bound / 1_000_000),
        &format!("{} MB more, {} kB each", growth / 1_000_000, growth / UNREAD as u64 / 1_000),
        growth <= bound,
    );
    compare(kind, &ratios, table);
}

fn compare(kind: &str, ratios: &[f64], table: &mut Table) {
    let shown: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let ratio = median(ratios);
    table.row(
        &format!("{kind}: p99 of the others"),
        &format!("≤ {RATIO_MAX} of that without"),
        &format!("{ratio:.2}, of {}", shown.join(" ")),
        ratio <= RATIO_MAX,
    );
}

/// Those who have signed in and say nothing.
async fn idle(table: &mut Table) {
    let served = Served::start(false);
    // Each is pinged once meanwhile.
    let held = Limits::default().ping_interval + Duration::from_secs(10);
    let watch = served.watch();
    let lost = load::hold(&served, IDLE, held).await;
    let peak = watch.peak_bytes();
    table.row(
        &format!("{IDLE} idle connections"),
        &format!("≤ {} MB, none lost", IDLE_BYTES_MAX / 1_000_000),
        &format!("{:.1} MB at the peak, {lost} lost", peak as f64 / 1e6),
        peak <= IDLE_BYTES_MAX && lost == 0,
    );
}

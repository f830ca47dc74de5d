//! Whether what an operation costs depends on how much there is: sign-ups added, checked, listed and removed at 10³ to 10⁷
//! entries, what an entry takes in memory, checks against many patterns, and how long starts take, from a snapshot and from the
//! journal alone. `cargo bench --bench scale`, or with `-- 1000000` up to so many entries, on a machine that does nothing else.
//!
//! The state is filled directly, without a gateway, so that nothing else is measured.

use std::fmt::Display;
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guestlist::access::Caller;
use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::fold::fold;
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::{Entry, Journal, Stamp, checked, write_entry};
use guestlist::recovery::recover;
use guestlist::snapshot;
use guestlist::state::Writer;
use guestlist::state::app::{App, AppSettings, ListName};
use guestlist::state::digest::Digest;
use guestlist::state::id::AppId;
use guestlist::state::pattern_list::Pattern;
use guestlist::state::patterns::Expression;
use guestlist::state::signup_list::{self, Tags};
use tempfile::TempDir;

/// As in the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The most entries there are, unless another number is given.
const ENTRIES_MAX: u64 = 10_000_000;

/// Operations of each kind that are timed at each size.
const SAMPLES: u64 = 20_000;

/// Entries of a page.
const PAGE: usize = 50;

/// Changes that are counted in the digest together.
const BATCH: u64 = 100;

/// Entries of the journal that is replayed.
const REPLAYED: u64 = 1_000_000;

/// Bytes of a sign-up id.
const ID_BYTES: usize = 24;

const APP: AppId = AppId(90_090_684_293_000_559);

fn main() {
    let max = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ENTRIES_MAX);
    let mut filled = Filled::new(max);
    println!("\nns each, the median and the 99.9th percentile; bytes are beyond the {ID_BYTES} of an id\n");
    println!(
        "{:>9} {:>13} {:>13} {:>13} {:>13} {:>13} {:>13} {:>12}",
        "entries", "add", "check", "check, none", "page by rank", "page by id", "remove", "bytes each"
    );
    for size in (3..=9).map(|power| 10_u64.pow(power)).take_while(|size| *size <= max) {
        filled.grow_to(size);
        filled.tell();
        if size >= 1_000_000 {
            filled.starts();
        }
        if size == 1_000_000 {
            patterns(&mut filled);
        }
    }
    let start = Instant::now();
    filled.writer.remove_app(APP);
    println!("an app of {} entries was removed in {:?}", filled.added - filled.removed, start.elapsed());
    drop(filled);
    replay();
}

/// A sign-up id, another one for every number.
fn signup_id(number: u64) -> String {
    let id = format!("user{number:08}@example.com");
    debug_assert_eq!(id.len(), ID_BYTES, "ids are of one length");
    id
}

fn tags() -> Tags {
    serde_json::from_str(r#"["4"]"#).expect("tags are an array")
}

/// A state with one app, whose whitelist is filled.
struct Filled {
    writer: Writer,
    added: u64,
    removed: u64,
    rss_before: u64,
    random: u64,
    adds: Vec<u32>,
}

impl Filled {
    fn new(size: u64) -> Self {
        let mut writer = Writer::default();
        writer.put_app(App::new(AppSettings {
            app_id: APP,
            name: String::new(),
            app_builder: true,
            use_whitelist: true,
            use_blacklist: true,
            tags: Tags::default(),
        }));
        // There and written to, so that it is not taken for the entries'.
        let adds = vec![1; usize::try_from(size).expect("so many fit")];
        Self { writer, added: 0, removed: 0, rss_before: rss_bytes(), random: 1, adds }
    }

    fn add(&mut self) {
        let signup_id = signup_id(self.added);
        self.added += 1;
        let tags = tags();
        let mut app = self.writer.app_mut(APP).expect("it was put there");
        let vacancy = app.whitelist.signups.look_up(&signup_id).expect_err("nobody comes twice");
        app.add_signup(ListName::Whitelist, vacancy, signup_list::Entry { signup_id: signup_id.into(), tags });
    }

    /// Adds until so many stand, and times all that come.
    fn grow_to(&mut self, size: u64) {
        self.adds.clear();
        while self.added - self.removed < size {
            let start = Instant::now();
            self.add();
            self.adds.push(u32::try_from(nanos(start.elapsed())).unwrap_or(u32::MAX));
            if self.added.is_multiple_of(BATCH) {
                self.writer.settle();
            }
        }
        self.writer.note(self.added, 5);
        self.writer.settle();
    }

    /// A number that is drawn anew, below a limit.
    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn timed(&mut self, count: u64, mut operation: impl FnMut(&mut Self, u64)) -> String {
        let mut times = Vec::new();
        for _ in 0..count {
            let number = self.draw(self.added);
            let start = Instant::now();
            operation(self, number);
            times.push(nanos(start.elapsed()));
        }
        percentiles(&mut times)
    }

    fn tell(&mut self) {
        let size = self.added - self.removed;
        let text_bytes = size * ID_BYTES as u64;
        let bytes = rss_bytes().saturating_sub(self.rss_before).saturating_sub(text_bytes) as f64 / size as f64;
        let adds = percentiles(&mut self.adds);
        let check = self.timed(SAMPLES, |filled, number| filled.check(&signup_id(number)));
        let none = self.timed(SAMPLES, |filled, number| filled.check(&signup_id(99_999_999 - number)));
        let page = |items: usize| debug_assert!(items <= PAGE, "a page is full at most");
        let by_rank = self.timed(SAMPLES / 10, |filled, number| {
            let app = filled.writer.state().app(APP).expect("it is there");
            let rank = usize::try_from(number).expect("a rank fits");
            page(
                black_box(app.whitelist.signups.from_rank(rank).take(PAGE).map(|(id, _)| id).collect::<Vec<_>>()).len(),
            );
        });
        let by_id = self.timed(SAMPLES / 10, |filled, number| {
            let app = filled.writer.state().app(APP).expect("it is there");
            page(black_box(app.whitelist.signups.after(number).take(PAGE).map(|(id, _)| id).collect::<Vec<_>>()).len());
        });
        // At most a tenth, so that what stands stays of this size.
        let removals = SAMPLES.min(size / 10);
        let mut removed = 0;
        let remove = self.timed(removals, |filled, number| {
            let mut app = filled.writer.app_mut(APP).expect("it is there");
            removed += u64::from(app.remove_signup(ListName::Whitelist, &signup_id(number)).is_some());
        });
        self.removed += removed;
        println!("{size:>9} {adds:>13} {check:>13} {none:>13} {by_rank:>13} {by_id:>13} {remove:>13} {bytes:>12.1}");
    }

    fn check(&self, signup_id: &str) {
        let app = self.writer.state().app(APP).expect("it is there");
        black_box(app.decide(signup_id).reason);
    }

    /// How long a start from a snapshot takes.
    fn starts(&mut self) {
        let home = TempDir::new().expect("a temporary directory");
        let disk = RealDisk::new(home.path());
        self.writer.settle();
        let start = Instant::now();
        snapshot::write(&disk, self.added, &self.writer, &[], || ()).expect("there is room");
        snapshot::name(&disk, self.added).expect("it was written");
        let written = start.elapsed();
        let start = Clocks::start();
        let recovered = recover(&disk).expect("it is whole");
        let took = start.told();
        assert_eq!(recovered.writer.state().digest().digest, self.writer.state().digest().digest, "it is the same");
        let records = recovered.snapshot_records;
        println!("{records:>9} records: a snapshot is written in {written:.2?}, a start from it takes {took}");
    }
}

/// How long a start from the journal alone takes.
fn replay() {
    let home = TempDir::new().expect("a temporary directory");
    let disk = Arc::new(RealDisk::new(home.path()));
    let journal = FileJournal::begin(disk.clone(), 1, Digest::default(), Durability::Relaxed);
    let (mut journal, mut lines, mut writer) = (journal.expect("there is room"), Vec::new(), Writer::default());
    for seq in 1..=REPLAYED {
        let message = if seq == 1 {
            format!(r#"{{"method":"setApp","app_id":"{APP}"}}"#)
        } else {
            let signups = format!(r#"[{{"signup_id":"{}","tags":["4"]}}]"#, signup_id(seq));
            format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":{signups}}}"#)
        };
        let (start, stamp) = (lines.len(), Stamp::new(1_700_000_000_000 + seq, Caller::Seed));
        write_entry(&mut lines, seq, seq - 1, &stamp, message.as_bytes());
        let line = &lines[start..lines.len() - 1];
        let entry = checked(line).and_then(Entry::parse).expect("it was written as one");
        fold(&mut writer, entry, &mut Vec::new()).expect("there is room");
        if seq.is_multiple_of(1_000) {
            journal.append(&lines).expect("there is room");
            lines.clear();
            if journal.segment_bytes() >= Limits::default().segment_bytes_max {
                journal.rotate(seq + 1, writer.settle().digest).expect("there is room");
            }
        }
    }
    journal.append(&lines).and_then(|()| journal.flush()).expect("there is room");
    let start = Clocks::start();
    let recovered = recover(&*disk).expect("it is whole");
    let took = start.told();
    assert_eq!(recovered.entries, REPLAYED, "all are folded");
    println!("{REPLAYED:>9} entries of the journal alone: a start takes {took}");
}

/// What a check costs against many patterns on both lists, of the usual shapes and none of which matches.
fn patterns(filled: &mut Filled) {
    let empty = Filled::new(0);
    let on_empty = filled.timed(SAMPLES, |_, number| empty.check(&signup_id(number)));
    println!("          a check against empty lists takes {on_empty}");
    let mut count = 0;
    for patterns in [10, 100, 1_000, 10_000] {
        for list in [ListName::Whitelist, ListName::Blacklist] {
            let mut app = filled.writer.app_mut(APP).expect("it is there");
            let texts = (count..patterns).map(|number| match number % 3 {
                0 => format!(".*@company{number}.com"),
                1 => format!("staff{number}.*"),
                _ => format!(".*-team{number}-.*"),
            });
            let read = texts.map(|text| {
                let expression = Expression::parse(&text, None).expect("it is an expression");
                (Pattern { pattern: text.into(), operator: None, example: None, tags: Tags::default() }, expression)
            });
            app.add_patterns(list, read.collect());
        }
        count = patterns;
        let listed = filled.timed(SAMPLES, |filled, number| filled.check(&signup_id(number)));
        let none = filled.timed(SAMPLES, |filled, number| filled.check(&signup_id(99_999_999 - number)));
        println!(
            "          with {patterns} patterns on either list a check takes {listed}, of one who is on none {none}"
        );
    }
}

/// The time, and how long processors worked: the second tells more where others use the machine too.
struct Clocks {
    wall: Instant,
    all: Duration,
    this: Duration,
}

impl Clocks {
    fn start() -> Self {
        Self { wall: Instant::now(), all: of_all_threads(), this: of_this_thread() }
    }

    fn told(&self) -> String {
        let (all, this) = (of_all_threads() - self.all, of_this_thread() - self.this);
        let wall = self.wall.elapsed();
        format!("{wall:.2?}, {all:.2?} of processors' time, {this:.2?} of them on the thread that folds")
    }
}

/// What the process worked so far, its threads that ended too; to the hundredth of a second.
fn of_all_threads() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("the kernel tells");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap_or(0));
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn of_this_thread() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel tells");
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("it is a number"))
}

fn rss_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("the kernel tells");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("it is a number");
    pages * 4_096
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn percentiles<T: Copy + Ord + Display>(times: &mut [T]) -> String {
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000];
    format!("{}/{}", at(500), at(999))
}

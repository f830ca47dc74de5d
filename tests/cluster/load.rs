//! This is where many write at once, on any gateway, and note what each change came to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::BOT;
use super::line::{Answer, Line};
use crate::support::APP;

/// Changes that one writer sends off together, at most.
const TOGETHER: usize = 8;

/// Between two such, and between two attempts to find a gateway: there is to be a load, not as much as can be.
pub const PACE: Duration = Duration::from_millis(25);

/// For how long a load goes on, and how well it goes.
pub struct Course {
    begun: Instant,
    over: AtomicBool,
    acks: AtomicU64,
    pauses: Mutex<Pauses>,
}

struct Pauses {
    since: Instant,
    longest: Pause,
}

/// A time without an ack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause {
    /// How long it was.
    pub length: Duration,
    /// When it ended, after the beginning.
    pub end: Duration,
}

impl Course {
    /// One that begins now.
    pub fn begin() -> Self {
        let begun = Instant::now();
        let pauses = Mutex::new(Pauses { since: begun, longest: Pause::default() });
        Self { begun, over: AtomicBool::new(false), acks: AtomicU64::new(0), pauses }
    }

    /// Whether everybody should stop.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Has everybody stop.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How many changes were acknowledged so far.
    pub fn acks(&self) -> u64 {
        self.acks.load(Ordering::Relaxed)
    }

    /// The longest time in which nobody had an ack.
    pub fn longest_pause(&self) -> Pause {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).longest
    }

    fn acked(&self) {
        self.acks.fetch_add(1, Ordering::Relaxed);
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let length = pauses.since.elapsed();
        if length > pauses.longest.length {
            pauses.longest = Pause { length, end: self.begun.elapsed() };
        }
        pauses.since = Instant::now();
    }
}

/// What a bot knows of a change it has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was made; this is the entry's id.
    Acked(u64),
    /// It was not made.
    Refused,
    /// The gateway said that it does not know.
    Unknown,
    /// There was no answer before the connection ended.
    Lost,
}

/// A sign-up that was to be added; nobody else adds it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its id.
    pub signup: String,
    /// What became of it.
    pub fate: Fate,
    /// How often it was sent.
    pub times: usize,
}

/// Adds sign-ups until all is over, on any gateway, and on another one when its connection ends or it is refused: were it always the
/// next, all writers would come together.
pub async fn write(writer: usize, urls: &[String], course: &Course, seed: u64) -> Vec<Sent> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut all, mut again): (Vec<Sent>, VecDeque<usize>) = (Vec::new(), VecDeque::new());
    while !course.is_over() {
        pace.tick().await;
        let Some(mut line) = Line::open_any(urls, BOT, &mut random).await else { continue };
        let (mut goes_well, mut is_lost) = (true, false);
        while goes_well && !course.is_over() {
            pace.tick().await;
            let mut waiting = Vec::new();
            for _ in 0..random.random_range(1..=TOGETHER) {
                let n = again.pop_front().unwrap_or_else(|| {
                    // Until there is an answer, there is none.
                    all.push(Sent { signup: format!("writer{writer}-{}", all.len()), fate: Fate::Lost, times: 0 });
                    all.len() - 1
                });
                all[n].times += 1;
                line.send(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [all[n].signup]})).await;
                waiting.push(n);
            }
            for n in waiting {
                // Behind an answer that is missing, none can be told from another.
                let answer = if is_lost { None } else { line.hear().await.ok().map(Answer::of) };
                is_lost |= answer.is_none();
                goes_well &= matches!(answer, Some(Answer::Made(_)));
                all[n].came(answer);
                match all[n].fate {
                    Fate::Acked(_) => course.acked(),
                    // Of these every other is sent once more, as bots do; what becomes of the rest is seen in the end.
                    Fate::Unknown | Fate::Lost if n % 2 == 0 => again.push_back(n),
                    _ => {}
                }
            }
        }
    }
    all
}

impl Sent {
    fn came(&mut self, answer: Option<Answer>) {
        let id = |ack: &serde_json::Value| ack["signups"][0]["id"].as_str().and_then(|id| id.parse().ok());
        self.fate = match answer {
            Some(Answer::Made(ack)) => {
                assert_eq!(ack["signups"][0]["signup_id"], self.signup, "{ack}");
                Fate::Acked(id(&ack).unwrap_or_else(|| panic!("no id in {ack}")))
            }
            // A refusal is of this attempt, and tells nothing of those before.
            Some(Answer::Refused) if self.times > 1 => self.fate,
            Some(Answer::Refused) => Fate::Refused,
            Some(Answer::Unknown) => Fate::Unknown,
            None => Fate::Lost,
        };
    }
}

/// What became of all that was sent.
#[derive(Debug, Default)]
pub struct Told {
    /// Acknowledged.
    pub acked: usize,
    /// Refused as not made.
    pub refused: usize,
    /// Of unknown fate, as the gateway said or for want of an answer.
    pub unknown: usize,
    /// Those of them that stand.
    pub unknown_standing: usize,
    /// Sent more than once.
    pub repeated: usize,
    /// Acknowledged, and not there.
    pub lost: Vec<String>,
    /// Acknowledged under another id than that under which it stands.
    pub changed: Vec<String>,
    /// Refused as not made, and there.
    pub invented: Vec<String>,
    /// More often in the journal than it was sent.
    pub doubled: Vec<String>,
}

impl Told {
    /// Holds what was sent against the list, with the ids of its entries, and against how often each sign-up was journaled.
    pub fn of(sent: &[Sent], list: &[(u64, String)], journaled: &HashMap<String, usize>) -> Self {
        let standing: HashMap<&str, u64> = list.iter().map(|(id, signup)| (&**signup, *id)).collect();
        assert_eq!(standing.len(), list.len(), "a sign-up stands on the list twice");
        let mut told = Self::default();
        for Sent { signup, fate, times } in sent {
            let stands = standing.get(&**signup);
            told.repeated += usize::from(*times > 1);
            match (fate, stands) {
                (Fate::Acked(id), Some(stands)) if id != stands => told.changed.push(signup.clone()),
                (Fate::Acked(_), None) => told.lost.push(signup.clone()),
                (Fate::Refused, Some(_)) => told.invented.push(signup.clone()),
                _ => {}
            }
            match fate {
                Fate::Acked(_) => told.acked += 1,
                Fate::Refused => told.refused += 1,
                Fate::Unknown | Fate::Lost => {
                    told.unknown += 1;
                    told.unknown_standing += usize::from(stands.is_some());
                }
            }
            if journaled.get(signup).is_some_and(|journaled| journaled > times) {
                told.doubled.push(signup.clone());
            }
        }
        let names: HashSet<&str> = sent.iter().map(|sent| &*sent.signup).collect();
        assert!(list.iter().all(|(_, signup)| names.contains(&**signup)), "nobody sent what stands");
        told
    }
}

#[test]
fn what_is_lost_changed_invented_or_doubled_is_told() {
    let sent = |n: usize, fate| Sent { signup: format!("s{n}"), fate, times: 1 };
    let all = [Fate::Acked(1), Fate::Acked(2), Fate::Refused, Fate::Unknown, Fate::Lost];
    let all: Vec<Sent> = all.into_iter().enumerate().map(|(n, fate)| sent(n, fate)).collect();
    let told = |list: &[(u64, usize)], journaled: &[usize]| {
        let list: Vec<(u64, String)> = list.iter().map(|(id, n)| (*id, format!("s{n}"))).collect();
        let mut times = HashMap::new();
        for n in journaled {
            *times.entry(format!("s{n}")).or_default() += 1;
        }
        let Told { lost, changed, invented, doubled, unknown_standing, .. } = Told::of(&all, &list, &times);
        ([lost, changed, invented, doubled].map(|wrong| wrong.concat()), unknown_standing)
    };
    let wrong = |texts: [&str; 4]| texts.map(str::to_owned);
    assert_eq!(told(&[(1, 0), (2, 1)], &[0, 1]), (wrong([""; 4]), 0));
    assert_eq!(told(&[(1, 0), (2, 1), (3, 3), (4, 4)], &[0, 1, 3, 4]), (wrong([""; 4]), 2));
    assert_eq!(told(&[(1, 0)], &[0]), (wrong(["s1", "", "", ""]), 0));
    assert_eq!(told(&[(1, 0), (3, 1)], &[0, 1]), (wrong(["", "s1", "", ""]), 0));
    assert_eq!(told(&[(1, 0), (2, 1), (3, 2)], &[0, 1, 2]), (wrong(["", "", "s2", ""]), 0));
    assert_eq!(told(&[(1, 0), (2, 1)], &[0, 1, 0]), (wrong(["", "", "", "s0"]), 0));
}

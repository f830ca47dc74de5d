//! This is where several journals are kept, and gateways fold them, each in an order of its own.

use guestlist::config::FRAME_OUT_BYTES_MAX;
use guestlist::fold::fold;
use guestlist::journal::Entry;
use guestlist::state::State;
use guestlist::state::Writer;
use guestlist::state::record::each_record;
use guestlist::wire::envelope::Reference;
use serde_json::{Value, json};

use super::router::Place;

/// What somebody asked for, with when it is journaled, in milliseconds since 1970: wherever it is folded, that is the same.
#[derive(Clone, Debug)]
pub struct Said {
    pub by: &'static str,
    pub at_ms: u64,
    pub message: Value,
}

impl Said {
    /// Where it belongs.
    pub fn place(&self) -> Place {
        Place::of(&self.entry(1).change, &self.message)
    }

    /// The change as a journal's entry of this number.
    pub fn entry(&self, seq: u64) -> Entry {
        let Self { by, at_ms, message } = self;
        let entry = Entry::parse(&json!({"seq": seq, "at_ms": at_ms, "by": by, "do": message}).to_string());
        entry.unwrap_or_else(|error| panic!("{message} {error}"))
    }
}

/// What the seed says, one a millisecond from a moment on.
pub fn said(from_ms: u64, messages: impl IntoIterator<Item = Value>) -> Vec<Said> {
    (from_ms..).zip(messages).map(|(at_ms, message)| Said { by: "seed", at_ms, message }).collect()
}

/// A journal for the directory, and so many for all lists, in the order in which each was written.
#[derive(Debug)]
pub struct Journals(pub Vec<Vec<Said>>);

impl Journals {
    /// Gives each change to the journal it belongs to.
    pub fn split(all: &[Said], lists: usize) -> Self {
        let mut journals = vec![Vec::new(); 1 + lists];
        all.iter().for_each(|said| journals[said.place().partition(lists)].push(said.clone()));
        Self(journals)
    }

    /// The journal whose next entry arrives, again and again until all have arrived: each number picks among those that have one.
    pub fn arrivals(&self, picks: &[u64]) -> Vec<usize> {
        let mut left: Vec<usize> = self.0.iter().map(Vec::len).collect();
        let mut picks = picks.iter().copied().cycle();
        let mut arrivals = Vec::new();
        loop {
            let waiting: Vec<usize> = (0..left.len()).filter(|journal| left[*journal] > 0).collect();
            if waiting.is_empty() {
                return arrivals;
            }
            let pick = usize::try_from(picks.next().unwrap_or_default() % waiting.len() as u64).expect("it is small");
            left[waiting[pick]] -= 1;
            arrivals.push(waiting[pick]);
        }
    }
}

/// A gateway that folds entries as they come.
#[derive(Default)]
pub struct Gateway {
    writer: Writer,
}

impl Gateway {
    /// One that has folded these, from one journal.
    pub fn after(all: &[Said]) -> Self {
        let mut gateway = Self::default();
        gateway.fold_all(all);
        gateway
    }

    /// Folds the entries of one journal, which begins with them.
    pub fn fold_all(&mut self, all: &[Said]) -> Vec<Value> {
        (1..).zip(all).map(|(seq, said)| self.fold(seq, said)).collect()
    }

    /// Folds an entry, and gives what its sender is answered.
    pub fn fold(&mut self, seq: u64, said: &Said) -> Value {
        let outcome = fold(&mut self.writer, said.entry(seq), &mut Vec::new());
        self.writer.settle();
        match outcome {
            Ok(answer) => {
                let mut frames = Vec::new();
                answer.encode(&Reference::default(), FRAME_OUT_BYTES_MAX, &mut frames);
                frames.iter().map(|frame| serde_json::from_str::<Value>(frame).expect("frames are JSON")).collect()
            }
            Err(error) => json!(error.code.number()),
        }
    }

    pub fn state(&self) -> &State {
        self.writer.state()
    }

    /// All that it holds, list by list, in the order of each.
    pub fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        let taken = each_record(self.state(), |record| {
            records.push(serde_json::to_value(&record)?);
            Ok::<(), serde_json::Error>(())
        });
        taken.expect("records can be written");
        records
    }

    /// The records of a kind, such as `signup`.
    pub fn records_of(&self, kind: &str) -> Vec<Value> {
        self.records().iter().filter_map(|record| record.get(kind).cloned()).collect()
    }
}

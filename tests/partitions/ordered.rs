//! This is where it is shown what would make it right. Each journal of lists says of every entry how far the directory is then, and a
//! gateway holds what each journal comes to by itself: the directory's entries take effect on its lists where it says so, and
//! nowhere else. Ids are counted in each journal too.

use std::collections::VecDeque;

use guestlist::state::digest::Digest;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::histories::{beside_lists, on_lists, under_lists};
use super::journals::{Gateway, Journals, Said, said};
use super::{CHANGES_MAX, GATEWAYS, LISTS_MAX, beginning, fold_as_they_come};

/// Histories that are tried to find one that does not come out the same where nothing orders journals.
const HISTORIES: usize = 50;

/// An entry of a journal of lists.
#[derive(Clone, Debug)]
struct Line {
    /// How many of the directory's entries come before it: as many as the gateway had folded that checked it, or the line before.
    directory: usize,
    /// Nothing, where all it says is how far the directory is, so that it takes effect on lists that nobody changes.
    said: Option<Said>,
}

/// What a journal of lists comes to, as far as it and the directory have arrived.
struct Part {
    gateway: Gateway,
    /// How many of the directory's entries have taken effect here.
    directory: usize,
    waiting: VecDeque<Line>,
    answers: Vec<Value>,
}

/// The journals as they would be written: each change is checked by a gateway that may not have all of the directory yet.
fn written(journals: &Journals, lags: &[u64]) -> Vec<Vec<Line>> {
    let directory = &journals.0[0];
    let mut lags = lags.iter().copied().cycle();
    let lines = journals.0[1..].iter().map(|journal| {
        let mut reached = 0;
        let mut lines: Vec<Line> = journal
            .iter()
            .map(|said| {
                let there = directory.partition_point(|entry| entry.at_ms < said.at_ms) as u64;
                let known = there.saturating_sub(lags.next().unwrap_or_default() % 4);
                reached = reached.max(usize::try_from(known).expect("it is small"));
                Line { directory: reached, said: Some(said.clone()) }
            })
            .collect();
        lines.push(Line { directory: directory.len(), said: None });
        lines
    });
    lines.collect()
}

impl Part {
    fn new() -> Self {
        Self { gateway: Gateway::after(&beginning()), directory: 0, waiting: VecDeque::new(), answers: Vec::new() }
    }

    /// Folds what can be folded: a line waits for the directory, and the directory for a line that lets it take effect.
    fn go_on(&mut self, directory: &[Said]) {
        while self.waiting.front().is_some_and(|line| line.directory <= directory.len()) {
            let Some(line) = self.waiting.pop_front() else { return };
            for said in &directory[self.directory..line.directory.max(self.directory)] {
                self.gateway.fold(1, said);
            }
            self.directory = self.directory.max(line.directory);
            self.answers.extend(line.said.map(|said| self.gateway.fold(1, &said)));
        }
    }
}

/// Folds entries as they arrive; gives what each journal of lists comes to.
fn fold_in_order(journals: &Journals, written: &[Vec<Line>], picks: &[u64]) -> Vec<(Digest, Vec<Value>)> {
    let mut parts: Vec<Part> = written.iter().map(|_| Part::new()).collect();
    let (mut arrived, mut next) = (0, vec![0; written.len()]);
    let mut arrive = |journal: usize| match journal.checked_sub(1) {
        None => {
            arrived += 1;
            parts.iter_mut().for_each(|part| part.go_on(&journals.0[0][..arrived]));
        }
        Some(list) => {
            parts[list].waiting.push_back(written[list][next[list]].clone());
            next[list] += 1;
            parts[list].go_on(&journals.0[0][..arrived]);
        }
    };
    journals.arrivals(picks).into_iter().for_each(&mut arrive);
    // The line of each that only says how far the directory is.
    (1..=written.len()).for_each(arrive);
    assert!(parts.iter().all(|part| part.waiting.is_empty()), "all there was has arrived");
    parts.into_iter().map(|part| (Digest::of(part.gateway.state()), part.answers)).collect()
}

fn changes() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![6 => on_lists(), 1 => beside_lists(), 3 => under_lists()], 1..CHANGES_MAX)
}

fn numbers() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 1..CHANGES_MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_list_comes_out_the_same_where_its_journal_says_how_far_the_directory_is(
        changes in changes(),
        lists in 1..=LISTS_MAX,
        lags in numbers(),
        picks in prop::collection::vec(numbers(), GATEWAYS),
    ) {
        let journals = Journals::split(&said(1_000, changes), lists);
        let written = written(&journals, &lags);
        let folded: Vec<_> = picks.iter().map(|picks| fold_in_order(&journals, &written, picks)).collect();
        for other in &folded[1..] {
            prop_assert_eq!(&folded[0], other);
        }
    }
}

/// Or it would show nothing.
#[test]
fn such_histories_come_out_differently_where_nothing_orders_journals() {
    let mut runner = TestRunner::deterministic();
    let mut drawn = || {
        let strategy = (changes(), numbers(), numbers());
        strategy.new_tree(&mut runner).expect("a history can be made up").current()
    };
    let differ = (0..HISTORIES).filter(|_| {
        let (changes, one, other) = drawn();
        let journals = Journals::split(&said(1_000, changes), LISTS_MAX);
        let [one, other] = [one, other].map(|picks| Digest::of(fold_as_they_come(&journals, &picks).0.state()));
        one != other
    });
    let differ = differ.count();
    assert!(differ > HISTORIES / 5, "{differ} of {HISTORIES}");
}

/// What is left to do about ids: where each journal counts by itself, they meet.
#[test]
fn ids_that_each_journal_counts_are_not_unique_in_all_there_is() {
    let add = |user: u32| {
        let [chat, share] = [10 + user, 20 + user];
        json!({"method": "addToShareWhitelist", "user_id": user, "chat_id": chat, "share_id": share, "emails": ["cleo@x.org"]})
    };
    let ids = [1, 2].map(|user| {
        let mut part = Gateway::after(&beginning());
        part.fold_all(&said(1_000, [add(user)]));
        let entries = part.records_of("share_entry");
        entries.iter().map(|record| record["entry"]["entry_id"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(ids, [[1, 2], [1, 2]]);
}

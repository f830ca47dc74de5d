//! Tiers: expressions that have to be run, compiled together by the hundred.
//!
//! A set of expressions cannot take one more without being compiled anew. So a new one makes a set of its own, and sets of
//! like size are merged (the logarithmic method): each expression is compiled a few times in all, and an id runs through
//! a few sets.

use std::collections::BTreeMap;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::config::COMPILED_BYTES_MAX;

/// Expressions that one tier may hold: a merge stalls the writer for as long as so many take to compile.
const TIER_EXPRESSIONS_MAX: usize = 256;

/// Bytes that one tier may compile to: room for 256 expressions of ASCII, or some twenty with `\w` in them.
///
/// Above `COMPILED_BYTES_MAX`, so that a tier of one always compiles. Not higher, because a set of several megabytes no
/// longer fits the lazy automaton's cache and is run a hundred times slower, and because a merge stalls the writer.
const TIER_BYTES_MAX: usize = 1_024 * 1_024;

/// Bytes of automaton states that a thread may keep for one tier: enough for a tier of the largest size to be run lazily.
const TIER_CACHE_BYTES_MAX: usize = 2 * 1_024 * 1_024;

const _: () = assert!(COMPILED_BYTES_MAX < TIER_BYTES_MAX, "what compiles alone has to compile as a tier");

/// Expressions by id, in sets that are run one after another.
#[derive(Debug, Default)]
pub(super) struct Tiers {
    /// By their lowest id, so that a search may end at the first tier that can only answer with a higher one.
    tiers: Vec<Tier>,
}

#[derive(Debug)]
struct Tier {
    /// By id, in the order of the expressions in the set, and never empty.
    items: Vec<Item>,
    set: RegexSet,
    dead: usize,
    /// It is short because a longer one was too large, so merging it again would be in vain.
    sealed: bool,
}

#[derive(Debug)]
struct Item {
    id: u64,
    /// A dead item was removed, and leaves the set when the tier is next compiled.
    live: bool,
}

/// Compiles expressions that are anchored at both ends into a set that is run over folded ids.
///
/// The set reads bytes: a match spans the whole id, so it cannot split a letter, and a set over text panics (regex-automata
/// 0.4.18) where an expression that may match nothing, such as `^(?:.*\b)$`, meets letters beyond ASCII.
pub(super) fn compile<'a>(
    expressions: impl IntoIterator<Item = &'a String>,
    bytes_max: usize,
) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(expressions)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(bytes_max)
        .dfa_size_limit(TIER_CACHE_BYTES_MAX)
        .build()
}

impl Tiers {
    /// Adds expressions, each of which `compile` has accepted alone. An id that is there already gets the new expression.
    pub(super) fn insert_all(&mut self, expressions: impl IntoIterator<Item = (u64, String)>) {
        let run: BTreeMap<_, _> = expressions.into_iter().collect();
        for id in run.keys() {
            self.remove(*id);
        }
        self.place(run.into_iter().collect());
    }

    /// Takes an expression away.
    pub(super) fn remove(&mut self, id: u64) {
        for (index, tier) in self.tiers.iter_mut().enumerate() {
            let Ok(place) = tier.items.binary_search_by_key(&id, |item| item.id) else {
                continue;
            };
            if !tier.items[place].live {
                continue;
            }
            tier.items[place].live = false;
            tier.dead += 1;
            if tier.dead * 2 > tier.items.len() {
                let survivors = self.tiers.remove(index).into_live();
                self.place(survivors);
            }
            return;
        }
    }

    /// The lowest id of an expression that accepts the folded id.
    pub(super) fn first(&self, folded: &str) -> Option<u64> {
        let mut best = None;
        for tier in &self.tiers {
            if best.is_some_and(|best| best < tier.lowest()) {
                break;
            }
            best = best.into_iter().chain(tier.first(folded)).min();
        }
        best
    }

    /// Compiles the run into tiers, together with tiers that are no larger.
    fn place(&mut self, mut run: Vec<(u64, String)>) {
        while let Some(index) = self.mergeable(run.len()) {
            run.extend(self.tiers.remove(index).into_live());
        }
        run.sort_by_key(|(id, _)| *id);
        let mut length = TIER_EXPRESSIONS_MAX;
        while !run.is_empty() {
            let rest = run.split_off(length.min(run.len()));
            match compile(run.iter().map(|(_, expression)| expression), TIER_BYTES_MAX) {
                Ok(set) => {
                    self.add(Tier::new(&run, set, length < TIER_EXPRESSIONS_MAX));
                    // One heavy expression is no reason to keep the light ones after it in small tiers.
                    length = (length + length.div_ceil(4)).min(TIER_EXPRESSIONS_MAX);
                    run = rest;
                }
                Err(error) => {
                    assert!(run.len() > 1, "an expression that compiled alone under a lower limit compiles: {error}");
                    length = run.len() / 2;
                    run.extend(rest);
                }
            }
        }
    }

    fn add(&mut self, tier: Tier) {
        let place = self.tiers.partition_point(|other| other.lowest() < tier.lowest());
        self.tiers.insert(place, tier);
    }

    /// The smallest tier that a run of this length takes up: of its own order of magnitude or below, so that no
    /// expression is compiled often, and fitting into one tier with it, unless the run fills tiers anyway.
    fn mergeable(&self, run: usize) -> Option<usize> {
        let fits = |tier: &Tier| {
            let live = tier.live();
            let room = run >= TIER_EXPRESSIONS_MAX || run + live <= TIER_EXPRESSIONS_MAX;
            !tier.sealed && live < TIER_EXPRESSIONS_MAX && live.checked_ilog2() <= run.checked_ilog2() && room
        };
        (0..self.tiers.len()).filter(|&index| fits(&self.tiers[index])).min_by_key(|&index| self.tiers[index].live())
    }
}

impl Tier {
    fn new(run: &[(u64, String)], set: RegexSet, sealed: bool) -> Self {
        Self { items: run.iter().map(|(id, _)| Item { id: *id, live: true }).collect(), set, dead: 0, sealed }
    }

    fn lowest(&self) -> u64 {
        self.items[0].id
    }

    fn live(&self) -> usize {
        self.items.len() - self.dead
    }

    fn first(&self, folded: &str) -> Option<u64> {
        // Most ids match nothing, and to learn that is much cheaper than to learn what matched.
        if !self.set.is_match(folded.as_bytes()) {
            return None;
        }
        self.set
            .matches(folded.as_bytes())
            .iter()
            .map(|index| &self.items[index])
            .find(|item| item.live)
            .map(|item| item.id)
    }

    fn into_live(self) -> Vec<(u64, String)> {
        let expressions = self.items.iter().zip(self.set.patterns());
        expressions.filter(|(item, _)| item.live).map(|(item, expression)| (item.id, expression.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An expression that no shape but the general one fits, and that accepts just ids that begin with its number.
    fn expression(id: u64) -> (u64, String) {
        (id, format!("^(?:{id}[a-c]+)$"))
    }

    fn sizes(tiers: &Tiers) -> Vec<usize> {
        tiers.tiers.iter().map(Tier::live).collect()
    }

    fn assert_answers(tiers: &Tiers, ids: impl IntoIterator<Item = u64>, found: bool) {
        for id in ids {
            assert_eq!(tiers.first(&format!("{id}abc")), found.then_some(id), "{id} among {:?}", sizes(tiers));
        }
    }

    #[test]
    fn tiers_grow_by_doubling_up_to_their_limit() {
        let mut tiers = Tiers::default();
        for id in 0..300 {
            tiers.insert_all([expression(id)]);
        }
        assert_eq!(sizes(&tiers), [256, 32, 8, 4]);
        assert_answers(&tiers, (0..300).step_by(7), true);
        assert_answers(&tiers, [300], false);
    }

    #[test]
    fn many_at_once_fill_whole_tiers() {
        let mut tiers = Tiers::default();
        tiers.insert_all([expression(1_000)]);
        tiers.insert_all((0..600).map(expression));
        assert_eq!(sizes(&tiers), [256, 256, 89]);
        assert_answers(&tiers, [0, 255, 256, 511, 512, 599, 1_000], true);
    }

    #[test]
    fn the_removed_answer_no_more_and_leave_when_they_are_the_most() {
        let mut tiers = Tiers::default();
        tiers.insert_all((0..300).map(expression));
        for id in (0..300).filter(|id| id % 4 != 0) {
            tiers.remove(id);
        }
        assert_answers(&tiers, (0..300).filter(|id| id % 4 == 0).step_by(5), true);
        assert_answers(&tiers, (0..300).filter(|id| id % 4 != 0).step_by(5), false);
        assert!(tiers.tiers.iter().all(|tier| tier.dead * 2 <= tier.items.len()));
        for id in 0..300 {
            tiers.remove(id);
        }
        assert!(tiers.tiers.is_empty());
    }

    #[test]
    fn an_id_that_comes_again_gets_the_new_expression() {
        let mut tiers = Tiers::default();
        tiers.insert_all([expression(1), (2, "^(?:old)$".to_owned())]);
        tiers.insert_all([(2, "^(?:between)$".to_owned()), (2, "^(?:new)$".to_owned())]);
        assert_eq!(["old", "between", "new"].map(|text| tiers.first(text)), [None, None, Some(2)]);
    }

    #[test]
    fn expressions_too_large_together_are_split() {
        let heavy = |id: u64| (id, format!(r"^(?:{id}\w{{2}}[a-c])$"));
        let (_, alone) = heavy(1);
        let weight = (1..).map(|doublings| 1_024 << doublings).find(|&bytes| compile([&alone], bytes).is_ok());
        let count = TIER_BYTES_MAX / weight.expect("it compiles") * 2 + 8;
        let mut tiers = Tiers::default();
        tiers.insert_all((0..).map(heavy).take(count));
        assert!(tiers.tiers.iter().any(|tier| tier.sealed), "{count} heavy ones fit: {:?}", sizes(&tiers));
        assert_eq!(sizes(&tiers).iter().sum::<usize>(), count);
        assert_answers(&tiers, [0, 9], true);
    }
}

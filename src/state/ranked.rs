//! This is where lists get their order: values under rising ids, of which any can be taken out and the k-th found quickly.

use std::ops::Bound;

/// How many slots share one counter: a page is found by the counters and then by a walk over at most this many slots.
const CHUNK: usize = 64;

/// Dead slots that are tolerated whatever the size, so that small lists are not rebuilt at every removal.
const DEAD_MIN: usize = 64;

/// Values in the order of their ids, addressed by id and by rank.
///
/// Adding, removing and finding the k-th value cost O(log n); removed values leave dead slots, which are swept when they
/// outnumber the living, so that a sweep is paid for by the removals before it.
#[derive(Debug)]
pub struct Ranked<T> {
    slots: Vec<Slot<T>>,
    /// A Fenwick tree over the number of living slots in each chunk.
    living: Vec<usize>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    id: u64,
    value: Option<T>,
}

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), living: Vec::new(), len: 0 }
    }
}

impl<T> Ranked<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The highest id, also of a value that was removed only lately.
    pub fn last_id(&self) -> Option<u64> {
        self.slots.last().map(|slot| slot.id)
    }

    /// Appends a value.
    ///
    /// # Panics
    /// If `id` is not above every id that was ever pushed: order by id is what ranks and cursors rest on.
    pub fn push(&mut self, id: u64, value: T) {
        assert!(self.slots.last().is_none_or(|last| last.id < id), "ids only rise");
        if self.slots.len().is_multiple_of(CHUNK) {
            self.grow();
        }
        let chunk = self.slots.len() / CHUNK;
        self.slots.push(Slot { id, value: Some(value) });
        self.len += 1;
        let mut node = chunk + 1;
        while node <= self.living.len() {
            self.living[node - 1] += 1;
            node += lowest_bit(node);
        }
    }

    /// The value under an id.
    pub fn get(&self, id: u64) -> Option<&T> {
        self.slots[self.slot_of(id)?].value.as_ref()
    }

    /// The value under an id, to be changed in place.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let slot = self.slot_of(id)?;
        self.slots[slot].value.as_mut()
    }

    /// Takes a value out.
    pub fn remove(&mut self, id: u64) -> Option<T> {
        let slot = self.slot_of(id)?;
        let value = self.slots[slot].value.take()?;
        self.len -= 1;
        let mut node = slot / CHUNK + 1;
        while node <= self.living.len() {
            self.living[node - 1] -= 1;
            node += lowest_bit(node);
        }
        if self.slots.len() - self.len > self.len.max(DEAD_MIN) {
            self.sweep();
        }
        Some(value)
    }

    /// All values with their ids, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        living(&self.slots)
    }

    /// The values from the one with `rank` others before it on.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &T)> {
        let (chunk, before) = self.chunk_of_rank(rank);
        let start = (chunk * CHUNK).min(self.slots.len());
        living(&self.slots[start..]).skip(rank - before)
    }

    /// The values with ids within a lower bound.
    pub fn from_id(&self, start: Bound<u64>) -> impl Iterator<Item = (u64, &T)> {
        let slot = match start {
            Bound::Unbounded => 0,
            Bound::Included(id) => self.slots.partition_point(|slot| slot.id < id),
            Bound::Excluded(id) => self.slots.partition_point(|slot| slot.id <= id),
        };
        living(&self.slots[slot..])
    }

    fn slot_of(&self, id: u64) -> Option<usize> {
        // Where ids have no gaps, the distance from the first is the slot; gaps only make the slot come earlier.
        let first = self.slots.first()?.id;
        let guess = usize::try_from(id.checked_sub(first)?).unwrap_or(usize::MAX);
        if self.slots.get(guess).is_some_and(|slot| slot.id == id) {
            return Some(guess);
        }
        self.slots[..guess.min(self.slots.len())].binary_search_by_key(&id, |slot| slot.id).ok()
    }

    /// The chunk that holds the value of a rank, and how many values stand before that chunk.
    fn chunk_of_rank(&self, rank: usize) -> (usize, usize) {
        if rank >= self.len {
            return (self.living.len(), rank);
        }
        let (mut chunk, mut before) = (0, 0);
        let mut step = (self.living.len() + 1).next_power_of_two() / 2;
        while step > 0 {
            if let Some(count) = self.living.get(chunk + step - 1)
                && before + count <= rank
            {
                chunk += step;
                before += count;
            }
            step /= 2;
        }
        (chunk, before)
    }

    /// Opens the next chunk: its node counts the earlier chunks it stands for in the tree.
    fn grow(&mut self) {
        let node = self.living.len() + 1;
        let mut count = 0;
        let mut child = node - 1;
        while child > node - lowest_bit(node) {
            count += self.living[child - 1];
            child -= lowest_bit(child);
        }
        self.living.push(count);
    }

    fn sweep(&mut self) {
        let slots = std::mem::take(self).slots;
        for slot in slots {
            if let Some(value) = slot.value {
                self.push(slot.id, value);
            }
        }
    }
}

fn living<T>(slots: &[Slot<T>]) -> impl Iterator<Item = (u64, &T)> {
    slots.iter().filter_map(|slot| Some((slot.id, slot.value.as_ref()?)))
}

fn lowest_bit(node: usize) -> usize {
    node & node.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_ranked_list_answers_like_an_ordered_map(
            steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..2000),
        ) {
            let mut ranked = Ranked::default();
            let mut model = BTreeMap::new();
            for (next, (add, index)) in steps.into_iter().enumerate() {
                if add || model.is_empty() {
                    let id = next as u64 * 3;
                    ranked.push(id, next);
                    model.insert(id, next);
                } else {
                    let id = *index.get(&model.keys().copied().collect::<Vec<u64>>());
                    prop_assert_eq!(ranked.remove(id), model.remove(&id));
                    prop_assert_eq!(ranked.remove(id), None);
                }
            }
            let all: Vec<(u64, usize)> = model.into_iter().collect();
            prop_assert_eq!(ranked.len(), all.len());
            for rank in 0..=all.len() + 1 {
                let page: Vec<_> = ranked.from_rank(rank).take(3).map(|(id, value)| (id, *value)).collect();
                prop_assert_eq!(&page, &all.iter().copied().skip(rank).take(3).collect::<Vec<_>>());
            }
            for (position, (id, value)) in all.iter().enumerate() {
                prop_assert_eq!(ranked.get(*id), Some(value));
                let after: Vec<u64> = ranked.from_id(Bound::Excluded(*id)).map(|(id, _)| id).collect();
                prop_assert_eq!(after, all[position + 1..].iter().map(|(id, _)| *id).collect::<Vec<_>>());
            }
        }
    }
}

//! This is where lists get their order: values under rising ids, of which any can be taken out and the k-th found quickly.

use std::ops::Bound;

/// How many values a chunk has at most: a removal moves no more, and a page is found by counting chunks.
const CHUNK: usize = 256;

/// Empty chunks that are tolerated whatever the size, so that small lists are not swept at every removal.
const EMPTY_MIN: usize = 16;

/// Values in the order of their ids, addressed by id and by rank.
///
/// Adding, removing and finding the k-th value cost O(log n). Values stand in chunks, so that neither growth nor removal ever
/// moves more than one of them; chunks that became empty are swept when they outnumber the others.
#[derive(Debug)]
pub struct Ranked<T> {
    chunks: Vec<Chunk<T>>,
    /// A Fenwick tree over the number of values in each chunk.
    counts: Vec<usize>,
    empty: usize,
    len: usize,
    last_id: Option<u64>,
}

#[derive(Debug)]
struct Chunk<T> {
    /// No id in it is lower, and none in the chunks before it as high.
    first: u64,
    values: Vec<(u64, T)>,
}

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), counts: Vec::new(), empty: 0, len: 0, last_id: None }
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

    /// The highest id there ever was, also of a value that was removed.
    pub fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// Appends a value.
    ///
    /// # Panics
    /// If `id` is not above every id that was ever pushed: order by id is what ranks and cursors rest on.
    pub fn push(&mut self, id: u64, value: T) {
        assert!(self.last_id.is_none_or(|last| last < id), "ids only rise");
        self.last_id = Some(id);
        if self.chunks.last().is_none_or(|last| last.values.len() == CHUNK) {
            self.counts.push(self.earlier(self.chunks.len() + 1));
            self.chunks.push(Chunk { first: id, values: Vec::new() });
            self.empty += 1;
        }
        let chunk = self.chunks.len() - 1;
        self.empty -= usize::from(self.chunks[chunk].values.is_empty());
        self.chunks[chunk].values.push((id, value));
        self.len += 1;
        let mut node = chunk + 1;
        while node <= self.counts.len() {
            self.counts[node - 1] += 1;
            node += lowest_bit(node);
        }
    }

    /// The value under an id.
    pub fn get(&self, id: u64) -> Option<&T> {
        let (chunk, place) = self.place_of(id)?;
        Some(&self.chunks[chunk].values[place].1)
    }

    /// The value under an id, to be changed in place.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let (chunk, place) = self.place_of(id)?;
        Some(&mut self.chunks[chunk].values[place].1)
    }

    /// Takes a value out.
    pub fn remove(&mut self, id: u64) -> Option<T> {
        let (chunk, place) = self.place_of(id)?;
        let values = &mut self.chunks[chunk].values;
        let (_, value) = values.remove(place);
        if values.len() < values.capacity() / 4 {
            values.shrink_to(values.capacity() / 2);
        }
        self.empty += usize::from(values.is_empty());
        self.len -= 1;
        let mut node = chunk + 1;
        while node <= self.counts.len() {
            self.counts[node - 1] -= 1;
            node += lowest_bit(node);
        }
        if self.empty > EMPTY_MIN.max(self.chunks.len() / 2) {
            self.sweep();
        }
        Some(value)
    }

    /// All values with their ids, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.since_place(0, 0)
    }

    /// The values from the one with `rank` others before it on.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &T)> {
        let (chunk, before) = self.chunk_of_rank(rank);
        self.since_place(chunk, rank - before)
    }

    /// The values with ids within a lower bound.
    pub fn from_id(&self, start: Bound<u64>) -> impl Iterator<Item = (u64, &T)> {
        let id = match start {
            Bound::Unbounded => Some(0),
            Bound::Included(id) => Some(id),
            Bound::Excluded(id) => id.checked_add(1),
        };
        let chunk = id.map_or(self.chunks.len(), |id| self.chunk_of(id).unwrap_or(0));
        let values = self.chunks.get(chunk).map_or(&[][..], |chunk| &chunk.values);
        self.since_place(chunk, values.partition_point(|(other, _)| id.is_some_and(|id| *other < id)))
    }

    fn since_place(&self, chunk: usize, place: usize) -> impl Iterator<Item = (u64, &T)> {
        let mut chunks = self.chunks[chunk.min(self.chunks.len())..].iter().map(|chunk| &*chunk.values);
        let first = chunks.next().and_then(|values| values.get(place..)).unwrap_or_default();
        first.iter().chain(chunks.flatten()).map(|(id, value)| (*id, value))
    }

    /// The chunk in which an id would be.
    fn chunk_of(&self, id: u64) -> Option<usize> {
        let first = self.chunks.first()?.first;
        // Where ids have no gaps, the distance from the first tells the chunk; gaps only make it come earlier.
        let guess = usize::try_from(id.checked_sub(first)?).unwrap_or(usize::MAX) / CHUNK;
        let begins_by = |chunk: usize| self.chunks.get(chunk).is_some_and(|chunk| chunk.first <= id);
        if begins_by(guess) && !begins_by(guess + 1) {
            return Some(guess);
        }
        self.chunks[..guess.min(self.chunks.len())].partition_point(|chunk| chunk.first <= id).checked_sub(1)
    }

    fn place_of(&self, id: u64) -> Option<(usize, usize)> {
        let chunk = self.chunk_of(id)?;
        let values = &self.chunks[chunk].values;
        let guess = usize::try_from(id.checked_sub(values.first()?.0)?).unwrap_or(usize::MAX);
        if values.get(guess).is_some_and(|(other, _)| *other == id) {
            return Some((chunk, guess));
        }
        let place = values[..guess.min(values.len())].binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some((chunk, place))
    }

    /// The chunk that holds the value of a rank, and how many values stand before that chunk.
    fn chunk_of_rank(&self, rank: usize) -> (usize, usize) {
        if rank >= self.len {
            return (self.counts.len(), rank);
        }
        let (mut chunk, mut before) = (0, 0);
        let mut step = (self.counts.len() + 1).next_power_of_two() / 2;
        while step > 0 {
            if let Some(count) = self.counts.get(chunk + step - 1)
                && before + count <= rank
            {
                chunk += step;
                before += count;
            }
            step /= 2;
        }
        (chunk, before)
    }

    /// How many values are in the earlier chunks that a node of the tree stands for.
    fn earlier(&self, node: usize) -> usize {
        let (mut count, mut child) = (0, node - 1);
        while child > node - lowest_bit(node) {
            count += self.counts[child - 1];
            child -= lowest_bit(child);
        }
        count
    }

    /// Drops empty chunks; what is in the others stays where it is.
    fn sweep(&mut self) {
        self.chunks.retain(|chunk| !chunk.values.is_empty());
        self.empty = 0;
        self.counts.clear();
        for chunk in &self.chunks {
            let node = self.counts.len() + 1;
            let count = chunk.values.len() + self.earlier(node);
            self.counts.push(count);
        }
    }
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

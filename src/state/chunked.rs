//! This is where values stand in places that are numbered without a gap, in memory that grows and shrinks bit by bit.

/// How many values a chunk has at most.
const CHUNK: usize = 256;

/// Values by their places. Unlike a vector it never moves what it holds to grow, and has no room for twice as much.
#[derive(Debug)]
pub struct Chunked<T> {
    /// All but the last are full.
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// The value of a place.
    pub fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// Puts a value behind all others.
    pub fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => self.chunks.push(vec![value]),
        }
    }

    /// Takes a value away and puts the last one in its place.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn swap_remove(&mut self, place: usize) -> T {
        let chunk = self.chunks.last_mut().expect("something is removed of what there is");
        let last = chunk.pop().expect("no chunk is empty");
        if chunk.is_empty() {
            self.chunks.pop();
        }
        if place == self.len() {
            last
        } else {
            std::mem::replace(self.get_mut(place).expect("the place is taken"), last)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_like_a_vector(
            steps in prop::collection::vec((0..5_u8, any::<prop::sample::Index>()), 1..2_000),
            grows in any::<bool>(),
        ) {
            let (mut chunked, mut model) = (Chunked::default(), Vec::new());
            for (number, (what, index)) in steps.into_iter().enumerate() {
                if model.is_empty() || (what == 0) != grows {
                    chunked.push(number);
                    model.push(number);
                } else {
                    let place = index.index(model.len());
                    prop_assert_eq!(chunked.swap_remove(place), model.swap_remove(place));
                }
                prop_assert_eq!(chunked.len(), model.len());
            }
            for place in 0..=model.len() {
                prop_assert_eq!(chunked.get(place), model.get(place));
            }
        }
    }
}

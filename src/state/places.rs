//! This is where places are found by hash, in a table that grows and shrinks bit by bit.

use hashbrown::HashTable;

/// How many places a table has on average: a step of growth moves no more than twice as many.
const TABLE: usize = 224;

/// Places by the hash of what stands there, by linear hashing: many small tables, of which one is split in two whenever there
/// are too many places for their number. A single table would be copied whole each time it doubles, while all wait.
#[derive(Default)]
pub struct Places {
    tables: Vec<HashTable<Placed>>,
    len: usize,
}

/// A place under the hash, which is kept so that a table can be split without a look at what stands there.
#[derive(Clone, Copy)]
struct Placed {
    hash: u32,
    place: u32,
}

impl Places {
    /// The place of a hash that `is_it`.
    pub fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let table = self.tables.get(self.table_of(hash))?;
        table.find(spread(hash), |placed| placed.hash == hash && is_it(placed.place)).map(|placed| placed.place)
    }

    /// Adds a place.
    pub fn insert(&mut self, hash: u32, place: u32) {
        if self.len >= self.tables.len() * TABLE {
            self.split();
        }
        let table = self.table_of(hash);
        insert(&mut self.tables[table], Placed { hash, place });
        self.len += 1;
    }

    /// Takes a place out.
    ///
    /// # Panics
    /// If it was not put in with this hash.
    pub fn remove(&mut self, hash: u32, place: u32) {
        let table = self.table_of(hash);
        let placed = self.tables[table].find_entry(spread(hash), |placed| placed.place == place);
        placed.ok().expect("what stands is placed").remove();
        self.len -= 1;
        if self.tables.len() > 1 && self.len < self.tables.len() * TABLE / 4 {
            self.merge();
        }
    }

    /// Notes that what stood at a place stands at another.
    ///
    /// # Panics
    /// If it was not put in with this hash.
    pub fn replace(&mut self, hash: u32, place: u32, by: u32) {
        let table = self.table_of(hash);
        let placed = self.tables[table].find_mut(spread(hash), |placed| placed.place == place);
        placed.expect("what stands is placed").place = by;
    }

    fn table_of(&self, hash: u32) -> usize {
        let all = self.tables.len().next_power_of_two();
        let table = hash as usize & (all - 1);
        // The one that it will be split off is meant where there is none yet.
        if table < self.tables.len() { table } else { table & (all / 2).saturating_sub(1) }
    }

    /// Splits the next table in turn.
    fn split(&mut self) {
        let new = self.tables.len();
        let mut table = HashTable::new();
        if new > 0 {
            let all = (new + 1).next_power_of_two();
            let split = std::mem::take(&mut self.tables[new - all / 2]);
            let (mut stay, mut go) =
                (HashTable::with_capacity(split.len() / 2), HashTable::with_capacity(split.len() / 2));
            for placed in split {
                insert(if placed.hash as usize & (all - 1) == new { &mut go } else { &mut stay }, placed);
            }
            self.tables[new - all / 2] = stay;
            table = go;
        }
        self.tables.push(table);
    }

    /// Puts the table that was split off last back.
    fn merge(&mut self) {
        let last = self.tables.pop().expect("there is more than one");
        let into = self.tables.len() - (self.tables.len() + 1).next_power_of_two() / 2;
        last.into_iter().for_each(|placed| insert(&mut self.tables[into], placed));
    }
}

fn insert(table: &mut HashTable<Placed>, placed: Placed) {
    table.insert_unique(spread(placed.hash), placed, |placed| spread(placed.hash));
}

/// A hash for within a table: one all of whose bits tell, though the lowest ones chose the table.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_like_a_map(keys in prop::collection::vec(any::<u32>(), 1..3_000), few in 1..64_u32) {
            // Some hashes are those of several places.
            let hash = |key: u32| if key.is_multiple_of(3) { key % few } else { key };
            let (mut places, mut model) = (Places::default(), BTreeMap::new());
            for (place, key) in (0..).zip(&keys) {
                places.insert(hash(*key), place);
                model.insert(place, hash(*key));
            }
            for (place, key) in (0..).zip(&keys).filter(|(_, key)| !key.is_multiple_of(5)) {
                if key.is_multiple_of(7) {
                    places.replace(hash(*key), place, place + 1_000_000);
                    let hash = model.remove(&place).expect("it was put there");
                    model.insert(place + 1_000_000, hash);
                } else {
                    places.remove(hash(*key), place);
                    model.remove(&place);
                }
            }
            for (place, hash) in &model {
                prop_assert_eq!(places.find(*hash, |other| other == *place), Some(*place));
            }
            for (place, key) in (0..).zip(&keys).filter(|(place, _)| !model.contains_key(place)) {
                prop_assert_eq!(places.find(hash(*key), |other| other == place), None);
            }
            prop_assert_eq!(places.len, model.len());
        }
    }
}

//! This is where it is counted how many come from one place, or with one token, at a time.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;

/// How many there are of each kind, now. A kind of which there are none takes no memory.
#[derive(Debug)]
pub struct Crowd<K: Eq + Hash>(Arc<DashMap<K, usize>>);

/// One of them; it is counted until this is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    crowd: Arc<DashMap<K, usize>>,
    kind: K,
}

impl<K: Eq + Hash> Clone for Crowd<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Eq + Hash> Default for Crowd<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Takes a place, unless so many of the kind have one already.
    pub fn enter(&self, kind: K, max: usize) -> Option<Place<K>> {
        let mut count = self.0.entry(kind.clone()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(count);
        Some(Place { crowd: self.0.clone(), kind })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        self.crowd.remove_if_mut(&self.kind, |_, count| {
            *count -= 1;
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_as_many_places_as_it_may_and_leaves_nothing_behind() {
        let crowd = Crowd::default();
        let enter = |kind: &'static str| crowd.enter(kind, 2);
        let (first, second) = (enter("a"), enter("a"));
        assert!(first.is_some() && second.is_some() && enter("a").is_none() && enter("b").is_some());
        drop(first);
        let third = enter("a");
        assert!(third.is_some() && enter("a").is_none());
        drop((second, third));
        assert!(crowd.0.is_empty());
    }
}

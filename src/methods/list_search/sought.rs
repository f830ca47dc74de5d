//! This is where a page is found in a list of which all pass by, in whatever order: the best so far are kept.

use std::collections::BinaryHeap;

use compact_str::CompactString;

use super::Order;

/// Where somebody stands in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Behind the entry of this number.
    Added(u64),
    /// Behind this sign-up id, folded.
    SignupId(CompactString),
}

/// The same of an entry that is just looked at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PlaceRef<'a> {
    Added(u64),
    SignupId(&'a str),
}

impl Place {
    /// As a cursor has it.
    pub fn written(&self) -> Box<str> {
        match self {
            Self::Added(id) => id.to_string().into(),
            Self::SignupId(folded) => folded.as_str().into(),
        }
    }

    fn borrowed(&self) -> PlaceRef<'_> {
        match self {
            Self::Added(id) => PlaceRef::Added(*id),
            Self::SignupId(folded) => PlaceRef::SignupId(folded),
        }
    }
}

impl PlaceRef<'_> {
    fn to_owned(&self) -> Place {
        match self {
            Self::Added(id) => Place::Added(*id),
            Self::SignupId(folded) => Place::SignupId((*folded).into()),
        }
    }
}

/// Somebody who may be on the page. The greatest is the first to give way.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where they stand.
    pub place: Place,
    /// The number of their entry.
    pub id: u64,
    descending: bool,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = self.place.cmp(&other.place);
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A page that is being filled while a whole list passes by.
#[derive(Debug)]
pub struct Sought {
    order: Order,
    descending: bool,
    after: Option<Place>,
    size: usize,
    /// Those of the page as far as it is known, and one more where there is one.
    best: BinaryHeap<Candidate>,
    /// How many have passed by.
    pub matched: usize,
}

impl Sought {
    /// The page of a size behind a place.
    pub fn new(order: Order, descending: bool, after: Option<Place>, size: usize) -> Self {
        Self { order, descending, after, size, best: BinaryHeap::new(), matched: 0 }
    }

    /// Looks at somebody, by the entry's number and the folded sign-up id.
    pub fn see(&mut self, id: u64, folded: &str) {
        self.matched += 1;
        let place = match self.order {
            Order::Added => PlaceRef::Added(id),
            Order::SignupId => PlaceRef::SignupId(folded),
        };
        let is_before = |other: &Place| {
            let other = other.borrowed();
            if self.descending { place > other } else { place < other }
        };
        let is_passed = self.after.as_ref().is_some_and(|after| place == after.borrowed() || is_before(after));
        let is_full = self.best.len() > self.size;
        if is_passed || (is_full && !self.best.peek().is_some_and(|worst| is_before(&worst.place))) {
            return;
        }
        self.best.push(Candidate { place: place.to_owned(), id, descending: self.descending });
        if is_full {
            self.best.pop();
        }
    }

    /// Who is on the page, in order, and whether others come after them.
    pub fn page(self) -> (Vec<Candidate>, bool) {
        let mut page = self.best.into_sorted_vec();
        let goes_on = page.len() > self.size;
        page.truncate(self.size);
        (page, goes_on)
    }
}

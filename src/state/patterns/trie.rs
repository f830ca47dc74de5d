//! Tries: expressions that are plain letters, found by walking along the id.

use hashbrown::HashMap;

use super::shape::Step;

/// The node where every walk starts. It is never freed.
const ROOT: u32 = 0;

/// Where a wildcard would lead when there is none; the root has no edge into it.
const NOWHERE: u32 = ROOT;

/// Where in the id an expression has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Where the walk ends, and nowhere else.
    Whole,
    /// Anywhere: what follows does not matter.
    Open,
}

/// The ids of expressions by their letters.
///
/// A walk takes one look-up a letter, and forks where an expression has a wildcard. The order of the edges is never
/// asked for, so their hashes decide nothing.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    edges: HashMap<(u32, char), u32>,
    /// Which ASCII letters lead on from the root: most walks end there, which this tells without a look-up.
    firsts: u128,
    /// Nodes to use again.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    parent: u32,
    /// The edge that leads here from the parent.
    step: Step,
    /// Where any letter leads, or `NOWHERE`.
    wildcard: u32,
    /// Edges that leave from here, the wildcard included.
    children: u32,
    /// Boxed because most nodes only lead on.
    ends: Option<Box<Ends>>,
}

/// The expressions that end at a node, lowest id first.
#[derive(Debug, Default)]
struct Ends {
    whole: Vec<u64>,
    open: Vec<u64>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::new(ROOT, Step::Any)], edges: HashMap::new(), firsts: 0, free: Vec::new() }
    }
}

impl Trie {
    /// Whether no expression is in it.
    pub(super) fn is_empty(&self) -> bool {
        let root = &self.nodes[ROOT as usize];
        root.children == 0 && root.ends.is_none()
    }

    /// Adds an expression.
    pub(super) fn insert(&mut self, steps: impl Iterator<Item = Step>, reach: Reach, id: u64) {
        let mut node = ROOT;
        for step in steps {
            node = match self.follow(node, step) {
                Some(next) => next,
                None => self.grow(node, step),
            };
        }
        let ids = self.nodes[node as usize].ends.get_or_insert_default().ids(reach);
        if let Err(place) = ids.binary_search(&id) {
            ids.insert(place, id);
        }
    }

    /// Takes an expression away, and with it the nodes that only led to it.
    pub(super) fn remove(&mut self, mut steps: impl Iterator<Item = Step>, reach: Reach, id: u64) {
        let Some(node) = steps.try_fold(ROOT, |node, step| self.follow(node, step)) else {
            return;
        };
        let Some(ends) = &mut self.nodes[node as usize].ends else {
            return;
        };
        let ids = ends.ids(reach);
        if let Ok(place) = ids.binary_search(&id) {
            ids.remove(place);
        }
        if ends.whole.is_empty() && ends.open.is_empty() {
            self.nodes[node as usize].ends = None;
        }
        self.prune(node);
    }

    /// The lowest id of an expression that the letters start with or, if it is whole, are.
    pub(super) fn first(&self, letters: impl Iterator<Item = char> + Clone) -> Option<u64> {
        let mut best = None;
        self.walk(ROOT, letters, &mut best);
        best
    }

    /// Calls itself for wildcards only, of which an expression has few.
    fn walk(&self, mut index: u32, mut letters: impl Iterator<Item = char> + Clone, best: &mut Option<u64>) {
        loop {
            let node = &self.nodes[index as usize];
            if let Some(ends) = &node.ends {
                improve(best, ends.open.first());
            }
            let Some(letter) = letters.next() else {
                if let Some(ends) = &node.ends {
                    improve(best, ends.whole.first());
                }
                return;
            };
            if node.wildcard != NOWHERE {
                self.walk(node.wildcard, letters.clone(), best);
            }
            match self.edge(index, letter) {
                Some(next) => index = next,
                None => return,
            }
        }
    }

    fn follow(&self, node: u32, step: Step) -> Option<u32> {
        match step {
            Step::Letter(letter) => self.edge(node, letter),
            Step::Any => Some(self.nodes[node as usize].wildcard).filter(|next| *next != NOWHERE),
        }
    }

    fn edge(&self, node: u32, letter: char) -> Option<u32> {
        if node == ROOT && letter.is_ascii() && self.firsts & first(letter) == 0 {
            return None;
        }
        self.edges.get(&(node, letter)).copied()
    }

    fn grow(&mut self, parent: u32, step: Step) -> u32 {
        let node = Node::new(parent, step);
        let index = match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                index
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1)
                    .expect("patterns are limited in number and length, and so are nodes")
            }
        };
        self.nodes[parent as usize].children += 1;
        match step {
            Step::Letter(letter) => {
                self.edges.insert((parent, letter), index);
                if parent == ROOT {
                    self.firsts |= first(letter);
                }
            }
            Step::Any => self.nodes[parent as usize].wildcard = index,
        }
        index
    }

    /// Frees the node, and those before it, as far as they lead nowhere.
    fn prune(&mut self, mut index: u32) {
        while index != ROOT {
            let Node { parent, step, children: 0, ends: None, .. } = self.nodes[index as usize] else {
                return;
            };
            match step {
                Step::Letter(letter) => {
                    self.edges.remove(&(parent, letter));
                    if parent == ROOT {
                        self.firsts &= !first(letter);
                    }
                }
                Step::Any => self.nodes[parent as usize].wildcard = NOWHERE,
            }
            self.nodes[parent as usize].children -= 1;
            self.free.push(index);
            index = parent;
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

impl Node {
    fn new(parent: u32, step: Step) -> Self {
        Self { parent, step, wildcard: NOWHERE, children: 0, ends: None }
    }
}

impl Ends {
    fn ids(&mut self, reach: Reach) -> &mut Vec<u64> {
        match reach {
            Reach::Whole => &mut self.whole,
            Reach::Open => &mut self.open,
        }
    }
}

/// The bit of an ASCII letter; no other has one.
fn first(letter: char) -> u128 {
    if letter.is_ascii() { 1 << u32::from(letter) } else { 0 }
}

fn improve(best: &mut Option<u64>, candidate: Option<&u64>) {
    *best = (*best).into_iter().chain(candidate.copied()).min();
}

#[cfg(test)]
mod tests {
    use super::super::shape::literal;
    use super::*;

    fn steps(text: &str) -> impl Iterator<Item = Step> {
        literal(text).into_iter().map(|step| if step == Step::Letter('?') { Step::Any } else { step })
    }

    #[test]
    fn a_walk_follows_letters_and_wildcards() {
        let mut trie = Trie::default();
        trie.insert(steps("ab"), Reach::Whole, 5);
        trie.insert(steps("a?"), Reach::Whole, 3);
        trie.insert(steps("?b"), Reach::Open, 4);
        assert_eq!(trie.first("ab".chars()), Some(3));
        assert_eq!(trie.first("abc".chars()), Some(4));
        assert_eq!(trie.first("ax".chars()), Some(3));
        assert_eq!(trie.first("a".chars()), None);
        trie.remove(steps("a?"), Reach::Whole, 3);
        assert_eq!(trie.first("ab".chars()), Some(4));
        trie.remove(steps("?b"), Reach::Open, 4);
        assert_eq!(trie.first("ab".chars()), Some(5));
    }

    #[test]
    fn expressions_of_the_same_letters_stand_side_by_side() {
        let mut trie = Trie::default();
        for id in [7, 2, 9] {
            trie.insert(steps("ab"), Reach::Open, id);
        }
        trie.remove(steps("ab"), Reach::Open, 2);
        assert_eq!(trie.first("abc".chars()), Some(7));
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut trie = Trie::default();
        trie.insert(steps("ab"), Reach::Open, 1);
        trie.remove(steps("ab"), Reach::Open, 2);
        trie.remove(steps("ab"), Reach::Whole, 1);
        trie.remove(steps("a"), Reach::Open, 1);
        trie.remove(steps("abc"), Reach::Open, 1);
        assert_eq!(trie.first("abc".chars()), Some(1));
    }

    #[test]
    fn nodes_are_used_again() {
        let mut trie = Trie::default();
        trie.insert(steps("stays"), Reach::Whole, 0);
        for id in 1..100 {
            trie.insert(steps(&format!("st{id}?")), Reach::Open, id);
            trie.remove(steps(&format!("st{id}?")), Reach::Open, id);
        }
        assert_eq!(trie.nodes.len(), 1 + "stays".len() + "99?".len());
        assert_eq!(trie.edges.len(), "stays".len());
        trie.remove(steps("stays"), Reach::Whole, 0);
        assert!(trie.is_empty());
        assert_eq!(trie.nodes.len(), 1);
    }

    #[test]
    fn a_long_id_does_not_exhaust_the_stack() {
        let mut trie = Trie::default();
        trie.insert(steps("?a?"), Reach::Open, 1);
        trie.insert(std::iter::repeat_n(Step::Letter('a'), 100_000), Reach::Open, 2);
        assert_eq!(trie.first(std::iter::repeat_n('a', 200_000)), Some(1));
    }
}

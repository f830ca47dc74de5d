//! This is where it is said what a list is, for histories to be held against: names in the order they were added.

use std::fmt::{self, Debug, Formatter};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

/// One of the names that histories put on lists.
pub type Name = u8;

/// Somebody on a list, under a number where the list has numbers of its own, else under 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listed {
    pub name: Name,
    pub number: u64,
}

/// What was asked of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Add(Name),
    Remove(Name),
    Read,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// The name stands, under this number.
    Stands(u64),
    /// Whether the name was really removed.
    Removed(bool),
    /// All there is.
    Read(Vec<Listed>),
    /// Nothing, as the gateway said.
    Refused,
    /// Nobody knows: the gateway was killed before it answered.
    Unknown,
}

/// A question with its answer.
#[derive(Clone, Debug)]
pub struct Operation {
    pub asked: Asked,
    pub came: Came,
}

/// What is on a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Standing {
    listed: Vec<Listed>,
    last_number: u64,
}

/// What a list does, one operation after the other.
struct Sequential<const NUMBERED: bool>;

impl<const NUMBERED: bool> Specification for Sequential<NUMBERED> {
    type State = Standing;
    type Operation = Operation;

    fn init() -> Standing {
        Standing::default()
    }

    fn apply(Operation { asked, came }: &Operation, before: &Standing) -> (bool, Standing) {
        let mut after = before.clone();
        if *came == Came::Refused {
            return (true, after);
        }
        let place = |name| before.listed.iter().position(|listed| listed.name == name);
        let comes = match *asked {
            Asked::Add(name) => {
                let number = match place(name) {
                    Some(place) => before.listed[place].number,
                    None => {
                        after.last_number += u64::from(NUMBERED);
                        after.listed.push(Listed { name, number: after.last_number });
                        after.last_number
                    }
                };
                Came::Stands(number)
            }
            Asked::Remove(name) => {
                let place = place(name);
                place.map(|place| after.listed.remove(place));
                Came::Removed(place.is_some())
            }
            Asked::Read => Came::Read(before.listed.clone()),
        };
        (*came == Came::Unknown || *came == comes, after)
    }
}

/// What happened to one list: each operation's beginning and end, in the order in which they were seen.
#[derive(Clone)]
pub struct Happened {
    numbered: bool,
    operations: Vec<Operation>,
    actions: Vec<(usize, Half)>,
}

#[derive(Clone, Copy, Debug)]
enum Half {
    Begin,
    End,
}

impl Debug for Happened {
    /// A line for each half of an operation.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.actions.iter().try_for_each(|&(operation, half)| {
            let Operation { asked, came } = &self.operations[operation];
            match half {
                Half::Begin if *came == Came::Unknown => {
                    writeln!(f, "{operation}: {asked:?}, of which nothing is known")
                }
                Half::Begin => writeln!(f, "{operation}: {asked:?}"),
                Half::End => writeln!(f, "{operation}: {came:?}"),
            }
        })
    }
}

impl Happened {
    /// Nothing yet, to a list whose entries have numbers or not.
    pub fn to(numbered: bool) -> Self {
        Self { numbered, operations: Vec::new(), actions: Vec::new() }
    }

    /// Notes that something is about to be asked, and gives the operation's number.
    pub fn begin(&mut self, asked: Asked) -> usize {
        let operation = self.operations.len();
        self.operations.push(Operation { asked, came: Came::Unknown });
        self.actions.push((operation, Half::Begin));
        operation
    }

    /// Notes what came of it.
    pub fn end(&mut self, operation: usize, came: Came) {
        self.operations[operation].came = came;
        self.actions.push((operation, Half::End));
    }

    /// How many operations there were, and of how many the outcome is unknown.
    pub fn counts(&self) -> (usize, usize) {
        let unknown = self.operations.iter().filter(|operation| operation.came == Came::Unknown).count();
        (self.operations.len(), unknown)
    }

    /// Whether there is an order of the operations that explains all answers, in which each stands between its beginning and its
    /// end. One whose outcome is unknown may stand anywhere after its beginning, or, as after all others, count for nothing.
    pub fn is_linearizable(&self) -> bool {
        let act = |&(operation, half): &(usize, Half)| {
            let told = self.operations[operation].clone();
            match half {
                Half::Begin => (operation, Action::Call(told)),
                Half::End => (operation, Action::Response(told)),
            }
        };
        let open = self.operations.iter().enumerate().filter(|(_, operation)| operation.came == Came::Unknown);
        let ends = open.map(|(operation, told)| (operation, Action::Response(told.clone())));
        let history = History::from_actions(self.actions.iter().map(act).chain(ends).collect());
        match self.numbered {
            true => WGLChecker::<Sequential<true>>::is_linearizable(history),
            false => WGLChecker::<Sequential<false>>::is_linearizable(history),
        }
    }
}

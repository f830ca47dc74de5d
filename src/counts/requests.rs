//! This is where requests are counted: what was asked, and with which code it was refused, if it was.

use super::Count;
use crate::methods::{METHODS, Which};
use crate::wire::error::{Code, Error};

/// What a client asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// For a method of the list.
    Method(Which),
    /// To sign in.
    TokenAuth,
    /// For a `PONG`.
    Ping,
    /// For something that there is not; by its name, where it had one.
    Unknown(Option<&'a str>),
}

/// What there is to be asked beside the methods of the list, as metrics call it.
const OTHERS: [&str; 3] = ["TOKEN_AUTH", "PING", "unknown"];

/// Every code, and the answer that is no refusal.
const OUTCOMES: usize = Code::ALL.len() + 1;

impl<'a> Asked<'a> {
    /// What a message of this method asks for.
    pub fn of(method: &'a str) -> Self {
        match method {
            "TOKEN_AUTH" => Self::TokenAuth,
            "PING" => Self::Ping,
            _ => Which::named(method).map_or(Self::Unknown(Some(method)), Self::Method),
        }
    }

    /// Its name, as the message has it.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Method(which) => Some(which.call().method),
            Self::TokenAuth => Some(OTHERS[0]),
            Self::Ping => Some(OTHERS[1]),
            Self::Unknown(name) => name,
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Method(which) => which as usize,
            Self::TokenAuth => METHODS.len(),
            Self::Ping => METHODS.len() + 1,
            Self::Unknown(_) => METHODS.len() + 2,
        }
    }
}

/// Requests that were answered.
#[derive(Debug)]
pub struct Requests(Box<[[Count; OUTCOMES]]>);

impl Default for Requests {
    fn default() -> Self {
        Self((0..METHODS.len() + OTHERS.len()).map(|_| Default::default()).collect())
    }
}

impl Requests {
    /// Counts one that was answered as it asked.
    pub fn add(&self, asked: Asked<'_>) {
        self.0[asked.place()][0].add(1);
    }

    /// Counts one that was refused.
    pub fn add_refused(&self, asked: Asked<'_>, code: Code) {
        self.0[asked.place()][1 + code as usize].add(1);
    }

    /// The same of either.
    pub fn note<T>(&self, asked: Asked<'_>, answered: &Result<T, Error>) {
        match answered {
            Ok(_) => self.add(asked),
            Err(error) => self.add_refused(asked, error.code),
        }
    }

    /// How many there were of each kind of which there was any: the method, the code if they were refused, and the number.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Option<Code>, u64)> {
        let names = METHODS.iter().map(|method| method.call.method).chain(OTHERS);
        names.zip(&self.0).flat_map(|(name, counts)| {
            let codes = std::iter::once(None).chain(Code::ALL.iter().copied().map(Some));
            codes.zip(counts).map(move |(code, count)| (name, code, count.get())).filter(|(.., count)| *count > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_and_code_has_a_place_of_its_own() {
        let requests = Requests::default();
        let all = METHODS.iter().map(|method| method.call.method).chain(OTHERS);
        for (times, name) in (1..).zip(all.clone()) {
            for _ in 0..times {
                requests.add(Asked::of(name));
                Code::ALL.iter().for_each(|code| requests.add_refused(Asked::of(name), *code));
            }
        }
        let counted: Vec<_> = requests.all().collect();
        let expected = (1..).zip(all).flat_map(|(times, name)| {
            let codes = std::iter::once(None).chain(Code::ALL.iter().copied().map(Some));
            codes.map(move |code| (name, code, times))
        });
        assert_eq!(counted, expected.collect::<Vec<_>>());
    }
}

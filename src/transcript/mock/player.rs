//! One client's way through what was recorded.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::super::bindings::Bindings;
use super::super::json::{Json, quoted};
use super::super::pattern::Pattern;
use super::super::placeholder::{Kind, Placeholder};
use super::heard::{Heard, References};
use super::script::{Follows, Given, Sent};
use super::{Known, Shared};

/// What is to be done, and when.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) after: Duration,
    pub(super) what: Doing,
}

/// What the mock does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Text(String),
    /// Closes with a code and a reason; 1005 is a close frame without a code, 1006 none at all.
    Close(u16, String),
}

/// Where one client is.
pub(super) struct Player {
    shared: Arc<Shared>,
    /// The connections that begin with the client's first frame; the one that is played comes first.
    candidates: Vec<usize>,
    /// The frame that is next there.
    next: usize,
    /// What this client's frames and answers have bound.
    bindings: Bindings,
}

/// A recorded frame, and what a client's frame binds there.
struct Found {
    connection: usize,
    sent: usize,
    bindings: Bindings,
}

impl Player {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Player { shared, candidates: Vec::new(), next: 0, bindings: Bindings::default() }
    }

    /// What follows a client's frame; `None` where no transcript has it.
    pub(super) fn play(&mut self, heard: &Heard) -> Option<Vec<Due>> {
        let is_ping = heard.method() == Some("PING");
        let pong = || vec![Due { after: Duration::ZERO, what: Doing::Text(r#"{"method":"PONG"}"#.to_owned()) }];
        let Some(current) = self.candidates.first().copied() else {
            return self.begin(heard).or_else(|| is_ping.then(pong));
        };
        let all = self.sends(current).len();
        if is_ping {
            // One more than recorded must not pass over what was recorded before the next.
            let next = self.find(current, self.next..all.min(self.next + 1), heard);
            return Some(next.map_or_else(pong, |found| self.advance(found, heard)));
        }
        if let Some(found) = self.find(current, self.next..all, heard) {
            return Some(self.advance(found, heard));
        }
        if let Some(found) = self.find_last(current, self.next, heard) {
            return Some(self.repeat(found, heard));
        }
        let found = self.candidates[1..].iter().find_map(|other| {
            (1..self.sends(*other).len()).find_map(|sent| self.found(*other, sent, heard, &Bindings::default()))
        })?;
        if self.file(found.connection) != self.file(current) {
            // A name is the name of something in its file alone.
            self.bindings = Bindings::default();
        }
        self.candidates.retain(|candidate| *candidate != found.connection);
        self.candidates.insert(0, found.connection);
        Some(self.advance(found, heard))
    }

    /// Finds the connections that a client's first frame begins: first those whose names agree with what is known, and of them
    /// those that fewer have played, for a second sign-in may be answered otherwise.
    fn begin(&mut self, heard: &Heard) -> Option<Vec<Due>> {
        let shared = self.shared.clone();
        let Known { bound, played } = shared.known().clone();
        let begins = |index: usize, known: Bindings| is(&shared.script.connections[index].sends[0], heard, known);
        let mut candidates: Vec<usize> =
            (0..played.len()).filter(|it| begins(*it, Bindings::default()).is_some()).collect();
        candidates.sort_by_cached_key(|it| {
            let agrees = begins(*it, bound[shared.script.connections[*it].file].clone()).is_some();
            (!agrees, played[*it])
        });
        let connection = *candidates.first()?;
        shared.known().played[connection] += 1;
        self.candidates = candidates;
        let bindings = begins(connection, Bindings::default())?;
        let found = Found { connection, sent: 0, bindings };
        tracing::debug!(
            connection = shared.script.connections[connection].described(&shared.script),
            "a client begins"
        );
        let opening = &shared.script.connections[connection].opening;
        let mut due = self.dues(connection, opening.iter(), &References::default());
        due.extend(self.advance(found, heard));
        Some(due)
    }

    fn file(&self, connection: usize) -> usize {
        self.shared.script.connections[connection].file
    }

    fn sends(&self, connection: usize) -> &[Sent] {
        &self.shared.script.connections[connection].sends
    }

    /// The first frame within a range that is the client's: with the values that names have, else with any.
    fn find(&self, connection: usize, range: Range<usize>, heard: &Heard) -> Option<Found> {
        [&self.bindings, &Bindings::default()]
            .into_iter()
            .find_map(|known| range.clone().find_map(|sent| self.found(connection, sent, heard, known)))
    }

    /// The last one before the next.
    fn find_last(&self, connection: usize, next: usize, heard: &Heard) -> Option<Found> {
        [&self.bindings, &Bindings::default()]
            .into_iter()
            .find_map(|known| (0..next).rev().find_map(|sent| self.found(connection, sent, heard, known)))
    }

    fn found(&self, connection: usize, sent: usize, heard: &Heard, known: &Bindings) -> Option<Found> {
        let bindings = is(&self.sends(connection)[sent], heard, known.clone())?;
        Some(Found { connection, sent, bindings })
    }

    fn advance(&mut self, found: Found, heard: &Heard) -> Vec<Due> {
        self.next = found.sent + 1;
        self.give(found, heard, |_| true)
    }

    /// What answers the frame comes again; what came by itself does not.
    fn repeat(&mut self, found: Found, heard: &Heard) -> Vec<Due> {
        self.give(found, heard, |follows| !follows.is_push)
    }

    fn give(&mut self, found: Found, heard: &Heard, given: impl Fn(&Follows) -> bool) -> Vec<Due> {
        let shared = self.shared.clone();
        let recorded = &shared.script.connections[found.connection];
        shared.known().bound[recorded.file].extend(found.bindings.clone());
        self.bindings.extend(found.bindings);
        let follows = recorded.sends[found.sent].follows.iter().filter(|follows| given(follows));
        self.dues(found.connection, follows, &heard.references)
    }

    fn dues<'f>(
        &mut self,
        connection: usize,
        follows: impl Iterator<Item = &'f Follows>,
        references: &References,
    ) -> Vec<Due> {
        let speed = self.shared.options.speed;
        let mut dues = Vec::new();
        for Follows { what, is_push, after_ms } in follows {
            let after = speed.filter(|_| *is_push).map(|speed| Duration::from_millis(*after_ms).div_f64(speed));
            let what = match what {
                Given::Close(close) => Doing::Close(close.code, close.reason.clone().unwrap_or_default()),
                Given::Answer(answer) => Doing::Text(answer.render(references, |part| self.value(connection, part))),
            };
            dues.push(Due { after: after.unwrap_or_default(), what });
        }
        dues
    }

    /// A part of an answer, its placeholders filled.
    fn value(&mut self, connection: usize, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Leaf(value) => value.to_string(),
            Pattern::Text(_) => unreachable!("only requests and responses have texts of several parts"),
            Pattern::Placeholder(Placeholder::Kind(kind, None)) => self.shared.values.make(*kind).to_string(),
            Pattern::Placeholder(Placeholder::Kind(kind, Some(name))) => {
                let own = self.bindings.get(name).cloned();
                own.unwrap_or_else(|| self.bind(connection, name, *kind)).to_string()
            }
            Pattern::Placeholder(Placeholder::Bound(name)) => self.bound(connection, name).to_string(),
            Pattern::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(connection, item)).collect();
                format!("[{}]", items.join(","))
            }
            Pattern::Object(members) => {
                let members =
                    members.iter().map(|(name, value)| format!("{}:{}", quoted(name), self.value(connection, value)));
                let members: Vec<String> = members.collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn bind(&mut self, connection: usize, name: &str, kind: Kind) -> Json {
        let value = self.shared.values.make_for(name, kind);
        let file = self.file(connection);
        self.bindings.insert(name, value.clone());
        self.shared.known().bound[file].insert(name, value.clone());
        value
    }

    /// The value of a name: this client's, else another's of the same file, else a new one.
    fn bound(&mut self, connection: usize, name: &str) -> Json {
        let file = self.file(connection);
        let known = self.bindings.get(name).cloned().or_else(|| self.shared.known().bound[file].get(name).cloned());
        known.unwrap_or_else(|| {
            let kind = self.shared.script.files[file].kinds.get(name).copied().unwrap_or(Kind::String);
            self.bind(connection, name, kind)
        })
    }
}

/// What the names are bound to if the client's frame is this one.
fn is(sent: &Sent, heard: &Heard, mut known: Bindings) -> Option<Bindings> {
    let other_method = sent.asked.method.is_some() && sent.asked.method.as_deref() != heard.method();
    // Most frames that are not the one looked for are of another method, and need not be looked at closely.
    if other_method { None } else { sent.compare(heard, &mut known).ok().map(|()| known) }
}

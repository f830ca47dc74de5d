//! This is where it is listed what can be asked. The list below is the table of contents: decoding, permissions, the
//! README's table and the coverage of tests are read off it.
//!
//! Adding a method costs one file with its struct, a line in the list, and a transcript.

mod apps;
mod bots;
mod check_access;
mod list;
mod listing;
mod page;
mod patterns;
mod signups;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::access::{Caller, Permission};
use crate::event::Event;
use crate::state::id::AppId;
use crate::state::{State, Writer};
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{self, AbsentReference, Reply};

pub use apps::{GetApps, RemoveApp, SetApp};
pub use bots::{GetBots, NewToken, RemoveBot, RotateBotToken, SetBot};
pub use check_access::CheckAccess;
use list::{Blacklist, Whitelist};

/// `addToWhitelist`
pub type AddToWhitelist = signups::Add<Whitelist>;
/// `removeFromWhitelist`
pub type RemoveFromWhitelist = signups::Remove<Whitelist>;
/// `getWhitelistUsers`
pub type GetWhitelistUsers = listing::Get<Whitelist, signups::People>;
/// `addToBlacklist`
pub type AddToBlacklist = signups::Add<Blacklist>;
/// `removeFromBlacklist`
pub type RemoveFromBlacklist = signups::Remove<Blacklist>;
/// `getBlacklistUsers`
pub type GetBlacklistUsers = listing::Get<Blacklist, signups::People>;
/// `addWhitelistPatterns`
pub type AddWhitelistPatterns = patterns::Add<Whitelist>;
/// `removeWhitelistPatterns`
pub type RemoveWhitelistPatterns = patterns::Remove<Whitelist>;
/// `getWhitelistPatterns`
pub type GetWhitelistPatterns = listing::Get<Whitelist, patterns::Texts>;
/// `addBlacklistPatterns`
pub type AddBlacklistPatterns = patterns::Add<Blacklist>;
/// `removeBlacklistPatterns`
pub type RemoveBlacklistPatterns = patterns::Remove<Blacklist>;
/// `getBlacklistPatterns`
pub type GetBlacklistPatterns = listing::Get<Blacklist, patterns::Texts>;

methods! {
    changes: [
        AddToWhitelist,
        RemoveFromWhitelist,
        AddToBlacklist,
        RemoveFromBlacklist,
        AddWhitelistPatterns,
        RemoveWhitelistPatterns,
        AddBlacklistPatterns,
        RemoveBlacklistPatterns,
        SetApp,
        RemoveApp,
        SetBot,
        RotateBotToken,
        RemoveBot,
    ]
    queries: [
        GetWhitelistUsers,
        GetBlacklistUsers,
        GetWhitelistPatterns,
        GetBlacklistPatterns,
        CheckAccess,
        GetApps,
        GetBots,
    ]
}

/// How a method is called, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its name on the wire.
    pub method: &'static str,
    /// The name of its answer.
    pub reply: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What its answer says where the request had no reference.
    pub absent_reference: AbsentReference,
}

impl Call {
    /// A call whose answer leaves the reference out where the request had none.
    pub const fn new(method: &'static str, reply: &'static str, summary: &'static str) -> Self {
        Self { method, reply, summary, absent_reference: AbsentReference::Omitted }
    }

    /// The same, answering with a null reference instead.
    pub const fn null_reference(mut self) -> Self {
        self.absent_reference = AbsentReference::Null;
        self
    }
}

/// What can be asked: a struct that holds a message's fields, named after the method.
pub trait Method: DeserializeOwned + Send + 'static {
    /// How it is called.
    const CALL: Call;
    /// What the caller needs, in the app of [`Method::app`].
    const NEEDS: Permission;
    /// What is answered.
    type Reply: Reply + Send;

    /// The app it is about, filled in with the one the caller's token is bound to where the message names none.
    fn app(&mut self, _bound: Option<AppId>) -> Option<AppId> {
        None
    }

    /// Refuses what no state could make good: fields out of bounds or in contradiction.
    fn validate(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A method that changes nothing.
pub trait Ask: Method {
    /// Answers from the state.
    fn answer(&self, state: &State) -> Result<Self::Reply, Error>;
}

/// A method that changes something.
pub trait Alter: Method + Serialize {
    /// Refuses what the state as it stands rules out, and answers what would change nothing, before anything is journaled.
    fn check(&self, state: &State) -> Result<Verdict<Self::Reply>, Error>;

    /// Does what is not deterministic: draws random tokens, hashes secrets. What it leaves is what is journaled.
    fn prepare(&mut self, _state: &State) {}

    /// Makes the change, or refuses it in the same way on every replay. Does no I/O, reads no clock, draws no random number.
    fn run(self, turn: &mut Turn<'_>) -> Result<Self::Reply, Error>;
}

/// What [`Alter::check`] found.
#[derive(Debug)]
pub enum Verdict<R> {
    /// There is something to change: journal it.
    Proceed,
    /// There is nothing to change: this is the answer.
    Unchanged(R),
}

/// One command's view while it runs.
#[derive(Debug)]
pub struct Turn<'a> {
    /// What it changes.
    pub writer: &'a mut Writer,
    /// What others must hear of.
    pub events: &'a mut Vec<Event>,
}

/// A method's entry in the list.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// How it is called.
    pub call: Call,
    /// What the caller needs.
    pub needs: Permission,
    /// Whether it changes anything.
    pub changes: bool,
}

/// A decoded message.
#[derive(Debug)]
pub enum Command {
    /// One that changes nothing.
    Query(Query),
    /// One that changes something.
    Change(Change),
}

impl Command {
    /// Decodes the message of a method.
    pub fn read(method: &str, text: &str) -> Result<Self, Error> {
        if let Some(change) = Change::read(method, text) {
            return change.map(Self::Change);
        }
        if let Some(query) = Query::read(method, text) {
            return query.map(Self::Query);
        }
        Err(Error::new(Code::UnknownMethod, format!("there is no method `{method}`; the README lists those there are")))
    }
}

impl Command {
    /// How it is called.
    pub fn call(&self) -> &'static Call {
        match self {
            Self::Query(query) => query.call(),
            Self::Change(change) => change.call(),
        }
    }
}

/// Generates, from the list of methods: [`METHODS`], the enums [`Change`], [`Query`] and [`Answer`], and the dispatch.
macro_rules! methods {
    (changes: [$($change:ident,)+] queries: [$($query:ident,)+]) => {
        /// Every method.
        pub const METHODS: &[Description] = &[
            $(Description { call: $change::CALL, needs: $change::NEEDS, changes: true },)+
            $(Description { call: $query::CALL, needs: $query::NEEDS, changes: false },)+
        ];

        /// A decoded message that changes something.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Change { $($change($change),)+ }

        /// A decoded message that changes nothing.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Query { $($query($query),)+ }

        /// What a change came to.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Answer { $($change(<$change as Method>::Reply),)+ }

        impl Change {
            /// Decodes the message of a method; `None` where no change has this name.
            pub fn read(method: &str, text: &str) -> Option<Result<Self, Error>> {
                $(if method == $change::CALL.method {
                    return Some(envelope::fields(text).map(Self::$change));
                })+
                None
            }

            /// How it is called.
            pub fn call(&self) -> &'static Call {
                match self { $(Self::$change(_) => &$change::CALL,)+ }
            }

            /// The gate, then the bounds; finds out which app the message is about.
            pub fn admit(&mut self, state: &State, caller: Caller, bound: Option<AppId>) -> Result<(), Error> {
                match self { $(Self::$change(method) => admit(method, state, caller, bound),)+ }
            }

            /// See [`Alter::check`].
            pub fn check(&self, state: &State) -> Result<Verdict<Answer>, Error> {
                match self {
                    $(Self::$change(method) => Ok(match method.check(state)? {
                        Verdict::Proceed => Verdict::Proceed,
                        Verdict::Unchanged(reply) => Verdict::Unchanged(Answer::$change(reply)),
                    }),)+
                }
            }

            /// See [`Alter::prepare`].
            pub fn prepare(&mut self, state: &State) {
                match self { $(Self::$change(method) => method.prepare(state),)+ }
            }

            /// Appends the message as it is journaled.
            pub fn write(&self, text: &mut Vec<u8>) {
                match self { $(Self::$change(method) => frame::message(text, $change::CALL.method, method),)+ }
            }

            /// The gate again, then [`Alter::run`].
            pub fn run(mut self, caller: Caller, turn: &mut Turn<'_>) -> Result<Answer, Error> {
                match &mut self { $(Self::$change(method) => gate(method, turn.writer.state(), caller, None)?,)+ }
                match self { $(Self::$change(method) => method.run(turn).map(Answer::$change),)+ }
            }
        }

        impl Answer {
            /// Encodes it.
            pub fn encode(self, reference: &Reference, frames: &mut Vec<Utf8Bytes>) {
                match self {
                    $(Self::$change(reply) => {
                        frame::answer($change::CALL.reply, reply, reference, $change::CALL.absent_reference, frames);
                    })+
                }
            }
        }

        impl Query {
            /// Decodes the message of a method; `None` where no query has this name.
            pub fn read(method: &str, text: &str) -> Option<Result<Self, Error>> {
                $(if method == $query::CALL.method {
                    return Some(envelope::fields(text).map(Self::$query));
                })+
                None
            }

            /// How it is called.
            pub fn call(&self) -> &'static Call {
                match self { $(Self::$query(_) => &$query::CALL,)+ }
            }

            /// The gate, then the bounds; finds out which app the message is about.
            pub fn admit(&mut self, state: &State, caller: Caller, bound: Option<AppId>) -> Result<(), Error> {
                match self { $(Self::$query(method) => admit(method, state, caller, bound),)+ }
            }

            /// Answers from the state, encoded.
            pub fn answer(&self, state: &State, reference: &Reference, frames: &mut Vec<Utf8Bytes>) -> Result<(), Error> {
                match self {
                    $(Self::$query(method) => {
                        let reply = method.answer(state)?;
                        frame::answer($query::CALL.reply, reply, reference, $query::CALL.absent_reference, frames);
                    })+
                }
                Ok(())
            }
        }
    };
}
use methods;

fn admit<M: Method>(method: &mut M, state: &State, caller: Caller, bound: Option<AppId>) -> Result<(), Error> {
    gate(method, state, caller, bound)?;
    method.validate()
}

fn gate<M: Method>(method: &mut M, state: &State, caller: Caller, bound: Option<AppId>) -> Result<(), Error> {
    let app_id = method.app(bound);
    crate::access::authorise(state, caller, M::NEEDS, app_id)
}

//! This is where the list of methods becomes code: what is the same for each is written once.

use super::Method;
use crate::access::{Caller, authorise};
use crate::state::State;
use crate::state::id::AppId;
use crate::wire::error::Error;

/// Generates, from the list of methods: `METHODS`, the enums `Change`, `Query` and `Answer`, and the dispatch.
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
                match self { $(Self::$change(method) => dispatch::admit(method, state, caller, bound),)+ }
            }

            /// See [`Alter::ALONE`].
            pub fn is_alone(&self) -> bool {
                match self { $(Self::$change(_) => $change::ALONE,)+ }
            }

            /// See [`Alter::check`].
            pub fn check(&mut self, state: &State) -> Result<Verdict<Answer>, Error> {
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
                match &mut self { $(Self::$change(method) => dispatch::gate(method, turn.writer.state(), caller, None)?,)+ }
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
                match self { $(Self::$query(method) => dispatch::admit(method, state, caller, bound),)+ }
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
pub(super) use methods;

/// The gate, then the bounds.
pub(super) fn admit<M: Method>(
    method: &mut M,
    state: &State,
    caller: Caller,
    bound: Option<AppId>,
) -> Result<(), Error> {
    gate(method, state, caller, bound)?;
    method.validate()
}

/// The gate alone.
pub(super) fn gate<M: Method>(
    method: &mut M,
    state: &State,
    caller: Caller,
    bound: Option<AppId>,
) -> Result<(), Error> {
    let app_id = method.app(bound);
    authorise(state, caller, M::NEEDS, app_id)
}

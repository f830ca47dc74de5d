//! This is where the list of methods becomes code: what is the same for each is written once.

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Call, Method, Noun};
use crate::access::{Sender, authorise};
use crate::wire::envelope::Reference;
use crate::wire::error::Error;
use crate::wire::frame::{self, Reply};

/// Generates, from the list of methods: `METHODS`, the enums `Which`, `Change`, `Query`, `Wish` and `Answer`, and the dispatch.
macro_rules! methods {
    (changes: [$($change:ident,)+] queries: [$($query:ident,)+] wishes: [$($wish:ident,)+]) => {
        /// Every method.
        pub const METHODS: &[Description] = &[
            $(Description::of::<$change>(Nature::Change),)+
            $(Description::of::<$query>(Nature::Query),)+
            $(Description::of::<$wish>(Nature::Wish),)+
        ];

        /// Which of all methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Which { $($change,)+ $($query,)+ $($wish,)+ }

        impl Which {
            const ALL: &[Self] = &[$(Self::$change,)+ $(Self::$query,)+ $(Self::$wish,)+];

            /// The one of this name.
            pub fn named(method: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|which| which.call().method == method)
            }

            /// How it is called.
            pub fn call(self) -> &'static Call {
                &METHODS[self as usize].call
            }

            /// What it is about, for readers.
            pub fn noun(self) -> Noun {
                METHODS[self as usize].noun
            }
        }

        /// A decoded message that changes something.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Change { $($change($change),)+ }

        /// A decoded message that changes nothing.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Query { $($query($query),)+ }

        /// A decoded message that is about connections.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each variant is documented where its method is")]
        pub enum Wish { $($wish($wish),)+ }

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

            /// The same with the reference, in one go; `None` where the message is unusual too.
            pub fn open(method: &str, text: &str) -> Option<(Self, Reference)> {
                $(if method == $change::CALL.method {
                    return opened::whole(text).map(|(message, reference)| (Self::$change(message), reference));
                })+
                None
            }

            /// Which it is.
            pub fn which(&self) -> Which {
                match self { $(Self::$change(_) => Which::$change,)+ }
            }

            /// The gate, then the bounds; finds out what the message is about.
            pub fn admit(&mut self, sender: Sender<'_>) -> Result<(), Error> {
                match self { $(Self::$change(method) => dispatch::admit(method, sender),)+ }
            }

            /// See [`Alter::ALONE`].
            pub fn is_alone(&self) -> bool {
                match self { $(Self::$change(method) => $change::ALONE || method.is_heavy(),)+ }
            }

            /// See [`Alter::is_heavy`].
            pub fn is_heavy(&self) -> bool {
                match self { $(Self::$change(method) => method.is_heavy(),)+ }
            }

            /// See [`Alter::ends_token`].
            pub fn ends_token(&self) -> bool {
                match self { $(Self::$change(method) => method.ends_token(),)+ }
            }

            /// See [`Alter::guessed`].
            pub fn guessed(&self) -> Option<&str> {
                match self { $(Self::$change(method) => method.guessed(),)+ }
            }

            /// See [`Alter::check`].
            pub fn check(&mut self, view: View<'_>) -> Result<Verdict<Answer>, Error> {
                match self {
                    $(Self::$change(method) => Ok(match method.check(view)? {
                        Verdict::Proceed => Verdict::Proceed,
                        Verdict::Unchanged(reply) => Verdict::Unchanged(Answer::$change(reply)),
                    }),)+
                }
            }

            /// See [`Alter::prepare`].
            pub fn prepare(&mut self, view: View<'_>, random: &Random) -> Result<(), Error> {
                match self { $(Self::$change(method) => method.prepare(view, random),)+ }
            }

            /// Appends the message as it is journaled.
            pub fn write(&self, text: &mut Vec<u8>) {
                match self { $(Self::$change(method) => frame::message(text, $change::CALL.method, method),)+ }
            }

            /// The gate again, then [`Alter::run`].
            pub fn run(mut self, turn: &mut Turn<'_>) -> Result<Answer, Error> {
                let sender = Sender { view: turn.view(), bound_app: None };
                match &mut self { $(Self::$change(method) => dispatch::gate(method, sender)?,)+ }
                match self { $(Self::$change(method) => method.run(turn).map(Answer::$change),)+ }
            }
        }

        impl Answer {
            /// Encodes it, into frames of a size.
            pub fn encode(self, reference: &Reference, bytes_max: usize, frames: &mut Vec<Utf8Bytes>) {
                match self { $(Self::$change(reply) => dispatch::encode(&$change::CALL, reply, reference, bytes_max, frames),)+ }
            }
        }

        $(impl Listed for $change {
            fn into_change(self) -> Change {
                Change::$change(self)
            }

            fn reply_of(answer: Answer) -> Option<Self::Reply> {
                match answer {
                    Answer::$change(reply) => Some(reply),
                    _ => None,
                }
            }
        })+

        impl Query {
            /// Decodes the message of a method; `None` where no query has this name.
            pub fn read(method: &str, text: &str) -> Option<Result<Self, Error>> {
                $(if method == $query::CALL.method {
                    return Some(envelope::fields(text).map(Self::$query));
                })+
                None
            }

            /// The same with the reference, in one go; `None` where the message is unusual too.
            pub fn open(method: &str, text: &str) -> Option<(Self, Reference)> {
                $(if method == $query::CALL.method {
                    return opened::whole(text).map(|(message, reference)| (Self::$query(message), reference));
                })+
                None
            }

            /// Which it is.
            pub fn which(&self) -> Which {
                match self { $(Self::$query(_) => Which::$query,)+ }
            }

            /// The gate, then the bounds; finds out what the message is about.
            pub fn admit(&mut self, sender: Sender<'_>) -> Result<(), Error> {
                match self { $(Self::$query(method) => dispatch::admit(method, sender),)+ }
            }

            /// Answers from the state, encoded into frames of a size; what was decided is counted.
            pub fn answer(
                &self,
                view: View<'_>,
                decisions: &Decisions,
                reference: &Reference,
                bytes_max: usize,
                frames: &mut Vec<Utf8Bytes>,
            ) -> Result<(), Error> {
                match self {
                    $(Self::$query(method) => {
                        let reply = method.answer(view)?;
                        $query::count(&reply, decisions);
                        dispatch::encode(&$query::CALL, reply, reference, bytes_max, frames);
                    })+
                }
                Ok(())
            }
        }

        impl Wish {
            /// Decodes the message of a method; `None` where none of these has this name.
            pub fn read(method: &str, text: &str) -> Option<Result<Self, Error>> {
                $(if method == $wish::CALL.method {
                    return Some(envelope::fields(text).map(Self::$wish));
                })+
                None
            }

            /// Which it is.
            pub fn which(&self) -> Which {
                match self { $(Self::$wish(_) => Which::$wish,)+ }
            }

            /// The gate, then the bounds; finds out what the message is about.
            pub fn admit(&mut self, sender: Sender<'_>) -> Result<(), Error> {
                match self { $(Self::$wish(method) => dispatch::admit(method, sender),)+ }
            }

            /// See [`Attend::attend`]; the answer is encoded into frames of a size.
            pub fn attend(
                &self,
                here: Here<'_>,
                reference: &Reference,
                bytes_max: usize,
                frames: &mut Vec<Utf8Bytes>,
            ) -> Result<(), Error> {
                match self {
                    $(Self::$wish(method) => {
                        let reply = method.attend(here)?;
                        dispatch::encode(&$wish::CALL, reply, reference, bytes_max, frames);
                    })+
                }
                Ok(())
            }
        }
    };
}
pub(super) use methods;

/// The gate, then the bounds.
pub fn admit<M: Method>(method: &mut M, sender: Sender<'_>) -> Result<(), Error> {
    gate(method, sender)?;
    if M::NOUN == Noun::Access
        && let Some(cluster) = sender.view.cluster
    {
        cluster.refuse_if_stale()?;
    }
    method.validate()
}

/// The gate alone.
pub(super) fn gate<M: Method>(method: &mut M, sender: Sender<'_>) -> Result<(), Error> {
    let about = method.about(sender);
    authorise(sender.view, M::NEEDS, &about)
}

/// Encodes the reply to a call.
pub(super) fn encode<R: Reply>(
    call: &Call,
    reply: R,
    reference: &Reference,
    bytes_max: usize,
    frames: &mut Vec<Utf8Bytes>,
) {
    frame::answer(call.reply, reply, reference, call.absent_reference, bytes_max, frames);
}

//! This is where it is listed what can be asked. The list below is the table of contents: decoding, permissions, the
//! README's table and the coverage of tests are read off it.
//!
//! Adding a method costs one file with its struct, a line in the list, and a transcript.

mod access;
mod apps;
mod bots;
mod connections;
mod dispatch;
mod events;
mod list;
mod list_search;
mod listing;
mod load;
mod noun;
mod organizations;
pub(crate) mod owned;
mod page;
pub(crate) mod passwords;
mod pattern_trial;
mod patterns;
mod shares;
mod signups;
mod state_digest;
mod traffic;
mod users;

use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::access::{About, Caller, Permission, Sender, View};
use crate::counts::{Counts, Decisions};
use crate::event::{Event, Subscriptions};
use crate::hub::Hub;
use crate::random::Random;
use crate::state::Writer;
use crate::state::moment::Moment;
use crate::traffic::{Traffic, Watch};
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{self, AbsentReference, Reply};
use crate::wire::opened;

pub use access::{
    AuthZen, CheckAccess, Checked, Decided, Evaluation, Found, Known, SearchActions, SearchResources, SearchSubjects,
};
pub use apps::{GetApps, RemoveApp, SetApp};
pub use bots::{GetBots, NewToken, RemoveBot, RotateBotToken, SetBot};
pub use connections::{CloseConnection, GetConnections};
pub use dispatch::admit;
use dispatch::methods;
pub use events::{ListEventSubscriptions, SubscribeToEvent, UnsubscribeFromEvent};
use list::{Blacklist, Whitelist};
pub use load::GetLoad;
pub use noun::Noun;
pub use organizations::{
    AddToOrgWhitelist, GetApiKeys, GetOrgWhitelist, GetOrganizations, RemoveApiKey, RemoveFromOrgWhitelist,
    RemoveOrganization, SetApiKey, SetOrganization,
};
pub use page::PageEnd;
pub use pattern_trial::TestPattern;
pub use shares::{
    AddToShareWhitelist, GetChats, GetShareWhitelist, GetShares, RemoveChat, RemoveFromShareWhitelist, RemoveShare,
    SetChat, SetShare,
};
pub use signups::bound_signup;
pub use state_digest::GetStateDigest;
pub use traffic::WatchTraffic;
pub use users::{GetUsers, LogIn, LogOut, RemoveUser, SetUser, SignUp};

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
/// `searchWhitelist`
pub type SearchWhitelist = list_search::Search<Whitelist>;
/// `searchBlacklist`
pub type SearchBlacklist = list_search::Search<Blacklist>;
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
        SetUser,
        RemoveUser,
        SetChat,
        RemoveChat,
        SetShare,
        RemoveShare,
        AddToShareWhitelist,
        RemoveFromShareWhitelist,
        SignUp,
        LogIn,
        LogOut,
        SetOrganization,
        RemoveOrganization,
        AddToOrgWhitelist,
        RemoveFromOrgWhitelist,
        SetApiKey,
        RemoveApiKey,
    ]
    queries: [
        GetWhitelistUsers,
        GetBlacklistUsers,
        GetWhitelistPatterns,
        GetBlacklistPatterns,
        SearchWhitelist,
        SearchBlacklist,
        TestPattern,
        CheckAccess,
        SearchSubjects,
        SearchResources,
        SearchActions,
        GetApps,
        GetBots,
        GetUsers,
        GetChats,
        GetShares,
        GetShareWhitelist,
        GetOrganizations,
        GetOrgWhitelist,
        GetApiKeys,
        GetStateDigest,
    ]
    wishes: [
        SubscribeToEvent,
        UnsubscribeFromEvent,
        ListEventSubscriptions,
        GetConnections,
        CloseConnection,
        WatchTraffic,
        GetLoad,
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
    /// Whether a refusal has the answer's name and `"ack":false`, as SDKs look for it there.
    pub acks: bool,
}

impl Call {
    /// A call whose answer leaves the reference out where the request had none.
    pub const fn new(method: &'static str, reply: &'static str, summary: &'static str) -> Self {
        Self { method, reply, summary, absent_reference: AbsentReference::Omitted, acks: false }
    }

    /// The same, answering with a null reference instead.
    pub const fn null_reference(mut self) -> Self {
        self.absent_reference = AbsentReference::Null;
        self
    }

    /// The same, refused by an answer with `"ack":false`.
    pub const fn acking(mut self) -> Self {
        self.acks = true;
        self
    }
}

/// What can be asked: a struct that holds a message's fields, named after the method.
pub trait Method: DeserializeOwned + JsonSchema + Send + 'static {
    /// How it is called.
    const CALL: Call;
    /// What the caller needs, for what [`Method::about`] says.
    const NEEDS: Permission;
    /// What it is about, for readers.
    const NOUN: Noun;
    /// What it may refuse by itself, beside what the gate and the reading of any message refuse.
    const REFUSES: &[Code] = &[];
    /// What is answered.
    type Reply: Reply + JsonSchema + Send;

    /// What it is about; where the message does not say, that is filled in with what the sender's token stands for.
    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Gateway
    }

    /// Refuses what no state could make good: fields out of bounds or in contradiction.
    fn validate(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A method that changes nothing.
pub trait Ask: Method {
    /// Answers from the state.
    fn answer(&self, view: View<'_>) -> Result<Self::Reply, Error>;

    /// Counts the decisions that a reply tells.
    fn count(_reply: &Self::Reply, _decisions: &Decisions) {}
}

/// A method that changes something.
pub trait Alter: Method + Serialize {
    /// Whether `prepare` must see the state after the changes before it.
    const ALONE: bool = false;

    /// Whether this one's `prepare` hashes passwords, which takes long: it is then done on another thread, and alone.
    fn is_heavy(&self) -> bool {
        false
    }

    /// Whether it may end the token with which its own sender came in: what is sent behind it then waits to see whether it did.
    fn ends_token(&self) -> bool {
        false
    }

    /// What the caller may be guessing at, such as the email address of a log-in: attempts at it are slowed down.
    fn guessed(&self) -> Option<&str> {
        None
    }

    /// Refuses what the state as it stands rules out, and answers what would change nothing, before anything is journaled.
    fn check(&mut self, view: View<'_>) -> Result<Verdict<Self::Reply>, Error>;

    /// Does what is not deterministic: draws random tokens, hashes secrets. What it leaves is what is journaled.
    fn prepare(&mut self, _view: View<'_>, _random: &Random) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the change, or refuses it in the same way on every replay. Does no I/O, reads no clock, draws no random number.
    fn run(self, turn: &mut Turn<'_>) -> Result<Self::Reply, Error>;
}

/// A method that is about connections, its own and others, and nothing that is kept: there is none over HTTP.
pub trait Attend: Method {
    /// Changes what the connection hears of, or tells it what goes on.
    fn attend(&self, here: Here<'_>) -> Result<Self::Reply, Error>;
}

/// Where a method that is about connections finds itself.
#[derive(Debug)]
pub struct Here<'a> {
    /// Who asks, and what is known.
    pub view: View<'a>,
    /// Who is connected.
    pub hub: &'a Hub,
    /// What was counted.
    pub counts: &'a Counts,
    /// What passes.
    pub traffic: &'a Arc<Traffic>,
    /// The number of the connection.
    pub connection: u64,
    /// What the connection has subscribed to.
    pub subscriptions: &'a mut Subscriptions,
    /// What the connection is told of what passes, if it watches.
    pub watch: &'a mut Option<Box<Watch>>,
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
    /// Who sent it.
    pub caller: Caller,
    /// When it was journaled, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Turn<'_> {
    /// What the command is seen with.
    pub fn view(&self) -> View<'_> {
        View::new(self.writer.state(), self.caller, self.at_ms)
    }

    /// When it was journaled.
    pub fn now(&self) -> Moment {
        Moment::of_ms(self.at_ms)
    }
}

/// A change that is in the list.
pub trait Listed: Alter {
    /// The change as one of all.
    fn into_change(self) -> Change;

    /// Its own reply, out of the answers to all.
    fn reply_of(answer: Answer) -> Option<Self::Reply>;
}

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It changes something, for all.
    Change,
    /// It only asks.
    Query,
    /// It is about connections.
    Wish,
}

/// A method's entry in the list.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// How it is called.
    pub call: Call,
    /// What the caller needs.
    pub needs: Permission,
    /// What kind of method it is.
    pub nature: Nature,
    /// What it is about.
    pub noun: Noun,
    /// What it may refuse by itself.
    refuses: &'static [Code],
    /// What a message of it looks like, as far as it is the method's.
    pub message: fn(&mut SchemaGenerator) -> Schema,
    /// The same of its answer.
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

impl Description {
    const fn of<M: Method>(nature: Nature) -> Self {
        Self {
            call: M::CALL,
            needs: M::NEEDS,
            nature,
            noun: M::NOUN,
            refuses: M::REFUSES,
            message: M::json_schema,
            answer: M::Reply::json_schema,
        }
    }

    /// Every code with which it may be refused, in the order of their numbers.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        // Any frame may be malformed or too large, any may be one too many, and any gateway may fail.
        const ANY: &[Code] = &[Code::Malformed, Code::TooLarge, Code::SlowDown, Code::Unexpected];
        // A change that cannot be journaled, an answer that would be given from too old a view.
        let is_refused = self.nature != Nature::Wish;
        let journaled = if is_refused { &[Code::NotWritable][..] } else { &[] };
        let may = [ANY, self.needs.refuses(), self.refuses, journaled].concat();
        Code::ALL.iter().copied().filter(move |code| may.contains(code))
    }
}

/// A decoded message.
#[derive(Debug)]
pub enum Command {
    /// One that changes nothing.
    Query(Query),
    /// One that changes something.
    Change(Change),
    /// One that is about connections.
    Wish(Wish),
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
        if let Some(wish) = Wish::read(method, text) {
            return wish.map(Self::Wish);
        }
        Err(Error::new(Code::UnknownMethod, format!("there is no method `{method}`; the README lists those there are")))
    }

    /// Decodes a message together with its reference, in one go. `None` where that does not do: it has to be read in steps, which
    /// tell what is wrong with it, if anything is.
    pub fn open(text: &str) -> Option<(Self, Reference)> {
        let method = opened::method(text)?;
        let change = Change::open(method, text).map(|(change, reference)| (Self::Change(change), reference));
        change.or_else(|| Query::open(method, text).map(|(query, reference)| (Self::Query(query), reference)))
    }
}

impl Command {
    /// Which it is.
    pub fn which(&self) -> Which {
        match self {
            Self::Query(query) => query.which(),
            Self::Change(change) => change.which(),
            Self::Wish(wish) => wish.which(),
        }
    }
}

//! Guestlist: a gateway through which bots and dashboards keep guest lists, and ask whether somebody may in, and why.
//!
//! # The path
//!
//! ```text
//! frame ─► envelope ─► method ─► authorise ─► check ─► prepare ─► journal ─► run ─► ack, events ─► frame
//! session   wire       methods    access      methods  methods    journal   methods  wire, hub      session
//! └─────────────────── the connection's task ────────────────┘ └───── the engine, one writer ────┘
//! ```
//!
//! - [`server`] accepts connections and hands their WebSockets to [`session`], which reads what has arrived, and sends what is
//!   ready with one flush. Answers leave in the order of their requests. [`http`] turns requests into the same methods, and their
//!   replies into the forms that the share, organisation and AuthZEN APIs publish.
//! - [`wire`] opens a frame: the method's name, and the reference, which is echoed byte for byte and never parsed.
//! - [`methods`] is the list of what can be asked. Each method is a struct of its fields; its permission stands beside it, and
//!   [`access`] is the one gate before all of them: it knows the caller by the token, be it a bot's, a session's or an api key.
//! - A query is answered from the [`state`] on the connection's task. A change is checked there against the state as it stands,
//!   prepared (random tokens, hashes; passwords by [`passwords`], on threads of their own, after [`throttle`] has counted the
//!   attempt), and handed to the [`engine`].
//! - The [`engine`] gathers changes of all connections into a batch, appends it to the [`journal`], flushes once, runs the
//!   changes in order, and lets their answers and [`event`]s go. So nobody ever sees a change that is not durable.
//! - [`schema`] describes all this, read off the same types and lists, as AsyncAPI and OpenAPI have it; `/docs` shows it; [`dashboard`] is the page for people.
//! - [`health`] knows how storage is: whether changes are accepted, and why not; [`counts`] has the numbers of what was asked;
//!   [`traces`] says what a collector of traces is told, and [`traffic`] shows administrators what passes.
//! - [`event`] makes of what the engine journaled what subscribers are told, each connection at its own pace: the latest from
//!   memory, and for whoever is further behind from the journal.
//! - [`hub`] knows who is connected, and [`crowd`] how many from one place; [`tls`] encrypts; [`gateway`] puts it all together,
//!   [`seed`] fills an empty store, [`administrator`] sees that a token given from outside lets one in, [`config`] names every limit.
//! - Where several gateways share a journal, what one of them is to append comes back to all in one order: [`journal::shared`] says how,
//!   `journal::etcd` does it (feature `cluster`), the engine folds what comes, and answers when its own came. [`cluster`] knows the others, and
//!   [`freshness`] as of when all is known.
//! - [`clock`], [`random`] and [`network`] are the machine's, or a simulation's: [`world`] says which.
//!
//! The journal is a transcript, and recovery is a replay: [`recovery`] folds the newest [`snapshot`] and the journal's entries
//! since through [`fold`], the very function the engine uses; and a test is a [`transcript`] replayed over real connections.
//! [`transcript::record`] makes one of what passes, without the secrets in it; [`transcript::mock`] answers from it alone;
//! [`testing`] starts a gateway inside a test. [`snippet`] has bots to begin with. [`rows`] reads and writes the files that `import` and `export` have people in.
//!
//! # What stays true
//!
//! 1. `state/` and every `run` do no I/O, read no clock, draw no random number, and depend on no map's iteration order; so
//!    the same journal makes the same state, always and everywhere.
//! 2. Only `wire/` knows the spelling of the wire. Only `journal/` and `snapshot.rs` know bytes on disk, and [`disk`] is how they
//!    get there.
//! 3. State changes in one place: there is one [`state::Writer`], and live it is the engine's, which gives it to [`fold::fold`] alone.
//! 4. Arrows point one way: nothing in `methods/` or `state/` imports `session`, `http`, `server` or `gateway`.
//! 5. Every queue, frame, batch, page, connection count and wait has a limit in `config.rs`.
//! 6. No secret is written: tokens and passwords are hashed in `prepare`; in clear, [`state::token::Secret`] and
//!    [`state::password::Password`] cannot be serialised.
//!
//! # What is absent on purpose
//!
//! No database: the state is in memory, the journal makes it durable. No task or channel a message: connections hand over
//! batches. No lock that a reader waits for longer than one change takes; a search of a long list lets changes in between, and is
//! done [`aside`]. No index beside that by sign-up id: a list is searched and sorted by looking at all of it, a million in some
//! 50 ms. No rollback: memory changes only after the journal.

pub mod access;
pub mod administrator;
pub mod aside;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod counts;
pub mod crowd;
pub mod dashboard;
pub mod disk;
pub mod engine;
pub mod event;
pub mod fold;
pub mod freshness;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod health;
pub mod http;
pub mod hub;
pub mod journal;
pub mod json;
pub mod methods;
#[cfg(feature = "cluster")]
pub mod migration;
pub mod network;
pub mod passwords;
pub mod patient;
pub mod random;
pub mod recovery;
pub mod retention;
pub mod rows;
pub mod schema;
pub mod seed;
pub mod server;
pub mod session;
pub mod shared;
pub mod snapshot;
pub mod snapshots;
pub mod snippet;
pub mod state;
pub mod testing;
pub mod throttle;
pub mod tls;
pub mod traces;
pub mod traffic;
pub mod transcript;
pub mod wire;
pub mod world;

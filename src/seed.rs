//! This is where an empty store gets its first contents: directory messages from a file, or an administrator to begin with.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::access::{Caller, Sender, View};
use crate::engine::Submission;
use crate::fold::fold;
use crate::journal::Entry;
use crate::methods::{Answer, Change, NewToken, Verdict};
use crate::random::Random;
use crate::shared::Shared;
use crate::state::id::UserId;
use crate::state::token::TokenHash;
use crate::state::{State, Writer};
use crate::wire::envelope;
use crate::wire::error::Error;

/// The demo's directory messages, `fixtures/demo.jsonl`.
const DEMO: &str = include_str!("../fixtures/demo.jsonl");

/// Who is made when there is no seed, so that somebody can do everything else.
const ADMINISTRATOR: &str =
    r#"{"method":"setBot","bot_id":"1","name":"administrator","grants":[{"permission":"admin"}]}"#;

/// Messages a store begins with.
#[derive(Clone, Debug)]
pub struct Seed {
    name: String,
    text: String,
}

/// Why a seed was not applied. Then nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("the seed {0} cannot be read: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// A message was refused.
    #[error("{name}:{line}: {error}; nothing of the seed was applied, mend it and start again")]
    Refused {
        /// The seed's name.
        name: String,
        /// The line.
        line: usize,
        /// Why.
        error: Error,
    },
    /// A message that is no change.
    #[error("{name}:{line}: `{method}` changes nothing; a seed has messages such as setApp and setBot")]
    NoChange {
        /// The seed's name.
        name: String,
        /// The line.
        line: usize,
        /// Its method.
        method: String,
    },
    /// The engine stopped, or its journal failed.
    #[error("the seed could not be written; see the log")]
    NotWritten,
}

impl Seed {
    /// The demo data.
    pub fn demo() -> Self {
        Self { name: "fixtures/demo.jsonl".to_owned(), text: DEMO.to_owned() }
    }

    /// An administrator and nothing else.
    pub fn administrator() -> Self {
        Self { name: "first start".to_owned(), text: ADMINISTRATOR.to_owned() }
    }

    /// Nothing at all.
    pub fn nothing() -> Self {
        Self { name: "first start".to_owned(), text: String::new() }
    }

    /// Directory messages, one a line.
    pub fn of(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// A file of directory messages, one a line.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let text = std::fs::read_to_string(path).map_err(|error| SeedError::Io(path.to_owned(), error))?;
        Ok(Self { name: path.display().to_string(), text })
    }

    /// Whether it is the demo data.
    pub fn is_demo(&self) -> bool {
        self.text == DEMO
    }

    /// Whether it sets a token, api key or password of the demo data, which everybody knows.
    pub fn sets_demo_secret(&self) -> bool {
        let known: HashSet<String> = secrets(DEMO).flat_map(Secrets::into_all).collect();
        secrets(&self.text).flat_map(Secrets::into_all).any(|secret| known.contains(&secret))
    }

    /// Its messages, each made on a state of its own first: what one refuses, the empty store would refuse as well.
    fn rehearsed(&self, at_ms: u64, random: &Random) -> Result<Submission, SeedError> {
        let mut stage = Writer::default();
        let mut submission = Submission::first(Caller::Seed);
        for (index, text) in self.text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let refused = |error| SeedError::Refused { name: self.name.clone(), line: index + 1, error };
            let method = match envelope::open(text) {
                Ok(envelope) => envelope.method.into_owned(),
                Err((error, _)) => return Err(refused(error)),
            };
            let read = || {
                let change = Change::read(&method, text);
                change.ok_or_else(|| SeedError::NoChange {
                    name: self.name.clone(),
                    line: index + 1,
                    method: method.clone(),
                })
            };
            let mut change = read()?.map_err(refused)?;
            let view = View::new(stage.state(), Caller::Seed, at_ms);
            change.admit(Sender { view, bound_app: None }).map_err(refused)?;
            if let Verdict::Unchanged(_) = change.check(view).map_err(refused)? {
                continue;
            }
            change.prepare(view, random).map_err(refused)?;
            let entry = Entry { seq: stage.state().folded() + 1, at_ms, by: Caller::Seed, change, revision: None };
            let rehearsed = entry.copy().map_err(|what| refused(Error::field(&method, what)))?;
            fold(&mut stage, rehearsed, &mut Vec::new()).map_err(refused)?;
            submission.push(entry.change);
        }
        Ok(submission)
    }
}

/// Applies a seed to an empty store, all of it or nothing, and gives the tokens that were made for its bots.
pub async fn apply(seed: Seed, shared: &Shared) -> Result<Vec<NewToken>, SeedError> {
    if shared.state.folded() > 0 {
        tracing::info!(
            seed = seed.name,
            "the store is not empty, so the seed was not applied; to apply it, start with an empty directory"
        );
        return Ok(Vec::new());
    }
    let submission = seed.rehearsed(shared.clock.now_ms(), &shared.random)?;
    if submission.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = shared.engine.submit(submission).await.await.map_err(|_| SeedError::NotWritten)?;
    if shared.cluster.is_some() && outcomes.iter().all(Result::is_err) && shared.state.folded() > 0 {
        tracing::info!(
            seed = seed.name,
            "another gateway began the journal at that moment, so the seed was not applied"
        );
        return Ok(Vec::new());
    }
    let tokens = outcomes.into_iter().map(|outcome| match outcome {
        Ok(Answer::SetBot(bot)) => Ok(bot.new_token()),
        Ok(_) => Ok(None),
        Err(_) => Err(SeedError::NotWritten),
    });
    tokens.filter_map(Result::transpose).collect()
}

/// Whether a text is a token, api key or password of the demo data, which everybody knows.
pub fn is_demo_secret(text: &str) -> bool {
    secrets(DEMO).flat_map(Secrets::into_all).any(|known| known == text)
}

/// Whether a state has a token, api key or password of the demo data, which everybody knows.
pub fn holds_demo_secret(state: &State) -> bool {
    let lets_in = |token: &String| state.holder(&TokenHash::of(token)).is_some();
    secrets(DEMO).any(|known| known.token.iter().chain(&known.api_key).any(lets_in) || known.is_password_in(state))
}

/// What a message sets that lets somebody in.
#[derive(Deserialize)]
struct Secrets {
    token: Option<String>,
    api_key: Option<String>,
    password: Option<String>,
    user_id: Option<UserId>,
}

impl Secrets {
    fn into_all(self) -> impl Iterator<Item = String> {
        [self.token, self.api_key, self.password].into_iter().flatten()
    }

    fn is_password_in(&self, state: &State) -> bool {
        let (Some(clear), Some(user_id)) = (&self.password, self.user_id) else { return false };
        let password = state.user(user_id).and_then(|user| user.password.clone());
        password.is_some_and(|password| password.verifies(clear))
    }
}

/// The secrets of messages, one a line.
fn secrets(messages: &str) -> impl Iterator<Item = Secrets> {
    messages.lines().filter_map(|line| serde_json::from_str(line).ok())
}

//! This is where an empty store gets its first contents: directory messages from a file, or an administrator to begin with.

use std::path::{Path, PathBuf};

use crate::access::Caller;
use crate::engine::{EngineHandle, Submission};
use crate::fold::Outcome;
use crate::methods::{Answer, Change, NewToken, Verdict};
use crate::shared::Shared;
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

/// Why a seed was not applied.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("the seed {0} cannot be read: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// A message was refused. Those before it stand; a start with the mended file goes on from there.
    #[error("{name}:{line}: {error}")]
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
    /// The engine stopped.
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

    /// A file of directory messages, one a line.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let text = std::fs::read_to_string(path).map_err(|error| SeedError::Io(path.to_owned(), error))?;
        Ok(Self { name: path.display().to_string(), text })
    }
}

/// Applies a seed to a store that nobody but a seed has written to; what stands already is passed over, so that a seeding that
/// was interrupted is simply done again.
pub async fn apply(seed: Seed, shared: &Shared) -> Result<Vec<NewToken>, SeedError> {
    if !shared.state.is_seeded_only() {
        return Ok(Vec::new());
    }
    let mut tokens = Vec::new();
    for (index, text) in seed.text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let refused = |error| SeedError::Refused { name: seed.name.clone(), line: index + 1, error };
        let method = match envelope::open(&text.into()) {
            Ok(envelope) => envelope.method.into_owned(),
            Err((error, _)) => return Err(refused(error)),
        };
        let Some(change) = Change::read(&method, text) else {
            return Err(SeedError::NoChange { name: seed.name.clone(), line: index + 1, method });
        };
        match one(change.map_err(refused)?, shared).await? {
            Ok(Some(token)) => tokens.push(token),
            Ok(None) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(tokens)
}

async fn one(mut change: Change, shared: &Shared) -> Result<Result<Option<NewToken>, Error>, SeedError> {
    let admitted = change.admit(&shared.state, Caller::Seed, None).and_then(|()| change.check(&shared.state));
    match admitted {
        Ok(Verdict::Proceed) => {}
        Ok(Verdict::Unchanged(_)) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error)),
    }
    change.prepare(&shared.state);
    Ok(submit(change, &shared.engine).await?.map(|answer| match answer {
        Answer::SetBot(bot) => bot.new_token(),
        _ => None,
    }))
}

async fn submit(change: Change, engine: &EngineHandle) -> Result<Outcome, SeedError> {
    let mut submission = Submission::new(Caller::Seed);
    submission.push(change);
    let outcomes = engine.submit(submission).await.await.map_err(|_| SeedError::NotWritten)?;
    outcomes.into_iter().next().ok_or(SeedError::NotWritten)
}

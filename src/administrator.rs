//! This is where the administrator is made whose token comes from outside, by the environment or a file.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::access::{Caller, Sender, View};
use crate::config::{ADMIN_TOKEN_CHARS_MAX, ADMIN_TOKEN_CHARS_MIN};
use crate::engine::{Submission, perhaps_written};
use crate::methods::{Change, Verdict};
use crate::seed::is_demo_secret;
use crate::shared::Shared;
use crate::state::bot::Grant;
use crate::state::id::BotId;
use crate::wire::error::Error;

/// Which bot it is: the one that a first start without a seed makes as well, so that its token can be replaced by one from outside.
pub const ADMINISTRATOR: BotId = BotId(1);

/// An administrator's token as it was given, in clear; it is neither shown nor written.
#[derive(Clone)]
pub struct AdministratorToken(String);

impl fmt::Debug for AdministratorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdministratorToken(…)")
    }
}

/// Why there is no administrator with that token.
#[derive(Debug, thiserror::Error)]
pub enum AdministratorError {
    /// It is no token for an administrator.
    #[error(
        "{origin}: an administrator's token has {ADMIN_TOKEN_CHARS_MIN} to {ADMIN_TOKEN_CHARS_MAX} printable characters and no \
         space, this has {}; `openssl rand -hex 20` makes one",
        chars(*.count)
    )]
    Form {
        /// Where it comes from.
        origin: String,
        /// How many characters it has.
        count: usize,
    },
    /// The file cannot be read.
    #[error("the administrator's token cannot be read from {0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// Everybody knows it.
    #[error(
        "the administrator's token is one of the demo's, which everybody knows, so it is for loopback only; choose another"
    )]
    Known,
    /// The bot whose token it would be is an ordinary one.
    #[error(
        "the administrator's token is for bot {ADMINISTRATOR}, which is a bot without the grant \"admin\"; grant it, or remove the bot"
    )]
    Ordinary,
    /// It cannot be set.
    #[error("the administrator's token was not set: {0}")]
    Refused(#[from] Error),
}

fn chars(count: usize) -> String {
    if count == 0 { "none".to_owned() } else { count.to_string() }
}

impl AdministratorToken {
    /// Takes a token, and says in a refusal where it comes from.
    pub fn new(origin: &str, token: impl Into<String>) -> Result<Self, AdministratorError> {
        let token = token.into();
        let fits = (ADMIN_TOKEN_CHARS_MIN..=ADMIN_TOKEN_CHARS_MAX).contains(&token.len());
        if fits && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(token));
        }
        Err(AdministratorError::Form { origin: origin.to_owned(), count: token.chars().count() })
    }

    /// Reads it from a file, whose last line may end as lines do.
    pub fn read(path: &Path) -> Result<Self, AdministratorError> {
        let text = std::fs::read_to_string(path).map_err(|error| AdministratorError::File(path.to_owned(), error))?;
        let token = text.strip_suffix('\n').unwrap_or(&text);
        Self::new(&path.display().to_string(), token.strip_suffix('\r').unwrap_or(token))
    }

    /// Whether it is one of the demo's, which everybody knows.
    pub fn is_known(&self) -> bool {
        is_demo_secret(&self.0)
    }
}

/// Makes sure that the administrator has this token, and says whether anything had to be changed for it. Connections that came in
/// with the one before end.
pub async fn set(token: &AdministratorToken, shared: &Shared) -> Result<bool, AdministratorError> {
    let Some(submission) = change(token, shared)? else { return Ok(false) };
    // A stop waits for those who have a seat.
    let _seat = shared.hub.join_request();
    let outcomes = shared.engine.submit(submission).await.await;
    let outcome = outcomes.ok().and_then(|outcomes| outcomes.into_iter().next());
    outcome.unwrap_or_else(|| Err(perhaps_written()))?;
    tracing::info!(bot_id = %ADMINISTRATOR, "the administrator has the token that was given");
    Ok(true)
}

/// The change that it takes, ready for the engine, if it takes any.
fn change(
    AdministratorToken(token): &AdministratorToken,
    shared: &Shared,
) -> Result<Option<Submission>, AdministratorError> {
    let standing = shared.state.bot(ADMINISTRATOR).map(|bot| bot.clone());
    let mut message = json!({"method": "setBot", "bot_id": ADMINISTRATOR, "token": token});
    match &standing {
        Some(bot) if !bot.is_admin() => return Err(AdministratorError::Ordinary),
        // A token of its own form has to come together with the grant.
        Some(bot) => message["grants"] = json!(bot.grants),
        None => {
            message["grants"] = json!([Grant::Admin]);
            message["name"] = json!("administrator");
        }
    }
    let text = message.to_string();
    let mut change = Change::read("setBot", &text).expect("there is a method of that name")?;
    let view = View::new(&shared.state, Caller::Seed, shared.clock.now_ms());
    change.admit(Sender { view, bound_app: None })?;
    if let Verdict::Unchanged(_) = change.check(view)? {
        return Ok(None);
    }
    change.prepare(view, &shared.random)?;
    let mut submission = Submission::new(Caller::Seed);
    submission.push(change);
    Ok(Some(submission))
}

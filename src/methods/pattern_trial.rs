//! This is where a pattern is tried before it is put on a list, or asked about while it stands there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{resolve, resolved, second_half};
use super::list_search::each_signup;
use super::signups::bound_signups;
use super::{Ask, Call, Method, Noun};
use crate::access::{About, Permission, Sender, View};
use crate::aside::aside;
use crate::config::{PATTERN_BYTES_MAX, SIGNUPS_PER_CALL_MAX, TRIAL_EXAMPLES_MAX};
use crate::state::State;
use crate::state::app::ListName;
use crate::state::id::AppId;
use crate::state::patterns::{Expression, Matcher, Operator, fold};
use crate::wire::error::Error;
use crate::wire::fields::{Many, Signup};
use crate::wire::frame::Reply;

/// Asks whom on the lists of an app a pattern matches, and which of the given sign-ups; nothing is changed.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TestPattern {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    chat_id: Option<AppId>,
    /// The text of the pattern, as it would be added.
    #[schemars(extend("minLength" = 1, "maxLength" = PATTERN_BYTES_MAX))]
    pattern: Box<str>,
    /// How it is meant, as it would be added.
    operator: Option<Operator>,
    /// Sign-ups to try it with; one alone needs no array.
    #[schemars(extend("maxItems" = SIGNUPS_PER_CALL_MAX))]
    signups: Option<Many<Signup>>,
}

/// Whom a pattern matches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    app_id: AppId,
    /// How many on the whitelist it matches.
    whitelist: usize,
    /// How many on the blacklist it matches.
    blacklist: usize,
    /// Some of those, the oldest of each list.
    examples: Vec<Box<str>>,
    /// The sign-ups that were given, in their order.
    signups: Vec<Tried>,
}

/// Whether a pattern matches somebody.
#[derive(Debug, Serialize, JsonSchema)]
struct Tried {
    signup_id: Box<str>,
    matches: bool,
}

impl Reply for Tested {
    fn split_off(&mut self) -> Option<Self> {
        let signups = second_half(&mut self.signups)?;
        Some(Self { signups, examples: Vec::new(), ..*self })
    }
}

impl Method for TestPattern {
    const CALL: Call = Call::new("testPattern", "testPatternResponse", "says whom a pattern matches");
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::Patterns;
    type Reply = Tested;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.signups.as_ref().map_or(Ok(()), |signups| bound_signups(&signups.0))
    }
}

impl TestPattern {
    fn tested(&self, state: &State) -> Result<Tested, Error> {
        let app_id = resolved(self.app_id);
        let expression =
            Expression::parse(&self.pattern, self.operator).map_err(|error| Error::field("pattern", error))?;
        let matcher = Matcher::of(&expression);
        let mut examples = Vec::new();
        let mut count = |list| {
            let mut count = 0;
            each_signup(state, app_id, list, |_, entry| {
                if matcher.matches(&fold(&entry.signup_id)) {
                    count += 1;
                    if count <= TRIAL_EXAMPLES_MAX / 2 {
                        examples.push(entry.signup_id.as_str().into());
                    }
                }
            })
            .map(|()| count)
        };
        let (whitelist, blacklist) = (count(ListName::Whitelist)?, count(ListName::Blacklist)?);
        let given = self.signups.iter().flat_map(|signups| &signups.0);
        let signups = given.map(|Signup { signup_id, .. }| Tried {
            matches: matcher.matches(&fold(signup_id)),
            signup_id: signup_id.as_str().into(),
        });
        Ok(Tested { app_id, whitelist, blacklist, signups: signups.collect(), examples })
    }
}

impl Ask for TestPattern {
    fn answer(&self, View { state, .. }: View<'_>) -> Result<Tested, Error> {
        aside(|| self.tested(state))
    }
}

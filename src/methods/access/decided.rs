//! This is where decisions get the form in which they are told: yes or no, and what it rests on.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::counts::{Decisions, List, Outcome};
use crate::methods::patterns::PatternRecord;
use crate::methods::signups::SignupRecord;
use crate::state::decision::{Decision, Reason};
use crate::state::id::{EntryId, MemberId, UserId};
use crate::state::moment::Moment;
use crate::state::organization::{Member, OrgDecision, OrgReason};
use crate::state::share::{ShareDecision, ShareEntry, ShareReason};
use crate::state::signup_list::Tags;
use crate::wire::error::{Code, Error};

/// A decision, and what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Decided {
    /// Whether it is a yes.
    pub decision: bool,
    context: Context,
}

/// What a decision rests on.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "DecisionContext")]
struct Context {
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Why>,
    /// The entry that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<EntryRecord>,
    /// The pattern that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<PatternRecord>,
    /// The tags of whichever decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    /// Whose share it is, where that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
    /// When to ask again, for time alone may change the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Moment>,
    /// Why there is no answer, and hence no yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// What decided.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "DecisionReason")]
enum Why {
    SignUp(Reason),
    Share(ShareReason),
    Organization(OrgReason),
}

/// The entry that decided: its id on its list, and who it is for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "DecidingEntry")]
enum EntryRecord {
    SignUp(SignupRecord),
    Share { id: EntryId, user_id: UserId },
    Organization { id: MemberId, email: Box<str> },
}

/// Why there is no answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DecisionError")]
struct Failure {
    /// The status that HTTP would have.
    status: u32,
    message: Cow<'static, str>,
}

impl Decided {
    /// Whether somebody may sign up to an app.
    pub fn sign_up(decision: &Decision<'_>) -> Self {
        Self {
            decision: decision.reason.allows(),
            context: Context {
                reason: Some(Why::SignUp(decision.reason)),
                entry: decision.entry.map(|entry| EntryRecord::SignUp(SignupRecord::new(entry))),
                pattern: decision.pattern.map(PatternRecord::new),
                tags: decision.tags().cloned(),
                ..Context::default()
            },
        }
    }

    /// Whether somebody may open a user's share.
    pub fn share(decision: &ShareDecision<'_>, owner: UserId) -> Self {
        let record = |entry: &ShareEntry| EntryRecord::Share { id: entry.entry_id, user_id: entry.user_id };
        Self {
            decision: decision.reason.allows(),
            context: Context {
                reason: Some(Why::Share(decision.reason)),
                entry: decision.entry.map(record),
                owner: (decision.reason == ShareReason::Owner).then_some(owner),
                ..Context::default()
            },
        }
    }

    /// Whether somebody has a permission in an organisation.
    pub fn organization(decision: &OrgDecision<'_>) -> Self {
        let record = |member: &Member| EntryRecord::Organization { id: member.member_id, email: member.email.clone() };
        Self {
            decision: decision.reason.allows(),
            context: Context {
                reason: Some(Why::Organization(decision.reason)),
                entry: decision.member.map(record),
                expires_at: decision.expires_at,
                ..Context::default()
            },
        }
    }

    /// A question that cannot be answered: no.
    pub fn failed(error: Error) -> Self {
        let failure = Failure { status: status(error.code), message: error.message };
        Self { decision: false, context: Context { error: Some(failure), ..Context::default() } }
    }

    /// Counts it.
    pub(super) fn count(&self, decisions: &Decisions) {
        let (list, outcome) = match &self.context.reason {
            None => (List::None, Outcome::Failed),
            Some(why) => {
                let list = match why {
                    Why::SignUp(_) => List::SignUp,
                    Why::Share(_) => List::Share,
                    Why::Organization(_) => List::Organization,
                };
                (list, if self.decision { Outcome::Allowed } else { Outcome::Refused })
            }
        };
        decisions.add(list, outcome);
    }
}

/// The number of a refusal where the codes of HTTP are expected.
fn status(code: Code) -> u32 {
    match code {
        Code::UnknownApp => Code::NotFound.number(),
        Code::PermissionMissing | Code::NotInApp => 403,
        other => other.number(),
    }
}

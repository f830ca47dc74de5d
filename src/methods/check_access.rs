//! This is where "may this person in, and why?" is asked, in the terms of the AuthZEN Authorization API 1.0.

use serde::{Deserialize, Serialize};

use super::list::with_app;
use super::patterns::PatternRecord;
use super::signups::SignupRecord;
use super::{Ask, Call, Method};
use crate::access::{About, Permission, Sender, View};
use crate::config::SIGNUP_ID_BYTES_MAX;
use crate::state::decision::Reason;
use crate::state::id::AppId;
use crate::state::signup_list::Tags;
use crate::wire::error::Error;
use crate::wire::fields::{Text, object};
use crate::wire::frame::Reply;

/// Asks whether a subject may do something to a resource. Known so far: may the `user` with an email address or phone number
/// `sign_up` to an `app`?
#[derive(Debug, Deserialize)]
pub struct CheckAccess {
    #[serde(deserialize_with = "object")]
    subject: Subject,
    // Read so that a request without an action, or for another one, is refused.
    #[serde(rename = "action", deserialize_with = "object")]
    _action: Action,
    #[serde(deserialize_with = "object")]
    resource: Resource,
}

#[derive(Debug, Deserialize)]
struct Subject {
    #[serde(rename = "type")]
    _kind: SubjectType,
    id: Text,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubjectType {
    User,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(rename = "name")]
    _name: ActionName,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    SignUp,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(rename = "type")]
    _kind: ResourceType,
    id: AppId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResourceType {
    App,
}

/// The decision, and what it rests on.
#[derive(Debug, Serialize)]
pub struct Decided {
    decision: bool,
    context: Context,
}

#[derive(Debug, Serialize)]
struct Context {
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<SignupRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<PatternRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

impl Reply for Decided {}

impl Method for CheckAccess {
    const CALL: Call =
        Call::new("checkAccess", "checkAccessResponse", "says whether somebody may in, and what decided");
    const NEEDS: Permission = Permission::SignupManagement;
    type Reply = Decided;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::App(Some(self.resource.id))
    }

    fn validate(&mut self) -> Result<(), Error> {
        let id = &self.subject.id.0;
        if id.trim().is_empty() {
            return Err(Error::field("subject.id", "is empty; give an email address or phone number"));
        }
        if id.len() > SIGNUP_ID_BYTES_MAX {
            let message = format_args!("has {} bytes; a sign-up id has at most {SIGNUP_ID_BYTES_MAX}", id.len());
            return Err(Error::field("subject.id", message));
        }
        Ok(())
    }
}

impl Ask for CheckAccess {
    fn answer(&self, View { state, .. }: View<'_>) -> Result<Decided, Error> {
        with_app(state, Some(self.resource.id), |app| {
            let decision = app.decide(&self.subject.id.0);
            Decided {
                decision: decision.reason.allows(),
                context: Context {
                    reason: decision.reason,
                    entry: decision.entry.map(SignupRecord::new),
                    pattern: decision.pattern.map(PatternRecord::new),
                    tags: decision.tags().cloned(),
                },
            }
        })
    }
}

//! This is where one question is answered, or several at once.

use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::authzen::Known;
use super::decide::decide;
use super::decided::Decided;
use super::question::{Action, Entity, Parts, Properties, complete};
use crate::access::{About, Permission, Sender, View};
use crate::config::EVALUATIONS_PER_CALL_MAX;
use crate::counts::Decisions;
use crate::methods::list::second_half;
use crate::methods::{Ask, Call, Method, Noun};
use crate::schema::leaf::also;
use crate::wire::error::Error;
use crate::wire::fields::{Object, object};
use crate::wire::frame::Reply;

/// Asks whether a `subject` may do the `action` to the `resource`. A `user`, known by email address, phone number or id, may be
/// asked about for an `app` (`sign_up`), a `chat_share` (`can_read`) and an `organization` (its permissions).
///
/// With `evaluations`, several questions are answered in their order; each says what differs from the subject, action and resource
/// beside them, and what it says replaces those whole. Where one cannot be answered, its decision is no, with the `error` in its
/// `context`. `options.evaluations_semantic` says when to stop: `execute_all` (never), `deny_on_first_deny` or
/// `permit_on_first_permit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CheckAccess(
    #[serde(deserialize_with = "object")]
    #[schemars(with = "Form", transform = answerable)]
    Questions,
);

#[derive(Debug, Deserialize)]
#[serde(try_from = "Form")]
struct Questions {
    defaults: Parts,
    evaluations: Vec<Parts>,
    semantic: Semantic,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Form {
    subject: Option<Object<Entity>>,
    action: Option<Object<Action>>,
    resource: Option<Object<Entity>>,
    context: Properties,
    /// Several questions, instead of one.
    #[schemars(with = "Option<Vec<Parts>>", extend("maxItems" = EVALUATIONS_PER_CALL_MAX))]
    evaluations: Option<Several>,
    /// How several questions are answered.
    options: Option<Object<Options>>,
}

/// How several questions are answered.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EvaluationOptions")]
struct Options {
    /// When several questions are enough.
    evaluations_semantic: Option<Semantic>,
}

/// When several questions are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EvaluationsSemantic")]
enum Semantic {
    /// When all are answered.
    #[default]
    ExecuteAll,
    /// When one is a no.
    DenyOnFirstDeny,
    /// When one is a yes.
    PermitOnFirstPermit,
}

/// The decision, or those that were asked for, up to the one that was enough.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Checked {
    /// Of one question.
    One(Decided),
    /// Of several.
    Several {
        /// In the order of the questions.
        evaluations: Vec<Decided>,
    },
}

/// One question, whatever else the request has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transform = whole)]
pub struct Evaluation(#[serde(deserialize_with = "object")] Parts);

/// Says in a schema that there is one whole question, or that there are several.
fn answerable(schema: &mut Schema) {
    let mut one = json_schema!({});
    whole(&mut one);
    let several = json!({
        "required": ["evaluations"],
        "properties": {"evaluations": {"type": "array", "minItems": 1}}
    });
    also(schema, json!({"anyOf": [several, one]}));
}

/// Says in a schema that all parts of a question are there.
fn whole(schema: &mut Schema) {
    let part = |members: &'static [&'static str]| {
        let mut part = json_schema!({});
        complete(members)(&mut part);
        part
    };
    let parts = json!({"subject": part(&["type", "id"]), "action": part(&["name"]), "resource": part(&["type", "id"])});
    also(schema, json!({"required": ["subject", "action", "resource"], "properties": parts}));
}

impl TryFrom<Form> for Questions {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let Form { subject, action, resource, context, evaluations, options } = form;
        let semantic = options.and_then(|options| options.0.evaluations_semantic).unwrap_or_default();
        let evaluations = evaluations.map_or_else(Vec::new, |several| several.0);
        let defaults = Parts { subject, action, resource, _context: context };
        let missing = match &defaults {
            _ if !evaluations.is_empty() => None,
            Parts { subject: None, .. } => Some("subject"),
            Parts { action: None, .. } => Some("action"),
            Parts { resource: None, .. } => Some("resource"),
            _ => None,
        };
        // In serde's words, to which it adds where.
        missing.map_or(Ok(Self { defaults, evaluations, semantic }), |name| Err(format!("missing field `{name}`")))
    }
}

impl Method for CheckAccess {
    const CALL: Call =
        Call::new("checkAccess", "checkAccessResponse", "says whether somebody may in, and what decided");
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Access;
    type Reply = Checked;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }

    fn validate(&mut self) -> Result<(), Error> {
        let Questions { defaults, evaluations, .. } = &self.0;
        if evaluations.is_empty() { defaults.question(defaults).map(|_| ()) } else { Ok(()) }
    }
}

impl Ask for CheckAccess {
    fn answer(&self, view: View<'_>) -> Result<Checked, Error> {
        let Questions { defaults, evaluations, semantic } = &self.0;
        if evaluations.is_empty() {
            return decide(view, &defaults.question(defaults)?).map(Checked::One);
        }
        let mut answers = Vec::with_capacity(evaluations.len());
        for parts in evaluations {
            let decided = parts.question(defaults).and_then(|question| decide(view, &question));
            let decided = decided.unwrap_or_else(Decided::failed);
            let is_enough = semantic.is_met_by(decided.decision);
            answers.push(decided);
            if is_enough {
                break;
            }
        }
        Ok(Checked::Several { evaluations: answers })
    }

    fn count(reply: &Checked, decisions: &Decisions) {
        match reply {
            Checked::One(decided) => decided.count(decisions),
            Checked::Several { evaluations } => evaluations.iter().for_each(|decided| decided.count(decisions)),
        }
    }
}

impl Semantic {
    fn is_met_by(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

impl Reply for Checked {
    fn split_off(&mut self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Several { evaluations } => Some(Self::Several { evaluations: second_half(evaluations)? }),
        }
    }
}

impl Known for CheckAccess {
    fn has_standard_ids(&self) -> Result<(), Error> {
        let Questions { defaults, evaluations, .. } = &self.0;
        [defaults].into_iter().chain(evaluations).try_for_each(Parts::has_standard_ids)
    }

    fn unknown(error: Error) -> Checked {
        Checked::One(Decided::failed(error))
    }
}

impl Method for Evaluation {
    const CALL: Call = CheckAccess::CALL;
    const NEEDS: Permission = CheckAccess::NEEDS;
    const NOUN: Noun = CheckAccess::NOUN;
    type Reply = Checked;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.0.question(&self.0).map(|_| ())
    }
}

impl Ask for Evaluation {
    fn answer(&self, view: View<'_>) -> Result<Checked, Error> {
        decide(view, &self.0.question(&self.0)?).map(Checked::One)
    }

    fn count(reply: &Checked, decisions: &Decisions) {
        CheckAccess::count(reply, decisions);
    }
}

impl Known for Evaluation {
    fn has_standard_ids(&self) -> Result<(), Error> {
        self.0.has_standard_ids()
    }

    fn unknown(error: Error) -> Checked {
        CheckAccess::unknown(error)
    }
}

/// Several questions. One too many ends the reading, so that a short text cannot claim much memory.
struct Several(Vec<Parts>);

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;
        impl<'de> Visitor<'de> for Expected {
            type Value = Several;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of questions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Several, A::Error> {
                let mut questions = Vec::new();
                while let Some(Object(parts)) = seq.next_element()? {
                    if questions.len() == EVALUATIONS_PER_CALL_MAX {
                        return Err(de::Error::custom(format_args!(
                            "at most {EVALUATIONS_PER_CALL_MAX} are taken in one call; send several calls"
                        )));
                    }
                    questions.push(parts);
                }
                Ok(Several(questions))
            }
        }
        deserializer.deserialize_seq(Expected)
    }
}

//! This is where it is asked who, to what, and to do what the answer is yes: the candidates there are, each held against the very
//! question that `checkAccess` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authzen::Known;
use super::decide::{decide, resources, subjects};
use super::kind::{Kind, is_user};
use super::question::{Action, Entity, Named, Properties, Question, Sought, complete};
use super::walk::{Candidate, Found, PageRequest, Walk, behind};
use crate::access::{About, Permission, Sender, View};
use crate::methods::{Ask, Call, Method, Noun};
use crate::wire::error::Error;
use crate::wire::fields::Object;

/// Asks who may do something to a resource: of those who are on its list, whoever may.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SearchSubjects {
    #[schemars(transform = complete(&["type"]))]
    subject: Object<Sought>,
    #[schemars(transform = complete(&["name"]))]
    action: Object<Action>,
    #[schemars(transform = complete(&["type", "id"]))]
    resource: Object<Entity>,
    context: Properties,
    page: Option<Object<PageRequest>>,
}

/// Asks to which resources a subject may do something: of those that the caller may ask about.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SearchResources {
    #[schemars(transform = complete(&["type", "id"]))]
    subject: Object<Entity>,
    #[schemars(transform = complete(&["name"]))]
    action: Object<Action>,
    #[schemars(transform = complete(&["type"]))]
    resource: Object<Sought>,
    context: Properties,
    page: Option<Object<PageRequest>>,
}

/// Asks what a subject may do to a resource.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SearchActions {
    #[schemars(transform = complete(&["type", "id"]))]
    subject: Object<Entity>,
    #[schemars(transform = complete(&["type", "id"]))]
    resource: Object<Entity>,
    context: Properties,
    page: Option<Object<PageRequest>>,
}

/// A subject or a resource that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundEntity {
    #[serde(rename = "type")]
    kind: Box<str>,
    id: Box<str>,
}

/// An action that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundAction {
    name: Box<str>,
}

impl Method for SearchSubjects {
    const CALL: Call = Call::new("searchSubjects", "searchSubjectsResponse", "says who may do something to a resource");
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Access;
    type Reply = Found<FoundEntity>;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.subject.0.kind("subject")?;
        self.action.0.name()?;
        self.resource.0.named("resource")?;
        self.walk().map(|_| ())
    }
}

impl Ask for SearchSubjects {
    fn answer(&self, view: View<'_>) -> Result<Self::Reply, Error> {
        let (subject, action) = (self.subject.0.kind("subject")?, self.action.0.name()?);
        let resource = self.resource.0.named("resource")?;
        is_user(subject)?;
        let kind = Kind::of(resource.kind)?;
        kind.knows(action)?;
        let walk = self.walk()?;
        let candidates = subjects(view, kind, resource.id, walk.after())?;
        Ok(walk.through(candidates, |id| {
            let question = Question { subject: Named { kind: subject, id: &id }, action, resource };
            is_yes(view, &question).then(|| FoundEntity { kind: subject.into(), id })
        }))
    }
}

impl SearchSubjects {
    fn walk(&self) -> Result<Walk, Error> {
        let members = (Self::CALL.method, &self.subject, &self.action, &self.resource, &self.context);
        Walk::new(self.page.as_ref().map(|page| &page.0), &members)
    }
}

impl Known for SearchSubjects {
    fn has_standard_ids(&self) -> Result<(), Error> {
        self.resource.0.has_standard_id("resource")
    }

    fn unknown(_error: Error) -> Self::Reply {
        Found::nothing()
    }
}

impl Method for SearchResources {
    const CALL: Call =
        Call::new("searchResources", "searchResourcesResponse", "says to which resources a subject may do something");
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Access;
    type Reply = Found<FoundEntity>;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.subject.0.named("subject")?;
        self.action.0.name()?;
        self.resource.0.kind("resource")?;
        self.walk().map(|_| ())
    }
}

impl Ask for SearchResources {
    fn answer(&self, view: View<'_>) -> Result<Self::Reply, Error> {
        let (subject, action) = (self.subject.0.named("subject")?, self.action.0.name()?);
        let resource = self.resource.0.kind("resource")?;
        is_user(subject.kind)?;
        let kind = Kind::of(resource)?;
        kind.knows(action)?;
        kind.takes(subject.id)?;
        let walk = self.walk()?;
        let candidates = resources(view, kind, subject.id, walk.after());
        Ok(walk.through(candidates, |id| {
            let question = Question { subject, action, resource: Named { kind: resource, id: &id } };
            is_yes(view, &question).then(|| FoundEntity { kind: resource.into(), id })
        }))
    }
}

impl SearchResources {
    fn walk(&self) -> Result<Walk, Error> {
        let members = (Self::CALL.method, &self.subject, &self.action, &self.resource, &self.context);
        Walk::new(self.page.as_ref().map(|page| &page.0), &members)
    }
}

impl Known for SearchResources {
    fn has_standard_ids(&self) -> Result<(), Error> {
        self.subject.0.has_standard_id("subject")
    }

    fn unknown(_error: Error) -> Self::Reply {
        Found::nothing()
    }
}

impl Method for SearchActions {
    const CALL: Call = Call::new("searchActions", "searchActionsResponse", "says what a subject may do to a resource");
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Access;
    type Reply = Found<FoundAction>;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.subject.0.named("subject")?;
        self.resource.0.named("resource")?;
        self.walk().map(|_| ())
    }
}

impl Ask for SearchActions {
    fn answer(&self, view: View<'_>) -> Result<Self::Reply, Error> {
        let (subject, resource) = (self.subject.0.named("subject")?, self.resource.0.named("resource")?);
        is_user(subject.kind)?;
        let actions = Kind::of(resource.kind)?.actions();
        // Whether the caller may ask, and about what there is, is the same for all of them.
        decide(view, &Question { subject, action: actions[0], resource })?;
        let walk = self.walk()?;
        let places = (0..actions.len()).collect();
        let candidates = behind(places, walk.after().parse().ok(), |place| Candidate::new(place, actions[place]));
        Ok(walk.through(candidates, |name| {
            is_yes(view, &Question { subject, action: &name, resource }).then_some(FoundAction { name })
        }))
    }
}

impl SearchActions {
    fn walk(&self) -> Result<Walk, Error> {
        let members = (Self::CALL.method, &self.subject, &self.resource, &self.context);
        Walk::new(self.page.as_ref().map(|page| &page.0), &members)
    }
}

impl Known for SearchActions {
    fn has_standard_ids(&self) -> Result<(), Error> {
        self.subject.0.has_standard_id("subject")?;
        self.resource.0.has_standard_id("resource")
    }

    fn unknown(_error: Error) -> Self::Reply {
        Found::nothing()
    }
}

fn is_yes(view: View<'_>, question: &Question<'_>) -> bool {
    decide(view, question).is_ok_and(|decided| decided.decision)
}

//! This is where a question goes to the type of resource it is about.

use super::decided::Decided;
use super::kind::{Kind, is_user};
use super::question::Question;
use super::walk::Candidate;
use super::{app, organization, share};
use crate::access::View;
use crate::wire::error::Error;

/// Answers a question, where what it is about is known and the caller may ask about it.
pub fn decide(view: View<'_>, question: &Question<'_>) -> Result<Decided, Error> {
    let Question { subject, action, resource } = question;
    is_user(subject.kind)?;
    let kind = Kind::of(resource.kind)?;
    kind.knows(action)?;
    match kind {
        Kind::App => app::decide(view, subject.id, resource.id),
        Kind::ChatShare => share::decide(view, subject.id, resource.id),
        Kind::Organization => organization::decide(view, subject.id, action, resource.id),
    }
}

/// Who may be a yes for a resource, behind a place in the search.
pub fn subjects(view: View<'_>, kind: Kind, resource: &str, after: &str) -> Result<Vec<Candidate>, Error> {
    match kind {
        Kind::App => app::subjects(view, resource, after),
        Kind::ChatShare => share::subjects(view, resource, after),
        Kind::Organization => organization::subjects(view, resource, after),
    }
}

/// Which resources may be a yes for a subject, behind a place in the search.
pub fn resources(view: View<'_>, kind: Kind, subject: &str, after: &str) -> Vec<Candidate> {
    match kind {
        Kind::App => app::resources(view, after),
        Kind::ChatShare => share::resources(view, subject, after),
        Kind::Organization => organization::resources(view, after),
    }
}

//! This is where it is asked who has which permission in an organisation.

use std::collections::BTreeSet;

use super::decided::Decided;
use super::kind::Kind;
use super::walk::{CANDIDATES_MAX, Candidate, behind};
use crate::access::{About, Caller, View, may_ask_about};
use crate::state::bot::Grant;
use crate::state::id::OrgId;
use crate::state::organization::OrgPermission;
use crate::wire::error::Error;

/// Whether somebody, known by email address, has a permission now.
pub fn decide(view: View<'_>, subject: &str, action: &str, resource: &str) -> Result<Decided, Error> {
    let org_id = found(view, resource)?;
    Kind::Organization.takes(subject)?;
    let permission = OrgPermission::ALL.into_iter().find(|permission| permission.name() == action);
    let permission = permission.expect("the actions of organisations are their permissions");
    let organization = view.state.organization(&org_id).ok_or_else(|| Error::unknown_organization(&org_id))?;
    Ok(Decided::organization(&organization.decide(subject, permission, view.now())))
}

/// Its members.
pub fn subjects(view: View<'_>, resource: &str, after: &str) -> Result<Vec<Candidate>, Error> {
    let org_id = found(view, resource)?;
    let organization = view.state.organization(&org_id).ok_or_else(|| Error::unknown_organization(&org_id))?;
    let members = organization.after(after.parse().unwrap_or(0)).take(CANDIDATES_MAX);
    Ok(members.map(|(id, member)| Candidate::new(id, &*member.email)).collect())
}

/// The organisations that the caller may ask about.
pub fn resources(view: View<'_>, after: &str) -> Vec<Candidate> {
    let ids = if view.is_admin() { view.state.organization_ids() } else { own(view) };
    behind(ids, after.parse().ok(), |id| Candidate::new(&id, id.as_str()))
}

/// The organisation, where the caller may ask about it. What is foreign looks like what is missing.
fn found(view: View<'_>, resource: &str) -> Result<OrgId, Error> {
    let org_id: OrgId = resource.parse().map_err(|error| Error::field("resource.id", error))?;
    may_ask_about(view, &About::Organization(Some(org_id.clone()))).map_err(|error| {
        let is_own = own(view).contains(&org_id);
        if is_own { error } else { Error::unknown_organization(&org_id) }
    })?;
    Ok(org_id)
}

/// The organisations in which the caller was given anything, in order.
fn own(view: View<'_>) -> Vec<OrgId> {
    match view.caller {
        Caller::Bot(id) => view.state.bot(id).map_or_else(Vec::new, |bot| {
            let named: BTreeSet<&OrgId> = bot.grants.iter().filter_map(Grant::org_id).collect();
            named.into_iter().cloned().collect()
        }),
        Caller::ApiKey(id) => view.state.api_key(id).map_or_else(Vec::new, |key| vec![key.org_id.clone()]),
        Caller::Seed | Caller::Anyone | Caller::User(_) => Vec::new(),
    }
}

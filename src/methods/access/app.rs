//! This is where it is asked who may sign up to an app.

use super::decided::Decided;
use super::kind::Kind;
use super::walk::{CANDIDATES_MAX, Candidate, behind};
use crate::access::{About, Caller, View, may_ask_about};
use crate::methods::list::with_app;
use crate::state::bot::Grant;
use crate::state::id::AppId;
use crate::wire::error::Error;

/// Whether somebody may sign up.
pub fn decide(view: View<'_>, subject: &str, resource: &str) -> Result<Decided, Error> {
    let app_id = found(view, resource)?;
    Kind::App.takes(subject)?;
    with_app(view.state, Some(app_id), |app| Decided::sign_up(&app.decide(subject)))
}

/// Who is on the whitelist. Whom a pattern lets in, or a whitelist that is off, cannot be counted.
pub fn subjects(view: View<'_>, resource: &str, after: &str) -> Result<Vec<Candidate>, Error> {
    let app_id = found(view, resource)?;
    with_app(view.state, Some(app_id), |app| {
        let entries = app.whitelist.signups.after(after.parse().unwrap_or(0));
        entries.take(CANDIDATES_MAX).map(|(id, entry)| Candidate::new(id, &*entry.signup_id)).collect()
    })
}

/// The apps that the caller may ask about.
pub fn resources(view: View<'_>, after: &str) -> Vec<Candidate> {
    let ids = match view.caller {
        _ if view.is_admin() => view.state.app_ids(),
        Caller::Bot(id) => view.state.bot(id).map_or_else(Vec::new, |bot| {
            let granted = bot.grants.iter().filter_map(|grant| match grant {
                Grant::SignupManagement { app_id } => Some(*app_id),
                _ => None,
            });
            granted.collect()
        }),
        Caller::Seed | Caller::Anyone | Caller::User(_) | Caller::ApiKey(_) => Vec::new(),
    };
    behind(ids, after.parse().ok().map(AppId), |id| Candidate::new(id, id.to_string()))
}

fn found(view: View<'_>, resource: &str) -> Result<AppId, Error> {
    let app_id = resource.parse().map_err(|error| Error::field("resource.id", error))?;
    may_ask_about(view, &About::App(Some(app_id)))?;
    Ok(app_id)
}

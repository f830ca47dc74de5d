//! This is where it is asked who may open a share.

use uuid::Uuid;

use super::decided::Decided;
use super::kind::Kind;
use super::walk::{CANDIDATES_MAX, Candidate, behind};
use crate::access::{About, Caller, View, may_ask_about};
use crate::state::State;
use crate::state::bot::Grant;
use crate::state::id::{BotId, ShareId, UserId};
use crate::wire::error::{Code, Error};

/// Whether somebody, known by email address or user id, may open it. Who does not manage the owner's shares may ask about
/// nobody but themselves.
pub fn decide(view: View<'_>, subject: &str, resource: &str) -> Result<Decided, Error> {
    let (share_id, owner) = found(view.state, resource)?;
    let user = user(view.state, subject);
    let is_themselves = matches!(view.caller, Caller::User(me) if user == Some(me));
    if !is_themselves && !manages(view, owner) {
        return Err(missing());
    }
    Kind::ChatShare.takes(subject)?;
    let share = view.state.share(share_id).filter(|share| share.settings.user_id == owner).ok_or_else(missing)?;
    Ok(Decided::share(&share.decide(user), owner))
}

/// The owner and who is on the whitelist; users are told by their ids, for an address may be none of the owner's business.
pub fn subjects(view: View<'_>, resource: &str, after: &str) -> Result<Vec<Candidate>, Error> {
    let (share_id, owner) = found(view.state, resource)?;
    let first = match view.caller {
        _ if manages(view, owner) => owner,
        Caller::User(me) => me,
        _ => return Err(missing()),
    };
    let mut candidates = Vec::new();
    if after.is_empty() {
        candidates.push(Candidate::new(0, first.to_string()));
    }
    if manages(view, owner) {
        let share = view.state.share(share_id).ok_or_else(missing)?;
        let listed = share.entries.after(after.parse().unwrap_or(0)).filter(|(_, entry)| entry.user_id != owner);
        let listed = listed.map(|(id, entry)| Candidate::new(id, entry.user_id.to_string()));
        candidates.extend(listed.take(CANDIDATES_MAX));
    }
    Ok(candidates)
}

/// The shares that the caller manages, and those that list the caller who asks about nobody else. The public shares of others are
/// not among them: to know the uuid is what lets somebody in.
pub fn resources(view: View<'_>, subject: &str, after: &str) -> Vec<Candidate> {
    let state = view.state;
    let of_user = |user| state.chats_of(user).into_iter().filter_map(|chat| state.share_of_chat(chat));
    let (mut ids, only_for): (Vec<ShareId>, _) = match view.caller {
        _ if view.is_admin() => (state.share_ids(), None),
        Caller::User(me) if user(state, subject) == Some(me) => (state.share_ids(), Some(me)),
        Caller::User(me) => (of_user(me).collect(), None),
        Caller::Bot(id) => (managed_users(state, id).into_iter().flat_map(of_user).collect(), None),
        Caller::Seed | Caller::Anyone | Caller::ApiKey(_) => (Vec::new(), None),
    };
    ids.sort_unstable();
    behind(ids, after.parse().ok(), |id| {
        let share = state.share(id).filter(|share| {
            only_for.is_none_or(|me| share.settings.user_id == me || share.entries.of_user(me).is_some())
        });
        let uuid = share.map(|share| share.settings.share_uuid.to_string().into());
        Candidate { place: id.to_string().into(), id: uuid }
    })
}

fn managed_users(state: &State, bot: BotId) -> Vec<UserId> {
    let granted = |grant: &Grant| match grant {
        Grant::ShareManagement { user_id } => Some(*user_id),
        _ => None,
    };
    state.bot(bot).map_or_else(Vec::new, |bot| bot.grants.iter().filter_map(granted).collect())
}

/// The share of a uuid, and whose it is.
fn found(state: &State, resource: &str) -> Result<(ShareId, UserId), Error> {
    let uuid = Uuid::try_parse(resource).map_err(|_| {
        Error::field(
            "resource.id",
            "is no uuid, such as \"550e8400-e29b-41d4-a716-446655440000\"; a share is known by its own",
        )
    })?;
    let share_id = state.share_by_uuid(&uuid).ok_or_else(missing)?;
    let share = state.share(share_id).filter(|share| share.settings.share_uuid == uuid).ok_or_else(missing)?;
    Ok((share_id, share.settings.user_id))
}

/// The user whom a text names, by id or by email address.
fn user(state: &State, subject: &str) -> Option<UserId> {
    subject.parse().ok().or_else(|| state.user_by_email(subject))
}

fn manages(view: View<'_>, owner: UserId) -> bool {
    may_ask_about(view, &About::User(owner)).is_ok()
}

/// What is foreign looks like what is missing.
fn missing() -> Error {
    Error::new(Code::NotFound, "there is no share of this uuid here; getShares lists those of a user")
}

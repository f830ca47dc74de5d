//! This is where people get on and off the lists.

use std::fmt::Display;
use std::marker::PhantomData;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::list::{OfList, bound_items, bound_tags, resolve, resolved, second_half, with_app};
use super::listing::Items;
use super::page::{Page, PageEnd, Start};
use super::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::access::{About, Permission, Sender, View};
use crate::config::{SIGNUP_ID_BYTES_MAX, SIGNUPS_PER_CALL_MAX};
use crate::state::AppMut;
use crate::state::app::List;
use crate::state::id::{AppId, RecordId};
use crate::state::signup_list::{Entry, SignupList, Tags};
use crate::wire::error::Error;
use crate::wire::fields::{Many, Signup};
use crate::wire::frame::Reply;

/// Adds people to a list. One who stands on it keeps the id; the tags are replaced where given.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "")]
pub struct Add<L> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    #[serde(default, skip_serializing)]
    chat_id: Option<AppId>,
    /// The people; one alone needs no array.
    #[schemars(extend("maxItems" = SIGNUPS_PER_CALL_MAX))]
    signups: Many<Signup>,
    #[serde(skip)]
    list: PhantomData<fn() -> L>,
}

/// Removes people from a list; those who are not on it are passed over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "")]
pub struct Remove<L> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    #[serde(default, skip_serializing)]
    chat_id: Option<AppId>,
    /// The people; one alone needs no array.
    #[schemars(extend("maxItems" = SIGNUPS_PER_CALL_MAX))]
    signups: Many<Signup>,
    #[serde(skip)]
    list: PhantomData<fn() -> L>,
}

/// The people on a list, as [`Get`](super::listing::Get) lists them.
#[derive(Debug)]
pub struct People;

/// Somebody on a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignupRecord {
    id: RecordId,
    /// As it was first given.
    #[schemars(with = "Box<str>")]
    signup_id: CompactString,
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
}

impl SignupRecord {
    /// An entry as it is shown.
    pub fn new((id, entry): (u64, &Entry)) -> Self {
        Self { id: RecordId(id), signup_id: entry.signup_id.clone(), tags: entry.tags.clone() }
    }
}

/// A record for every sign-up of the request, in its order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Added {
    app_id: AppId,
    // Most answer one, which is within it.
    #[schemars(with = "Vec<SignupRecord>")]
    signups: SmallVec<[SignupRecord; 1]>,
}

/// The sign-up ids that were really removed, as they stood.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Removed {
    app_id: AppId,
    #[schemars(with = "Vec<Box<str>>")]
    signups: Vec<CompactString>,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Users {
    app_id: AppId,
    signups: Vec<SignupRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for Added {
    fn split_off(&mut self) -> Option<Self> {
        let half = self.signups.len() / 2;
        (half > 0).then(|| Self { app_id: self.app_id, signups: self.signups.drain(half..).collect() })
    }
}

impl Reply for Removed {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { app_id: self.app_id, signups: second_half(&mut self.signups)? })
    }
}

impl Reply for Users {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { app_id: self.app_id, signups: second_half(&mut self.signups)?, end: self.end.hand_on() })
    }
}

impl<L: OfList> Method for Add<L> {
    const CALL: Call = L::ADD;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::SignUps;
    type Reply = Added;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        bound_signups(&self.signups.0)
    }
}

impl<L: OfList> Alter for Add<L> {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<Added>, Error> {
        with_app(state, self.app_id, |app| {
            let list = &app.list(L::LIST).signups;
            let standing: Option<SmallVec<_>> = self.signups.0.iter().map(|signup| stands::<L>(list, signup)).collect();
            standing
                .map_or(Verdict::Proceed, |signups| Verdict::Unchanged(Added { app_id: app.settings.app_id, signups }))
        })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Added, Error> {
        let app_id = resolved(self.app_id);
        let mut app = turn.writer.app_mut(app_id).ok_or_else(|| Error::unknown_app(app_id))?;
        let signups = self.signups.0.into_iter().map(|signup| add::<L>(&mut app, signup)).collect();
        Ok(Added { app_id, signups })
    }
}

/// The record of a sign-up that an addition would leave as it is.
fn stands<L: OfList>(list: &SignupList, signup: &Signup) -> Option<SignupRecord> {
    let standing = list.find(&signup.signup_id)?;
    let same_tags = !L::TAGGED || signup.tags.as_ref().is_none_or(|tags| *tags == standing.1.tags);
    same_tags.then(|| SignupRecord::new(standing))
}

fn add<L: OfList>(app: &mut AppMut<'_>, signup: Signup) -> SignupRecord {
    let tags = signup.tags.filter(|_| L::TAGGED);
    match app.list(L::LIST).signups.look_up(&signup.signup_id) {
        Ok((id, entry)) => {
            let tags = tags.unwrap_or_else(|| entry.tags.clone());
            let signup_id = entry.signup_id.clone();
            app.retag(L::LIST, id, tags.clone());
            SignupRecord { id: RecordId(id), signup_id, tags }
        }
        Err(vacancy) => {
            let entry = Entry { signup_id: signup.signup_id, tags: tags.unwrap_or_default() };
            let mut record = SignupRecord::new((0, &entry));
            record.id = RecordId(app.add_signup(L::LIST, vacancy, entry));
            record
        }
    }
}

impl<L: OfList> Method for Remove<L> {
    const CALL: Call = L::REMOVE;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::SignUps;
    type Reply = Removed;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        bound_signups(&self.signups.0)
    }
}

impl<L: OfList> Alter for Remove<L> {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<Removed>, Error> {
        with_app(state, self.app_id, |app| {
            let list = &app.list(L::LIST).signups;
            let any = self.signups.0.iter().any(|signup| list.find(&signup.signup_id).is_some());
            let nothing = Removed { app_id: app.settings.app_id, signups: Vec::new() };
            if any { Verdict::Proceed } else { Verdict::Unchanged(nothing) }
        })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Removed, Error> {
        let app_id = resolved(self.app_id);
        let mut app = turn.writer.app_mut(app_id).ok_or_else(|| Error::unknown_app(app_id))?;
        let removed = self.signups.0.iter().filter_map(|signup| app.remove_signup(L::LIST, &signup.signup_id));
        Ok(Removed { app_id, signups: removed.map(|entry| entry.signup_id).collect() })
    }
}

impl<L: OfList> Items<L> for People {
    const CALL: Call = L::GET;
    const NOUN: Noun = Noun::SignUps;
    type Page = Users;

    fn page(app_id: AppId, list: &List, page: &Page) -> Users {
        let (entries, end) = match page.start {
            Start::Rank(rank) => page.cut(list.signups.from_rank(rank)),
            Start::After(id) => page.cut(list.signups.after(id)),
        };
        Users { app_id, signups: entries.into_iter().map(SignupRecord::new).collect(), end }
    }
}

/// Refuses a call with too many sign-ups, or with one that no list takes.
pub fn bound_signups(signups: &[Signup]) -> Result<(), Error> {
    bound_items("signups", signups.len(), SIGNUPS_PER_CALL_MAX)?;
    signups.iter().enumerate().try_for_each(|(index, signup)| bound_signup(format_args!("signups[{index}]"), signup))
}

/// Whether a sign-up is one that a list takes, on its own; `path` is where it stands.
pub fn bound_signup(path: impl Display, signup: &Signup) -> Result<(), Error> {
    if signup.signup_id.trim().is_empty() {
        return Err(Error::field(path, "is empty; give an email address or phone number"));
    }
    if signup.signup_id.len() > SIGNUP_ID_BYTES_MAX {
        let length = signup.signup_id.len();
        return Err(Error::field(
            path,
            format_args!("has {length} bytes; a sign-up id has at most {SIGNUP_ID_BYTES_MAX}"),
        ));
    }
    bound_tags(|| format!("{path}.tags"), signup.tags.as_ref())
}

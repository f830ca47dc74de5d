//! This is where a list is searched, and shown in another order than that of the additions. Nothing is kept for it: every search
//! looks at the whole list, in turns, between which others may change it.

mod sought;

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use memchr::memmem::Finder;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::list::{OfList, resolve, resolved, second_half, with_app};
use super::page::{PageEnd, none_of_ours, number_cursor, page_size, size_field};
use super::signups::SignupRecord;
use super::{Ask, Call, Method, Noun};
use crate::access::{About, Permission, Sender, View};
use crate::aside::aside;
use crate::config::{ENTRIES_PER_TURN, SIGNUP_ID_BYTES_MAX};
use crate::schema::leaf::also;
use crate::state::State;
use crate::state::app::ListName;
use crate::state::id::AppId;
use crate::state::patterns::fold;
use crate::state::signup_list::Entry;
use crate::wire::error::Error;
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;
use sought::{Place, Sought};

/// Lists who on a list has a text in the sign-up id or in a tag, in an order. Who stands on the list all the time is on one page just once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", transform = fields)]
pub struct Search<L> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    chat_id: Option<AppId>,
    /// What the sign-up id or a tag has in it, without case; where it is left out, everybody is listed.
    #[schemars(extend("maxLength" = SIGNUP_ID_BYTES_MAX))]
    text: Option<Text>,
    /// What they are listed in the order of; `added` where it is left out.
    #[serde(default)]
    order: Option<Order>,
    /// Whether the order is turned round.
    #[serde(default)]
    descending: Option<bool>,
    page_size: Option<Count>,
    /// Where to go on: the `cursor` of the answer before. It is good for the same order alone.
    cursor: Option<Text>,
    #[serde(skip)]
    of: PhantomData<fn() -> L>,
}

/// Says in the schema what the fields take: a cursor is one of its order.
fn fields(schema: &mut Schema) {
    size_field(schema);
    let by_signup_id = json!({"required": ["order"], "properties": {"order": {"const": "signup_id"}}});
    let cursor = |takes: Value| json!({"properties": {"cursor": takes}});
    let [signup_id, number] = [json!({"maxLength": SIGNUP_ID_BYTES_MAX}), json!({"pattern": "^[0-9]{0,20}$"})];
    also(schema, json!({"if": by_signup_id, "then": cursor(signup_id), "else": cursor(number)}));
}

/// What people on a list are listed in the order of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// When they were added.
    #[default]
    Added,
    /// Their sign-up ids, without case, letter by letter.
    SignupId,
}

/// A page of those who were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    app_id: AppId,
    signups: Vec<SignupRecord>,
    /// How many there are on all pages; absent in all but the last frame of a page sent in several.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<usize>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for Found {
    fn split_off(&mut self) -> Option<Self> {
        let signups = second_half(&mut self.signups)?;
        Some(Self { app_id: self.app_id, signups, matched: self.matched.take(), end: self.end.hand_on() })
    }
}

impl<L: OfList> Method for Search<L> {
    const CALL: Call = L::SEARCH;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::SignUps;
    type Reply = Found;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.sought().map(|_| ())
    }
}

impl<L: OfList> Search<L> {
    fn sought(&self) -> Result<Sought, Error> {
        let order = self.order.unwrap_or_default();
        let too_long = |field: &Option<Text>| field.as_ref().is_some_and(|text| text.0.len() > SIGNUP_ID_BYTES_MAX);
        if too_long(&self.text) {
            return Err(Error::field("text", format!("has at most {SIGNUP_ID_BYTES_MAX} bytes, as sign-up ids have")));
        }
        let after = match order {
            Order::Added => number_cursor(self.cursor.as_ref())?.map(Place::Added),
            Order::SignupId if too_long(&self.cursor) => return Err(none_of_ours()),
            Order::SignupId => {
                let cursor = self.cursor.as_ref().filter(|cursor| !cursor.0.is_empty());
                cursor.map(|cursor| Place::SignupId((*cursor.0).into()))
            }
        };
        Ok(Sought::new(order, self.descending.unwrap_or_default(), after, page_size(self.page_size)?))
    }

    fn found(&self, state: &State, app_id: AppId) -> Result<Found, Error> {
        let mut sought = self.sought()?;
        let text = self.text.as_ref().map(|text| fold(&text.0).into_owned()).unwrap_or_default();
        let finder = Finder::new(&text);
        let has = |field: &str| finder.find(fold(field).as_bytes()).is_some();
        each_signup(state, app_id, L::LIST, |id, entry| {
            let folded = fold(&entry.signup_id);
            if finder.find(folded.as_bytes()).is_some() || entry.tags.iter().any(|tag| has(tag)) {
                sought.see(id, &folded);
            }
        })?;
        let matched = sought.matched;
        let (page, goes_on) = sought.page();
        let cursor = page.last().filter(|_| goes_on).map(|last| last.place.written());
        let signups = with_app(state, Some(app_id), |app| {
            let list = &app.list(L::LIST).signups;
            // Who was taken off meanwhile is not shown.
            let standing = page.iter().filter_map(|one| Some((one.id, list.get(one.id)?)));
            standing.map(SignupRecord::new).collect()
        })?;
        Ok(Found { app_id, signups, matched: Some(matched), end: PageEnd::of_walk(cursor) })
    }
}

impl<L: OfList> Ask for Search<L> {
    fn answer(&self, View { state, .. }: View<'_>) -> Result<Found, Error> {
        aside(|| self.found(state, resolved(self.app_id)))
    }
}

/// Whose turn it is: however many search, all together have one processor at most.
static TURN: Mutex<()> = Mutex::new(());

/// Shows everybody on a list, oldest first, in turns between which others may change it: who stands on it all the time is shown once.
pub fn each_signup(
    state: &State,
    app_id: AppId,
    list: ListName,
    mut see: impl FnMut(u64, &Entry),
) -> Result<(), Error> {
    let mut next = Some(0);
    while let Some(after) = next {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        next = with_app(state, Some(app_id), |app| {
            let turn = app.list(list).signups.after(after).take(ENTRIES_PER_TURN);
            turn.inspect(|(id, entry)| see(*id, entry)).last().map(|(id, _)| id)
        })?;
    }
    Ok(())
}

//! This is where the lists are read, page by page.

use std::fmt::Debug;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;

use super::list::{OfList, resolve, resolved, with_app};
use super::page::{Page, page_fields};
use super::{Ask, Call, Method, Noun};
use crate::access::{About, Permission, Sender, View};
use crate::state::app::List;
use crate::state::id::AppId;
use crate::wire::error::Error;
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

/// Lists what is on a list, oldest first, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", transform = page_fields)]
pub struct Get<L, I> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    chat_id: Option<AppId>,
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
    #[serde(skip)]
    of: PhantomData<fn() -> (L, I)>,
}

/// What is listed of a list: its people or its patterns.
pub trait Items<L>: Debug + 'static {
    /// How it is asked for.
    const CALL: Call;
    /// What it is.
    const NOUN: Noun;
    /// How it is answered.
    type Page: Reply + JsonSchema + Send;

    /// A page of it.
    fn page(app_id: AppId, list: &List, page: &Page) -> Self::Page;
}

impl<L: OfList, I: Items<L>> Method for Get<L, I> {
    const CALL: Call = I::CALL;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = I::NOUN;
    type Reply = I::Page;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl<L: OfList, I: Items<L>> Ask for Get<L, I> {
    fn answer(&self, View { state, .. }: View<'_>) -> Result<I::Page, Error> {
        let page = self.page()?;
        with_app(state, self.app_id, |app| I::page(resolved(self.app_id), app.list(L::LIST), &page))
    }
}

impl<L, I> Get<L, I> {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

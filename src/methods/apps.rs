//! This is where apps are created, set up, listed and removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{bound_tags, second_half};
use super::page::{Page, PageEnd, page_fields};
use super::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::access::{Permission, View};
use crate::config::NAME_BYTES_MAX;
use crate::state::app::{App, AppSettings, List};
use crate::state::id::AppId;
use crate::state::signup_list::Tags;
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text, not_zero, tags, tags_schema};
use crate::wire::frame::Reply;

/// Creates an app or changes its settings; what is not given stays as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = not_zero)]
pub struct SetApp {
    app_id: AppId,
    /// For people.
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    /// Whether it was made with the app builder; only such apps have lists. True by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_builder: Option<bool>,
    /// Whether only those may sign up whom the whitelist lets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_whitelist: Option<bool>,
    /// Whether those may not whom the blacklist keeps out.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_blacklist: Option<bool>,
    #[serde(default, deserialize_with = "tags", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "tags_schema")]
    tags: Option<Tags>,
}

/// Removes an app with its lists, and every grant in it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveApp {
    app_id: AppId,
}

/// Lists the apps by id, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetApps {
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// An app, and how much is on its lists.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppRecord {
    app_id: AppId,
    name: String,
    app_builder: bool,
    use_whitelist: bool,
    use_blacklist: bool,
    tags: Tags,
    whitelist: Counts,
    blacklist: Counts,
}

/// How much is on a list.
#[derive(Debug, Serialize, JsonSchema)]
struct Counts {
    signups: usize,
    patterns: usize,
}

/// The app that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedApp {
    app_id: AppId,
}

/// A page of the apps.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Apps {
    apps: Vec<AppRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for AppRecord {}
impl Reply for RemovedApp {}

impl Reply for Apps {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { apps: second_half(&mut self.apps)?, end: self.end.hand_on() })
    }
}

impl AppRecord {
    fn new(app: &App) -> Self {
        let AppSettings { app_id, name, app_builder, use_whitelist, use_blacklist, tags } = app.settings.clone();
        let count = |list: &List| Counts { signups: list.signups.len(), patterns: list.patterns.len() };
        let (whitelist, blacklist) = (count(&app.whitelist), count(&app.blacklist));
        Self { app_id, name, app_builder, use_whitelist, use_blacklist, tags, whitelist, blacklist }
    }
}

impl Method for SetApp {
    const CALL: Call = Call::new("setApp", "setApp_ack", "creates an app or changes its settings");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Apps;
    type Reply = AppRecord;

    fn validate(&mut self) -> Result<(), Error> {
        if self.app_id.0 == 0 {
            return Err(Error::field("app_id", "0 stands for no app; choose another id"));
        }
        bound_name(self.name.as_ref())?;
        bound_tags(|| "tags".to_owned(), self.tags.as_ref())
    }
}

impl Alter for SetApp {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<AppRecord>, Error> {
        let standing = state.app(self.app_id).filter(|app| self.applied_to(Some(&app.settings)) == app.settings);
        Ok(standing.map_or(Verdict::Proceed, |app| Verdict::Unchanged(AppRecord::new(&app))))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<AppRecord, Error> {
        if let Some(mut app) = turn.writer.app_mut(self.app_id) {
            let settings = self.applied_to(Some(&app.settings));
            app.set(settings);
            return Ok(AppRecord::new(&app));
        }
        let app = App::new(self.applied_to(None));
        let record = AppRecord::new(&app);
        turn.writer.put_app(app);
        Ok(record)
    }
}

impl SetApp {
    fn applied_to(&self, standing: Option<&AppSettings>) -> AppSettings {
        let name = self.name.as_ref().map(|name| name.0.to_string());
        let tags = self.tags.clone();
        AppSettings {
            app_id: self.app_id,
            name: name.or_else(|| standing.map(|app| app.name.clone())).unwrap_or_default(),
            app_builder: self.app_builder.unwrap_or_else(|| standing.is_none_or(|app| app.app_builder)),
            use_whitelist: self.use_whitelist.unwrap_or_else(|| standing.is_some_and(|app| app.use_whitelist)),
            use_blacklist: self.use_blacklist.unwrap_or_else(|| standing.is_some_and(|app| app.use_blacklist)),
            tags: tags.or_else(|| standing.map(|app| app.tags.clone())).unwrap_or_default(),
        }
    }
}

/// Refuses a name that is too long.
pub fn bound_name(name: Option<&Text>) -> Result<(), Error> {
    match name {
        Some(name) if name.0.len() > NAME_BYTES_MAX => {
            Err(Error::field("name", format_args!("has at most {NAME_BYTES_MAX} bytes")))
        }
        _ => Ok(()),
    }
}

impl Method for RemoveApp {
    const CALL: Call = Call::new("removeApp", "removeApp_ack", "removes an app with its lists and all grants in it");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Apps;
    const REFUSES: &[Code] = &[Code::UnknownApp];
    type Reply = RemovedApp;
}

impl Alter for RemoveApp {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<RemovedApp>, Error> {
        state.app(self.app_id).map(|_| Verdict::Proceed).ok_or_else(|| Error::unknown_app(self.app_id))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedApp, Error> {
        let app_id = self.app_id;
        turn.writer.remove_app(app_id).ok_or_else(|| Error::unknown_app(app_id))?;
        for bot_id in turn.writer.state().bot_ids() {
            let bot = turn.writer.state().bot(bot_id).filter(|bot| bot.is_in(app_id)).map(|bot| bot.clone());
            if let Some(bot) = bot {
                turn.writer.put_bot(bot.without(app_id));
            }
        }
        Ok(RemovedApp { app_id })
    }
}

impl Method for GetApps {
    const CALL: Call = Call::new("getApps", "getAppsResponse", "lists the apps by pages");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Apps;
    type Reply = Apps;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetApps {
    fn answer(&self, View { state, .. }: View<'_>) -> Result<Apps, Error> {
        let ids: Vec<u64> = state.app_ids().iter().map(|id| id.0).collect();
        let (ids, end) = self.page()?.cut_ids(&ids);
        let apps = ids.into_iter().filter_map(|id| state.app(AppId(id)).map(|app| AppRecord::new(&app)));
        Ok(Apps { apps: apps.collect(), end })
    }
}

impl GetApps {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

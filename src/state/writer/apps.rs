//! This is where apps and their lists are changed.

use std::ops::Deref;

use dashmap::mapref::one::RefMut;

use super::Writer;
use crate::state::app::{App, AppSettings, ListName};
use crate::state::digest::RecordHash;
use crate::state::id::AppId;
use crate::state::pattern_list::Pattern;
use crate::state::patterns::Expression;
use crate::state::record::Record;
use crate::state::signup_list::{Entry, Tags, Vacancy};
use crate::state::tags::SharedTags;
use crate::state::tally::Tally;

/// An app that is being changed; readers see it when this is dropped.
#[derive(Debug)]
pub struct AppMut<'a> {
    app: RefMut<'a, AppId, App>,
    tally: &'a mut Tally,
    tags: &'a mut SharedTags,
}

impl Writer {
    /// An app, to be changed.
    pub fn app_mut(&mut self, id: AppId) -> Option<AppMut<'_>> {
        Some(AppMut { app: self.state.apps.get_mut(&id)?, tally: &mut self.tally, tags: &mut self.tags })
    }

    /// Has what is on the apps' lists counted one by one when they are removed.
    pub(in crate::state) fn forget_listed(&mut self) {
        self.state.apps.iter_mut().for_each(|mut app| app.listed = None);
    }

    /// Puts an app in place, whose lists are empty.
    pub fn put_app(&mut self, app: App) {
        let id = app.settings.app_id;
        self.remove_app(id);
        self.tally.add_app(&app);
        self.state.apps.insert(id, app);
    }

    /// Takes an app away, with its lists.
    pub fn remove_app(&mut self, id: AppId) -> Option<App> {
        let (_, app) = self.state.apps.remove(&id)?;
        self.tally.remove_app(&app);
        Some(app)
    }
}

impl Deref for AppMut<'_> {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl AppMut<'_> {
    /// Changes its settings.
    ///
    /// # Panics
    /// If they are another app's.
    pub fn set(&mut self, settings: AppSettings) {
        assert_eq!(settings.app_id, self.app.settings.app_id, "an app keeps its id");
        self.tally.open_app(&self.app);
        self.app.settings = settings;
    }

    /// Adds somebody whose sign-up id was looked up on the list and found vacant just before; gives the entry's number.
    pub fn add_signup(&mut self, list: ListName, vacancy: Vacancy, entry: Entry) -> u64 {
        self.tally.open_app(&self.app);
        let id = self.app.last_signup + 1;
        self.app.last_signup = id;
        self.push_signup(list, vacancy, id, entry);
        id
    }

    /// The same, under a number that was given before.
    pub(in crate::state) fn push_signup(&mut self, list: ListName, vacancy: Vacancy, id: u64, entry: Entry) {
        let app_id = self.app.settings.app_id;
        self.tally.add_listed(&mut self.app.listed, &Record::of_signup(app_id, list, id, &entry));
        let entry = Entry { tags: self.tags.shared(entry.tags), ..entry };
        self.app.list_mut(list).signups.push(vacancy, id, entry);
    }

    /// Notes what a record of what is on its lists comes to, where it is not counted otherwise.
    pub(in crate::state) fn note_listed(&mut self, hash: RecordHash) {
        self.app.listed.iter_mut().for_each(|listed| listed.add_hash(hash));
    }

    /// Replaces the tags of an entry, where there is one of this number.
    pub fn retag(&mut self, list: ListName, id: u64, tags: Tags) {
        let app_id = self.app.settings.app_id;
        let mut listed = self.app.listed;
        let signups = &mut self.app.list_mut(list).signups;
        let Some(before) = signups.get(id).filter(|entry| entry.tags != tags) else { return };
        self.tally.remove_listed(&mut listed, &Record::of_signup(app_id, list, id, before));
        let after = signups.retag(id, self.tags.shared(tags));
        self.tally.add_listed(&mut listed, &Record::of_signup(app_id, list, id, after));
        self.app.listed = listed;
    }

    /// Takes the entry of a sign-up id off a list.
    pub fn remove_signup(&mut self, list: ListName, signup_id: &str) -> Option<Entry> {
        let (id, entry) = self.app.list_mut(list).signups.remove(signup_id)?;
        let app_id = self.app.settings.app_id;
        self.tally.remove_listed(&mut self.app.listed, &Record::of_signup(app_id, list, id, &entry));
        Some(entry)
    }

    /// Adds patterns whose texts do not stand on the list yet; they are numbered from what this gives on.
    pub fn add_patterns(&mut self, list: ListName, patterns: Vec<(Pattern, Expression)>) -> u64 {
        self.tally.open_app(&self.app);
        let first = self.app.last_pattern + 1;
        let numbered: Vec<_> = (first..).zip(patterns).map(|(id, (pattern, read))| (id, pattern, read)).collect();
        self.app.last_pattern = numbered.last().map_or(self.app.last_pattern, |(id, ..)| *id);
        self.push_patterns(list, numbered);
        first
    }

    /// The same, under numbers that were given before.
    pub(in crate::state) fn push_patterns(&mut self, list: ListName, patterns: Vec<(u64, Pattern, Expression)>) {
        let app_id = self.app.settings.app_id;
        for (id, pattern, _) in &patterns {
            self.tally.add_listed(&mut self.app.listed, &Record::of_pattern(app_id, list, *id, pattern));
        }
        self.app.list_mut(list).patterns.extend(patterns);
    }

    /// Takes a pattern off a list, by its number.
    pub fn remove_pattern(&mut self, list: ListName, id: u64) -> Option<Pattern> {
        let pattern = self.app.list_mut(list).patterns.remove(id)?;
        let app_id = self.app.settings.app_id;
        self.tally.remove_listed(&mut self.app.listed, &Record::of_pattern(app_id, list, id, &pattern));
        Some(pattern)
    }
}

//! This is where the digest of the state is kept up to date: each record counted in when it comes, and out when it goes.

use std::collections::HashSet;
use std::convert::Infallible;

use super::State;
use super::app::App;
use super::digest::{Digest, RecordHash};
use super::id::AppId;
use super::last_ids::LastIds;
use super::organization::Organization;
use super::record::{self, Record};
use super::share::Share;

/// The running digest, and what it lacks for now.
///
/// A record that changes with nearly every entry, such as an app's, which has the number of its newest sign-up, is counted out
/// when it is first touched, and stays open: it is counted in by [`Tally::settle`], however often it changed by then.
#[derive(Debug, Default)]
pub(super) struct Tally {
    digest: Digest,
    open_apps: HashSet<AppId>,
    last_ids_are_open: bool,
    /// Nothing is counted while a state is restored whose digest is known.
    paused: bool,
    /// The JSON of the record that is being counted; kept to be used again.
    text: Vec<u8>,
}

impl Tally {
    /// Counts a record in.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        if !self.paused {
            self.digest.add_hash(RecordHash::of(record, &mut self.text));
        }
    }

    /// Counts a record out, as it was counted in.
    pub(super) fn remove(&mut self, record: &Record<'_>) {
        if !self.paused {
            self.digest.remove_hash(RecordHash::of(record, &mut self.text));
        }
    }

    /// An app's own record is about to change.
    pub(super) fn open_app(&mut self, app: &App) {
        if !self.paused && self.open_apps.insert(app.settings.app_id) {
            self.remove(&Record::of_app(app));
        }
    }

    /// An app comes, with all on its lists.
    pub(super) fn add_app(&mut self, app: &App) {
        self.add(&Record::of_app(app));
        let Ok(()) = record::on_lists_of(app, |record| done(self.add(&record)));
    }

    /// An app is gone, with all on its lists.
    pub(super) fn remove_app(&mut self, app: &App) {
        if !self.open_apps.remove(&app.settings.app_id) {
            self.remove(&Record::of_app(app));
        }
        let Ok(()) = record::on_lists_of(app, |record| done(self.remove(&record)));
    }

    /// A share comes, with all on its list.
    pub(super) fn add_share(&mut self, share: &Share) {
        let Ok(()) = record::of_share(share, |record| done(self.add(&record)));
    }

    /// A share is gone, with all on its list.
    pub(super) fn remove_share(&mut self, share: &Share) {
        let Ok(()) = record::of_share(share, |record| done(self.remove(&record)));
    }

    /// An organisation comes, with its members.
    pub(super) fn add_organization(&mut self, organization: &Organization) {
        let Ok(()) = record::of_organization(organization, |record| done(self.add(&record)));
    }

    /// An organisation is gone, with its members.
    pub(super) fn remove_organization(&mut self, organization: &Organization) {
        let Ok(()) = record::of_organization(organization, |record| done(self.remove(&record)));
    }

    /// The highest ids are about to change; this is what they are.
    pub(super) fn open_last_ids(&mut self, before: LastIds) {
        if !self.paused && !std::mem::replace(&mut self.last_ids_are_open, true) {
            Record::of_last_ids(before).iter().for_each(|record| self.remove(record));
        }
    }

    /// Counts in what is open, so that the digest is that of the state.
    pub(super) fn settle(&mut self, state: &State) -> Digest {
        for app_id in std::mem::take(&mut self.open_apps) {
            let app = state.app(app_id).expect("an app that goes is no longer open");
            self.add(&Record::of_app(&app));
        }
        if std::mem::take(&mut self.last_ids_are_open) {
            Record::of_last_ids(state.last_ids()).iter().for_each(|record| self.add(record));
        }
        self.digest
    }

    /// Counts nothing until the digest is told.
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on from the digest that the state is known to have.
    pub(super) fn resume(&mut self, known: Digest) {
        *self = Self { digest: known, text: std::mem::take(&mut self.text), ..Self::default() };
    }
}

fn done((): ()) -> Result<(), Infallible> {
    Ok(())
}

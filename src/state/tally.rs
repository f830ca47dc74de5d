//! This is where the digest of the state is kept up to date: each record counted in when it comes, and out when it goes.

use std::convert::Infallible;

use hashbrown::HashSet;

use super::State;
use super::app::App;
use super::digest::{Digest, RecordHash, RecordText};
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
    text: RecordText,
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

    /// Counts in a record of what is on an app's lists, whose sum it belongs to as well.
    pub(super) fn add_listed(&mut self, listed: &mut Option<Digest>, record: &Record<'_>) {
        if !self.paused {
            let hash = RecordHash::of(record, &mut self.text);
            self.digest.add_hash(hash);
            listed.iter_mut().for_each(|listed| listed.add_hash(hash));
        }
    }

    /// Counts it out.
    pub(super) fn remove_listed(&mut self, listed: &mut Option<Digest>, record: &Record<'_>) {
        if !self.paused {
            let hash = RecordHash::of(record, &mut self.text);
            self.digest.remove_hash(hash);
            listed.iter_mut().for_each(|listed| listed.remove_hash(hash));
        }
    }

    fn add_next(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        self.add(record);
        Ok(())
    }

    fn remove_next(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        self.remove(record);
        Ok(())
    }

    /// An app's own record is about to change.
    pub(super) fn open_app(&mut self, app: &App) {
        if !self.paused && self.open_apps.insert(app.settings.app_id) {
            self.remove(&Record::of_app(app));
        }
    }

    /// An app comes, with nothing on its lists.
    pub(super) fn add_app(&mut self, app: &App) {
        debug_assert_eq!(app.listed, Some(Digest::default()), "lists are filled where they stand");
        self.add(&Record::of_app(app));
    }

    /// An app is gone, with all on its lists.
    pub(super) fn remove_app(&mut self, app: &App) {
        if !self.open_apps.remove(&app.settings.app_id) {
            self.remove(&Record::of_app(app));
        }
        match app.listed {
            Some(listed) => self.digest.remove_all(listed),
            None => {
                let Ok(()) = record::on_lists_of(app, |record| self.remove_next(&record));
            }
        }
    }

    /// A share comes, with all on its list.
    pub(super) fn add_share(&mut self, share: &Share) {
        let Ok(()) = record::of_share(share, |record| self.add_next(&record));
    }

    /// A share is gone, with all on its list.
    pub(super) fn remove_share(&mut self, share: &Share) {
        let Ok(()) = record::of_share(share, |record| self.remove_next(&record));
    }

    /// An organisation comes, with its members.
    pub(super) fn add_organization(&mut self, organization: &Organization) {
        let Ok(()) = record::of_organization(organization, |record| self.add_next(&record));
    }

    /// An organisation is gone, with its members.
    pub(super) fn remove_organization(&mut self, organization: &Organization) {
        let Ok(()) = record::of_organization(organization, |record| self.remove_next(&record));
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use crate::fold::fold;
    use crate::journal::Entry;
    use crate::state::Writer;
    use crate::state::digest::Digest;
    use crate::state::record::each_record;

    fn done(writer: &mut Writer, message: &str) {
        let seq = writer.state().folded() + 1;
        let text = format!(r#"{{"seq":{seq},"at_ms":5,"by":"seed","do":{message}}}"#);
        let entry = Entry::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        fold(writer, entry, &mut Vec::new()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }

    fn signup(method: &str, app: usize, person: usize) -> String {
        format!(r#"{{"method":"{method}","app_id":"{app}","signups":["user{person}@example.com"]}}"#)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_left_of_what_came_and_went_in_any_order(
            (coming, going) in Just((0..40).collect::<Vec<usize>>()).prop_flat_map(|all| {
                (Just(all.clone()).prop_shuffle(), Just(all).prop_shuffle())
            }),
            batch in 1..9_usize,
        ) {
            let mut writer = Writer::default();
            for app in 1..=2 {
                done(&mut writer, &format!(r#"{{"method":"setApp","app_id":"{app}"}}"#));
            }
            let lists = ["Whitelist", "Blacklist"];
            for (verb, people) in [("addTo", &coming), ("removeFrom", &going)] {
                for person in people {
                    done(&mut writer, &signup(&format!("{verb}{}", lists[person % 2]), person / 2 % 2 + 1, *person));
                    if person % batch == 0 {
                        prop_assert_eq!(writer.settle().digest, Digest::of(writer.state()));
                    }
                }
            }
            for app in [2, 1] {
                done(&mut writer, &format!(r#"{{"method":"removeApp","app_id":"{app}"}}"#));
            }
            prop_assert_eq!(writer.settle().digest, Digest::default());
            prop_assert_eq!(writer.state().digest(), writer.settle());
        }

        #[test]
        fn the_order_of_records_does_not_matter(order in Just((0..20).collect::<Vec<usize>>()).prop_shuffle()) {
            let mut writer = Writer::default();
            done(&mut writer, r#"{"method":"setApp","app_id":"1"}"#);
            for person in 0..19 {
                done(&mut writer, &signup("addToWhitelist", 1, person));
            }
            let mut records = Vec::new();
            let taken: Result<(), serde_json::Error> = each_record(writer.state(), |record| {
                records.push(serde_json::to_string(&record)?);
                Ok(())
            });
            prop_assert!(taken.is_ok() && records.len() == order.len());
            let record = |index: usize| serde_json::from_str(&records[index]).expect("a record is read back");
            let mut digest = Digest::default();
            order.iter().for_each(|index| digest.add(&record(*index)));
            prop_assert_eq!(digest, writer.settle().digest);
            (0..order.len()).for_each(|index| digest.remove(&record(index)));
            prop_assert_eq!(digest, Digest::default());
        }
    }

    /// Entries to fold, and how many of them make a batch.
    const ENTRIES: u64 = 200_000;
    const BATCH: u64 = 100;

    fn measured(counting: bool) -> Duration {
        let mut writer = Writer::default();
        if !counting {
            writer.stop_counting();
        }
        done(&mut writer, r#"{"method":"setApp","app_id":"1"}"#);
        let entry = |seq: u64| {
            let signups = format!(r#"[{{"signup_id":"user{seq}@example.com","tags":["4"]}}]"#);
            let message = format!(r#"{{"method":"addToWhitelist","app_id":"1","signups":{signups}}}"#);
            Entry::parse(&format!(r#"{{"seq":{seq},"at_ms":5,"by":"seed","do":{message}}}"#)).expect("it is an entry")
        };
        let entries: Vec<Entry> = (2..ENTRIES + 2).map(entry).collect();
        let (start, mut events) = (Instant::now(), Vec::new());
        for entry in entries {
            let seq = entry.seq;
            fold(&mut writer, entry, &mut events).expect("there is room");
            if seq % BATCH == 0 {
                writer.settle();
            }
        }
        let took = start.elapsed();
        let start = Instant::now();
        writer.remove_app(crate::state::id::AppId(1));
        println!(
            "counting {counting}: {ENTRIES} sign-ups added in {took:?}, removed with their app in {:?}",
            start.elapsed()
        );
        took
    }

    /// Prints what counting costs where it costs most; nothing is asserted, for time is the machine's.
    #[test]
    #[ignore = "a measurement: cargo test --release --lib tally -- --ignored --nocapture"]
    fn counting_costs_about_a_hash_an_entry() {
        for _ in 0..3 {
            let (without, with) = (measured(false), measured(true));
            println!("{:.2} times the time", with.as_secs_f64() / without.as_secs_f64());
        }
    }
}

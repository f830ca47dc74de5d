//! This is where a peer keeps its lists: a map of apps, and of each app a map of people and their order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use serde::{Serialize, Serializer};

use crate::handler::Signup;

/// The lists of all apps.
#[derive(Default)]
pub struct Lists {
    apps: DashMap<Box<str>, App>,
    last_id: AtomicU64,
}

/// The list of an app.
#[derive(Default)]
pub struct App {
    places: HashMap<Box<str>, usize>,
    /// In the order in which they came.
    pub people: Vec<Person>,
}

/// Somebody on a list.
#[derive(Clone, Serialize)]
pub struct Person {
    /// Told as a string.
    #[serde(serialize_with = "digits")]
    id: u64,
    signup_id: Box<str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: Box<[Box<str>]>,
}

impl Lists {
    /// Puts people on the list of an app; those who stand there keep their ids.
    pub fn add(&self, app_id: &str, signups: &[Signup<'_>]) -> Vec<Person> {
        let mut app = match self.apps.get_mut(app_id) {
            Some(app) => app,
            None => self.apps.entry(app_id.into()).or_default(),
        };
        signups.iter().map(|signup| app.add(signup, &self.last_id)).collect()
    }

    /// Asks something of the list of an app.
    pub fn ask<T>(&self, app_id: &str, question: impl FnOnce(&App) -> T) -> Option<T> {
        self.apps.get(app_id).map(|app| question(&app))
    }
}

impl App {
    fn add(&mut self, signup: &Signup<'_>, last_id: &AtomicU64) -> Person {
        let tags = || signup.tags.iter().flatten().map(|tag| Box::from(&*tag.0)).collect();
        if let Some(&place) = self.places.get(&*signup.signup_id) {
            let person = &mut self.people[place];
            if signup.tags.is_some() {
                person.tags = tags();
            }
            return person.clone();
        }
        let id = last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let person = Person { id, signup_id: Box::from(&*signup.signup_id), tags: tags() };
        self.places.insert(person.signup_id.clone(), self.people.len());
        self.people.push(person.clone());
        person
    }

    /// Looks somebody up.
    pub fn find(&self, signup_id: &str) -> Option<&Person> {
        self.places.get(signup_id).map(|&place| &self.people[place])
    }
}

fn digits<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(itoa::Buffer::new().format(*id))
}

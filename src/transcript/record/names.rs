//! The names that stand in a recording for what is left out of it: one for each value, all through the recording.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::{RECORDED_NAMES_BYTES_MAX, RECORDED_NAMES_MAX};

/// Bytes of the shortest secret that is looked for inside other texts; one shorter would be found everywhere.
const WITHIN_BYTES_MIN: usize = 6;

/// What is known of the values that passed.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Secrets, by the text of their JSON value.
    secrets: HashMap<String, Named>,
    /// Ids that the gateway made.
    ids: HashMap<String, Named>,
    /// Ids and times that the client said first, and which come back as they are.
    given: HashSet<String>,
    /// How many names there are of each stem.
    counts: BTreeMap<&'static str, u32>,
    /// How much text is remembered.
    bytes: usize,
    /// The long secrets, by their first bytes.
    beginnings: HashMap<[u8; WITHIN_BYTES_MIN], Vec<String>>,
}

#[derive(Debug)]
struct Named {
    stem: &'static str,
    /// Given with the first line that needs it.
    name: Option<String>,
    /// Whether a line binds the name, so that later ones may use it.
    is_bound: bool,
}

/// Which values a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret.
    Secret,
    /// An id that the gateway made.
    Id,
}

impl Names {
    /// Whether more is remembered than one recording may.
    pub(super) fn are_too_many(&self) -> bool {
        let count = self.secrets.len() + self.ids.len() + self.given.len();
        count > RECORDED_NAMES_MAX || self.bytes > RECORDED_NAMES_BYTES_MAX
    }

    /// Remembers that a value is secret. `text` is its JSON text, `plain` what it says.
    pub(super) fn keep_secret(&mut self, stem: &'static str, text: &str, plain: &str) {
        if self.secrets.contains_key(text) {
            return;
        }
        self.bytes += text.len() + plain.len();
        self.secrets.insert(text.to_owned(), Named { stem, name: None, is_bound: false });
        if let Some(beginning) = plain.as_bytes().first_chunk() {
            self.beginnings.entry(*beginning).or_default().push(plain.to_owned());
        }
    }

    /// Whether a value is a known secret.
    pub(super) fn is_secret(&self, text: &str) -> bool {
        self.secrets.contains_key(text)
    }

    /// Whether a known secret stands anywhere in a text.
    pub(super) fn holds_secret(&self, text: &str) -> bool {
        if self.beginnings.is_empty() {
            return false;
        }
        let bytes = text.as_bytes();
        bytes.windows(WITHIN_BYTES_MIN).enumerate().any(|(at, window)| {
            let beginning: [u8; WITHIN_BYTES_MIN] = window.try_into().expect("windows are of this size");
            let secrets = self.beginnings.get(&beginning);
            secrets.is_some_and(|secrets| secrets.iter().any(|secret| bytes[at..].starts_with(secret.as_bytes())))
        })
    }

    /// Remembers an id or a time that the client said.
    pub(super) fn give(&mut self, text: &str) {
        if !self.ids.contains_key(text) {
            self.given.insert(text.to_owned());
        }
    }

    /// Whether the client said it first.
    pub(super) fn is_given(&self, text: &str) -> bool {
        self.given.contains(text)
    }

    /// Remembers an id that the gateway made.
    pub(super) fn keep_id(&mut self, text: &str) {
        self.ids.entry(text.to_owned()).or_insert(Named { stem: "uuid", name: None, is_bound: false });
    }

    /// Whether the gateway made this id.
    pub(super) fn is_id(&self, text: &str) -> bool {
        self.ids.contains_key(text)
    }

    /// The name of a known value, and whether a line binds it already.
    pub(super) fn name(&mut self, kind: Kind, text: &str) -> (String, bool) {
        let Names { secrets, ids, counts, .. } = self;
        let values = if kind == Kind::Secret { secrets } else { ids };
        let named = values.get_mut(text).expect("only known values are named");
        let name = named.name.get_or_insert_with(|| {
            let count = counts.entry(named.stem).or_default();
            *count += 1;
            format!("{}_{count}", named.stem)
        });
        (name.clone(), named.is_bound)
    }

    /// Notes that a line binds a value's name.
    pub(super) fn bound(&mut self, kind: Kind, text: &str) {
        let values = if kind == Kind::Secret { &mut self.secrets } else { &mut self.ids };
        if let Some(named) = values.get_mut(text) {
            named.is_bound = true;
        }
    }
}

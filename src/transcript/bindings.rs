//! The values that placeholders have bound to names.

use std::collections::BTreeMap;

use super::json::Json;
use crate::config::SECRET_BYTES_MIN;

/// The values bound to names so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<String, Json>);

impl Bindings {
    /// The value bound to a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// The texts among the values, each with its name, that are long enough to be told apart from other texts.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.0.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        texts.filter(|(_, text)| text.len() >= SECRET_BYTES_MIN)
    }

    /// Binds a value to a name.
    pub fn insert(&mut self, name: impl Into<String>, value: Json) {
        self.0.insert(name.into(), value);
    }

    /// Binds what another has bound too.
    pub(super) fn extend(&mut self, other: Bindings) {
        self.0.extend(other.0);
    }
}

//! The values that placeholders have bound to names.

use std::collections::BTreeMap;

use super::json::Json;

/// The values bound to names so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(pub(super) BTreeMap<String, Json>);

impl Bindings {
    /// The value bound to a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Binds a value to a name.
    pub fn insert(&mut self, name: impl Into<String>, value: Json) {
        self.0.insert(name.into(), value);
    }
}

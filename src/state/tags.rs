//! This is where tags are: ids of an app's tags, of which most people on a list have the same.

use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::DefaultHashBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// Ids of an app's tags, given to a person at sign-up; kept and echoed, never interpreted.
///
/// As large as a pointer; a copy shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
pub struct Tags(
    /// Nothing where there is no tag.
    #[schemars(with = "Box<[Box<str>]>")]
    Option<Arc<SmallVec<[CompactString; 1]>>>,
);

impl Tags {
    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Deref for Tags {
    type Target = [CompactString];

    fn deref(&self) -> &[CompactString] {
        self.0.as_ref().map_or(&[], |tags| tags)
    }
}

impl FromIterator<CompactString> for Tags {
    fn from_iter<I: IntoIterator<Item = CompactString>>(tags: I) -> Self {
        let tags = SmallVec::from_iter(tags);
        Self((!tags.is_empty()).then(|| Arc::new(tags)))
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<CompactString>::deserialize(deserializer).map(Self::from_iter)
    }
}

/// Tags that came lately, so that those who have the same share them. What it has forgotten is kept twice at worst.
#[derive(Debug, Default)]
pub struct SharedTags {
    /// By hash; empty before the first.
    recent: Vec<Tags>,
    hasher: DefaultHashBuilder,
}

/// How many are remembered.
const RECENT: usize = 4_096;

impl SharedTags {
    /// The same tags, shared with those who have them.
    pub fn shared(&mut self, tags: Tags) -> Tags {
        if tags.is_empty() {
            return tags;
        }
        self.recent.resize(RECENT, Tags::default());
        let hash = usize::try_from(self.hasher.hash_one(&tags) % RECENT as u64).expect("it is below their number");
        let place = &mut self.recent[hash];
        if *place != tags {
            *place = tags.clone();
        } else if !std::ptr::eq(&**place, &*tags) {
            return place.clone();
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tags_are_one_in_memory() {
        let tags = |json: &str| serde_json::from_str::<Tags>(json).expect("tags are an array");
        let mut shared = SharedTags::default();
        let [one, same, other] = [r#"["4","5"]"#, r#"["4","5"]"#, r#"["5"]"#].map(|json| shared.shared(tags(json)));
        assert!(std::ptr::eq(&*one, &*same) && one == same && one != other);
        assert_eq!(size_of::<Tags>(), size_of::<usize>());
        assert_eq!(serde_json::to_string(&other).expect("tags encode"), r#"["5"]"#);
        assert_eq!(tags("[]"), Tags::default());
    }
}

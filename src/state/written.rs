//! This is where records are read back from their JSON: sign-ups, of which there are many, in as few steps as it takes.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::app::ListName;
use super::id::AppId;
use super::record::Record;
use super::signup_list::Entry;
use super::tags::Tags;

/// How many different tags are remembered, so that those who have the same share them.
const TAGS_MAX: usize = 4_096;

/// Reads one record after another.
#[derive(Debug, Default)]
pub struct RecordReader {
    /// By their JSON.
    tags: HashMap<Box<str>, Tags>,
}

impl RecordReader {
    /// Reads the JSON of a record.
    pub fn read(&mut self, json: &str) -> Result<Record<'static>, serde_json::Error> {
        self.signup(json).map_or_else(|| serde_json::from_str(json), Ok)
    }

    /// A sign-up in just the form in which they are written; nothing where it has any other, good or bad.
    fn signup(&mut self, json: &str) -> Option<Record<'static>> {
        let (app_id, rest) = plain(json.strip_prefix(r#"{"signup":{"app_id":"#)?)?;
        let (list, rest) = plain(rest.strip_prefix(r#","list":"#)?)?;
        let list = match list {
            "whitelist" => ListName::Whitelist,
            "blacklist" => ListName::Blacklist,
            _ => return None,
        };
        let rest = rest.strip_prefix(r#","id":"#)?;
        let (id, rest) = rest.split_at(rest.bytes().position(|byte| !byte.is_ascii_digit())?);
        let (signup_id, rest) = plain(rest.strip_prefix(r#","entry":{"signup_id":"#)?)?;
        let tags = match rest.strip_suffix("}}}")? {
            "" => Tags::default(),
            rest => self.tags(rest.strip_prefix(r#","tags":"#)?)?,
        };
        // JSON has no leading zeros.
        let id = id.parse().ok().filter(|_| id.len() == 1 || !id.starts_with('0'))?;
        let entry = Cow::Owned(Entry { signup_id: signup_id.into(), tags });
        Some(Record::Signup { app_id: app_id.parse::<AppId>().ok()?, list, id, entry })
    }

    fn tags(&mut self, json: &str) -> Option<Tags> {
        if let Some(tags) = self.tags.get(json) {
            return Some(tags.clone());
        }
        let tags: Tags = serde_json::from_str(json).ok()?;
        if self.tags.len() == TAGS_MAX {
            self.tags.clear();
        }
        self.tags.insert(json.into(), tags.clone());
        Some(tags)
    }
}

/// Takes a JSON string without escapes off a text.
fn plain(json: &str) -> Option<(&str, &str)> {
    let text = json.strip_prefix('"')?;
    let end = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
    let (text, rest) = text.split_at(end);
    Some((text, rest.strip_prefix('"')?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(record: &Record<'_>) -> String {
        serde_json::to_string(record).expect("a record has string keys")
    }

    /// What reading it comes to; nothing where it cannot be read.
    fn read(json: &str) -> Option<String> {
        RecordReader::default().read(json).ok().map(|record| written(&record))
    }

    proptest! {
        #[test]
        fn a_sign_up_is_read_as_it_was_written(
            app in any::<u64>(),
            id in any::<u64>(),
            signup_id in ".{0,40}",
            tags in prop::collection::vec(".{0,5}", 0..3),
            cut in any::<prop::sample::Index>(),
            other in any::<char>(),
        ) {
            let tags: Tags = tags.into_iter().map(compact_str::CompactString::from).collect();
            let entry = Entry { signup_id: signup_id.into(), tags };
            let json = written(&Record::of_signup(AppId(app), ListName::Blacklist, id, &entry));
            prop_assert_eq!(read(&json), Some(json.clone()));
            // Whatever becomes of a letter, it is read, or refused, as any JSON is.
            let mut letters: Vec<char> = json.chars().collect();
            letters[cut.index(json.chars().count())] = other;
            let changed: String = letters.into_iter().collect();
            let expected = serde_json::from_str::<Record<'_>>(&changed).ok().map(|record| written(&record));
            prop_assert_eq!(read(&changed), expected);
        }
    }

    #[test]
    fn many_different_tags_are_not_all_remembered() {
        let mut reader = RecordReader::default();
        for tag in 0..2 * TAGS_MAX {
            assert!(reader.tags(&format!(r#"["{tag}"]"#)).is_some_and(|tags| *tags[0] == *tag.to_string()));
        }
        assert!(reader.tags.len() <= TAGS_MAX);
    }
}

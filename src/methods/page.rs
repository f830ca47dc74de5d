//! This is where long lists are cut into pages: by number, as the nandbox API has it, or by a cursor of ours.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use crate::schema::leaf::also;
use crate::state::id::{OrgId, RecordId};
use crate::wire::error::Error;
use crate::wire::fields::{Count, Text};

/// Which page of a list is asked for.
#[derive(Debug)]
pub struct Page<K = u64> {
    /// Where it starts.
    pub start: Start<K>,
    size: usize,
    number: Option<u64>,
}

/// Where a page starts.
#[derive(Clone, Copy, Debug)]
pub enum Start<K = u64> {
    /// At the item with this many others before it.
    Rank(usize),
    /// After the item with this id.
    After(K),
}

/// What a list is in the order of, and a cursor names; the default comes before all items.
pub trait Key: Clone + Default + Ord {
    /// Reads it out of a cursor.
    fn read(cursor: &str) -> Option<Self>;

    /// Makes a cursor of it.
    fn written(&self) -> Box<str>;
}

impl Key for u64 {
    fn read(cursor: &str) -> Option<Self> {
        cursor.parse().ok().map(|RecordId(id)| id)
    }

    fn written(&self) -> Box<str> {
        self.to_string().into()
    }
}

impl Key for Option<OrgId> {
    fn read(cursor: &str) -> Option<Self> {
        cursor.parse().ok().map(Some)
    }

    fn written(&self) -> Box<str> {
        self.as_ref().map(OrgId::as_str).unwrap_or_default().into()
    }
}

/// What an answer says of the page's place in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PageEnd {
    /// The page's number, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_number: Option<u64>,
    /// Whether the list ends here; absent in all but the last frame of a page sent in several.
    #[serde(skip_serializing_if = "Option::is_none")]
    eop: Option<bool>,
    /// Where a walk by cursor goes on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Box<str>>,
}

/// Says in the schema of a method with the field `page_size` what that takes.
pub fn size_field(schema: &mut Schema) {
    let told = json!({
        "description": format!("How many to list at most: {PAGE_SIZE_DEFAULT} by default, and {PAGE_SIZE_MAX} even where more are asked for."),
        "minimum": 1,
        "pattern": "^0*[1-9][0-9]{0,19}$"
    });
    tell(schema, "page_size", &told);
}

/// Says in the schema of a method what one of its fields takes.
fn tell(schema: &mut Schema, name: &str, told: &Value) {
    let place = schema.pointer_mut(&format!("/properties/{name}")).and_then(Value::as_object_mut);
    let place = place.expect("whoever lists by pages has these fields");
    for (keyword, value) in told.as_object().expect("it is written as one") {
        if keyword != "pattern" || place.get("pattern").is_none_or(|pattern| *pattern != ORG_CURSOR) {
            place.insert(keyword.clone(), value.clone());
        }
    }
}

/// Says in the schema of a method with the fields `page_size`, `page_number` and `cursor` what those take.
pub fn page_fields(schema: &mut Schema) {
    size_field(schema);
    let fields = json!({
        "page_number": {"description": "Which page, from 0 on."},
        "cursor": {
            "description": "Instead of a page's number: `\"\"` first, then the `cursor` of the answer before, until there is none. \
                            Such a walk neither skips nor repeats what stays while others write.",
            "pattern": "^[0-9]{0,20}$"
        }
    });
    for (name, told) in fields.as_object().expect("it is written as one") {
        tell(schema, name, told);
    }
    let given = |types: [&str; 2]| json!({"type": types});
    let both = json!({"cursor": given(["string", "integer"]), "page_number": given(["string", "integer"])});
    also(schema, json!({"not": {"required": ["cursor", "page_number"], "properties": both}}));
}

/// What a cursor looks like where organisations are listed, in schemas.
pub const ORG_CURSOR: &str = "^[A-Za-z0-9._-]{0,64}$";

impl PageEnd {
    /// The end of a page that is asked for by cursor.
    pub fn of_walk(cursor: Option<Box<str>>) -> Self {
        Self { page_number: None, eop: Some(cursor.is_none()), cursor }
    }

    /// Moves what only the last frame of a page carries to the part split off.
    pub fn hand_on(&mut self) -> Self {
        Self { page_number: self.page_number, eop: self.eop.take(), cursor: self.cursor.take() }
    }
}

/// Why a text is no cursor.
pub fn none_of_ours() -> Error {
    Error::field("cursor", "is none of ours; start without, and go on with the cursor of the last answer")
}

/// The number behind which a page begins, of which a cursor is made that may be left out.
pub fn number_cursor(cursor: Option<&Text>) -> Result<Option<u64>, Error> {
    let cursor = cursor.map(|cursor| &*cursor.0).filter(|cursor| !cursor.is_empty());
    cursor.map(|cursor| u64::read(cursor).ok_or_else(none_of_ours)).transpose()
}

/// How many a page has at most.
pub fn page_size(asked: Option<Count>) -> Result<usize, Error> {
    let size = asked.map_or(PAGE_SIZE_DEFAULT, |size| size.0);
    if size == 0 {
        return Err(Error::field("page_size", format!("must be 1 to {PAGE_SIZE_MAX}")));
    }
    Ok(usize::try_from(size.min(PAGE_SIZE_MAX)).expect("a page fits in memory"))
}

impl<K: Key> Page<K> {
    /// The page that a request's fields describe.
    pub fn new(size: Option<Count>, number: Option<Count>, cursor: Option<&Text>) -> Result<Self, Error> {
        let size = page_size(size)?;
        let start = match cursor {
            None => {
                let number = number.map_or(0, |number| number.0);
                Start::Rank(usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(size))
            }
            Some(_) if number.is_some() => {
                return Err(Error::field("cursor", "goes without page_number; send one of them"));
            }
            Some(Text(cursor)) if cursor.is_empty() => Start::After(K::default()),
            Some(Text(cursor)) => Start::After(K::read(cursor).ok_or_else(|| {
                Error::field("cursor", "is none of ours; start with \"\" and go on with the cursor of the last answer")
            })?),
        };
        let number = cursor.is_none().then(|| number.map_or(0, |number| number.0));
        Ok(Self { start, size, number })
    }

    /// Takes the page off the items from its start on, which come with their ids.
    pub fn cut<T>(&self, mut items: impl Iterator<Item = (K, T)>) -> (Vec<(K, T)>, PageEnd) {
        let page: Vec<_> = items.by_ref().take(self.size).collect();
        let more = items.next().is_some();
        let cursor = page.last().filter(|_| more && self.number.is_none()).map(|(id, _)| id.written());
        (page, PageEnd { page_number: self.number, eop: Some(!more), cursor })
    }

    /// Takes the page off all ids there are, rising.
    pub fn cut_ids<I: Clone + Into<K>>(&self, ids: &[I]) -> (Vec<I>, PageEnd) {
        let start = match &self.start {
            Start::Rank(rank) => (*rank).min(ids.len()),
            Start::After(after) => ids.partition_point(|id| id.clone().into() <= *after),
        };
        let (page, end) = self.cut(ids[start..].iter().map(|id| (id.clone().into(), id.clone())));
        (page.into_iter().map(|(_, id)| id).collect(), end)
    }
}

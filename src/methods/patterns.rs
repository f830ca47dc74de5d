//! This is where patterns get on and off the lists.

use std::collections::HashMap;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{OfList, bound_items, bound_tags, resolve, resolved, second_half, with_app};
use super::listing::Items;
use super::page::{Page, PageEnd, Start};
use super::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::access::{About, Permission, Sender, View};
use crate::config::{COMPILED_PER_LIST_MAX, NAME_BYTES_MAX, PATTERNS_PER_CALL_MAX, PATTERNS_PER_LIST_MAX};
use crate::schema::leaf::AlsoNamed;
use crate::state::app::List;
use crate::state::id::{AppId, RecordId};
use crate::state::pattern_list::{Pattern, PatternList};
use crate::state::patterns::{Expression, Operator};
use crate::state::signup_list::Tags;
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Many, NewPattern, PatternField};
use crate::wire::frame::Reply;

/// Adds patterns to a list; those whose text stands on it are passed over. A pattern without `operator` is a regular
/// expression that must match the whole id, without case, or, where it is none, a glob in which `*` stands for any run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", transform = AlsoNamed("patterns", &["data", "pattern"]))]
pub struct Add<L> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    #[serde(default, skip_serializing)]
    chat_id: Option<AppId>,
    /// The patterns; one alone needs no array.
    #[serde(alias = "data", alias = "pattern")]
    #[schemars(with = "Many<NewPattern>", extend("maxItems" = PATTERNS_PER_CALL_MAX))]
    patterns: Many<PatternField>,
    /// What the patterns mean, one for one, of those that do not stand; read once, before the engine has the message.
    #[serde(skip)]
    expressions: Vec<Option<Expression>>,
    #[serde(skip)]
    list: PhantomData<fn() -> L>,
}

/// Removes patterns from a list, each named by its text or its id; those that are not on it are passed over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", transform = AlsoNamed("patterns", &["data", "pattern"]))]
pub struct Remove<L> {
    /// The app; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// Means `app_id` where that is left out, as in the calls of some SDKs.
    #[serde(default, skip_serializing)]
    chat_id: Option<AppId>,
    /// The patterns; one alone needs no array.
    #[serde(alias = "data", alias = "pattern")]
    #[schemars(extend("maxItems" = PATTERNS_PER_CALL_MAX))]
    patterns: Many<PatternField>,
    #[serde(skip)]
    list: PhantomData<fn() -> L>,
}

/// The patterns on a list, as [`Get`](super::listing::Get) lists them.
#[derive(Debug)]
pub struct Texts;

/// A pattern on a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PatternRecord {
    id: RecordId,
    pattern: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Operator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<Box<str>>,
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
}

impl PatternRecord {
    /// A pattern as it is shown.
    pub fn new((id, pattern): (u64, &Pattern)) -> Self {
        let Pattern { pattern, operator, example, tags } = pattern.clone();
        Self { id: RecordId(id), pattern, operator, example, tags }
    }
}

/// The patterns that were really added or removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    app_id: AppId,
    /// The app again.
    chat_id: AppId,
    data: Vec<PatternRecord>,
    #[serde(rename = "recordIndex", skip_serializing_if = "Option::is_none")]
    record_index: Option<()>,
}

/// A page of a list's patterns.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Patterns {
    app_id: AppId,
    /// The app again.
    chat_id: AppId,
    data: Vec<PatternRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for Changed {
    fn split_off(&mut self) -> Option<Self> {
        let data = second_half(&mut self.data)?;
        Some(Self { data, ..*self })
    }
}

impl Reply for Patterns {
    fn split_off(&mut self) -> Option<Self> {
        let data = second_half(&mut self.data)?;
        Some(Self { app_id: self.app_id, chat_id: self.chat_id, data, end: self.end.hand_on() })
    }
}

impl<L: OfList> Method for Add<L> {
    const CALL: Call = L::ADD_PATTERNS;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::Patterns;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = Changed;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        bound_items("patterns", self.patterns.0.len(), PATTERNS_PER_CALL_MAX)?;
        for (index, field) in self.patterns.0.iter().enumerate() {
            bound_tags(|| format!("patterns[{index}].tags"), field.tags.as_ref())?;
            if field.example.as_ref().is_some_and(|example| example.len() > NAME_BYTES_MAX) {
                let message = format_args!("has at most {NAME_BYTES_MAX} bytes");
                return Err(Error::field(format_args!("patterns[{index}].example"), message));
            }
        }
        Ok(())
    }
}

impl<L: OfList> Alter for Add<L> {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<Changed>, Error> {
        // Reading patterns may take long, so it is done between two looks at the list, under no guard.
        let unread = with_app(state, self.app_id, |app| self.unread(&app.list(L::LIST).patterns))?;
        for index in unread {
            self.expressions[index] = Some(self.read(index)?);
        }
        with_app(state, self.app_id, |app| {
            let fresh = self.fresh(&app.list(L::LIST).patterns, Err)?;
            let nothing = Changed::new(app.settings.app_id, Vec::new(), L::RECORD_INDEX);
            Ok(if fresh.is_empty() { Verdict::Unchanged(nothing) } else { Verdict::Proceed })
        })?
    }

    fn run(mut self, turn: &mut Turn<'_>) -> Result<Changed, Error> {
        let app_id = resolved(self.app_id);
        let mut app = turn.writer.app_mut(app_id).ok_or_else(|| Error::unknown_app(app_id))?;
        // What was accepted once stands, even where a later gateway cannot read it any more.
        let fresh = self.fresh(&app.list(L::LIST).patterns, |_| Ok(Expression::nothing()))?;
        let mut added = Vec::with_capacity(fresh.len());
        for index in fresh {
            let PatternField { pattern, operator, example, tags } = self.patterns.0[index].clone();
            let tags = tags.filter(|_| L::TAGGED).unwrap_or_default();
            let expression = self.expressions[index].take().expect("what is fresh was read");
            added.push((Pattern { pattern, operator, example, tags }, expression));
        }
        let mut data: Vec<_> = added.iter().map(|(pattern, _)| PatternRecord::new((0, pattern))).collect();
        let first = app.add_patterns(L::LIST, added);
        data.iter_mut().zip(first..).for_each(|(record, id)| record.id = RecordId(id));
        Ok(Changed::new(app_id, data, L::RECORD_INDEX))
    }
}

impl<L> Add<L> {
    /// Which of the patterns do not stand on the list yet, and were not read.
    fn unread(&mut self, list: &PatternList) -> Vec<usize> {
        self.expressions.resize(self.patterns.0.len(), None);
        let fields = self.patterns.0.iter().zip(&self.expressions).enumerate();
        let unread = fields.filter(|(_, (field, read))| read.is_none() && list.with_text(&field.pattern).is_none());
        unread.map(|(index, _)| index).collect()
    }

    fn read(&self, index: usize) -> Result<Expression, Error> {
        let field = &self.patterns.0[index];
        let expression = Expression::parse(&field.pattern, field.operator);
        expression.map_err(|error| Error::field(format_args!("patterns[{index}]"), error))
    }

    /// Which of the patterns do not stand on the list yet, each once; afterwards their expressions are known.
    fn fresh(
        &mut self,
        list: &PatternList,
        unreadable: impl Fn(Error) -> Result<Expression, Error>,
    ) -> Result<Vec<usize>, Error> {
        self.expressions.resize(self.patterns.0.len(), None);
        let mut fresh = Vec::new();
        let mut seen: HashMap<&str, Option<Operator>> = HashMap::new();
        let mut compiled = list.compiled();
        for (index, field) in self.patterns.0.iter().enumerate() {
            let PatternField { pattern, operator, .. } = field;
            let standing = list.with_text(pattern).map(|(_, standing)| standing.operator);
            match standing.or_else(|| seen.insert(pattern, *operator)) {
                None => {
                    let expression = match self.expressions[index].take() {
                        Some(expression) => expression,
                        None => self.read(index).or_else(&unreadable)?,
                    };
                    compiled += usize::from(expression.is_compiled());
                    self.expressions[index] = Some(expression);
                    fresh.push(index);
                }
                Some(standing) if standing == *operator => {}
                Some(_) => {
                    let message =
                        format!("the pattern `{pattern}` stands already with another operator; remove it first");
                    return Err(Error::new(Code::Conflict, message));
                }
            }
        }
        bound_total("patterns", list.len() + fresh.len(), PATTERNS_PER_LIST_MAX)?;
        bound_total("patterns that are more than plain letters and `.*`", compiled, COMPILED_PER_LIST_MAX)?;
        Ok(fresh)
    }
}

impl Changed {
    fn new(app_id: AppId, data: Vec<PatternRecord>, record_index: bool) -> Self {
        Self { app_id, chat_id: app_id, data, record_index: record_index.then_some(()) }
    }
}

fn bound_total(what: &str, total: usize, max: usize) -> Result<(), Error> {
    if total <= max {
        return Ok(());
    }
    Err(Error::new(Code::TooLarge, format!("the list would hold {total} {what}, at most {max} are taken")))
}

impl<L: OfList> Method for Remove<L> {
    const CALL: Call = L::REMOVE_PATTERNS;
    const NEEDS: Permission = Permission::SignupManagement;
    const NOUN: Noun = Noun::Patterns;
    type Reply = Changed;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, self.chat_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        bound_items("patterns", self.patterns.0.len(), PATTERNS_PER_CALL_MAX)
    }
}

impl<L: OfList> Alter for Remove<L> {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<Changed>, Error> {
        with_app(state, self.app_id, |app| {
            let list = &app.list(L::LIST).patterns;
            let any = self.patterns.0.iter().any(|field| list.find(&field.pattern).is_some());
            let nothing = Changed::new(app.settings.app_id, Vec::new(), false);
            if any { Verdict::Proceed } else { Verdict::Unchanged(nothing) }
        })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Changed, Error> {
        let app_id = resolved(self.app_id);
        let mut app = turn.writer.app_mut(app_id).ok_or_else(|| Error::unknown_app(app_id))?;
        let remove = |field: &PatternField| {
            let id = app.list(L::LIST).patterns.find(&field.pattern)?;
            let removed = app.remove_pattern(L::LIST, id)?;
            Some(PatternRecord::new((id, &removed)))
        };
        let data = self.patterns.0.iter().filter_map(remove).collect();
        Ok(Changed::new(app_id, data, false))
    }
}

impl<L: OfList> Items<L> for Texts {
    const CALL: Call = L::GET_PATTERNS;
    const NOUN: Noun = Noun::Patterns;
    type Page = Patterns;

    fn page(app_id: AppId, list: &List, page: &Page) -> Patterns {
        let (patterns, end) = match page.start {
            Start::Rank(rank) => page.cut(list.patterns.from_rank(rank)),
            Start::After(id) => page.cut(list.patterns.after(id)),
        };
        Patterns { app_id, chat_id: app_id, data: patterns.into_iter().map(PatternRecord::new).collect(), end }
    }
}

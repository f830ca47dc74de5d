//! This is where users get on and off the list of those who may open a share.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::joining::{Joining, invited};
use crate::access::{About, Permission, Sender, View};
use crate::config::EMAILS_PER_CALL_MAX;
use crate::methods::list::{bound_items, second_half};
use crate::methods::owned::{self, bound_emails};
use crate::methods::page::{Page, PageEnd, Start, page_fields};
use crate::methods::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::schema::leaf::{AlsoNamed, also};
use crate::state::State;
use crate::state::email::EmailAddress;
use crate::state::id::{ChatId, EntryId, ShareId, UserId};
use crate::state::moment::Moment;
use crate::state::share::{Share, ShareEntry, ShareSettings};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Many, Text};
use crate::wire::frame::Reply;

/// Lets users open a share. Email addresses of nobody are passed over, who is on the list keeps the entry, and the owner is on it
/// too. The first addition of all switches the list on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddToShareWhitelist {
    user_id: UserId,
    chat_id: ChatId,
    share_id: ShareId,
    /// Who may open it; one alone needs no array.
    #[schemars(with = "Many<EmailAddress>", extend("minItems" = 1, "maxItems" = EMAILS_PER_CALL_MAX))]
    emails: Many<Text>,
}

/// Takes users off the list of a share, by email address or by entry; those who are not on it are passed over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = AlsoNamed("entry_ids", &["entry_id"]), transform = somebody)]
pub struct RemoveFromShareWhitelist {
    user_id: UserId,
    chat_id: ChatId,
    share_id: ShareId,
    /// Who is taken off, by address; one alone needs no array.
    #[schemars(with = "Option<Many<EmailAddress>>", extend("maxItems" = EMAILS_PER_CALL_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Many<Text>>,
    /// Who is taken off, by entry; one alone needs no array.
    #[schemars(extend("maxItems" = EMAILS_PER_CALL_MAX))]
    #[serde(alias = "entry_id", skip_serializing_if = "Option::is_none")]
    entry_ids: Option<Many<EntryId>>,
}

/// Says in the schema that somebody must be named.
fn somebody(schema: &mut Schema) {
    let named = |field: &str| json!({"required": [field], "properties": {field: {"not": {"enum": [null, []]}}}});
    also(schema, json!({"anyOf": [named("emails"), named("entry_ids"), named("entry_id")]}));
}

/// Lists who may open a share, oldest entry first, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetShareWhitelist {
    user_id: UserId,
    chat_id: ChatId,
    share_id: ShareId,
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A user on the list of a share.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShareEntryRecord {
    pub(crate) id: EntryId,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// The user who may open the share.
    pub(crate) whitelisted_neptun_user_id: UserId,
    /// The share.
    pub(crate) chat_conversation_share_id: ShareId,
}

/// The entries of a call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShareEntriesOfCall {
    pub(crate) share_whitelist_entries: Vec<ShareEntryRecord>,
}

/// A page of the list of a share.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShareWhitelistPage {
    #[serde(rename = "shareWhitelistEntries")]
    pub(crate) entries: Vec<ShareEntryRecord>,
    #[serde(flatten)]
    pub(crate) end: PageEnd,
}

impl Reply for ShareEntriesOfCall {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { share_whitelist_entries: second_half(&mut self.share_whitelist_entries)? })
    }
}

impl Reply for ShareWhitelistPage {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { entries: second_half(&mut self.entries)?, end: self.end.hand_on() })
    }
}

impl ShareEntryRecord {
    fn new(share_id: ShareId, entry: &ShareEntry) -> Self {
        Self {
            id: entry.entry_id,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            whitelisted_neptun_user_id: entry.user_id,
            chat_conversation_share_id: share_id,
        }
    }
}

impl Method for AddToShareWhitelist {
    const CALL: Call = Call::new("addToShareWhitelist", "addToShareWhitelist_ack", "lets users open a share");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = ShareEntriesOfCall;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        if self.emails.0.is_empty() {
            return Err(Error::field("emails", "is empty; name those who may open the share"));
        }
        bound_emails(&self.emails)
    }
}

impl Alter for AddToShareWhitelist {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<ShareEntriesOfCall>, Error> {
        let share = owned::share(view.state, self.user_id, self.chat_id, self.share_id)?;
        let invited = invited(view.state, self.user_id, &self.emails.0);
        let joining = Joining::new(Some(&share), &invited)?;
        Ok(if joining.is_empty() { Verdict::Unchanged(entries_of(&share, &invited)) } else { Verdict::Proceed })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ShareEntriesOfCall, Error> {
        let invited = invited(turn.writer.state(), self.user_id, &self.emails.0);
        let share = owned::share(turn.writer.state(), self.user_id, self.chat_id, self.share_id)?;
        let joining = Joining::new(Some(&share), &invited)?;
        drop(share);
        let (now, begins_list) = (turn.now(), joining.begins_list());
        let entries = joining.entries(turn)?;
        let share = turn.writer.share_mut(self.share_id);
        let mut share = share.ok_or_else(|| Error::unknown_share(self.chat_id, self.share_id))?;
        if begins_list && !share.settings.use_whitelist {
            let settings = ShareSettings { use_whitelist: true, updated_at: now, ..share.settings.clone() };
            share.set(settings);
        }
        entries.into_iter().for_each(|entry| share.add(entry));
        Ok(entries_of(&share, &invited))
    }
}

/// The entries of users, in their order.
fn entries_of(share: &Share, users: &[UserId]) -> ShareEntriesOfCall {
    let entries = users.iter().filter_map(|user| share.entries.of_user(*user));
    let records = entries.map(|entry| ShareEntryRecord::new(share.settings.share_id, entry));
    ShareEntriesOfCall { share_whitelist_entries: records.collect() }
}

impl Method for RemoveFromShareWhitelist {
    const CALL: Call = Call::new(
        "removeFromShareWhitelist",
        "removeFromShareWhitelist_ack",
        "takes users off the list of those who may open a share",
    );
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = ShareEntriesOfCall;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        let entry_ids = self.entry_ids.as_ref().map_or(0, |ids| ids.0.len());
        if entry_ids == 0 && self.emails.as_ref().is_none_or(|emails| emails.0.is_empty()) {
            return Err(Error::field("emails", "is missing, and entry_ids too; say who is to be taken off"));
        }
        bound_items("entry_ids", entry_ids, EMAILS_PER_CALL_MAX)?;
        self.emails.as_ref().map_or(Ok(()), bound_emails)
    }
}

impl RemoveFromShareWhitelist {
    /// The entries that are meant, oldest first. The owner's stays as long as the share does.
    fn meant(&self, state: &State) -> Result<Vec<ShareEntry>, Error> {
        let share = owned::share(state, self.user_id, self.chat_id, self.share_id)?;
        let emails = self.emails.iter().flat_map(|emails| &emails.0);
        let by_email = emails.filter_map(|email| share.entries.of_user(state.user_by_email(&email.0)?));
        let by_id = self.entry_ids.iter().flat_map(|ids| &ids.0).filter_map(|id| share.entries.get(*id));
        let mut meant: Vec<ShareEntry> = by_email.chain(by_id).copied().collect();
        meant.sort_unstable_by_key(|entry| entry.entry_id);
        meant.dedup();
        if let Some(own) = meant.iter().find(|entry| entry.user_id == share.settings.user_id) {
            let message = format!("entry {} is the owner's own, which stays as long as the share does", own.entry_id);
            return Err(Error::new(Code::Conflict, message));
        }
        Ok(meant)
    }
}

impl Alter for RemoveFromShareWhitelist {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<ShareEntriesOfCall>, Error> {
        let nothing = ShareEntriesOfCall { share_whitelist_entries: Vec::new() };
        Ok(if self.meant(view.state)?.is_empty() { Verdict::Unchanged(nothing) } else { Verdict::Proceed })
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ShareEntriesOfCall, Error> {
        let meant = self.meant(turn.writer.state())?;
        let share = turn.writer.share_mut(self.share_id);
        let mut share = share.ok_or_else(|| Error::unknown_share(self.chat_id, self.share_id))?;
        let removed = meant.iter().filter_map(|entry| share.remove(entry.user_id));
        let records = removed.map(|entry| ShareEntryRecord::new(self.share_id, &entry));
        Ok(ShareEntriesOfCall { share_whitelist_entries: records.collect() })
    }
}

impl Method for GetShareWhitelist {
    const CALL: Call =
        Call::new("getShareWhitelist", "getShareWhitelistResponse", "lists who may open a share by pages");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    type Reply = ShareWhitelistPage;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetShareWhitelist {
    fn answer(&self, view: View<'_>) -> Result<ShareWhitelistPage, Error> {
        let page = self.page()?;
        let share = owned::share(view.state, self.user_id, self.chat_id, self.share_id)?;
        let (entries, end) = match page.start {
            Start::Rank(rank) => page.cut(share.entries.from_rank(rank)),
            Start::After(id) => page.cut(share.entries.after(id)),
        };
        let records = entries.into_iter().map(|(_, entry)| ShareEntryRecord::new(self.share_id, entry));
        Ok(ShareWhitelistPage { entries: records.collect(), end })
    }
}

impl GetShareWhitelist {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

//! This is where the methods of the two lists differ: in their names, and in a few habits of the real service.

use std::fmt::Debug;

use super::Call;
use crate::access::{About, Sender};
use crate::config::{TAG_BYTES_MAX, TAGS_MAX};
use crate::state::app::{App, ListName};
use crate::state::id::AppId;
use crate::state::signup_list::Tags;
use crate::wire::error::{Code, Error};

/// One of an app's two lists, as a type: the methods of both are written once.
pub trait OfList: Debug + Send + 'static {
    /// The list.
    const LIST: ListName;
    /// Whether what stands on it has tags.
    const TAGGED: bool;
    /// Whether the ack of added patterns has `"recordIndex":null`, as measured.
    const RECORD_INDEX: bool;
    /// Adds people.
    const ADD: Call;
    /// Removes people.
    const REMOVE: Call;
    /// Lists people.
    const GET: Call;
    /// Searches people.
    const SEARCH: Call;
    /// Adds patterns.
    const ADD_PATTERNS: Call;
    /// Removes patterns.
    const REMOVE_PATTERNS: Call;
    /// Lists patterns.
    const GET_PATTERNS: Call;
}

/// Who is let in.
#[derive(Debug)]
pub struct Whitelist;

/// Who is kept out.
#[derive(Debug)]
pub struct Blacklist;

impl OfList for Whitelist {
    const LIST: ListName = ListName::Whitelist;
    const TAGGED: bool = true;
    const RECORD_INDEX: bool = false;
    const ADD: Call =
        Call::new("addToWhitelist", "addToWhitelist_ack", "lets people sign up, with tags").null_reference();
    const REMOVE: Call =
        Call::new("removeFromWhitelist", "removeFromWhitelist_ack", "takes people off the whitelist").null_reference();
    const GET: Call = Call::new("getWhitelistUsers", "getWhitelistUsersResponse", "lists the whitelist by pages");
    const SEARCH: Call = Call::new(
        "searchWhitelist",
        "searchWhitelistResponse",
        "searches the whitelist, and lists it in another order",
    );
    const ADD_PATTERNS: Call =
        Call::new("addWhitelistPatterns", "addWhitelistPatterns_ack", "lets everybody sign up whom a pattern matches");
    const REMOVE_PATTERNS: Call =
        Call::new("removeWhitelistPatterns", "removeWhitelistPatterns_ack", "takes patterns off the whitelist");
    const GET_PATTERNS: Call =
        Call::new("getWhitelistPatterns", "getWhitelistPatternsResponse", "lists the whitelist's patterns by pages");
}

impl OfList for Blacklist {
    const LIST: ListName = ListName::Blacklist;
    const TAGGED: bool = false;
    const RECORD_INDEX: bool = true;
    const ADD: Call = Call::new("addToBlacklist", "addToBlacklist_ack", "keeps people out").null_reference();
    const REMOVE: Call =
        Call::new("removeFromBlacklist", "removeFromBlacklist_ack", "takes people off the blacklist").null_reference();
    const GET: Call = Call::new("getBlacklistUsers", "getBlacklistUsersResponse", "lists the blacklist by pages");
    const SEARCH: Call = Call::new(
        "searchBlacklist",
        "searchBlacklistResponse",
        "searches the blacklist, and lists it in another order",
    );
    const ADD_PATTERNS: Call =
        Call::new("addBlacklistPatterns", "addBlacklistPatterns_ack", "keeps everybody out whom a pattern matches");
    const REMOVE_PATTERNS: Call =
        Call::new("removeBlacklistPatterns", "removeBlacklistPatterns_ack", "takes patterns off the blacklist");
    const GET_PATTERNS: Call =
        Call::new("getBlacklistPatterns", "getBlacklistPatternsResponse", "lists the blacklist's patterns by pages");
}

/// Which app a message is about: `app_id`, else `chat_id` (the same value, in pattern calls), else the token's; `"0"` is what
/// the Java SDK sends for none.
pub fn resolve(app_id: &mut Option<AppId>, chat_id: Option<AppId>, sender: Sender<'_>) -> About {
    *app_id = [*app_id, chat_id, sender.bound_app].into_iter().flatten().find(|app| app.0 != 0);
    About::App(*app_id)
}

/// The app of a message that has passed the gate.
pub fn resolved(app_id: Option<AppId>) -> AppId {
    app_id.expect("the gate lets no message through without its app")
}

/// Refuses a call with too many items.
pub fn bound_items(path: &str, items: usize, max: usize) -> Result<(), Error> {
    if items <= max {
        return Ok(());
    }
    Err(Error::new(Code::TooLarge, format!("{path}: {items} in one call, at most {max} are taken; send several calls")))
}

/// Refuses too many or too long tags.
pub fn bound_tags(path: impl FnOnce() -> String, tags: Option<&Tags>) -> Result<(), Error> {
    let Some(tags) = tags else { return Ok(()) };
    if tags.len() > TAGS_MAX {
        return Err(Error::field(path(), format!("at most {TAGS_MAX} tags are taken, not {}", tags.len())));
    }
    if tags.iter().any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
        return Err(Error::field(path(), format!("a tag has 1 to {TAG_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Splits off the second half of an answer's array, where it has at least two items.
pub fn second_half<T>(items: &mut Vec<T>) -> Option<Vec<T>> {
    (items.len() > 1).then(|| items.split_off(items.len() / 2))
}

/// The lists of one app, for a query.
pub fn with_app<T>(
    state: &crate::state::State,
    app_id: Option<AppId>,
    answer: impl FnOnce(&App) -> T,
) -> Result<T, Error> {
    let app_id = resolved(app_id);
    state.app(app_id).map(|app| answer(&app)).ok_or_else(|| Error::unknown_app(app_id))
}

//! This is where the members of organisations are given api keys, with which programs act as them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::whitelist::unknown_member;
use crate::access::{Permission, View};
use crate::config::{KEY_CHARS, KEY_CHARS_MAX, KEY_CHARS_MIN, KEYS_PER_MEMBER_MAX, NAME_BYTES_MAX};
use crate::event::Event;
use crate::methods::apps::bound_name;
use crate::methods::list::second_half;
use crate::methods::owned::used_up;
use crate::methods::page::{Page, PageEnd, page_fields};
use crate::methods::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::random::Random;
use crate::state::id::{KeyId, OrgId};
use crate::state::moment::Moment;
use crate::state::organization::ApiKey;
use crate::state::patterns::fold;
use crate::state::token::{Holder, Secret, TokenHash};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

/// Makes an api key for a member, or changes the one of `key_id`; what is not given stays as it is. A new key is shown in this
/// ack and never again, unless `api_key` sets one, of 12 printable characters or more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetApiKey {
    org_id: OrgId,
    /// The address of the member.
    email: Text,
    /// The key to change; where it is left out, a new one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<KeyId>,
    /// For people.
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    /// The key itself; where it is left out, a new one is made up.
    #[schemars(extend("minLength" = KEY_CHARS_MIN, "maxLength" = KEY_CHARS_MAX, "pattern" = "^[!-~]*$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Secret>,
    /// What the key is if it is new; prepared where none is given. What a client sends here is not used.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key_if_new: Option<Secret>,
    /// The key that was made, to be shown; lives from `prepare` to `run` and is never written.
    #[serde(skip)]
    shown: Option<String>,
}

/// Removes an api key; its connections end.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveApiKey {
    key_id: KeyId,
}

/// Lists the api keys by id, by pages or by cursor. The keys themselves are never listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetApiKeys {
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// An api key, without the key itself unless it has just been made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyRecord {
    key_id: KeyId,
    org_id: OrgId,
    email: Box<str>,
    name: Box<str>,
    created_at: Moment,
    /// Shown where it has just been made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
}

/// The api key that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedKey {
    key_id: KeyId,
}

/// A page of the api keys.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApiKeys {
    api_keys: Vec<KeyRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for KeyRecord {}
impl Reply for RemovedKey {}

impl Reply for ApiKeys {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { api_keys: second_half(&mut self.api_keys)?, end: self.end.hand_on() })
    }
}

impl KeyRecord {
    fn new(key: &ApiKey, shown: Option<String>) -> Self {
        let ApiKey { key_id, org_id, email, name, token: _, created_at } = key.clone();
        Self { key_id, org_id, email, name, created_at, api_key: shown }
    }
}

impl Method for SetApiKey {
    const CALL: Call =
        Call::new("setApiKey", "setApiKey_ack", "makes an api key for a member of an organisation, or changes one");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::ApiKeys;
    const REFUSES: &[Code] = &[Code::NotFound, Code::Conflict];
    type Reply = KeyRecord;

    fn validate(&mut self) -> Result<(), Error> {
        bound_name(self.name.as_ref())?;
        match &self.api_key {
            Some(Secret::Clear(key)) if is_key(key) => Ok(()),
            None => Ok(()),
            Some(_) => Err(Error::field(
                "api_key",
                format_args!(
                    "must be {KEY_CHARS_MIN} to {KEY_CHARS_MAX} printable characters; leave it out to have one made"
                ),
            )),
        }
    }
}

fn is_key(text: &str) -> bool {
    (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl SetApiKey {
    /// The key as this message would leave it, and as it is now; `new` is what it is if there is no such key yet.
    fn outcome(&self, view: View<'_>, new: Option<TokenHash>) -> Result<(ApiKey, Option<ApiKey>), Error> {
        let organization = view.state.organization(&self.org_id);
        let organization = organization.ok_or_else(|| Error::unknown_organization(&self.org_id))?;
        let member = organization.member(&self.email.0).ok_or_else(|| unknown_member(&self.org_id))?;
        let before = self.key_id.and_then(|id| view.state.api_key(id).map(|key| key.clone()));
        let key_id = match (&before, self.key_id) {
            (Some(before), _) if before.org_id != self.org_id || fold(&before.email) != fold(&member.email) => {
                let message = "key_id is the key of another member; leave it out to have a new key made";
                return Err(Error::new(Code::Conflict, message));
            }
            (_, Some(id)) => id,
            (_, None) => view.state.last_ids().next_key().ok_or_else(|| used_up("key"))?,
        };
        if before.is_none() && organization.keys_of(member.member_id).count() >= KEYS_PER_MEMBER_MAX {
            let message = format!("a member has at most {KEYS_PER_MEMBER_MAX} api keys; remove one with removeApiKey");
            return Err(Error::new(Code::TooLarge, message));
        }
        let set = self.api_key.as_ref().map(Secret::hash);
        let token = set.or(before.as_ref().map(|key| key.token)).or(new);
        let token = token.ok_or_else(|| Error::field("key_if_new", "was not prepared"))?;
        if view.state.holder(&token).is_some_and(|holder| holder != Holder::ApiKey(key_id)) {
            return Err(Error::new(Code::Conflict, "the api key is taken; choose another one"));
        }
        let name = self.name.as_ref().map(|name| name.0.clone());
        let after = ApiKey {
            key_id,
            org_id: self.org_id.clone(),
            email: member.email.clone(),
            name: name.or(before.as_ref().map(|key| key.name.clone())).unwrap_or_default(),
            token,
            created_at: before.as_ref().map_or(view.now(), |key| key.created_at),
        };
        Ok((after, before))
    }
}

impl Alter for SetApiKey {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<KeyRecord>, Error> {
        // What a new key is, is made in `prepare`; anything stands for it here.
        let (after, before) = self.outcome(view, Some(TokenHash::of("")))?;
        let same = before.is_some_and(|before| before == after);
        Ok(if same { Verdict::Unchanged(KeyRecord::new(&after, None)) } else { Verdict::Proceed })
    }

    fn prepare(&mut self, _view: View<'_>, random: &Random) -> Result<(), Error> {
        self.key_if_new = None;
        if let Some(key) = &self.api_key {
            self.api_key = Some(Secret::Hashed(key.hash()));
        } else {
            // Even for a key that stands: it may be gone by the time this is run.
            let key = random.alphanumeric(KEY_CHARS);
            self.key_if_new = Some(Secret::Hashed(TokenHash::of(&key)));
            self.shown = Some(key);
        }
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<KeyRecord, Error> {
        let (after, before) = self.outcome(turn.view(), self.key_if_new.as_ref().map(Secret::hash))?;
        let record = KeyRecord::new(&after, self.shown.filter(|_| before.is_none()));
        let revoked = before.map(|before| before.token).filter(|before| *before != after.token);
        turn.events.extend(revoked.map(Event::TokenRevoked));
        turn.writer.put_api_key(after);
        Ok(record)
    }
}

impl Method for RemoveApiKey {
    const CALL: Call = Call::new("removeApiKey", "removeApiKey_ack", "removes an api key and ends its connections");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::ApiKeys;
    const REFUSES: &[Code] = &[Code::NotFound];
    type Reply = RemovedKey;
}

impl Alter for RemoveApiKey {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<RemovedKey>, Error> {
        view.state.api_key(self.key_id).map(|_| Verdict::Proceed).ok_or_else(|| unknown_key(self.key_id))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedKey, Error> {
        let key = turn.writer.remove_api_key(self.key_id).ok_or_else(|| unknown_key(self.key_id))?;
        turn.events.push(Event::TokenRevoked(key.token));
        Ok(RemovedKey { key_id: self.key_id })
    }
}

fn unknown_key(key_id: KeyId) -> Error {
    Error::new(Code::NotFound, format!("there is no api key {key_id}; getApiKeys lists those there are"))
}

impl Method for GetApiKeys {
    const CALL: Call =
        Call::new("getApiKeys", "getApiKeysResponse", "lists the api keys by pages, without the keys themselves");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::ApiKeys;
    type Reply = ApiKeys;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetApiKeys {
    fn answer(&self, view: View<'_>) -> Result<ApiKeys, Error> {
        let (ids, end) = self.page()?.cut_ids(&view.state.api_key_ids());
        let keys = ids.into_iter().filter_map(|id| view.state.api_key(id).map(|key| KeyRecord::new(&key, None)));
        Ok(ApiKeys { api_keys: keys.collect(), end })
    }
}

impl GetApiKeys {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

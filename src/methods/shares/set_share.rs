//! This is where a chat is shared: whether it is open at all, and what it takes to open it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::ShareRecord;
use super::joining::{Joining, invited};
use crate::access::{About, Permission, Sender, View};
use crate::config::EMAILS_PER_CALL_MAX;
use crate::methods::owned::{self, bound_emails, used_up};
use crate::methods::passwords::bound_secret;
use crate::methods::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::random::Random;
use crate::state::email::EmailAddress;
use crate::state::id::{ChatId, ShareId, UserId};
use crate::state::password::Password;
use crate::state::share::{Share, ShareSettings};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Many, Text, UuidField};

/// Shares a chat or changes how it is shared; what is not given stays as it is. With `emails` the share and its list are made in
/// one change, so that it is never open to all in between. Only administrators choose the ids of a new one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetShare {
    user_id: UserId,
    chat_id: ChatId,
    /// The chat's share, or the id of a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_id: Option<ShareId>,
    /// What a new share is opened by; one that stands keeps its own.
    #[schemars(with = "Option<UuidField>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    share_uuid: Option<Uuid>,
    /// Whether anybody but the owner may open it at all. True by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_shared: Option<bool>,
    /// Whether that takes the password or, where there is none, to be on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_protected: Option<bool>,
    /// What it is opened with while it is protected; `null` takes it away.
    #[schemars(with = "Option<Password>")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    password: Option<Option<Password>>,
    /// Whether only those on the list may open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_whitelist: Option<bool>,
    /// Whom to put on the list; one alone needs no array.
    #[schemars(with = "Option<Many<EmailAddress>>", extend("maxItems" = EMAILS_PER_CALL_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Many<Text>>,
    /// Whether to refuse this where the chat is shared already.
    #[serde(skip_serializing_if = "Option::is_none")]
    create_only: Option<bool>,
    /// What the share is opened by if it is new; prepared, what a client sends here is not used.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid_if_new: Option<Uuid>,
}

/// What was given, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Password>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Method for SetShare {
    const CALL: Call = Call::new("setShare", "setShare_ack", "shares a chat, or changes how it is shared");
    const NEEDS: Permission = Permission::ShareManagement;
    const NOUN: Noun = Noun::Shares;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = ShareRecord;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::User(self.user_id)
    }

    fn validate(&mut self) -> Result<(), Error> {
        if let Some(Some(password)) = &self.password {
            bound_secret("password", password)?;
        }
        self.emails.as_ref().map_or(Ok(()), bound_emails)
    }
}

/// What a message comes to.
struct Outcome {
    /// The settings as they stand.
    standing: Option<ShareSettings>,
    /// The settings as the message leaves them.
    settings: ShareSettings,
    /// Who comes onto the list.
    joining: Joining,
    /// How many are on it before.
    listed: usize,
}

impl SetShare {
    fn outcome(&self, view: View<'_>) -> Result<Outcome, Error> {
        owned::chat(view.state, self.user_id, self.chat_id)?;
        let share = view.state.share_of_chat(self.chat_id).and_then(|id| view.state.share(id));
        let standing = share.as_ref().map(|share| share.settings.clone());
        let settings = match &standing {
            Some(settings) => self.keeping_ids(settings)?,
            None => self.new_settings(view)?,
        };
        let emails = self.emails.as_ref().map(|emails| emails.0.as_slice());
        let invited = emails.map(|emails| invited(view.state, self.user_id, emails)).unwrap_or_default();
        let joining = Joining::new(share.as_deref(), &invited)?;
        let listed = share.as_ref().map_or(0, |share| share.entries.len());
        let mut settings = self.applied_to(settings, joining.begins_list());
        if standing.as_ref() != Some(&settings) {
            settings.updated_at = view.now();
        }
        Ok(Outcome { standing, settings, joining, listed })
    }

    /// The standing settings, where the message is about them.
    fn keeping_ids(&self, settings: &ShareSettings) -> Result<ShareSettings, Error> {
        let share_id = settings.share_id;
        if self.create_only == Some(true) {
            let message = format!("chat {} is shared already, as share {share_id}", self.chat_id);
            return Err(Error::new(Code::Conflict, message));
        }
        if let Some(other) = self.share_id.filter(|other| *other != share_id) {
            return Err(Error::unknown_share(self.chat_id, other));
        }
        if self.share_uuid.is_some_and(|other| other != settings.share_uuid) {
            let message = format!("share {share_id} keeps its share_uuid; remove it and share the chat anew");
            return Err(Error::new(Code::Conflict, message));
        }
        Ok(settings.clone())
    }

    fn new_settings(&self, view: View<'_>) -> Result<ShareSettings, Error> {
        let chooses = |field: &str| {
            let message = format!("{field}: only administrators choose it; leave it out to have one made");
            Error::new(Code::PermissionMissing, message)
        };
        let share_id = match self.share_id {
            None => view.state.last_ids().next_share().ok_or_else(|| used_up("share"))?,
            Some(id) if !view.is_admin() => return Err(Error::unknown_share(self.chat_id, id)),
            Some(id) if view.state.share(id).is_some() => {
                let message = format!("share {id} is another chat's; choose another id");
                return Err(Error::new(Code::Conflict, message));
            }
            Some(id) => id,
        };
        if self.share_uuid.is_some() && !view.is_admin() {
            return Err(chooses("share_uuid"));
        }
        let share_uuid = self.share_uuid.or(self.uuid_if_new);
        if share_uuid.is_some_and(|uuid| view.state.share_by_uuid(&uuid).is_some()) {
            return Err(Error::new(Code::Conflict, "another share has this share_uuid; choose another one"));
        }
        let now = view.now();
        Ok(ShareSettings {
            share_id,
            // Before it is prepared there is none, and anything stands for it.
            share_uuid: share_uuid.unwrap_or_default(),
            chat_id: self.chat_id,
            user_id: self.user_id,
            is_shared: true,
            is_protected: false,
            use_whitelist: false,
            password: None,
            created_at: now,
            updated_at: now,
        })
    }

    fn applied_to(&self, settings: ShareSettings, begins_list: bool) -> ShareSettings {
        let password = self.password.as_ref().map(|password| password.as_ref().and_then(Password::hash).cloned());
        ShareSettings {
            is_shared: self.is_shared.unwrap_or(settings.is_shared),
            is_protected: self.is_protected.unwrap_or(settings.is_protected),
            use_whitelist: self.use_whitelist.unwrap_or(settings.use_whitelist || begins_list),
            password: password.unwrap_or_else(|| settings.password.clone()),
            ..settings
        }
    }
}

impl Alter for SetShare {
    fn is_heavy(&self) -> bool {
        matches!(self.password, Some(Some(_)))
    }

    fn check(&mut self, view: View<'_>) -> Result<Verdict<ShareRecord>, Error> {
        // What a client sends here is not used.
        self.uuid_if_new = None;
        let Outcome { standing, settings, joining, listed } = self.outcome(view)?;
        let same = !self.is_heavy() && joining.is_empty() && standing.as_ref() == Some(&settings);
        Ok(if same { Verdict::Unchanged(ShareRecord::new(&settings, listed)) } else { Verdict::Proceed })
    }

    fn prepare(&mut self, _view: View<'_>, random: &Random) -> Result<(), Error> {
        self.uuid_if_new = self.share_uuid.is_none().then(|| random.uuid());
        self.password = self.password.take().map(|given| given.map(|password| password.hashed(&random.salt())));
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ShareRecord, Error> {
        let Outcome { standing, settings, joining, listed } = self.outcome(turn.view())?;
        let record = ShareRecord::new(&settings, listed + joining.len());
        let entries = joining.entries(turn)?;
        if standing.is_none() {
            let mut share = Share::new(settings);
            entries.into_iter().for_each(|entry| share.entries.push(entry));
            turn.writer.put_share(share);
            return Ok(record);
        }
        let share = turn.writer.share_mut(settings.share_id);
        let mut share = share.ok_or_else(|| Error::unknown_share(self.chat_id, settings.share_id))?;
        share.set(settings);
        entries.into_iter().for_each(|entry| share.add(entry));
        Ok(record)
    }
}

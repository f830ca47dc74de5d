//! This is where bots are created, granted permissions, given tokens, listed and removed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::apps::bound_name;
use super::list::{bound_items, second_half};
use super::page::{Page, PageEnd};
use super::{Alter, Ask, Call, Method, Turn, Verdict};
use crate::access::Permission;
use crate::config::{ADMIN_TOKEN_CHARS_MAX, ADMIN_TOKEN_CHARS_MIN, GRANTS_MAX};
use crate::event::Event;
use crate::state::State;
use crate::state::bot::{Bot, Grant};
use crate::state::id::{AppId, BotId};
use crate::state::token::{self, Secret};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Many, Object, Text};
use crate::wire::frame::Reply;

/// Creates a bot or changes it; what is not given stays as it is. A new bot gets a token, shown in this ack and never again,
/// unless `token` sets one: of the usual form, or, for an administrator, any text of 16 characters or more.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetBot {
    bot_id: BotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apps: Option<Many<AppId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Many<Object<Grant>>>,
    /// The app that messages without `app_id` are about; fixed with the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_app_id: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    /// What a new bot gets; prepared where no token is given and there is no such bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_if_new: Option<Secret>,
    /// The generated token, to be shown; lives from `prepare` to `run` and is never written.
    #[serde(skip)]
    shown: Option<String>,
}

/// Replaces a bot's token; the new one is shown in this ack and never again. Who came in with the old one has to go.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotateBotToken {
    bot_id: BotId,
    /// Prepared; what a client sends here is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(skip)]
    shown: Option<String>,
}

/// Removes a bot; its connections end.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveBot {
    bot_id: BotId,
}

/// Lists the bots by id, by pages or by cursor. Tokens are never listed.
#[derive(Debug, Deserialize)]
pub struct GetBots {
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A bot.
#[derive(Debug, Serialize)]
pub struct BotRecord {
    bot_id: BotId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_app_id: Option<AppId>,
    apps: BTreeSet<AppId>,
    grants: BTreeSet<Grant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A token that was made for a bot, to be shown once.
#[derive(Debug)]
pub struct NewToken {
    /// The bot.
    pub bot_id: BotId,
    /// Its token, in clear.
    pub token: String,
}

/// A bot's new token.
#[derive(Debug, Serialize)]
pub struct Rotated {
    bot_id: BotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// The bot that was removed.
#[derive(Debug, Serialize)]
pub struct RemovedBot {
    bot_id: BotId,
}

/// A page of the bots.
#[derive(Debug, Serialize)]
pub struct Bots {
    bots: Vec<BotRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for BotRecord {}
impl Reply for Rotated {}
impl Reply for RemovedBot {}

impl Reply for Bots {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { bots: second_half(&mut self.bots)?, end: self.end.hand_on() })
    }
}

impl BotRecord {
    fn new(bot: &Bot, shown: Option<String>) -> Self {
        let Bot { bot_id, name, bound_app_id, apps, grants, token: _ } = bot.clone();
        Self { bot_id, name, bound_app_id, apps, grants, token: shown }
    }

    /// The token that was made for it, where one was.
    pub fn new_token(self) -> Option<NewToken> {
        Some(NewToken { bot_id: self.bot_id, token: self.token? })
    }
}

impl Method for SetBot {
    const CALL: Call = Call::new("setBot", "setBot_ack", "creates a bot or changes its name, apps, grants or token");
    const NEEDS: Permission = Permission::Admin;
    type Reply = BotRecord;

    fn validate(&mut self) -> Result<(), Error> {
        bound_name(self.name.as_ref())?;
        bound_items("apps", self.apps.as_ref().map_or(0, |apps| apps.0.len()), GRANTS_MAX)?;
        bound_items("grants", self.grants.as_ref().map_or(0, |grants| grants.0.len()), GRANTS_MAX)?;
        if self.bound_app_id.is_some_and(|app| app.0 == 0) {
            return Err(Error::field("bound_app_id", "0 stands for no app; leave it out"));
        }
        match &self.token {
            Some(Secret::Clear(token)) => self.validate_token(token),
            Some(Secret::Hashed(_)) => Err(Error::field("token", "must be a token, as a string")),
            None => Ok(()),
        }
    }
}

impl SetBot {
    fn validate_token(&self, token: &str) -> Result<(), Error> {
        match token::parts(token) {
            Some((bot_id, app_id))
                if bot_id == self.bot_id && self.bound_app_id.is_none_or(|bound| app_id == Some(bound)) =>
            {
                Ok(())
            }
            Some(_) => Err(Error::field("token", "names another bot or app than bot_id and bound_app_id do")),
            None if self.grants_admin() && is_own_form(token) => Ok(()),
            None => Err(Error::field(
                "token",
                format_args!(
                    "must be `<bot id>:<0 or app id>:<{} characters>`, or, together with the grant \"admin\", {ADMIN_TOKEN_CHARS_MIN} \
                     to {ADMIN_TOKEN_CHARS_MAX} printable characters; leave it out to have one made",
                    token::SECRET_CHARS
                ),
            )),
        }
    }

    fn grants_admin(&self) -> bool {
        self.grants.as_ref().is_some_and(|grants| grants.0.contains(&Object(Grant::Admin)))
    }

    /// The bot as this message would leave it, but for its token.
    fn applied_to(&self, standing: Option<&Bot>, token: token::TokenHash) -> Bot {
        let name = self.name.as_ref().map(|name| name.0.to_string());
        let apps = self.apps.as_ref().map(|apps| apps.0.iter().copied().collect());
        let grants = self.grants.as_ref().map(|grants| grants.0.iter().map(|grant| grant.0.clone()).collect());
        Bot {
            bot_id: self.bot_id,
            name: name.or_else(|| standing.map(|bot| bot.name.clone())).unwrap_or_default(),
            bound_app_id: self.bound_app_id.or_else(|| standing.and_then(|bot| bot.bound_app_id)),
            apps: apps.or_else(|| standing.map(|bot| bot.apps.clone())).unwrap_or_default(),
            grants: grants.or_else(|| standing.map(|bot| bot.grants.clone())).unwrap_or_default(),
            token,
        }
    }

    /// The bot as this message would leave it, where the state allows that.
    fn outcome(&self, state: &State) -> Result<Option<Bot>, Error> {
        let standing = state.bot(self.bot_id);
        let set = self.token.as_ref().map(Secret::hash);
        let kept = standing.as_ref().map(|bot| bot.token);
        let Some(token) = set.or(kept).or_else(|| self.token_if_new.as_ref().map(Secret::hash)) else {
            return Ok(None);
        };
        let bot = self.applied_to(standing.as_deref(), token);
        let was_admin = standing.as_ref().is_some_and(|bot| bot.is_admin());
        let rebound = standing.as_ref().is_some_and(|before| before.bound_app_id != bot.bound_app_id);
        drop(standing);
        if rebound && set.is_none() {
            let message = "the bound app is part of the token; send a token with it, or remove the bot and set it anew";
            return Err(Error::new(Code::Conflict, message));
        }
        if was_admin && !bot.is_admin() {
            keep_an_admin(state, self.bot_id)?;
        }
        if state.bot_of_token(&token).is_some_and(|other| other != self.bot_id) {
            return Err(Error::new(Code::Conflict, "another bot has this token; choose another one"));
        }
        let named = bot.grants.iter().filter_map(|grant| match grant {
            Grant::SignupManagement { app_id } => Some(*app_id),
            Grant::Admin => None,
        });
        match named.chain(bot.apps.iter().copied()).chain(bot.bound_app_id).find(|app| state.app(*app).is_none()) {
            Some(app_id) => Err(Error::unknown_app(app_id)),
            None => Ok(Some(bot)),
        }
    }
}

impl Alter for SetBot {
    fn check(&self, state: &State) -> Result<Verdict<BotRecord>, Error> {
        let Some(outcome) = self.outcome(state)? else { return Ok(Verdict::Proceed) };
        let same = state.bot(self.bot_id).is_some_and(|bot| *bot == outcome);
        Ok(if same { Verdict::Unchanged(BotRecord::new(&outcome, None)) } else { Verdict::Proceed })
    }

    fn prepare(&mut self, state: &State) {
        // What a client sends here is not used.
        self.token_if_new = None;
        if let Some(Secret::Clear(token)) = &self.token {
            self.bound_app_id = self.bound_app_id.or(token::parts(token).and_then(|(_, app)| app));
            self.token = Some(Secret::Hashed(token::TokenHash::of(token)));
        } else if state.bot(self.bot_id).is_none() {
            let token = token::generate(self.bot_id, self.bound_app_id);
            self.token_if_new = Some(Secret::Hashed(token::TokenHash::of(&token)));
            self.shown = Some(token);
        }
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<BotRecord, Error> {
        let bot = self.outcome(turn.writer.state())?.ok_or_else(|| Error::unknown_bot(self.bot_id))?;
        let before = turn.writer.state().bot(self.bot_id).map(|bot| bot.token);
        if before.is_some_and(|before| before != bot.token) {
            turn.events.push(Event::TokenRevoked(self.bot_id));
        }
        let record = BotRecord::new(&bot, self.shown.filter(|_| before.is_none()));
        turn.writer.put_bot(bot);
        Ok(record)
    }
}

fn is_own_form(token: &str) -> bool {
    (ADMIN_TOKEN_CHARS_MIN..=ADMIN_TOKEN_CHARS_MAX).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Refuses to take the right from the last bot that may do everything: nobody could ever give it back.
fn keep_an_admin(state: &State, leaving: BotId) -> Result<(), Error> {
    let others = state.bot_ids().into_iter().filter(|id| *id != leaving);
    if others.filter_map(|id| state.bot(id)).any(|bot| bot.is_admin()) {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!("bot {leaving} is the last administrator; grant \"admin\" to another bot first"),
    ))
}

impl Method for RotateBotToken {
    const CALL: Call =
        Call::new("rotateBotToken", "rotateBotToken_ack", "replaces a bot's token and ends its connections");
    const NEEDS: Permission = Permission::Admin;
    type Reply = Rotated;
}

impl Alter for RotateBotToken {
    fn check(&self, state: &State) -> Result<Verdict<Rotated>, Error> {
        state.bot(self.bot_id).map(|_| Verdict::Proceed).ok_or_else(|| Error::unknown_bot(self.bot_id))
    }

    fn prepare(&mut self, state: &State) {
        let bound_app = state.bot(self.bot_id).and_then(|bot| bot.bound_app_id);
        let token = token::generate(self.bot_id, bound_app);
        self.token = Some(Secret::Hashed(token::TokenHash::of(&token)));
        self.shown = Some(token);
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Rotated, Error> {
        let bot = turn.writer.state().bot(self.bot_id).map(|bot| bot.clone());
        let mut bot = bot.ok_or_else(|| Error::unknown_bot(self.bot_id))?;
        bot.token = self.token.as_ref().map(Secret::hash).ok_or_else(|| Error::field("token", "was not prepared"))?;
        turn.writer.put_bot(bot);
        turn.events.push(Event::TokenRevoked(self.bot_id));
        Ok(Rotated { bot_id: self.bot_id, token: self.shown })
    }
}

impl Method for RemoveBot {
    const CALL: Call = Call::new("removeBot", "removeBot_ack", "removes a bot and ends its connections");
    const NEEDS: Permission = Permission::Admin;
    type Reply = RemovedBot;
}

impl RemoveBot {
    fn refuse(&self, state: &State) -> Result<(), Error> {
        let is_admin = state.bot(self.bot_id).ok_or_else(|| Error::unknown_bot(self.bot_id))?.is_admin();
        if is_admin { keep_an_admin(state, self.bot_id) } else { Ok(()) }
    }
}

impl Alter for RemoveBot {
    fn check(&self, state: &State) -> Result<Verdict<RemovedBot>, Error> {
        self.refuse(state).map(|()| Verdict::Proceed)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedBot, Error> {
        self.refuse(turn.writer.state())?;
        turn.writer.remove_bot(self.bot_id);
        turn.events.push(Event::TokenRevoked(self.bot_id));
        Ok(RemovedBot { bot_id: self.bot_id })
    }
}

impl Method for GetBots {
    const CALL: Call = Call::new("getBots", "getBotsResponse", "lists the bots by pages, without their tokens");
    const NEEDS: Permission = Permission::Admin;
    type Reply = Bots;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetBots {
    fn answer(&self, state: &State) -> Result<Bots, Error> {
        let ids: Vec<u64> = state.bot_ids().iter().map(|id| id.0).collect();
        let (ids, end) = self.page()?.cut_ids(&ids);
        let bots = ids.into_iter().filter_map(|id| state.bot(BotId(id)).map(|bot| BotRecord::new(&bot, None)));
        Ok(Bots { bots: bots.collect(), end })
    }
}

impl GetBots {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

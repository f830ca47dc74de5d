//! This is where bots are given new tokens, listed and removed.

mod set_bot;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::second_half;
use super::page::{Page, PageEnd, page_fields};
use super::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::access::{Permission, View};
use crate::event::Event;
use crate::random::Random;
use crate::state::State;
use crate::state::bot::{Bot, Grant};
use crate::state::id::{AppId, BotId};
use crate::state::token::{self, Secret};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

pub use set_bot::SetBot;

/// Replaces a bot's token; the new one is shown in this ack and never again. Who came in with the old one has to go.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RotateBotToken {
    bot_id: BotId,
    /// Prepared; what a client sends here is not used.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(skip)]
    shown: Option<String>,
}

/// Removes a bot; its connections end.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveBot {
    bot_id: BotId,
}

/// Lists the bots by id, by pages or by cursor. Tokens are never listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetBots {
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A bot.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BotRecord {
    bot_id: BotId,
    name: String,
    /// The app that its messages without `app_id` are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_app_id: Option<AppId>,
    /// The apps it is in, beside those that its grants name.
    apps: BTreeSet<AppId>,
    /// What it may do.
    grants: BTreeSet<Grant>,
    /// Shown where it has just been made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The names of the gateways that it is connected to, as of a second ago; where several gateways share a journal, and it is
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateways: Option<Vec<String>>,
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rotated {
    bot_id: BotId,
    /// Shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// The bot that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedBot {
    bot_id: BotId,
}

/// A page of the bots.
#[derive(Debug, Serialize, JsonSchema)]
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
    pub(super) fn new(bot: &Bot, shown: Option<String>) -> Self {
        let Bot { bot_id, name, bound_app_id, apps, grants, token: _ } = bot.clone();
        Self { bot_id, name, bound_app_id, apps, grants, token: shown, gateways: None }
    }

    /// The token that was made for it, where one was.
    pub fn new_token(self) -> Option<NewToken> {
        Some(NewToken { bot_id: self.bot_id, token: self.token? })
    }
}

/// A new token of the form `<bot id>:<0 or app id>:<30 characters>`.
pub(super) fn generate_token(bot: BotId, bound_app: Option<AppId>, random: &Random) -> String {
    let app = bound_app.map_or(0, |app| app.0);
    let secret = random.alphanumeric(token::SECRET_CHARS);
    format!("{bot}:{app}:{secret}")
}

/// Refuses to take the right from the last bot that may do everything: nobody could ever give it back.
pub(super) fn keep_an_admin(state: &State, leaving: BotId) -> Result<(), Error> {
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
    const NOUN: Noun = Noun::Bots;
    const REFUSES: &[Code] = &[Code::NotFound];
    type Reply = Rotated;
}

impl Alter for RotateBotToken {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<Rotated>, Error> {
        state.bot(self.bot_id).map(|_| Verdict::Proceed).ok_or_else(|| Error::unknown_bot(self.bot_id))
    }

    /// The token names the app that the bot is bound to, so what comes before must be done.
    const ALONE: bool = true;

    fn ends_token(&self) -> bool {
        true
    }

    fn prepare(&mut self, View { state, .. }: View<'_>, random: &Random) -> Result<(), Error> {
        let bound_app = state.bot(self.bot_id).and_then(|bot| bot.bound_app_id);
        let token = generate_token(self.bot_id, bound_app, random);
        self.token = Some(Secret::Hashed(token::TokenHash::of(&token)));
        self.shown = Some(token);
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Rotated, Error> {
        let bot = turn.writer.state().bot(self.bot_id).map(|bot| bot.clone());
        let mut bot = bot.ok_or_else(|| Error::unknown_bot(self.bot_id))?;
        let before = bot.token;
        bot.token = self.token.as_ref().map(Secret::hash).ok_or_else(|| Error::field("token", "was not prepared"))?;
        turn.writer.put_bot(bot);
        turn.events.push(Event::TokenRevoked(before));
        Ok(Rotated { bot_id: self.bot_id, token: self.shown })
    }
}

impl Method for RemoveBot {
    const CALL: Call = Call::new("removeBot", "removeBot_ack", "removes a bot and ends its connections");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Bots;
    const REFUSES: &[Code] = &[Code::NotFound, Code::Conflict];
    type Reply = RemovedBot;
}

impl RemoveBot {
    fn refuse(&self, state: &State) -> Result<(), Error> {
        let is_admin = state.bot(self.bot_id).ok_or_else(|| Error::unknown_bot(self.bot_id))?.is_admin();
        if is_admin { keep_an_admin(state, self.bot_id) } else { Ok(()) }
    }
}

impl Alter for RemoveBot {
    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<RemovedBot>, Error> {
        self.refuse(state).map(|()| Verdict::Proceed)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedBot, Error> {
        self.refuse(turn.writer.state())?;
        let removed = turn.writer.remove_bot(self.bot_id);
        turn.events.extend(removed.map(|bot| Event::TokenRevoked(bot.token)));
        Ok(RemovedBot { bot_id: self.bot_id })
    }
}

impl Method for GetBots {
    const CALL: Call = Call::new("getBots", "getBotsResponse", "lists the bots by pages, without their tokens");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Bots;
    type Reply = Bots;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetBots {
    fn answer(&self, View { state, cluster, .. }: View<'_>) -> Result<Bots, Error> {
        let ids: Vec<u64> = state.bot_ids().iter().map(|id| id.0).collect();
        let (ids, end) = self.page()?.cut_ids(&ids);
        let seated = |id| cluster.map(|cluster| cluster.gateways_of(id).iter().map(ToString::to_string).collect());
        let bots = ids.into_iter().map(BotId).filter_map(|id| {
            let record = BotRecord::new(&*state.bot(id)?, None);
            Some(BotRecord { gateways: seated(id), ..record })
        });
        Ok(Bots { bots: bots.collect(), end })
    }
}

impl GetBots {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

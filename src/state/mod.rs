//! This is where everything that is known stands, in memory: plain data and its questions.
//!
//! Many read it, each through [`State`]; one changes it, through the [`Writer`], of which there is one a state and which
//! only the engine holds. Nothing here does I/O, reads a clock or draws a random number.

pub mod account;
pub mod app;
pub mod bot;
pub mod decision;
pub mod digest;
pub mod email;
pub mod id;
pub mod moment;
pub mod password;
pub mod pattern_list;
pub mod patterns;
pub mod ranked;
pub mod record;
pub mod share;
pub mod signup_list;
pub mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::one::{Ref, RefMut};

use app::App;
use bot::Bot;
use id::{AppId, BotId};
use token::TokenHash;

/// Everything that is known: apps with their lists, and bots.
#[derive(Debug)]
pub struct State {
    apps: DashMap<AppId, App>,
    bots: DashMap<BotId, Bot>,
    tokens: DashMap<TokenHash, BotId>,
    folded: AtomicU64,
    at_ms: AtomicU64,
}

impl State {
    /// An app, under a guard that must not be held across an await.
    pub fn app(&self, id: AppId) -> Option<Ref<'_, AppId, App>> {
        self.apps.get(&id)
    }

    /// The ids of all apps, rising.
    pub fn app_ids(&self) -> Vec<AppId> {
        sorted(self.apps.iter().map(|app| *app.key()))
    }

    /// A bot, under a guard that must not be held across an await.
    pub fn bot(&self, id: BotId) -> Option<Ref<'_, BotId, Bot>> {
        self.bots.get(&id)
    }

    /// The ids of all bots, rising.
    pub fn bot_ids(&self) -> Vec<BotId> {
        sorted(self.bots.iter().map(|bot| *bot.key()))
    }

    /// The bot that a token belongs to.
    pub fn bot_of_token(&self, token: &TokenHash) -> Option<BotId> {
        let id = *self.tokens.get(token)?;
        let bot = self.bot(id)?;
        bot.token.matches(token).then_some(id)
    }

    /// The number of the newest journal entry that is part of this state; 0 before the first.
    pub fn folded(&self) -> u64 {
        self.folded.load(Ordering::Acquire)
    }

    /// When that entry was written, in milliseconds since 1970.
    pub fn at_ms(&self) -> u64 {
        self.at_ms.load(Ordering::Acquire)
    }
}

fn sorted<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    let mut ids: Vec<T> = ids.collect();
    ids.sort_unstable();
    ids
}

/// The one who may change a [`State`].
#[derive(Debug)]
pub struct Writer(Arc<State>);

impl Default for Writer {
    fn default() -> Self {
        Self(Arc::new(State {
            apps: DashMap::new(),
            bots: DashMap::new(),
            tokens: DashMap::new(),
            folded: AtomicU64::new(0),
            at_ms: AtomicU64::new(0),
        }))
    }
}

impl Writer {
    /// The state, for readers.
    pub fn state(&self) -> &Arc<State> {
        &self.0
    }

    /// An app, to be changed.
    pub fn app_mut(&mut self, id: AppId) -> Option<RefMut<'_, AppId, App>> {
        self.0.apps.get_mut(&id)
    }

    /// Puts an app in place.
    pub fn put_app(&mut self, app: App) {
        self.0.apps.insert(app.settings.app_id, app);
    }

    /// Takes an app away, with its lists.
    pub fn remove_app(&mut self, id: AppId) -> Option<App> {
        self.0.apps.remove(&id).map(|(_, app)| app)
    }

    /// Puts a bot in place, and its token with it; a token it had before is void.
    pub fn put_bot(&mut self, bot: Bot) {
        let (id, token) = (bot.bot_id, bot.token);
        // The new token first, and the old one only if it is another: a token that stays is known at every moment.
        self.0.tokens.insert(token, id);
        if let Some(before) = self.0.bots.insert(id, bot)
            && before.token != token
        {
            self.0.tokens.remove(&before.token);
        }
    }

    /// Takes a bot away; its token is void.
    pub fn remove_bot(&mut self, id: BotId) -> Option<Bot> {
        let (_, bot) = self.0.bots.remove(&id)?;
        self.0.tokens.remove(&bot.token);
        Some(bot)
    }

    /// Notes which journal entry was folded last.
    pub fn note(&mut self, seq: u64, at_ms: u64) {
        self.0.folded.store(seq, Ordering::Release);
        self.0.at_ms.store(at_ms, Ordering::Release);
    }
}

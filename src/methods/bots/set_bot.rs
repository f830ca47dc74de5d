//! This is where bots are created, granted permissions, and given tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BotRecord, generate_token, keep_an_admin};
use crate::access::{Permission, View};
use crate::config::{ADMIN_TOKEN_CHARS_MAX, ADMIN_TOKEN_CHARS_MIN, GRANTS_MAX, NAME_BYTES_MAX};
use crate::event::Event;
use crate::methods::apps::bound_name;
use crate::methods::list::bound_items;
use crate::methods::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::random::Random;
use crate::state::State;
use crate::state::bot::{Bot, Grant};
use crate::state::id::{AppId, BotId};
use crate::state::token::{self, Holder, Secret, TokenHash};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Many, Object, Text, not_zero};

/// Creates a bot or changes it; what is not given stays as it is. A new bot gets a token, shown in this ack and never again,
/// unless `token` sets one: of the usual form, or, for an administrator, any text of 16 characters or more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = not_zero)]
pub struct SetBot {
    bot_id: BotId,
    /// For people.
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    /// The apps it is in, beside those that its grants name.
    #[schemars(extend("maxItems" = GRANTS_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    apps: Option<Many<AppId>>,
    /// What it may do.
    #[schemars(extend("maxItems" = GRANTS_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Many<Object<Grant>>>,
    /// The app that messages without `app_id` are about; fixed with the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_app_id: Option<AppId>,
    /// Its token: `<bot id>:<0 or app id>:<30 characters>`, or any 16 to 255 printable characters for an administrator.
    #[schemars(extend("minLength" = ADMIN_TOKEN_CHARS_MIN, "maxLength" = ADMIN_TOKEN_CHARS_MAX, "pattern" = "^[!-~]*$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    /// What the bot gets if it is new; prepared where no token is given.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    token_if_new: Option<Secret>,
    /// The generated token, to be shown; lives from `prepare` to `run` and is never written.
    #[serde(skip)]
    shown: Option<String>,
}

impl Method for SetBot {
    const CALL: Call = Call::new("setBot", "setBot_ack", "creates a bot or changes its name, apps, grants or token");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Bots;
    const REFUSES: &[Code] = &[Code::NotFound, Code::Conflict, Code::UnknownApp];
    type Reply = BotRecord;

    fn validate(&mut self) -> Result<(), Error> {
        if self.bot_id.0 == 0 {
            return Err(Error::field("bot_id", "0 stands for no bot; choose another id"));
        }
        bound_name(self.name.as_ref())?;
        bound_items("apps", self.apps.as_ref().map_or(0, |apps| apps.0.len()), GRANTS_MAX)?;
        bound_items("grants", self.grants.as_ref().map_or(0, |grants| grants.0.len()), GRANTS_MAX)?;
        if self.bound_app_id.is_some_and(|app| app.0 == 0) {
            return Err(Error::field("bound_app_id", "0 stands for no app; leave it out"));
        }
        match &self.token {
            Some(Secret::Clear(token)) => self.bound_app_id = self.bound_by(token)?,
            Some(Secret::Hashed(_)) => return Err(Error::field("token", "must be a token, as a string")),
            None => {}
        }
        Ok(())
    }
}

impl SetBot {
    /// The app that a given token names, where it is one that this bot may have.
    fn bound_by(&self, token: &str) -> Result<Option<AppId>, Error> {
        let as_asked = |app: Option<AppId>| self.bound_app_id.is_none_or(|bound| app == Some(bound));
        match token::parts(token) {
            Some((bot_id, app)) if bot_id == self.bot_id && as_asked(app) => Ok(app),
            Some(_) => Err(Error::field("token", "names another bot or app than bot_id and bound_app_id do")),
            None if self.grants_admin() && is_own_form(token) && as_asked(None) => Ok(None),
            None => Err(Error::field(
                "token",
                format_args!(
                    "must be `<bot id>:<0 or app id>:<{} characters>`, or, together with the grant \"admin\", \
                     {ADMIN_TOKEN_CHARS_MIN} to {ADMIN_TOKEN_CHARS_MAX} printable characters; leave it out to have one made",
                    token::SECRET_CHARS
                ),
            )),
        }
    }

    fn grants_admin(&self) -> bool {
        self.grants.as_ref().is_some_and(|grants| grants.0.contains(&Object(Grant::Admin)))
    }

    /// The bot as this message would leave it, where the state allows that; `new` is its token if there is no such bot yet.
    fn outcome(&self, state: &State, new: Option<TokenHash>) -> Result<Bot, Error> {
        let standing = state.bot(self.bot_id).map(|bot| bot.clone());
        let set = self.token.as_ref().map(Secret::hash);
        let token = set.or(standing.as_ref().map(|bot| bot.token)).or(new);
        let token = token.ok_or_else(|| Error::unknown_bot(self.bot_id))?;
        let bot = self.applied_to(standing.clone().unwrap_or_else(|| Bot::new(self.bot_id, token)), token);
        if let Some(before) = standing {
            if before.bound_app_id != bot.bound_app_id && set.is_none() {
                let message =
                    "the bound app is part of the token; send a token that names it, or remove the bot and set it anew";
                return Err(Error::new(Code::Conflict, message));
            }
            if before.is_admin() && !bot.is_admin() {
                keep_an_admin(state, self.bot_id)?;
            }
        }
        if state.holder(&token).is_some_and(|other| other != Holder::Bot(self.bot_id)) {
            return Err(Error::new(Code::Conflict, "the token is taken; choose another one"));
        }
        if let Some(app_id) = bot.named_apps().find(|app| state.app(*app).is_none()) {
            return Err(Error::unknown_app(app_id));
        }
        bot.grants.iter().try_for_each(|grant| stands(state, grant))?;
        Ok(bot)
    }

    fn applied_to(&self, standing: Bot, token: TokenHash) -> Bot {
        // A token names its app, or none; without one the binding stays.
        let kept_app = standing.bound_app_id.filter(|_| self.token.is_none());
        let apps = self.apps.as_ref().map(|apps| apps.0.iter().copied().collect());
        let grants = self.grants.as_ref().map(|grants| grants.0.iter().map(|grant| grant.0.clone()).collect());
        Bot {
            bot_id: self.bot_id,
            name: self.name.as_ref().map_or(standing.name, |name| name.0.to_string()),
            bound_app_id: self.bound_app_id.or(kept_app),
            apps: apps.unwrap_or(standing.apps),
            grants: grants.unwrap_or(standing.grants),
            token,
        }
    }
}

impl Alter for SetBot {
    fn ends_token(&self) -> bool {
        self.token.is_some()
    }

    fn check(&mut self, View { state, .. }: View<'_>) -> Result<Verdict<BotRecord>, Error> {
        // What a new bot gets is made in `prepare`; anything stands for it here.
        let outcome = self.outcome(state, Some(TokenHash::of("")))?;
        let same = state.bot(self.bot_id).is_some_and(|bot| *bot == outcome);
        Ok(if same { Verdict::Unchanged(BotRecord::new(&outcome, None)) } else { Verdict::Proceed })
    }

    fn prepare(&mut self, _view: View<'_>, random: &Random) -> Result<(), Error> {
        // What a client sends here is not used.
        self.token_if_new = None;
        if let Some(token) = &self.token {
            self.token = Some(Secret::Hashed(token.hash()));
        } else {
            // Even for a bot that stands: it may be gone by the time this is run.
            let token = generate_token(self.bot_id, self.bound_app_id, random);
            self.token_if_new = Some(Secret::Hashed(TokenHash::of(&token)));
            self.shown = Some(token);
        }
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<BotRecord, Error> {
        let bot = self.outcome(turn.writer.state(), self.token_if_new.as_ref().map(Secret::hash))?;
        let before = turn.writer.state().bot(self.bot_id).map(|bot| bot.token);
        turn.events.extend(before.filter(|before| *before != bot.token).map(Event::TokenRevoked));
        let record = BotRecord::new(&bot, self.shown.filter(|_| before.is_none()));
        turn.writer.put_bot(bot);
        Ok(record)
    }
}

/// Refuses a grant in what does not exist.
fn stands(state: &State, grant: &Grant) -> Result<(), Error> {
    if let Grant::ShareManagement { user_id } = grant
        && state.user(*user_id).is_none()
    {
        return Err(Error::unknown_user(*user_id));
    }
    match grant.org_id() {
        Some(org_id) if state.organization(org_id).is_none() => Err(Error::unknown_organization(org_id)),
        _ => Ok(()),
    }
}

fn is_own_form(token: &str) -> bool {
    (ADMIN_TOKEN_CHARS_MIN..=ADMIN_TOKEN_CHARS_MAX).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

//! This is where users are made known, given passwords, listed and removed.

mod sessions;
mod sign_up;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::second_half;
use super::owned::{bound_email, used_up};
use super::page::{Page, PageEnd, page_fields};
use super::passwords::{NewPassword, bound_password};
use super::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::access::{Permission, View};
use crate::event::Event;
use crate::random::Random;
use crate::state::account::User;
use crate::state::bot::Grant;
use crate::state::email::EmailAddress;
use crate::state::id::UserId;
use crate::state::moment::Moment;
use crate::state::password::Password;
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;
use sessions::end_session;

pub use sessions::{LogIn, LogOut};
pub use sign_up::SignUp;

/// Makes a user known, or changes one; what is not given stays as it is. A new password ends the user's sessions.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetUser {
    /// The user; where it is left out, a new one gets the next id.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// The email address, which a new user needs.
    #[schemars(with = "Option<EmailAddress>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_email: Option<Text>,
    /// The password; a user without one cannot log in.
    #[schemars(with = "Option<NewPassword>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Password>,
}

/// Removes a user with all that is theirs: chats and shares, places on the lists of others, sessions, and what bots were granted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveUser {
    user_id: UserId,
}

/// Lists the users by id, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetUsers {
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserRecord {
    pub(crate) user_id: UserId,
    pub(crate) primary_email: Box<str>,
    /// Whether the user can log in.
    pub(crate) has_password: bool,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// The user who was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedUser {
    pub(crate) user_id: UserId,
}

/// A page of the users.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Users {
    pub(crate) users: Vec<UserRecord>,
    #[serde(flatten)]
    pub(crate) end: PageEnd,
}

impl Reply for UserRecord {}
impl Reply for RemovedUser {}

impl Reply for Users {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { users: second_half(&mut self.users)?, end: self.end.hand_on() })
    }
}

impl UserRecord {
    fn new(user: &User) -> Self {
        let User { user_id, primary_email, password, password_no: _, created_at, updated_at } = user.clone();
        Self { user_id, primary_email, has_password: password.is_some(), created_at, updated_at }
    }
}

impl Method for SetUser {
    const CALL: Call =
        Call::new("setUser", "setUser_ack", "makes a user known, or changes the email address or password");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Users;
    const REFUSES: &[Code] = &[Code::NotFound, Code::Conflict];
    type Reply = UserRecord;

    fn validate(&mut self) -> Result<(), Error> {
        if let Some(email) = &self.primary_email {
            bound_email("primary_email", email)?;
        }
        self.password.as_ref().map_or(Ok(()), |password| bound_password("password", password))
    }
}

impl SetUser {
    /// The user as they stand, and as this message would leave them, where the state allows that.
    fn outcome(&self, view: View<'_>) -> Result<(Option<User>, User), Error> {
        let standing = self.user_id.and_then(|id| view.state.user(id).map(|user| user.clone()));
        let mut user = match &standing {
            Some(user) => user.clone(),
            None => self.newcomer(view)?,
        };
        if let Some(Text(email)) = &self.primary_email {
            if view.state.user_by_email(email).is_some_and(|other| other != user.user_id) {
                return Err(taken());
            }
            user.primary_email = email.clone();
        }
        if let Some(hash) = self.password.as_ref().and_then(Password::hash) {
            user.set_password(hash.clone());
        }
        if standing.as_ref() != Some(&user) {
            user.updated_at = view.now();
        }
        Ok((standing, user))
    }

    fn newcomer(&self, view: View<'_>) -> Result<User, Error> {
        let Some(Text(email)) = &self.primary_email else {
            let missing = || Error::field("primary_email", "is missing; a new user needs one");
            return Err(self.user_id.map_or_else(missing, Error::unknown_user));
        };
        let next = || view.state.last_ids().next_user().ok_or_else(|| used_up("user"));
        Ok(User::new(self.user_id.map_or_else(next, Ok)?, email.clone(), view.now()))
    }
}

/// Somebody has the email address.
pub(super) fn taken() -> Error {
    Error::new(Code::Conflict, "another user has this email address")
}

impl Alter for SetUser {
    fn is_heavy(&self) -> bool {
        self.password.is_some()
    }

    fn check(&mut self, view: View<'_>) -> Result<Verdict<UserRecord>, Error> {
        let (standing, user) = self.outcome(view)?;
        let same = self.password.is_none() && standing.as_ref() == Some(&user);
        Ok(if same { Verdict::Unchanged(UserRecord::new(&user)) } else { Verdict::Proceed })
    }

    fn prepare(&mut self, _view: View<'_>, random: &Random) -> Result<(), Error> {
        self.password = self.password.take().map(|password| password.hashed(&random.salt()));
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<UserRecord, Error> {
        let (standing, user) = self.outcome(turn.view())?;
        let record = UserRecord::new(&user);
        if standing.as_ref() == Some(&user) {
            return Ok(record);
        }
        if self.password.is_some() {
            let sessions = turn.writer.state().sessions_of(user.user_id);
            sessions.iter().for_each(|token| end_session(turn, token));
        }
        turn.writer.put_user(user);
        Ok(record)
    }
}

impl Method for RemoveUser {
    const CALL: Call = Call::new("removeUser", "removeUser_ack", "removes a user with all that is theirs");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Users;
    const REFUSES: &[Code] = &[Code::NotFound];
    type Reply = RemovedUser;
}

impl Alter for RemoveUser {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<RemovedUser>, Error> {
        view.state.user(self.user_id).map(|_| Verdict::Proceed).ok_or_else(|| Error::unknown_user(self.user_id))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedUser, Error> {
        let user_id = self.user_id;
        let (_, sessions) = turn.writer.remove_user(user_id).ok_or_else(|| Error::unknown_user(user_id))?;
        turn.events.extend(sessions.into_iter().map(Event::TokenRevoked));
        let grant = Grant::ShareManagement { user_id };
        for bot_id in turn.writer.state().bot_ids() {
            let granted = turn.writer.state().bot(bot_id).filter(|bot| bot.grants.contains(&grant));
            let bot = granted.map(|bot| bot.clone());
            if let Some(bot) = bot {
                turn.writer.put_bot(bot.with_grants(|other| *other != grant));
            }
        }
        Ok(RemovedUser { user_id })
    }
}

impl Method for GetUsers {
    const CALL: Call = Call::new("getUsers", "getUsersResponse", "lists the users by pages");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Users;
    type Reply = Users;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetUsers {
    fn answer(&self, view: View<'_>) -> Result<Users, Error> {
        let (ids, end) = self.page()?.cut_ids(&view.state.user_ids());
        let users = ids.into_iter().filter_map(|id| view.state.user(id).map(|user| UserRecord::new(&user)));
        Ok(Users { users: users.collect(), end })
    }
}

impl GetUsers {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}

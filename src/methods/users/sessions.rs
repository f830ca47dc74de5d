//! This is where users sign in and out: what they get is a session, whose token is shown once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Permission, View};
use crate::config::{SESSION_MS, SESSIONS_PER_USER_MAX};
use crate::event::Event;
use crate::methods::owned::bound_email;
use crate::methods::passwords::bound_secret;
use crate::methods::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::random::Random;
use crate::state::account::{Session, User};
use crate::state::email::EmailAddress;
use crate::state::id::UserId;
use crate::state::moment::Moment;
use crate::state::password::{Password, PasswordHash};
use crate::state::token::{Secret, TokenHash};
use crate::wire::error::{Code, Error};
use crate::wire::fields::Text;
use crate::wire::frame::Reply;

/// Characters of a session's token, some 256 random bits.
const TOKEN_CHARS: usize = 43;

/// Signs a user in. What was sent is not journaled, only that it was right: who signed in, and with which of their passwords.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogIn {
    #[schemars(with = "EmailAddress", required)]
    #[serde(skip_serializing)]
    email: Option<Text>,
    #[schemars(with = "Password", required)]
    #[serde(skip_serializing)]
    password: Option<Password>,
    /// Prepared, as all that follows; what a client sends here is not used.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// An id may be given again to somebody else, who must not be signed in with the password of the one before.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    known_since: Option<Moment>,
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    password_no: Option<u64>,
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Secret>,
    /// The token of the session, to be shown; lives from `prepare` to `run` and is never written.
    #[serde(skip)]
    shown: Option<String>,
}

/// Ends a session; its token is void.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogOut {
    /// The token that `logIn` or `signUp` showed.
    session: Secret,
}

/// Who is signed in, and the token that says so.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignedIn {
    pub(crate) user: SignedInUser,
    #[serde(rename = "loggedInAt")]
    pub(crate) logged_in_at: Moment,
    /// The session's token, shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// When the session ends by itself.
    pub(crate) expires_at: Moment,
}

/// The user who is signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SignedInUser {
    pub(crate) id: UserId,
    pub(crate) primary_email: Box<str>,
}

/// Nobody is signed in any more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignedOut {}

impl Reply for SignedIn {}
impl Reply for SignedOut {}

impl SignedIn {
    /// The token, where it is shown.
    pub fn token(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// A token for a session, hashed and in clear.
pub(super) fn new_token(random: &Random) -> (Secret, String) {
    let token = random.alphanumeric(TOKEN_CHARS);
    (Secret::Hashed(TokenHash::of(&token)), token)
}

/// Begins a session of a user; those that are over go, and where there are too many, the oldest.
pub(super) fn begin_session(turn: &mut Turn<'_>, user: &User, token: &Secret, shown: Option<String>) -> SignedIn {
    let now = turn.now();
    let state = turn.writer.state();
    let is_over = |token: &TokenHash| state.session(token).is_none_or(|session| session.is_over(now));
    let (over, standing): (Vec<_>, Vec<_>) = state.sessions_of(user.user_id).into_iter().partition(is_over);
    let excess = (standing.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
    over.iter().chain(&standing[..excess]).for_each(|token| end_session(turn, token));
    let expires_at = now.plus_ms(SESSION_MS);
    turn.writer.put_session(Session { token: token.hash(), user_id: user.user_id, created_at: now, expires_at });
    let user = SignedInUser { id: user.user_id, primary_email: user.primary_email.clone() };
    SignedIn { user, logged_in_at: now, session: shown, expires_at }
}

/// Ends a session: whoever came in with its token has to go.
pub(super) fn end_session(turn: &mut Turn<'_>, token: &TokenHash) {
    turn.writer.remove_session(token);
    turn.events.push(Event::TokenRevoked(*token));
}

impl Method for LogIn {
    const CALL: Call = Call::new("logIn", "logIn_ack", "signs a user in");
    const NEEDS: Permission = Permission::Anyone;
    const NOUN: Noun = Noun::Users;
    const REFUSES: &[Code] = &[Code::NotAuthenticated];
    type Reply = SignedIn;

    fn validate(&mut self) -> Result<(), Error> {
        let email = self.email.as_ref().ok_or_else(|| Error::field("email", "is missing"))?;
        bound_email("email", email)?;
        let password = self.password.as_ref().ok_or_else(|| Error::field("password", "is missing"))?;
        bound_secret("password", password)
    }
}

impl Alter for LogIn {
    fn is_heavy(&self) -> bool {
        true
    }

    fn guessed(&self) -> Option<&str> {
        self.email.as_ref().map(|email| &*email.0)
    }

    /// Refuses nothing: whether there is such a user at all is found out together with whether the password is right.
    fn check(&mut self, _view: View<'_>) -> Result<Verdict<SignedIn>, Error> {
        Ok(Verdict::Proceed)
    }

    fn prepare(&mut self, view: View<'_>, random: &Random) -> Result<(), Error> {
        let user = self.email.take().and_then(|email| view.state.user_by_email(&email.0));
        // Not under a guard while the password is checked, which takes long.
        let user = user.and_then(|id| view.state.user(id).map(|user| user.clone()));
        let hash = user.as_ref().and_then(|user| user.password.clone()).unwrap_or_else(PasswordHash::of_nobody);
        let is_right = matches!(self.password.take(), Some(Password::Clear(clear)) if hash.verifies(&clear));
        let user = user.filter(|_| is_right).ok_or_else(wrong)?;
        let (session, token) = new_token(random);
        (self.user_id, self.known_since) = (Some(user.user_id), Some(user.created_at));
        self.password_no = Some(user.password_no);
        (self.session, self.shown) = (Some(session), Some(token));
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<SignedIn, Error> {
        let token = self.session.ok_or_else(|| Error::field("session", "was not prepared"))?;
        let user = self.user_id.and_then(|id| turn.writer.state().user(id).map(|user| user.clone()));
        // The password may have changed since it was checked.
        let checked =
            |user: &User| (self.known_since, self.password_no) == (Some(user.created_at), Some(user.password_no));
        let user = user.filter(checked).ok_or_else(wrong)?;
        Ok(begin_session(turn, &user, &token, self.shown))
    }
}

/// The refusal of a log-in, which does not say what was wrong.
fn wrong() -> Error {
    Error::new(Code::NotAuthenticated, "the email address or the password is wrong")
}

impl Method for LogOut {
    const CALL: Call = Call::new("logOut", "logOut_ack", "ends a session");
    const NEEDS: Permission = Permission::Anyone;
    const NOUN: Noun = Noun::Users;
    const REFUSES: &[Code] = &[Code::NotAuthenticated];
    type Reply = SignedOut;

    fn validate(&mut self) -> Result<(), Error> {
        match self.session {
            Secret::Clear(_) => Ok(()),
            Secret::Hashed(_) => Err(Error::field("session", "must be a token, as a string")),
        }
    }
}

impl LogOut {
    fn refuse(&self, view: View<'_>) -> Result<(), Error> {
        let session = view.state.session(&self.session.hash());
        let stands = session.is_some_and(|session| !session.is_over(view.now()));
        if stands { Ok(()) } else { Err(Error::new(Code::NotAuthenticated, "there is no such session, or it is over")) }
    }
}

impl Alter for LogOut {
    fn ends_token(&self) -> bool {
        true
    }

    fn check(&mut self, view: View<'_>) -> Result<Verdict<SignedOut>, Error> {
        self.refuse(view).map(|()| Verdict::Proceed)
    }

    fn prepare(&mut self, _view: View<'_>, _random: &Random) -> Result<(), Error> {
        self.session = Secret::Hashed(self.session.hash());
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<SignedOut, Error> {
        self.refuse(turn.view())?;
        end_session(turn, &self.session.hash());
        Ok(SignedOut {})
    }
}

//! This is where strangers become users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sessions::{SignedIn, begin_session, new_token};
use super::taken;
use crate::access::{Permission, View};
use crate::methods::owned::{bound_email, used_up};
use crate::methods::passwords::{NewPassword, bound_password};
use crate::methods::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::random::Random;
use crate::state::account::User;
use crate::state::email::EmailAddress;
use crate::state::password::Password;
use crate::state::token::Secret;
use crate::wire::error::{Code, Error};
use crate::wire::fields::Text;

/// Makes a user known who chooses a password, and signs them in.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SignUp {
    /// An address that no other user has.
    #[schemars(with = "EmailAddress")]
    email: Text,
    #[schemars(with = "NewPassword")]
    password: Password,
    /// The same password again, where given.
    #[schemars(with = "Option<NewPassword>")]
    #[serde(rename = "confirmPassword", skip_serializing)]
    confirm_password: Option<Password>,
    /// Prepared; what a client sends here is not used.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Secret>,
    /// The token of the session, to be shown; lives from `prepare` to `run` and is never written.
    #[serde(skip)]
    shown: Option<String>,
}

impl Method for SignUp {
    const CALL: Call = Call::new("signUp", "signUp_ack", "makes a user known, who is then signed in");
    const NEEDS: Permission = Permission::Anyone;
    const NOUN: Noun = Noun::Users;
    const REFUSES: &[Code] = &[Code::Conflict, Code::PermissionMissing];
    type Reply = SignedIn;

    fn validate(&mut self) -> Result<(), Error> {
        bound_email("email", &self.email)?;
        bound_password("password", &self.password)?;
        if self.confirm_password.as_ref().is_some_and(|confirmed| *confirmed != self.password) {
            return Err(Error::field("confirmPassword", "is another password"));
        }
        Ok(())
    }
}

impl SignUp {
    fn newcomer(&self, view: View<'_>) -> Result<User, Error> {
        if view.state.user_by_email(&self.email.0).is_some() {
            return Err(taken());
        }
        let user_id = view.state.last_ids().next_user().ok_or_else(|| used_up("user"))?;
        Ok(User::new(user_id, self.email.0.clone(), view.now()))
    }
}

impl Alter for SignUp {
    fn is_heavy(&self) -> bool {
        true
    }

    /// All sign-ups of one origin count together.
    fn guessed(&self) -> Option<&str> {
        Some(Self::CALL.method)
    }

    /// Refuses nothing: to hear that an address is taken is an attempt too, and counted.
    fn check(&mut self, _view: View<'_>) -> Result<Verdict<SignedIn>, Error> {
        Ok(Verdict::Proceed)
    }

    fn prepare(&mut self, view: View<'_>, random: &Random) -> Result<(), Error> {
        self.newcomer(view)?;
        let (session, token) = new_token(random);
        (self.session, self.shown) = (Some(session), Some(token));
        self.password = self.password.hashed(&random.salt());
        self.confirm_password = None;
        Ok(())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<SignedIn, Error> {
        let token = self.session.as_ref().ok_or_else(|| Error::field("session", "was not prepared"))?;
        let hash = self.password.hash().ok_or_else(|| Error::field("password", "was not prepared"))?;
        let mut user = self.newcomer(turn.view())?;
        user.set_password(hash.clone());
        turn.writer.put_user(user.clone());
        Ok(begin_session(turn, &user, token, self.shown))
    }
}

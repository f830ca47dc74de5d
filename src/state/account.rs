//! This is where users are described, and what is theirs: their chats, and the sessions in which they are signed in.

use serde::{Deserialize, Serialize};

use super::id::{ChatId, UserId};
use super::moment::Moment;
use super::password::PasswordHash;
use super::token::TokenHash;

/// Somebody with an email address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub user_id: UserId,
    /// Their email address, as it was given. No two users have the same one, folded (see [`fold()`](super::patterns::fold())).
    pub primary_email: Box<str>,
    /// What their password is checked against; without one nobody can sign in as them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// How often the password was changed: a sign-in that was checked against an earlier one does not count.
    pub password_no: u64,
    /// When they became known.
    pub created_at: Moment,
    /// When something about them was changed last.
    pub updated_at: Moment,
}

/// A chat, which its user may share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Its id.
    pub chat_id: ChatId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its name, for people.
    pub name: Box<str>,
    /// When it was made.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
}

/// A sign-in that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The hash of the token that the user shows.
    pub token: TokenHash,
    /// Who is signed in.
    pub user_id: UserId,
    /// When they signed in.
    pub created_at: Moment,
    /// From when on the token is void.
    pub expires_at: Moment,
}

impl User {
    /// A user without a password.
    pub fn new(user_id: UserId, primary_email: Box<str>, now: Moment) -> Self {
        Self { user_id, primary_email, password: None, password_no: 0, created_at: now, updated_at: now }
    }

    /// Gives the user another password.
    pub fn set_password(&mut self, password: PasswordHash) {
        self.password = Some(password);
        self.password_no += 1;
    }
}

impl Session {
    /// Whether the token is void by now.
    pub fn is_over(&self, now: Moment) -> bool {
        self.expires_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user_id() -> UserId {
        "1".parse().expect("1 is an id")
    }

    #[test]
    fn every_new_password_is_counted() {
        let mut user = User::new(user_id(), "amy@example.com".into(), Moment::of_ms(5));
        assert_eq!((user.password.is_some(), user.password_no), (false, 0));
        user.set_password(PasswordHash::of_nobody());
        user.set_password(PasswordHash::of_nobody());
        assert_eq!((user.password.is_some(), user.password_no), (true, 2));
    }

    #[test]
    fn a_session_is_over_at_the_very_moment_it_expires() {
        let (created_at, expires_at) = (Moment::of_ms(5), Moment::of_ms(9));
        let session = Session { token: TokenHash::of("x"), user_id: user_id(), created_at, expires_at };
        assert!(!session.is_over(Moment::of_ms(8)) && session.is_over(Moment::of_ms(9)));
    }

    #[test]
    fn accounts_are_read_back_as_they_were_written() {
        let now = Moment::of_ms(5);
        let mut user = User::new(user_id(), "Amy@Example.com".into(), now);
        let chat_id = "123".parse().expect("123 is an id");
        let chat = Chat { chat_id, user_id: user_id(), name: "plans".into(), created_at: now, updated_at: now };
        for _ in 0..2 {
            let written = serde_json::to_string(&(&user, &chat)).expect("accounts are written");
            let back: (User, Chat) = serde_json::from_str(&written).expect("accounts are read");
            assert_eq!(back, (user.clone(), chat.clone()));
            user.set_password(PasswordHash::of_nobody());
        }
    }
}

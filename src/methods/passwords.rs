//! This is where it is said which passwords are taken.

use std::fmt::Display;

use crate::config::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::schema::leaf::schema_of;
use crate::state::password::Password;
use crate::wire::error::Error;

/// The kinds of characters that a user's password must have, but this one has not.
pub fn lacking(password: &str) -> impl Iterator<Item = &'static str> {
    type Kind = (&'static str, fn(char) -> bool);
    const KINDS: [Kind; 4] = [
        ("lower-case letter", char::is_lowercase),
        ("capital letter", char::is_uppercase),
        ("digit", char::is_numeric),
        ("special character", |letter| !letter.is_alphanumeric()),
    ];
    KINDS.into_iter().filter(|(_, is_of_kind)| !password.contains(is_of_kind)).map(|(name, _)| name)
}

/// A password that a user may choose, in schemas: what [`bound_password`] takes.
pub struct NewPassword;

schema_of!(NewPassword, {
    "type": "string",
    "minLength": PASSWORD_CHARS_MIN,
    "maxLength": PASSWORD_CHARS_MAX,
    // A lower-case letter, a capital, a digit, a special character; which of the others are letters, not every reader knows.
    "allOf": [
        {"pattern": r"[^\x00-\x60\x7b-\x7f]"},
        {"pattern": r"[^\x00-\x40\x5b-\x7f]"},
        {"pattern": r"[^\x00-\x2f\x3a-\x7f]"},
        {"pattern": "[^0-9A-Za-z]"}
    ],
    "writeOnly": true
});

/// Refuses a password of a user that is easily guessed.
pub fn bound_password(path: impl Display, password: &Password) -> Result<(), Error> {
    let clear = in_clear(&path, password)?;
    let mixed = lacking(clear).next().is_none();
    if mixed && (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&clear.chars().count()) {
        return Ok(());
    }
    Err(Error::field(
        path,
        format_args!(
            "must have {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, among them a lower-case letter, a capital, \
             a digit and a special character"
        ),
    ))
}

/// Refuses a password of any other kind that is blank or too long.
pub fn bound_secret(path: impl Display, password: &Password) -> Result<(), Error> {
    let clear = in_clear(&path, password)?;
    if !clear.trim().is_empty() && clear.chars().count() <= PASSWORD_CHARS_MAX {
        return Ok(());
    }
    Err(Error::field(path, format_args!("must have 1 to {PASSWORD_CHARS_MAX} characters, and not spaces alone")))
}

/// A password as a client sends it; hashed ones are the journal's.
fn in_clear(path: impl Display, password: &Password) -> Result<&str, Error> {
    match password {
        Password::Clear(clear) => Ok(clear),
        Password::Hashed(_) => Err(Error::field(path, "must be a password, as a string")),
    }
}

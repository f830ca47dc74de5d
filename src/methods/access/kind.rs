//! This is where it is listed what can be asked about: the types of resources, and what can be done to each.

use crate::config::SIGNUP_ID_BYTES_MAX;
use crate::state::organization::OrgPermission;
use crate::wire::error::Error;

/// The one type of subject there is.
pub const USER: &str = "user";

/// A type of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An app: may a person `sign_up` to it?
    App,
    /// A share: may somebody read the chat?
    ChatShare,
    /// An organisation: has somebody a permission in it?
    Organization,
}

/// Refuses a type of subject that there is not.
pub fn is_user(kind: &str) -> Result<(), Error> {
    if kind == USER { Ok(()) } else { Err(Error::field("subject.type", "is not known; send \"user\"")) }
}

impl Kind {
    /// All there are.
    const ALL: [Self; 3] = [Self::App, Self::ChatShare, Self::Organization];

    /// The type of a name.
    pub fn of(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join("\", \"");
            Error::field("resource.type", format_args!("is not known; send one of \"{names}\""))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::ChatShare => "chat_share",
            Self::Organization => "organization",
        }
    }

    /// What can be done to it.
    pub fn actions(self) -> &'static [&'static str] {
        const PERMISSIONS: [&str; 4] = {
            let [a, b, c, d] = OrgPermission::ALL;
            [a.name(), b.name(), c.name(), d.name()]
        };
        match self {
            Self::App => &["sign_up"],
            Self::ChatShare => &["can_read"],
            Self::Organization => &PERMISSIONS,
        }
    }

    /// Refuses what cannot be done to it.
    pub fn knows(self, action: &str) -> Result<(), Error> {
        if self.actions().contains(&action) {
            return Ok(());
        }
        let (name, actions) = (self.name(), self.actions().join("\", \""));
        Err(Error::field(
            "action.name",
            format_args!("is nothing that is done to a resource of type \"{name}\"; send one of \"{actions}\""),
        ))
    }

    /// Refuses what nobody is known by who wants something of it.
    pub fn takes(self, subject: &str) -> Result<(), Error> {
        let known_by = match self {
            Self::App => "an email address or phone number",
            Self::ChatShare => "an email address or user id",
            Self::Organization => "an email address",
        };
        if subject.trim().is_empty() {
            return Err(Error::field("subject.id", format_args!("is empty; give {known_by}")));
        }
        let bytes = subject.len();
        if self == Self::App && bytes > SIGNUP_ID_BYTES_MAX {
            let message = format_args!("has {bytes} bytes; a sign-up id has at most {SIGNUP_ID_BYTES_MAX}");
            return Err(Error::field("subject.id", message));
        }
        Ok(())
    }
}

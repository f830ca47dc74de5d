//! This is where the gate stands: what each permission asks of each kind of caller.

use super::{About, Caller, Permission, Sender, View};
use crate::state::bot::Grant;
use crate::state::id::{AppId, BotId, KeyId, OrgId, UserId};
use crate::state::organization::OrgPermission;
use crate::wire::error::{Code, Error};

/// The gate: whether a caller may use a method that needs a permission, for what the message is about.
pub fn authorise(view: View<'_>, needs: Permission, about: &About) -> Result<(), Error> {
    match (needs, about) {
        (Permission::Anyone, _) => Ok(()),
        (Permission::SignupManagement, About::App(app_id)) => {
            let app_id = app_id.ok_or_else(|| {
                Error::field("app_id", "is missing, and the token is not bound to an app; name the app")
            })?;
            signup_management(view, app_id).map_err(|error| error.about(app_id))
        }
        (Permission::ShareManagement, About::User(user_id)) => share_management(view, *user_id),
        (Permission::OrgWhitelist, About::Organization(org_id)) => {
            let org_id = org_id.as_ref().ok_or_else(|| {
                Error::field("org_id", "is missing, and the caller is not of one organisation; name the organisation")
            })?;
            org_permission(view, org_id, OrgPermission::CanUseWhitelist)
        }
        (Permission::AskAccess, About::Resources) => known(view),
        // A method whose permission does not fit what it is about is for those who may do everything.
        _ => admin(view),
    }
}

/// Whether a caller may ask who gets at something.
pub fn may_ask_about(view: View<'_>, about: &About) -> Result<(), Error> {
    let needs = match about {
        About::App(_) => Permission::SignupManagement,
        About::User(_) => Permission::ShareManagement,
        About::Organization(_) => Permission::OrgWhitelist,
        About::Gateway | About::Resources => Permission::Admin,
    };
    authorise(view, needs, about)
}

impl View<'_> {
    /// Whether the caller may do everything.
    pub fn is_admin(&self) -> bool {
        match self.caller {
            Caller::Seed => true,
            Caller::Bot(id) => self.state.bot(id).is_some_and(|bot| bot.is_admin()),
            Caller::Anyone | Caller::User(_) | Caller::ApiKey(_) => false,
        }
    }

    /// Whether the caller holds a permission in an organisation, now.
    pub fn holds(&self, org_id: &OrgId, permission: OrgPermission) -> bool {
        match self.caller {
            Caller::Seed => true,
            Caller::Bot(id) => self.state.bot(id).is_some_and(|bot| bot.is_admin() || bot.holds(org_id, permission)),
            Caller::ApiKey(id) => self.member_of_key(id, org_id, permission).is_ok(),
            Caller::Anyone | Caller::User(_) => false,
        }
    }

    fn member_of_key(&self, key_id: KeyId, org_id: &OrgId, permission: OrgPermission) -> Result<(), Error> {
        let key = self.state.api_key(key_id).map(|key| key.clone()).ok_or_else(gone)?;
        if key.org_id != *org_id {
            return Err(Error::unknown_organization(org_id));
        }
        let organization = self.state.organization(org_id).ok_or_else(gone)?;
        let member = organization.member(&key.email).ok_or_else(gone)?;
        for needed in [OrgPermission::CanUseApi, permission] {
            if !member.holds(needed, self.now()) {
                return Err(Error::new(
                    Code::PermissionMissing,
                    format!(
                        "the api key's member lacks {needed} in organisation {org_id} now; another member who may use the whitelist \
                         grants it, or changes from when to when it holds"
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Sender<'_> {
    /// The organisation that a message is about where it names none: that of the api key, or the only one a bot was granted
    /// something in.
    pub fn organization(&self) -> Option<OrgId> {
        match self.view.caller {
            Caller::ApiKey(id) => self.view.state.api_key(id).map(|key| key.org_id.clone()),
            Caller::Bot(id) => self.view.state.bot(id).and_then(|bot| {
                let mut named = bot.grants.iter().filter_map(Grant::org_id);
                let first = named.next()?;
                named.all(|other| other == first).then(|| first.clone())
            }),
            Caller::Seed | Caller::Anyone | Caller::User(_) => None,
        }
    }
}

/// Whether the caller has a token that still stands for somebody.
fn known(view: View<'_>) -> Result<(), Error> {
    let stands = match view.caller {
        Caller::Seed => true,
        Caller::Anyone => return Err(anonymous()),
        Caller::Bot(id) => view.state.bot(id).is_some(),
        Caller::User(id) => view.state.user(id).is_some(),
        Caller::ApiKey(id) => view.state.api_key(id).is_some(),
    };
    if stands { Ok(()) } else { Err(gone()) }
}

fn admin(view: View<'_>) -> Result<(), Error> {
    known(view)?;
    if view.is_admin() {
        return Ok(());
    }
    Err(Error::new(
        Code::PermissionMissing,
        format!("{} lacks the permission \"admin\"; an administrator grants it with setBot", described(view.caller)),
    ))
}

fn signup_management(view: View<'_>, app_id: AppId) -> Result<(), Error> {
    let made_with_builder = view.state.app(app_id).ok_or_else(|| Error::unknown_app(app_id))?.settings.app_builder;
    match view.caller {
        Caller::Seed => {}
        Caller::Bot(id) => bot_in_app(view, id, app_id)?,
        Caller::Anyone | Caller::User(_) | Caller::ApiKey(_) => {
            known(view)?;
            return Err(Error::new(
                Code::PermissionMissing,
                format!(
                    "{} cannot have \"Signup Management\" in app {app_id}; that is granted to bots, with setBot",
                    described(view.caller)
                ),
            ));
        }
    }
    if made_with_builder {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!(
            "app {app_id} was not made with the app builder, and only such apps have lists (see app_builder in setApp)"
        ),
    ))
}

fn bot_in_app(view: View<'_>, id: BotId, app_id: AppId) -> Result<(), Error> {
    let bot = view.state.bot(id).ok_or_else(gone)?;
    if bot.is_admin() {
        return Ok(());
    }
    if !bot.is_in(app_id) {
        return Err(Error::new(
            Code::NotInApp,
            format!("bot {id} is not in app {app_id}; an administrator adds it with setBot"),
        ));
    }
    if !bot.grants.contains(&Grant::SignupManagement { app_id }) {
        return Err(Error::new(
            Code::PermissionMissing,
            format!("bot {id} lacks \"Signup Management\" in app {app_id}; an administrator grants it with setBot"),
        ));
    }
    Ok(())
}

fn share_management(view: View<'_>, user_id: UserId) -> Result<(), Error> {
    known(view)?;
    match view.caller {
        Caller::Seed => Ok(()),
        Caller::User(id) if id == user_id => Ok(()),
        // Whether there is such a user is nobody else's business: what is foreign looks like what is missing.
        Caller::User(_) => Err(Error::unknown_user(user_id)),
        Caller::Bot(id) => {
            let bot = view.state.bot(id).ok_or_else(gone)?;
            if bot.is_admin() || bot.grants.contains(&Grant::ShareManagement { user_id }) {
                return Ok(());
            }
            Err(Error::new(
                Code::PermissionMissing,
                format!(
                    "bot {id} lacks \"share_management\" of user {user_id}; an administrator grants it with setBot"
                ),
            ))
        }
        Caller::Anyone | Caller::ApiKey(_) => Err(Error::new(
            Code::PermissionMissing,
            format!(
                "{} cannot manage the shares of a user; the user can, and bots that were granted it",
                described(view.caller)
            ),
        )),
    }
}

fn org_permission(view: View<'_>, org_id: &OrgId, permission: OrgPermission) -> Result<(), Error> {
    known(view)?;
    match view.caller {
        Caller::Seed => Ok(()),
        Caller::ApiKey(id) => view.member_of_key(id, org_id, permission),
        Caller::Bot(_) | Caller::User(_) | Caller::Anyone if view.holds(org_id, permission) => Ok(()),
        Caller::Bot(id) => Err(Error::new(
            Code::PermissionMissing,
            format!("bot {id} lacks {permission} in organisation {org_id}; an administrator grants it with setBot"),
        )),
        Caller::Anyone | Caller::User(_) => Err(Error::new(
            Code::PermissionMissing,
            format!(
                "{} holds nothing in organisation {org_id}; api keys of its members do, and bots",
                described(view.caller)
            ),
        )),
    }
}

/// A caller, as people call it.
fn described(caller: Caller) -> String {
    match caller {
        Caller::Seed => "the seed".to_owned(),
        Caller::Anyone => "somebody without a token".to_owned(),
        Caller::Bot(id) => format!("bot {id}"),
        Caller::User(id) => format!("user {id}"),
        Caller::ApiKey(id) => format!("api key {id}"),
    }
}

fn anonymous() -> Error {
    Error::new(Code::NotAuthenticated, "a token is needed; send one as `Authorization: Bearer …`")
}

fn gone() -> Error {
    Error::new(
        Code::NotAuthenticated,
        "the token is void, for its owner was removed; ask an administrator for a new one",
    )
}

//! This is where people get on the whitelists of organisations.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::whitelist::{OneMember, keep_a_holder, resolve, resolved};
use crate::access::{About, Permission, Sender, View};
use crate::config::{MEMBERS_MAX, NAME_BYTES_MAX};
use crate::methods::owned::{bound_email, used_up};
use crate::methods::{Alter, Call, Method, Noun, Turn, Verdict};
use crate::state::email::EmailAddress;
use crate::state::id::OrgId;
use crate::state::moment::Moment;
use crate::state::organization::{Member, OrgPermission, Permissions};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Many, Text};

/// Adds a member to an organisation's whitelist. One who stands on it is replaced and keeps the id, unless `create_only` says
/// that this is to be refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddToOrgWhitelist {
    /// The organisation; where it is left out, the one that the caller is of.
    org_id: Option<OrgId>,
    /// The full name.
    #[schemars(extend("pattern" = r"\S", "maxLength" = NAME_BYTES_MAX))]
    name: Text,
    #[schemars(with = "EmailAddress")]
    email: Text,
    /// What the member may do; `can_read` is always among it.
    #[serde(deserialize_with = "permissions")]
    #[schemars(schema_with = "permissions_schema")]
    permissions: Permissions,
    /// From when on.
    start_date: Moment,
    /// Until just before when; where it is left out, for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<Moment>,
    /// Whether to refuse this where the address is on the whitelist already.
    #[serde(skip_serializing_if = "Option::is_none")]
    create_only: Option<bool>,
}

/// Permissions: an array of their names in any order, or a single one.
fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
    Many::<OrgPermission>::deserialize(deserializer).map(|many| many.0.into_iter().collect())
}

fn permissions_schema(generator: &mut SchemaGenerator) -> Schema {
    let permission = generator.subschema_for::<OrgPermission>();
    let can_read = OrgPermission::CanRead.name();
    let several = json_schema!({"type": "array", "items": permission, "contains": {"const": can_read}});
    json_schema!({"anyOf": [several, {"const": can_read}]})
}

impl Method for AddToOrgWhitelist {
    const CALL: Call = Call::new(
        "addToOrgWhitelist",
        "addToOrgWhitelist_ack",
        "lets somebody into an organisation, with permissions, from a moment on and perhaps until another",
    );
    const NEEDS: Permission = Permission::OrgWhitelist;
    const NOUN: Noun = Noun::Organizations;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = OneMember;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.org_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        if self.name.0.trim().is_empty() || self.name.0.len() > NAME_BYTES_MAX {
            return Err(Error::field("name", format_args!("must be the full name, of at most {NAME_BYTES_MAX} bytes")));
        }
        bound_email("email", &self.email)?;
        if !self.permissions.contains(OrgPermission::CanRead) {
            return Err(Error::field("permissions", "must have can_read in them, without which nobody gets in"));
        }
        if self.end_date.is_some_and(|end| end <= self.start_date) {
            return Err(Error::field("end_date", "must be later than start_date; leave it out for no end"));
        }
        Ok(())
    }
}

impl AddToOrgWhitelist {
    /// The same, refused where the address is on the whitelist already.
    pub fn only_if_new(self) -> Self {
        Self { create_only: Some(true), ..self }
    }

    /// The member as this message would leave it, and whether that is a change.
    fn outcome(&self, view: View<'_>) -> Result<(Member, bool), Error> {
        let org_id = resolved(self.org_id.as_ref());
        self.grants_only_what_is_held(view, org_id)?;
        let organization = view.state.organization(org_id).ok_or_else(|| Error::unknown_organization(org_id))?;
        let Some(standing) = organization.member(&self.email.0) else {
            return self.as_new(view, organization.len()).map(|member| (member, true));
        };
        if self.create_only == Some(true) {
            let message = "the address is on the whitelist already; without create_only its entry is replaced";
            return Err(Error::new(Code::Conflict, message));
        }
        let after = self.applied_to(standing);
        if after == *standing {
            return Ok((after, false));
        }
        keep_a_holder(&organization, &self.email.0, Some(&after), view.now())?;
        Ok((Member { updated_at: view.now(), ..after }, true))
    }

    fn grants_only_what_is_held(&self, view: View<'_>, org_id: &OrgId) -> Result<(), Error> {
        let lacked = self.permissions.iter().find(|permission| !view.holds(org_id, *permission));
        lacked.map_or(Ok(()), |lacked| {
            let message = format!("nobody grants in organisation {org_id} what they do not hold there now: {lacked}");
            Err(Error::new(Code::PermissionMissing, message))
        })
    }

    fn as_new(&self, view: View<'_>, members: usize) -> Result<Member, Error> {
        if members >= MEMBERS_MAX {
            let message = format!("an organisation has at most {MEMBERS_MAX} members; remove some first");
            return Err(Error::new(Code::TooLarge, message));
        }
        let next = view.state.last_ids().next_member();
        let member_id = next.ok_or_else(|| used_up("member"))?;
        Ok(Member {
            member_id,
            name: self.name.0.clone(),
            email: self.email.0.clone(),
            permissions: self.permissions,
            start_date: self.start_date,
            end_date: self.end_date,
            created_at: view.now(),
            updated_at: view.now(),
        })
    }

    fn applied_to(&self, standing: &Member) -> Member {
        Member {
            name: self.name.0.clone(),
            permissions: self.permissions,
            start_date: self.start_date,
            end_date: self.end_date,
            ..standing.clone()
        }
    }
}

impl Alter for AddToOrgWhitelist {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<OneMember>, Error> {
        let (member, changed) = self.outcome(view)?;
        if changed {
            return Ok(Verdict::Proceed);
        }
        let org_id = resolved(self.org_id.as_ref()).clone();
        Ok(Verdict::Unchanged(OneMember::new(org_id, &member, view.now())))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<OneMember, Error> {
        let (member, _) = self.outcome(turn.view())?;
        let org_id = resolved(self.org_id.as_ref()).clone();
        let record = OneMember::new(org_id.clone(), &member, turn.now());
        turn.writer.put_member(&org_id, member);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::state::Writer;
    use crate::state::organization::{OrgSettings, Organization};

    fn message(email: &str) -> AddToOrgWhitelist {
        AddToOrgWhitelist {
            org_id: Some("acme".parse().expect("a plain name is an id")),
            name: Text("Somebody".into()),
            email: Text(email.into()),
            permissions: [OrgPermission::CanRead].into_iter().collect(),
            start_date: Moment::of_ms(0),
            end_date: None,
            create_only: None,
        }
    }

    #[test]
    fn a_full_whitelist_takes_nobody_more_but_those_who_stand() {
        let mut writer = Writer::default();
        let (org_id, epoch) = ("acme".parse().expect("a plain name is an id"), Moment::of_ms(0));
        let settings = OrgSettings { org_id, name: "Acme".into(), created_at: epoch, updated_at: epoch };
        writer.put_organization(Organization::new(settings));
        for n in 0..MEMBERS_MAX {
            let (mut events, email) = (Vec::new(), format!("u{n}@example.com"));
            let mut turn = Turn { writer: &mut writer, events: &mut events, caller: Caller::Seed, at_ms: 0 };
            message(&email).run(&mut turn).expect("there is room");
        }
        let view = View::new(writer.state(), Caller::Seed, 0);
        let refused = message("one-more@example.com").check(view).expect_err("there is no room");
        assert_eq!(refused.code, Code::TooLarge);
        let renamed = AddToOrgWhitelist { name: Text("Somebody else".into()), ..message("U7@example.com") };
        assert!(matches!({ renamed }.check(view), Ok(Verdict::Proceed)));
        assert!(matches!(message("u7@example.com").check(view), Ok(Verdict::Unchanged(_))));
    }
}
